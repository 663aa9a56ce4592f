using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Channels;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Server;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Channels;

/// Goal: an operator sees how an account stands, and helps all that failed with one call (S2, S5). Method: the double of Allegro, virtual time.
[Trait("Needs", "server")]
public class ChannelStatusTests
{
    private static Task<ChannelView> ViewAsync(ChannelNode node) => node.Hub.Test.Database.ReadAsync(s => SaveChannel.ViewAsync(s, ChannelNode.Code, node.Hub.Node.Secrets))!;

    [Theory, EveryDatabase]
    public async Task An_operation_names_the_order_that_made_it_in_the_words_of_source_5(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false, Pool = new ChannelPool(Sites: ["WH1"]) });
        await node.Hub.GrantAsync("WH1", "S1", 5);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5, TimeSpan.FromSeconds(15));
        var caller = ChannelOrders.CallerOf(ChannelNode.Code);
        var body = new OrderBody { Channel = ChannelNode.Code, ExternalId = "form-9", Lines = [new OrderLineBody("S1", 2, null)] };
        var order = Guid.Parse((await node.Hub.Test.PumpUntilAsync(node.Module.Orders!.PlaceAsync(ChannelNode.Code, body, caller, 0, default))).Value.Id);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 3, TimeSpan.FromSeconds(15));
        Assert.Equal((OperationType.Deduction, order, "form-9", ChannelNode.Code, "WH1"), await LastAsync());

        Assert.True((await node.Hub.Test.PumpUntilAsync(node.Module.Orders!.CancelAsync(ChannelNode.Code, "form-9", "changed their mind", caller, 0, default)))!.Value.IsOk);
        await node.Hub.SayAsync("WH1", "S1", b => b, b => new PartCancelled(order, 1, "cancel", [new SkuUnits("S1", 2)], null, [b]), order);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5, TimeSpan.FromSeconds(15));
        Assert.Equal((OperationType.Refund, order, "form-9", ChannelNode.Code, "WH1"), await LastAsync());

        async Task<(OperationType, Guid?, string?, string, string?)> LastAsync()
        {
            var view = (await node.OperationsAsync())[^1].View;
            return (view.OperationType, view.OrderId, view.AllegroOrderId, view.TokenId, view.Warehouse);
        }
    }

    [Theory, EveryDatabase]
    public async Task Failed_operations_are_tried_again_together_and_only_of_the_account_that_is_named(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 3, new ChannelSettings { Orders = false });
        foreach (var sku in new[] { "S1", "S2", "S3" }) await node.Hub.GrantAsync("WH1", sku, 5);
        node.Allegro.Refuses.UnionWith(["offer-S2", "offer-S3"]);
        await node.PassAsync(TimeSpan.FromMinutes(60), TimeSpan.FromSeconds(10));
        var status = (await node.Hub.Test.Database.ReadAsync(s => StockSync.StatusAsync(s, node.Module.Sync, node.Time.GetUtcNow(), ChannelNode.Code))).Statistics;
        Assert.Equal((0L, 0L, 2L, 1L), (status.PendingOperations, status.ProcessingOperations, status.FailedOperations, status.CompletedToday));
        Assert.Equal(0, (await node.Hub.Test.Database.ReadAsync(s => StockSync.StatusAsync(s, node.Module.Sync, node.Time.GetUtcNow(), "another"))).Statistics.FailedOperations);

        node.Allegro.Refuses.Clear();
        Assert.Equal("channel_not_found", (await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.RetryFailedAsync(new RetryBody("another"), node.Module, tx))).Refusal!.Code);
        Assert.Equal(new RetriedOperations(2, 0), (await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.RetryFailedAsync(new RetryBody(ChannelNode.Code), node.Module, tx))).Value);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S2") == 5 && node.Allegro.StockOf("offer-S3") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(5));
        Assert.All(await node.OperationsAsync(), o => Assert.Equal(OperationStatus.Completed, o.Status));
        Assert.Equal(new RetriedOperations(0, 0), (await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.RetryFailedAsync(new RetryBody(null), node.Module, tx))).Value);
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_account_tells_its_token_its_last_order_event_and_when_it_is_tried_again(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, settings: new ChannelSettings { Stock = false });
        var made = await ViewAsync(node);
        Assert.Equal((null, null), (made.LastOrderEvent, made.LastOrderEventAt));
        await node.PassAsync(TimeSpan.FromSeconds(12));
        node.Allegro.Happens("7", "BOUGHT", "form-1");
        await node.PassAsync(TimeSpan.FromSeconds(12));
        var read = await ViewAsync(node);
        Assert.Equal("7", read.LastOrderEvent);
        Assert.InRange(read.LastOrderEventAt!.Value, node.Time.GetUtcNow().AddSeconds(-12), node.Time.GetUtcNow());
        Assert.True(read.TokenUntil > node.Time.GetUtcNow());
        Assert.Null(read.NextTryAt);

        node.Allegro.Misbehaves = (_, _) => Fault.Error500;
        await node.PassAsync(TimeSpan.FromMinutes(1));
        var cut = await ViewAsync(node);
        Assert.NotNull(cut.FailingSince);
        Assert.InRange(cut.NextTryAt!.Value, node.Time.GetUtcNow().AddMinutes(-1), node.Time.GetUtcNow().AddMinutes(1));
    }

    private static string Fields(JsonElement of) => string.Join(" ", of.EnumerateObject().Select(f => f.Name).Order(StringComparer.Ordinal));

    /// Goal: a client of source 5 finds its fields and defaults in every answer of §4.1, and what it gives is understood. Method: a shop that takes no stock, over HTTP, on a real clock.
    [Theory, EveryDatabase]
    public async Task The_answers_have_the_fields_of_source_5(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        var status = await node.GetAsync("/api/v1/stock-sync/status");
        Assert.Equal("healthy", status.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.String, status.GetProperty("last_updated").ValueKind);
        foreach (var count in new[] { "pending_operations", "failed_operations", "completed_today", "stale_operations" }) Assert.Equal(0, status.GetProperty("statistics").GetProperty(count).GetInt64());

        const string account = """{"kind":"shop","enabled":false,"settings":{"mapping":{"stock":{"url":"https://shop.example/{offer}","body":{"q":"{quantity}"}}}}}""";
        await JsonAsync(node.SendAsync("PUT", "/api/v1/channels/shop", account), 200);
        var made = await node.Node.Lanes.ExecuteAsync<Done>(Lane.Hub, TestNode.Tester, async tx =>
        {
            await StockPlan.MakeAsync(tx, new StockSyncSettings(), "shop", [.. Enumerable.Range(1, 60).Select(i => new StockPlan.Change($"offer-{i}", $"S{i}", i, null, OperationType.Adjustment, null, "made"))]);
            await tx.WriteAsync("UPDATE stock_operations SET status = 3, completed_at = @now WHERE offer = 'offer-60'", new { now = tx.Now });
            return new Done();
        });
        Assert.True(made.IsOk);
        var usual = await node.GetAsync("/api/v1/stock-sync/pending");
        Assert.Equal((50, 0, 50, 50), (usual.GetProperty("limit").GetInt32(), usual.GetProperty("offset").GetInt32(), usual.GetProperty("total").GetInt32(), usual.GetProperty("operations").GetArrayLength()));
        Assert.Equal("created_at error_message id next_retry_at order_id quantity retry_count sku status", Fields(usual.GetProperty("operations")[0]));
        // All states where none is asked for, the newest first.
        Assert.Equal(("completed", 60), (usual.GetProperty("operations")[0].GetProperty("status").GetString(), usual.GetProperty("operations")[0].GetProperty("quantity").GetInt32()));
        Assert.Equal(usual.GetProperty("operations").EnumerateArray().Select(o => o.GetProperty("id").GetString()), usual.GetProperty("items").EnumerateArray().Select(o => o.GetProperty("id").GetString()));
        var rest = await node.GetAsync("/api/v1/stock-sync/pending?status=pending&limit=200&offset=55");
        Assert.Equal((200, 55, 4, 4), (rest.GetProperty("limit").GetInt32(), rest.GetProperty("offset").GetInt32(), rest.GetProperty("total").GetInt32(), rest.GetProperty("items")[0].GetProperty("quantity").GetInt32()));
        var next = await node.GetAsync("/api/v1/stock-sync/pending?offset=7&cursor=" + usual.GetProperty("next_cursor").GetString());
        Assert.Equal((10, 0), (next.GetProperty("total").GetInt32(), next.GetProperty("offset").GetInt32()));
        foreach (var wrong in new[] { "limit=201", "offset=-1", "offset=x", "status=lost" }) Assert.Equal(400, (int)(await node.SendAsync("GET", "/api/v1/stock-sync/pending?" + wrong)).StatusCode);
        Assert.Equal(61, (await node.Http.GetStringAsync("/api/v1/stock-sync/pending?format=csv&offset=0")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal((59, 1), (await node.GetAsync("/api/v1/stock-sync/status")).GetProperty("statistics") is var counted
            ? (counted.GetProperty("pending_operations").GetInt32(), counted.GetProperty("completed_today").GetInt32()) : default);

        var waits = rest.GetProperty("items")[0].GetProperty("id").GetString()!;
        foreach (var (method, path, message, after) in new[]
        {
            ("POST", "retry", "Operation queued for retry", "pending"), ("DELETE", "cancel", "Operation cancelled", "cancelled"), ("DELETE", "cancel", "Operation cancelled", "cancelled"),
        })
        {
            var told = await JsonAsync(node.SendAsync(method, $"/api/v1/stock-sync/{path}/{waits}"), 200);
            Assert.Equal((message, waits, waits, after), (told.GetProperty("message").GetString(), told.GetProperty("operation_id").GetString(), told.GetProperty("id").GetString(), told.GetProperty("status").GetString()));
        }
        await JsonAsync(node.SendAsync("DELETE", "/api/v1/stock-sync/cancel/" + usual.GetProperty("items")[0].GetProperty("id").GetString()), 409);
        await JsonAsync(node.SendAsync("POST", $"/api/v1/stock-sync/retry/{Guid.NewGuid()}"), 404);

        await JsonAsync(node.SendAsync("PUT", "/api/v1/channels/other", account), 200);
        var all = await JsonAsync(node.SendAsync("POST", "/api/v1/stock-sync/reconcile"), 202);
        Assert.Equal(("queued", 2), (all.GetProperty("status").GetString(), all.GetProperty("accounts").GetArrayLength()));
        Assert.True(all.GetProperty("task_id").TryGetGuid(out _));
        Assert.Equal(["shop"], (await JsonAsync(node.SendAsync("POST", "/api/v1/stock-sync/reconcile?token_id=shop"), 202)).GetProperty("accounts").EnumerateArray().Select(a => a.GetString()));
        await JsonAsync(node.SendAsync("POST", "/api/v1/stock-sync/reconcile?token_id=nobody"), 404);
    }

    [Fact]
    public async Task The_status_of_an_account_that_is_not_there_is_refused()
    {
        await using var node = await ServerNode.StartAsync();
        Assert.Equal("channel_not_found", (await JsonAsync(node.SendAsync("GET", "/api/v1/stock-sync/status?account=nobody"), 404)).GetProperty("code").GetString());
        Assert.Equal("channel_not_found", (await JsonAsync(node.SendAsync("POST", "/api/v1/stock-sync/retry", """{"account":"nobody"}"""), 404)).GetProperty("code").GetString());
        var all = await JsonAsync(node.SendAsync("POST", "/api/v1/stock-sync/retry"), 200);
        Assert.Equal((0, 0), (all.GetProperty("retried").GetInt32(), all.GetProperty("left").GetInt32()));
    }
}
