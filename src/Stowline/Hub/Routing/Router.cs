using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;

namespace Stowline.Hub.Routing;

/// <summary>What has to be routed.</summary>
/// <param name="Needs">Units per SKU, each SKU once.</param>
/// <param name="Only">The one site that may serve (pickup), or null.</param>
/// <param name="Not">Sites that must not serve, and why: they have just failed.</param>
/// <param name="AllowPartial">Whether serving a part of the need is better than nothing.</param>
public sealed record RoutingRequest(
    IReadOnlyList<SkuUnits> Needs, double? Latitude, double? Longitude, string? Only, IReadOnlyDictionary<string, string>? Not, bool AllowPartial)
{
    /// <summary>The rule that decides; null where there are no rules, or nothing is left to choose.</summary>
    public RuleMatch? Match { get; init; }

    /// <summary>What rules may compare sites by; needed where a rule decides.</summary>
    public SiteFigures? Figures { get; init; }
}

/// <summary>Which site serves what, what nobody can serve, and why.</summary>
public sealed record RoutingResult(IReadOnlyList<(string Site, IReadOnlyList<SkuUnits> Lines)> Parts, IReadOnlyList<SkuUnits> Unserved, RoutingDecision Decision);

/// <summary>
/// Chooses sites (W12, W13). Pure: allotments in, decision out; the caller promises. One site that has everything beats a split; among those
/// the nearest wins when there are coordinates, else the one with most stock. A split takes the fewest sites it can find greedily. Ties go to the
/// lower code, so that the same question always gets the same answer. A rule may limit the sites, prefer some, and compare them by something else.
/// </summary>
public static class Router
{
    private const int MaxCandidatesKept = 20;

    /// <summary>Why a site is no candidate at all: kept decisions are read by it.</summary>
    internal const string NotActive = "not active";

    private sealed class Candidate(string site, double? distance)
    {
        public string Site => site;
        public double? DistanceKm => distance;
        /// <summary>Units of the need that this site could serve.</summary>
        public int Available { get; set; }

        /// <summary>All that is free of the needed SKUs, beyond the need too.</summary>
        public long Stock { get; set; }
        public bool ServesAll { get; set; } = true;

        /// <summary>What the strategy compares, less is better; null where it cannot be said.</summary>
        public double? Score { get; set; }

        /// <summary>Where it stands among preferred sites.</summary>
        public int Preference { get; set; }
        public bool Chosen { get; set; }
        public string? Rejection { get; set; }
    }

    public static RoutingResult Decide(RoutingRequest request, IReadOnlyDictionary<string, SiteFacts> sites, Allotments allotments)
    {
        var rule = request.Only is null ? request.Match?.Rule : null;
        var candidates = Candidates(request, sites, allotments);
        var open = candidates.Where(c => c.Rejection is null).ToList();
        var located = request.Only is null && open.Exists(c => c.DistanceKm is not null);
        var by = rule?.Strategy is { } wanted && (wanted != RoutingStrategy.Nearest || located) ? wanted : located && rule is null ? RoutingStrategy.Nearest : RoutingStrategy.MostStock;
        var strategy = request.Only is not null ? "pickup_site" : SnakeCaseEnum<RoutingStrategy>.Text(by);
        foreach (var candidate in open)
        {
            candidate.Score = rule is null ? candidate.DistanceKm : SiteScores.Of(by, rule.Params, candidate.Site, candidate.DistanceKm, located, request.Figures ?? SiteFigures.None);
            candidate.Preference = rule?.Preference(candidate.Site) ?? 0;
        }
        open.Sort((a, b) => Compare(a, b, by));
        var whole = open.Find(c => c.ServesAll);
        List<(string, IReadOnlyList<SkuUnits>)> parts;
        IReadOnlyList<SkuUnits> unserved;
        if (whole is not null)
        {
            whole.Chosen = true;
            parts = [(whole.Site, request.Needs)];
            unserved = [];
        }
        else
        {
            (parts, unserved) = Split(request.Needs, open, allotments, rule?.Params.MaxSplit ?? long.MaxValue);
            if (unserved.Count > 0 && parts.Count == rule?.Params.MaxSplit)
                foreach (var candidate in open.Where(c => !c.Chosen || !request.AllowPartial)) candidate.Rejection = "the rule allows no more sites for one order";
            if (unserved.Count > 0 && !request.AllowPartial)
            {
                parts = [];
                foreach (var candidate in open) candidate.Chosen = false;
            }
        }
        Explain(candidates, whole, unserved.Count > 0 && parts.Count == 0);
        var summary = Summary(parts, unserved, strategy, candidates, rule);
        return new RoutingResult(parts, unserved, new RoutingDecision(parts.Count == 0 ? "backorder" : strategy, summary,
            [.. candidates.OrderByDescending(c => c.Chosen).ThenBy(c => c.Site, StringComparer.Ordinal).Take(MaxCandidatesKept).Select(c => new RoutingCandidate(
                c.Site, by == RoutingStrategy.MostStock ? c.Stock : by == RoutingStrategy.Nearest ? c.DistanceKm : c.Score, c.Chosen, c.Chosen ? null : c.Rejection, c.DistanceKm,
                c.Available))]).By(request.Only is null ? request.Match : null));
    }

