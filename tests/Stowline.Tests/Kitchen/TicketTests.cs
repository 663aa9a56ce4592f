using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Production;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Kitchen;

/// Goal: a ticket waits for its time, runs through its stages and the order's status follows (K4). Method: a whole node, a manual clock at 08:00 UTC.
public class TicketTests
{
    private static Task<Outcome<TicketView>> BumpAsync(KitchenNode kitchen, TicketRow ticket, string? stage = null) => kitchen.AtAsync(tx => MoveTickets.BumpAsync("K1", ticket.Id, stage, tx));

    [Fact]
    public void Every_state_knows_what_may_be_done()
    {
        var table = string.Join("\n", Enum.GetValues<TicketStatus>().Select(s => s + ": " + string.Join(" ", Enum.GetValues<TicketAction>().Select(a => TicketLifecycle.Check(s, a)))));
        Assert.Equal("""
            Waiting: Go Go Wrong Go
            Active: AlreadyThere Go Go Go
            Done: Wrong AlreadyThere Go Wrong
            Cancelled: Wrong Wrong Wrong AlreadyThere
            """.ReplaceLineEndings("\n"), table);
        foreach (var preset in new[] { TicketLifecycle.Kitchen, TicketLifecycle.Workshop })
        {
            Assert.Equal((TicketPhase.Waiting, TicketPhase.Done), (preset[0].Phase, preset[^1].Phase));
            Assert.Single(preset, s => s.Uses);
        }
        Assert.Equal(["pending", "preparing", "cooking", "ready", "completed"], TicketLifecycle.Kitchen.Select(s => s.Name));
        Assert.Equal(["queued", "in_production", "quality_check", "finished"], TicketLifecycle.Workshop.Select(s => s.Name));
    }

