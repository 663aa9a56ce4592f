using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: a site without which a restored hub went on comes back, and what it was told before and has done since is known again: nothing is lost, doubled or hidden. Method: a hub with the site WH1
/// of its own and WH2 with its node; the hub is restored and WH2 excluded; at the end the copies are their lanes again and the hub's view is the site's own books.
public partial class JoinedHistories
{
    [Theory, EveryDatabase]
    public async Task What_an_excluded_site_was_told_and_has_done_is_known_again(string store)
    {
        await using var nodes = await StartAsync(store, store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.Hub.ProductsAsync("C");
        var shipped = (await nodes.OrderAsync("1", "A", 3, b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null) })).Value;
        var open = (await nodes.OrderAsync("2", "A", 2)).Value;
        await nodes.DrainAsync();
        while (await nodes.WorkAsync() && (await nodes.Hub.ReadAsync(shipped.Id)).Status != OrderStatus.Shipped) await nodes.DrainAsync();
        var told = (await nodes.Hub.LaneAsync(Lane.HubTo(TwoNodes.Code))).Where(e => e.OrderId is not null).ToList();
        var before = await nodes.Hub.ReadAsync(shipped.Id);

        await GoOnWithoutAsync(nodes, backup);
        Assert.Equal("insufficient_stock", (await nodes.OrderAsync("9", "A", 1)).Refusal?.Code); // the books of the backup say 10, and nobody knows what they are worth
        foreach (var channel in new[] { null, "allegro" })
            Assert.Equal((0L, 10L), (await nodes.HubTest.Database.ReadAsync(s => Availability.OfAsync(s, ["A"], channel))).Items.Select(i => (i.Available, i.OnHand)).Single()); // nor are they offered
        await nodes.Hub.ProductsAsync("D");
        await ComeBackAsync(nodes);

