using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;
using static Stowline.Tests.Routing.RoutingNode;

namespace Stowline.Tests.Routing;

/// Goal: the simulator tells what the router would have done, from what was kept, and changes nothing. Method: orders are placed, tried, and placed again under the same rules.
public class SimulateRoutingTests
{
    private static readonly RuleBody Cheap = new()
    {
        Name = "cheap", Strategy = RoutingStrategy.Cheapest, Conditions = new RuleConditions { CustomerCity = ["Belgrade"] },
        StrategyParams = new StrategyParams { CostPerKm = 0.5m, HandlingCost = 100, SiteCosts = new Dictionary<string, decimal> { ["NS"] = 10 } },
    };

    private static readonly RuleBody Even = new() { Name = "even", Priority = -1, Strategy = RoutingStrategy.LoadBalanced, StrategyParams = new StrategyParams { ExcludeSites = ["BEG"] } };

    private static async Task<SimulationView> TryAsync(HubNode hub, params RuleBody[] rules) => (await SimulateRouting.RunAsync(hub.Node, new SimulationBody { Rules = rules })).Value;

    private static async Task PlaceAllAsync(HubNode hub, string prefix)
    {
        for (var i = 0; i < 12; i++)
        {
            var lines = i % 4 == 3 ? new[] { ("A", 2), ("B", 1) } : [("A", 1)];
            Assert.True((await hub.PlaceAsync(hub.Order($"{prefix}{i}", lines, To(i % 2 == 0 ? Belgrade : Nis, i % 2 == 0 ? "Belgrade" : "Niš")).Value)).IsOk);
        }
    }

    [Theory, EveryDatabase]
    public async Task What_is_told_is_what_the_router_then_does(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await PlaceAllAsync(hub, "old");
        var told = await TryAsync(hub, Cheap, Even);

        // A second hub, the same from the beginning, with the rules in force.
        await using var real = await RoutingNode.StartAsync(store);
        foreach (var rule in new[] { Cheap, Even })
            Assert.True((await real.Test.RunAsync(Lane.Hub, tx => SaveRule.DecideAsync(rule.Name!, rule with { Name = null }, tx))).IsOk);
        await PlaceAllAsync(real, "old");
        var done = await SimulateRouting.RunAsync(real.Node, new SimulationBody()); // the saved rules: nothing changes

        Assert.Equal(12, told.Orders);
        Assert.Equal(done.Value.Items.Select(i => (i.Before.Rule, string.Join(" ", i.Before.Parts))), told.Items.Select(i => (i.After.Rule, string.Join(" ", i.After.Parts))));
        Assert.Equal((0, 0), (done.Value.Changed, done.Value.Unsure));
        Assert.Equal(told.Items.Count(i => i.Before.Parts[0].Site != i.After.Parts[0].Site), told.Changed);
        Assert.True(told.Changed >= 6, "all of Belgrade goes elsewhere");
    }

    [Theory, EveryDatabase]
    public async Task Nothing_is_written(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await PlaceAllAsync(hub, "o");
        var (before, free) = (await LaneStateAsync(hub), await hub.AvailableAsync("A"));

        Assert.True((await TryAsync(hub, Cheap, Even)).Changed > 0);
        await hub.Test.DrainAsync();

        Assert.Equal(before, await LaneStateAsync(hub));
        Assert.Equal(free, await hub.AvailableAsync("A"));
        Assert.Empty(await hub.Node.Database.ReadAsync(RoutingRules.AllAsync));
        await hub.Test.VerifyAsync();

        static async Task<string> LaneStateAsync(HubNode hub) =>
            string.Join(", ", (await hub.Node.Database.ReadAsync(async s => await LaneReader.LanesAsync(s))).Select(l => $"{l.Name} {l.Head}"));
    }

    [Theory, EveryDatabase]
    public async Task The_sums_are_those_of_the_orders(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await PlaceAllAsync(hub, "o");

        var told = await TryAsync(hub, Cheap);

        Assert.Equal(["BEG", "NIS", "NS"], told.Sites.Select(s => s.Site));
        Assert.Equal((6, 6), (told.Sites[0].Before.Orders, told.Sites[1].Before.Orders));
        Assert.Equal((0, 6, 6), (told.Sites[0].After.Orders, told.Sites[1].After.Orders, told.Sites[2].After.Orders));
        Assert.Equal(told.Items.Sum(i => i.After.Cost!.Value), told.After.Cost!.Value, 3);
        Assert.Equal(told.Sites.Sum(s => s.After.DistanceKm), told.After.DistanceKm, 3);
        Assert.Equal(told.Sites.Sum(s => s.Before.Units), told.Sites.Sum(s => s.After.Units));
        Assert.True(told.After.Cost < told.Before.Cost);
        Assert.True(told.After.DistanceKm > told.Before.DistanceKm);
        Assert.Null((await TryAsync(hub, Even)).After.Cost);
    }

