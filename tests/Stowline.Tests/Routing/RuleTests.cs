using System.Text;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Kitchen;
using Stowline.Tests.Support;
using static Stowline.Tests.Routing.RoutingNode;

namespace Stowline.Tests.Routing;

/// Goal: rules are kept, told, seen by every process at once, and explain themselves. Method: real SQL; the log is read.
public class RuleTests
{
    [Theory, EveryDatabase]
    public async Task A_rule_is_told_with_who_saved_it_and_saving_it_again_is_nothing_new(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        var when = new RuleConditions { CustomerCity = [" Belgrade "] };

        var first = await hub.RuleAsync("belgrade", RoutingStrategy.Nearest, null, when, priority: 5);
        var again = await hub.RuleAsync("belgrade", RoutingStrategy.Nearest, null, when, priority: 5);
        var changed = await hub.RuleAsync("belgrade", RoutingStrategy.MostStock, null, when, priority: 5);
        var deleted = await hub.Test.RunAsync(Lane.Hub, tx => SaveRule.DeleteAsync("belgrade", tx));
        var anew = await hub.RuleAsync("belgrade", RoutingStrategy.MostStock);

        Assert.Equal(("Belgrade", "tester"), (first.Value.Conditions.CustomerCity!.Single(), first.Value.SavedBy));
        Assert.True(again.Existing);
        Assert.Equal([1L, 1, 2, 4], new[] { first, again, changed, anew }.Select(r => r.Value.Version)); // 3 was the deletion: a version never comes again
        Assert.True(deleted.IsOk);
        Assert.Equal("rule_not_found", (await hub.Test.RunAsync(Lane.Hub, tx => SaveRule.DeleteAsync("nope", tx))).Refusal!.Code);
        var told = (await hub.LaneAsync(Lane.Hub)).Where(e => e.Type.StartsWith("routing.", StringComparison.Ordinal)).ToList();
        Assert.Equal(["routing.rule_saved", "routing.rule_saved", "routing.rule_deleted", "routing.rule_saved"], told.Select(e => e.Type));
        Assert.All(told, e => Assert.Equal(("tester", "routing/belgrade"), (e.Actor, e.Subject)));
        Assert.Equal("most_stock", told[1].Read<RoutingRuleSaved>().Rule.GetProperty("strategy").GetString());
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_decision_names_the_rule_and_what_did_not_apply_but_not_the_customers_city(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.RuleAsync("nis", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NIS"] }, new RuleConditions { CustomerCity = ["Niš"] }, priority: 9);
        await hub.RuleAsync("rest", RoutingStrategy.Nearest, priority: 1);

        var south = (await hub.PlaceAsync(hub.Order("1", [("A", 1)], To(Nis, "NIŠ")).Value)).Value;
        var north = (await hub.PlaceAsync(hub.Order("2", [("A", 1)], To(NoviSad, "Petrovaradin")).Value)).Value;
        var pickup = (await hub.PlaceAsync(hub.Order("3", [("A", 1)], b => b with { FulfillmentType = FulfillmentType.Pickup, PickupSite = "BEG" }).Value)).Value;

        var (one, two, three) = (await hub.DecisionAsync(south.Id), await hub.DecisionAsync(north.Id), await hub.DecisionAsync(pickup.Id));
        Assert.Equal(("nis", 1L, null), (one.Rule, one.RuleVersion, one.PassedRules));
        Assert.Equal(("rest", 2L), (two.Rule, two.RuleVersion));
        Assert.Equal([new PassedRule("nis", 1, "customer_city")], two.PassedRules);
        Assert.Equal(("pickup_site", null), (three.Strategy, three.Rule));
        Assert.DoesNotContain("Petrovaradin", string.Concat((await hub.LaneAsync(Lane.Hub)).Select(e => Encoding.UTF8.GetString(e.Payload))));
        Assert.Equal("NIS NS BEG", string.Join(" ", Sites(south), Sites(north), Sites(pickup)));
    }

    [Theory, EveryDatabase]
    public async Task Without_rules_a_decision_is_stored_as_it_always_was(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await hub.RuleAsync("off", RoutingStrategy.MostStock, active: false);
        var order = await hub.OrderAsync("1", Belgrade, ("A", 1));
        var placed = Encoding.UTF8.GetString((await hub.LaneAsync(Lane.Hub)).Single(e => e.Type == OrderPlaced.Type).Payload);
        Assert.DoesNotContain("\"rule", placed);
        Assert.DoesNotContain("passed_rules", placed);
        Assert.Equal("BEG", Sites(order));
    }

    [Theory, EveryDatabase]
    public async Task Another_process_decides_by_the_changed_rule_at_once(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        await using var other = await hub.BesideAsync(new RoutingModule());
        await hub.OrderAsync("1", Belgrade, ("A", 1));
        await other.OrderAsync("2", Belgrade, ("A", 1)); // both remember that there are no rules

        await other.RuleAsync("south", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NIS"] });
        Assert.Equal("NIS", Sites(await hub.OrderAsync("3", Belgrade, ("A", 1))));
        await hub.RuleAsync("south", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NS"] });
        Assert.Equal("NS", Sites(await other.OrderAsync("4", Belgrade, ("A", 1))));
        await hub.Test.RunAsync(Lane.Hub, tx => SaveRule.DeleteAsync("south", tx));
        Assert.Equal("BEG", Sites(await other.OrderAsync("5", Belgrade, ("A", 1))));
    }

    [Theory, EveryDatabase]
    public async Task A_rule_that_was_rolled_back_decides_nothing(string store)
    {
        await using var hub = await RoutingNode.StartAsync(store);
        // Both are of one group: the order sees the rule, the group fails, and the order is decided again without it.
        var failed = hub.Node.Lanes.ExecuteAsync<Done>(Lane.Hub, TestNode.Tester, async tx =>
        {
            Assert.True((await SaveRule.DecideAsync("south", new RuleBody { Strategy = RoutingStrategy.Nearest, StrategyParams = new StrategyParams { OnlySites = ["NIS"] } }, tx)).IsOk);
            throw new InvalidOperationException("on purpose");
        });
        var order = hub.Intake.AcceptAsync(hub.Order("1", [("A", 1)], To(Belgrade)).Value, TestNode.Tester);
        await Assert.ThrowsAsync<InvalidOperationException>(() => hub.Test.PumpUntilAsync(failed));
        Assert.Equal("BEG", Sites((await hub.Test.PumpUntilAsync(order)).Outcome.Value));
        // The number that was taken back is taken again: what is remembered under it must be the new rule.
        await hub.RuleAsync("other", RoutingStrategy.Nearest, new StrategyParams { OnlySites = ["NS"] });
        Assert.Equal("NS", Sites(await hub.OrderAsync("2", Belgrade, ("A", 1))));
    }

    /// The same orders, once in one group and once one by one, end at the same sites: rules that depend on what came before are the hard ones.
    [Theory, EveryDatabase]
    public async Task A_group_is_decided_as_its_orders_would_be_one_by_one(string store)
    {
        await using var together = await RulesAsync(store);
        await using var apart = await RulesAsync(store);
        var orders = Enumerable.Range(0, 60).ToList();

        var answers = await together.Test.PumpUntilAsync(Task.WhenAll(orders.Select(i => together.Intake.AcceptAsync(Nth(together, i), TestNode.Tester))));
        var single = new List<Outcome<OrderView>>();
        foreach (var i in orders) single.Add(await apart.PlaceAsync(Nth(apart, i)));

        Assert.Equal(single.Select(Said), answers.Select(a => Said(a.Outcome)));
        Assert.True(single.Select(Said).Distinct().Count() > 4, "the rules should have sent orders to many places");
        Assert.Contains("insufficient_stock", single.Select(Said));
        await together.Test.VerifyAsync();

        static string Said(Outcome<OrderView> o) => o.IsOk ? Sites(o.Value) : o.Refusal!.Code;
        static AcceptOrder Nth(HubNode hub, int i) => hub.Order($"o{i}", i % 3 == 0 ? [("A", 1 + i % 4), ("B", 1)] : [("A", 1 + i % 3)],
            To(i % 2 == 0 ? Belgrade : Nis, i % 5 == 0 ? "Niš" : "Belgrade")).Value;

        static async Task<HubNode> RulesAsync(string store)
        {
            var hub = await RoutingNode.StartAsync(store, units: 30);
            await hub.RuleAsync("nis", RoutingStrategy.Cheapest, new StrategyParams { CostPerKm = 1, ExcludeSites = ["NIS"], MaxSplit = 1 }, new RuleConditions { CustomerCity = ["Niš"] }, priority: 2);
            await hub.RuleAsync("even", RoutingStrategy.LoadBalanced);
            return hub;
        }
    }

    [Theory, EveryDatabase]
    public async Task Kitchens_follow_limits_and_strategies_but_a_callers_wish_comes_first(string store)
    {
        await using var kitchen = await KitchenNode.StartAsync(store);
        foreach (var (code, place) in new[] { ("K1", Nis), ("K2", Belgrade), ("K3", NoviSad) }) await kitchen.SiteAsync(code, latitude: place.Latitude, longitude: place.Longitude);
        async Task<string> AskAsync(RuleBody rule, MadeStrategy? wish = null)
        {
            Assert.True((await kitchen.Test.RunAsync(Lane.Hub, tx => SaveRule.DecideAsync("r", rule, tx))).IsOk);
            var placed = await kitchen.PlaceAsync(1, more: b => To(Belgrade)(b) with { Strategy = wish });
            return placed.Value.Parts.Single().Site!;
        }

        Assert.Equal("K2", await AskAsync(new RuleBody { Strategy = RoutingStrategy.Nearest }));
        Assert.Equal("K3", await AskAsync(new RuleBody { Strategy = RoutingStrategy.Nearest, StrategyParams = new StrategyParams { ExcludeSites = ["K2"] } }));
        Assert.Equal("K1", await AskAsync(new RuleBody
        {
            Strategy = RoutingStrategy.Cheapest, StrategyParams = new StrategyParams { HandlingCost = 10, SiteCosts = new Dictionary<string, decimal> { ["K1"] = 1 } },
        }));
        Assert.Equal("K2", await AskAsync(new RuleBody
        {
            Strategy = RoutingStrategy.Cheapest, StrategyParams = new StrategyParams { HandlingCost = 10, SiteCosts = new Dictionary<string, decimal> { ["K1"] = 2 } },
        }, MadeStrategy.Nearest));
        Assert.Equal("K3", await AskAsync(new RuleBody { Strategy = RoutingStrategy.MostStock, StrategyParams = new StrategyParams { OnlySites = ["K3"] } }));
        await kitchen.Test.VerifyAsync();
    }
}
