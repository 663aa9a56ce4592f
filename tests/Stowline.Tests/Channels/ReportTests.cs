using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Channels;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Channels;

/// Goal: a marketplace hears how its orders stand and in which parcels they left, each once and the latest last, whatever it does meanwhile. Method: doubles on real ports, virtual
/// time, the real pumps and SQL; the test plays the site.
[Trait("Needs", "server")]
public class ReportTests
{
    /// <summary>The order here and its form at Allegro.</summary>
    private static Task<Guid> OrderAsync(ChannelNode node, string form)
    {
        node.Allegro.Forms[form] = Form(form, ("item-1", "S1", 1));
        return OrderAsync(node.Hub, ChannelNode.Code, form);
    }

    private static JsonObject Form(string id, params (string Id, string Sku, int Quantity)[] items) => new()
    {
        ["id"] = id, ["status"] = "READY_FOR_PROCESSING",
        ["lineItems"] = new JsonArray([.. items.Select(i => (JsonNode)new JsonObject { ["id"] = i.Id, ["quantity"] = i.Quantity, ["offer"] = new JsonObject { ["id"] = "offer-" + i.Sku } })]),
    };

    private static async Task<Guid> OrderAsync(HubNode hub, string channel, string externalId, int units = 1)
    {
        var placed = await hub.PlaceAsync(hub.Order(externalId, [("S1", units)], b => b with { Channel = channel }).Value);
        return Guid.Parse(placed.Value.Id);
    }

    private static Task PickAsync(HubNode hub, Guid order) => hub.TellAsync("WH1", new PickingStarted(Guid.NewGuid(), 1, order, 1, "ann"), order);
    private static Task PackAsync(HubNode hub, Guid order) => hub.TellAsync("WH1", new PackingCompleted(Guid.NewGuid(), 1, order, 1, 1), order);

    private static Task ShipAsync(HubNode hub, Guid order, string tracking, string carrier = "ACS") => hub.SayAsync("WH1", "S1", b => b with { Consumed = b.Consumed + 1, OnHand = b.OnHand - 1 },
        b => new PartShipped(order, 1, Guid.NewGuid(), 1, carrier, tracking, [new SkuUnits("S1", 1)], [], [], [b]), order);

    private static Task<IReadOnlyList<ReportRow>> ReportsAsync(ChannelNode node) =>
        node.Hub.Test.Database.ReadAsync(async s => await s.QueryAsync<ReportRow>($"SELECT {ReportRow.Columns} FROM channel_reports ORDER BY id"));

    private static async Task<ChannelNode> StartAsync(string store, ChannelSettings? settings = null)
    {
        var node = await ChannelNode.StartAsync(store, skus: 1, settings);
        await node.Hub.GrantAsync("WH1", "S1", 50);
        await node.PassAsync(TimeSpan.FromSeconds(5));
        return node;
    }