    [Theory, EveryDatabase]
    public async Task Stock_of_then_counts_not_that_of_today_and_what_is_assumed_is_said(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store, units: 3);
        var whole = await hub.OrderAsync("1", Belgrade, ("A", 3)); // BEG is empty of A now
        var split = await hub.OrderAsync("2", Belgrade, ("A", 2), ("B", 2)); // NS and NIS had all of it, BEG two of four
        Assert.Equal("BEG NS", $"{Sites(whole)} {Sites(split)}");

        var near = await TryAsync(hub);
        var beg = await TryAsync(hub, new RuleBody { Name = "beg", Strategy = RoutingStrategy.Nearest, StrategyParams = new StrategyParams { OnlySites = ["BEG"] } });

        Assert.Equal((0, 0), (near.Changed, near.After.Unserved)); // though nothing of it would be there today
        var (second, first) = (beg.Items[0], beg.Items[1]);
        Assert.Equal((false, true), (first.Changed, first.Sure));
        Assert.Equal((true, false, 4L), (second.Changed, second.Sure, second.After.Unserved)); // two were there, and of which SKU is not known
        Assert.Equal((1, 1), (beg.Unsure, beg.After.Unserved));
    }

    [Theory, EveryDatabase]
    public async Task What_cannot_be_tried_is_counted_and_filters_hold(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.OrderAsync("1", Belgrade, ("A", 1));
        await hub.PlaceAsync(hub.Order("2", [("A", 1)], b => b with { FulfillmentType = FulfillmentType.Pickup, PickupSite = "BEG" }).Value);
        hub.Test.Time.Advance(TimeSpan.FromHours(1));
        await hub.PlaceAsync(hub.Order("3", [("A", 1)], b => To(Nis)(b) with { Channel = "allegro" }).Value);

        var all = await TryAsync(hub, Even);
        var late = await SimulateRouting.RunAsync(hub.Node, new SimulationBody { Since = hub.Test.Time.GetUtcNow().AddMinutes(-5) });
        var early = await SimulateRouting.RunAsync(hub.Node, new SimulationBody { Until = hub.Test.Time.GetUtcNow().AddMinutes(-5) });
        var last = await SimulateRouting.RunAsync(hub.Node, new SimulationBody { Last = 1 });
        var allegro = await SimulateRouting.RunAsync(hub.Node, new SimulationBody { Channel = "allegro" });

        Assert.Equal((2, new LeftOut(1, 0, 0, 0)), (all.Orders, all.LeftOut));
        Assert.Equal(["allegro", "web", "allegro", "allegro"], new[] { late, early, last, allegro }.Select(s => s.Value.Items.Single().Channel));
    }

    [Theory, EveryDatabase]
    public async Task An_erased_customers_place_is_not_known_any_more(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.PlaceAsync(hub.Order("1", [("A", 1)], b => To(Nis)(b) with { Customer = new CustomerDetails("Ana", "ana@example.com", null) }).Value);
        Assert.Equal("cheap", (await TryAsync(hub, Cheap)).Items.Single().After.Rule);
        await hub.Test.RunAsync<bool>(Lane.Hub, async tx => await Personal.EraseAsync(tx, Personal.PersonOf("ana@example.com", null, Guid.Empty)) is not null);
        Assert.Null((await TryAsync(hub, Cheap)).Items.Single().After.Rule);
    }

    [Fact]
    public async Task Drafts_are_checked_by_field()
    {
        await using var hub = await RoutingNode.StartAsync("sqlite");
        var refused = (await SimulateRouting.RunAsync(hub.Node, new SimulationBody
        {
            Last = 1_001, Rules = [new RuleBody { Name = "a" }, null, new RuleBody { Name = "a", Strategy = RoutingStrategy.Nearest, StrategyParams = new StrategyParams { OnlySites = ["NOPE"] } }],
        })).Refusal!;
        Assert.Equal(["last", "rules[0].strategy", "rules[1]", "rules[2].name", "rules[2].strategy_params.only_sites[0]"], refused.Errors!.Keys.Order(StringComparer.Ordinal));
    }
}
