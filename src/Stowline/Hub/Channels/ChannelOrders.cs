using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>
/// Orders of marketplaces into ours. What was sold there is a fact and never refused for stock. An order is known by the account's code and the id there, so the same again,
/// however often and in whatever state it is shown, is the order that exists.
/// </summary>
internal sealed class ChannelOrders(Node node, ChannelsModule module)
{
    private readonly AcceptOrders _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
    private readonly ChannelMetrics _metrics = node.Lanes.Meter.Get<ChannelMetrics>();

    /// <summary>The order that this one is already; null when it is not.</summary>
    public Task<Guid?> FindAsync(string account, string externalId, CancellationToken ct) => ReadOrders.IdOfAsync(node, $"{account}:{externalId}", ct);

    public async Task<Outcome<OrderView>> PlaceAsync(string account, OrderBody body, Caller caller, int hops, CancellationToken ct)
    {
        var order = AcceptOrder.From(body, node.Ids);
        if (order.Refusal is { } bad) return bad;
        var outcome = (await _intake.AcceptAsync(order.Value, caller, ct, hops)).Outcome;
        if (outcome.IsOk && !outcome.Existing && Guid.TryParse(outcome.Value.Id, out var id)) module.Plan?.Hint(account, new StockPlan.Cause(id, order.Value.ExternalId), order.Value.Needs.Select(n => n.Sku), isBack: false);
        _metrics.Order(account, outcome.IsOk ? "taken" : "refused");
        return outcome;
    }

    /// <summary>As below, for a shop that tells everything once: what is not here is remembered as cancelled, since its creation may come later than its cancellation.</summary>
    /// <param name="changed">When the order changed there; null where that is not known.</param>
    public async Task<Outcome<OrderView>?> CancelOrRememberAsync(string account, string externalId, DateTimeOffset? changed, string reason, Caller caller, int hops, CancellationToken ct)
    {
        if (await CancelAsync(account, externalId, reason, caller, hops, ct) is { } outcome) return outcome;
        var late = (await node.Lanes.ExecuteAsync<bool>(Lane.Hub, caller, async tx =>
        {
            if (await ReadOrders.IdOfAsync(tx.Group.Session, $"{account}:{externalId}") is not null) return true; // it has come meanwhile
            await CancelledOrders.RememberAsync(tx, account, externalId, changed);
            return false;
        }, render: null, 0, ct)).Outcome;
        if (late.Refusal is { } no) return (Outcome<OrderView>)no;
        return late.Value ? await CancelAsync(account, externalId, reason, caller, hops, ct) : null;
    }

    /// <summary>What was cancelled before it was here was opened again there, so an older word of it does not cancel it any more. Answers why it could not be written down.</summary>
    public async Task<Refusal?> ReopenAsync(string account, string externalId, Caller caller, CancellationToken ct) => (await node.Lanes.ExecuteAsync<Done>(Lane.Hub, caller, async tx =>
    {
        await CancelledOrders.ForgetAsync(tx, account, externalId);
        return new Done();
    }, render: null, 0, ct)).Outcome.Refusal;

    /// <summary>Null when there was no such order here: then there is nothing to cancel.</summary>
    public async Task<Outcome<OrderView>?> CancelAsync(string account, string externalId, string reason, Caller caller, int hops, CancellationToken ct)
    {
        if (node.Lanes.RefuseInRepair(Lane.Hub) is { } restored) return (Outcome<OrderView>)restored; // the order may come back
        if (await FindAsync(account, externalId, ct) is null) return null;
        var outcome = (await node.Lanes.ExecuteAsync(Lane.Hub, caller, tx => CancelOrder.DecideAsync(account, externalId, reason, tx), render: null, hops, ct)).Outcome;
        if (outcome.IsOk && !outcome.Existing && Guid.TryParse(outcome.Value.Id, out var id))
        {
            _metrics.Order(account, "cancelled");
            module.Plan?.Hint(account, new StockPlan.Cause(id, externalId), outcome.Value.Parts.SelectMany(p => p.Lines).Select(l => l.Sku).Distinct(StringComparer.Ordinal), isBack: true);
        }
        return outcome;
    }

    public static Caller CallerOf(string account) => new("channel " + account);
}

/// <summary>Orders that a shop cancelled before they were here (<c>channel_cancelled_orders</c>); kept for thirty days.</summary>
internal static class CancelledOrders
{
    private sealed record Row { public DateTimeOffset? ChangedAt { get; init; } }

    public static ValueTask RememberAsync(LaneTransaction tx, string account, string externalId, DateTimeOffset? changed) => tx.WriteAsync("""
        INSERT INTO channel_cancelled_orders (account, external_id, changed_at, cancelled_at) VALUES (@account, @externalId, @changed, @now)
        ON CONFLICT (account, external_id) DO UPDATE SET changed_at = excluded.changed_at, cancelled_at = excluded.cancelled_at
        """, new { account, externalId, changed, now = tx.Now });

