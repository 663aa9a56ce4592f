using System.Globalization;
using System.Text.Json;
using Stowline.Contracts;

namespace Stowline.Hub.Channels;

/// <summary>A line of an order as the marketplace has it.</summary>
/// <param name="Line">Its id there.</param>
/// <param name="Sku">Our code of its goods; null where nobody has said which they are.</param>
/// <param name="Quantity">Units; of a line that is partly sent, those that are not.</param>
/// <param name="Group">What the marketplace sends together; empty where it does not group.</param>
internal sealed record TheirLine(string Line, string? Sku, long Quantity, string Group = "");

/// <summary>Which of a marketplace's lines a parcel is of. Pure.</summary>
internal static class ParcelLines
{
    /// <summary>Takes the parcel's units out of their lines, the first lines first. What is not among theirs is left out: they know nothing of it, or have been told.</summary>
    public static IReadOnlyList<TheirLine> Take(IReadOnlyList<SkuUnits> parcel, IEnumerable<TheirLine> theirs)
    {
        var left = parcel.GroupBy(p => p.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(p => (long)p.Quantity), StringComparer.Ordinal);
        var taken = new List<TheirLine>();
        foreach (var line in theirs)
        {
            if (line.Sku is null || !left.TryGetValue(line.Sku, out var units)) continue;
            var some = Math.Min(units, line.Quantity);
            if (some <= 0) continue;
            left[line.Sku] = units - some;
            taken.Add(line with { Quantity = some });
        }
        return taken;
    }

    /// <summary>Whether the parcel has all that the order has.</summary>
    public static bool IsAll(IReadOnlyList<SkuUnits> parcel, IReadOnlyList<TheirLine> theirs) => Take(parcel, theirs).Sum(t => t.Quantity) == theirs.Sum(t => t.Quantity);

    public static string Text(IReadOnlyList<SkuUnits> parcel) => string.Join(", ", parcel.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Quantity} × {p.Sku}")));

    /// <summary>A shop's order as its mapping reads it.</summary>
    public static IReadOnlyList<TheirLine> Of(JsonElement order, ShopOrders map, IReadOnlyList<string> line, IReadOnlyDictionary<string, string> skus) =>
        [.. ShopReader.Lines(order, map).Select(l => (Id: ShopReader.Text(l, line), Line: l)).Where(l => l.Id is not null)
            .Select(l => new TheirLine(l.Id!, ShopReader.SkuOf(l.Line, map.Lines!, skus), Units(ShopReader.Text(l.Line, map.Lines!.Quantity))))];

    /// <summary>What a shop says is still to be sent; the goods are those of the order's lines.</summary>
    public static IReadOnlyList<TheirLine> Open(JsonElement answer, ShopOpenRead map, IReadOnlyList<TheirLine> order)
    {
        var skus = order.DistinctBy(l => l.Line).ToDictionary(l => l.Line, l => l.Sku, StringComparer.Ordinal);
        var open = new List<TheirLine>();
        foreach (var group in Array(answer, map.Items))
        {
            if (map.When is { } when && !ShopReader.Holds(group, when) || ShopReader.Text(group, map.Group) is not { } id) continue;
            foreach (var line in Array(group, map.Lines))
                if (ShopReader.Text(line, map.Line) is { } theirs && ShopReader.Text(line, map.OrderLine) is { } of)
                    open.Add(new TheirLine(theirs, skus.GetValueOrDefault(of), Units(ShopReader.Text(line, map.Quantity)), id));
        }
        return open;
    }

    public static IEnumerable<JsonElement> Array(JsonElement from, string? path) => ShopReader.At(from, path) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    private static long Units(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var units) ? units : 0;
}
