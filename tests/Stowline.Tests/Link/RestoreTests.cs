using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: a node that was restored from an older backup promises nothing, gets back what the other side has of its history, says what nobody has, and goes on at an operator's word; then both
/// sides have the same books. Method: two nodes, real backups, restored into new databases; at the end the hub's view is compared with the site's books.
public class RestoreTests
{
    [Theory, EveryDatabase]
    public async Task A_restored_site_gets_its_own_history_back(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.OrderAsync("1", "A", 2);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.Site);

        // What the site does after the backup: a bin, goods, a whole order, a short pick, an order picked and not packed, a correction.
        await SaveBinAsync(nodes.Site, "S-1");
        Assert.True((await nodes.TryReceiveAsync("B", 7, "S-1")).IsOk);
        while (await nodes.WorkAsync()) await nodes.DrainAsync();
        await nodes.OrderAsync("2", "A", 4);
        await nodes.DrainAsync();
        await nodes.WorkAsync(0.5);
        await nodes.OrderAsync("3", "B", 3);
        await nodes.DrainAsync();
        await nodes.AdjustAsync("A", -1);
        await nodes.DrainAsync();
        var (books, tables) = (await BooksAsync(nodes.Site), await TablesAsync(nodes.Site));

        await nodes.RestoreSiteAsync(backup);
        Assert.Equal("restored", (await nodes.TryReceiveAsync("A", 1)).Refusal?.Code);
        Assert.Equal("not_heard", (await TwoNodes.ConfirmAsync(nodes.Site)).Refusal?.Code);
        nodes.Connect();
        await nodes.HearAsync();
        var repair = await TwoNodes.RepairOfAsync(nodes.Site);
        Assert.Equal((RepairState.Heard, 0), (repair!.State, repair.Lost.Count));
        Assert.True(repair.TakenBack > 10);
        Assert.Empty(repair.Unapplied);
        Assert.Equal(books, await BooksAsync(nodes.Site));
        Assert.Equal(tables, await TablesAsync(nodes.Site));
        Assert.Equal("restored", (await nodes.TryReceiveAsync("A", 1)).Refusal?.Code); // not before the operator's word
        Assert.Equal(LinkCondition.Diverged, (await ViewAsync(nodes.HubTest)).State);

        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(LinkCondition.Connected, (await ViewAsync(nodes.HubTest)).State);
        await nodes.ReceiveAsync("A", 1);
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        Assert.Equal(2, (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync))["site/WH2"].Incarnation);
    }

    [Theory, EveryDatabase]
    public async Task A_restored_hub_gets_its_orders_back(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);

        await nodes.Hub.ProductsAsync("C");
        var shipped = (await nodes.OrderAsync("1", "A", 3)).Value;
        var open = (await nodes.OrderAsync("2", "A", 2, b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null), Note = "gift" })).Value;
        var cancelled = (await nodes.OrderAsync("3", "A", 1)).Value;
        await nodes.DrainAsync();
        while (await nodes.WorkAsync() && (await nodes.Hub.ReadAsync(shipped.Id)).Status != OrderStatus.Shipped) await nodes.DrainAsync();
        await nodes.CancelAsync(cancelled.Id);
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        OrderView[] before = [await nodes.Hub.ReadAsync(shipped.Id), await nodes.Hub.ReadAsync(open.Id), await nodes.Hub.ReadAsync(cancelled.Id)];
        var available = await nodes.Hub.AvailableAsync("A");

        await nodes.RestoreHubAsync(backup);
        Assert.Equal("restored", (await nodes.OrderAsync("9", "A", 1)).Refusal?.Code);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.Equal("restored", (await nodes.OrderAsync("9", "A", 1)).Refusal?.Code);
        Assert.True((await TwoNodes.RepairOfAsync(nodes.HubTest))!.TakenBack >= 4);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();

        foreach (var order in before)
        {
            var now = await nodes.Hub.ReadAsync(order.Id);
            Assert.Equal((order.Number, order.Status, order.Total, order.ExternalId, order.Note, order.PlacedAt), (now.Number, now.Status, now.Total, now.ExternalId, now.Note, now.PlacedAt));
            Assert.Equal((order.Customer, order.Parts.Sum(p => p.Lines.Sum(l => l.Quantity))), (now.Customer, now.Parts.Sum(p => p.Lines.Sum(l => l.Quantity))));
        }
        Assert.Equal(available, await nodes.Hub.AvailableAsync("A"));
        // The shop asks again for what it was not answered: it is the order that exists.
        Assert.Equal(open.Id, (await nodes.OrderAsync("2", "A", 2, b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null), Note = "gift" })).Value.Id);
        var next = (await nodes.OrderAsync("4", "A", 1)).Value;
        Assert.True(next.Number > before.Max(o => o.Number) + 1_000);
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        Assert.Equal("C", await nodes.HubTest.Database.ReadAsync(async s => await s.FindAsync<string>("SELECT sku FROM products WHERE sku = 'C'")));
    }

    /// While a node repairs, its consumers stand still: what comes back must not wait for them, however long the lanes are.
    [Theory, EveryDatabase]
    public async Task However_much_is_missing_it_comes_back(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Limits = (4, 10);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 40);
        await nodes.DrainAsync();
        var (hub, site) = (await nodes.BackUpAsync(nodes.HubTest), await nodes.BackUpAsync(nodes.Site));
        for (var i = 0; i < 12; i++)
        {
            await nodes.OrderAsync($"{i}", "A", 1);
            await nodes.Hub.ProductsAsync($"P{i}");
            await nodes.DrainAsync();
            await nodes.WorkAsync();
        }
        await nodes.DrainAsync();
        var heads = await nodes.Site.Database.ReadAsync(Replicas.PointsAsync);
        Assert.All(heads.Values, l => Assert.True(l.Position > nodes.Limits.MostBehind, $"{l.Name} is too short to try anything"));

        await nodes.RestoreSiteAsync(site);
        await GoOnAsync(nodes);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.RestoreHubAsync(hub);
        await GoOnAsync(nodes);
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await nodes.AllServedAsync();
        Assert.Equal(28, await nodes.Hub.AvailableAsync("A"));
    }

    [Theory, EveryDatabase]
    public async Task What_nobody_has_is_listed(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.Site);
        var known = (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync))["site/WH2"].Position;
        // The hub heard that the lane goes on, but the line broke before the events came.
        nodes.HubTest.Node.Modules.OfType<LinkModule>().Single().StateOf(TwoNodes.Code).Stands("site/WH2", nodes.Time.GetUtcNow(), head: known + 3);
        await nodes.RestoreSiteAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.Equal([new LostEvents("site/WH2", known + 1, known + 3)], (await TwoNodes.RepairOfAsync(nodes.Site))!.Lost);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        var told = (await nodes.Site.Lanes.ReadAsync(Lane.Site(TwoNodes.Code), 0, 1_000)).Single(e => e.Type == NodeRestored.Type).Read<NodeRestored>();
        Assert.Equal([new LostEvents("site/WH2", known + 1, known + 3)], told.Lost);
    }

    [Theory, EveryDatabase]
    public async Task A_restored_hub_waits_for_every_site_or_for_its_exclusion(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        Assert.True((await nodes.HubTest.PumpUntilAsync(JoinSite.RunAsync(nodes.HubTest.Node, "WH3", TestNode.Tester))).IsOk);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.OrderAsync("1", "A", 3);
        await nodes.DrainAsync();
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.Equal(RepairStage.Confirmed, (await TwoNodes.ConfirmAsync(nodes.HubTest)).Value.State);
        Assert.Equal("restored", (await nodes.OrderAsync("9", "A", 1)).Refusal?.Code); // WH3 may know of orders too
        Assert.Equal("not_heard", (await TwoNodes.ConfirmAsync(nodes.HubTest, site: "WH3")).Refusal?.Code);
        Assert.Equal(RepairStage.Excluded, (await TwoNodes.ConfirmAsync(nodes.HubTest, exclude: true, "WH3")).Value.State);
        await nodes.DrainAsync();
        Assert.True((await nodes.OrderAsync("9", "A", 1)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.True(nodes.HubTest.Lanes.IsExcluded("WH3"));
        Assert.False(nodes.HubTest.Lanes.IsExcluded(TwoNodes.Code));
    }

    /// Found by the simulator (seed 64061): the hub's greeting was lost, and when it was said again another site had given back the same events of hub/all. So this one had nothing to give,
    /// and the hub waited for it for as long as the line held.
    [Theory, EveryDatabase]
    public async Task What_another_link_has_brought_back_is_not_waited_for(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.Hub.ProductsAsync("C");
        await nodes.DrainAsync();
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.StepAsync(); // the site introduces itself
        nodes.Lost = 100;
        await nodes.StepAsync();
        Assert.True(nodes.HubEnd.IsGreeted);
        Assert.False(nodes.SiteEnd.IsGreeted);

        var head = (await nodes.HubTest.Database.ReadAsync(Replicas.PointsAsync))[Lane.HubAll.Name].Position;
        var groups = await nodes.Site.Database.ReadAsync(s => Replicas.ReadAsync(s, Lane.HubAll, head, 1_000));
        Assert.NotEmpty(groups);
        await nodes.HubTest.PumpUntilAsync(nodes.HubTest.Lanes.TakeBackAsync(Lane.HubAll, "WH9", groups, []));
        nodes.Lost = 0;
        await nodes.HearAsync();
        Assert.Equal(RepairState.Heard, (await TwoNodes.RepairOfAsync(nodes.HubTest))!.State);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
    }

    /// Of a lane that all sites copy, several give back at once, and one of them has more of it than another. That the hub is further than what this one has is nothing to break the connection for.
    [Theory, EveryDatabase]
    public async Task A_copy_that_is_shorter_than_another_ones_gives_back_on_the_same_connection(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.Hub.ProductsAsync("B1");
        await nodes.Hub.ProductsAsync("C");
        await nodes.DrainAsync();
        nodes.Cut();
        await nodes.Hub.ProductsAsync("D");
        var head = (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync))[Lane.HubAll.Name].Position;
        var longer = await nodes.HubTest.Database.ReadAsync(s => Replicas.ReadAsync(s, Lane.HubAll, 0, 1_000));
        await nodes.RestoreHubAsync(backup);
        nodes.Limits = (1, 5_000);
        nodes.Connect();
        nodes.Batches.Clear();
        while (nodes.Batches.Count < 2) await nodes.StepAsync();
        Assert.Equal([Lane.HubAll.Name, Lane.HubAll.Name], nodes.Batches); // both are on their way, and what the other one brings is there before them

        var taken = await nodes.HubTest.PumpUntilAsync(nodes.HubTest.Lanes.TakeBackAsync(Lane.HubAll, "WH9", longer, []));
        Assert.True(taken.Position > head);
        var end = nodes.SiteEnd;
        await nodes.HearAsync();
        for (var i = 0; i < 5; i++)
        {
            while (await nodes.StepAsync()) { }
            nodes.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Same(end, nodes.SiteEnd);
        Assert.Null(end.Ended);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal("D", await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<string>("SELECT sku FROM products WHERE sku = 'D'")));
    }

    /// Goal: whatever happens around restores, the books agree in the end. Method: a seed decides; backups are taken and restored on either side, or on both, at any moment.
    [Fact]
    public async Task Restores_may_happen_at_any_time()
    {
        var takenBack = 0L;
        for (var seed = 1; seed <= 6; seed++) takenBack += await AnythingAsync(seed);
        Assert.True(takenBack > 50, $"only {takenBack} events came back: the seeds do not try what they should");
    }

    private static async Task<long> AnythingAsync(int seed)
    {
        var takenBack = 0L;
        await using var nodes = await TwoNodes.StartAsync("sqlite", seed: seed);
        var random = new Random(seed);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (random.Next(15), random.Next(15), random.Next(30));
        nodes.Connect();
        string? hub = null, site = null;
        var orders = new List<string>();
        for (var i = 0; i < 80; i++)
        {
            switch (random.Next(14))
            {
                case 0 or 1: await nodes.TryReceiveAsync(random.Next(2) == 0 ? "A" : "B", random.Next(1, 8)); break;
                case 2 or 3 or 4:
                    if ((await nodes.OrderAsync($"o{i}", random.Next(2) == 0 ? "A" : "B", random.Next(1, 5))) is { IsOk: true } placed) orders.Add(placed.Value.Id);
                    break;
                case 5: if (orders.Count > 0) await nodes.CancelAsync(orders[random.Next(orders.Count)]); break;
                case 6 or 7 or 8: await nodes.WorkAsync(random.Next(4) == 0 ? 0.5 : 1); break;
                case 9: await nodes.AdjustAsync(random.Next(2) == 0 ? "A" : "B", random.Next(-2, 2)); break;
                case 10: if (random.Next(2) == 0) hub = await nodes.BackUpAsync(nodes.HubTest); else site = await nodes.BackUpAsync(nodes.Site); break;
                case 11 or 12:
                    // Maybe for the second time, and then it is older than the restore before.
                    if (hub is not null && random.Next(2) == 0) await nodes.RestoreHubAsync(hub);
                    if (site is not null && random.Next(2) == 0) await nodes.RestoreSiteAsync(site);
                    takenBack += await GoOnAsync(nodes);
                    break;
                case 13: if (random.Next(3) == 0) nodes.Cut(); else nodes.Connect(); break;
            }
            for (var step = random.Next(12); step > 0; step--) await nodes.StepAsync();
        }
        await GoOnAsync(nodes);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await nodes.AllServedAsync();
        return takenBack;
    }

    /// <returns>How many events came back.</returns>
    private static async Task<long> GoOnAsync(TwoNodes nodes)
    {
        nodes.Connect();
        await nodes.HearAsync();
        var takenBack = 0L;
        foreach (var node in new[] { nodes.HubTest, nodes.Site })
        {
            if (await TwoNodes.RepairOfAsync(node) is not { } repair) continue;
            takenBack += repair.TakenBack;
            Assert.True((await TwoNodes.ConfirmAsync(node)).IsOk);
        }
        return takenBack;
    }

    private static async Task<LinkView> ViewAsync(TestNode node) =>
        (await LinkViews.ReadAsync(node.Database, node.Node.Modules.OfType<LinkModule>().Single())).Single(l => l.Site == TwoNodes.Code);

    private static async Task SaveBinAsync(TestNode site, string bin)
    {
        Assert.True((await site.RunAsync(Lane.Site(TwoNodes.Code), tx => SaveZone.DecideAsync(TwoNodes.Code, "S", new ZoneBody { Type = ZoneType.Storage }, tx))).IsOk);
        var bins = SaveBins.CheckAll([new BinBody { Bin = bin, Zone = "S", Barcode = "4711" }]).Value;
        Assert.True((await site.RunAsync(Lane.Site(TwoNodes.Code), tx => SaveBins.DecideAsync(TwoNodes.Code, bins, i => $"items[{i}].", tx))).IsOk);
    }

    private sealed record Line { public string What { get; init; } = ""; public long A { get; init; } public long B { get; init; } public long C { get; init; } }

    private static async Task<IReadOnlyList<Line>> BooksAsync(TestNode site) => await site.Database.ReadAsync(async s => await s.QueryAsync<Line>("""
        SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, reserved AS b, damaged AS c FROM stock
        UNION ALL SELECT 'age ' || sku || '/' || bin || '/' || lot || ' ' || CAST(received_at AS text) || ' ' || COALESCE(newer, ''), 0, 0, 0 FROM stock
        UNION ALL SELECT sku, granted, consumed, withdrawn FROM site_skus
        UNION ALL SELECT 'movement ' || sku || ' ' || COALESCE(from_bin, '') || ' ' || COALESCE(to_bin, ''), number, quantity, kind FROM movements ORDER BY 1, 2
        """));

    private static async Task<IReadOnlyList<Line>> TablesAsync(TestNode site) => await site.Database.ReadAsync(async s => await s.QueryAsync<Line>("""
        SELECT 'bin ' || code || ' ' || zone || COALESCE(barcode, '') AS what, type AS a, 0 AS b, 0 AS c FROM bins
        UNION ALL SELECT 'receipt ' || reference, number, 0, 0 FROM receipts
        UNION ALL SELECT 'part ' || external_id || ' ' || live || lines, part, status, order_number FROM fulfillment_orders
        UNION ALL SELECT 'picking ' || COALESCE(worker, ''), number, status, picked_items FROM picking_tasks
        UNION ALL SELECT 'item ' || sku || bin, quantity_required, quantity_picked, status FROM picking_items
        UNION ALL SELECT 'packing ' || lines || COALESCE(tracking_number, ''), number, status, 0 FROM packing_tasks
        UNION ALL SELECT 'package ' || barcode, weight_g, 0, 0 FROM packages
        UNION ALL SELECT 'shipment ' || tracking_number || packages, number, status, part FROM shipments ORDER BY 1, 2, 3
        """));
}
