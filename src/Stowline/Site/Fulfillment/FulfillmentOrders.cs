using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Where a part of an order stands at its site (W6). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<FulfillmentStatus>))]
public enum FulfillmentStatus
{
    Pending = 1, Allocated = 2, Picking = 3, Packing = 4, Ready = 5, Shipped = 6, Cancelled = 7,
    /// <summary>Nothing of the part could be delivered from here: it went back to the hub.</summary>
    Short = 8,
}

/// <summary>A part of an order as its site keeps it (W6). <see cref="Live"/> is what is still the order's here, in units per SKU.</summary>
public sealed record FulfillmentOrder
{
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public string Site { get; init; } = "";
    public long OrderNumber { get; init; }
    public string Channel { get; init; } = "";
    public string ExternalId { get; init; } = "";
    public string FulfillmentType { get; init; } = "";
    public Priority Priority { get; init; }
    public FulfillmentStatus Status { get; init; }
    public string Live { get; init; } = "[]";
    public Guid PersonId { get; init; }
    public byte[]? Personal { get; init; }
    public string? Note { get; init; }
    public bool OnHold { get; init; }

    public IReadOnlyList<SkuUnits> LiveUnits => FulfillmentOrders.ReadUnits(Live);

    /// <summary>True when nothing more will happen to the part here.</summary>
    public bool HasEnded => Status switch
    {
        FulfillmentStatus.Shipped or FulfillmentStatus.Cancelled or FulfillmentStatus.Short => true,
        FulfillmentStatus.Pending or FulfillmentStatus.Allocated or FulfillmentStatus.Picking or FulfillmentStatus.Packing or FulfillmentStatus.Ready => false,
    };
}

/// <summary>Reads and moves the rows of <c>fulfillment_orders</c>; the decisions are in the slices.</summary>
public static class FulfillmentOrders
{
    public static async ValueTask<FulfillmentOrder?> FindAsync(SqlSession session, Guid orderId, int part) => await session.FindAsync<FulfillmentOrder>("""
        SELECT order_id, part, site, order_number, channel, external_id, fulfillment_type, priority, status, live, person_id, personal, note, on_hold
        FROM fulfillment_orders WHERE order_id = @orderId AND part = @part
        """, new { orderId, part });

    /// <summary>The order with this number, if a part of it was ever given to this site.</summary>
    public static async ValueTask<Guid?> FindByNumberAsync(SqlSession session, string site, long number) => await session.FindAsync<Guid?>(
        "SELECT order_id FROM fulfillment_orders WHERE order_number = @number AND site = @site LIMIT 1", new { site, number });

    private sealed record Shipped { public Guid OrderId { get; init; } public string Live { get; init; } = "[]"; }

    /// <summary>What parts of transfers have shipped, by the transfer's id and SKU.</summary>
    internal static async Task<IReadOnlyDictionary<(string Transfer, string Sku), long>> TransfersShippedAsync(SqlSession session)
    {
        var rows = await session.QueryAsync<Shipped>("SELECT order_id, live FROM fulfillment_orders WHERE channel = @channel AND fulfillment_type = @channel AND status = @shipped",
            new { channel = "transfer", shipped = FulfillmentStatus.Shipped });
        return rows.SelectMany(r => ReadUnits(r.Live).Select(u => (r.OrderId, Unit: u))).ToDictionary(u => (u.OrderId.ToString(), u.Unit.Sku), u => (long)u.Unit.Quantity);
    }

    internal static ValueTask MoveAsync(LaneTransaction tx, Guid orderId, int part, FulfillmentStatus status) => tx.WriteAsync(
        "UPDATE fulfillment_orders SET status = @status WHERE order_id = @orderId AND part = @part", new { orderId, part, status });

    /// <summary>Ends the part: shipped, cancelled or short. What is left of it afterwards is nothing, unless it was shipped.</summary>
    internal static ValueTask EndAsync(LaneTransaction tx, Guid orderId, int part, FulfillmentStatus status, IReadOnlyList<SkuUnits> live) => tx.WriteAsync(
        "UPDATE fulfillment_orders SET status = @status, live = @live, ended_at = @now WHERE order_id = @orderId AND part = @part",
        new { orderId, part, status, live = WriteUnits(live), now = tx.Now });

    internal static ValueTask ReduceAsync(LaneTransaction tx, Guid orderId, int part, FulfillmentStatus status, IReadOnlyList<SkuUnits> live) => tx.WriteAsync(
        "UPDATE fulfillment_orders SET status = @status, live = @live WHERE order_id = @orderId AND part = @part",
        new { orderId, part, status, live = WriteUnits(live) });

    internal static string WriteUnits(IReadOnlyList<SkuUnits> units) => JsonSerializer.Serialize([.. units], ContractsJson.Default.ListSkuUnits);
    internal static IReadOnlyList<SkuUnits> ReadUnits(string json) => JsonSerializer.Deserialize(json, ContractsJson.Default.ListSkuUnits) ?? [];

    /// <summary>What is in <paramref name="all"/> and not in <paramref name="part"/>, per SKU.</summary>
    internal static IReadOnlyList<SkuUnits> Less(IEnumerable<SkuUnits> all, IEnumerable<SkuUnits> part)
    {
        var gone = part.GroupBy(u => u.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(u => u.Quantity), StringComparer.Ordinal);
        return [.. all.Select(u => u with { Quantity = u.Quantity - gone.GetValueOrDefault(u.Sku) }).Where(u => u.Quantity > 0)];
    }

    /// <summary>Lower-case and with hyphens, as the order's id is written everywhere: the subject of all events of an order.</summary>
    internal static string Subject(Guid orderId) => orderId.ToString();
}
