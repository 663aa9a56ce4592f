using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Finds new sites for units that a site could not deliver or gave back. Three times at most per order part; after that, or where nobody has
/// them, the units go on backorder and the timeline says why.
/// </summary>
internal static class Rerouting
{
    public const int MaxReroutes = 3;

    /// <summary>No order has so many parts.</summary>
    private const int PartGap = 100;

    /// <summary>
    /// The last number that a part could have before the hub was restored last. Parts made since are numbered behind it: what was told to sites after the backup may not be known here, and two parts of one number
    /// would be taken for one (decision 0029).
    /// </summary>
    public static async ValueTask<int> LastPartBeforeAsync(LaneTransaction tx) => (await tx.IncarnationAsync(Lane.HubAll) - 1) * PartGap;

    public static async ValueTask<int> LastPartAsync(LaneTransaction tx, List<PartRow> parts) => Math.Max(parts.Max(p => p.Part), await LastPartBeforeAsync(tx));

    /// <summary>Promises <paramref name="units"/> anew. Adds the new parts to the order; the caller saves it.</summary>
    /// <param name="from">The part that lost the units.</param>
    public static async ValueTask RouteAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, PartRow from, IReadOnlyList<SkuUnits> units, string cause,
        RoutingNow now, Caller caller, string? onlySite = null)
    {
        units = await LackingAsync(tx, order, parts, units);
        if (units.Count == 0) return;
        var allotments = await Allotments.LoadAsync(tx, [.. units.Select(u => u.Sku)]);
        var not = parts.Where(p => p.Site is not null && (p.Status == OrderStatus.Short || p == from))
            .Select(p => p.Site!).Distinct().Where(s => s != onlySite).ToDictionary(s => s, _ => "could not deliver it", StringComparer.Ordinal);
        var place = await tx.FindAsync<OrderRow>("SELECT id, latitude, longitude FROM orders WHERE id = @id", new { id = order.Id });
        var only = onlySite ?? (order.FulfillmentType == FulfillmentType.Pickup ? order.PickupSite : null);
        var exhausted = from.Reroutes >= MaxReroutes;
        var routing = exhausted
            ? new RoutingResult([], units, new RoutingDecision("backorder", $"re-routed {MaxReroutes} times already", []))
            : Router.Decide(new RoutingRequest(units, place?.Latitude, place?.Longitude, only, not, AllowPartial: true)
            {
                Match = only is null ? await RoutedOrders.MatchAsync(tx, now, order.Id) : null, Figures = now.Figures,
            }, now.Sites, allotments.For(order.Channel, units.Select(u => u.Sku)));
        var made = new List<PartRow>();
        var next = await LastPartAsync(tx, parts);
        foreach (var (site, lines) in routing.Parts)
        {
            foreach (var line in lines) allotments.Promise(order.Channel, line.Sku, site, line.Quantity);
            now.Figures.Add(site);
            made.Add(new PartRow
            {
                OrderId = order.Id, Part = ++next, Site = site, Status = OrderStatus.Allocated, Lines = [.. lines], Reroutes = from.Reroutes + 1, IsNew = true,
            });
        }
        if (routing.Unserved.Count > 0)
            made.Add(new PartRow { OrderId = order.Id, Part = ++next, Status = OrderStatus.Backorder, Lines = [.. routing.Unserved], Reroutes = from.Reroutes, IsNew = true });
        await allotments.WriteAsync(tx);
        await Backorders.AddAsync(tx, made.Where(p => p.Site is null));
        parts.AddRange(made);
        tx.Append(Lane.Hub, new OrderRerouted(order.Id, from.Part, cause, [.. made.Select(p => new PlacedPart(p.Part, p.Site, p.Lines))], routing.Decision),
            order.Id.ToString(), order.Id, caller);
        await AssignAsync(tx, order, made, caller);
    }

    /// <summary>
    /// How much of these units the order still lacks. As a rule all of it: but after a restore a site may report again what was made good before, by a part that
    /// another site has told of.
    /// </summary>
    private static async ValueTask<IReadOnlyList<SkuUnits>> LackingAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, IReadOnlyList<SkuUnits> units)
    {
        var balance = await BalanceAsync(tx, order, parts);
        return [.. units.Select(u => u with { Quantity = Math.Min(u.Quantity, balance.GetValueOrDefault(u.Sku)) }).Where(u => u.Quantity > 0)];
    }

    /// <summary>Units per SKU that the order wants beyond those of its live parts; below zero where they have more.</summary>
    public static async ValueTask<SortedDictionary<string, int>> BalanceAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts)
    {
        var ordered = JsonSerializer.Deserialize(await tx.FindAsync<string>("SELECT lines FROM orders WHERE id = @id", new { id = order.Id }) ?? "[]", ContractsJson.Default.ListPlacedLine) ?? [];
        var balance = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var line in ordered) balance[line.Sku] = balance.GetValueOrDefault(line.Sku) + line.Quantity;
        foreach (var line in parts.Where(p => p.Status is not (OrderStatus.Cancelled or OrderStatus.Short)).SelectMany(p => p.Lines))
            balance[line.Sku] = balance.GetValueOrDefault(line.Sku) - line.Quantity;
        return balance;
    }

    /// <summary>Units per SKU of which live parts have more than the order wants.</summary>
    public static async ValueTask<Dictionary<string, int>> SurplusAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts) =>
        (await BalanceAsync(tx, order, parts)).Where(b => b.Value < 0).ToDictionary(b => b.Key, b => -b.Value, StringComparer.Ordinal);

    /// <summary>Tells the sites of new parts.</summary>
    public static async ValueTask AssignAsync(LaneTransaction tx, OrderRow order, IReadOnlyList<PartRow> parts, Caller caller)
    {
        if (parts.All(p => p.Site is null)) return;
        // Loaded only here: re-routing is rare, and personal bytes need not travel with every status change.
        var whole = await tx.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @id", new { id = order.Id });
        foreach (var part in parts)
        {
            if (part.Site is null) continue;
            tx.Append(Lane.HubTo(part.Site), new PartAssigned(order.Id, part.Part, order.Number, order.Channel, order.ExternalId,
                SnakeCaseEnum<FulfillmentType>.Text(order.FulfillmentType), order.Priority, part.Lines, order.PersonId, whole?.Personal, whole?.Note, order.OnHold)
            {
                Order = whole is null ? null : new OrderFacts(whole.Currency, whole.TotalE4, JsonSerializer.Deserialize(whole.Lines, ContractsJson.Default.ListPlacedLine) ?? [], null,
                    whole.PickupSite, whole.PlacedAt),
            }, order.Id.ToString(), order.Id, caller);
        }
    }
}

