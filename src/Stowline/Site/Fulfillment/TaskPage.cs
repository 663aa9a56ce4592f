using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The ids of a page of tasks, oldest first unless the newest are asked for. The indices of the task tables lead by site and status, and a worker's by worker, site and status. What
/// is not asked for runs over all there are, which are few: each pair of site and status gives its next ids from the index, and the smallest make the page.
/// So every filter is served by the same two indices, and none walks through the tasks of other sites or states.
/// </summary>
internal static class TaskPage
{
    /// <summary>At most <c>Limit + 1</c> ids; the one too many says that there is a next page.</summary>
    public static async Task<IReadOnlyList<Guid>> IdsAsync<TStatus>(SqlSession session, string table, TaskFilter filter) where TStatus : struct, Enum
    {
        var a = filter.Arguments;
        var (order, beyond, edge) = a.Newest ? ("DESC", "<", Guid.AllBitsSet) : ("ASC", ">", Guid.Empty);
        if (a.Order is not null || a is { Site: null, Status: null, Worker: null })
            return await session.QueryAsync<Guid>($"SELECT id FROM {table} {filter.Where} ORDER BY id {order} LIMIT @Take", a);
        var sites = a.Site is { } site ? [site] : await SitesAsync(session, table);
        int[] statuses = a.Status is { } status ? [status] : [.. Enum.GetValues<TStatus>().Select(s => Convert.ToInt32(s, System.Globalization.CultureInfo.InvariantCulture))];
        var pairs = sites.SelectMany(s => statuses.Select(t => (Site: s, Status: t))).ToList();
        var ids = new List<Guid>();
        await session.SelectAsync($"""
            SELECT id FROM {table} WHERE {(a.Worker is null ? "" : "worker = k.worker AND ")}site = k.site AND status = k.status AND id {beyond} k.after ORDER BY id {order} LIMIT {a.Take}
            """, pairs.Count,
            [
                Column.From("site", pairs, p => p.Site), Column.From("status", pairs, p => p.Status), Column.Same("after", pairs.Count, a.After ?? edge),
                .. a.Worker is null ? Array.Empty<Column>() : [Column.Same("worker", pairs.Count, a.Worker)],
            ], row => ids.Add(row.GetGuid(0)));
        // As text, because that is how both databases compare ids.
        return [.. (a.Newest ? ids.OrderByDescending(Text, StringComparer.Ordinal) : ids.OrderBy(Text, StringComparer.Ordinal)).Take(a.Take)];

        static string Text(Guid id) => id.ToString();
    }

    /// <summary>The sites that have tasks, by skipping from one to the next in the index.</summary>
    private static ValueTask<IReadOnlyList<string>> SitesAsync(SqlSession session, string table) => session.QueryAsync<string>($"""
        WITH RECURSIVE places (site) AS (
            SELECT MIN(site) FROM {table}
            UNION ALL SELECT (SELECT MIN(t.site) FROM {table} t WHERE t.site > s.site) FROM places s WHERE s.site IS NOT NULL)
        SELECT site FROM places WHERE site IS NOT NULL
        """);
}
