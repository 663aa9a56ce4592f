using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: hub and site agree, whatever a site does to a part. Method: the real hub places the orders, the real site serves them, every check of the node runs.
public sealed class FulfillmentWithHubTests
{
    private static async Task<HubNode> StartAsync(string store, int units)
    {
        var hub = new HubNode(await TestNode.StartAsync(store)); // with the site modules, unlike the hub's own tests
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        var body = new ReceiveReturnBody { Reference = "R1", Reason = "seed", Lines = [new ReturnLineBody { Sku = "S", Quantity = units }] };
        Assert.True((await hub.Test.RunAsync(Lane.Site("WH1"), tx => ReceiveReturn.DecideAsync("WH1", body, tx))).IsOk);
        await hub.Test.DrainAsync();
        return hub;
    }

    private static async Task<PickingTask> PickingAsync(HubNode hub, Guid order) => (await hub.Test.RunAsync<PickingTask>(Lane.Site("WH1"), async tx =>
        await PickingTasks.FindByPartAsync(tx, order, 1) is { } loaded ? await PickingTasks.ShowAsync(tx.Group.Session, loaded) : Refusal.NotFound("none", "none"))).Value;

    private static async Task<T> DoAsync<T>(HubNode hub, Func<LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        var outcome = await hub.Test.RunAsync(Lane.Site("WH1"), decide);
        await hub.Test.DrainAsync();
        return outcome.Value;
    }

    [Theory, EveryDatabase]
    public async Task An_order_is_shipped_and_its_status_follows(string store)
    {
        await using var hub = await StartAsync(store, 10);
        var order = (await hub.PlaceAsync("1", ("S", 4))).Value;
        await hub.Test.DrainAsync();
        var id = order.Id;
        var task = await PickingAsync(hub, Guid.Parse(order.Id));
        await DoAsync(hub, tx => AssignPicking.DecideAsync("WH1", task.Id, "ana", tx));
        await DoAsync(hub, tx => StartPicking.DecideAsync("WH1", task.Id, tx));
        Assert.Equal("picking", StatusText(await hub.ReadAsync(id)));
        await DoAsync(hub, tx => PickItem.DecideAsync("WH1", task.Id, 1, new PickItemBody { Quantity = 4 }, tx));
        await DoAsync(hub, tx => CompletePicking.DecideAsync("WH1", task.Id, tx));
        Assert.Equal("packing", StatusText(await hub.ReadAsync(id)));
        var packing = await hub.Node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @order", new { order = Guid.Parse(order.Id) }));
        await DoAsync(hub, tx => StartPacking.DecideAsync("WH1", packing, "ben", tx));
        await DoAsync(hub, tx => AddPackage.DecideAsync("WH1", packing, FulfillmentSite.Box(), tx));
        await DoAsync(hub, tx => CompletePacking.DecideAsync("WH1", packing, tx));
        Assert.Equal("ready", StatusText(await hub.ReadAsync(id)));
        await DoAsync(hub, tx => ShipPacking.DecideAsync("WH1", packing, new ShipPackingBody { Carrier = "post" }, tx));
        Assert.Equal("shipped", StatusText(await hub.ReadAsync(id)));
        Assert.Equal(6, await hub.AvailableAsync("S"));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_worker_gives_up_and_the_units_are_promised_anew(string store)
    {
        await using var hub = await StartAsync(store, 10);
        var order = (await hub.PlaceAsync("1", ("S", 4))).Value;
        await hub.Test.DrainAsync();
        var task = await PickingAsync(hub, Guid.Parse(order.Id));
        await DoAsync(hub, tx => CancelPicking.DecideAsync("WH1", task.Id, "not today", tx));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_part_that_cannot_be_found_leaves_no_promise_behind(string store)
    {
        await using var hub = await StartAsync(store, 5);
        var order = (await hub.PlaceAsync("1", ("S", 4))).Value;
        await hub.Test.DrainAsync();
        var task = await PickingAsync(hub, Guid.Parse(order.Id));
        await DoAsync(hub, tx => AssignPicking.DecideAsync("WH1", task.Id, "ana", tx));
        await DoAsync(hub, tx => StartPicking.DecideAsync("WH1", task.Id, tx));
        await DoAsync(hub, tx => PickItem.DecideAsync("WH1", task.Id, 1, new PickItemBody { Quantity = 1 }, tx));
        await DoAsync(hub, tx => SkipItem.DecideAsync("WH1", task.Id, 1, "empty", tx));
        await DoAsync(hub, tx => CompletePicking.DecideAsync("WH1", task.Id, tx));
        Assert.Equal(0, await hub.AvailableAsync("S"));
        await hub.Test.VerifyAsync();
    }

    private static string StatusText(Stowline.Hub.Ordering.OrderView view) => view.Status.ToString().ToLowerInvariant();
}
