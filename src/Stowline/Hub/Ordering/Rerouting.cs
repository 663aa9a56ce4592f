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
        var place = (await RoutedOrders.LoadAsync(tx, now, [order.Id]))[order.Id];
        var only = onlySite ?? (order.FulfillmentType == FulfillmentType.Pickup ? order.PickupSite : null);
        var exhausted = from.Reroutes >= MaxReroutes;
        var routing = exhausted
            ? new RoutingResult([], units, new RoutingDecision("backorder", $"re-routed {MaxReroutes} times already", []))
            : Router.Decide(new RoutingRequest(units, place.Latitude, place.Longitude, only, not, AllowPartial: true)
            {
                Match = only is null ? place.Match : null, Figures = now.Figures,
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
        foreach (var line in ordered)
        {
            balance[line.Sku] = balance.GetValueOrDefault(line.Sku) + line.Quantity;
            foreach (var extra in line.Extras ?? []) balance[extra.Sku] = balance.GetValueOrDefault(extra.Sku) + (int)Math.Min(Limits.MaxQuantity, (long)extra.Quantity * line.Quantity);
        }
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