    [Theory, EveryDatabase]
    public async Task A_ticket_waits_until_it_is_to_be_seen(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        Assert.True((await kitchen.PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = 9, LeadMinutes = 60, VisibleMinutes = 30 })).IsOk);
        var order = (await kitchen.PlaceAsync(1)).Value;

        Assert.Equal(kitchen.Test.Time.GetUtcNow().AddMinutes(30), order.Slot!.VisibleAt);
        Assert.Equal(TicketStatus.Waiting, (await kitchen.TicketAsync(order.Id)).Status);
        kitchen.Test.Time.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(TicketStatus.Waiting, (await kitchen.TicketAsync(order.Id)).Status);
        kitchen.Test.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TicketStatus.Active, (await kitchen.TicketAsync(order.Id)).Status);
        Assert.Single(await kitchen.Test.Lanes.ReadAsync(Lane.Site("K1"), 0, 1000), e => e.Type == TicketShown.Type);
    }

    [Theory, EveryDatabase]
    public async Task The_orders_status_follows_the_stages_and_a_recall_takes_it_back(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        var order = (await kitchen.PlaceAsync(1)).Value;
        var ticket = await kitchen.TicketAsync(order.Id);
        var seen = new List<OrderStatus>();
        foreach (var stage in new[] { "preparing", "cooking", "ready", "completed" })
        {
            kitchen.Test.Time.Advance(TimeSpan.FromMinutes(5));
            Assert.Equal(stage, (await BumpAsync(kitchen, ticket)).Value.Stage);
            seen.Add((await kitchen.ReadAsync(order.Id)).Status);
        }
        Assert.Equal([OrderStatus.Picking, OrderStatus.Packing, OrderStatus.Ready, OrderStatus.Delivered], seen);
        Assert.True((await BumpAsync(kitchen, ticket)).Existing); // bumping what is done is no error

        Assert.Equal("ready", (await kitchen.AtAsync(tx => MoveTickets.RecallAsync("K1", ticket.Id, tx))).Value.Stage);
        Assert.Equal(OrderStatus.Ready, (await kitchen.ReadAsync(order.Id)).Status);
        Assert.Equal("invalid_transition", (await kitchen.AtAsync(tx => MoveTickets.RecallAsync("K1", ticket.Id, tx))).Refusal!.Code); // the last bump, once
        Assert.Equal("invalid_transition", (await BumpAsync(kitchen, ticket, "pending")).Refusal!.Code);
        Assert.Equal("unknown_stage", (await BumpAsync(kitchen, ticket, "frying")).Refusal!.Code);
        var next = await kitchen.TicketAsync((await kitchen.PlaceAsync(1)).Value.Id);
        var estimate = (await kitchen.AtAsync<TicketView>(async tx => await Tickets.ShowAsync(tx, next))).Value.EstimatedReadyAt;
        Assert.Equal(next.StageAt.AddMinutes(15), estimate); // five minutes in each of the three stages before ready
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cancelling_works_at_every_stage_until_it_is_handed_over(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(100);
        foreach (var bumps in new[] { 0, 1, 2, 3 })
        {
            var order = (await kitchen.PlaceAsync(1)).Value;
            var ticket = await kitchen.TicketAsync(order.Id);
            for (var i = 0; i < bumps; i++) Assert.True((await BumpAsync(kitchen, ticket)).IsOk);
            await kitchen.CancelAsync(order.Id);
            Assert.Equal(OrderStatus.Cancelled, (await kitchen.ReadAsync(order.Id)).Status);
            Assert.Equal("invalid_transition", (await BumpAsync(kitchen, ticket)).Refusal!.Code);
        }
        Assert.Empty(await kitchen.UsedAsync());
        var eaten = (await kitchen.PlaceAsync(1)).Value;
        Assert.True((await BumpAsync(kitchen, await kitchen.TicketAsync(eaten.Id), "completed")).IsOk);
        Assert.Equal("already_shipped", (await kitchen.CancelAsync(eaten.Id)).Refusal!.Code);
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cooking_uses_ingredients_up_and_what_runs_out_is_off_at_once_until_it_comes_again(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        Task ReceiveAsync(string reference, int dough) => kitchen.AtAsync(tx => ReceiveStock.DecideAsync("K1", new ReceiptBody(reference, [new ReceiptLine { Sku = "Dough", Quantity = dough }]), tx));
        await ReceiveAsync("r1", 5);

        var first = (await kitchen.PlaceAsync(2)).Value;
        Assert.True((await kitchen.PlaceAsync(1)).IsOk); // the last 1 of 5 is not enough, and nobody knows before the kitchen says so
        await kitchen.Test.DrainAsync();
        var refused = (await kitchen.PlaceAsync(1)).Refusal!;
        Assert.Equal(("dish_unavailable", RefusalKind.Conflict), (refused.Code, refused.Kind));

        await BumpAsync(kitchen, await kitchen.TicketAsync(first.Id), "cooking");
        Assert.Equal(4, (await kitchen.Test.Database.ReadAsync(s => LedgerSums.UsedAsync(s, "K1")))["Dough"]);
        await ReceiveAsync("r2", 10);
        Assert.True((await kitchen.PlaceAsync(1)).IsOk);

        Assert.True((await kitchen.AtAsync(tx => StopDish.DecideAsync("K1", new StopBody { Sku = "marg-l", Reason = "no boxes" }, tx))).IsOk);
        Assert.Equal("dish_unavailable", (await kitchen.PlaceAsync(1, "marg-l")).Refusal!.Code);
        Assert.True((await kitchen.PlaceAsync(1)).IsOk);
        Assert.True((await kitchen.AtAsync(tx => StopDish.LiftAsync("K1", "marg-l", tx))).IsOk);
        Assert.True((await kitchen.PlaceAsync(1, "marg-l")).IsOk);
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Stations_finish_items_and_the_last_one_makes_the_ticket_ready(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        var order = (await kitchen.PlaceAsync(1, more: b => b with { Lines = [new OrderLineBody("marg-s", 1, null), new OrderLineBody("marg-l", 2, null)] })).Value;
        var ticket = await kitchen.TicketAsync(order.Id);

        Assert.Equal("pending", (await kitchen.AtAsync(tx => BumpItem.DecideAsync("K1", ticket.Id, 2, tx))).Value.Stage);
        Assert.True((await kitchen.AtAsync(tx => BumpItem.DecideAsync("K1", ticket.Id, 2, tx))).Existing);
        Assert.Equal("item_not_found", (await kitchen.AtAsync(tx => BumpItem.DecideAsync("K1", ticket.Id, 3, tx))).Refusal!.Code);
        Assert.Equal("ready", (await kitchen.AtAsync(tx => BumpItem.DecideAsync("K1", ticket.Id, 1, tx))).Value.Stage);
        Assert.Equal(OrderStatus.Ready, (await kitchen.ReadAsync(order.Id)).Status);
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_workshop_begins_with_its_own_stages_and_a_held_order_is_not_begun(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.SiteAsync("W1", type: SiteType.Workshop);
        var order = (await kitchen.PlaceAsync(1, more: b => b with { Slot = new SlotWish(null, null, "W1") })).Value;
        var ticket = await kitchen.TicketAsync(order.Id);
        Assert.Equal(("W1", "queued"), (ticket.Site, ticket.Stage));
        await kitchen.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(ticket.OrderId, true, null, tx));
        await kitchen.Test.DrainAsync();
        Assert.Equal("order_on_hold", (await kitchen.AtAsync(tx => MoveTickets.BumpAsync("W1", ticket.Id, null, tx), "W1")).Refusal!.Code);
        await kitchen.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(ticket.OrderId, false, null, tx));
        await kitchen.Test.DrainAsync();
        Assert.Equal("in_production", (await kitchen.AtAsync(tx => MoveTickets.BumpAsync("W1", ticket.Id, null, tx), "W1")).Value.Stage);
        await kitchen.Test.VerifyAsync();
    }
}
