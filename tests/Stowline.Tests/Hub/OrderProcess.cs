using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: the hub follows what sites say: status, release on the site's word, re-routing, cancellation. Method: the tests play the sites.
public class OrderProcess
{
    private static async Task<(HubNode Hub, OrderView Order, Guid Id)> PlacedAsync(string store, params string[] sites)
    {
        var hub = await HubNode.StartAsync(store);
        foreach (var site in sites) await hub.SiteAsync(site);
        await hub.ProductsAsync("A");
        await hub.GrantAsync(sites[0], "A", 10);
        foreach (var site in sites.Skip(1)) await hub.GrantAsync(site, "A", 4);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        return (hub, order, Guid.Parse(order.Id));
    }

    [Theory, EveryDatabase]
    public async Task The_status_follows_the_least_advanced_part(string store)
    {
        var (hub, order, id) = await PlacedAsync(store, "W1");
        await using var _ = hub;
        var task = Guid.NewGuid();

        await hub.TellAsync("W1", new PickingStarted(task, 1, id, 1, "ana"), id);
        Assert.Equal(OrderStatus.Picking, (await hub.ReadAsync(order.Id)).Status);
        await hub.TellAsync("W1", new PickingCompleted(task, 1, id, 1, 4, 0), id);
        Assert.Equal(OrderStatus.Packing, (await hub.ReadAsync(order.Id)).Status);
        await hub.TellAsync("W1", new PackingCompleted(task, 1, id, 1, 1), id);
        Assert.Equal(OrderStatus.Ready, (await hub.ReadAsync(order.Id)).Status);
        await hub.SayAsync("W1", "A", b => b with { Consumed = 4, OnHand = 6 }, b => new PartShipped(id, 1, task, 1, "dhl", "T1", [new SkuUnits("A", 4)], [], [], [b]), id);

        Assert.Equal(OrderStatus.Shipped, (await hub.ReadAsync(order.Id)).Status);
        Assert.Equal(["allocated", "picking", "packing", "ready"],
            (await hub.LaneAsync(Lane.Hub)).Where(e => e.Type == OrderStatusChanged.Type).Select(e => e.Read<OrderStatusChanged>().From));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cancelling_releases_only_on_the_sites_word(string store)
    {
        var (hub, order, id) = await PlacedAsync(store, "W1");
        await using var _ = hub;

        var asked = (await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(id, "changed my mind", tx))).Value;
        Assert.Equal(OrderStatus.Cancelling, asked.Status);
        Assert.Equal(6, await hub.AvailableAsync("A"));
        await hub.SayAsync("W1", "A", b => b, b => new PartCancelled(id, 1, "cancel", [new SkuUnits("A", 4)], null, [b]), id);

        Assert.Equal(OrderStatus.Cancelled, (await hub.ReadAsync(order.Id)).Status);
        Assert.Equal(10, await hub.AvailableAsync("A"));
        var again = await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(id, null, tx));
        Assert.True(again.Existing);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_was_shipped_meanwhile_stays_shipped(string store)
    {
        var (hub, order, id) = await PlacedAsync(store, "W1");
        await using var _ = hub;
        await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(id, null, tx));

        await hub.SayAsync("W1", "A", b => b with { Consumed = 4, OnHand = 6 }, b => new PartShipped(id, 1, id, 1, "dhl", "T1", [new SkuUnits("A", 4)], [], [], [b]), id);
        await hub.TellAsync("W1", new PartCancelRefused(id, 1, "cancel", "it has left"), id);

