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
