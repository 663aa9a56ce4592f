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
        if (outcome.IsOk && !outcome.Existing && Guid.TryParse(outcome.Value.Id, out var id)) module.Plan?.Hint(account, id, order.Value.Needs.Select(n => n.Sku));
        _metrics.Order(account, outcome.IsOk ? "taken" : "refused");
        return outcome;
    }

    /// <summary>Null when there was no such order here: then there is nothing to cancel.</summary>
    public async Task<Outcome<OrderView>?> CancelAsync(string account, string externalId, string reason, Caller caller, int hops, CancellationToken ct)
    {
        if (node.Lanes.RefuseInRepair(Lane.Hub) is { } restored) return (Outcome<OrderView>)restored; // the order may come back
        if (await FindAsync(account, externalId, ct) is null) return null;
        var outcome = (await node.Lanes.ExecuteAsync(Lane.Hub, caller, tx => CancelOrder.DecideAsync(account, externalId, reason, tx), render: null, hops, ct)).Outcome;
        if (outcome.IsOk && !outcome.Existing) _metrics.Order(account, "cancelled");
        return outcome;
    }

    public static Caller CallerOf(string account) => new("channel " + account);
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
    }

    private static readonly TimeSpan First = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    public static ValueTask<IReadOnlyList<Row>> DueAsync(SqlSession session, string account, DateTimeOffset now, int most) => session.QueryAsync<Row>("""
        SELECT external_id, reason, looks, first_seen_at FROM channel_waiting_orders WHERE account = @account AND next_at <= @now ORDER BY next_at LIMIT @most
        """, new { account, now, most });

    /// <summary>It is looked at again after 10 s, 20 s, 40 s … up to ten minutes.</summary>
    public static ValueTask KeepAsync(LaneTransaction tx, string account, string externalId, string reason, int looks)
    {
        var wait = TimeSpan.FromSeconds(Math.Min(First.TotalSeconds * Math.Pow(2, Math.Min(looks, 20)), Longest.TotalSeconds));
        return tx.WriteAsync("""
            INSERT INTO channel_waiting_orders (account, external_id, reason, looks, first_seen_at, next_at) VALUES (@account, @externalId, @reason, @looks, @now, @next)
            ON CONFLICT (account, external_id) DO UPDATE SET reason = excluded.reason, looks = excluded.looks, next_at = excluded.next_at
            """, new { account, externalId, reason = reason.Length > 1_000 ? reason[..1_000] : reason, looks = looks + 1, now = tx.Now, next = tx.Now + wait });
    }

    public static ValueTask ForgetAsync(LaneTransaction tx, string account, string externalId) =>
        tx.WriteAsync("DELETE FROM channel_waiting_orders WHERE account = @account AND external_id = @externalId", new { account, externalId });
}
