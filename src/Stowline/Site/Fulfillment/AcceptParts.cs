using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Takes a run of assigned parts (W6, F2): a fulfillment order and one picking task each, with bins chosen FEFO or FIFO (F3). The hot path of a site, so the
/// whole run is a handful of statements: one read for repeats, one allocation, three inserts, one settlement.
/// </summary>
internal static class AcceptParts
{
    /// <summary>A part with what could be reserved for it.</summary>
    private sealed record Accepted(EventRecord Event, PartAssigned Part, Caller Caller)
    {
        public Guid TaskId { get; init; }
        public long Number { get; set; }
        public List<Allocation> Found { get; } = [];
        public List<PickingItemRow> Items { get; } = [];
        public IReadOnlyList<SkuUnits> Live => Sum(Found);
        public IReadOnlyList<SkuUnits> Missing => FulfillmentOrders.Less(Part.Lines, Live);
        public bool Empty => Found.Count == 0;
    }

    public static async ValueTask RunAsync(LaneTransaction tx, string site, IReadOnlyList<EventRecord> events)
    {
        var parts = await FreshAsync(tx, events);
        if (parts.Count == 0) return;
        await AllocateAsync(tx, site, parts);
        var picked = parts.FindAll(p => !p.Empty);
        var number = picked.Count == 0 ? 0 : await tx.NextNumbersAsync("picking", Lane.Site(site), picked.Count);
        foreach (var part in picked)
        {
            part.Number = number++;
            PlanItems(part);
        }
        await InsertOrdersAsync(tx, site, parts);
        await InsertTasksAsync(tx, site, picked);
        await PickingTasks.InsertItemsAsync(tx, [.. picked.SelectMany(p => p.Items)]);
        var balances = await StockBook.SettleChangedAsync(tx, site, [.. parts.SelectMany(p => p.Part.Lines).Select(l => l.Sku).Distinct(StringComparer.Ordinal)],
            parts.SelectMany(p => p.Missing).Select(m => m.Sku).ToHashSet(StringComparer.Ordinal));
        Append(tx, site, parts, picked, balances);
    }

    /// <summary>Leaves out what is here already: the same part twice, in the run or from before, changes nothing (F10).</summary>
    private static async ValueTask<List<Accepted>> FreshAsync(LaneTransaction tx, IReadOnlyList<EventRecord> events)
    {
        var known = new HashSet<(Guid, int)>();
        var read = events.Select(e => (Event: e, Part: e.Read<PartAssigned>())).ToList();
        await tx.SelectAsync("SELECT f.order_id, f.part FROM fulfillment_orders f WHERE f.order_id = k.order_id AND f.part = k.part", read.Count,
            [Column.From("order_id", read, r => r.Part.OrderId), Column.From("part", read, r => r.Part.Part)],
            row => known.Add((row.GetGuid(0), row.GetInt32(1))));
        var fresh = new List<Accepted>(read.Count);
        foreach (var (e, part) in read)
            if (known.Add((part.OrderId, part.Part))) fresh.Add(new Accepted(e, part, new Caller(e.Actor, e.Trace)) { TaskId = tx.NewId() });
        return fresh;
    }

    private static async ValueTask AllocateAsync(LaneTransaction tx, string site, List<Accepted> parts)
    {
        var requests = new List<StockRequest>();
        var owners = new List<Accepted>();
        foreach (var part in parts)
        {
            foreach (var line in part.Part.Lines)
            {
                requests.Add(new StockRequest(requests.Count, line.Sku, line.Quantity));
                owners.Add(part);
            }
        }
        foreach (var allocation in await StockBook.AllocateAsync(tx, site, requests)) owners[allocation.Request].Found.Add(allocation);
    }

    private static void PlanItems(Accepted part)
    {
        foreach (var a in PickPath.InWalkingOrder(part.Found))
        {
            var item = part.Items.Count + 1;
            part.Items.Add(new PickingItemRow
            {
                TaskId = part.TaskId, Item = item, Sequence = item, Sku = a.Sku, Bin = a.Bin, Lot = a.Lot ?? "", QuantityRequired = a.Quantity,
                Status = PickingItemStatus.Pending,
            });
        }
    }