    /// <summary>Says which rule it was; what no rule had to do with stays as it is, and is stored as it always was.</summary>
    internal static RoutingDecision By(this RoutingDecision decision, RuleMatch? match) =>
        match is null ? decision : decision with { Rule = match.Rule?.Name, RuleVersion = match.Rule?.Version, PassedRules = match.Passed.Count == 0 ? null : match.Passed };

    private static List<Candidate> Candidates(RoutingRequest request, IReadOnlyDictionary<string, SiteFacts> sites, Allotments allotments)
    {
        var found = new Dictionary<string, Candidate>(StringComparer.Ordinal);
        foreach (var need in request.Needs)
        {
            foreach (var allotment in allotments.Of(need.Sku))
            {
                if (found.ContainsKey(allotment.Site) || !sites.TryGetValue(allotment.Site, out var site)) continue;
                var candidate = new Candidate(site.Code, Distance(request.Latitude, request.Longitude, site));
                if (!site.Active) candidate.Rejection = NotActive;
                else if (request.Only is { } only && only != site.Code) candidate.Rejection = $"the customer picks up at {only}";
                else if (request.Not is { } not && not.TryGetValue(site.Code, out var why)) candidate.Rejection = why;
                else if (request.Only is null && request.Match?.Rule is { } rule) candidate.Rejection = rule.Reject(site.Code, candidate.DistanceKm);
                found[site.Code] = candidate;
            }
        }
        foreach (var candidate in found.Values)
        {
            foreach (var need in request.Needs)
            {
                var free = Math.Max(0, allotments.At(need.Sku, candidate.Site)?.Free ?? 0);
                candidate.Available += (int)Math.Min(free, need.Quantity);
                candidate.Stock += free;
                if (free < need.Quantity) candidate.ServesAll = false;
            }
            if (candidate.Available == 0) candidate.Rejection ??= "has none of it free";
        }
        return [.. found.Values];
    }

    /// <summary>For most_stock what counts is all that is free, so that a site with plenty is taken before one that just has enough.</summary>
    private static int Compare(Candidate a, Candidate b, RoutingStrategy by)
    {
        if (a.Preference != b.Preference) return a.Preference.CompareTo(b.Preference);
        if (by != RoutingStrategy.MostStock)
        {
            var better = (a.Score ?? double.MaxValue).CompareTo(b.Score ?? double.MaxValue);
            if (better != 0) return better;
            var near = (a.DistanceKm ?? double.MaxValue).CompareTo(b.DistanceKm ?? double.MaxValue);
            if (near != 0) return near;
        }
        var more = b.Stock.CompareTo(a.Stock);
        return more != 0 ? more : string.CompareOrdinal(a.Site, b.Site);
    }

