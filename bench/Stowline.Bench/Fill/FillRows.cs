using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Bench.Fill;

/// <summary>Spells an order's life out into the rows and events that the modules would have written, so that <c>verify</c> holds afterwards.</summary>
internal sealed class FillRows(IReadOnlyDictionary<string, FillLane> lanes, FillBooks books, FillTable events, FillTable groups, IdSource ids)
{
    private readonly Dictionary<Guid, byte[]> _people = [];
    private readonly FillTable _orders = new("orders", "id", "number", "channel", "external_id", "status", "fulfillment_type", "priority", "currency", "total_e4",
        "lines", "person_id", "personal", "on_hold", "cancelling", "placed_at");
    private readonly FillTable _keys = new("order_keys", "channel", "external_id", "order_id", "request_hash");
    private readonly FillTable _parts = new("order_parts", "order_id", "part", "site", "status", "lines", "reroutes");
    private readonly FillTable _backorders = new("backorders", "sku", "order_id", "part", "quantity");
    private readonly FillTable _persons = new("people", "person_id", "key", "created_at");
    private readonly FillTable _site = new("fulfillment_orders", "order_id", "part", "site", "order_number", "channel", "external_id", "fulfillment_type", "priority",
        "status", "lines", "live", "person_id", "personal", "on_hold", "created_at", "ended_at");
    private readonly FillTable _picking = new("picking_tasks", "id", "number", "site", "order_id", "part", "order_number", "status", "priority", "worker", "total_items",
        "picked_items", "on_hold", "created_at", "assigned_at", "started_at", "completed_at", "cancelled_at", "cancellation_reason");
    private readonly FillTable _items = new("picking_items", "task_id", "item", "sequence", "sku", "bin", "lot", "quantity_required", "quantity_picked", "status", "picked_at");
    private readonly FillTable _packing = new("packing_tasks", "id", "number", "site", "order_id", "part", "order_number", "picking_task_id", "status", "priority", "worker",
        "on_hold", "lines", "carrier", "tracking_number", "created_at", "started_at", "packed_at", "shipped_at");
    private readonly FillTable _packages = new("packages", "task_id", "sequence_number", "packaging_type", "weight_g", "length_mm", "width_mm", "height_mm",
        "volumetric_weight_g", "chargeable_weight_g", "barcode", "created_at");
    private readonly FillTable _shipments = new("shipments", "id", "number", "site", "order_id", "part", "packing_task_id", "carrier", "tracking_number", "status",
        "packages", "shipped_at");
    private readonly FillTable _movements = new("movements", "site", "number", "id", "kind", "sku", "lot", "from_bin", "to_bin", "quantity", "reference", "actor", "at");

    /// <summary>Takes what has gathered, with the lanes' heads: to be written in one transaction.</summary>
    public Func<SqlSession, Task<long>> Take()
    {
        foreach (var lane in lanes.Values) lane.EndGroup();
        FillTable[] tables = [_persons, _orders, _keys, _parts, _backorders, _site, _picking, _items, _packing, _packages, _shipments, _movements, events, groups];
        var writes = tables.Select(t => t.Take()).ToArray();
        var heads = lanes.Values.Select(l => l.Heads()).ToArray();
        return async session =>
        {
            var rows = 0L;
            foreach (var write in writes) rows += await write(session);
            foreach (var head in heads) await head(session);
            return rows;
        };
    }

