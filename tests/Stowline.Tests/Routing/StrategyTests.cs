using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;
using static Stowline.Tests.Routing.RoutingNode;

namespace Stowline.Tests.Routing;

/// Goal: each strategy compares what it says, limits are kept, and the decision tells why. Method: real SQL; three sites that all have everything unless said otherwise.
public class StrategyTests
{
    private static async Task<(string Sites, RoutingDecision Decision)> DecideAsync(HubNode hub, string external, (double, double) to, params (string, int)[] lines)
    {
        var order = await hub.OrderAsync(external, to, lines);
        return (Sites(order), await hub.DecisionAsync(order.Id));
    }

    [Theory, EveryDatabase]
    public async Task Cheapest_adds_handling_and_way(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        Assert.True((await hub.RuleAsync("cheap", RoutingStrategy.Cheapest,
            new StrategyParams { CostPerKm = 0.1m, HandlingCost = 20, SiteCosts = new Dictionary<string, decimal> { ["NS"] = 2 } })).IsOk);

        var (site, decision) = await DecideAsync(hub, "1", Belgrade, ("A", 1)); // BEG: 20 + 0; NS: 2 + 6.6

        Assert.Equal("NS", site);
        Assert.Equal(("cheapest", "cheap"), (decision.Strategy, decision.Rule));
        Assert.Equal(20, decision.Candidates.Single(c => c.Site == "BEG").Score);
        var ns = decision.Candidates.Single(c => c.Site == "NS");
        Assert.Equal(2 + 0.1 * ns.DistanceKm!.Value, ns.Score!.Value, 3);
        Assert.StartsWith("NS: cheapest, 8.", decision.Summary);
        Assert.EndsWith("; rule cheap", decision.Summary);
    }

