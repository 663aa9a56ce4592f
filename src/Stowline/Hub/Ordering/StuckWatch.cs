using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Looks every minute for orders that stand still (H1) and tells of each once: <c>order.stuck</c>, and <c>order.unstuck</c> when it is over. What was
/// told stands in <c>stuck_orders</c>, so neither a restart nor a second process on the same database tells it again.
/// </summary>
internal sealed class StuckWatch(Node node) : Pump
{
    /// <summary>Most orders per rule that are looked at: more than anybody can attend to, and a bound for the work of a minute.</summary>
    internal const int Limit = 5_000;

    /// <summary>Most changes that are written in one transaction.</summary>
    private const int Step = 250;
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);
    private readonly Rest _rest = new(node.Time);

    private sealed record Known { public Guid OrderId { get; init; } public StuckReason Reason { get; init; } }

    public override string Name => "stuck orders";
    public override TimeSpan Idle => TimeSpan.FromSeconds(10);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver) return false;
        var now = node.Time.GetUtcNow();
        var rules = node.StuckRules;
        var found = await node.Database.ReadAsync(session => FindAsync(session, rules, now), ct);
        if (await DifferAsync(found, ct))
        {
            Outcome<bool> more;
            do
            {
                more = await node.Lanes.ExecuteAsync<bool>(Lane.Hub, Caller.System, tx => DecideAsync(found, tx), ct);
                if (!more.IsOk) return false; // the queue is full or the node stops: the next round finds the same again
            }
            while (more.Value);
        }
        _rest.For(Between);
        return false;
    }

    /// <summary>What every module sees, one per order and reason.</summary>
    private async Task<Dictionary<(Guid, StuckReason), StuckWork>> FindAsync(SqlSession session, StuckRules rules, DateTimeOffset now)
    {
        var seen = new List<StuckWork>();
        foreach (var module in node.Modules) seen.AddRange(await module.StuckAsync(session, rules, now, Limit));
        if (rules.AgeOf(StuckReason.Parked) is { } age)
        {
            foreach (var parked in await LaneReader.ParkedSubjectsAsync(session, Limit))
                if (Guid.TryParseExact(parked.Subject, "D", out var order) && parked.ParkedAt <= now - age)
                    seen.Add(new StuckWork(order, StuckReason.Parked, SiteOf(parked.Lane), parked.ParkedAt));
        }
        var ours = await OpenAsync(session, [.. seen.Select(s => s.OrderId).Distinct()]);
        var found = new Dictionary<(Guid, StuckReason), StuckWork>();
        foreach (var work in seen)
            if (ours.Contains(work.OrderId)) found.TryAdd((work.OrderId, work.Reason), work);
        return found;
    }

    private static string? SiteOf(string lane) => lane is "hub" or "hub/all" ? null : lane[(lane.IndexOf('/') + 1)..];

    /// <summary>The orders that are here and not held: a held order stands still because somebody wants it to.</summary>
    private static async Task<HashSet<Guid>> OpenAsync(SqlSession session, Guid[] ids)
    {
        var open = new HashSet<Guid>(ids.Length);
        await session.SelectAsync("SELECT o.id FROM orders o WHERE o.id = k.id AND NOT o.on_hold", ids.Length, [Column.Of("id", ids)], row => open.Add(row.GetGuid(0)));
        return open;
    }

    /// <summary>Looking costs the writer nothing; it is asked only when there is something to tell.</summary>
    private async Task<bool> DifferAsync(Dictionary<(Guid, StuckReason), StuckWork> found, CancellationToken ct)
    {
        var known = await node.Database.ReadAsync(async session => await session.QueryAsync<Known>("SELECT order_id, reason FROM stuck_orders"), ct);
        return known.Count != found.Count || known.Any(k => !found.ContainsKey((k.OrderId, k.Reason)));
    }

    /// <summary>Tells of a bounded number of changes; true when there are more.</summary>
    private static async ValueTask<Outcome<bool>> DecideAsync(Dictionary<(Guid, StuckReason), StuckWork> found, LaneTransaction tx)
    {
        // Read again here: another process may have been faster.
        var known = (await tx.QueryAsync<Known>("SELECT order_id, reason FROM stuck_orders")).Select(k => (k.OrderId, k.Reason)).ToHashSet();
        var over = known.Where(k => !found.ContainsKey(k)).Take(Step).ToList();
        foreach (var (order, reason) in over)
        {
            await tx.WriteAsync("DELETE FROM stuck_orders WHERE order_id = @order AND reason = @reason", new { order, reason });
            tx.Append(Lane.Hub, new OrderUnstuck(order, SnakeCaseEnum<StuckReason>.Text(reason)), order.ToString(), order);
        }
        var fresh = found.Values.Where(w => !known.Contains((w.OrderId, w.Reason))).OrderBy(w => w.Since).Take(Step).ToList();
        if (fresh.Count > 0)
        {
            await tx.InsertAsync("stuck_orders", fresh.Count, Column.From("order_id", fresh, w => w.OrderId), Column.From("reason", fresh, w => (int)w.Reason),
                Column.From("site", fresh, w => w.Site), Column.From("since", fresh, w => w.Since), Column.Same("found_at", fresh.Count, tx.Now));
        }
        foreach (var work in fresh)
            tx.Append(Lane.Hub, new OrderStuck(work.OrderId, SnakeCaseEnum<StuckReason>.Text(work.Reason), work.Site, work.Since), work.OrderId.ToString(), work.OrderId);
        return over.Count == Step || fresh.Count == Step;
    }
}
