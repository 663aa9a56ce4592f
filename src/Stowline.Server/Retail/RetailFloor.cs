using System.Globalization;

namespace Stowline.Server.Retail;

/// <summary>A bin of the floor that an import makes. Coordinates in meters; the packing station stands at 0, 0.</summary>
internal sealed record FloorBin(string Code, string Aisle, string Position, string Level, double XM, double YM);

/// <summary>
/// The floor of an imported warehouse: parallel aisles of shelves, a bin for each product, the most ordered products nearest to packing and
/// at hand's height. The same products always get the same bins, so nothing has to be remembered between imports.
/// </summary>
internal static class RetailFloor
{
    public const string Zone = "PICK";
    private const int Positions = 40;
    private const int Levels = 4;
    private const double AisleWidthM = 3.5;
    private const double BayWidthM = 1.2;

    /// <summary>Enough aisles for this many products, full bays only; ordered by the way from packing.</summary>
    public static IReadOnlyList<FloorBin> Bins(int products)
    {
        var aisles = (products + Positions * Levels - 1) / (Positions * Levels);
        return
        [
            .. Enumerable.Range(1, aisles).SelectMany(a => Enumerable.Range(1, Positions).SelectMany(p => Enumerable.Range(1, Levels).Select(l => Bin(a, p, l))))
                .OrderBy(EffortM).ThenBy(b => b.Code, StringComparer.Ordinal),
        ];
    }

    /// <summary>SKU → its home bin.</summary>
    public static IReadOnlyDictionary<string, string> Homes(IReadOnlyList<RetailProduct> products)
    {
        var bins = Bins(products.Count);
        return products.OrderByDescending(p => p.OrderLines).ThenBy(p => p.Sku, StringComparer.Ordinal).Select((p, rank) => (p.Sku, bins[rank].Code))
            .ToDictionary(h => h.Sku, h => h.Code, StringComparer.Ordinal);
    }

    private static FloorBin Bin(int aisle, int position, int level) => new(
        string.Create(CultureInfo.InvariantCulture, $"A{aisle:00}-{position:00}-{level}"),
        string.Create(CultureInfo.InvariantCulture, $"A{aisle:00}"), position.ToString("00", CultureInfo.InvariantCulture), level.ToString(CultureInfo.InvariantCulture),
        Math.Round(aisle * AisleWidthM, 2), Math.Round(position * BayWidthM, 2));

    /// <summary>The walk, and what bending down (level 1) or a ladder (level 4) costs beside the two levels at hand's height.</summary>
    private static double EffortM(FloorBin bin) => bin.XM + bin.YM + bin.Level switch { "1" => 3, "4" => 12, _ => 0 };
}
