using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: what a site had to do goes to others when it is given up, once, and every unit is accounted for, also when the site is heard all the same (decision 0027). Method: the hub by itself, to which the
/// test says what sites say; then sites of the same node.
public sealed class GiveUpTests
{
    private static async Task<HubNode> StartAsync(string store)
    {
        var hub = await HubNode.StartAsync(store, new TransfersModule());
        foreach (var site in new[] { "W1", "W2", "W3" }) await hub.SiteAsync(site);
        await hub.ProductsAsync("A", "B");
        return hub;
    }

    private static async Task<Outcome<GiveUpView>> GiveUpAsync(HubNode hub, string site = "W1")
    {
        var done = await hub.Test.RunAsync(Lane.Hub, tx => GiveUpSite.DecideAsync(site, new GiveUpBody(true, "burnt down"), tx, hub.Node));
        await hub.Test.DrainAsync();
        return done;
    }

    private static async Task<SiteAvailability> AtAsync(HubNode hub, string site, string sku = "A") =>
        (await hub.Test.Database.ReadAsync(s => Availability.OfAsync(s, [sku]))).Items[0].Sites.Single(s => s.Site == site);

    private static async Task<IReadOnlyList<(string? Site, OrderStatus Status, int Units)>> PartsAsync(HubNode hub, string order) =>
        [.. (await hub.ReadAsync(order)).Parts.Select(p => (p.Site, p.Status, p.Lines.Sum(l => l.Quantity)))];

    private static async Task<IReadOnlyList<string>> StoryAsync(HubNode hub, string order) =>
        [.. (await hub.Test.Database.ReadAsync(s => Timeline.ReadAsync(s, Guid.Parse(order, CultureInfo.InvariantCulture)))).Select(t => t.Summary)];

    private static PartShipped Shipped(Guid order, int part, int units, Balance balance) => new(order, part, order, 1, "dhl", "T1", [new SkuUnits("A", units)], [], [], [balance]);