    [Theory, EveryDatabase]
    public async Task Allegro_is_told_how_its_orders_stand_and_of_their_parcels_and_of_no_others(string store)
    {
        await using var node = await StartAsync(store, new ChannelSettings { Carriers = new Dictionary<string, string> { ["dpd"] = "DPD" } });
        var (mine, other, foreign) = (await OrderAsync(node, "form-1"), await OrderAsync(node, "form-2"), await OrderAsync(node.Hub, "web", "form-3"));
        foreach (var order in new[] { mine, other, foreign }) await PickAsync(node.Hub, order);
        await node.UntilAsync(() => node.Allegro.Fulfillment.Count == 2, TimeSpan.FromSeconds(10));
        await PackAsync(node.Hub, mine);
        await node.UntilAsync(() => node.Allegro.Fulfillment.Count == 3, TimeSpan.FromSeconds(10));
        await ShipAsync(node.Hub, mine, "T1");
        await ShipAsync(node.Hub, other, "D7", "dpd");
        await ShipAsync(node.Hub, foreign, "X9");
        await node.PassAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(["PROCESSING", "READY_FOR_SHIPMENT", "SENT"], node.Allegro.Fulfillment.Where(f => f.Form == "form-1").Select(f => f.Status));
        Assert.Equal([("form-1", "OTHER", "ACS", "T1"), ("form-2", "DPD", null, "D7")], node.Allegro.Shipments.OrderBy(s => s.Form));
        Assert.DoesNotContain(node.Allegro.Fulfillment, f => f.Form == "form-3");
        Assert.All(await ReportsAsync(node), r => Assert.Equal(OperationStatus.Completed, r.Status));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_parcel_of_a_split_order_names_its_own_line_items_and_one_of_a_whole_order_none(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 3);
        await node.Hub.SiteAsync("WH2");
        foreach (var (site, sku) in new[] { ("WH1", "S1"), ("WH1", "S2"), ("WH2", "S3") }) await node.Hub.GrantAsync(site, sku, 5);
        await node.PassAsync(TimeSpan.FromSeconds(5));
        // Of S1 the buyer has two items: each goes with a parcel of its own.
        node.Allegro.Forms["form-1"] = Form("form-1", ("i1", "S1", 1), ("i2", "S2", 2), ("i3", "S3", 1), ("i4", "S1", 1));
        var placed = await node.Hub.PlaceAsync(node.Hub.Order("form-1", [("S1", 2), ("S2", 2), ("S3", 1)], b => b with { Channel = ChannelNode.Code }).Value);
        var order = Guid.Parse(placed.Value.Id);
        await TellAsync("WH2", 2, "T1", ("S3", 1), ("S1", 1));
        await TellAsync("WH1", 1, "T2", ("S1", 1), ("S2", 2));
        await ShipAsync(node.Hub, await OrderAsync(node, "form-2"), "T3");
        await node.PassAsync(TimeSpan.FromSeconds(10));

        var named = node.Allegro.Shipments.Zip(node.Allegro.ShippedItems).ToDictionary(s => s.First.Waybill, s => s.Second);
        Assert.Equal(["i1", "i3"], named["T1"].Order());
        Assert.Equal(["i2", "i4"], named["T2"].Order());
        Assert.Empty(named["T3"]);

        async Task TellAsync(string site, int part, string tracking, params (string Sku, int Units)[] lines)
        {
            await node.Hub.TellAsync(site, new PartShipped(order, part, Guid.NewGuid(), 1, "ACS", tracking, [.. lines.Select(l => new SkuUnits(l.Sku, l.Units))], [], [], []), order);
            await node.PassAsync(TimeSpan.FromSeconds(5));
        }
    }

