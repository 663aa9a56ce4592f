using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// How many orders stand where, without counting them: a number per status, moved in the transaction that moves the orders. Only the hub's
/// writers touch it, one at a time by the lock of their scope, and a whole group of accepted orders costs one statement.
/// See decision 0011.
/// </summary>
public static class OrderCounts
{
    private sealed record Row
    {
        public int Status { get; init; }
        public long Orders { get; init; }
    }

    /// <summary>Orders per status, of all orders there are. A status without orders is missing.</summary>
    public static async Task<IReadOnlyDictionary<OrderStatus, long>> ReadAsync(SqlSession session)
    {
        var rows = await session.QueryAsync<Row>("SELECT status, orders FROM order_counts WHERE orders <> 0 ORDER BY status");
        return rows.ToDictionary(r => (OrderStatus)r.Status, r => r.Orders);
    }

    /// <summary>Notes orders that came to be in these states.</summary>
    internal static ValueTask AddAsync(LaneTransaction tx, IEnumerable<OrderStatus> placed) => AddAsync(tx, placed.Select(s => (s, 1L)));

    /// <summary>Notes orders that went from one state to another.</summary>
    internal static ValueTask MoveAsync(LaneTransaction tx, IEnumerable<(OrderStatus From, OrderStatus To)> moved) =>
        AddAsync(tx, moved.SelectMany(m => new[] { (m.From, -1L), (m.To, 1L) }));

    /// <summary>Notes orders that are orders of the archive from now on.</summary>
    internal static ValueTask RemoveAsync(LaneTransaction tx, IEnumerable<OrderStatus> archived) => AddAsync(tx, archived.Select(s => (s, -1L)));

    private static async ValueTask AddAsync(LaneTransaction tx, IEnumerable<(OrderStatus Status, long By)> changes)
    {
        // In order of status: two processes never wait for each other's rows crosswise, even if the scope's lock should one day be finer.
        var rows = changes.GroupBy(c => c.Status).Select(g => (Status: (int)g.Key, By: g.Sum(c => c.By))).Where(r => r.By != 0).OrderBy(r => r.Status).ToList();
        if (rows.Count == 0) return;
        await tx.UpsertAsync("order_counts", "status", "orders = order_counts.orders + excluded.orders", rows.Count,
            Column.From("status", rows, r => r.Status), Column.From("orders", rows, r => r.By));
    }

    /// <summary>For <c>verify</c>: what the numbers say against what is there.</summary>
    internal static async Task<string?> CheckAsync(SqlSession session)
    {
        var kept = await ReadAsync(session);
        var counted = (await session.QueryAsync<Row>("SELECT status, COUNT(*) AS orders FROM orders GROUP BY status")).ToDictionary(r => (OrderStatus)r.Status, r => r.Orders);
        foreach (var status in kept.Keys.Union(counted.Keys).Order())
        {
            var (says, are) = (kept.GetValueOrDefault(status), counted.GetValueOrDefault(status));
            if (says != are) return $"{says} orders are noted as {SnakeCaseEnum<OrderStatus>.Text(status)}, there are {are}";
        }
        return null;
    }
}
