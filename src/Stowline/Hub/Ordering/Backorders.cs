using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>Units of a SKU that accepted orders wait for.</summary>
internal sealed record BackorderedSku
{
    public string Sku { get; init; } = "";
    public long Units { get; init; }
}

/// <summary>Units that wait for stock. First come, first served: by age of the order.</summary>
internal static class Backorders
{
    public static async ValueTask AddAsync(LaneTransaction tx, IEnumerable<PartRow> parts)
    {
        var rows = parts.SelectMany(p => p.Lines.Select(l => (p.OrderId, p.Part, l.Sku, l.Quantity))).ToList();
        if (rows.Count == 0) return;
        await tx.InsertAsync("backorders", rows.Count, Column.From("sku", rows, r => r.Sku), Column.From("order_id", rows, r => r.OrderId),
            Column.From("part", rows, r => r.Part), Column.From("quantity", rows, r => r.Quantity));
    }

    public static ValueTask RemoveAsync(LaneTransaction tx, Guid orderId, int part) =>
        tx.WriteAsync("DELETE FROM backorders WHERE order_id = @orderId AND part = @part", new { orderId, part });

    /// <summary>The SKUs that units wait for.</summary>
    public static async ValueTask<IReadOnlyCollection<string>> SkusAsync(LaneTransaction tx) => await tx.QueryAsync<string>("SELECT DISTINCT sku FROM backorders");

    /// <summary>The SKUs that most units wait for.</summary>
    public static ValueTask<IReadOnlyList<BackorderedSku>> MostAsync(SqlSession session, int limit) => session.QueryAsync<BackorderedSku>(
        "SELECT sku, CAST(SUM(quantity) AS bigint) AS units FROM backorders GROUP BY sku ORDER BY 2 DESC, sku LIMIT @limit", new { limit });
}
