using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What is going on at a glance: how many orders stand where, and the newest of them.</summary>
public sealed record OrdersNow(IReadOnlyDictionary<string, long> Counts, IReadOnlyList<OrderView> Newest)
{
    private const int NewestCount = 20;

    public static async Task<OrdersNow> ReadAsync(SqlSession session)
    {
        var counts = await OrderCounts.ReadAsync(session);
        var rows = await session.QueryAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders o ORDER BY o.id DESC LIMIT @limit", new { limit = NewestCount });
        var parts = await OrderRows.PartsAsync(session, [.. rows.Select(r => r.Id)]);
        return new OrdersNow(counts.ToDictionary(c => SnakeCaseEnum<OrderStatus>.Text(c.Key), c => c.Value), [.. rows.Select(r => r.View(parts[r.Id]))]);
    }

    /// <summary>One order without customer and address: for readers who need not know whom it is for.</summary>
    public static async Task<OrderView?> WithoutPersonAsync(SqlSession session, Guid id)
    {
        var row = await session.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @id", new { id });
        if (row is null) return null;
        return row.FullView((await OrderRows.PartsAsync(session, [id]))[id], null) with { Customer = null, ShipTo = null };
    }
}
