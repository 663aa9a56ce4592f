using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// New stock came: serves waiting parts that can now be had whole, the oldest order first. A part that still lacks something waits on, and holds nothing back from younger ones.
/// Very many may wait for a SKU of which one unit came, and nobody places an order while this runs. So the waiting parts are read page by page and judged by what is free in memory; only
/// orders that can be served are loaded, and where nothing is free any more nobody is looked at.
/// </summary>
internal sealed class ServeBackorders
{
    /// <summary>Waiting parts that are read at once, over all SKUs; at least <see cref="LeastRows"/> of each.</summary>
    private const int PageRows = 500;
    private const int LeastRows = 20;

    /// <summary>Orders that are loaded at once.</summary>
    private const int MostTogether = 200;

    private readonly LaneTransaction _tx;
    private readonly RoutingNow _now;
    private readonly Caller _caller;
    private readonly List<Queue> _queues;
    private Allotments _allotments = new();

    private ServeBackorders(LaneTransaction tx, IReadOnlyCollection<string> skus, RoutingNow now, Caller caller)
    {
        (_tx, _now, _caller) = (tx, now, caller);
        _queues = [.. skus.Select(s => new Queue(s))];
    }

    /// <param name="skus">Of which something may be free now; each once.</param>
    public static ValueTask RunAsync(LaneTransaction tx, IReadOnlyCollection<string> skus, RoutingNow now, Caller caller) => new ServeBackorders(tx, skus, now, caller).RunAsync();

    /// <summary>A part that waits. Parts are served by <see cref="Key"/>: UUIDv7 sorts by age, and both databases compare it as text.</summary>
    /// <param name="Only">The one site that may serve it (pickup), or null.</param>
    private sealed record Waiting(Guid OrderId, int Part, string Channel, string? Only, List<SkuUnits> Lines)
    {
        public (string Age, int Part) Key { get; } = (OrderId.ToString(), Part);
    }

    /// <summary>The parts that wait for one SKU, as far as they are read.</summary>
    private sealed class Queue(string sku)
    {
        public string Sku => sku;
        public List<Waiting> Rows { get; } = [];

        /// <summary>How far it was read.</summary>
        public (Guid Order, int Part) Last { get; set; }

        /// <summary>Whether more may wait behind <see cref="Last"/>.</summary>
        public bool HasMore { get; set; } = true;

        /// <summary>Units that are free of the SKU: who waits for more is not even read.</summary>
        public long Free { get; set; } = long.MaxValue;
    }

    private async ValueTask RunAsync()
    {
        while (_queues.Count > 0)
        {
            await ReadAsync([.. _queues.Where(q => q.Rows.Count == 0)]);
            var page = TakePage();
            if (page.Count == 0) return;
            _allotments = await Allotments.LoadAsync(_tx, [.. page.SelectMany(w => w.Lines).Select(l => l.Sku).Concat(_queues.Select(q => q.Sku)).Distinct(StringComparer.Ordinal)]);
            await ServeAsync(page);
            await _allotments.WriteAsync(_tx);
            foreach (var queue in _queues) queue.Free = FreeOf(_allotments, queue.Sku, null);
            _queues.RemoveAll(q => q.Free == 0 || q is { Rows.Count: 0, HasMore: false });
        }
    }

    private async ValueTask ReadAsync(List<Queue> queues)
    {
        queues.RemoveAll(q => !q.HasMore);
        if (queues.Count == 0) return;
        var most = Math.Max(LeastRows, PageRows / queues.Count);
        var bySku = queues.ToDictionary(q => q.Sku, StringComparer.Ordinal);
        await _tx.SelectAsync($"""
            SELECT b.sku, b.order_id, b.part, o.channel, CASE WHEN o.fulfillment_type = {(int)FulfillmentType.Pickup} THEN o.pickup_site END AS only_site, p.lines
            FROM backorders b JOIN order_parts p ON p.order_id = b.order_id AND p.part = b.part JOIN orders o ON o.id = b.order_id
            WHERE b.sku = k.sku AND (b.order_id, b.part) > (k.last_order, k.last_part) AND b.quantity <= k.free AND p.status = {(int)OrderStatus.Backorder} AND NOT o.cancelling
            ORDER BY b.order_id, b.part LIMIT {most}
            """, queues.Count,
            [Column.From("sku", queues, q => q.Sku), Column.From("last_order", queues, q => q.Last.Order), Column.From("last_part", queues, q => q.Last.Part), Column.From("free", queues, q => q.Free)],
            row => bySku[row.GetString(0)].Rows.Add(new Waiting(row.GetGuid(1), row.GetInt32(2), row.GetString(3), row.GetStringOrNull(4),
                JsonSerializer.Deserialize(row.GetString(5), ContractsJson.Default.ListSkuUnits) ?? [])));
        foreach (var queue in queues)
        {
            queue.HasMore = queue.Rows.Count == most;
            if (queue.Rows.Count > 0) queue.Last = (queue.Rows[^1].OrderId, queue.Rows[^1].Part);
        }
    }

