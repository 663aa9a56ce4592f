using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Tasks that stand still (H1, F12): assigned and not started, started and nothing picked, picked for too long on the whole, packing without dimensions. An order of which another part has not
/// got that far does not hide them. Looks at open tasks only, by their index.
/// </summary>
internal static class StuckTasks
{
    public static async Task<IReadOnlyList<StuckWork>> RunAsync(SqlSession session, IReadOnlyList<string> sites, StuckRules rules, DateTimeOffset now, int limit)
    {
        var found = new List<StuckWork>();
        async Task LookAsync(StuckReason reason, int status, string sql)
        {
            if (rules.AgeOf(reason) is not { } age || sites.Count == 0) return;
            await session.SelectAsync(sql + $" LIMIT {limit}", sites.Count, [Column.Of("site", [.. sites]), Column.Same("status", sites.Count, status), Column.Same("before", sites.Count, now - age)],
                row => found.Add(new StuckWork(row.GetGuid(0), reason, row.GetString(1), row.GetTime(2))));
        }
        await LookAsync(StuckReason.TaskNotStarted, (int)PickingStatus.Assigned, """
            SELECT t.order_id, t.site, t.assigned_at FROM picking_tasks t
            WHERE t.site = k.site AND t.status = k.status AND NOT t.on_hold AND t.assigned_at <= k.before ORDER BY t.id
            """);
        await LookAsync(StuckReason.NoProgress, (int)PickingStatus.InProgress, """
            SELECT q.order_id, q.site, q.since FROM (
                SELECT t.id, t.order_id, t.site, COALESCE((SELECT MAX(i.picked_at) FROM picking_items i WHERE i.task_id = t.id), t.started_at) AS since
                FROM picking_tasks t WHERE t.site = k.site AND t.status = k.status AND NOT t.on_hold AND t.started_at <= k.before) q
            WHERE q.since <= k.before ORDER BY q.id
            """);
        await LookAsync(StuckReason.PickingSlow, (int)PickingStatus.InProgress, """
            SELECT t.order_id, t.site, t.started_at FROM picking_tasks t
            WHERE t.site = k.site AND t.status = k.status AND NOT t.on_hold AND t.started_at <= k.before ORDER BY t.id
            """);
        await LookAsync(StuckReason.NoDimensions, (int)PackingStatus.InProgress, """
            SELECT t.order_id, t.site, t.started_at FROM packing_tasks t
            WHERE t.site = k.site AND t.status = k.status AND NOT t.on_hold AND t.started_at <= k.before
            AND NOT EXISTS (SELECT 1 FROM packages p WHERE p.task_id = t.id) ORDER BY t.id
            """);
        return found;
    }
}