        Assert.Equal(OrderStatus.Shipped, (await hub.ReadAsync(order.Id)).Status);
        var late = await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(id, null, tx));
        Assert.True(late.IsOk || late.Refusal!.Code == "already_shipped");
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Missing_units_go_to_another_site_and_after_that_on_backorder(string store)
    {
        var (hub, order, id) = await PlacedAsync(store, "W1", "W2");
        await using var _ = hub;

        await hub.SayAsync("W1", "A", b => b with { Withdrawn = 7, OnHand = 3 }, b => new PartShort(id, 1, [new SkuUnits("A", 1)], false, "bin empty", [b]), id);
        var rerouted = await hub.ReadAsync(order.Id);
        Assert.Equal([("W1", 3), ("W2", 1)], rerouted.Parts.Select(p => (p.Site, p.Lines.Single().Quantity)));

        await hub.SayAsync("W2", "A", b => b with { Withdrawn = 4, OnHand = 0 }, b => new PartShort(id, 2, [new SkuUnits("A", 1)], true, "bin empty", [b]), id);
        var waiting = await hub.ReadAsync(order.Id);
        Assert.Equal([OrderStatus.Allocated, OrderStatus.Short, OrderStatus.Backorder], waiting.Parts.Select(p => p.Status));
        Assert.Equal(OrderStatus.Backorder, waiting.Status);
        Assert.Equal(0, await hub.AvailableAsync("A"));

        await hub.GrantAsync("W1", "A", 1);
        Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(order.Id)).Status);
        var told = await hub.Test.Database.ReadAsync(s => Timeline.ReadAsync(s, id));
        Assert.Contains(told, t => t.Summary == "short at W2: bin empty: 1 units on backorder");
        await hub.Test.VerifyAsync();
    }

    /// Found by the simulator (seed 10089): the first part's new rows were written a second time with the next one's.
    [Theory, EveryDatabase]
    public async Task Two_waiting_parts_of_one_order_are_served_by_one_arrival(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("W1");
        await hub.SiteAsync("W2");
        await hub.ProductsAsync("A", "B");
        await hub.GrantAsync("W1", "B", 2);
        var order = (await hub.PlaceAsync(hub.Order("1", [("A", 4), ("B", 2)], b => b with { Backorder = true }).Value)).Value;
        var id = Guid.Parse(order.Id);
        await hub.SayAsync("W1", "B", b => b with { Withdrawn = 2, OnHand = 0 }, b => new PartShort(id, 1, [new SkuUnits("B", 2)], true, "bin empty", [b]), id);
        await hub.GrantAsync("W2", "A", 1);
        Assert.Equal([OrderStatus.Short, OrderStatus.Backorder, OrderStatus.Backorder], (await hub.ReadAsync(order.Id)).Parts.Select(p => p.Status));

        await hub.TellAsync("W1", new StockMoved("receipt", [], [new Balance("A", 1, 3, 0, 0, 3, 0, 0), new Balance("B", 1, 4, 0, 2, 2, 0, 0)]));

        var served = (await hub.ReadAsync(order.Id)).Parts.Where(p => p.Status == OrderStatus.Allocated);
        Assert.Equal(["W1 A 3", "W1 B 2", "W2 A 1"], served.Select(p => $"{p.Site} {p.Lines.Single().Sku} {p.Lines.Single().Quantity}").Order(StringComparer.Ordinal));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Hold_priority_and_reroute_reach_the_site(string store)
    {
        var (hub, order, id) = await PlacedAsync(store, "W1", "W2");
        await using var _ = hub;

        await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(id, true, "check address", tx));
        await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(id, false, null, tx));
        await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.PrioritizeAsync(id, Priority.Urgent, tx));
        await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.RerouteAsync(id, new RerouteBody("W2", null), tx));
        Assert.Equal(["part.assigned", "part.held", "part.released", "part.priority_changed", "part.cancel_requested"],
            (await hub.LaneAsync(Lane.HubTo("W1"))).Select(e => e.Type));
        await hub.SayAsync("W1", "A", b => b, b => new PartCancelled(id, 1, "reroute:W2", [new SkuUnits("A", 4)], null, [b]), id);

        var moved = await hub.ReadAsync(order.Id);
        Assert.Equal([(string?)"W1", "W2"], moved.Parts.Select(p => p.Site));
        Assert.Equal([OrderStatus.Cancelled, OrderStatus.Allocated], moved.Parts.Select(p => p.Status));
        Assert.Equal(Priority.Urgent, moved.Priority);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_recall_gives_back_only_what_is_free(string store)
    {
        var (hub, _, _) = await PlacedAsync(store, "W1");
        await using var __ = hub;

        await hub.TellAsync("W1", new RecallRequested("A", 1, 8, "safety stock raised"));

        Assert.Equal(0, await hub.AvailableAsync("A"));
        Assert.Equal(6, (await hub.LaneAsync(Lane.HubTo("W1"))).Last().Read<AllotmentReturned>().Returned);
        await hub.Test.VerifyAsync();
    }
}