    [Theory, EveryDatabase]
    public async Task A_parcel_whose_answer_was_lost_is_there_once(string store)
    {
        await using var node = await StartAsync(store);
        var order = await OrderAsync(node, "form-1");
        var lost = 2;
        node.Allegro.Misbehaves = (method, path) => method == "POST" && path.EndsWith("/shipments", StringComparison.Ordinal) && lost-- > 0 ? Fault.LostAfter : Fault.None;
        await ShipAsync(node.Hub, order, "T1");
        await node.PassAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(5));
        Assert.Equal("T1", Assert.Single(node.Allegro.Shipments).Waybill);
        Assert.Equal(1, lost); // the second time it was asked about, not made again
        Assert.Equal((OperationStatus.Completed, "T1"), (await ReportsAsync(node)).Where(r => r.Kind == ReportKind.Shipment).Select(r => (r.Status, r.Told)).Single());
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task After_an_hour_away_only_the_latest_word_is_told_within_a_minute_and_every_parcel(string store)
    {
        await using var node = await StartAsync(store);
        var orders = new List<Guid>();
        for (var i = 1; i <= 5; i++) orders.Add(await OrderAsync(node, $"form-{i}"));
        node.Allegro.Misbehaves = (_, _) => Fault.Error500;
        foreach (var order in orders) await PickAsync(node.Hub, order);
        await node.PassAsync(TimeSpan.FromMinutes(30), TimeSpan.FromSeconds(15));
        foreach (var order in orders) await ShipAsync(node.Hub, order, "T" + order.ToString("N")[..6]);
        await node.PassAsync(TimeSpan.FromMinutes(30), TimeSpan.FromSeconds(15));
        Assert.Empty(node.Allegro.Fulfillment);

        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.UntilAsync(() => node.Allegro.Fulfillment.Count == 5 && node.Allegro.Shipments.Count == 5, TimeSpan.FromSeconds(60));
        await node.PassAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(5));
        Assert.Equal(5, node.Allegro.Fulfillment.Count);
        Assert.All(node.Allegro.Fulfillment, f => Assert.Equal("SENT", f.Status));
        Assert.Equal(5, node.Allegro.Shipments.Select(s => s.Form).Distinct().Count());
        Assert.All(await ReportsAsync(node), r => Assert.Equal(OperationStatus.Completed, r.Status));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task With_a_fifth_of_the_calls_failing_nothing_is_lost_doubled_or_told_backwards(string store)
    {
        await using var node = await StartAsync(store);
        var random = new Random(3);
        node.Allegro.Misbehaves = (_, _) => random.NextDouble() < 0.8 ? Fault.None : (Fault)(1 + random.Next(3));
        var orders = new List<Guid>();
        for (var i = 1; i <= 8; i++)
        {
            orders.Add(await OrderAsync(node, $"form-{i}"));
            await PickAsync(node.Hub, orders[^1]);
            await node.PassAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(4));
            await PackAsync(node.Hub, orders[^1]);
            await node.PassAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(4));
            await ShipAsync(node.Hub, orders[^1], $"T{i}");
        }
        await node.PassAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(10));
        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2));

        Assert.Equal(Enumerable.Range(1, 8).Select(i => $"T{i}"), node.Allegro.Shipments.Select(s => s.Waybill).Order());
        string[] steps = ["PROCESSING", "READY_FOR_SHIPMENT", "SENT"];
        foreach (var form in node.Allegro.Fulfillment.GroupBy(f => f.Form))
        {
            var told = form.Select(f => Array.IndexOf(steps, f.Status)).ToList();
            Assert.Equal(told.Order(), told);
            Assert.Equal(2, told[^1]);
        }
        Assert.All(await ReportsAsync(node), r => Assert.Equal(OperationStatus.Completed, r.Status));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_is_refused_fails_after_its_retries_is_an_alert_and_can_be_tried_again(string store)
    {
        await using var node = await StartAsync(store);
        node.Allegro.Refuses.Add("form-1");
        var order = await OrderAsync(node, "form-1");
        await PickAsync(node.Hub, order);
        await node.PassAsync(TimeSpan.FromHours(1), TimeSpan.FromSeconds(30));
        var failed = Assert.Single(await ReportsAsync(node));
        Assert.Equal((OperationStatus.Failed, 5), (failed.Status, failed.RetryCount));
        Assert.Contains("the order is closed", failed.ErrorMessage, StringComparison.Ordinal);
        var alerts = await node.Hub.Test.Database.ReadAsync(s => ChannelAlerts.FindAsync(s, node.Module.Sync, node.Time.GetUtcNow()));
        Assert.Contains(alerts, a => a.Key == $"channel/{ChannelNode.Code}/reports");

        node.Allegro.Refuses.Clear();
        Assert.True((await node.Hub.Test.RunAsync(Lane.Hub, tx => OrderReports.ChangeAsync(ChannelNode.Code, failed.Id.ToString(), OperationAction.Retry, node.Module, tx))).IsOk);
        await node.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(("form-1", "PROCESSING"), Assert.Single(node.Allegro.Fulfillment));
        Assert.Equal("invalid_transition", (await node.Hub.Test.RunAsync(Lane.Hub,
            tx => OrderReports.ChangeAsync(ChannelNode.Code, failed.Id.ToString(), OperationAction.Cancel, node.Module, tx))).Refusal?.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_shop_is_told_by_the_calls_of_its_mapping(string store)
    {
        await using var shop = await HookReceiver.StartAsync();
        await using var hub = await HubNode.StartAsync(store, new ChannelsModule());
        var module = hub.Node.Modules.OfType<ChannelsModule>().Single();
        hub.Node.Secrets = SecretBox.Of(new byte[32]);
        module.Target.AllowPrivate = true;
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S1");
        var text = ChannelFiles.Mapping("woocommerce").Replace("https://SHOP", shop.Url, StringComparison.Ordinal);
        var body = Requests.Parse<ChannelBody>(System.Text.Encoding.UTF8.GetBytes(text)).Value with { Secrets = new ChannelSecrets { Token = "token-1" } };
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync("woo", body, module.Target, hub.Node, tx))).IsOk);
        await PassAsync(hub);
        await hub.GrantAsync("WH1", "S1", 5);
        var order = await OrderAsync(hub, "woo", "727");
        await PickAsync(hub, order);
        await PassAsync(hub);
        Assert.DoesNotContain(shop.Received, r => r.Path.Contains("/orders/", StringComparison.Ordinal)); // it has no word for that
        await ShipAsync(hub, order, "T1");
        await PassAsync(hub);
        var told = shop.Received.Where(r => r.Path.Contains("/orders/", StringComparison.Ordinal)).ToDictionary(r => r.Path, r => JsonNode.Parse(r.Body)!);
        Assert.Equal("completed", told["/wp-json/wc/v3/orders/727"]["status"]!.ToString());
        Assert.Equal("ACS T1: 1 × S1", told["/wp-json/wc/v3/orders/727/notes"]["note"]!.ToString());
        Assert.All(shop.Received.Where(r => r.Path.Contains("/orders/", StringComparison.Ordinal)), r => Assert.Equal("token-1", r.Headers["Authorization"]));
    }

    private static async Task PassAsync(HubNode hub)
    {
        for (var i = 0; i < 10; i++)
        {
            hub.Test.Time.Advance(TimeSpan.FromSeconds(1));
            await hub.Test.DrainAsync();
        }
    }
}
