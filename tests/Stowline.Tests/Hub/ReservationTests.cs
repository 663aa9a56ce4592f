using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: units that are kept for an order that does not come are free again at their time, on the site's word, and whoever does not answer is told of (W13, source 2 §9.3 and §12.3). Method: the tests play the site.
public class ReservationTests
{
    private static async Task<HubNode> StartAsync(string store)
    {
        var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        await hub.GrantAsync("WH1", "S", 10);
        return hub;
    }

    /// <summary>Keeps units as gRPC's ReserveInventory does.</summary>
    private static async Task<Guid> KeepAsync(HubNode hub, string key, int units, TimeSpan? time)
    {
        var order = AcceptOrder.From(new OrderBody { Channel = OldOrders.Reservations, ExternalId = key, Lines = [new OrderLineBody("S", units, new Money(0, "XXX"))] }, hub.Node.Ids).Value;
        var kept = await hub.Test.PumpUntilAsync(hub.Intake.AcceptAsync(order with { OnlySite = "WH1", OnHold = true, ExpiresAt = hub.Test.Time.GetUtcNow() + time }, TestNode.Tester));
        return Guid.Parse(kept.Outcome.Value.Id);
    }

    private static async Task PassAsync(HubNode hub, TimeSpan time)
    {
        hub.Test.Time.Advance(time);
        await hub.Test.DrainAsync();
    }

    private static Task<DateTimeOffset?> ExpiresAsync(HubNode hub, Guid order) => hub.Node.Database.ReadAsync(async s => await Reservations.ExpiresAtAsync(s, order));

    private static async Task<string> ToldAsync(HubNode hub) => string.Join(" ", (await hub.LaneAsync(Lane.Hub)).Select(e =>
        e.Type == OrderStuck.Type && e.Read<OrderStuck>() is var stuck ? $"+{stuck.Reason}@{stuck.Site}"
        : e.Type == OrderUnstuck.Type && e.Read<OrderUnstuck>() is var over ? $"-{over.Reason}@{over.Site}" : null).OfType<string>());

    [Theory, EveryDatabase]
    public async Task What_is_kept_is_given_back_at_its_time_and_nothing_else_is(string store)
    {
        await using var hub = await StartAsync(store);
        var brief = await KeepAsync(hub, "1:1:S", 2, TimeSpan.FromHours(1));
        var longer = await KeepAsync(hub, "2:1:S", 2, TimeSpan.FromHours(1));
        var wanted = await KeepAsync(hub, "3:1:S", 2, TimeSpan.FromHours(1));
        var endless = await KeepAsync(hub, "4:1:S", 2, null);
        Assert.Null(await ExpiresAsync(hub, endless));
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => Reservations.KeepUntilAsync(longer, tx.Now.AddHours(2), tx))).IsOk);
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(wanted, false, null, tx))).IsOk); // it goes on: nobody takes its units away
        await PassAsync(hub, TimeSpan.FromMinutes(59));
        Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(brief.ToString())).Status);
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal(OrderStatus.Cancelling, (await hub.ReadAsync(brief.ToString())).Status);
        foreach (var other in new[] { longer, wanted, endless }) Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(other.ToString())).Status);
        var asked = Assert.Single(await hub.LaneAsync(Lane.Hub), e => e.Type == OrderCancelRequested.Type);
        Assert.Equal((brief, "the reservation has expired"), (asked.OrderId, asked.Read<OrderCancelRequested>().Reason));

        await hub.SayAsync("WH1", "S", b => b, b => new PartCancelled(brief, 1, "cancel", [new SkuUnits("S", 2)], null, [b]), brief);
        await PassAsync(hub, TimeSpan.FromSeconds(20));
        Assert.Equal(OrderStatus.Cancelled, (await hub.ReadAsync(brief.ToString())).Status);
        Assert.Equal((null, null), (await ExpiresAsync(hub, brief), await ExpiresAsync(hub, wanted)));
        Assert.NotNull(await ExpiresAsync(hub, longer));
        await PassAsync(hub, TimeSpan.FromHours(1));
        Assert.Equal(OrderStatus.Cancelling, (await hub.ReadAsync(longer.ToString())).Status);
        Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(endless.ToString())).Status);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task One_that_has_expired_and_is_not_released_is_told_of_until_it_is(string store)
    {
        await using var hub = await StartAsync(store);
        var kept = await KeepAsync(hub, "1:1:S", 2, TimeSpan.FromHours(1));
        await PassAsync(hub, TimeSpan.FromMinutes(61));
        await PassAsync(hub, TimeSpan.FromMinutes(3));
        Assert.Equal("", await ToldAsync(hub));
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+reservation_expired@WH1", await ToldAsync(hub));
        Assert.Equal(1, (await hub.Node.Database.ReadAsync(StuckOrders.CountAsync))[StuckReason.ReservationExpired]);

        await hub.SayAsync("WH1", "S", b => b, b => new PartCancelled(kept, 1, "cancel", [new SkuUnits("S", 2)], null, [b]), kept);
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+reservation_expired@WH1 -reservation_expired@WH1", await ToldAsync(hub));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_held_order_that_a_site_does_not_give_back_is_told_of(string store)
    {
        await using var hub = await StartAsync(store);
        var kept = await KeepAsync(hub, "1:1:S", 2, null);
        await PassAsync(hub, TimeSpan.FromDays(1));
        Assert.Equal("", await ToldAsync(hub));
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(kept, "released", tx))).IsOk);
        await PassAsync(hub, TimeSpan.FromMinutes(11));
        Assert.Equal("+cancel_unanswered@WH1", await ToldAsync(hub));
    }
}
