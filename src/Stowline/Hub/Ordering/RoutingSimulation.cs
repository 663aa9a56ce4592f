using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Routing;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Routes orders of the past again, one after another, by other rules. Pure. Each order for itself: what it would have taken elsewhere is not taken from the next one's stock, because how much
/// more a site had than its candidates say is not known. For <c>load_balanced</c> a part counts as open for a day after its order.
/// </summary>
internal sealed class RoutingSimulation(RuleSet rules, IReadOnlyDictionary<string, SiteFacts> sites, IReadOnlyDictionary<string, double> leads, StrategyParams? costs)
{
    private static readonly TimeSpan Open = TimeSpan.FromDays(1);

    private readonly SiteFigures _figures = new(new SiteWork(SiteWork.None.OpenParts, leads), SiteWork.None.OpenParts);
    private readonly Queue<(DateTimeOffset Until, string Site)> _open = [];

    /// <param name="orders">Newest first, as they are told.</param>
    public SimulationView Run(IReadOnlyList<PastOrder> orders, LeftOut leftOut)
    {
        var items = new List<SimulatedOrder>(orders.Count);
        foreach (var order in orders.Reverse()) items.Add(Route(order));
        items.Reverse();
        var names = items.SelectMany(i => i.Before.Parts.Concat(i.After.Parts)).Select(p => p.Site).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        return new SimulationView(items.Count, items.Count(i => i.Changed), items.Count(i => i.Changed && !i.Sure), leftOut, Totals(items, i => i.Before), Totals(items, i => i.After),
            [.. names.Select(s => new SimulatedSite(s, Share(s, orders, items, i => i.Before), Share(s, orders, items, i => i.After)))], items);
    }

    private SimulatedOrder Route(PastOrder order)
    {
        while (_open.TryPeek(out var done) && done.Until <= order.Row.PlacedAt) _figures.Add(_open.Dequeue().Site, -1);
        var old = order.Placed.Decision;
        var hadBackorder = order.Placed.Parts.Any(p => p.Site is null);
        var routing = Router.Decide(new RoutingRequest(order.Needs, order.Row.Latitude, order.Row.Longitude, null, null, hadBackorder)
        {
            Match = rules.IsEmpty ? null : rules.Match(order.Facts), Figures = _figures,
        }, AsThen(order), order.Stock);
        foreach (var (site, _) in routing.Parts)
        {
            _figures.Add(site);
            _open.Enqueue((order.Row.PlacedAt + Open, site));
        }
        var before = Route(order, old, [.. order.Placed.Parts.Where(p => p.Site is not null).Select(p => (p.Site!, p.Lines))]);
        var after = Route(order, routing.Decision, routing.Parts);
        var changed = !before.Parts.OrderBy(p => p.Site, StringComparer.Ordinal).SequenceEqual(after.Parts.OrderBy(p => p.Site, StringComparer.Ordinal));
        return new SimulatedOrder(order.Row.Id.ToString(), order.Row.Number, order.Row.Channel, order.Row.PlacedAt, changed, IsSure(order, routing.Decision), before, after);
    }

    /// <summary>What more a site had than the order needed is kept only where it was decided by it.</summary>
    private static bool IsSure(PastOrder order, RoutingDecision decision) =>
        order.IsSure && (decision.Strategy != "most_stock" || order.Placed.Decision.Strategy == "most_stock" || decision.Candidates.Count == 1);

    private IReadOnlyDictionary<string, SiteFacts> AsThen(PastOrder order)
    {
        var then = new Dictionary<string, SiteFacts>(StringComparer.Ordinal);
        foreach (var candidate in order.Placed.Decision.Candidates)
            if (sites.TryGetValue(candidate.Site, out var site)) then[site.Code] = site with { Active = !order.Inactive.Contains(site.Code) };
        return then;
    }

    private SimulatedRoute Route(PastOrder order, RoutingDecision decision, IReadOnlyList<(string Site, IReadOnlyList<SkuUnits> Lines)> parts)
    {
        var kilometers = parts.Select(p => DistanceOf(order, p.Site)).ToList();
        var served = parts.Sum(p => p.Lines.Sum(l => (long)l.Quantity));
        return new SimulatedRoute(decision.Strategy, decision.Rule, decision.Summary, [.. parts.Select(p => new SimulatedPart(p.Site, p.Lines.Sum(l => (long)l.Quantity)))],
            order.Needs.Sum(n => (long)n.Quantity) - served, kilometers.Exists(k => k is null) || parts.Count == 0 ? null : Math.Round(kilometers.Sum()!.Value, 3), Cost(order, parts.Select(p => p.Site)));
    }

    private double? DistanceOf(PastOrder order, string site) => sites.TryGetValue(site, out var facts) ? Router.Distance(order.Row.Latitude, order.Row.Longitude, facts) : null;

    /// <summary>Parts whose distance is not known cost their handling only: on both sides of the comparison alike.</summary>
    private double? Cost(PastOrder order, IEnumerable<string> at) => costs is null ? null
        : Math.Round(at.Sum(s => (double)SiteScores.HandlingOf(costs, s) + (double)(costs.CostPerKm ?? 0) * (DistanceOf(order, s) ?? 0)), 4);

    private SimulatedTotals Totals(List<SimulatedOrder> items, Func<SimulatedOrder, SimulatedRoute> of) => new(items.Count(i => of(i).Parts.Count > 1), items.Count(i => of(i).Unserved > 0),
        Math.Round(items.Sum(i => of(i).DistanceKm ?? 0), 3), costs is null ? null : Math.Round(items.Sum(i => of(i).Cost ?? 0), 4));

    private SimulatedShare Share(string site, IReadOnlyList<PastOrder> orders, List<SimulatedOrder> items, Func<SimulatedOrder, SimulatedRoute> of)
    {
        var (count, units, km, cost) = (0, 0L, 0d, 0d);
        for (var i = 0; i < items.Count; i++)
        {
            if (of(items[i]).Parts.FirstOrDefault(p => p.Site == site) is not { } part) continue;
            count++;
            units += part.Units;
            km += DistanceOf(orders[i], site) ?? 0;
            cost += Cost(orders[i], [site]) ?? 0;
        }
        return new SimulatedShare(count, units, Math.Round(km, 3), costs is null ? null : Math.Round(cost, 4));
    }
}
