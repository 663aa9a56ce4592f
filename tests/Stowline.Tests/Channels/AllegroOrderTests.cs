using System.Text;
using System.Text.Json.Nodes;
using Stowline.Hub.Channels;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Channels;

/// Goal: each order of Allegro becomes one order here, whatever its events do (S7). Method: the documented checkout form and the reported behaviors of the event log, played by the double.
[Trait("Needs", "server")]
public class AllegroOrderTests
{
    private static string Documented => ChannelFiles.Read("allegro", "checkout-form.official-docs-example.json");

    private static JsonNode Form(string id, string status = "READY_FOR_PROCESSING", string sku = "AH-129834", Action<JsonNode>? change = null)
    {
        var form = JsonNode.Parse(Documented)!;
        (form["id"], form["status"], form["lineItems"]![0]!["offer"]!["external"]!["id"]) = (id, status, sku);
        change?.Invoke(form);
        return form;
    }

    private static async Task<ChannelNode> StartAsync(string store)
    {
        var node = await ChannelNode.StartAsync(store, settings: new ChannelSettings { Stock = false });
        await node.Hub.ProductsAsync("AH-129834");
        await node.Hub.GrantAsync("WH1", "AH-129834", 5);
        await node.PassAsync(TimeSpan.FromSeconds(12)); // it has found out where the event log ends
        return node;
    }

    private static async Task<IReadOnlyList<string>> OrdersAsync(ChannelNode node) =>
        [.. (await node.Hub.Test.Database.ReadAsync(s => ReadChannel.OrdersAsync(s, ChannelNode.Code))).Select(o => $"{o.ExternalId}:{o.Status}").Order(StringComparer.Ordinal)];

    [PayloadTheory, EveryDatabase]
    public async Task The_documented_form_becomes_an_order_with_customer_address_price_and_pickup_point(string store)
    {
        await using var node = await StartAsync(store);
        var id = JsonNode.Parse(Documented)!["id"]!.ToString();
        node.Allegro.Forms[id] = JsonNode.Parse(Documented)!;
        node.Allegro.Happens("100", "READY_FOR_PROCESSING", id);
        await node.PassAsync(TimeSpan.FromSeconds(12));

        var order = await node.Hub.ReadAsync($"{ChannelNode.Code}:{id}");
        Assert.Equal((OrderStatus.Allocated, "123.45 PLN", "AH-129834"), (order.Status, order.Total.ToString(), order.Lines![0].Sku));
        Assert.Equal(("Jan Kowalski", "user-email@allegro.pl", "555-444-555"), (order.Customer!.Name, order.Customer.Email, order.Customer.Phone));
        Assert.Equal(("Grunwaldzka 108", "Paczkomat POZ08A", "Poznań", "60-166", "PL"), (order.ShipTo!.Line1, order.ShipTo.Line2, order.ShipTo.City, order.ShipTo.PostalCode, order.ShipTo.Country));
        Assert.Contains("Please send me an item in red color", order.Note, StringComparison.Ordinal);
        await node.Hub.Test.VerifyAsync();
    }

    [PayloadTheory, EveryDatabase]
    public async Task Repeated_reordered_and_simultaneous_events_make_one_order(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Forms["form-1"] = Form("form-1");
        // Out of order (#1553), a second FILLED_IN after the end (#2357), the same event again, all in one instant (#6089).
        foreach (var (id, type) in new[] { ("3", "FILLED_IN"), ("1", "BOUGHT"), ("2", "READY_FOR_PROCESSING"), ("2", "READY_FOR_PROCESSING"), ("4", "FILLED_IN") }) node.Allegro.Happens(id, type, "form-1");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        node.Allegro.Happens("5", "READY_FOR_PROCESSING", "form-1"); // and once more later, as for extended payment terms
        await node.PassAsync(TimeSpan.FromSeconds(12));
        Assert.Equal(["form-1:Allocated"], await OrdersAsync(node));
        Assert.Equal(4, await node.Hub.AvailableAsync("AH-129834"));
    }

