using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: where several sites come back one after the other that a restored hub went on without, what each of them was told counts. Method: the hub by itself; the test plays the sites and the join (the
/// link between two nodes has tests of its own).
public class SitesThatComeBack
{
    private static async Task<HubNode> StartAsync(string store)
    {
        var hub = await HubNode.StartAsync(store, new TransfersModule());
        foreach (var site in new[] { "W1", "W2", "W3" }) await hub.SiteAsync(site);
        await hub.ProductsAsync("A");
        foreach (var site in new[] { "W1", "W2", "W3" }) await hub.GrantAsync(site, "A", 5);
        return hub;
    }

    /// <summary>An event of the hub's old history, as the site's copy has it.</summary>
    private static EventRecord Old<T>(string site, T payload, Guid order) where T : IEvent => new(Lane.HubTo(site), 1, Guid.NewGuid(), T.Type, order.ToString(), order, new ManualTime().GetUtcNow(), "tester", null,
        System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(payload, EventJson.Info<T>()));

    private static async Task JoinAsync(HubNode hub, string site, params EventRecord[] events)
    {
        Assert.True((await hub.Test.RunAsync<Done>(Lane.Hub, async tx =>
        {
            foreach (var module in hub.Node.Modules) await module.JoinAsync(site, events, tx);
            foreach (var module in hub.Node.Modules) await module.JoinedAsync(site, tx);
            return new Done();
        })).IsOk);
        await hub.Test.DrainAsync();
    }

    private static async Task<IReadOnlyList<int>> AskedAsync(HubNode hub, string site, Guid order) =>
        [.. (await hub.LaneAsync(Lane.HubTo(site))).Where(e => e.Type == PartCancelRequested.Type && e.OrderId == order).Select(e => e.Read<PartCancelRequested>().Part)];

    [Theory, EveryDatabase]
    public async Task Each_part_of_an_order_that_was_placed_again_is_asked_back_whenever_its_site_comes(string store)
    {
        foreach (var answered in new[] { false, true }) await OneAfterTheOtherAsync(store, answered);
    }

    /// <param name="answered">Whether the first site has given its part back when the second one comes.</param>
    private static async Task OneAfterTheOtherAsync(string store, bool answered)
    {
        await using var hub = await StartAsync(store);
        Assert.True((await hub.PlaceAsync("1", ("A", 5))).IsOk);
        var id = Guid.CreateVersion7();
        EventRecord Part(int part, string site) => Old(site, new PartAssigned(id, part, 77, "web", "1", "ship", Priority.Normal, [new SkuUnits("A", 2)], id, null, null, false)
        {
            Order = new OrderFacts("EUR", 100_000, [new PlacedLine("A", 4, 25_000)], null, null, new ManualTime().GetUtcNow()),
        }, id);

        await JoinAsync(hub, "W1", Part(1, "W1"));
        Assert.Equal([1], await AskedAsync(hub, "W1", id));
        if (answered) await hub.SayAsync("W1", "A", b => b, b => new PartCancelled(id, 1, JoinedOrders.Cause, [new SkuUnits("A", 2)], null, [b]), id);
        await JoinAsync(hub, "W2", Part(2, "W2"));
        Assert.Equal([1], await AskedAsync(hub, "W1", id)); // once
        Assert.Equal([2], await AskedAsync(hub, "W2", id));
        Assert.Equal(OrderStatus.Cancelling, (await hub.ReadAsync(id.ToString())).Status);

        await hub.SayAsync("W2", "A", b => b, b => new PartCancelled(id, 2, JoinedOrders.Cause, [new SkuUnits("A", 2)], null, [b]), id);
        if (!answered) await hub.SayAsync("W1", "A", b => b, b => new PartCancelled(id, 1, JoinedOrders.Cause, [new SkuUnits("A", 2)], null, [b]), id);
        Assert.Equal((OrderStatus.Cancelled, 10L), ((await hub.ReadAsync(id.ToString())).Status, await hub.AvailableAsync("A")));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_transfer_that_arrived_before_its_sender_came_back_has_arrived(string store)
    {
        await using var hub = await StartAsync(store);
        var id = Guid.CreateVersion7();
        foreach (var units in new[] { 1, 2 }) await hub.TellAsync("W2", new TransferReceived(78, null, null, [new TransferLot("A", null, units)], Complete: false));
        await hub.TellAsync("W3", new TransferReceived(78, null, null, [new TransferLot("A", null, 1)], Complete: false)); // a stranger's
        Assert.Equal(3, (await hub.LaneAsync(Lane.Hub)).Count(e => e.Type == TransferUnknown.Type));

        await JoinAsync(hub, "W1", Old("W1", new PartAssigned(id, 1, 78, "transfer", "78", "transfer", Priority.Normal, [new SkuUnits("A", 3)], id, null, null, false)
        {
            Transfer = new TransferFacts("W2", "shop is empty"),
        }, id));
        await hub.SayAsync("W1", "A", b => b with { Consumed = 3, OnHand = 2 }, b => new PartShipped(id, 1, id, 1, "van", "T1", [new SkuUnits("A", 3)], [],
            [new MovementLine(id, 1, MovementKind.Shipping, "A", null, "STAGING", null, 3, null, null)], [b]), id);
        var transfer = (await hub.Test.Database.ReadAsync(async s => await TransferRows.FindAsync(s, 78L)))!.View();
        Assert.Equal((TransferStatus.Received, 3L, 3L), (transfer.Status, transfer.Lines.Single().Shipped, transfer.Lines.Single().Received));
        Assert.Equal(0, (await hub.Test.Database.ReadAsync(s => Availability.OfAsync(s, ["A"]))).Items[0].Incoming);
        await hub.Test.VerifyAsync();
    }
}