    public void Add(FillOrder o)
    {
        var order = o.Order;
        if (!_people.TryGetValue(order.PersonId, out var key))
        {
            ids.Fill(key = new byte[32]);
            _people[order.PersonId] = key;
            _persons.Add(order.PersonId, key, o.At);
        }
        var personal = Personal.Encrypt(key, order.Personal, ids);
        var placed = order.Lines.Select(l => new PlacedLine(l.Sku, l.Quantity, l.UnitPrice!.Value.ToE4())).ToList();
        var total = placed.Sum(l => l.Quantity * l.UnitPriceE4) / 100 * 100;
        var units = JsonSerializer.Serialize([.. order.Needs], ContractsJson.Default.ListSkuUnits);
        _orders.Add(order.Id, o.Number, order.Channel, order.ExternalId, o.Status, order.FulfillmentType, order.Priority, "EUR", total,
            JsonSerializer.Serialize(placed, ContractsJson.Default.ListPlacedLine), order.PersonId, personal, false, false, o.At);
        _keys.Add(order.Channel, order.ExternalId, order.Id, order.RequestHash);
        _parts.Add(order.Id, 1, o.Site, o.Status, units, 0);
        var first = o.Site is null ? OrderStatus.Backorder : OrderStatus.Allocated;
        var decision = o.Site is null ? new RoutingDecision("backorder", "no site has it", [])
            : new RoutingDecision("most_stock", $"{o.Site} has most", [.. FillPlan.Sites.Select(s => new RoutingCandidate(s, 1e6, s == o.Site, s == o.Site ? null : "has less", null, 3))]);
        var hub = lanes["hub"];
        hub.Append(new OrderPlaced(order.Id, o.Number, order.Channel, order.ExternalId, "ship", order.Priority, "EUR", total, placed,
            [new PlacedPart(1, o.Site, order.Needs)], decision, order.PersonId, personal, null, null), ids.Next(), order.Id, o.At);
        if (o.Status != first)
            hub.Append(new OrderStatusChanged(order.Id, SnakeCaseEnum<OrderStatus>.Text(first), SnakeCaseEnum<OrderStatus>.Text(o.Status)), ids.Next(), order.Id, o.At.AddHours(5));
        if (o.Site is null)
        {
            foreach (var need in order.Needs) _backorders.Add(need.Sku, order.Id, 1, need.Quantity);
            return;
        }
        lanes["hub/" + o.Site].Append(new PartAssigned(order.Id, 1, o.Number, order.Channel, order.ExternalId, "ship", order.Priority, order.Needs, order.PersonId,
            personal, null, false), ids.Next(), order.Id, o.At);
        AtSite(o, personal, units);
    }

    private void AtSite(FillOrder o, byte[] personal, string units)
    {
        var (order, site, lane) = (o.Order, o.Site!, lanes["site/" + o.Site]);
        var cancelled = o.Status == OrderStatus.Cancelled;
        var shipped = o.Status is OrderStatus.Shipped or OrderStatus.Delivered;
        var picked = shipped || o.Status is OrderStatus.Packing or OrderStatus.Ready;
        books.Book(site, order.Needs, cancelled, picked, shipped);
        var ended = cancelled || shipped ? o.At.AddHours(5) : (DateTimeOffset?)null;
        _site.Add(order.Id, 1, site, o.Number, order.Channel, order.ExternalId, "ship", order.Priority, StatusAtSite(o.Status), units, cancelled ? "[]" : units,
            order.PersonId, personal, false, o.At, ended);

        var (task, number) = (ids.Next(), lane.Next("picking"));
        var status = cancelled ? PickingStatus.Cancelled : picked ? PickingStatus.Completed : o.Status == OrderStatus.Picking ? PickingStatus.InProgress : PickingStatus.Pending;
        var working = status is PickingStatus.Completed or PickingStatus.InProgress;
        var worker = working ? $"worker-{o.Number % 40}" : null;
        _picking.Add(task, number, site, order.Id, 1, o.Number, status, order.Priority, worker, order.Needs.Length, picked ? order.Needs.Length : 0, false, o.At,
            working ? o.At.AddHours(1) : null, working ? o.At.AddHours(2) : null, picked ? o.At.AddHours(3) : null, cancelled ? ended : null, cancelled ? "changed their mind" : null);
        for (var i = 0; i < order.Needs.Length; i++)
            _items.Add(task, i + 1, i + 1, order.Needs[i].Sku, StockBook.Receiving, "", order.Needs[i].Quantity, picked ? order.Needs[i].Quantity : 0,
                picked ? PickingItemStatus.Picked : PickingItemStatus.Pending, picked ? o.At.AddHours(3) : null);
        lane.Append(new PickingCreated(task, number, order.Id, 1, [.. order.Needs.Select((n, i) => new PickingItemPlanned(i + 1, n.Sku, StockBook.Receiving, null, n.Quantity))]),
            ids.Next(), order.Id, o.At);
        if (cancelled) lane.Append(new PartCancelled(order.Id, 1, "cancel", order.Needs, null, []), ids.Next(), order.Id, ended!.Value);
        if (!picked) return;
        Move(lane, site, MovementKind.Picking, order.Needs, StockBook.Receiving, StockBook.Staging, $"picking {number}", o.At.AddHours(3));
        lane.Append(new PickingCompleted(task, number, order.Id, 1, order.Needs.Sum(n => n.Quantity), 0), ids.Next(), order.Id, o.At.AddHours(3));
        Pack(o, lane, task, shipped);
    }

