using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Until when units are kept for an order that is still to come (W13; source 2 §9.3, <c>expires_at</c>). What keeps them is a held order, so giving them back is cancelling it, on the site's word.
/// </summary>
public static class Reservations
{
    /// <summary>Null where it is kept until somebody releases it.</summary>
    public static ValueTask<DateTimeOffset?> ExpiresAtAsync(SqlSession session, Guid order) =>
        session.FindAsync<DateTimeOffset?>("SELECT expires_at FROM order_expiries WHERE order_id = @order", new { order });

    internal static ValueTask AddAsync(LaneTransaction tx, IReadOnlyList<AcceptOrder> orders) =>
        tx.InsertAsync("order_expiries", orders.Count, Column.From("order_id", orders, o => o.Id), Column.From("expires_at", orders, o => o.ExpiresAt!.Value));

    /// <summary>Keeps it until another time.</summary>
    public static async ValueTask<Outcome<Done>> KeepUntilAsync(Guid order, DateTimeOffset until, LaneTransaction tx)
    {
        await tx.UpsertAsync("order_expiries", "order_id", "expires_at = excluded.expires_at", 1, Column.Of("order_id", [order]), Column.Of("expires_at", [until]));
        return new Done();
    }

    private sealed record Late
    {
        public Guid OrderId { get; init; }
        public DateTimeOffset ExpiresAt { get; init; }
        public string? Site { get; init; }
    }

    /// <summary>Those that have expired and still keep their units: a site has not answered, or nobody could ask it.</summary>
    internal static async Task<IReadOnlyList<StuckWork>> StuckAsync(SqlSession session, StuckRules rules, DateTimeOffset now, int limit)
    {
        if (rules.AgeOf(StuckReason.ReservationExpired) is not { } age) return [];
        var late = await session.QueryAsync<Late>("""
            SELECT e.order_id, e.expires_at, p.site FROM order_expiries e JOIN orders o ON o.id = e.order_id LEFT JOIN order_parts p ON p.order_id = e.order_id
            WHERE e.expires_at <= @before AND o.status <> @over AND (o.on_hold = @yes OR o.cancelling = @yes) ORDER BY e.expires_at, e.order_id LIMIT @limit
            """, new { before = now - age, over = OrderStatus.Cancelled, yes = true, limit });
        return [.. late.Select(r => new StuckWork(r.OrderId, StuckReason.ReservationExpired, r.Site, r.ExpiresAt))];
    }

    /// <summary>
    /// Its time is over: what is still kept is given back. A hold that somebody has ended means that the order goes on, and nothing is taken from it. The time stays known until the units are free.
    /// </summary>
    internal static async ValueTask<Outcome<Done>> EndAsync(Guid order, LaneTransaction tx)
    {
        if (await ExpiresAtAsync(tx.Group.Session, order) is not { } at || at > tx.Now) return new Done();
        if (await OrderRows.FindAsync(tx, order) is var (row, parts) && (row.OnHold || row.Cancelling) && parts.Exists(p => OrderLifecycle.IsOpen(p.Status) || p.Status == OrderStatus.Cancelling))
        {
            if (!row.Cancelling) await CancelOrder.DecideAsync(order, "the reservation has expired", tx);
            return new Done();
        }
        await tx.WriteAsync("DELETE FROM order_expiries WHERE order_id = @order", new { order });
        return new Done();
    }
}

/// <summary>Gives back what was kept for orders that did not come in time.</summary>
internal sealed class ReservationExpiry(Node node) : Pump
{
    private const int Together = 100;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private readonly Rest _rest = new(node.Time);

    public override string Name => "reservations";
    public override TimeSpan Idle => TimeSpan.FromSeconds(5);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver || !node.Lanes.Duty.IsOurs || node.Lanes.IsInRepair(Lane.Hub)) return false;
        var now = node.Time.GetUtcNow();
        // What a site was asked for and has not answered would stand before the others for ever.
        var due = await node.Database.ReadAsync(async s => await s.QueryAsync<Guid>("""
            SELECT e.order_id FROM order_expiries e LEFT JOIN orders o ON o.id = e.order_id
            WHERE e.expires_at <= @now AND (o.id IS NULL OR o.status <> @asked) ORDER BY e.expires_at, e.order_id LIMIT @most
            """, new { now, asked = OrderStatus.Cancelling, most = Together }), ct);
        foreach (var order in due)
        {
            // A refusal means a full queue: the next round finds the same.
            if (!(await node.Lanes.ExecuteAsConsumerAsync<Done>(Lane.Hub, Caller.System, tx => Reservations.EndAsync(order, tx))).Outcome.IsOk) break;
        }
        if (due.Count < Together) _rest.For(Between);
        return due.Count == Together;
    }
}
