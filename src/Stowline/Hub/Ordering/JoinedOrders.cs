using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Orders about which a site comes with an older history, after the hub went on without it (decision 0029): parts that it was given and the hub does not know of. They are brought into the books as after a restore. Then what
/// an order has too much, because its units have been promised elsewhere meanwhile, is asked back, on the sites' word as ever.
/// </summary>
internal static class JoinedOrders
{
    /// <summary>Why a part is asked back that was given to a site in one of two histories.</summary>
    public const string Cause = "surplus";

    private sealed record Holder { public string? Site { get; init; } }

    /// <summary>A part that is at another site by this history cannot be taken from the other one: what either site says of it would be taken for both.</summary>
    public static async ValueTask<string?> FindClashAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site) && e.Type == PartAssigned.Type))
        {
            var told = e.Read<PartAssigned>();
            var known = await tx.FindAsync<Holder>("SELECT site FROM order_parts WHERE order_id = @order AND part = @part", new { order = told.OrderId, part = told.Part });
            if (known?.Site is { } other && other != site) return $"part {told.Part} of order {told.OrderNumber} is at {other} by the one history and at {site} by the other";
        }
        return null;
    }

    /// <summary>Brings parts, holds and cancellations of the other history into the books, and notes their orders: what follows is decided when it is known, too, what the site has done since.</summary>
    public static async ValueTask RunAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        Guid[] orders = [.. events.Where(e => e.Lane == Lane.HubTo(site) && OrderRecovery.Recovers(e.Type) && e.OrderId is not null).Select(e => e.OrderId!.Value).Distinct()];
        if (orders.Length == 0) return;
        // What the hub has said since it went on is newer than any of this.
        var held = await LaneReader.LastOfTypeAsync(tx.Group.Session, orders, OrderHeld.Type);
        var released = await LaneReader.LastOfTypeAsync(tx.Group.Session, orders, OrderReleased.Type);
        foreach (var order in held.Keys.Union(released.Keys))
        {
            var at = new[] { held.GetValueOrDefault(order), released.GetValueOrDefault(order) }.Max();
            await RecoveredOrders.NoteAsync(tx, order);
            await tx.WriteAsync("UPDATE recovered_orders SET held_at = @at WHERE order_id = @order AND (held_at IS NULL OR held_at < @at)", new { order, at });
        }
        var urgent = await LaneReader.LastOfTypeAsync(tx.Group.Session, orders, OrderPriorityChanged.Type);
        await OrderRecovery.RunAsync(site, [.. events.Where(e => e.Type != PartPriorityChanged.Type || e.OrderId is not { } order || urgent.GetValueOrDefault(order) < e.At)], tx);
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site) && e.Type == PartAssigned.Type && e.Read<PartAssigned>().Transfer is null))
            await RecoveredOrders.NoteAsync(tx, e.Read<PartAssigned>().OrderId);
    }

    private sealed record Twin { public Guid OtherId { get; init; } }

    /// <summary>The order that was placed under the same external id while this one was not known here; null as a rule.</summary>
    public static async ValueTask<Guid?> TwinOfAsync(LaneTransaction tx, Guid order) =>
        (await tx.FindAsync<Twin>("SELECT other_id FROM order_twins WHERE order_id = @order", new { order }))?.OtherId;

    /// <summary>An order came back whose external id is another order's by now.</summary>
    public static ValueTask NoteTwinAsync(LaneTransaction tx, OrderRow order) => tx.WriteAsync("""
        INSERT INTO order_twins (order_id, other_id) SELECT @Id, order_id FROM order_keys WHERE channel = @Channel AND external_id = @ExternalId AND order_id <> @Id
        ON CONFLICT (order_id) DO NOTHING
        """, new { order.Id, order.Channel, order.ExternalId });

    /// <summary>
    /// Two orders for one wish: the one that came back is asked back whole. The caller saves it. Its sites may come back one after the other, each with its part: then it is cancelling already, and
    /// those parts are asked for that nobody was asked for yet.
    /// </summary>
    public static async ValueTask AskTwinBackAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, Guid other)
    {
        order.Cancelling = true;
        await tx.WriteAsync("UPDATE orders SET cancelling = @yes WHERE id = @id", new { yes = true, id = order.Id });
        var open = parts.FindAll(p => p is { Site: not null, Made: false } && OrderLifecycle.IsOpen(p.Status) && p.Status != OrderStatus.Cancelling);
        if (open.Count > 0) Tell(tx, order, Sum(open), left: false, other);
        if (Gone(parts) is { Count: > 0 } gone) Tell(tx, order, gone, left: true, other);
        foreach (var part in open)
        {
            (part.Status, part.Changed) = (OrderStatus.Cancelling, true);
            Ask(tx, part, "the same order was placed again while the site was not heard");
        }
    }

    /// <summary>Asks for parts back that have units which are too many. What the order lacks by that is promised anew when they answer; what has left twice is told when it leaves.</summary>
    /// <param name="first">The site that is asked first: its parts are the ones that came back. Null: whose part is the youngest.</param>
    public static async ValueTask AskBackAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, string? first)
    {
        var surplus = await Rerouting.SurplusAsync(tx, order, parts);
        foreach (var part in parts.Where(p => p is { Site: not null, Made: false } && OrderLifecycle.IsOpen(p.Status)).OrderByDescending(p => p.Site == first).ThenByDescending(p => p.Part))
        {
            if (!part.Lines.Exists(l => surplus.GetValueOrDefault(l.Sku) > 0)) continue;
            foreach (var line in part.Lines) surplus[line.Sku] = surplus.GetValueOrDefault(line.Sku) - line.Quantity;
            Ask(tx, part, "its units were promised elsewhere while the site was not heard");
        }
    }

    /// <summary>A site could not give a part back any more: the other part of the same units is asked for.</summary>
    public static async ValueTask RefusedAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts)
    {
        if (await TwinOfAsync(tx, order.Id) is { } other) Tell(tx, order, Gone(parts), left: true, other);
        else await AskBackAsync(tx, order, parts, first: null);
    }

    private static void Ask(LaneTransaction tx, PartRow part, string reason) =>
        tx.Append(Lane.HubTo(part.Site!), new PartCancelRequested(part.OrderId, part.Part, Cause, reason), part.OrderId.ToString(), part.OrderId);

    private static void Tell(LaneTransaction tx, OrderRow order, IReadOnlyList<SkuUnits> lines, bool left, Guid other) =>
        tx.Append(Lane.Hub, new OrderDoubled(order.Id, lines, left, other), order.Id.ToString(), order.Id);

    private static List<SkuUnits> Gone(List<PartRow> parts) => Sum(parts.Where(p => p.Status is OrderStatus.Shipped or OrderStatus.Delivered));

    private static List<SkuUnits> Sum(IEnumerable<PartRow> parts) =>
        [.. parts.SelectMany(p => p.Lines).GroupBy(l => l.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, g.Sum(l => l.Quantity)))];
}