    private static async ValueTask InsertOrdersAsync(LaneTransaction tx, string site, List<Accepted> parts)
    {
        var n = parts.Count;
        await tx.InsertAsync("fulfillment_orders", n,
            Column.From("order_id", parts, p => p.Part.OrderId), Column.From("part", parts, p => p.Part.Part), Column.Same("site", n, site),
            Column.From("order_number", parts, p => p.Part.OrderNumber), Column.From("channel", parts, p => p.Part.Channel),
            Column.From("external_id", parts, p => p.Part.ExternalId), Column.From("fulfillment_type", parts, p => p.Part.FulfillmentType),
            Column.From("priority", parts, p => (int)p.Part.Priority),
            Column.From("status", parts, p => (int)(p.Empty ? FulfillmentStatus.Short : FulfillmentStatus.Allocated)),
            Column.From("lines", parts, p => FulfillmentOrders.WriteUnits(p.Part.Lines)), Column.From("live", parts, p => FulfillmentOrders.WriteUnits(p.Live)),
            Column.From("person_id", parts, p => p.Part.PersonId), Column.From("personal", parts, p => p.Part.Personal), Column.From("note", parts, p => p.Part.Note),
            Column.From("on_hold", parts, p => p.Part.OnHold), Column.Same("created_at", n, tx.Now),
            Column.From("ended_at", parts, p => p.Empty ? tx.Now : (DateTimeOffset?)null));
    }

    private static async ValueTask InsertTasksAsync(LaneTransaction tx, string site, List<Accepted> picked)
    {
        var n = picked.Count;
        await tx.InsertAsync("picking_tasks", n,
            Column.From("id", picked, p => p.TaskId), Column.From("number", picked, p => p.Number), Column.Same("site", n, site),
            Column.From("order_id", picked, p => p.Part.OrderId), Column.From("part", picked, p => p.Part.Part),
            Column.From("order_number", picked, p => p.Part.OrderNumber), Column.Same("status", n, (int)PickingStatus.Pending),
            Column.From("priority", picked, p => (int)p.Part.Priority), Column.From("total_items", picked, p => p.Items.Count), Column.Same("picked_items", n, 0),
            Column.From("on_hold", picked, p => p.Part.OnHold), Column.Same("created_at", n, tx.Now));
    }

    /// <summary>
    /// Reserving changes no grant, so as a rule there are no balances to tell and the hub need not look at what happens here. Where there are,
    /// they stand ahead of every part.short: the hub must never release a promise before it has heard what stands behind it.
    /// </summary>
    private static void Append(LaneTransaction tx, string site, List<Accepted> parts, List<Accepted> picked, IReadOnlyList<Balance> balances)
    {
        var lane = Lane.Site(site);
        if (balances.Count > 0) tx.Append(lane, new StockRebalanced("parts assigned", balances), $"stock/{site}");
        foreach (var p in picked)
        {
            tx.Append(lane, new PickingCreated(p.TaskId, p.Number, p.Part.OrderId, p.Part.Part, [.. p.Items.Select(i => i.Planned)], p.Part.OrderNumber, p.Part.Priority),
                FulfillmentOrders.Subject(p.Part.OrderId), p.Part.OrderId, p.Caller);
        }
        foreach (var p in parts)
        {
            if (p.Missing.Count == 0) continue;
            tx.Append(lane, new PartShort(p.Part.OrderId, p.Part.Part, p.Missing, p.Empty, PartShort.NotOnHand, []),
                FulfillmentOrders.Subject(p.Part.OrderId), p.Part.OrderId, p.Caller);
        }
    }

    private static List<SkuUnits> Sum(IEnumerable<Allocation> found) =>
        [.. found.GroupBy(a => a.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, g.Sum(a => a.Quantity)))];
}
