using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>An order's row.</summary>
internal sealed record OrderRow
{
    public const string Columns = """
        id, number, channel, external_id, status, fulfillment_type, priority, currency, total_e4, lines, person_id, personal, latitude, longitude,
        pickup_site, note, on_hold, cancelling, placed_at, slot
        """;

    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Channel { get; init; } = "";
    public string ExternalId { get; init; } = "";
    public OrderStatus Status { get; set; }
    public FulfillmentType FulfillmentType { get; init; }
    public Priority Priority { get; init; }
    public string Currency { get; init; } = "";
    public long TotalE4 { get; init; }
    public string Lines { get; init; } = "[]";
    public Guid PersonId { get; init; }
    public byte[]? Personal { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    public string? PickupSite { get; init; }
    public string? Note { get; init; }
    public bool OnHold { get; init; }
    public bool Cancelling { get; set; }
    public DateTimeOffset PlacedAt { get; init; }
    public string? Slot { get; init; }

    public OrderView View(IEnumerable<PartRow> parts) => new()
    {
        Id = Id.ToString(), Number = Number, DisplayId = IdSource.DisplayId(Id), Status = Status, Channel = Channel, ExternalId = ExternalId,
        FulfillmentType = FulfillmentType, Priority = Priority, Total = Money.FromE4(TotalE4, Currency), PickupSite = PickupSite, OnHold = OnHold, Note = Note,
        Parts = [.. parts.OrderBy(p => p.Part).Select(p => new OrderPartView(p.Part, p.Site, p.Status, p.Lines))],
        PlacedAt = PlacedAt, Links = LinksOf(Id), Slot = Slot is null ? null : JsonSerializer.Deserialize(Slot, OrderingJson.Default.SlotView),
    };

    public static OrderLinks LinksOf(Guid id) => new($"/api/v1/orders/{id}", $"/api/v1/orders/{id}/timeline", $"/api/v1/orders/{id}/decision");

    /// <summary>The view with lines and, where the person was not erased, the personal details.</summary>
    public OrderView FullView(IEnumerable<PartRow> parts, byte[]? personKey)
    {
        var lines = JsonSerializer.Deserialize(Lines, ContractsJson.Default.ListPlacedLine) ?? [];
        var plain = Personal is null ? null : Log.Personal.Decrypt(personKey, Personal);
        var personal = plain is null ? null : JsonSerializer.Deserialize(plain, ContractsJson.Default.PersonalDetails);
        return View(parts) with
        {
            Lines = [.. lines.Select(l =>
            {
                var price = Money.FromE4(l.UnitPriceE4, Currency);
                return new OrderLineView(l.Sku, l.Quantity, price, Money.LineTotal(price, l.Quantity)) { Extras = l.Extras };
            })],
            Customer = personal?.Customer, ShipTo = personal?.ShipTo,
        };
    }
}

/// <summary>A part's row.</summary>
internal sealed class PartRow
{
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public string? Site { get; set; }
    public OrderStatus Status { get; set; }
    public List<SkuUnits> Lines { get; set; } = [];
    public int Reroutes { get; init; }
    /// <summary>Made to order: a ticket at its site, not units from stock.</summary>
    public bool Made { get; init; }
    public bool IsNew { get; init; }
    public bool Changed { get; set; }

    /// <summary>What the books have of it: the site and units that are promised for it. Null while it is new.</summary>
    public (string Site, List<SkuUnits> Lines)? Booked { get; set; }

    /// <summary>The site and units that are promised for it now; null where nothing is.</summary>
    public (string Site, List<SkuUnits> Lines)? Promised => !Made && Site is { } site && Status != OrderStatus.Backorder && OrderLifecycle.IsOpen(Status) ? (site, Lines) : null;

    /// <summary>The text of <see cref="Lines"/> where it was made before the writer's turn.</summary>
    public string? MadeJson { private get; init; }
    public string LinesJson => MadeJson ?? JsonSerializer.Serialize(Lines, ContractsJson.Default.ListSkuUnits);
}

/// <summary>Loads and saves orders with their parts, many at once.</summary>
internal static class OrderRows
{
    public static async ValueTask<Dictionary<Guid, (OrderRow Order, List<PartRow> Parts)>> LoadAsync(LaneTransaction tx, IReadOnlyCollection<Guid> ids)
    {
        Guid[] wanted = [.. ids];
        var orders = new Dictionary<Guid, (OrderRow, List<PartRow>)>(wanted.Length);
        // What deciding needs; lines and personal data stay on disk.
        await tx.SelectAsync("""
            SELECT id, number, status, fulfillment_type, priority, person_id, on_hold, cancelling, pickup_site, channel, external_id, currency, total_e4, placed_at
            FROM orders WHERE id = k.id
            """, wanted.Length, [Column.Of("id", wanted)], row => orders[row.GetGuid(0)] = (new OrderRow
            {
                Id = row.GetGuid(0), Number = row.GetInt64(1), Status = (OrderStatus)row.GetInt32(2), FulfillmentType = (FulfillmentType)row.GetInt32(3),
                Priority = (Priority)row.GetInt32(4), PersonId = row.GetGuid(5), OnHold = row.GetInt64(6) != 0, Cancelling = row.GetInt64(7) != 0,
                PickupSite = row.GetStringOrNull(8), Channel = row.GetString(9), ExternalId = row.GetString(10), Currency = row.GetString(11),
                TotalE4 = row.GetInt64(12), PlacedAt = row.GetTime(13),
            }, []));
        await tx.SelectAsync("SELECT order_id, part, site, status, lines, reroutes, made FROM order_parts WHERE order_id = k.id", wanted.Length,
            [Column.Of("id", wanted)], row =>
            {
                if (orders.TryGetValue(row.GetGuid(0), out var order)) order.Item2.Add(ReadPart(row));
            });
        return orders;
    }

