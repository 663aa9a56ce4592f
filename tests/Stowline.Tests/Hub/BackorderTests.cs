using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Routing;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: what comes in goes to the oldest order that it makes whole, however many wait, and who cannot be served costs nothing. Method: real SQL; the tests play the sites; a model decides the same one by
/// one.
public class BackorderTests
{
    private static async Task<HubNode> StartAsync(string store, params string[] sites)
    {
        var hub = await HubNode.StartAsync(store);
        foreach (var site in sites) await hub.SiteAsync(site);
        await hub.ProductsAsync("A", "B", "C");
        return hub;
    }

    private static OrderBody Waits(OrderBody body) => body with { Backorder = true };

    /// <summary>Orders that wait, the oldest first, taken in together.</summary>
    private static async Task<List<string>> WaitAsync(HubNode hub, IEnumerable<(string Sku, int Quantity)[]> orders, Func<OrderBody, OrderBody>? more = null)
    {
        var commands = orders.Select((lines, i) => hub.Order($"o{i}", lines, b => more?.Invoke(Waits(b)) ?? Waits(b)).Value).ToList();
        var answers = await hub.Test.PumpUntilAsync(Task.WhenAll(commands.Select(c => hub.Intake.AcceptAsync(c, TestNode.Tester))));
        await hub.Test.DrainAsync();
        Assert.All(answers, a => Assert.Equal(OrderStatus.Backorder, a.Outcome.Value.Status));
        return [.. answers.Select(a => a.Outcome.Value.Id)];
    }