    /// <summary>Whether it was cancelled before it was here; null where it was not, false where what is shown now is known to be from afterwards: it was opened again.</summary>
    public static async Task<bool?> HoldsAsync(SqlSession session, string account, string externalId, DateTimeOffset? changed) =>
        await session.FindAsync<Row>("SELECT changed_at FROM channel_cancelled_orders WHERE account = @account AND external_id = @externalId", new { account, externalId }) is { } row
            ? !(changed > row.ChangedAt) : null;

    public static ValueTask ForgetAsync(LaneTransaction tx, string account, string externalId) =>
        tx.WriteAsync("DELETE FROM channel_cancelled_orders WHERE account = @account AND external_id = @externalId", new { account, externalId });

    public static async Task<bool> AnyAsync(SqlSession session, DateTimeOffset before) =>
        await session.FindAsync<string>("SELECT external_id FROM channel_cancelled_orders WHERE cancelled_at < @before LIMIT 1", new { before }) is not null;

    public static ValueTask<int> CleanAsync(LaneTransaction tx, DateTimeOffset before, int most) => tx.ExecuteAsync($"""
        DELETE FROM channel_cancelled_orders WHERE (account, external_id) IN (SELECT account, external_id FROM channel_cancelled_orders WHERE cancelled_at < @before ORDER BY cancelled_at LIMIT {most})
        """, new { before });
}

/// <summary>Orders there that could not be taken yet.</summary>
internal static class WaitingOrders
{
    public sealed record Row
    {
        public string ExternalId { get; init; } = "";
        public string Reason { get; init; } = "";
        public int Looks { get; init; }
        public DateTimeOffset FirstSeenAt { get; init; }
        public DateTimeOffset? CancelledAt { get; init; }

        /// <summary>Since when what is said of it has been waited for.</summary>
        public DateTimeOffset Since => CancelledAt ?? FirstSeenAt;
    }

    /// <summary>So long an event is believed more than what is shown.</summary>
    public static readonly TimeSpan Believed = TimeSpan.FromHours(24);

    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    public static ValueTask<IReadOnlyList<Row>> DueAsync(SqlSession session, string account, DateTimeOffset now, int most) => session.QueryAsync<Row>("""
        SELECT external_id, reason, looks, first_seen_at, cancelled_at FROM channel_waiting_orders WHERE account = @account AND next_at <= @now ORDER BY next_at LIMIT @most
        """, new { account, now, most });

    /// <summary>Whether an event said within the last day that it is cancelled, and it was not seen to be.</summary>
    public static async Task<bool> IsCancelledAsync(SqlSession session, string account, string externalId, DateTimeOffset now) => await session.FindAsync<DateTimeOffset?>(
        "SELECT cancelled_at FROM channel_waiting_orders WHERE account = @account AND external_id = @externalId", new { account, externalId }) > now - Believed;

    /// <summary>It is looked at again after 10 s, 20 s, 40 s … up to ten minutes.</summary>
    /// <param name="cancelled">An event says now that it is cancelled; what one said before stays.</param>
    public static ValueTask KeepAsync(LaneTransaction tx, string account, string externalId, string reason, int looks, bool cancelled = false)
    {
        var wait = TimeSpan.FromSeconds(Math.Min(First.TotalSeconds * Math.Pow(2, Math.Min(looks, 20)), Longest.TotalSeconds));
        return tx.WriteAsync("""
            INSERT INTO channel_waiting_orders (account, external_id, reason, looks, first_seen_at, next_at, cancelled_at) VALUES (@account, @externalId, @reason, @looks, @now, @next, @cancelled)
            ON CONFLICT (account, external_id) DO UPDATE SET reason = excluded.reason, looks = excluded.looks, next_at = excluded.next_at,
                cancelled_at = COALESCE(excluded.cancelled_at, channel_waiting_orders.cancelled_at)
            """, new
            {
                account, externalId, reason = reason.Length > 1_000 ? reason[..1_000] : reason, looks = looks + 1, now = tx.Now, next = tx.Now + wait, cancelled = cancelled ? tx.Now : (DateTimeOffset?)null,
            });
    }

    /// <summary>Unless an event that the look did not know of says since that it is cancelled.</summary>
    public static ValueTask ForgetAsync(LaneTransaction tx, string account, Row row) => tx.WriteAsync(
        "DELETE FROM channel_waiting_orders WHERE account = @account AND external_id = @externalId AND (cancelled_at IS NULL OR @known = @yes)",
        new { account, externalId = row.ExternalId, known = row.CancelledAt is not null, yes = true });
}