    private void Pack(FillOrder o, FillLane lane, Guid pickingTask, bool shipped)
    {
        var (order, site) = (o.Order, o.Site!);
        var (task, number) = (ids.Next(), lane.Next("packing"));
        var packed = shipped || o.Status == OrderStatus.Ready;
        var shipment = shipped ? lane.Next("shipment") : 0;
        var tracking = $"ST{shipment:D10}";
        StockUnits[] staged = [.. order.Needs.Select(n => new StockUnits(n.Sku, StockBook.Staging, null, n.Quantity))];
        _packing.Add(task, number, site, order.Id, 1, o.Number, pickingTask, shipped ? PackingStatus.Shipped : packed ? PackingStatus.Packed : PackingStatus.InProgress,
            order.Priority, $"packer-{o.Number % 20}", false, JsonSerializer.Serialize([.. staged], FulfillmentJson.Default.ListStockUnits),
            shipped ? "post" : null, shipped ? tracking : null, o.At.AddHours(3), o.At.AddHours(4), packed ? o.At.AddHours(4) : null, shipped ? o.At.AddHours(5) : null);
        if (!packed) return;
        var package = new Package(1, PackagingType.Box, 900, 300, 200, 100, 1_200, 1_200, $"PK{number:D11}-001", null, o.At.AddHours(4));
        _packages.Add(task, 1, package.PackagingType, package.WeightG, package.LengthMm, package.WidthMm, package.HeightMm, package.VolumetricWeightG,
            package.ChargeableWeightG, package.Barcode, package.CreatedAt);
        if (!shipped) return;
        var id = ids.Next();
        _shipments.Add(id, shipment, site, order.Id, 1, task, "post", tracking, ShipmentStatus.Shipped, JsonSerializer.Serialize([package], ShippingJson.Default.ListPackage), o.At.AddHours(5));
        var movements = Move(lane, site, MovementKind.Shipping, order.Needs, StockBook.Staging, null, $"shipment {shipment}", o.At.AddHours(5));
        lane.Append(new PartShipped(order.Id, 1, id, shipment, "post", tracking, order.Needs,
            [new ShippedPackage(1, "box", package.WeightG, package.LengthMm, package.WidthMm, package.HeightMm, package.Barcode)], movements, []), ids.Next(), order.Id, o.At.AddHours(5));
    }

    private MovementLine[] Move(FillLane lane, string site, MovementKind kind, SkuUnits[] units, string from, string? to, string reference, DateTimeOffset at)
    {
        MovementLine[] moved = [.. units.Select(u => new MovementLine(ids.Next(), lane.Next("movement"), kind, u.Sku, null, from, to, u.Quantity, null, reference))];
        foreach (var m in moved) _movements.Add(site, m.Number, m.Id, kind, m.Sku, "", m.FromBin, m.ToBin, (long)m.Quantity, reference, "fill", at);
        return moved;
    }

    private static FulfillmentStatus StatusAtSite(OrderStatus status) => status switch
    {
        OrderStatus.Allocated => FulfillmentStatus.Allocated,
        OrderStatus.Picking => FulfillmentStatus.Picking,
        OrderStatus.Packing => FulfillmentStatus.Packing,
        OrderStatus.Ready => FulfillmentStatus.Ready,
        OrderStatus.Shipped or OrderStatus.Delivered => FulfillmentStatus.Shipped,
        OrderStatus.Cancelled => FulfillmentStatus.Cancelled,
        OrderStatus.Backorder or OrderStatus.Cancelling or OrderStatus.Short => throw new InvalidOperationException($"no part at a site is {status} here"),
    };
}