    /// <summary>Which of the orders wait for nothing any more, by their places in the list.</summary>
    private static async Task<List<int>> ServedAsync(HubNode hub, List<string> orders)
    {
        var served = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<Guid>("SELECT id FROM orders WHERE status = @allocated", new { allocated = OrderStatus.Allocated }));
        return [.. served.Select(id => orders.IndexOf(id.ToString())).Where(i => i >= 0).Order()];
    }

    /// <summary>One event of W1 that brings units of several SKUs.</summary>
    private static Task ArriveAsync(HubNode hub, Dictionary<string, int> granted, params (string Sku, int Units)[] units)
    {
        foreach (var (sku, more) in units) granted[sku] = granted.GetValueOrDefault(sku) + more;
        return hub.TellAsync("W1", new StockMoved("receipt", [], [.. units.Select(u => new Balance(u.Sku, 1, granted[u.Sku], 0, 0, granted[u.Sku], 0, 0))]));
    }

    /// <summary>Whoever loads these orders fails: each has another part that cannot be read. Beside the waiting part itself nothing of them is to be looked at.</summary>
    private static async Task MakeUnreadableAsync(HubNode hub, IEnumerable<string> orders)
    {
        await using var session = await hub.Test.Database.OpenAsync(readOnly: false, default);
        foreach (var order in orders)
            await session.ExecuteAsync("INSERT INTO order_parts (order_id, part, site, status, lines, reroutes, made) VALUES (@id, 99, 'W1', @cancelled, '?', 0, @no)",
                new { id = Guid.Parse(order, CultureInfo.InvariantCulture), cancelled = OrderStatus.Cancelled, no = false });
    }

    private static async Task MakeReadableAsync(HubNode hub)
    {
        await using var session = await hub.Test.Database.OpenAsync(readOnly: false, default);
        await session.ExecuteAsync("DELETE FROM order_parts WHERE part = 99");
    }

    [Theory, EveryDatabase]
    public async Task Orders_that_cannot_be_served_are_not_loaded(string store)
    {
        await using var hub = await StartAsync(store, "W1");
        // More than a page want five and cannot have them; two of the three that want one can; of two that want A and B one can.
        var orders = await WaitAsync(hub, [.. Enumerable.Repeat<(string, int)[]>([("A", 5)], 530), [("A", 1)], [("A", 1), ("B", 1)], [("A", 1), ("B", 2)], [("A", 1)], [("A", 1)]]);
        int[] can = [530, 531, 533];
        await MakeUnreadableAsync(hub, orders.Where((_, i) => !can.Contains(i)));
        var granted = new Dictionary<string, int>();
        await ArriveAsync(hub, granted, ("B", 1));
        Assert.Empty(await ServedAsync(hub, orders));
        await ArriveAsync(hub, granted, ("A", 3));
        Assert.Equal(can, await ServedAsync(hub, orders));
        await MakeReadableAsync(hub);
        await hub.Test.VerifyAsync();
    }

    /// The same answers as when each order is looked at alone, the oldest first.
    [Theory, EveryDatabase]
    public async Task Who_comes_first_is_served_first_and_holds_back_nobody(string store)
    {
        await using var hub = await StartAsync(store, "W1");
        var random = new Random(7);
        string[] skus = ["A", "B", "C"];
        var wanted = Enumerable.Range(0, 700).Select(_ => skus.Where(_ => random.Next(2) == 0).DefaultIfEmpty("A").Select(s => (s, random.Next(1, 6))).ToArray()).ToList();
        var orders = await WaitAsync(hub, wanted);
        var (granted, free, served) = (new Dictionary<string, int>(), new Dictionary<string, int>(), new SortedSet<int>());
        for (var round = 0; round < 8; round++)
        {
            (string Sku, int Units)[] arrives = [.. skus.Where(_ => random.Next(3) > 0).DefaultIfEmpty("B").Select(s => (s, random.Next(1, round == 7 ? 900 : 60)))];
            foreach (var (sku, units) in arrives) free[sku] = free.GetValueOrDefault(sku) + units;
            for (var i = 0; i < wanted.Count; i++)
            {
                if (served.Contains(i) || !wanted[i].Any(w => arrives.Any(a => a.Sku == w.s)) || wanted[i].Any(w => free.GetValueOrDefault(w.s) < w.Item2)) continue;
                served.Add(i);
                foreach (var (sku, units) in wanted[i]) free[sku] -= units;
            }
            await ArriveAsync(hub, granted, arrives);
            Assert.Equal(served, await ServedAsync(hub, orders));
        }
        Assert.True(served.Count is > 100 and < 700, "some must be served and some must wait");
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Who_picks_up_elsewhere_or_may_not_have_what_is_kept_waits_on(string store)
    {
        await using var hub = await StartAsync(store, "W1", "W2");
        await hub.SiteAsync("W3", active: false);
        var pickup = (await WaitAsync(hub, [[("A", 1)]], b => b with { FulfillmentType = FulfillmentType.Pickup, PickupSite = "W2" })).Single();
        var web = (await hub.PlaceAsync(hub.Order("web", [("A", 1)], Waits).Value)).Value.Id;
        var shop = (await hub.PlaceAsync(hub.Order("shop", [("A", 2)], b => Waits(b) with { Channel = "shop" }).Value)).Value.Id;
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => SavePool.DecideAsync(new PoolBody { Channel = "shop", Sku = "A", Site = "W1", Quantity = 2 }, hub.Intake.Routing, tx))).IsOk);
        async Task<string> StandAsync() => string.Join(" ", (await Task.WhenAll(new[] { pickup, web, shop }.Select(hub.ReadAsync))).Select(o => o.Parts.Single().Site ?? "-"));

        await hub.GrantAsync("W3", "A", 9); // switched off
        Assert.Equal("- - -", await StandAsync());
        await hub.GrantAsync("W1", "A", 2); // kept for the shop, which is the youngest
        Assert.Equal("- - W1", await StandAsync());
        await hub.GrantAsync("W1", "A", 1);
        Assert.Equal("- W1 W1", await StandAsync());
        await hub.GrantAsync("W2", "A", 1);
        Assert.Equal("W2 W1 W1", await StandAsync());
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_rule_says_who_may_have_what_came(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store, units: 0);
        await hub.RuleAsync("south", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NIS"] }, new RuleConditions { CustomerCity = ["Niš"] });
        var south = (await hub.PlaceAsync(hub.Order("1", [("A", 1)], b => RoutingNode.To(RoutingNode.Nis, "Niš")(Waits(b))).Value)).Value.Id;
        var north = (await hub.PlaceAsync(hub.Order("2", [("A", 1)], b => RoutingNode.To(RoutingNode.Belgrade)(Waits(b))).Value)).Value.Id;
        await hub.GrantAsync("BEG", "A", 5);
        Assert.Equal(("-", "BEG"), (RoutingNode.Sites(await hub.ReadAsync(south)), RoutingNode.Sites(await hub.ReadAsync(north))));
        await hub.GrantAsync("NIS", "A", 5);
        Assert.Equal("NIS", RoutingNode.Sites(await hub.ReadAsync(south)));
        Assert.Equal("south", (await hub.LaneAsync(Lane.Hub)).Last(e => e.Type == OrderRerouted.Type).Read<OrderRerouted>().Decision.Rule);
        await hub.Test.VerifyAsync();
    }
}