/// <summary>Units of a SKU that accepted orders wait for.</summary>
internal sealed record BackorderedSku
{
    public string Sku { get; init; } = "";
    public long Units { get; init; }
}

/// <summary>Units that wait for stock. First come, first served: by age of the order.</summary>
internal static class Backorders
{
    public static async ValueTask AddAsync(LaneTransaction tx, IEnumerable<PartRow> parts)
    {
        var rows = parts.SelectMany(p => p.Lines.Select(l => (p.OrderId, p.Part, l.Sku, l.Quantity))).ToList();
        if (rows.Count == 0) return;
        await tx.InsertAsync("backorders", rows.Count, Column.From("sku", rows, r => r.Sku), Column.From("order_id", rows, r => r.OrderId),
            Column.From("part", rows, r => r.Part), Column.From("quantity", rows, r => r.Quantity));
    }

    public static ValueTask RemoveAsync(LaneTransaction tx, Guid orderId, int part) =>
        tx.WriteAsync("DELETE FROM backorders WHERE order_id = @orderId AND part = @part", new { orderId, part });

    /// <summary>The SKUs that units wait for.</summary>
    public static async ValueTask<IReadOnlyCollection<string>> SkusAsync(LaneTransaction tx) => await tx.QueryAsync<string>("SELECT DISTINCT sku FROM backorders");

    /// <summary>The SKUs that most units wait for.</summary>
    public static ValueTask<IReadOnlyList<BackorderedSku>> MostAsync(SqlSession session, int limit) => session.QueryAsync<BackorderedSku>(
        "SELECT sku, CAST(SUM(quantity) AS bigint) AS units FROM backorders GROUP BY sku ORDER BY 2 DESC, sku LIMIT @limit", new { limit });

