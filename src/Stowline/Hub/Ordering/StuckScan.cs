using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Finds the orders that have stood in one open state for too long. Looks only at open orders old enough to be candidates, by the index on
/// (status, id), whose ids grow with time: what was shipped long ago costs nothing.
/// </summary>
internal static class StuckScan
{
    private static readonly (OrderStatus Status, StuckReason Reason)[] Rules =
    [
        (OrderStatus.Allocated, StuckReason.NotPicked),
        (OrderStatus.Picking, StuckReason.PickingSlow),
        (OrderStatus.Packing, StuckReason.PackingSlow),
        (OrderStatus.Ready, StuckReason.NotShipped),
        (OrderStatus.Cancelling, StuckReason.CancelUnanswered),
        (OrderStatus.Backorder, StuckReason.BackorderOld),
    ];

    private sealed record Candidate { public Guid Id { get; init; } public DateTimeOffset PlacedAt { get; init; } }

    public static async Task<IReadOnlyList<StuckWork>> RunAsync(SqlSession session, StuckRules rules, DateTimeOffset now, int limit)
    {
        var found = new List<StuckWork>();
        IReadOnlyDictionary<string, WorkingHours>? hours = null;
        foreach (var (status, reason) in Rules)
        {
            if (rules.AgeOf(reason) is not { } age) continue;
            // No order is longer in a state than it exists.
            var candidates = await session.QueryAsync<Candidate>("""
                SELECT o.id, o.placed_at FROM orders o
                WHERE o.status = @status AND o.id < @youngest AND o.placed_at <= @before AND (o.on_hold = @no OR o.cancelling = @yes) ORDER BY o.id LIMIT @limit
                """, new { status, youngest = OrderList.FirstIdOf(now - age + TimeSpan.FromMinutes(2)), before = now - age, no = false, yes = true, limit });
            if (candidates.Count == 0) continue;
            var moved = await LaneReader.LastOfTypeAsync(session, [.. candidates.Select(c => c.Id)], OrderStatusChanged.Type);
            var late = candidates.Select(c => (c.Id, Since: moved.TryGetValue(c.Id, out var at) ? at : c.PlacedAt)).Where(c => c.Since <= now - age).ToList();
            if (late.Count == 0) continue;
            var sites = await SitesAsync(session, [.. late.Select(c => c.Id)], status);
            if (reason == StuckReason.NotPicked) hours ??= await WorkingHours.AllAsync(session);
            foreach (var (id, since) in late)
            {
                var site = sites.GetValueOrDefault(id);
                if (reason == StuckReason.NotPicked && site is not null && hours!.TryGetValue(site, out var works) && works.Between(since, now) < age) continue;
                found.Add(new StuckWork(id, reason, site, since));
            }
        }
        return found;
    }

    /// <summary>Where each order's least advanced part is: the one that holds the order up.</summary>
    private static async Task<Dictionary<Guid, string>> SitesAsync(SqlSession session, Guid[] ids, OrderStatus status)
    {
        var sites = new Dictionary<Guid, string>(ids.Length);
        await session.SelectAsync("SELECT p.order_id, p.site FROM order_parts p WHERE p.order_id = k.id AND p.status = k.status ORDER BY p.part LIMIT 1", ids.Length,
            [Column.Of("id", ids), Column.Same("status", ids.Length, (int)status)], row =>
            {
                if (row.GetStringOrNull(1) is { } site) sites[row.GetGuid(0)] = site;
            });
        return sites;
    }
}
