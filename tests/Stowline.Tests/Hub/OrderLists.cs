using Stowline.Hub.Ordering;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: a list gives every order that fits, once, newest first, whatever is combined, and never walks through those that do not. Method: a filled node;
/// pages are compared with what a full scan finds, and the plans are read.
public class OrderLists
{
    private sealed record Known
    {
        public Guid Id { get; init; }
        public OrderStatus Status { get; init; }
        public string Channel { get; init; } = "";
        public string? Site { get; init; }
        public DateTimeOffset PlacedAt { get; init; }
    }

    private static readonly OrderStatus?[] Statuses = [null, .. Enum.GetValues<OrderStatus>().Cast<OrderStatus?>()];
    private static readonly string?[] Sites = [null, "WH1", "WH3", "WH4", "nowhere"];
    private static readonly string?[] Channels = [null, "web", "phone", "b2b", "nobody"];

    [Theory, EveryDatabase]
    public async Task Every_combination_of_filters_gives_what_a_scan_finds(string store)
    {
        await using var filled = await FilledNode.MakeAsync(store, 4_000);
        var all = await filled.Database.ReadAsync(async s => await s.QueryAsync<Known>(
            "SELECT o.id, o.status, o.channel, o.placed_at, p.site FROM orders o JOIN order_parts p ON p.order_id = o.id ORDER BY o.id DESC"));
        Assert.Equal(4_000, all.Count);
        var middle = all[2_000].PlacedAt;

        foreach (var status in Statuses)
            foreach (var site in Sites)
                foreach (var channel in Channels)
                    foreach (var since in new DateTimeOffset?[] { null, middle })
                    {
                        var expected = all.Where(o => (status is null || o.Status == status) && (site is null || o.Site == site) && (channel is null || o.Channel == channel)
                            && (since is null || o.PlacedAt >= since)).Select(o => o.Id.ToString()).ToList();
                        var filter = new OrderFilter(status, site, channel, null, since, null, 200);
                        Assert.Equal(expected.Take(600), await AtMostAsync(filled.Database, filter, 600));
                    }
    }

    private static async Task<List<string>> AtMostAsync(Database database, OrderFilter filter, int most)
    {
        var ids = new List<string>();
        do
        {
            var page = await database.ReadAsync(s => OrderList.PageAsync(s, filter));
            Assert.True(page.Items.Count <= filter.Limit);
            ids.AddRange(page.Items.Select(o => o.Id));
            filter = filter with { Before = page.NextCursor is { } next ? Guid.Parse(next) : null };
        }
        while (filter.Before is not null && ids.Count < most);
        return [.. ids.Take(most)];
    }

    [Theory, EveryDatabase]
    public async Task No_list_of_orders_reads_a_whole_table(string store)
    {
        await using var filled = await FilledNode.MakeAsync(store, 4_000);
        await using var session = await filled.Database.OpenAsync(readOnly: true, default);
        // So small a table is read whole where that is allowed; what counts is whether there is another way.
        if (store == "postgres") await session.ScriptAsync("SET enable_seqscan = off");
        foreach (var status in new OrderStatus?[] { null, OrderStatus.Ready })
            foreach (var site in new[] { null, "WH4" })
                foreach (var channel in new[] { null, "b2b" })
                    foreach (var external in new[] { null, "F-000000007" })
                        await NoScanAsync(session, new OrderFilter(status, site, channel, external, null, Guid.AllBitsSet, 50));
        var all = new OrderFilter(null, null, null, null, null, Guid.AllBitsSet, 50);
        foreach (var filter in new[] { all with { Text = "F-00" }, all with { Stuck = true }, all with { Late = true }, all with { Until = DateTimeOffset.UnixEpoch } }) await NoScanAsync(session, filter);
    }

    private static async Task NoScanAsync(SqlSession session, OrderFilter filter)
    {
        foreach (var (sql, arguments) in OrderList.Statements(filter))
            foreach (var line in await PlanAsync(session, sql, arguments))
                Assert.False(IsScan(line), $"{line}\n{sql}");
    }

    private static async Task<IReadOnlyList<string>> PlanAsync(SqlSession session, string sql, object arguments) => session.Dialect.IsPostgres
        ? await session.QueryAsync<string>("EXPLAIN " + sql, arguments)
        : [.. (await session.QueryAsync<SqlitePlan>("EXPLAIN QUERY PLAN " + sql, arguments)).Select(p => p.Detail)];

    private sealed record SqlitePlan { public string Detail { get; init; } = ""; }

    /// The key itself in its order is no scan where it is what was asked for: the newest orders of all. MIN of an index, and subqueries, are none either.
    private static bool IsScan(string line) => line.Contains("Seq Scan on orders", StringComparison.Ordinal) && !line.Contains("orders_default", StringComparison.Ordinal)
        || line.Contains("Seq Scan on order_", StringComparison.Ordinal)
        || line.StartsWith("SCAN o", StringComparison.Ordinal) || line.StartsWith("SCAN order", StringComparison.Ordinal) || line.StartsWith("SCAN p", StringComparison.Ordinal);
}
