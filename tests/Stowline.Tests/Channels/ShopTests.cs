using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Stowline.Hub.Access;
using Stowline.Hub.Channels;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Hub;
using Stowline.Tests.Server;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Channels;

/// Goal: any shop's orders come in and its stock goes out by a mapping alone (S7). Method: the shipped mappings, on the payloads that Shopify and WooCommerce document.
[Trait("Needs", "server")]
public class ShopTests
{
    internal static ChannelBody Body(string mapping, string? shop = null)
    {
        var text = ChannelFiles.Mapping(mapping).Replace("https://SHOP.myshopify.com", shop ?? "https://shop.example", StringComparison.Ordinal).Replace("https://SHOP", shop ?? "https://shop.example", StringComparison.Ordinal);
        var body = Requests.Parse<ChannelBody>(Encoding.UTF8.GetBytes(text)).Value;
        return body with { Secrets = new ChannelSecrets { Token = "token-1", SigningSecret = "the-signing-secret" } };
    }

    internal static async Task<HubNode> StartAsync(string store, ChannelBody body, params string[] skus)
    {
        var hub = await HubNode.StartAsync(store, new ChannelsModule());
        var module = hub.Node.Modules.OfType<ChannelsModule>().Single();
        hub.Node.Secrets = SecretBox.Of(new byte[32]);
        module.Target.AllowPrivate = true;
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync(skus);
        var saved = await hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync("shop", body, module.Target, hub.Node, tx));
        Assert.True(saved.IsOk, saved.Refusal?.Detail);
        return hub;
    }

    internal static async Task<Outcome<ShopOrderTaken>> TakeAsync(HubNode hub, string payload)
    {
        var row = (await hub.Test.Database.ReadAsync(async s => await AccountRow.FindAsync(s, "shop")))!;
        var door = new TakeShopOrder(hub.Node, hub.Node.Modules.OfType<ChannelsModule>().Single().Orders!);
        return await hub.Test.PumpUntilAsync(door.TakeAsync(row, JsonNode.Parse(payload)!, TestNode.Tester, default));
    }

    [PayloadTheory, EveryDatabase]
    public async Task Shopifys_documented_order_is_taken_once_and_cancelled_when_it_says_so(string store)
    {
        await using var hub = await StartAsync(store, Body("shopify"), "IPOD2008GREEN", "IPOD2008RED", "IPOD2008BLACK");
        var payload = ChannelFiles.Read("shopify", "order.json");
        Assert.Equal(ShopOrderResult.Placed, (await TakeAsync(hub, payload)).Value.Result);
        var order = await hub.ReadAsync("shop:450789469");
        Assert.Equal(("597.00 USD", 3), (order.Total.ToString(), order.Lines!.Count));
        Assert.Equal(("Bob Norman", "bob.norman@hostmail.com", "555-625-1199"), (order.Customer!.Name, order.Customer.Email, order.Customer.Phone));
        Assert.Equal(("Chestnut Street 92", "Louisville", "KY", "40202", "US"), (order.ShipTo!.Line1, order.ShipTo.City, order.ShipTo.Region, order.ShipTo.PostalCode, order.ShipTo.Country));

        // A webhook sends the order itself, without a member around it, and again whenever anything changes.
        var bare = JsonNode.Parse(payload)!["order"]!;
        bare["note"] = "changed since";
        Assert.Equal(ShopOrderResult.Existing, (await TakeAsync(hub, bare.ToJsonString())).Value.Result);
        bare["cancelled_at"] = "2026-01-05T09:00:00Z";
        Assert.Equal(ShopOrderResult.Cancelled, (await TakeAsync(hub, bare.ToJsonString())).Value.Result);
        bare["id"] = 450789470;
        Assert.Equal(ShopOrderResult.Ignored, (await TakeAsync(hub, bare.ToJsonString())).Value.Result);
        bare["cancelled_at"] = null;
        bare["financial_status"] = "pending";
        Assert.Equal(ShopOrderResult.Ignored, (await TakeAsync(hub, bare.ToJsonString())).Value.Result);
    }

    private static string Changed(JsonNode order, int id, string at, bool cancelled)
    {
        (order["id"], order["updated_at"], order["cancelled_at"]) = (id, at, cancelled ? at : null);
        return order.ToJsonString();
    }

    /// Goal: what a shop cancelled is not shipped, in whatever order its calls come; what it opened again is not lost (a late payment).
    [PayloadTheory, EveryDatabase]
    public async Task A_cancellation_that_comes_before_its_creation_counts_until_the_order_is_opened_again(string store)
    {
        await using var hub = await StartAsync(store, Body("shopify"), "IPOD2008GREEN", "IPOD2008RED", "IPOD2008BLACK");
        var order = JsonNode.Parse(ChannelFiles.Read("shopify", "order.json"))!["order"]!;
        Assert.Equal(ShopOrderResult.Ignored, (await TakeAsync(hub, Changed(order, 1, "2026-01-05T08:05:00Z", cancelled: true))).Value.Result);
        var late = (await TakeAsync(hub, Changed(order, 1, "2026-01-05T10:00:00+02:00", cancelled: false))).Value; // 08:00 UTC: the creation, tried again
        Assert.Equal((ShopOrderResult.Ignored, "it was cancelled before it came", null), (late.Result, late.Reason, late.OrderId));
        Assert.Equal(ShopOrderResult.Placed, (await TakeAsync(hub, Changed(order, 1, "2026-01-05T08:10:00Z", cancelled: false))).Value.Result);
        Assert.Equal(ShopOrderResult.Existing, (await TakeAsync(hub, Changed(order, 1, "2026-01-05T08:00:00Z", cancelled: false))).Value.Result);

        for (var id = 2; id < 8; id++)
        {
            var both = new[] { Changed(order, id, "2026-01-05T08:00:00Z", cancelled: false), Changed(order, id, "2026-01-05T08:05:00Z", cancelled: true) };
            var row = (await hub.Test.Database.ReadAsync(async s => await AccountRow.FindAsync(s, "shop")))!;
            var door = new TakeShopOrder(hub.Node, hub.Node.Modules.OfType<ChannelsModule>().Single().Orders!);
            var results = await hub.Test.PumpUntilAsync(Task.WhenAll(both.Select(b => door.TakeAsync(row, JsonNode.Parse(b)!, TestNode.Tester, default))));
            Assert.All(results, r => Assert.True(r.IsOk, r.Refusal?.Detail));
        }
        var open = await hub.Test.Database.ReadAsync(s => Stowline.Hub.Ordering.ReadChannel.OrdersAsync(s, "shop"));
        Assert.Equal(["1"], open.Where(o => o.Status is not (Stowline.Hub.Ordering.OrderStatus.Cancelling or Stowline.Hub.Ordering.OrderStatus.Cancelled)).Select(o => o.ExternalId));

        await TakeAsync(hub, Changed(order, 9, "2026-01-05T08:05:00Z", cancelled: true));
        hub.Test.Time.Advance(TimeSpan.FromDays(31));
        await hub.Test.DrainAsync();
        Assert.Equal(0, await hub.Test.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM channel_cancelled_orders")));
        await hub.Test.VerifyAsync();
    }

    [PayloadTheory, EveryDatabase]
    public async Task WooCommerces_documented_order_names_some_products_by_their_id_there_only(string store)
    {
        await using var hub = await StartAsync(store, Body("woocommerce"), "Bar3", "SINGLE-1");
        var payload = ChannelFiles.Read("woocommerce", "v3_orders.retrieve-an-order.json");
        var refused = (await TakeAsync(hub, payload)).Refusal!;
        Assert.Equal(["lines[0].sku"], refused.Errors!.Keys);

        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChannelOffers.DecideAsync("shop", new OffersBody([new OfferEntry("93", "SINGLE-1")]), tx))).IsOk);
        Assert.Equal(ShopOrderResult.Placed, (await TakeAsync(hub, payload)).Value.Result);
        var order = await hub.ReadAsync("shop:727");
        Assert.Equal(("18.00 USD", "SINGLE-1", 2), (order.Total.ToString(), order.Lines![0].Sku, order.Lines[0].Quantity));
        Assert.Equal(("John Doe", "969 Market", "San Francisco", "CA", "94103", "US"),
            (order.ShipTo!.Name, order.ShipTo.Line1, order.ShipTo.City, order.ShipTo.Region, order.ShipTo.PostalCode, order.ShipTo.Country));
    }

    [Theory, EveryDatabase]
    public async Task Stock_goes_out_as_each_shops_mapping_says_and_is_compared(string store)
    {
        foreach (var mapping in new[] { "shopify", "woocommerce" })
        {
            await using var shop = await HookReceiver.StartAsync();
            var there = new Dictionary<long, long>();
            shop.Answer = (request, response) => ServeAsync(there, request, response);
            await using var hub = await StartAsync(store, Body(mapping, shop.Url), "A", "B");
            Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChannelOffers.DecideAsync("shop", new OffersBody([new OfferEntry("11", "A"), new OfferEntry("22", "B")]), tx))).IsOk);
            await hub.GrantAsync("WH1", "A", 4);
            await PassAsync(hub, 10);
            Assert.Equal([11L], there.Keys); // of B nobody has counted any yet, which does not mean that there is none
            await hub.GrantAsync("WH1", "B", 6);
            await PassAsync(hub, 10);
            Assert.Equal((4, 6), (there[11], there[22]));
            Assert.All(shop.Received, r => Assert.Equal("token-1", r.Headers[mapping == "shopify" ? "X-Shopify-Access-Token" : "Authorization"]));

            there[11] = 9; // somebody changed it there
            await hub.Test.RunAsync(Lane.Hub, tx => StockSync.ReconcileAsync(new ReconcileBody("shop", null), hub.Node.Modules.OfType<ChannelsModule>().Single(), tx));
            await PassAsync(hub, 200);
            Assert.Equal(4, there[11]);
            await hub.Test.VerifyAsync();
        }
    }

    [Theory, EveryDatabase]
    public async Task Of_a_batch_that_was_taken_the_offers_that_were_refused_are_not_confirmed(string store)
    {
        await using var shop = await HookReceiver.StartAsync();
        shop.Answer = (_, response) =>
        {
            response.StatusCode = 200;
            return response.WriteAsync("""{"update":[{"id":11,"stock_quantity":4},{"id":22,"error":{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID."}}]}""");
        };
        await using var hub = await StartAsync(store, Body("woocommerce", shop.Url), "A", "B");
        await hub.GrantAsync("WH1", "A", 4);
        await hub.GrantAsync("WH1", "B", 6);
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChannelOffers.DecideAsync("shop", new OffersBody([new OfferEntry("11", "A"), new OfferEntry("22", "B")]), tx))).IsOk);
        await PassAsync(hub, 10);
        var operations = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM stock_operations ORDER BY offer"));
        Assert.Equal([("11", OperationStatus.Completed, null), ("22", OperationStatus.Pending, "Invalid ID.")], operations.Select(o => (o.Offer, o.Status, o.ErrorMessage)));
        Assert.Equal(["11"], await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT offer FROM channel_offers WHERE acknowledged IS NOT NULL")));
        var log = await hub.Test.Database.ReadAsync(s => SyncLog.OfAsync(s, operations[1].Id));
        Assert.Equal(["created", "sync_success", "failed"], log.Select(l => l.Action));
        await hub.Test.VerifyAsync();
    }

    /// <summary>Both shops at once: they are told apart by the path. Several offers may be set side by side.</summary>
    private static Task ServeAsync(Dictionary<long, long> there, ReceivedRequest request, HttpResponse response)
    {
        response.StatusCode = 200;
        string? answer;
        lock (there) answer = Serve(there, request);
        return answer is null ? Task.CompletedTask : response.WriteAsync(answer);
    }

    private static string? Serve(Dictionary<long, long> there, ReceivedRequest request)
    {
        if (request.Path.EndsWith("/set.json", StringComparison.Ordinal))
        {
            var body = JsonNode.Parse(request.Body)!;
            there[body["inventory_item_id"]!.GetValue<long>()] = body["available"]!.GetValue<long>();
            return null;
        }
        if (request.Path.EndsWith("/batch", StringComparison.Ordinal))
        {
            foreach (var item in JsonNode.Parse(request.Body)!["update"]!.AsArray()) there[item!["id"]!.GetValue<long>()] = item["stock_quantity"]!.GetValue<long>();
            return null;
        }
        var levels = new JsonArray([.. there.Select(t => (JsonNode)new JsonObject { ["id"] = t.Key, ["inventory_item_id"] = t.Key, ["stock_quantity"] = t.Value, ["available"] = t.Value })]);
        return (request.Path.EndsWith("/inventory_levels.json", StringComparison.Ordinal) ? (JsonNode)new JsonObject { ["inventory_levels"] = levels } : levels).ToJsonString();
    }

    private static async Task PassAsync(HubNode hub, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            hub.Test.Time.Advance(TimeSpan.FromSeconds(1));
            await hub.Test.DrainAsync();
        }
    }

    [Theory, EveryDatabase]
    public async Task After_a_lost_answer_the_newest_quantity_is_sent_and_not_before_the_old_one_can_be_late(string store)
    {
        await using var shop = await HookReceiver.StartAsync();
        var there = new Dictionary<long, long>();
        var calls = 0;
        shop.Answer = async (request, response) =>
        {
            await ServeAsync(there, request, response);
            if (++calls == 1) response.HttpContext.Abort();
        };
        await using var hub = await StartAsync(store, Body("shopify", shop.Url), "A");
        await hub.GrantAsync("WH1", "A", 4);
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChannelOffers.DecideAsync("shop", new OffersBody([new OfferEntry("11", "A")]), tx))).IsOk);
        await PassAsync(hub, 5);
        Assert.Equal(1, calls);
        await hub.PlaceAsync("w", ("A", 1));
        await PassAsync(hub, 20);
        Assert.Equal(1, shop.Received.Count(r => r.Path.EndsWith("/set.json", StringComparison.Ordinal)));
        await PassAsync(hub, 80);
        Assert.Equal(3, there[11]);
        Assert.Equal(2, shop.Received.Count(r => r.Path.EndsWith("/set.json", StringComparison.Ordinal)));
        await hub.Test.VerifyAsync();
    }

    /// Method: a shop has no commands that could be asked about and no orders to look for, so only stock calls find out that it is back.
    [Theory, EveryDatabase]
    public async Task A_shop_that_was_away_for_longer_than_all_retries_is_right_within_a_minute_after_it_is_back(string store)
    {
        await using var shop = await HookReceiver.StartAsync();
        var there = new Dictionary<long, long>();
        var away = true;
        shop.Answer = async (request, response) =>
        {
            if (away) response.StatusCode = 503;
            else await ServeAsync(there, request, response);
        };
        await using var hub = await StartAsync(store, Body("shopify", shop.Url), "A", "B");
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChannelOffers.DecideAsync("shop", new OffersBody([new OfferEntry("11", "A"), new OfferEntry("22", "B")]), tx))).IsOk);
        await hub.GrantAsync("WH1", "A", 4);
        await hub.GrantAsync("WH1", "B", 6);
        for (var i = 0; i < 400; i++)
        {
            hub.Test.Time.Advance(TimeSpan.FromSeconds(20));
            await hub.Test.DrainAsync();
        }
        var failed = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT error_message FROM stock_operations WHERE status IN (1, 4)"));
        Assert.Equal(2, failed.Count);
        Assert.All(failed, error => Assert.Contains("503", error, StringComparison.Ordinal));
        away = false;
        await PassAsync(hub, 60);
        Assert.Equal((4, 6), (there[11], there[22]));
        Assert.Null(await hub.Test.Database.ReadAsync(async s => await s.FindAsync<DateTimeOffset?>("SELECT failing_since FROM channel_accounts")));
        await hub.Test.VerifyAsync();
    }

    [Fact]
    public async Task A_signed_order_needs_no_key_and_an_unsigned_one_gets_nowhere()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys", configure: c => c with { SecretsKey = new byte[32] });
        var admin = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        (await CallAsync(node, admin, "PUT", "/api/v1/products/P1", """{"name":"P1","price":{"amount":"2.00","currency":"EUR"}}""")).EnsureSuccessStatusCode();
        var body = JsonSerializer.Serialize(Body("woocommerce"), HttpJson.Options);
        var saved = await JsonAsync(CallAsync(node, admin, "PUT", "/api/v1/channels/woo", body), 200);
        Assert.DoesNotContain("the-signing-secret", saved.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(["token", "signing_secret"], saved.GetProperty("secrets").EnumerateArray().Select(s => s.GetString()));

        const string order = """{"id":1,"currency":"EUR","status":"processing","line_items":[{"sku":"P1","quantity":2,"price":2}]}""";
        const string path = "/api/v1/channels/woo/orders";
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("POST", path, order)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("POST", path, order, headers: ("X-WC-Webhook-Signature", Sign(order + " ")))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("POST", "/api/v1/channels/nobody/orders", order, headers: ("X-WC-Webhook-Signature", Sign(order)))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await node.SendAsync("POST", path, order, headers: ("X-WC-Webhook-Signature", Sign(order)))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await node.SendAsync("POST", path, order, headers: ("X-WC-Webhook-Signature", Sign(order)))).StatusCode);

        // Without a signature in the mapping a key is needed, and it must be one for orders.
        var unsigned = Body("woocommerce");
        unsigned = unsigned with { Settings = unsigned.Settings! with { Mapping = unsigned.Settings.Mapping! with { Signature = null } } };
        await JsonAsync(CallAsync(node, admin, "PUT", "/api/v1/channels/plain", JsonSerializer.Serialize(unsigned, HttpJson.Options)), 200);
        Assert.Equal(HttpStatusCode.Unauthorized, (await node.SendAsync("POST", "/api/v1/channels/plain/orders", order)).StatusCode);
        await JsonAsync(CallAsync(node, await MakeAsync(node.Node, "picker", [KeyScope.Tasks]), "POST", "/api/v1/channels/plain/orders", order), 403);
        await JsonAsync(CallAsync(node, await MakeAsync(node.Node, "shop", [KeyScope.Orders]), "POST", "/api/v1/channels/plain/orders", order), 201);
    }

    private static string Sign(string body) => Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes("the-signing-secret"), Encoding.UTF8.GetBytes(body)));

    [Fact]
    public async Task The_api_tells_of_accounts_offers_and_operations_and_names_what_is_wrong()
    {
        await using var node = await ServerNode.StartAsync(configure: c => c with { WebhooksAllowPrivate = true, SecretsKey = new byte[32] });
        foreach (var (body, field) in new[]
                 {
                     ("{}", "kind"), ("""{"kind":"shop"}""", "settings.mapping"), ("""{"kind":"allegro","settings":{"api_url":"ftp://x"}}""", "settings.api_url"),
                     ("""{"kind":"allegro","settings":{"pool":{"share_percent":101}}}""", "settings.pool.share_percent"),
                     ("""{"kind":"shop","settings":{"mapping":{"orders":{"external_id":["id"]}}}}""", "settings.mapping.orders.lines.quantity"),
                     ("""{"kind":"allegro","secrets":{"client_id":""}}""", "secrets.client_id"),
                 })
        {
            using var answer = await node.SendAsync("PUT", "/api/v1/channels/a", body);
            var problem = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement;
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), $"{body}: {problem.GetRawText()}");
        }
        // Switched off: nothing is called.
        using var made = await node.SendAsync("PUT", "/api/v1/channels/a", """{"kind":"allegro","enabled":false,"secrets":{"client_id":"x"}}""");
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await node.SendAsync("PUT", "/api/v1/channels/a", JsonSerializer.Serialize(Body("shopify"), HttpJson.Options))).StatusCode);
        Assert.Equal("unknown_sku", await CodeAsync(node.SendAsync("PUT", "/api/v1/channels/a/offers", """{"items":[{"offer":"1","sku":"NONE"}]}""")));
        Assert.Equal("channel_not_found", await CodeAsync(node.SendAsync("GET", "/api/v1/channels/b/offers")));
        Assert.Equal("operation_not_found", await CodeAsync(node.SendAsync("POST", "/api/v1/stock-sync/retry/1")));
        Assert.Equal("operation_not_found", await CodeAsync(node.SendAsync("DELETE", "/api/v1/stock-sync/cancel/1")));
        var status = await node.GetAsync("/api/v1/stock-sync/status");
        Assert.Equal(("healthy", 0), (status.GetProperty("status").GetString(), status.GetProperty("statistics").GetProperty("pending_operations").GetInt32()));
        Assert.Empty((await node.GetAsync("/api/v1/stock-sync/pending?status=failed")).GetProperty("items").EnumerateArray());
        Assert.Single((await node.GetAsync("/api/v1/channels")).GetProperty("items").EnumerateArray());
        using var queued = await node.SendAsync("POST", "/api/v1/stock-sync/reconcile", "{}");
        Assert.Equal(HttpStatusCode.Accepted, queued.StatusCode);
    }

    /// Method: a node as it is served, with its own clock and hosts, and nothing called by the test but the API.
    [Fact]
    public async Task A_running_node_sends_stock_by_itself_and_tells_what_was_acknowledged()
    {
        await using var shop = await HookReceiver.StartAsync();
        var there = new Dictionary<long, long>();
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        shop.Answer = async (request, response) =>
        {
            await ServeAsync(there, request, response);
            if (there.GetValueOrDefault(11) == 7) arrived.TrySetResult();
        };
        await using var node = await ServerNode.StartAsync(configure: c => c with { WebhooksAllowPrivate = true, SecretsKey = new byte[32] });
        foreach (var (method, path, body) in new[]
                 {
                     ("PUT", "products/A", """{"name":"A","price":{"amount":"2.00","currency":"EUR"}}"""), ("PUT", "sites/WH1", """{"name":"WH1","type":"warehouse"}"""),
                     ("PUT", "sites/WH1/zones/Z", """{"type":"storage"}"""), ("PUT", "sites/WH1/bins/B1", """{"zone":"Z"}"""),
                     ("PUT", "channels/shop", JsonSerializer.Serialize(Body("shopify", shop.Url), HttpJson.Options)), ("PUT", "channels/shop/offers", """{"items":[{"offer":"11","sku":"A"}]}"""),
                     ("POST", "sites/WH1/receipts", """{"reference":"R1","lines":[{"sku":"A","quantity":7,"bin":"B1"}]}"""),
                 })
        {
            using var answer = await node.SendAsync(method, "/api/v1/" + path, body);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync()}");
        }
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60));
        JsonElement offer;
        do offer = (await node.GetAsync("/api/v1/channels/shop/offers")).GetProperty("items")[0];
        while (offer.GetProperty("acknowledged").ValueKind != JsonValueKind.Number || offer.GetProperty("acknowledged").GetInt64() != 7);
        Assert.Equal(7, offer.GetProperty("wanted").GetInt64());
        var done = (await node.GetAsync("/api/v1/stock-sync/pending?status=completed")).GetProperty("items");
        var log = (await node.GetAsync("/api/v1/stock-sync/operations/" + done[0].GetProperty("id").GetString())).GetProperty("log");
        Assert.Equal("completed", log[log.GetArrayLength() - 1].GetProperty("action").GetString());
    }

    private static async Task<string?> CodeAsync(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        return JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement.GetProperty("code").GetString();
    }

    [Fact]
    public void The_names_of_source_5_are_settings_and_environment()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        var configuration = Stowline.Server.Configuration.Load(new Dictionary<string, string?> { ["data"] = folder }, name => name switch
        {
            "STOCK_SYNC_RETRY_MAX_ATTEMPTS" => "7",
            "STOWLINE__STOCK_SYNC_RETRY_INITIAL_DELAY" => "30",
            "STOCK_SYNC_RETRY_INITIAL_DELAY" => "45",
            "STOCK_SYNC_RETRY_JITTER" => "False",
            _ => null,
        }, folder);
        Assert.Equal((7, 30, false, 3600), (configuration.StockSync.RetryMaxAttempts, configuration.StockSync.RetryInitialDelay, configuration.StockSync.RetryJitter, configuration.StockSync.RetryMaxDelay));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_key_in_a_file_is_made_once_and_found_again()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        var file = Path.Combine(folder, "not-there-yet", "secrets.key");
        var ids = new IdSource(TimeProvider.System);
        Assert.Null(SecretBox.InFile(file).Open("a", new byte[64]));
        Assert.False(File.Exists(file));
        var box = SecretBox.InFile(file).Seal("a", "plain"u8, ids);
        Assert.Equal("plain", Encoding.UTF8.GetString(SecretBox.InFile(file).Open("a", box)!));
        Assert.Null(SecretBox.InFile(file).Open("b", box));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Directory.Delete(folder, recursive: true);
    }
}
