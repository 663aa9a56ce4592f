using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Kitchen;

/// Goal: capacity is promised like stock, in the order's own transaction, and never twice (K2). Method: real SQL, a manual clock at 08:00 UTC.
public class SlotTests
{
    [Theory, EveryDatabase]
    public async Task An_order_takes_the_next_free_slot_and_becomes_a_ticket_there(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(3);

        var first = (await kitchen.PlaceAsync(2)).Value;
        var second = (await kitchen.PlaceAsync(2, more: b => b with { Lines = [new OrderLineBody("marg-s", 2, null) { Extras = [new ExtraBody("olives", 2)] }] })).Value;

        Assert.Equal((kitchen.Test.Time.GetUtcNow(), "20.00"), (first.Slot!.Start, first.Total.AmountText()));
        Assert.Equal($"slot:{first.Slot.Start.ToUnixTimeSeconds()}", first.Slot.Id);
        Assert.Equal((first.Slot.Start.AddMinutes(15), "26.00"), (second.Slot!.Start, second.Total.AmountText()));
        Assert.Equal(OrderStatus.Allocated, second.Status);
        Assert.Equal(second.Slot, (await kitchen.ReadAsync(second.Id)).Slot);
        var item = Assert.Single((await kitchen.TicketAsync(second.Id)).ItemList);
        Assert.Equal([new SkuUnits("Dough", 4), new SkuUnits("Mozzarella", 2), new SkuUnits("Olives", 20)], item.Uses);
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Sixty_four_orders_at_once_never_overfill_a_slot_and_what_does_not_fit_leaves_nothing(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(5, hours: new OpeningHours { Monday = ["08:00-09:00"] }); // 4 slots of 5; a manual clock begins on a Monday

        var answers = await kitchen.Test.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 64).Select(_ => kitchen.Intake.AcceptAsync(kitchen.Order(1), TestNode.Tester))));
        await kitchen.Test.DrainAsync();

        Assert.Equal(20, answers.Count(a => a.Outcome.IsOk));
        Assert.All(answers.Where(a => !a.Outcome.IsOk), a => Assert.Equal(("slots_full", RefusalKind.Conflict), (a.Outcome.Refusal!.Code, a.Outcome.Refusal.Kind)));
        Assert.Equal([5L, 5, 5, 5], (await kitchen.UsedAsync()).Values);
        Assert.Equal(20, await kitchen.Test.Database.ReadAsync(async s => await s.FindAsync<int>("SELECT COUNT(*) FROM orders")));
        Assert.DoesNotContain(await kitchen.Test.Lanes.ReadAsync(Lane.Hub, 0, 10_000), e => e.Type == OrderRefused.Type);
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_order_larger_than_a_slot_takes_consecutive_ones_and_gives_all_of_them_back(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(15);

        Assert.Equal(1, (await kitchen.PlaceAsync(4)).Value.Slot!.Slots);
        var large = (await kitchen.PlaceAsync(40)).Value;

        Assert.Equal([15L, 15, 14], (await kitchen.UsedAsync()).Values);
        Assert.Equal((3, kitchen.Test.Time.GetUtcNow().AddMinutes(45)), (large.Slot!.Slots, large.Slot.End));
        await kitchen.CancelAsync(large.Id);
        Assert.Equal([4L], (await kitchen.UsedAsync()).Values);
        Assert.Equal(OrderStatus.Cancelled, (await kitchen.ReadAsync(large.Id)).Status);
        Assert.Equal(2, (await kitchen.PlaceAsync(26)).Value.Slot!.Slots); // what was released is found again, in memory too
        await kitchen.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_wished_slot_is_taken_or_refused(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(3, hours: new OpeningHours { Monday = ["11:00-12:00"], Tuesday = ["11:00-12:00"] });
        var noon = new DateTimeOffset(2026, 1, 6, 11, 30, 0, TimeSpan.Zero);
        OrderBody At(OrderBody body, SlotWish wish) => body with { Slot = wish };

        var tomorrow = (await kitchen.PlaceAsync(3, more: b => At(b, new SlotWish(null, noon, "K1")))).Value;
        var again = await kitchen.PlaceAsync(1, more: b => At(b, new SlotWish(tomorrow.Slot!.Id, null, null)));
        var closed = await kitchen.PlaceAsync(1, more: b => At(b, new SlotWish(null, noon.AddHours(3), null)));
        var past = await kitchen.PlaceAsync(1, more: b => At(b, new SlotWish(null, noon.AddDays(-2), null)));

        Assert.Equal(noon, tomorrow.Slot!.Start);
        Assert.All([again, closed, past], a => Assert.Equal("slots_full", a.Refusal!.Code));
        Assert.Equal(11, (await kitchen.PlaceAsync(1)).Value.Slot!.Start.Hour); // the next free one is today's
        Assert.Contains("slot.id", AcceptOrder.From(At(new OrderBody { Lines = [new OrderLineBody("marg-s", 1, null)] }, new SlotWish("noon", null, null)), kitchen.Node.Ids).Refusal!.Errors!.Keys);
    }

    [Theory, EveryDatabase]
    public async Task Capacity_in_money_and_in_minutes_counts_what_the_order_costs_and_takes(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        Assert.True((await kitchen.PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Money, CapacityMoney = new Money(25, "EUR"), LeadMinutes = 0 })).IsOk);
        await kitchen.PlaceAsync(2);
        await kitchen.PlaceAsync(1, "marg-l");
        Assert.Equal([200_000L, 140_000], (await kitchen.UsedAsync()).Values);
        Assert.Equal("slots_in_use", (await kitchen.PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Minutes, Capacity = 10 })).Refusal!.Code);
        kitchen.Test.Time.Advance(TimeSpan.FromDays(1));
        Assert.True((await kitchen.PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Minutes, Capacity = 10, LeadMinutes = 0 })).IsOk);
        await kitchen.PlaceAsync(1);
        await kitchen.PlaceAsync(1, "marg-l");
        Assert.Equal(10, (await kitchen.UsedAsync()).Values.Last());
    }

    [Fact]
    public async Task Two_processes_on_one_database_do_not_overfill_either()
    {
        if (EveryDatabaseAttribute.Postgres is null) return;
        await using var own = await OwnPostgres.MakeAsync();
        await using var first = await Node.OpenAsync(own.Open());
        await using var second = await Node.OpenAsync(own.Open());
        first.Start();
        second.Start();
        await KitchenNode.SetUpAsync(first, new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = 4, LeadMinutes = 0, Days = 3 });
        AcceptOrders[] doors = [first.Modules.OfType<OrderingModule>().Single().Intake!, second.Modules.OfType<OrderingModule>().Single().Intake!];

        for (var round = 0; round < 4; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => doors[i % 2].AcceptAsync(
                AcceptOrder.From(new OrderBody { Lines = [new OrderLineBody("marg-s", 1 + i % 3, null)] }, first.Ids).Value, TestNode.Tester)));
            Assert.All(answers, a => Assert.True(a.Outcome.IsOk));
        }

        var used = await first.Database.ReadAsync(async s => await s.QueryAsync<long>("SELECT used FROM slots"));
        Assert.All(used, u => Assert.InRange(u, 1, 4));
        Assert.Equal(4 * Enumerable.Range(0, 64).Sum(i => 1 + i % 3), used.Sum());
    }

    [Theory, EveryDatabase]
    public async Task Slots_follow_the_sites_working_hours_and_exceptions_where_the_plan_names_none(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store, """{"mon":["10:00-10:30"],"tuesday":"12:00-01:00","exceptions":{"2026-01-06":["09:00-09:15"]}}""", "Europe/Belgrade");
        Assert.True((await kitchen.PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = 1, LeadMinutes = 0, Days = 9 })).Value is { FollowsSite: true, Hours.Monday: ["10:00-10:30"] });

        var starts = new List<string>();
        for (var i = 0; i < 4; i++) starts.Add((await kitchen.PlaceAsync(1)).Value.Slot!.Start.ToString("ddd HH:mm"));
        Assert.Equal(["Mon 09:00", "Mon 09:15", "Tue 08:00", "Mon 09:00"], starts); // UTC; Tuesday the 6th has other hours

        // The site says something else, and the next order hears of it.
        await kitchen.SiteAsync("K1", "Europe/Belgrade", hours: """{"mon":"09:30-10:00"}""");
        Assert.Equal("Mon 08:30", (await kitchen.PlaceAsync(1)).Value.Slot!.Start.ToString("ddd HH:mm"));
        // The plan's own hours win.
        await kitchen.PlanAsync(1, hours: new OpeningHours { Monday = ["20:00-21:00"] });
        Assert.Equal("Mon 19:00", (await kitchen.PlaceAsync(1)).Value.Slot!.Start.ToString("ddd HH:mm"));
        await kitchen.Test.VerifyAsync();
    }

    /// Goal: whatever is placed and cancelled, no slot is over capacity and cancelling all leaves nothing. Method: random orders by seed.
    [Theory, EveryDatabase]
    public async Task Random_orders_and_cancellations_never_overfill_and_release_exactly(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.PlanAsync(7, hours: new OpeningHours { Monday = ["08:00-10:00", "11:00-12:30"] });
        var random = new Random(4711);
        var open = new List<string>();
        for (var i = 0; i < 60; i++)
        {
            if (open.Count > 0 && random.Next(3) == 0)
            {
                var at = random.Next(open.Count);
                await kitchen.CancelAsync(open[at]);
                open.RemoveAt(at);
            }
            else if (await kitchen.PlaceAsync(random.Next(1, 18)) is { IsOk: true } placed) open.Add(placed.Value.Id);
            Assert.All((await kitchen.UsedAsync()).Values, used => Assert.InRange(used, 1, 7));
        }
        await kitchen.Test.VerifyAsync();
        foreach (var order in open) await kitchen.CancelAsync(order);
        Assert.Empty(await kitchen.UsedAsync());
    }

    [Theory, EveryDatabase]
    public async Task The_fastest_kitchen_is_the_one_that_can_promise_earliest_and_the_decision_says_so(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        await kitchen.SiteAsync("K2");
        await kitchen.PlanAsync(2);
        await kitchen.PlanAsync(2, "K2", new OpeningHours { Monday = ["08:15-09:00"] });

        var sites = new List<string?>();
        for (var i = 0; i < 3; i++) sites.Add((await kitchen.PlaceAsync(2, more: b => b with { Strategy = MadeStrategy.Fastest })).Value.Parts.Single().Site);

        Assert.Equal(["K1", "K1", "K2"], sites);
        var decision = (await kitchen.Test.Lanes.ReadAsync(Lane.Hub, 0, 1000)).First(e => e.Type == OrderPlaced.Type).Read<OrderPlaced>().Decision;
        Assert.Equal(("fastest", "K1 can promise 15 minutes earlier"), (decision.Strategy, decision.Candidates[1].Rejection));
    }
}