    [Theory, EveryDatabase]
    public async Task What_it_had_to_do_goes_to_other_sites_and_waits_where_nobody_has_it(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        var leaving = (await hub.PlaceAsync("2", ("A", 2))).Value;
        await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(leaving.Id, CultureInfo.InvariantCulture), "no more", tx));
        await hub.GrantAsync("W2", "A", 3);
        Assert.Equal((GiveUpStage.Leaving, 9L), ((await GiveUpAsync(hub)).Value.State, (await AtAsync(hub, "W1")).Disputed));

        Assert.Equal([("W1", OrderStatus.Short, 4), ("W2", OrderStatus.Allocated, 3), (null, OrderStatus.Backorder, 1)], await PartsAsync(hub, order.Id));
        Assert.Contains("W1 was given up: burnt down: 3 units now from W2, 1 units on backorder", await StoryAsync(hub, order.Id));
        Assert.Equal(OrderStatus.Cancelled, (await hub.ReadAsync(leaving.Id)).Status); // nobody is left who could answer
        Assert.Equal((9L, 0L, 0L, 0L), ((await AtAsync(hub, "W1")).OnHand, (await AtAsync(hub, "W1")).Granted, (await AtAsync(hub, "W1")).Reserved, (await AtAsync(hub, "W1")).Available));
        await hub.GrantAsync("W1", "A", 5); // it is there, and grants more: that does not count
        Assert.Equal("insufficient_stock", (await hub.PlaceAsync("3", ("A", 1))).Refusal!.Code);
        Assert.Equal(OrderStatus.Backorder, (await hub.ReadAsync(order.Id)).Status);
        var again = await GiveUpAsync(hub);
        Assert.Equal((true, GiveUpStage.Gone), (again.Existing, again.Value.State));
        Assert.Single(await hub.LaneAsync(Lane.HubTo("W1")), e => e.Type == SiteGivenUp.Type);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_it_has_shipped_all_the_same_counts_and_the_rest_is_asked_back(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        var id = Guid.Parse(order.Id, CultureInfo.InvariantCulture);
        await hub.GrantAsync("W2", "A", 3);
        await GiveUpAsync(hub);
        await hub.SayAsync("W1", "A", b => b with { Consumed = 4, OnHand = 5 }, b => Shipped(id, 1, 4, b), id);
        Assert.Equal([("W1", OrderStatus.Shipped, 4), ("W2", OrderStatus.Allocated, 3), (null, OrderStatus.Cancelled, 0)], await PartsAsync(hub, order.Id));
        Assert.Contains("W1 was given up and has shipped part 1 all the same: 4 units; asked back elsewhere: part 3, 2", await StoryAsync(hub, order.Id));
        Assert.Equal(5, (await AtAsync(hub, "W1")).Disputed);
        await hub.Test.VerifyAsync();
        await hub.SayAsync("W2", "A", b => b, b => new PartCancelled(id, 2, "reroute", [new SkuUnits("A", 3)], null, [b]), id);
        Assert.Equal((OrderStatus.Shipped, 3L), ((await hub.ReadAsync(order.Id)).Status, (await AtAsync(hub, "W2")).Available));
        Assert.Equal(3, (await PartsAsync(hub, order.Id)).Count); // nothing is looked for anew
        await hub.Test.VerifyAsync();
    }

    /// A restore may make the hub forget that it gave the site up, and to whom it gave its parts then; the site has heard it, and takes them off.
    [Theory, EveryDatabase]
    public async Task What_the_site_takes_off_for_a_hub_that_has_forgotten_why_goes_to_somebody_else(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        var id = Guid.Parse(order.Id, CultureInfo.InvariantCulture);
        await hub.GrantAsync("W2", "A", 3);
        await hub.SayAsync("W1", "A", b => b with { Withdrawn = 9 }, b => new PartCancelled(id, 1, "given_up", [new SkuUnits("A", 4)], null, [b]), id);
        Assert.Equal([("W1", OrderStatus.Cancelled, 4), ("W2", OrderStatus.Allocated, 3), (null, OrderStatus.Backorder, 1)], (await PartsAsync(hub, order.Id)).OrderBy(p => p.Item2 != OrderStatus.Cancelled).ThenBy(p => p.Item1 is null));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_has_left_twice_is_told(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        var id = Guid.Parse(order.Id, CultureInfo.InvariantCulture);
        await hub.GrantAsync("W2", "A", 4);
        await GiveUpAsync(hub);
        await hub.SayAsync("W2", "A", b => b with { Consumed = 4, OnHand = 0 }, b => Shipped(id, 2, 4, b), id);
        Assert.DoesNotContain("Shipped twice", string.Join('\n', await StoryAsync(hub, order.Id)));
        await hub.SayAsync("W1", "A", b => b with { Consumed = 3, Withdrawn = 1, OnHand = 5 }, b => Shipped(id, 1, 3, b), id);
        Assert.Equal([("W1", OrderStatus.Shipped, 3), ("W2", OrderStatus.Shipped, 4)], await PartsAsync(hub, order.Id));
        Assert.Contains("Shipped twice: 3 units too many have left", await StoryAsync(hub, order.Id));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Two_parts_of_one_SKU_are_not_taken_for_the_same_twice(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 3);
        await hub.GrantAsync("W2", "A", 3);
        var order = (await hub.PlaceAsync("1", ("A", 5))).Value;
        var id = Guid.Parse(order.Id, CultureInfo.InvariantCulture);
        foreach (var part in order.Parts)
        {
            var units = part.Lines.Single().Quantity;
            await hub.SayAsync(part.Site!, "A", b => b with { Consumed = units, OnHand = b.OnHand - units }, b => Shipped(id, part.Part, units, b), id);
        }
        Assert.Equal(OrderStatus.Shipped, (await hub.ReadAsync(order.Id)).Status);
        Assert.DoesNotContain(await hub.LaneAsync(Lane.Hub), e => e.Type == OrderDoubled.Type);
    }

    [Theory, EveryDatabase]
    public async Task More_orders_than_one_step_takes_are_all_given_to_others(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 130);
        var orders = new List<string>();
        for (var i = 0; i < 120; i++) orders.Add((await hub.PlaceAsync($"o{i}", ("A", 1))).Value.Id);
        await hub.GrantAsync("W2", "A", 70);
        await GiveUpAsync(hub);
        var parts = new List<(string? Site, OrderStatus Status, int Units)>();
        foreach (var order in orders) parts.AddRange(await PartsAsync(hub, order));
        Assert.Equal((120, 70, 50), (parts.Count(p => p is ("W1", OrderStatus.Short, 1)), parts.Count(p => p is ("W2", OrderStatus.Allocated, 1)), parts.Count(p => p is (null, OrderStatus.Backorder, 1))));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Transfers_from_it_end_and_what_was_on_its_way_there_is_missing(string store)
    {
        await using var hub = await StartAsync(store);
        foreach (var site in new[] { "W1", "W2" }) await hub.GrantAsync(site, "A", 10);
        async Task<TransferView> RequestAsync(string from, string to) =>
            (await hub.Test.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody(from, to, [new TransferLineBody("A", 2)], null, null), tx))).Value;
        async Task<TransferView> ReadAsync(TransferView transfer) => (await hub.Test.Database.ReadAsync(async s => await TransferRows.FindAsync(s, transfer.Number)))!.View();
        async Task ShipAsync(TransferView transfer, long consumed)
        {
            var id = Guid.Parse(transfer.Id, CultureInfo.InvariantCulture);
            await hub.SayAsync(transfer.From, "A", b => b with { Consumed = consumed, OnHand = 10 - consumed }, b => Shipped(id, 1, 2, b) with
            {
                Movements = [new MovementLine(id, consumed, MovementKind.Shipping, "A", null, "STAGING", null, 2, null, null)],
            }, id);
        }

        var (away, on, to, under) = (await RequestAsync("W1", "W3"), await RequestAsync("W1", "W3"), await RequestAsync("W2", "W1"), await RequestAsync("W2", "W1"));
        await ShipAsync(on, 2);
        await ShipAsync(under, 2);
        Assert.Equal(2, (await AtAsync(hub, "W1")).Incoming);
        await GiveUpAsync(hub);
        await hub.Test.VerifyAsync();
        Assert.Equal((TransferStatus.Cancelled, 2L), ((await ReadAsync(away)).Status, (await ReadAsync(away)).Lines[0].Short)); // nobody is left who could give them back
        Assert.Equal(TransferStatus.InTransit, (await ReadAsync(on)).Status); // it has left the fire
        Assert.Equal(TransferStatus.Cancelling, (await ReadAsync(to)).Status); // the sender is asked, as ever
        Assert.Equal((TransferStatus.Received, 2L), ((await ReadAsync(under)).Status, (await ReadAsync(under)).Lines[0].Missing));
        Assert.Equal(0, (await AtAsync(hub, "W1")).Incoming);
        Assert.Contains("W1 was given up: burnt down", string.Join('\n', await StoryAsync(hub, under.Id)));
        Assert.Equal("site_given_up", (await hub.Test.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody("W2", "W1", [new TransferLineBody("A", 1)], null, null), tx, hub.Node.Lanes.IsShut))).Refusal!.Code);

        await ShipAsync(away, 4); // and it was there
        Assert.Equal((TransferStatus.InTransit, 0L, 2L), ((await ReadAsync(away)).Status, (await ReadAsync(away)).Lines[0].Short, (await ReadAsync(away)).Lines[0].InTransit));
        await hub.Test.VerifyAsync();
    }

    /// <summary>Runs what must not run together with the node's other pumps.</summary>
    private static async Task<T> AloneAsync<T>(HubNode hub, Task<T> task)
    {
        while (!task.IsCompleted)
        {
            foreach (var writer in hub.Test.Lanes.Writers.ToArray()) await writer.RunOnceAsync(default);
            await Task.Yield();
        }
        return await task;
    }

    private static Task<Outcome<GiveUpView>> TakeBackAsync(HubNode hub) => hub.Test.RunAsync(Lane.Hub, tx => GiveUpSite.TakeBackAsync("W1", new TakeBackBody(true, null), tx, hub.Node));

    private static EventRecord Heard<T>(T payload, Guid order, Lane lane) where T : IEvent => new(lane, 1, Guid.NewGuid(), T.Type, order.ToString(), order, new ManualTime().GetUtcNow(), "tester", null,
        System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(payload, EventJson.Info<T>()));

    /// Goal: what the site says between the operator's word and the moment when its parts are given to others makes nothing free there. Method: its words are heard in the very transaction.
    [Theory, EveryDatabase]
    public async Task What_it_says_before_its_parts_are_given_to_others_makes_nothing_free(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        var orders = new List<Guid>();
        foreach (var external in new[] { "1", "2" }) orders.Add(Guid.Parse((await hub.PlaceAsync(external, ("A", 2))).Value.Id, CultureInfo.InvariantCulture));
        var transfer = (await hub.Test.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody("W1", "W3", [new TransferLineBody("A", 3)], null, null), tx))).Value;
        var id = Guid.Parse(transfer.Id, CultureInfo.InvariantCulture);
        var books = new Balance("A", 1, 9, 0, 5, 4, 0, 0);
        EventRecord[] said =
        [
            Heard(new PartShort(orders[0], 1, [new SkuUnits("A", 2)], true, "not found", [books with { Withdrawn = 2 }]), orders[0], Lane.Site("W1")),
            Heard(new PartCancelled(orders[1], 1, "cancel", [new SkuUnits("A", 2)], null, [books with { Withdrawn = 2 }]), orders[1], Lane.Site("W1")),
            Heard(new PartShort(id, 1, [new SkuUnits("A", 3)], true, "not found", [books]), id, Lane.Site("W1")),
        ];
        await hub.Test.RunAsync<GiveUpView>(Lane.Hub, async tx =>
        {
            var given = await GiveUpSite.DecideAsync("W1", new GiveUpBody(true, "burnt down"), tx, hub.Node);
            await new SiteBooks("W1", hub.Intake.Routing, hub.Node.Lanes).HandleAsync(said, tx);
            return given;
        });
        await hub.Test.VerifyAsync();
        Assert.Equal((0L, 0L, 9L), ((await AtAsync(hub, "W1")).Reserved, (await AtAsync(hub, "W1")).Granted, (await AtAsync(hub, "W1")).Disputed));
        Assert.Equal(0, await hub.Test.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT granted - withdrawn - returned - promised + released FROM allotments WHERE site = 'W1'")));
    }

    [Theory, EveryDatabase]
    public async Task A_promise_that_comes_back_when_the_site_is_given_up_already_is_of_units_that_were_there(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        await GiveUpAsync(hub);
        var id = Guid.CreateVersion7();
        var told = new PartAssigned(id, 1, 77, "web", "old", "ship", Priority.Normal, [new SkuUnits("A", 4)], id, null, null, false);
        await hub.Test.RunAsync<Done>(Lane.Hub, async tx =>
        {
            await OrderRecovery.RunAsync("W1", [Heard(told, id, Lane.HubTo("W1"))], tx);
            return new Done();
        });
        await hub.Test.VerifyAsync();
        Assert.Equal((4L, 4L, 9L, 0L), ((await AtAsync(hub, "W1")).Reserved, (await AtAsync(hub, "W1")).Granted, (await AtAsync(hub, "W1")).Disputed, await hub.AvailableAsync("A")));
        await hub.SayAsync("W1", "A", b => b with { Consumed = 4, OnHand = 5 }, b => Shipped(id, 1, 4, b), id);
        Assert.Equal((OrderStatus.Shipped, 0L), ((await hub.ReadAsync(id.ToString())).Status, (await AtAsync(hub, "W1")).Granted));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Given_up_again_before_it_came_back_what_was_disputed_is_so_still(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        await GiveUpAsync(hub);
        Assert.Equal(GiveUpStage.Returning, (await TakeBackAsync(hub)).Value.State);
        Assert.Equal(9, (await GiveUpAsync(hub)).Value.Disputed);
        Assert.Equal(9, (await AtAsync(hub, "W1")).Disputed);
        await hub.Test.VerifyAsync();
    }

    /// Goal: a process that was on duty before begins anew where the site was given up a second time. Method: one pump begins, the node's own ends it; then the first one alone does the second time.
    [Theory, EveryDatabase]
    public async Task Whoever_began_the_first_time_begins_the_second_time_anew(string store)
    {
        await using var hub = await StartAsync(store);
        var sweep = new GiveUpSweep(hub.Node, hub.Intake.Routing, new Signal());
        Task GiveUpAloneAsync() => AloneAsync(hub, hub.Node.Lanes.ExecuteAsConsumerAsync(Lane.Hub, TestNode.Tester, tx => GiveUpSite.DecideAsync("W1", new GiveUpBody(true, "burnt down"), tx, hub.Node)));
        await hub.GrantAsync("W1", "A", 60);
        var orders = new List<string>();
        for (var i = 0; i < 60; i++) orders.Add((await hub.PlaceAsync($"o{i}", ("A", 1))).Value.Id);
        await GiveUpAloneAsync();
        Assert.True(await AloneAsync(hub, sweep.RunOnceAsync(default).AsTask())); // not all of them
        await hub.Test.DrainAsync();
        Assert.Equal(GiveUpState.Gone, hub.Node.Lanes.GivenUp["W1"]);

        hub.Test.Time.Advance(TimeSpan.FromHours(1));
        await TakeBackAsync(hub);
        await hub.SayAsync("W1", "A", b => b with { Epoch = 2 }, b => new EpochOpened("taken_back", null, [new EpochCounters("A", 2, 0, 0, 0, 60, 60, 0)], [b with { Granted = 0 }]));
        await hub.TellAsync("W1", new SiteResumed("W1"));
        await hub.SayAsync("W1", "A", b => b, b => new StockMoved("counted", [], [b]));
        foreach (var order in orders) Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(order)).Status);

        await GiveUpAloneAsync();
        while (await AloneAsync(hub, sweep.RunOnceAsync(default).AsTask())) { }
        foreach (var order in orders) Assert.Equal(OrderStatus.Backorder, (await hub.ReadAsync(order)).Status);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_long_reason_is_cut_between_characters(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W2", "A", 9);
        var asked = (await hub.Test.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody("W2", "W1", [new TransferLineBody("A", 3)], null, null), tx))).Value;
        var reason = new string('x', 499 - "W1 was given up: ".Length) + "\U0001F525"; // its first half is the 500th character
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => GiveUpSite.DecideAsync("W1", new GiveUpBody(true, reason), tx, hub.Node))).IsOk);
        for (var i = 0; i < 50; i++) await hub.Test.StepAsync();
        Assert.Equal((GiveUpState.Gone, TransferStatus.Cancelling), (hub.Node.Lanes.GivenUp["W1"], (await hub.Test.Database.ReadAsync(async s => await TransferRows.FindAsync(s, asked.Number)))!.Status));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_site_of_the_same_node_is_promised_from_again_when_it_was_taken_back_and_counted(string store)
    {
        await using var hub = new HubNode(await TestNode.StartAsync(store));
        await hub.SiteAsync("W1");
        await hub.ProductsAsync("A");
        Assert.True((await hub.Test.RunAsync(Lane.Site("W1"), tx => ReceiveStock.DecideAsync("W1", new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 10 }]), tx))).IsOk);
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        await hub.Test.DrainAsync();
        Task<Outcome<GiveUpView>> TakeBackAsync() => hub.Test.RunAsync(Lane.Hub, tx => GiveUpSite.TakeBackAsync("W1", new TakeBackBody(true, null), tx, hub.Node));
        Assert.Equal("not_given_up", (await TakeBackAsync()).Refusal!.Code);
        await GiveUpAsync(hub);
        await hub.Test.VerifyAsync();
        Assert.Equal([("W1", OrderStatus.Short, 4), (null, OrderStatus.Backorder, 4)], await PartsAsync(hub, order.Id));

        Assert.Equal(GiveUpStage.Returning, (await TakeBackAsync()).Value.State);
        await hub.Test.VerifyAsync();
        Assert.Equal((0L, 10L), ((await AtAsync(hub, "W1")).Available, (await AtAsync(hub, "W1")).Disputed));
        Assert.True((await hub.Test.RunAsync(Lane.Site("W1"), tx => AdjustStock.DecideAsync("W1", new AdjustmentBody("A", "RECEIVING", null, null, 10, 9, "count"), tx))).IsOk);
        await hub.Test.VerifyAsync();
        Assert.Equal((5L, 4L, 0L), ((await AtAsync(hub, "W1")).Available, (await AtAsync(hub, "W1")).Reserved, (await AtAsync(hub, "W1")).Disputed));
        Assert.Equal([("W1", OrderStatus.Short, 4), ("W1", OrderStatus.Allocated, 4)], await PartsAsync(hub, order.Id));
    }

    [Theory, EveryDatabase]
    public async Task What_is_asked_for_wrongly_is_refused_and_changes_nothing(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 3);
        async Task<Refusal> AskAsync(string site, GiveUpBody body) => (await hub.Test.RunAsync(Lane.Hub, tx => GiveUpSite.DecideAsync(site, body, tx, hub.Node))).Refusal!;
        Assert.Equal(["confirm", "reason"], (await AskAsync("W1", new GiveUpBody(null, " "))).Errors!.Keys.Order());
        Assert.Equal(["confirm"], (await AskAsync("W1", new GiveUpBody(false, "why"))).Errors!.Keys);
        Assert.Equal("site_not_found", (await AskAsync("NONE", new GiveUpBody(true, "why"))).Code);
        Assert.Equal((3L, 0L), ((await AtAsync(hub, "W1")).Available, (await AtAsync(hub, "W1")).Disputed));
        Assert.Empty(hub.Node.Lanes.GivenUp);
    }

    [Theory, EveryDatabase]
    public async Task Another_process_promises_nothing_from_there_either(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.GrantAsync("W1", "A", 9);
        await using var other = await hub.BesideAsync(new TransfersModule());
        Assert.True((await other.PlaceAsync("1", ("A", 2))).IsOk); // it remembers what is free
        await GiveUpAsync(hub);
        Assert.Equal("insufficient_stock", (await other.PlaceAsync("2", ("A", 1))).Refusal!.Code);
    }
}