    [PayloadTheory, EveryDatabase]
    public async Task An_order_is_taken_when_its_form_is_ready_and_not_before(string store)
    {
        await using var node = await StartAsync(store);
        // Only bought: nothing yet. Two bought orders merged at payment: the third form is the one that becomes ready (#1553).
        node.Allegro.Forms["bought-1"] = Form("bought-1", "BOUGHT");
        node.Allegro.Forms["bought-2"] = Form("bought-2", "FILLED_IN");
        node.Allegro.Happens("1", "BOUGHT", "bought-1");
        node.Allegro.Happens("2", "FILLED_IN", "bought-2");
        // The event says that it is ready, and the form is shown as it was before, without an address (#2700).
        node.Allegro.Forms["stale"] = Form("stale", "FILLED_IN", change: f => f["delivery"]!.AsObject().Remove("address"));
        node.Allegro.Happens("3", "READY_FOR_PROCESSING", "stale");
        // The form of an event is not there yet (#589).
        node.Allegro.Forms["late"] = Form("late");
        node.Allegro.NotYet["late"] = 2;
        node.Allegro.Happens("4", "READY_FOR_PROCESSING", "late");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        Assert.Empty(await OrdersAsync(node));
        Assert.Equal(2, await node.ReadAsync<long>("SELECT COUNT(*) FROM channel_waiting_orders"));

        node.Allegro.Forms["merged"] = Form("merged");
        node.Allegro.Happens("5", "READY_FOR_PROCESSING", "merged");
        node.Allegro.Forms["stale"] = Form("stale", change: f => f["delivery"]!.AsObject().Remove("address"));
        await node.PassAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(4));
        Assert.Equal(["late:Allocated", "merged:Allocated", "stale:Allocated"], await OrdersAsync(node));
        Assert.Equal("Grunwaldzka 108", (await node.Hub.ReadAsync($"{ChannelNode.Code}:stale")).ShipTo!.Line1);
        Assert.Equal(0, await node.ReadAsync<long>("SELECT COUNT(*) FROM channel_waiting_orders"));
    }

    [PayloadTheory, EveryDatabase]
    public async Task An_order_whose_event_never_comes_is_found_and_a_cancelled_one_is_cancelled(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Forms["silent"] = Form("silent"); // ready without an event (#8586, #8856)
        node.Allegro.Forms["gone"] = Form("gone");
        node.Allegro.Happens("1", "READY_FOR_PROCESSING", "gone");
        await node.PassAsync(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(5));
        Assert.Equal(["gone:Allocated", "silent:Allocated"], await OrdersAsync(node));

        node.Allegro.Forms["gone"] = Form("gone", "CANCELLED");
        node.Allegro.Happens("2", "BUYER_CANCELLED", "gone");
        // Cancelled before it was ever taken (the event may come before READY_FOR_PROCESSING): nothing to do.
        node.Allegro.Forms["never"] = Form("never", "CANCELLED");
        node.Allegro.Happens("3", "BUYER_CANCELLED", "never");
        node.Allegro.Happens("4", "READY_FOR_PROCESSING", "never");
        await node.PassAsync(TimeSpan.FromSeconds(15));
        Assert.Equal(["gone:Cancelling", "silent:Allocated"], await OrdersAsync(node)); // the site has not answered: no site runs here
        Assert.Equal(0, await node.ReadAsync<long>("SELECT COUNT(*) FROM channel_waiting_orders"));
    }

    [PayloadTheory, EveryDatabase]
    public async Task A_cancellation_that_is_shown_late_is_waited_for_and_nothing_is_placed_meanwhile(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Forms["here"] = Form("here");
        node.Allegro.Happens("1", "READY_FOR_PROCESSING", "here");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        // Both are cancelled and shown as they were before; of one the payment's event comes after that (#3085, #5900).
        foreach (var form in new[] { "new", "odd" }) node.Allegro.Forms[form] = Form(form);
        node.Allegro.Happens("2", "BUYER_CANCELLED", "here");
        node.Allegro.Happens("3", "AUTO_CANCELLED", "new");
        node.Allegro.Happens("4", "BUYER_CANCELLED", "odd");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        node.Allegro.Happens("5", "READY_FOR_PROCESSING", "new");
        await node.PassAsync(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(5)); // also the list of what is ready shows them
        Assert.Equal(["here:Allocated"], await OrdersAsync(node));
        Assert.Equal(3, await node.ReadAsync<long>("SELECT COUNT(*) FROM channel_waiting_orders"));

        foreach (var form in new[] { "here", "new" }) node.Allegro.Forms[form] = Form(form, "CANCELLED");
        await node.PassAsync(TimeSpan.FromMinutes(11), TimeSpan.FromSeconds(20));
        Assert.Equal(["here:Cancelling"], await OrdersAsync(node));
        Assert.Equal("odd", await node.ReadAsync<string>("SELECT external_id FROM channel_waiting_orders"));
        // After a day the form is right: it was sold.
        await node.PassAsync(TimeSpan.FromHours(24.5), TimeSpan.FromMinutes(9));
        Assert.Equal(["here:Cancelling", "odd:Allocated"], await OrdersAsync(node));
        Assert.Equal(0, await node.ReadAsync<long>("SELECT COUNT(*) FROM channel_waiting_orders"));
    }

    [PayloadTheory, EveryDatabase]
    public async Task A_cancellation_whose_event_never_comes_is_found(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Forms["gone"] = Form("gone");
        node.Allegro.Happens("1", "READY_FOR_PROCESSING", "gone");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        node.Allegro.Forms["gone"] = Form("gone", "CANCELLED");
        await node.PassAsync(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(10));
        Assert.Equal(["gone:Cancelling"], await OrdersAsync(node));
    }

    [PayloadTheory, EveryDatabase]
    public async Task Orders_go_on_coming_though_somebody_sets_the_clock_back(string store)
    {
        await using var node = await StartAsync(store);
        await node.PassAsync(TimeSpan.FromSeconds(12));
        node.Time.SetWrongBy(TimeSpan.FromHours(-3));
        node.Allegro.Forms["told"] = Form("told");
        node.Allegro.Forms["silent"] = Form("silent");
        node.Allegro.Happens("1", "READY_FOR_PROCESSING", "told");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        Assert.Equal(["told:Allocated"], await OrdersAsync(node));
        await node.PassAsync(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(10));
        Assert.Equal(["silent:Allocated", "told:Allocated"], await OrdersAsync(node));
    }

    [PayloadTheory, EveryDatabase]
    public async Task What_was_sold_is_a_fact_though_there_is_no_stock_and_waits_where_there_is_no_product(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Forms["many"] = Form("many", change: f => f["lineItems"]![0]!["quantity"] = 8);
        node.Allegro.Forms["unknown"] = Form("unknown", sku: "NEW-1");
        node.Allegro.Happens("1", "READY_FOR_PROCESSING", "many");
        node.Allegro.Happens("2", "READY_FOR_PROCESSING", "unknown");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        Assert.Equal(["many:Backorder"], await OrdersAsync(node));
        Assert.Contains("NEW-1", await node.ReadAsync<string>("SELECT reason FROM channel_waiting_orders"), StringComparison.Ordinal);

        await node.PassAsync(TimeSpan.FromMinutes(16), TimeSpan.FromSeconds(20));
        var alerts = await node.Hub.Test.Database.ReadAsync(s => ChannelAlerts.FindAsync(s, node.Module.Sync, node.Time.GetUtcNow()));
        Assert.Contains(alerts, a => a.Key == $"channel/{ChannelNode.Code}/orders");
        // Somebody says which product the offer is.
        await node.OfferAsync(("3213213", "AH-129834"));
        await node.PassAsync(TimeSpan.FromMinutes(11), TimeSpan.FromSeconds(20));
        Assert.Equal(["many:Backorder", "unknown:Backorder"], await OrdersAsync(node));
        alerts = await node.Hub.Test.Database.ReadAsync(s => ChannelAlerts.FindAsync(s, node.Module.Sync, node.Time.GetUtcNow()));
        Assert.Empty(alerts);
    }

    [PayloadTheory, EveryDatabase]
    public async Task Orders_come_once_though_calls_fail_and_the_process_ends_in_between(string store)
    {
        await using var node = await StartAsync(store);
        var random = new Random(3);
        node.Allegro.Misbehaves = (_, _) => random.NextDouble() < 0.6 ? Fault.None : (Fault)(1 + random.Next(3));
        for (var i = 1; i <= 20; i++)
        {
            node.Allegro.Forms[$"f{i:00}"] = Form($"f{i:00}");
            node.Allegro.Happens($"{100 + i}", "READY_FOR_PROCESSING", $"f{i:00}");
            await node.PassAsync(TimeSpan.FromSeconds(12), TimeSpan.FromSeconds(4));
        }
        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.PassAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(5));
        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"f{i:00}"), (await OrdersAsync(node)).Select(o => o.Split(':')[0]));
        await node.Hub.Test.VerifyAsync();
    }

    [PayloadTheory, EveryDatabase]
    public async Task Tokens_are_renewed_before_they_end_and_when_they_are_refused_and_nothing_secret_is_readable(string store)
    {
        await using var node = await StartAsync(store);
        Assert.Equal(1, node.Allegro.Renewals);
        await node.PassAsync(TimeSpan.FromHours(13), TimeSpan.FromMinutes(1));
        Assert.Equal(2, node.Allegro.Renewals); // the refresh token of the first renewal was kept: the double takes each once

        // Sealed with this node's key, and of no use to another account or key.
        var box = await node.ReadAsync<byte[]>("SELECT secrets FROM channel_accounts");
        foreach (var secret in new[] { "the-client", "the-secret", "refresh-0", node.Allegro.RefreshToken, node.Allegro.AccessToken })
        {
            var bytes = Encoding.UTF8.GetBytes(secret);
            Assert.True(box.AsSpan().IndexOf(bytes) < 0 && (await node.ReadAsync<byte[]>("SELECT tokens FROM channel_accounts")).AsSpan().IndexOf(bytes) < 0);
            foreach (var e in await node.Hub.LaneAsync(Lane.Hub)) Assert.True(e.Payload.AsSpan().IndexOf(bytes) < 0);
        }
        Assert.Null(SecretBox.Of(Enumerable.Repeat((byte)1, 32).ToArray()).Open(AccountRow.PurposeOf(ChannelNode.Code), box));
        Assert.Null(SecretBox.Of(new byte[32]).Open(AccountRow.PurposeOf("other"), box));
        var view = await node.SaveAsync();
        Assert.Equal(["client_id", "client_secret", "refresh_token"], view.Secrets);
        Assert.DoesNotContain("the-secret", System.Text.Json.JsonSerializer.Serialize(view, Stowline.Http.HttpJson.Options), StringComparison.Ordinal);
    }

    /// Goal: a refresh token is good for one renewal, so none is lost. Method: the database takes everything but tokens while they are renewed; a trigger refuses them.
    [PayloadTheory, EveryDatabase]
    public async Task New_tokens_that_cannot_be_stored_are_kept_until_they_can(string store)
    {
        await using var node = await StartAsync(store);
        string[] refuse = store == "sqlite"
            ? ["CREATE TRIGGER no_tokens BEFORE UPDATE OF tokens ON channel_accounts BEGIN SELECT RAISE(ABORT, 'no tokens'); END"]
            : ["CREATE FUNCTION full_disk() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no tokens''; END' LANGUAGE plpgsql",
                "CREATE TRIGGER no_tokens BEFORE UPDATE OF tokens ON channel_accounts FOR EACH ROW EXECUTE FUNCTION full_disk()"];
        await DoAsync(refuse);
        for (var minutes = 0; minutes < 13 * 60; minutes += 5)
        {
            try
            {
                await node.PassAsync(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5));
            }
            catch (Exception e) when (e.Message.Contains("no tokens", StringComparison.Ordinal))
            {
                // a host logs it and tries again
            }
        }
        Assert.Equal(2, node.Allegro.Renewals); // once at the beginning, and once more: the double takes each refresh token once
        await DoAsync([store == "sqlite" ? "DROP TRIGGER no_tokens" : "DROP TRIGGER no_tokens ON channel_accounts"]);
        await node.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(12));
        Assert.Equal(2, node.Allegro.Renewals);
        var row = (await node.Hub.Test.Database.ReadAsync(async s => await AccountRow.FindAsync(s, ChannelNode.Code)))!;
        Assert.Equal((null, node.Allegro.AccessUntil.AddSeconds(-1)), (row.FailingSince, AllegroApi.TokenUntil(row, node.Hub.Node.Secrets)));
        await node.PassAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(5));
        Assert.Equal(3, node.Allegro.Renewals);

        Task DoAsync(string[] statements) => node.Hub.Test.RunAsync<int>(Lane.Hub, async tx =>
        {
            foreach (var sql in statements) await tx.ExecuteAsync(sql);
            return 0;
        });
    }

    [PayloadTheory, EveryDatabase]
    public async Task An_account_with_wrong_credentials_is_told_and_recovers_with_right_ones(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, settings: new ChannelSettings { Stock = false });
        await node.Hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync(ChannelNode.Code,
            new ChannelBody { Kind = ChannelKind.Allegro, Settings = new ChannelSettings { ApiUrl = node.Allegro.Url, AuthUrl = node.Allegro.Url + "/auth/oauth/token" }, Secrets = new ChannelSecrets { RefreshToken = "wrong" } },
            node.Module.Target, node.Hub.Node, tx));
        await node.PassAsync(TimeSpan.FromMinutes(17), TimeSpan.FromSeconds(20));
        var alert = Assert.Single(await node.Hub.Test.Database.ReadAsync(s => ChannelAlerts.FindAsync(s, node.Module.Sync, node.Time.GetUtcNow())));
        Assert.Equal("channel/" + ChannelNode.Code, alert.Key);
        Assert.DoesNotContain("wrong", alert.Summary, StringComparison.Ordinal);
        await node.SaveAsync();
        await node.PassAsync(TimeSpan.FromSeconds(15));
        Assert.Empty(await node.Hub.Test.Database.ReadAsync(s => ChannelAlerts.FindAsync(s, node.Module.Sync, node.Time.GetUtcNow())));
    }
}
