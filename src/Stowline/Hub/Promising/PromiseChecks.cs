using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>Compares the counters with what other modules say of the same units.</summary>
internal static class PromiseChecks
{
    private sealed record OpenRow
    {
        public string Sku { get; init; } = "";
        public string Site { get; init; } = "";
        public long Units { get; init; }
    }

    /// <summary>The first difference between what sites are to expect and what is on its way there; null when there is none.</summary>
    public static async Task<string?> CompareIncomingAsync(SqlSession session, Dictionary<(string Site, string Sku), long> onTheWay)
    {
        await foreach (var row in session.StreamAsync<OpenRow>("SELECT sku, site, incoming AS units FROM allotments WHERE incoming <> 0"))
        {
            onTheWay.Remove((row.Site, row.Sku), out var units);
            if (units != row.Units) return $"{row.Sku} at {row.Site}: {row.Units} units are expected, {units} are on their way";
        }
        return onTheWay.FirstOrDefault(o => o.Value != 0) is { Value: not 0 } left ? $"{left.Key.Sku} at {left.Key.Site}: {left.Value} units are on their way, none are expected" : null;
    }

    /// <summary>The first difference between open promises and the units of open parts; null when there is none.</summary>
    public static async Task<string?> CompareAsync(SqlSession session, Dictionary<(string Site, string Sku), long> openParts)
    {
        await foreach (var row in session.StreamAsync<OpenRow>("SELECT sku, site, promised - released - consumed AS units FROM allotments"))
        {
            openParts.Remove((row.Site, row.Sku), out var inParts);
            if (inParts != row.Units) return $"{row.Sku} at {row.Site}: {row.Units} units are promised, open parts need {inParts}";
        }
        return openParts.FirstOrDefault(o => o.Value != 0) is { Value: not 0 } left ? $"{left.Key.Sku} at {left.Key.Site}: {left.Value} units in parts, none promised" : null;
    }
}
