using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>How much work stands at each stage of a site: tasks, without those that are on hold.</summary>
public sealed record WorkCounts(long ToPick, long Picking, long ToPack, long Packing, long Packed);

/// <summary>How picking went: completed tasks, and the minutes from their start to their end added up.</summary>
public sealed record PickingTimes(long Tasks, double Minutes);

/// <summary>Figures of picking and packing for the overview (W18). At the hub the tasks of sites with nodes of their own are copies, and count the same.</summary>
internal static class SiteWork
{
    /// <summary>Enough for a mean that says something, and an end for a site that picks all day.</summary>
    private const int MostTasks = 1_000;

    private sealed record CountRow { public int Status { get; init; } public long Tasks { get; init; } }
    private sealed record TimeRow { public DateTimeOffset? StartedAt { get; init; } public DateTimeOffset? CompletedAt { get; init; } }

    public static async Task<WorkCounts> CountAsync(SqlSession session, string site)
    {
        var picking = await OpenAsync(session, "picking_tasks", site, (int)PickingStatus.Pending, (int)PickingStatus.Assigned, (int)PickingStatus.InProgress);
        var packing = await OpenAsync(session, "packing_tasks", site, (int)PackingStatus.Pending, (int)PackingStatus.InProgress, (int)PackingStatus.Packed);
        return new WorkCounts(
            picking.GetValueOrDefault((int)PickingStatus.Pending) + picking.GetValueOrDefault((int)PickingStatus.Assigned), picking.GetValueOrDefault((int)PickingStatus.InProgress),
            packing.GetValueOrDefault((int)PackingStatus.Pending), packing.GetValueOrDefault((int)PackingStatus.InProgress), packing.GetValueOrDefault((int)PackingStatus.Packed));
    }

    private static async Task<Dictionary<int, long>> OpenAsync(SqlSession session, string table, string site, int first, int second, int third) =>
        (await session.QueryAsync<CountRow>($"""
            SELECT status, COUNT(*) AS tasks FROM {table} WHERE site = @site AND status IN (@first, @second, @third) AND on_hold = @no GROUP BY status
            """, new { site, first, second, third, no = false })).ToDictionary(r => r.Status, r => r.Tasks);

    /// <summary>Of the tasks made and completed since a time, the newest thousand.</summary>
    public static async Task<PickingTimes> TimesAsync(SqlSession session, string site, DateTimeOffset since)
    {
        var rows = await session.QueryAsync<TimeRow>("""
            SELECT started_at, completed_at FROM picking_tasks WHERE site = @site AND status = @completed AND id >= @first ORDER BY id DESC LIMIT @limit
            """, new { site, completed = PickingStatus.Completed, first = IdSource.FirstOf(since), limit = MostTasks });
        var minutes = rows.Where(r => r.StartedAt is not null && r.CompletedAt is not null).Select(r => (r.CompletedAt!.Value - r.StartedAt!.Value).TotalMinutes).ToList();
        return new PickingTimes(minutes.Count, minutes.Sum());
    }
}