    [Theory, EveryDatabase]
    public async Task Fastest_takes_declared_times_before_measured_ones_and_a_day_where_nothing_is_known(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        Assert.True((await hub.RuleAsync("fast", RoutingStrategy.Fastest, new StrategyParams { LeadMinutes = new Dictionary<string, double> { ["NS"] = 600 }, MinutesPerKm = 1 })).IsOk);
        var first = await DecideAsync(hub, "1", Belgrade, ("A", 1));
        Assert.Equal("NS", first.Sites); // BEG: a day
        Assert.Equal(1440, first.Decision.Candidates.Single(c => c.Site == "BEG").Score);

        // BEG turns out to ship within an hour.
        Assert.True((await hub.RuleAsync("to-beg", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["BEG"] }, priority: 9)).IsOk);
        var order = await hub.OrderAsync("2", Belgrade, ("A", 1));
        hub.Test.Time.Advance(TimeSpan.FromMinutes(60));
        var id = Guid.Parse(order.Id);
        await hub.SayAsync("BEG", "A", b => b with { Consumed = 1, OnHand = 999 }, b => new PartShipped(id, 1, id, 1, "dhl", "T1", [new SkuUnits("A", 1)], [], [], [b]), id);
        await hub.RuleAsync("to-beg", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["BEG"] }, priority: 9, active: false);
        hub.Test.Time.Advance(TimeSpan.FromMinutes(11));
        await hub.Test.DrainAsync();

        var (site, decision) = await DecideAsync(hub, "3", Belgrade, ("A", 1));
        Assert.Equal("BEG", site);
        Assert.Equal(60, decision.Candidates.Single(c => c.Site == "BEG").Score);
        Assert.Equal("BEG: fastest, 60 minutes; rule fast", decision.Summary);
    }

    [Theory, EveryDatabase]
    public async Task Load_balanced_gives_to_whom_has_least_to_do_for_its_weight(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        for (var i = 0; i < 3; i++) await hub.OrderAsync($"before-{i}", Belgrade, ("A", 1)); // three open parts at BEG
        Assert.True((await hub.RuleAsync("even", RoutingStrategy.LoadBalanced, new StrategyParams { SiteWeights = new Dictionary<string, double> { ["NIS"] = 2 } })).IsOk);
        hub.Test.Time.Advance(TimeSpan.FromSeconds(11));
        await hub.Test.DrainAsync(); // open parts are counted

        var sites = new List<string>();
        for (var i = 0; i < 9; i++) sites.Add(Sites(await hub.OrderAsync($"o{i}", Belgrade, ("A", 1))));

        // 3 + 9 parts over weights 1, 1 and 2.
        Assert.Equal((0, 3, 6), (sites.Count(s => s == "BEG"), sites.Count(s => s == "NS"), sites.Count(s => s == "NIS")));
        var last = await hub.DecisionAsync((await hub.OrderAsync("last", Belgrade, ("A", 1))).Id);
        Assert.Equal(3, last.Candidates.Single(c => c.Site == "BEG").Score);

        // What is done weighs nothing any more.
        foreach (var e in (await hub.LaneAsync(Lane.HubTo("BEG"))).Where(e => e.Type == PartAssigned.Type && e.Read<PartAssigned>().ExternalId.StartsWith("before", StringComparison.Ordinal)))
            await hub.TellAsync("BEG", new PackingCompleted(e.OrderId!.Value, 1, e.OrderId.Value, 1, 1), e.OrderId);
        hub.Test.Time.Advance(TimeSpan.FromSeconds(11));
        await hub.Test.DrainAsync();
        Assert.Equal("BEG", Sites(await hub.OrderAsync("after", Belgrade, ("A", 1))));
    }

    [Theory, EveryDatabase]
    public async Task Most_stock_may_be_asked_for_where_nearest_would_be_taken(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.GrantAsync("NIS", "A", 1);
        await hub.RuleAsync("stock", RoutingStrategy.MostStock);
        var (site, decision) = await DecideAsync(hub, "1", Belgrade, ("A", 1));
        Assert.Equal("NIS", site);
        Assert.Equal(("most_stock", 1_001), (decision.Strategy, decision.Candidates.Single(c => c.Chosen).Score));
    }

    [Theory, EveryDatabase]
    public async Task Limits_are_hard_and_preferred_sites_come_first(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        async Task<(string Sites, RoutingDecision Decision)> WithAsync(string order, StrategyParams how)
        {
            Assert.True((await hub.RuleAsync("r", RoutingStrategy.Nearest, how)).IsOk);
            return await DecideAsync(hub, order, Belgrade, ("A", 1));
        }

        var preferred = await WithAsync("1", new StrategyParams { PreferSites = ["NIS", "NS"] });
        var excluded = await WithAsync("2", new StrategyParams { ExcludeSites = ["BEG"] });
        var only = await WithAsync("3", new StrategyParams { OnlySites = ["NIS"] });
        var near = await WithAsync("4", new StrategyParams { MaxDistanceKm = 100 });

        Assert.Equal(["NIS", "NS", "NIS", "BEG"], new[] { preferred, excluded, only, near }.Select(d => d.Sites));
        Assert.Equal("the rule r excludes it", excluded.Decision.Candidates.Single(c => c.Site == "BEG").Rejection);
        Assert.Equal("the rule r does not allow it", only.Decision.Candidates.Single(c => c.Site == "NS").Rejection);
        Assert.Equal("farther than 100 km", near.Decision.Candidates.Single(c => c.Site == "NIS").Rejection);

        await hub.RuleAsync("r", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NIS"], ExcludeSites = ["NIS"] });
        var refused = (await hub.PlaceAsync(hub.Order("5", [("A", 1)], To(Belgrade)).Value)).Refusal!;
        Assert.Equal(("insufficient_stock", "r"), (refused.Code, refused.Extra!["rule"]));
        Assert.Equal([new MissingUnits("A", 1, 0)], Assert.IsType<List<MissingUnits>>(refused.Extra["missing"]));
    }

    [Theory, EveryDatabase]
    public async Task A_split_keeps_to_its_most_sites(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store, units: 4);
        await hub.RuleAsync("r", RoutingStrategy.Nearest, new StrategyParams { MaxSplit = 2 });

        var two = await hub.OrderAsync("1", Belgrade, ("A", 7));
        var three = (await hub.PlaceAsync(hub.Order("2", [("B", 9)], To(Belgrade)).Value)).Refusal!;
        var rest = (await hub.PlaceAsync(hub.Order("3", [("B", 9)], b => To(Belgrade)(b) with { Backorder = true }).Value)).Value;

        Assert.Equal("BEG NS", Sites(two));
        Assert.Equal([new MissingUnits("B", 9, 8)], Assert.IsType<List<MissingUnits>>(three.Extra!["missing"]));
        Assert.Equal("BEG NS -", Sites(rest));
        Assert.Equal("the rule allows no more sites for one order", (await hub.DecisionAsync(rest.Id)).Candidates.Single(c => c.Site == "NIS").Rejection);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Units_that_a_site_could_not_deliver_are_routed_by_the_rule_too(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.RuleAsync("belgrade", RoutingStrategy.Nearest, new StrategyParams { PreferSites = ["BEG", "NIS"] }, new RuleConditions { CustomerCity = ["Belgrade"] });
        var order = await hub.OrderAsync("1", Belgrade, ("A", 2));
        var id = Guid.Parse(order.Id);

        await hub.SayAsync("BEG", "A", b => b with { Withdrawn = 2, OnHand = 998 }, b => new PartShort(id, 1, [new SkuUnits("A", 2)], true, "not found", [b]), id);

        var rerouted = (await hub.LaneAsync(Lane.Hub)).Single(e => e.Type == OrderRerouted.Type).Read<OrderRerouted>();
        Assert.Equal("NIS", rerouted.Parts.Single().Site); // NS is nearer
        Assert.Equal("belgrade", rerouted.Decision.Rule);
        await hub.Test.VerifyAsync();
    }
}