    /// <summary>Parts that wait for any of these SKUs, oldest order first.</summary>
    public static async ValueTask<IReadOnlyList<(Guid OrderId, int Part)>> WaitingAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        string[] wanted = [.. skus];
        var waiting = new HashSet<(Guid, int)>();
        await tx.SelectAsync("SELECT order_id, part FROM backorders WHERE sku = k.sku", wanted.Length, [Column.Of("sku", wanted)],
            row => waiting.Add((row.GetGuid(0), row.GetInt32(1))));
        // UUIDv7 sorts by age; as text, because that is how both databases compare it.
        return [.. waiting.OrderBy(w => w.Item1.ToString(), StringComparer.Ordinal).ThenBy(w => w.Item2)];
    }

    /// <summary>
    /// New stock came: serves waiting parts that can now be had whole. A part that still lacks something waits on, and holds nothing back from
    /// younger ones.
    /// </summary>
    public static async ValueTask ServeAsync(LaneTransaction tx, IReadOnlyCollection<string> skus, RoutingNow now, Caller caller)
    {
        var waiting = await WaitingAsync(tx, skus);
        if (waiting.Count == 0) return;
        var orders = await OrderRows.LoadAsync(tx, [.. waiting.Select(w => w.OrderId).Distinct()]);
        foreach (var (orderId, number) in waiting)
        {
            if (!orders.TryGetValue(orderId, out var entry) || entry.Order.Cancelling) continue;
            var part = entry.Parts.Find(p => p.Part == number);
            if (part is null || part.Status != OrderStatus.Backorder) continue;
            var allotments = await Allotments.LoadAsync(tx, [.. part.Lines.Select(l => l.Sku)]);
            var place = await tx.FindAsync<OrderRow>("SELECT id, latitude, longitude FROM orders WHERE id = @orderId", new { orderId });
            var only = entry.Order.FulfillmentType == FulfillmentType.Pickup ? entry.Order.PickupSite : null;
            var routing = Router.Decide(new RoutingRequest(part.Lines, place?.Latitude, place?.Longitude, only, null, AllowPartial: false)
            {
                Match = only is null ? await RoutedOrders.MatchAsync(tx, now, orderId) : null, Figures = now.Figures,
            }, now.Sites, allotments.For(entry.Order.Channel, part.Lines.Select(l => l.Sku)));
            if (routing.Unserved.Count > 0) continue;
            foreach (var (site, _) in routing.Parts) now.Figures.Add(site);
            await PlaceAsync(tx, entry.Order, entry.Parts, part, routing, allotments, caller);
            await OrderRows.SaveAsync(tx, [entry], _ => caller);
            // Another part of the order may wait, too: it is saved with these, whose new parts are rows by now.
            orders[orderId] = (await OrderRows.LoadAsync(tx, [orderId]))[orderId];
        }
    }

    private static async ValueTask PlaceAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, PartRow part, RoutingResult routing, Allotments allotments, Caller caller)
    {
        await RemoveAsync(tx, order.Id, part.Part);
        var placed = new List<PartRow>();
        foreach (var (site, lines) in routing.Parts)
        {
            foreach (var line in lines) allotments.Promise(order.Channel, line.Sku, site, line.Quantity);
            if (placed.Count == 0)
            {
                (part.Site, part.Status, part.Lines, part.Changed) = (site, OrderStatus.Allocated, [.. lines], true);
                placed.Add(part);
                continue;
            }
            var more = new PartRow { OrderId = order.Id, Part = await Rerouting.LastPartAsync(tx, parts) + 1, Site = site, Status = OrderStatus.Allocated, Lines = [.. lines], Reroutes = part.Reroutes, IsNew = true };
            parts.Add(more);
            placed.Add(more);
        }
        await allotments.WriteAsync(tx);
        tx.Append(Lane.Hub, new OrderRerouted(order.Id, part.Part, "stock arrived", [.. placed.Select(p => new PlacedPart(p.Part, p.Site, p.Lines))], routing.Decision),
            order.Id.ToString(), order.Id, caller);
        await Rerouting.AssignAsync(tx, order, placed, caller);
    }
}
