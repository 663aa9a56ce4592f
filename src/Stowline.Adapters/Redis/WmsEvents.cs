using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Adapters.Redis;

/// <summary>The numbers by which source 2's world knows warehouses, orders and products.</summary>
internal interface IOldNumbers
{
    int Warehouse { get; }
    long Order(Guid id);
    string Listing(string sku);
}

/// <summary>
/// A site's events as entries of <c>wms:events:*</c>: the streams, types and fields of source 2 §5.1 and §5.2, plus <c>timestamp</c> in Unix seconds (§5.3).
/// Nothing of a person is in them.
/// </summary>
internal static class WmsEvents
{
    private const string Picking = "wms:events:picking", Packing = "wms:events:packing", Shipment = "wms:events:shipment", Inventory = "wms:events:inventory";

    /// <summary>All streams that are written.</summary>
    public static IReadOnlyList<string> Streams { get; } = [Picking, Packing, Shipment, Inventory];

    private static readonly HashSet<string> Types =
    [
        PickingCreated.Type, PickingAssigned.Type, PickingCompleted.Type, PackingCreated.Type, PackingCompleted.Type, PartShipped.Type, PartCancelled.Type, PartShort.Type,
        StockMoved.Type, ReturnReceived.Type,
    ];

    public static bool Wants(string type) => Types.Contains(type);

    /// <summary>What has to be looked up before <see cref="Of"/>: the orders and the SKUs that the event is about.</summary>
    public static (IEnumerable<Guid> Orders, IEnumerable<string> Skus) About(EventRecord e) => e.Type switch
    {
        "picking.created" => ([e.Read<PickingCreated>().OrderId], e.Read<PickingCreated>().Items.Select(i => i.Sku)),
        "part.cancelled" => ([], e.Read<PartCancelled>().Lines.Select(l => l.Sku)),
        "part.short" => ([], e.Read<PartShort>().Lines.Select(l => l.Sku)),
        "stock.moved" => ([], e.Read<StockMoved>().Movements.Select(m => m.Sku)),
        "return.received" => ([], e.Read<ReturnReceived>().Movements.Select(m => m.Sku)),
        _ => (e.OrderId is { } order ? [order] : [], []),
    };

    public static IEnumerable<StreamEntry> Of(EventRecord e, IOldNumbers numbers) => e.Type switch
    {
        "picking.created" => Created(e, e.Read<PickingCreated>(), numbers),
        "picking.assigned" => [Assigned(e, e.Read<PickingAssigned>(), numbers)],
        "picking.completed" => [Task(Picking, "picking.completed", e, e.Read<PickingCompleted>().Number, numbers)],
        // Source 2 publishes it when the task comes to be (§2.1, §6.3), not when a worker begins.
        "packing.created" => [Task(Packing, "packing.started", e, e.Read<PackingCreated>().Number, numbers)],
        "packing.completed" => [Task(Packing, "packing.completed", e, e.Read<PackingCompleted>().Number, numbers)],
        "part.shipped" => [Shipped(e, e.Read<PartShipped>(), numbers)],
        // The customer's reason, where the order was cancelled; else why the units are needed elsewhere.
        "part.cancelled" => e.Read<PartCancelled>() is var part ? Released(e, part.Lines, part is { Cause: "cancel", Reason: { } given } ? given : part.Cause, numbers) : [],
        // What was not there to be reserved is not released either.
        "part.short" => e.Read<PartShort>() is { Reason: not PartShort.NotOnHand } part ? Released(e, part.Lines, part.Reason, numbers) : [],
        "stock.moved" => Moved(e, e.Read<StockMoved>().Movements, numbers),
        "return.received" => Moved(e, e.Read<ReturnReceived>().Movements, numbers),
        _ => [],
    };

    private static StreamEntry Entry(string stream, string type, EventRecord e, params (string, object)[] fields) =>
        new(stream, [("type", type), .. fields, ("timestamp", e.At.ToUnixTimeSeconds())]);

    private static StreamEntry Task(string stream, string type, EventRecord e, long task, IOldNumbers numbers) =>
        Entry(stream, type, e, ("task_id", task), ("order_id", numbers.Order(e.OrderId!.Value)));

    /// <summary>The units were reserved with the task; whoever counts reservations hears of them first, as source 2 §1.1 does it.</summary>
    private static IEnumerable<StreamEntry> Created(EventRecord e, PickingCreated t, IOldNumbers numbers)
    {
        foreach (var sku in t.Items.GroupBy(i => i.Sku, StringComparer.Ordinal))
            yield return Entry(Inventory, "inventory.reserved", e, ("listing_id", numbers.Listing(sku.Key)), ("warehouse_id", numbers.Warehouse), ("quantity", sku.Sum(i => i.Quantity)),
                ("order_id", numbers.Order(t.OrderId)));
        yield return Entry(Picking, "picking.created", e, ("task_id", t.Number), ("order_id", numbers.Order(t.OrderId)), ("warehouse_id", numbers.Warehouse));
    }

    private static StreamEntry Assigned(EventRecord e, PickingAssigned t, IOldNumbers numbers) =>
        Entry(Picking, "picking.assigned", e, ("task_id", t.Number), ("order_id", numbers.Order(t.OrderId)), ("worker_id", t.Worker));

    private static StreamEntry Shipped(EventRecord e, PartShipped s, IOldNumbers numbers) =>
        Entry(Shipment, "shipment.created", e, ("shipment_id", s.Number), ("order_id", numbers.Order(s.OrderId)), ("tracking_number", s.TrackingNumber));

    private static IEnumerable<StreamEntry> Released(EventRecord e, IReadOnlyList<SkuUnits> lines, string reason, IOldNumbers numbers) => lines.Select(l =>
        Entry(Inventory, "inventory.released", e, ("listing_id", numbers.Listing(l.Sku)), ("warehouse_id", numbers.Warehouse), ("quantity", l.Quantity), ("reason", reason)));

    /// <summary>Into a bin from nowhere is placed, from bin to bin moved. What leaves has no type of its own there.</summary>
    private static IEnumerable<StreamEntry> Moved(EventRecord e, IReadOnlyList<MovementLine> movements, IOldNumbers numbers)
    {
        foreach (var m in movements)
        {
            if (m.ToBin is not { } to) continue;
            var listing = numbers.Listing(m.Sku);
            yield return m.FromBin is { } from
                ? Entry(Inventory, "inventory.moved", e, ("listing_id", listing), ("warehouse_id", numbers.Warehouse), ("from_location", from), ("to_location", to))
                : Entry(Inventory, "inventory.placed", e, ("listing_id", listing), ("warehouse_id", numbers.Warehouse), ("quantity", m.Quantity), ("location", to));
        }
    }
}
