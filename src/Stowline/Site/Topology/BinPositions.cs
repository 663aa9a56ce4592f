using Stowline.Store;

namespace Stowline.Site.Topology;

/// <summary>Where bins stand on the floor plan, for reads outside a command (W7).</summary>
public static class BinPositions
{
    /// <summary>A bin with its place on the floor plan, in millimeters.</summary>
    public sealed record Place
    {
        public string Code { get; init; } = "";
        public long XMm { get; init; }
        public long YMm { get; init; }
    }

    /// <summary>A question about the measured ones among the bins whose codes another query names, to be asked with others.</summary>
    /// <param name="codes">A query of the caller's tables that answers codes.</param>
    /// <param name="args">The caller's arguments; <c>@site</c> is among them.</param>
    public static Question<Place> About(string codes, object args) => new(
        $"SELECT b.code, b.x_mm, b.y_mm FROM bins b WHERE b.site = @site AND b.code IN ({codes}) AND b.x_mm IS NOT NULL AND b.y_mm IS NOT NULL", args);

    /// <summary>Their positions in meters.</summary>
    public static IReadOnlyDictionary<string, (double XM, double YM)> InMeters(IEnumerable<Place> places) =>
        places.ToDictionary(p => p.Code, p => (p.XMm / 1000.0, p.YMm / 1000.0), StringComparer.Ordinal);

    /// <summary>Positions in meters of the bins that have been measured; the others are missing from the answer.</summary>
    public static async ValueTask<IReadOnlyDictionary<string, (double XM, double YM)>> OfAsync(SqlSession session, string site, IReadOnlyCollection<string> bins)
    {
        string[] codes = [.. bins.Distinct(StringComparer.Ordinal)];
        var found = new Dictionary<string, (double, double)>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT b.code, b.x_mm, b.y_mm FROM bins b WHERE b.site = k.site AND b.code = k.code AND b.x_mm IS NOT NULL AND b.y_mm IS NOT NULL",
            codes.Length, [Column.Same("site", codes.Length, site), Column.Of("code", codes)],
            row => found[row.GetString(0)] = (row.GetInt64(1) / 1000.0, row.GetInt64(2) / 1000.0));
        return found;
    }
}