    /// <summary>Takes from the queues what is known to come next, each part once: nothing that is not read yet is older.</summary>
    private List<Waiting> TakePage()
    {
        var open = _queues.Where(q => q.HasMore).Select(q => q.Rows[^1].Key).ToList();
        (string, int)? until = open.Count > 0 ? open.Aggregate((a, b) => Compare(a, b) <= 0 ? a : b) : null;
        var page = new Dictionary<(string, int), Waiting>();
        foreach (var queue in _queues)
        {
            var taken = until is { } last ? queue.Rows.FindIndex(w => Compare(w.Key, last) > 0) : -1;
            if (taken < 0) taken = queue.Rows.Count;
            foreach (var waiting in queue.Rows.Take(taken)) page[waiting.Key] = waiting;
            queue.Rows.RemoveRange(0, taken);
        }
        var sorted = page.Values.ToList();
        sorted.Sort((a, b) => Compare(a.Key, b.Key));
        return sorted;
    }

    private static int Compare((string Age, int Part) a, (string Age, int Part) b)
    {
        var age = string.CompareOrdinal(a.Age, b.Age);
        return age != 0 ? age : a.Part.CompareTo(b.Part);
    }

    private async ValueTask ServeAsync(List<Waiting> page)
    {
        for (var next = 0; next < page.Count;)
        {
            var chosen = new List<Waiting>();
            // Without rules whoever can be served will be, so no more are loaded than there are units. A rule may refuse any of them.
            var left = _now.Rules.IsEmpty ? _queues.Sum(q => FreeOf(_allotments, q.Sku, null)) : long.MaxValue;
            for (; next < page.Count && left > 0 && chosen.Count < MostTogether; next++)
            {
                if (!IsThere(page[next])) continue;
                chosen.Add(page[next]);
                left -= page[next].Lines.Sum(l => (long)l.Quantity);
            }
            if (chosen.Count == 0) return;
            Guid[] ids = [.. chosen.Select(w => w.OrderId).Distinct()];
            var orders = await OrderRows.LoadAsync(_tx, ids);
            var places = await RoutedOrders.LoadAsync(_tx, _now, ids);
            foreach (var waiting in chosen)
                if (IsThere(waiting)) await RouteAsync(waiting, orders, places[waiting.OrderId]);
        }
    }

    /// <summary>Whether a part can be had whole, as far as no rule forbids it.</summary>
    private bool IsThere(Waiting part)
    {
        var mine = _allotments.For(part.Channel, part.Lines.Select(l => l.Sku));
        return part.Lines.TrueForAll(l => FreeOf(mine, l.Sku, part.Only) >= l.Quantity);
    }

    /// <summary>Units that are free at sites that may be promised from.</summary>
    private long FreeOf(Allotments allotments, string sku, string? only)
    {
        var free = 0L;
        foreach (var at in allotments.Of(sku))
            if ((only is null || only == at.Site) && _now.Sites.TryGetValue(at.Site, out var site) && site.Active) free += Math.Max(0, at.Free);
        return free;
    }

    private async ValueTask RouteAsync(Waiting waiting, Dictionary<Guid, (OrderRow Order, List<PartRow> Parts)> orders, RoutedPlace place)
    {
        var (order, parts) = orders[waiting.OrderId];
        var part = parts.Find(p => p.Part == waiting.Part)!;
        var routing = Router.Decide(new RoutingRequest(part.Lines, place.Latitude, place.Longitude, waiting.Only, null, AllowPartial: false)
        {
            Match = waiting.Only is null ? place.Match : null, Figures = _now.Figures,
        }, _now.Sites, _allotments.For(order.Channel, part.Lines.Select(l => l.Sku)));
        if (routing.Unserved.Count > 0) return;
        foreach (var (site, _) in routing.Parts) _now.Figures.Add(site);
        await PlaceAsync(order, parts, part, routing);
        await OrderRows.SaveAsync(_tx, [(order, parts)], _ => _caller);
        // Another part of the order may wait, too: it is saved with these, whose new parts are rows by now.
        orders[order.Id] = (await OrderRows.LoadAsync(_tx, [order.Id]))[order.Id];
    }

    private async ValueTask PlaceAsync(OrderRow order, List<PartRow> parts, PartRow part, RoutingResult routing)
    {
        await Backorders.RemoveAsync(_tx, order.Id, part.Part);
        var placed = new List<PartRow>();
        foreach (var (site, lines) in routing.Parts)
        {
            foreach (var line in lines) _allotments.Promise(order.Channel, line.Sku, site, line.Quantity);
            if (placed.Count == 0)
            {
                (part.Site, part.Status, part.Lines, part.Changed) = (site, OrderStatus.Allocated, [.. lines], true);
                placed.Add(part);
                continue;
            }
            var more = new PartRow
            {
                OrderId = order.Id, Part = await Rerouting.LastPartAsync(_tx, parts) + 1, Site = site, Status = OrderStatus.Allocated, Lines = [.. lines], Reroutes = part.Reroutes, IsNew = true,
            };
            parts.Add(more);
            placed.Add(more);
        }
        _tx.Append(Lane.Hub, new OrderRerouted(order.Id, part.Part, "stock arrived", [.. placed.Select(p => new PlacedPart(p.Part, p.Site, p.Lines))], routing.Decision),
            order.Id.ToString(), order.Id, _caller);
        await Rerouting.AssignAsync(_tx, order, placed, _caller);
    }
}
