using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Looks every minute for orders that stand still (H1) and tells of each, and of each site that holds it up, once: <c>order.stuck</c>, and <c>order.unstuck</c> when it is over. What was
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

    private const string KnownOnes = "SELECT order_id, reason, site FROM stuck_orders";

    /// <param name="Site">Empty where no site holds it up.</param>
    private readonly record struct Key(Guid Order, StuckReason Reason, string Site);

    private sealed record Known
    {
        public Guid OrderId { get; init; }
        public StuckReason Reason { get; init; }
        public string Site { get; init; } = "";
        public Key Key => new(OrderId, Reason, Site);
    }

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

    /// <summary>What every module sees, one per order, reason and site.</summary>
    private async Task<Dictionary<Key, StuckWork>> FindAsync(SqlSession session, StuckRules rules, DateTimeOffset now)
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
        var found = new Dictionary<Key, StuckWork>();
        foreach (var work in seen)
            if (work.Reason == StuckReason.ReservationExpired || ours.Contains(work.OrderId)) found.TryAdd(KeyOf(work), work);
        return found;
    }

    private static Key KeyOf(StuckWork work) => new(work.OrderId, work.Reason, work.Site ?? "");

    private static string? SiteOf(string lane) => lane is "hub" or "hub/all" ? null : lane[(lane.IndexOf('/') + 1)..];

    /// <summary>The orders that are here and not held: a held order stands still because somebody wants it to, unless it is to be cancelled.</summary>
    private static async Task<HashSet<Guid>> OpenAsync(SqlSession session, Guid[] ids)
    {
        var open = new HashSet<Guid>(ids.Length);
        await session.SelectAsync("SELECT o.id FROM orders o WHERE o.id = k.id AND (NOT o.on_hold OR o.cancelling)", ids.Length, [Column.Of("id", ids)], row => open.Add(row.GetGuid(0)));
        return open;
    }

    /// <summary>Looking costs the writer nothing; it is asked only when there is something to tell.</summary>
    private async Task<bool> DifferAsync(Dictionary<Key, StuckWork> found, CancellationToken ct)
    {
        var known = await node.Database.ReadAsync(async session => await session.QueryAsync<Known>(KnownOnes), ct);
        return known.Count != found.Count || known.Any(k => !found.ContainsKey(k.Key));
    }

    /// <summary>Tells of a bounded number of changes; true when there are more.</summary>
    private static async ValueTask<Outcome<bool>> DecideAsync(Dictionary<Key, StuckWork> found, LaneTransaction tx)
    {
        // Read again here: another process may have been faster.
        var known = (await tx.QueryAsync<Known>(KnownOnes)).Select(k => k.Key).ToHashSet();
        var over = known.Where(k => !found.ContainsKey(k)).Take(Step).ToList();
        foreach (var (order, reason, site) in over)
        {
            await tx.WriteAsync("DELETE FROM stuck_orders WHERE order_id = @order AND reason = @reason AND site = @site", new { order, reason, site });
            tx.Append(Lane.Hub, new OrderUnstuck(order, SnakeCaseEnum<StuckReason>.Text(reason), site.Length == 0 ? null : site), order.ToString(), order);
        }
        var fresh = found.Values.Where(w => !known.Contains(KeyOf(w))).OrderBy(w => w.Since).Take(Step).ToList();
        if (fresh.Count > 0)
        {
            await tx.InsertAsync("stuck_orders", fresh.Count, Column.From("order_id", fresh, w => w.OrderId), Column.From("reason", fresh, w => (int)w.Reason),
                Column.From("site", fresh, w => w.Site ?? ""), Column.From("since", fresh, w => w.Since), Column.Same("found_at", fresh.Count, tx.Now));
        }
        foreach (var work in fresh)
            tx.Append(Lane.Hub, new OrderStuck(work.OrderId, SnakeCaseEnum<StuckReason>.Text(work.Reason), work.Site, work.Since), work.OrderId.ToString(), work.OrderId);
        return over.Count == Step || fresh.Count == Step;
    }
}
