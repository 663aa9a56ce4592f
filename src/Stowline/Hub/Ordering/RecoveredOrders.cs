using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Routing;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Orders about which something comes back after a restore that only some of their sites may have been told: a hold, a cancellation, a part of several. When the hub goes on, all sites
/// with open parts are told what holds now, and units for which no site has a part are routed anew. Otherwise a part would stay on hold for ever at a site that never heard of
/// the release, because at the hub the order is not on hold.
/// </summary>
internal static class RecoveredOrders
{
    /// <summary>Notes an order that must be looked at when the hub goes on.</summary>
    public static ValueTask NoteAsync(LaneTransaction tx, Guid order) =>
        tx.WriteAsync("INSERT INTO recovered_orders (order_id) VALUES (@order) ON CONFLICT (order_id) DO NOTHING", new { order });

    /// <summary>A site was told that the order is on hold, or is not. Sites come back in any order: of what they were told the latest counts, by the hub's own clock.</summary>
    public static async ValueTask HeldAsync(LaneTransaction tx, Guid order, bool hold, DateTimeOffset at)
    {
        var latest = await tx.ExecuteAsync("""
            INSERT INTO recovered_orders (order_id, held_at) VALUES (@order, @at)
            ON CONFLICT (order_id) DO UPDATE SET held_at = excluded.held_at WHERE recovered_orders.held_at IS NULL OR recovered_orders.held_at <= excluded.held_at
            """, new { order, at });
        if (latest > 0) await tx.WriteAsync("UPDATE orders SET on_hold = @hold WHERE id = @order", new { hold, order });
    }

    /// <summary>
    /// A site was left out, and may have been given what waits for stock here. Were it given to another site under the same number, nobody could tell later of which of the two a site speaks.
    /// </summary>
    public static async ValueTask RenumberAsync(LaneTransaction tx)
    {
        var jump = await Rerouting.LastPartBeforeAsync(tx);
        await tx.WriteAsync("""
            UPDATE backorders SET part = part + @jump WHERE part <= @jump
            """, new { jump });
        await tx.WriteAsync("UPDATE order_parts SET part = part + @jump WHERE site IS NULL AND status = @waits AND part <= @jump", new { jump, waits = OrderStatus.Backorder });
    }

    /// <summary>The lanes can be written again; or another history of them has been joined with theirs.</summary>
    /// <param name="joined">The site that came with it; null after a restore.</param>
    public static async ValueTask GoOnAsync(LaneTransaction tx, RoutingBook routing, string? joined = null)
    {
        var noted = await tx.QueryAsync<Guid>("SELECT order_id FROM recovered_orders ORDER BY order_id");
        if (noted.Count == 0) return;
        var now = await routing.NowAsync(tx);
        var orders = await OrderRows.LoadAsync(tx, noted);
        foreach (var id in noted)
        {
            if (!orders.TryGetValue(id, out var entry)) continue;
            if (await JoinedOrders.TwinOfAsync(tx, id) is { } other)
            {
                await JoinedOrders.AskTwinBackAsync(tx, entry.Order, entry.Parts, other);
            }
            else if (entry.Order.Cancelling)
            {
                await CancelOrder.AskAsync(tx, entry.Order, entry.Parts.Where(p => p.Status != OrderStatus.Cancelling), "cancelled before the restore");
            }
            else
            {
                Tell(tx, entry.Order, entry.Parts);
                await RouteAsync(tx, entry.Order, entry.Parts, now);
                if (joined is not null) await JoinedOrders.AskBackAsync(tx, entry.Order, entry.Parts, joined);
            }
            await OrderRows.SaveAsync(tx, [entry]);
        }
        await tx.WriteAsync("DELETE FROM recovered_orders");
    }

    /// <summary>What a site knows already changes nothing there.</summary>
    private static void Tell(LaneTransaction tx, OrderRow order, List<PartRow> parts)
    {
        foreach (var part in parts.Where(p => p is { Site: not null, Made: false } && OrderLifecycle.IsOpen(p.Status)))
        {
            var (lane, subject) = (Lane.HubTo(part.Site!), order.Id.ToString());
            if (order.OnHold) tx.Append(lane, new PartHeld(order.Id, part.Part), subject, order.Id);
            else tx.Append(lane, new PartReleased(order.Id, part.Part), subject, order.Id);
            tx.Append(lane, new PartPriorityChanged(order.Id, part.Part, order.Priority), subject, order.Id);
        }
    }

    private static async ValueTask RouteAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, RoutingNow now)
    {
        var lacking = (await Rerouting.BalanceAsync(tx, order, parts)).Where(b => b.Value > 0).Select(b => new SkuUnits(b.Key, b.Value)).ToList();
        if (lacking.Count == 0) return;
        // What is made to order is in tickets, which do not come back.
        if (await new MenuBook().FindAsync(tx, [.. lacking.Select(l => l.Sku)]) is { } made) lacking.RemoveAll(l => made.ContainsKey(l.Sku));
        await Rerouting.RouteAsync(tx, order, parts, new PartRow { OrderId = order.Id }, lacking, "no site has a part for it after a restore", now, tx.Caller);
    }
}
