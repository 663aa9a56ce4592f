using Stowline.Contracts;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What must hold between orders, their parts and the promises made for them.</summary>
internal static class OrderChecks
{
    public static IEnumerable<(string, Func<SqlSession, Task<string?>>)> All =>
    [
        ("order_keys", KeysAsync),
        ("order_status", StatusAsync),
        ("order_counts", OrderCounts.CheckAsync),
        ("open_promises", OpenPromisesAsync),
        ("pools", PoolParts.CheckAsync),
    ];

    private static async Task<string?> KeysAsync(SqlSession session) => await session.FindAsync<string>("""
        SELECT 'order ' || number || ' is not the one under its external id' FROM orders o
        WHERE NOT EXISTS (SELECT 1 FROM order_keys k WHERE k.channel = o.channel AND k.external_id = o.external_id AND k.order_id = o.id)
            AND NOT EXISTS (SELECT 1 FROM order_twins t WHERE t.order_id = o.id) LIMIT 1
        """);

    private sealed record PartState
    {
        public Guid OrderId { get; init; }
        public OrderStatus OrderState { get; init; }
        public bool Cancelling { get; init; }
        public OrderStatus Status { get; init; }
        public string? Site { get; init; }
        public string Lines { get; init; } = "";
    }

    private static async Task<string?> StatusAsync(SqlSession session)
    {
        Guid? current = null;
        var parts = new List<OrderStatus>();
        PartState? last = null;
        await foreach (var row in session.StreamAsync<PartState>("""
            SELECT o.id AS order_id, o.status AS order_state, o.cancelling, p.status, p.site, p.lines FROM orders o JOIN order_parts p ON p.order_id = o.id ORDER BY o.id
            """))
        {
            if (row.OrderId != current)
            {
                if (Wrong(last, parts) is { } wrong) return wrong;
                current = row.OrderId;
                parts.Clear();
            }
            parts.Add(row.Status);
            last = row;
        }
        return Wrong(last, parts);
    }

    private static string? Wrong(PartState? order, List<OrderStatus> parts)
    {
        if (order is null) return null;
        var derived = OrderLifecycle.Of(parts, order.Cancelling);
        return derived == order.OrderState ? null
            : $"order {order.OrderId} says {SnakeCaseEnum<OrderStatus>.Text(order.OrderState)}, its parts say {SnakeCaseEnum<OrderStatus>.Text(derived)}";
    }

    /// <summary>promised − released − consumed of each (site, SKU) must equal the units in parts that are still open there.</summary>
    private static async Task<string?> OpenPromisesAsync(SqlSession session)
    {
        var open = new Dictionary<(string, string), long>();
        await foreach (var part in session.StreamAsync<PartState>(
            "SELECT order_id, status, site, lines FROM order_parts WHERE site IS NOT NULL AND NOT made AND status IN (2, 3, 4, 5, 8)"))
        {
            foreach (var line in System.Text.Json.JsonSerializer.Deserialize(part.Lines, ContractsJson.Default.ListSkuUnits) ?? [])
                open[(part.Site!, line.Sku)] = open.GetValueOrDefault((part.Site!, line.Sku)) + line.Quantity;
        }
        await Transfers.TransferChecks.AddOpenAsync(session, open);
        return await Promising.PromiseChecks.CompareAsync(session, open);
    }
}
