using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What is going on at a glance: how many orders stand where, and the newest of them.</summary>
public sealed record OrdersNow(IReadOnlyDictionary<string, long> Counts, IReadOnlyList<OrderView> Newest)
{
    private const int NewestCount = 20;

    /// <param name="snapshot">A session on one snapshot: the counts and the orders are of one moment.</param>
    public static async Task<OrdersNow> ReadAsync(SqlSession snapshot, OrderCounts counts)
    {
        var rows = await snapshot.QueryAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders o ORDER BY o.id DESC LIMIT @limit", new { limit = NewestCount });
        var parts = await OrderRows.PartsAsync(snapshot, [.. rows.Select(r => r.Id)]);
        return new OrdersNow(await counts.ReadAsync(snapshot), [.. rows.Select(r => r.View(parts[r.Id]))]);
    }

    /// <summary>One order without customer and address: for readers who need not know whom it is for.</summary>
    public static async Task<OrderView?> WithoutPersonAsync(SqlSession session, Guid id)
    {
        var row = await session.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @id", new { id });
        if (row is null) return null;
        return row.FullView((await OrderRows.PartsAsync(session, [id]))[id], null) with { Customer = null, ShipTo = null };
    }
}