    private static PartRow ReadPart(RowReader row)
    {
        var part = new PartRow
        {
            OrderId = row.GetGuid(0), Part = row.GetInt32(1), Site = row.GetStringOrNull(2), Status = (OrderStatus)row.GetInt32(3),
            Lines = JsonSerializer.Deserialize(row.GetString(4), ContractsJson.Default.ListSkuUnits) ?? [], Reroutes = row.GetInt32(5), Made = row.GetInt64(6) != 0,
        };
        part.Booked = part.Promised;
        return part;
    }

    /// <summary>One whole order for changing it, or null.</summary>
    public static async ValueTask<(OrderRow Order, List<PartRow> Parts)?> FindAsync(LaneTransaction tx, Guid id)
    {
        var row = await tx.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @id", new { id });
        if (row is null) return null;
        var parts = new List<PartRow>();
        await tx.SelectAsync("SELECT order_id, part, site, status, lines, reroutes, made FROM order_parts WHERE order_id = k.id", 1,
            [Column.Of("id", new[] { id })], r => parts.Add(ReadPart(r)));
        return (row, parts);
    }

    public static async Task<Dictionary<Guid, List<PartRow>>> PartsAsync(SqlSession session, Guid[] ids)
    {
        var parts = ids.ToDictionary(i => i, _ => new List<PartRow>());
        await session.SelectAsync("SELECT order_id, part, site, status, lines, reroutes, made FROM order_parts WHERE order_id = k.id", ids.Length,
            [Column.Of("id", ids)], row => parts[row.GetGuid(0)].Add(ReadPart(row)));
        return parts;
    }

    public static ValueTask InsertPartsAsync(LaneTransaction tx, IReadOnlyList<PartRow> parts) => tx.InsertAsync("order_parts", parts.Count,
        Column.From("order_id", parts, p => p.OrderId), Column.From("part", parts, p => p.Part), Column.From("site", parts, p => p.Site),
        Column.From("status", parts, p => (int)p.Status), Column.From("lines", parts, p => p.LinesJson), Column.From("reroutes", parts, p => p.Reroutes),
        Column.From("made", parts, p => p.Made));

    /// <summary>
    /// Writes changed and new parts, derives the status of each order from them and, where it changed, writes and records it.
    /// </summary>
    public static async ValueTask SaveAsync(LaneTransaction tx, IEnumerable<(OrderRow Order, List<PartRow> Parts)> orders, Func<Guid, Caller>? callerOf = null)
    {
        var all = orders.ToList();
        var changed = all.SelectMany(o => o.Parts).Where(p => p.Changed && !p.IsNew).ToList();
        var fresh = all.SelectMany(o => o.Parts).Where(p => p.IsNew).ToList();
        if (fresh.Count > 0) await InsertPartsAsync(tx, fresh);
        if (changed.Count > 0)
        {
            await tx.UpdateAsync("order_parts", "site = k.new_site, status = k.new_status, lines = k.new_lines", changed.Count,
                [Column.From("order_id", changed, p => p.OrderId), Column.From("part", changed, p => p.Part)],
                Column.From("new_site", changed, p => p.Site), Column.From("new_status", changed, p => (int)p.Status), Column.From("new_lines", changed, p => p.LinesJson));
        }
        await PoolParts.NoteAsync(tx, all.SelectMany(o => o.Parts.Where(p => p.Changed || p.IsNew).Select(p => (o.Order.Channel, p))));
        var moved = new List<OrderRow>();
        var moves = new List<(OrderStatus From, OrderStatus To)>();
        foreach (var (order, parts) in all)
        {
            var status = OrderLifecycle.Of(parts.Select(p => p.Status), order.Cancelling);
            if (status == order.Status) continue;
            tx.Append(Lane.Hub, new OrderStatusChanged(order.Id, SnakeCaseEnum<OrderStatus>.Text(order.Status), SnakeCaseEnum<OrderStatus>.Text(status)),
                order.Id.ToString(), order.Id, callerOf?.Invoke(order.Id));
            moves.Add((order.Status, status));
            order.Status = status;
            moved.Add(order);
        }
        if (moved.Count == 0) return;
        await OrderCounts.MoveAsync(tx, moves);
        await tx.UpdateAsync("orders", "status = k.new_status, cancelling = k.new_cancelling", moved.Count, [Column.From("id", moved, o => o.Id)],
            Column.From("new_status", moved, o => (int)o.Status), Column.From("new_cancelling", moved, o => o.Cancelling));
        foreach (var end in moved)
        {
            if (!OrderMetrics.IsEnd(end.Status)) continue;
            var (status, placed, now) = (end.Status, end.PlacedAt, tx.Now);
            tx.Measure<OrderMetrics>(m => m.Moved(status, placed, now));
        }
    }
}
