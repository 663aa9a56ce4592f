namespace Stowline.Hub.Routing;

/// <summary>What was measured of sites, at one moment.</summary>
/// <param name="OpenParts">Parts of orders that are not packed yet, by site.</param>
/// <param name="LeadMinutes">The median time from assigned to shipped of the last parts, by site; a site that has shipped nothing is missing.</param>
public sealed record SiteWork(IReadOnlyDictionary<string, int> OpenParts, IReadOnlyDictionary<string, double> LeadMinutes)
{
    public static readonly SiteWork None = new(new Dictionary<string, int>(), new Dictionary<string, double>());
}

/// <summary>The work of sites as one group of decisions sees it: what was measured, what this process gave out since, and what the group itself gives out.</summary>
public sealed class SiteFigures(SiteWork measured, IReadOnlyDictionary<string, int> since)
{
    private readonly Dictionary<string, int> _own = new(StringComparer.Ordinal);

    public static SiteFigures None => new(SiteWork.None, new Dictionary<string, int>());

    public int OpenParts(string site) => Math.Max(0, measured.OpenParts.GetValueOrDefault(site) + since.GetValueOrDefault(site) + _own.GetValueOrDefault(site));
    public double? LeadMinutes(string site) => measured.LeadMinutes.TryGetValue(site, out var minutes) ? minutes : null;

    /// <summary>A part goes to a site, or (−1) is done there.</summary>
    public void Add(string site, int parts = 1) => _own[site] = _own.GetValueOrDefault(site) + parts;

    internal IReadOnlyDictionary<string, int> Own => _own;
}

/// <summary>By what a strategy compares sites. Pure; less is better.</summary>
internal static class SiteScores
{
    /// <summary>Where nothing is declared or measured: a parcel the next day.</summary>
    private const double UnknownLeadMinutes = 24 * 60;

    /// <summary>Null where it cannot be said: such a site comes last.</summary>
    /// <param name="located">Whether any of the sites has a distance. Where none has, the way counts for none.</param>
    public static double? Of(RoutingStrategy strategy, StrategyParams p, string site, double? km, bool located, SiteFigures figures) => strategy switch
    {
        RoutingStrategy.Nearest => km,
        RoutingStrategy.Cheapest => WithWay((double)HandlingOf(p, site), (double)(p.CostPerKm ?? 0), km, located, 4),
        RoutingStrategy.Fastest => WithWay(LeadOf(p, site, figures), p.MinutesPerKm ?? 0, km, located, 1),
        RoutingStrategy.LoadBalanced => Math.Round(figures.OpenParts(site) / (p.SiteWeights is { } weights && weights.TryGetValue(site, out var weight) ? weight : 1), 3),
        RoutingStrategy.MostStock => null, // by stock, which all compare by at last
    };

    private static double? WithWay(double atSite, double perKm, double? km, bool located, int digits) =>
        !located || perKm == 0 ? Math.Round(atSite, digits) : km is { } way ? Math.Round(atSite + perKm * way, digits) : null;

    private static double LeadOf(StrategyParams p, string site, SiteFigures figures) =>
        p.LeadMinutes is { } declared && declared.TryGetValue(site, out var minutes) ? minutes : figures.LeadMinutes(site) ?? UnknownLeadMinutes;

    public static decimal HandlingOf(StrategyParams p, string site) => p.SiteCosts is { } costs && costs.TryGetValue(site, out var own) ? own : p.HandlingCost ?? 0;
}
