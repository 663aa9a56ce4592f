using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>
/// Cycle counts (W5): once a day, by the site's date, those bins with goods that were not counted for as many days as the plan allows, the longest uncounted first, as count tasks. A bin that somebody
/// is sent to already is not planned again. Days on which the node did not run are not made up for: the bins are still there tomorrow.
/// </summary>
public static class CountPlan
{
    private sealed record Counted { public string Bin { get; init; } = ""; public DateTimeOffset CountedAt { get; init; } }

    /// <summary>Whether the day's tasks are still to be made.</summary>
    internal static async Task<bool> IsDueAsync(SqlSession session, string site, DateTimeOffset now)
    {
        var plan = await CountSettings.ReadAsync(session, site);
        return plan.EveryDays is not null && (plan.PlannedOn is not { } last || last < await SiteClock.TodayAsync(session, site, now));
    }

    /// <summary>Makes the day's tasks, where they are not made. Answers how many.</summary>
    public static async ValueTask<Outcome<int>> DecideAsync(string site, LaneTransaction tx)
    {
        var plan = await CountSettings.ReadAsync(tx.Group.Session, site);
        var today = await SiteClock.TodayAsync(tx, site);
        if (plan.EveryDays is not { } days || plan.PlannedOn >= today) return 0;
        var counted = (await tx.QueryAsync<Counted>("SELECT bin, counted_at FROM bin_counts WHERE site = @site", new { site }))
            .ToDictionary(c => c.Bin, c => c.CountedAt, StringComparer.Ordinal);
        var filled = await CountedStock.FilledBinsAsync(tx, site);
        // Stable: bins that were never counted keep the order of the walk.
        List<string> due = [.. filled.Where(b => counted.GetValueOrDefault(b) <= tx.Now.AddDays(-days)).OrderBy(b => counted.GetValueOrDefault(b))];
        var open = await OpenBinsAsync(tx, site);
        HashSet<string> chosen = [.. due.Where(b => !open.Contains(b)).Take(plan.BinsPerDay)];
        var made = chosen.Count == 0 ? [] : await AskForCount.MakeAsync(tx, site, await CountedStock.InBinsAsync(tx, site, chosen), StockTaskCause.Plan);
        await tx.WriteAsync("UPDATE count_settings SET planned_on = @today WHERE site = @site", new { site, today });
        return made.Count;
    }

    private static async ValueTask<HashSet<string>> OpenBinsAsync(LaneTransaction tx, string site) =>
        [.. await tx.QueryAsync<string>("SELECT DISTINCT bin FROM stock_task_lines WHERE site = @site AND status = 1", new { site })];
}

/// <summary>Looks every minute whether a day has begun at one of this node's sites.</summary>
internal sealed class CountPlanner(Node node) : SiteRounds(node)
{
    public override string Name => "count plan";
    protected override Task<bool> IsDueAsync(SqlSession session, string site, DateTimeOffset now) => CountPlan.IsDueAsync(session, site, now);
    protected override ValueTask<Outcome<int>> DecideAsync(string site, LaneTransaction tx) => CountPlan.DecideAsync(site, tx);
}
