using Stowline.Contracts;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Measures what strategies compare sites by, for as long as a rule needs it: open parts every ten seconds, lead times every ten minutes. Beside the orders, never in their transaction;
/// each process measures for itself.
/// </summary>
internal sealed class MeasureSites(Node node, RoutingBook book) : Pump
{
    private static readonly TimeSpan BetweenCounts = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenLeads = TimeSpan.FromMinutes(10);

    /// <summary>How many of a site's last events are looked through for shipments, and of these how many are measured.</summary>
    private const int Window = 5_000;
    private const int MostShipments = 200;

    private readonly Rest _counted = new(node.Time);
    private readonly Rest _timed = new(node.Time);
    private long _seen = -1;
    private IReadOnlyDictionary<string, double> _leads = SiteWork.None.LeadMinutes;

    public override string Name => "site figures";
    public override TimeSpan Idle => BetweenCounts;
    public override Signal Wake => book.Changed;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var version = book.Version;
        if (!_counted.IsOver && version == _seen) return false;
        var rules = new RuleSet(await node.Database.ReadAsync(RoutingRules.AllAsync, ct)).Rules;
        _counted.For(BetweenCounts);
        _seen = version;
        var (counts, times) = (rules.Any(r => r.Strategy == RoutingStrategy.LoadBalanced), rules.Any(r => r.Strategy == RoutingStrategy.Fastest));
        if (!counts && !times) return false;
        if (times && _timed.IsOver)
        {
            _leads = await node.Database.ReadAsync(LeadsAsync, ct);
            _timed.For(BetweenLeads);
        }
        book.Begin();
        book.Take(new SiteWork(counts ? await node.Database.ReadAsync(RoutedOrders.OpenPartsAsync, ct) : SiteWork.None.OpenParts, _leads));
        return false;
    }

    /// <summary>The median minutes from assigned to shipped, by site. The median, because one parcel that was forgotten for a week says nothing of the next.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> LeadsAsync(SqlSession session)
    {
        var leads = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var lane in (await LaneReader.LanesAsync(session)).Where(l => l.Name.StartsWith("site/", StringComparison.Ordinal)))
        {
            var shipped = await LaneReader.LastOrdersAsync(session, lane.Name, PartShipped.Type, Window, MostShipments);
            var assigned = await LaneReader.LastOfTypeAsync(session, [.. shipped.Select(s => s.OrderId).Distinct()], PartAssigned.Type);
            var minutes = shipped.Where(s => assigned.ContainsKey(s.OrderId)).Select(s => (s.At - assigned[s.OrderId]).TotalMinutes).Where(m => m >= 0).Order().ToList();
            if (minutes.Count > 0) leads[lane.Name["site/".Length..]] = Math.Round(minutes[minutes.Count / 2], 1);
        }
        return leads;
    }
}
