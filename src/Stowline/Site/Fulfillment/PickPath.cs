using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>The way of a picker through the site (W7).</summary>
internal static class PickPath
{
    /// <summary>By the bins' places in the walk; one bin's items together, by SKU and lot, so that the order never depends on luck.</summary>
    public static IOrderedEnumerable<Allocation> InWalkingOrder(IEnumerable<Allocation> allocations) => allocations
        .OrderBy(a => a.BinOrder, StringComparer.Ordinal).ThenBy(a => a.Bin, StringComparer.Ordinal)
        .ThenBy(a => a.Sku, StringComparer.Ordinal).ThenBy(a => a.Lot, StringComparer.Ordinal);

    /// <summary>The length of the way over bins in sequence, in meters, rounded to centimeters; null where a position is not known.</summary>
    public static double? DistanceM(IReadOnlyList<string> bins, IReadOnlyDictionary<string, (double XM, double YM)> positions)
    {
        double total = 0;
        (double X, double Y)? last = null;
        foreach (var bin in bins)
        {
            if (!positions.TryGetValue(bin, out var at)) return null;
            if (last is { } from) total += Math.Sqrt((at.XM - from.X) * (at.XM - from.X) + (at.YM - from.Y) * (at.YM - from.Y));
            last = at;
        }
        return last is null ? null : Math.Round(total, 2);
    }

    public static async ValueTask<IReadOnlyDictionary<string, (double XM, double YM)>> PositionsAsync(SqlSession session, string site, IReadOnlyCollection<string> bins) =>
        await Topology.BinPositions.OfAsync(session, site, bins);
}