    private static (List<(string, IReadOnlyList<SkuUnits>)> Parts, IReadOnlyList<SkuUnits> Unserved) Split(
        IReadOnlyList<SkuUnits> needs, List<Candidate> open, Allotments allotments, long most)
    {
        var left = needs.ToDictionary(n => n.Sku, n => n.Quantity, StringComparer.Ordinal);
        var parts = new List<(string, IReadOnlyList<SkuUnits>)>();
        while (left.Count > 0 && parts.Count < most)
        {
            Candidate? best = null;
            long units = 0;
            foreach (var candidate in open)
            {
                if (candidate.Chosen) continue;
                var serves = left.Sum(l => Math.Min(l.Value, Math.Max(0, allotments.At(l.Key, candidate.Site)?.Free ?? 0)));
                if (serves > units) (best, units) = (candidate, serves); // the list is in order of preference, so the first of equals stays
            }
            if (best is null) break;
            best.Chosen = true;
            var lines = new List<SkuUnits>();
            foreach (var (sku, quantity) in left.ToArray())
            {
                var taken = (int)Math.Min(quantity, Math.Max(0, allotments.At(sku, best.Site)?.Free ?? 0));
                if (taken == 0) continue;
                lines.Add(new SkuUnits(sku, taken));
                if (taken == quantity) left.Remove(sku);
                else left[sku] = quantity - taken;
            }
            parts.Add((best.Site, lines));
        }
        return (parts, [.. left.Select(l => new SkuUnits(l.Key, l.Value))]);
    }

    private static void Explain(List<Candidate> candidates, Candidate? whole, bool refused)
    {
        foreach (var candidate in candidates.Where(c => !c.Chosen))
        {
            candidate.Rejection ??= refused ? "all sites together have too little"
                : whole is not null && !candidate.ServesAll ? "does not have all of it"
                : whole is not null ? $"{whole.Site} comes first" : "not needed for the split";
        }
    }

    private static string Summary(IReadOnlyList<(string Site, IReadOnlyList<SkuUnits> Lines)> parts, IReadOnlyList<SkuUnits> unserved, string strategy, List<Candidate> candidates,
        RoutingRule? rule)
    {
        var more = (rule is null ? "" : $"; rule {rule.Name}") + (unserved.Count == 0 ? "" : $"; not to be had: {string.Join(", ", unserved.Take(5).Select(u => $"{u.Quantity} × {u.Sku}"))}");
        if (parts.Count == 0) return "no site can serve it" + more;
        if (parts.Count > 1) return $"split over {string.Join(", ", parts.Select(p => p.Site))}, because no site has all of it{more}";
        var chosen = candidates.Find(c => c.Chosen)!;
        var why = strategy switch
        {
            "pickup_site" => "the customer picks up there",
            "nearest" when chosen.DistanceKm is { } km => string.Create(CultureInfo.InvariantCulture, $"nearest, {km:0.#} km"),
            "cheapest" when chosen.Score is { } cost => string.Create(CultureInfo.InvariantCulture, $"cheapest, {cost:0.00}"),
            "fastest" when chosen.Score is { } minutes => string.Create(CultureInfo.InvariantCulture, $"fastest, {minutes:0} minutes"),
            "load_balanced" when chosen.Score is { } load => string.Create(CultureInfo.InvariantCulture, $"least loaded, {load:0.##} open parts"),
            _ => candidates.Count == 1 ? "the only site that has it" : "most stock",
        };
        return $"{chosen.Site}: {why}{more}";
    }

    /// <summary>Kilometers from a site to a place; null where either has no coordinates.</summary>
    public static double? Distance(double? latitude, double? longitude, SiteFacts site) =>
        latitude is { } lat1 && longitude is { } lon1 && site is { Latitude: { } lat2, Longitude: { } lon2 } ? Math.Round(Kilometers(lat1, lon1, lat2, lon2), 3) : null;

    /// <summary>Great-circle distance (haversine), Earth's mean radius 6,371 km.</summary>
    public static double Kilometers(double lat1, double lon1, double lat2, double lon2)
    {
        static double Radians(double degrees) => degrees * Math.PI / 180;
        var a = Math.Pow(Math.Sin(Radians(lat2 - lat1) / 2), 2)
                + Math.Cos(Radians(lat1)) * Math.Cos(Radians(lat2)) * Math.Pow(Math.Sin(Radians(lon2 - lon1) / 2), 2);
        return 2 * 6371 * Math.Asin(Math.Min(1, Math.Sqrt(a)));
    }
}