        var now = await nodes.Hub.ReadAsync(shipped.Id);
        Assert.Equal((OrderStatus.Shipped, before.Number, before.Customer, before.Total), (now.Status, now.Number, now.Customer, now.Total));
        Assert.Equal(2, UnitsOf(await nodes.Hub.ReadAsync(open.Id)));
        Assert.Equal(5, await nodes.Hub.AvailableAsync("A"));
        foreach (var node in new[] { nodes.HubTest, nodes.Site })
            Assert.Equal(["C", "D"], await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT sku FROM products WHERE sku IN ('C', 'D') ORDER BY sku")));
        // Each of the old events stands in the lane once, as it was.
        var again = (await nodes.Hub.LaneAsync(Lane.HubTo(TwoNodes.Code))).Where(e => told.Exists(t => t.Id == e.Id)).ToList();
        Assert.Equal(told.Select(e => (e.Id, e.At, e.Actor, Convert.ToHexString(e.Payload))), again.Select(e => (e.Id, e.At, e.Actor, Convert.ToHexString(e.Payload))));
        Assert.Equal(2, (await OldEndsAsync(nodes.Site)).Count);
        Assert.Single(await OfTypeAsync(nodes, LinkJoined.Type));
        Assert.False(nodes.HubTest.Lanes.IsExcluded(TwoNodes.Code));

        Assert.True((await nodes.OrderAsync("9", "A", 1)).IsOk);
        await FinishAsync(nodes);
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(open.Id)).Status);
    }

    [Theory, EveryDatabase]
    public async Task Units_that_were_promised_elsewhere_meanwhile_are_asked_back(string store)
    {
        await using var nodes = await StartAsync(store);
        var (order, backup) = await WaitingOrderAsync(nodes);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        Assert.Equal("WH2", (await nodes.Hub.ReadAsync(order)).Parts.Single().Site);

        await GoOnWithoutAsync(nodes, backup);
        await ReceiveAtHubAsync(nodes, "A", 4);
        await nodes.DrainAsync();
        Assert.Equal(["WH1"], (await nodes.Hub.ReadAsync(order)).Parts.Where(p => p.Lines.Count > 0).Select(p => p.Site));
        await ComeBackAsync(nodes);
        Assert.Equal(4, UnitsOf(await nodes.Hub.ReadAsync(order)));
        Assert.Equal(0, await CountAsync(nodes.Site, "SELECT COUNT(*) FROM picking_tasks WHERE status IN (1, 2, 3)"));
        Assert.Equal(4, await nodes.Hub.AvailableAsync("A"));
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task What_has_left_at_the_site_that_came_back_is_not_sent_again_from_the_other(string store)
    {
        await using var nodes = await StartAsync(store);
        var (order, backup) = await WaitingOrderAsync(nodes);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await ReceiveAtHubAsync(nodes, "A", 4);
        while (await nodes.WorkAsync()) { }
        await ComeBackAsync(nodes);
        var parts = (await nodes.Hub.ReadAsync(order)).Parts;
        Assert.Equal(["WH2"], parts.Where(p => p.Status == OrderStatus.Shipped).Select(p => p.Site));
        Assert.Equal(4, UnitsOf(await nodes.Hub.ReadAsync(order)));
        Assert.Equal(4, await nodes.Hub.AvailableAsync("A")); // WH1 gave its part back
        await FinishAsync(nodes);
        Assert.Empty(await OfTypeAsync(nodes, OrderDoubled.Type));
    }

    [Theory, EveryDatabase]
    public async Task Where_both_have_left_the_order_says_so(string store)
    {
        await using var nodes = await StartAsync(store);
        var (order, backup) = await WaitingOrderAsync(nodes);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await ReceiveAtHubAsync(nodes, "A", 4);
        await nodes.DrainAsync();
        while (await nodes.WorkAsync()) { }
        while (await nodes.WorkAsync(at: nodes.HubTest, code: "WH1")) { }
        await ComeBackAsync(nodes);
        var told = (await OfTypeAsync(nodes, OrderDoubled.Type)).Single().Read<OrderDoubled>();
        Assert.Equal((Guid.Parse(order), true, null, "A 4"), (told.OrderId, told.Left, told.Other, string.Join(", ", told.Lines.Select(l => $"{l.Sku} {l.Quantity}"))));
        Assert.Equal(["WH1", "WH2"], (await nodes.Hub.ReadAsync(order)).Parts.Where(p => p.Status == OrderStatus.Shipped).Select(p => p.Site!).Order());
        Assert.Contains(await nodes.HubTest.Database.ReadAsync(s => Timeline.ReadAsync(s, Guid.Parse(order))), t => t.Summary == "Shipped twice: 4 units too many have left");
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task An_order_that_was_placed_again_meanwhile_is_not_sent_twice(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var first = (await nodes.OrderAsync("1", "A", 3)).Value.Id;
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await ReceiveAtHubAsync(nodes, "A", 5);
        var second = (await nodes.OrderAsync("1", "A", 3)).Value.Id;
        Assert.NotEqual(first, second);
        await ComeBackAsync(nodes);
        Assert.Equal((OrderStatus.Cancelled, OrderStatus.Allocated), ((await nodes.Hub.ReadAsync(first)).Status, (await nodes.Hub.ReadAsync(second)).Status));
        var told = (await OfTypeAsync(nodes, OrderDoubled.Type)).Single().Read<OrderDoubled>();
        Assert.Equal((Guid.Parse(first), false, Guid.Parse(second)), (told.OrderId, told.Left, told.Other));
        Assert.Equal(6, await nodes.Hub.AvailableAsync("A"));
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task What_the_hub_has_said_since_its_restore_has_the_last_word(string store)
    {
        await using var nodes = await StartAsync(store);
        await ReceiveAtHubAsync(nodes, "A", 10);
        await nodes.ReceiveAsync("B", 10);
        await nodes.DrainAsync();
        var order = (await nodes.Hub.PlaceAsync("1", ("A", 2), ("B", 3))).Value.Id;
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await NameAsync(nodes, ("C", "old"), ("D", "old"));
        await HoldAsync(nodes, order, true);
        await PolicyAsync(nodes, "A", 5);
        await PolicyAsync(nodes, "B", 5);
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        nodes.Advance(TimeSpan.FromSeconds(1));
        await NameAsync(nodes, ("C", "new"));
        await PolicyAsync(nodes, "B", 1);
        await HoldAsync(nodes, order, true);
        await HoldAsync(nodes, order, false);
        await ComeBackAsync(nodes);
        foreach (var node in new[] { nodes.HubTest, nodes.Site })
            Assert.Equal(["C new", "D old"], await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT sku || ' ' || name FROM products WHERE sku IN ('C', 'D') ORDER BY sku")));
        Assert.Equal(["A 5", "B 1"], await nodes.HubTest.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT sku || ' ' || safety_stock FROM policies WHERE site = 'WH2' ORDER BY sku")));
        Assert.Equal(9 - 3, await nodes.Hub.AvailableAsync("B"));
        Assert.False((await nodes.Hub.ReadAsync(order)).OnHold);
        Assert.Equal(0, await CountAsync(nodes.Site, "SELECT COUNT(*) FROM picking_tasks WHERE on_hold = @yes"));
        await FinishAsync(nodes);
    }

    /// However many batches the old end comes in: what the hub has said since is told again once for each, and each time behind it.
    [Theory, EveryDatabase]
    public async Task The_last_word_is_not_told_more_often_than_what_it_answers(string store)
    {
        const int Batches = 9;
        await using var nodes = await StartAsync(store);
        nodes.Limits = (1, 5_000);
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        for (var i = 0; i < Batches; i++) await NameAsync(nodes, ("C", $"old {i}"));
        nodes.Connect();
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        var before = (await nodes.Hub.LaneAsync(Lane.HubAll)).Count;
        await NameAsync(nodes, ("C", "new"), ("D", "first"), ("E", "first"));
        await NameAsync(nodes, ("D", "second"), ("F", "first"));
        await NameAsync(nodes, ("F", "second"));
        await ComeBackAsync(nodes);

        foreach (var node in new[] { nodes.HubTest, nodes.Site })
            Assert.Equal(["C new", "D second", "E first", "F second"],
                await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT sku || ' ' || name FROM products WHERE sku IN ('C', 'D', 'E', 'F') ORDER BY sku")));
        var since = (await nodes.Hub.LaneAsync(Lane.HubAll)).Skip(before).Where(e => e.Type == ProductsSaved.Type).ToList();
        // Three of the hub's own; of the old end each, and behind it those three again: the first speaks of C, and the others have the last word on what it says besides.
        Assert.Equal(3 + Batches * (1 + 3), since.Count);
        await FinishAsync(nodes);
    }

    /// The join is interrupted anywhere, by lost frames, cut lines and restarts of either node.
    [Fact]
    public async Task However_often_the_join_is_interrupted_it_ends_the_same()
    {
        for (var seed = 1; seed <= 8; seed++)
        {
            await using var nodes = await StartAsync("sqlite", seed: seed);
            await nodes.ReceiveAsync("A", 30);
            await nodes.DrainAsync();
            var backup = await nodes.BackUpAsync(nodes.HubTest);
            for (var i = 0; i < 6; i++)
            {
                await nodes.OrderAsync($"{i}", "A", 2);
                await nodes.Hub.ProductsAsync($"P{i}");
                await nodes.DrainAsync();
            }
            await nodes.WorkAsync();
            await GoOnWithoutAsync(nodes, backup);
            var random = new Random(seed);
            (nodes.Lost, nodes.Doubled, nodes.Late) = (10, 10, 20);
            for (var i = 0; i < 25; i++)
            {
                nodes.Connect();
                for (var step = random.Next(14); step > 0; step--) await nodes.StepAsync();
                if (random.Next(3) == 0) await (random.Next(2) == 0 ? nodes.RestartHubAsync() : nodes.RestartSiteAsync());
                nodes.Advance(TimeSpan.FromSeconds(random.Next(5)));
            }
            (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
            await ComeBackAsync(nodes);
            var ids = (await nodes.Hub.LaneAsync(Lane.HubTo(TwoNodes.Code))).Concat(await nodes.Hub.LaneAsync(Lane.HubAll)).Select(e => e.Id).ToList();
            Assert.Equal(ids.Count, ids.Distinct().Count());
            Assert.Equal(18, await nodes.Hub.AvailableAsync("A"));
            await FinishAsync(nodes);
            Assert.Equal(6, await CountAsync(nodes.HubTest, "SELECT COUNT(*) FROM orders WHERE status = 6"));
        }
    }

    /// What was joined is lost again with the hub, at every step of the join: the copy has still the one history or already the other.
    [Fact]
    public async Task A_hub_that_is_lost_again_in_the_middle_of_a_join_hears_all_of_it_again()
    {
        var isOver = false;
        for (var steps = 1; !isOver; steps++)
        {
            await using var nodes = await StartAsync("sqlite", seed: steps);
            nodes.Limits = (2, 5_000);
            await nodes.ReceiveAsync("A", 10);
            await nodes.DrainAsync();
            var backup = await nodes.BackUpAsync(nodes.HubTest);
            var open = (await nodes.OrderAsync("1", "A", 3)).Value;
            await nodes.Hub.ProductsAsync("C");
            await nodes.DrainAsync();
            await GoOnWithoutAsync(nodes, backup);
            await nodes.Hub.ProductsAsync("D");
            nodes.Connect();
            for (var step = 0; step < steps; step++)
                if (!await nodes.StepAsync()) nodes.Advance(TimeSpan.FromSeconds(1));
            isOver = nodes.HasEnded;
            await GoOnWithoutAsync(nodes, backup);
            await ComeBackAsync(nodes);
            Assert.Equal(3, UnitsOf(await nodes.Hub.ReadAsync(open.Id)));
            Assert.Equal(7, await nodes.Hub.AvailableAsync("A"));
            Assert.Equal(1, await CountAsync(nodes.HubTest, "SELECT COUNT(*) FROM products WHERE sku = 'C'"));
            Assert.Equal(0, await CountAsync(nodes.Site, "SELECT COUNT(*) FROM history_groups WHERE history = 0"));
            await FinishAsync(nodes);
        }
    }

    /// An older site goes back at once when it is told so, and follows over the next connection.
    [Fact]
    public async Task A_copy_goes_back_at_once_where_its_writer_does_not_say_how_far_the_new_history_goes()
    {
        await using var nodes = await StartAsync("sqlite");
        nodes.Speaks = LinkFrames.JoinProtocol;
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var open = (await nodes.OrderAsync("1", "A", 3)).Value;
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await ComeBackAsync(nodes);
        Assert.Equal(3, UnitsOf(await nodes.Hub.ReadAsync(open.Id)));
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task A_site_that_is_set_back_to_the_old_history_joins_again_and_nothing_is_doubled(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.OrderAsync("1", "A", 3);
        await nodes.DrainAsync();
        var old = await nodes.BackUpAsync(nodes.Site);
        await GoOnWithoutAsync(nodes, backup);
        await ComeBackAsync(nodes);
        await nodes.OrderAsync("2", "A", 1);
        await FinishAsync(nodes);

        await nodes.RestoreSiteAsync(old);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(6, await nodes.Hub.AvailableAsync("A"));
        Assert.Equal(2, await CountAsync(nodes.Site, "SELECT COUNT(*) FROM fulfillment_orders WHERE status = 6"));
        Assert.Equal(2, (await OfTypeAsync(nodes, LinkJoined.Type)).Count);
    }

    [Theory, EveryDatabase]
    public async Task A_hub_that_is_restored_again_after_a_join_knows_what_was_joined(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var order = (await nodes.OrderAsync("1", "A", 3)).Value.Id;
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        var between = await nodes.BackUpAsync(nodes.HubTest);
        await ComeBackAsync(nodes);
        var joined = await CountAsync(nodes.HubTest, "SELECT COUNT(*) FROM joined_events");

        await nodes.RestoreHubAsync(between);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal((joined, 3), (await CountAsync(nodes.HubTest, "SELECT COUNT(*) FROM joined_events"), UnitsOf(await nodes.Hub.ReadAsync(order))));
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task While_an_old_event_is_parked_at_the_site_its_copy_stays_as_it_is(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.OrderAsync("1", "A", 3);
        await UpgradeTests.SayAsync(nodes.HubTest, Lane.HubTo(TwoNodes.Code), TicketCancelRequested.Type, """{"order_id":7}""", "odd");
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        nodes.Connect();
        for (var i = 0; i < 30; i++)
        {
            while (await nodes.StepAsync()) { }
            nodes.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Empty(await OldEndsAsync(nodes.Site));
        var view = await ViewAsync(nodes.Site);
        Assert.Contains(view.In.Lanes, l => l.Diverged?.Contains("1 events of hub/WH2 are parked", StringComparison.Ordinal) == true);
        foreach (var consumer in nodes.Site.Node.Consumers) await nodes.Site.PumpUntilAsync(consumer.DiscardAsync("odd", null, "nobody knows", TestNode.Tester, default));
        await ComeBackAsync(nodes);
        Assert.All((await ViewAsync(nodes.Site)).In.Lanes, l => Assert.Null(l.Diverged));
        await FinishAsync(nodes);
    }

    [Theory, EveryDatabase]
    public async Task An_old_end_that_was_altered_is_found(string store)
    {
        await using var nodes = await StartAsync("sqlite", store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.OrderAsync("1", "A", 3);
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await ComeBackAsync(nodes);
        await using (var session = await nodes.Site.Database.OpenAsync(readOnly: false, default)) await session.ExecuteAsync("UPDATE history_events SET actor = 'nobody'");
        var report = await Verification.RunAsync(nodes.Site.Node);
        Assert.Equal(["histories"], report.Checks.Where(c => c.Value != "ok").Select(c => c.Key));
        Assert.Contains("altered", report.Checks["histories"], StringComparison.Ordinal);
    }

    [Theory, EveryDatabase]
    public async Task A_part_that_is_at_two_sites_under_one_number_lets_the_lane_stand_still(string store)
    {
        await using var nodes = await StartAsync(store);
        var (order, backup) = await WaitingOrderAsync(nodes);
        await nodes.ReceiveAsync("A", 4);
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        // As when the same backup had been restored twice, and the parts of the first time were not known the second time.
        await using (var session = await nodes.HubTest.Database.OpenAsync(readOnly: false, default))
            await session.ExecuteAsync("UPDATE order_parts SET part = 1, site = 'WH1', status = 2");
        nodes.Connect();
        for (var i = 0; i < 20; i++)
        {
            while (await nodes.StepAsync()) { }
            nodes.Advance(TimeSpan.FromSeconds(1));
        }
        var views = new[] { await ViewAsync(nodes.HubTest), await ViewAsync(nodes.Site) };
        Assert.All(views, v => Assert.Equal(LinkCondition.Diverged, v.State));
        // Both sides say why.
        Assert.All(views, v => Assert.Contains(v.In.Lanes.Concat(v.Out.Lanes),
            l => l.Lane == "hub/WH2" && l.Diverged!.Contains("is at WH1 by the one history and at WH2 by the other", StringComparison.Ordinal)));
        Assert.Equal("WH1", (await nodes.Hub.ReadAsync(order)).Parts.Single().Site);
        Assert.True(nodes.HubTest.Lanes.IsExcluded(TwoNodes.Code));
        Assert.Empty(await OldEndsAsync(nodes.Site));
    }
}
