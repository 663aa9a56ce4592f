using System.Diagnostics;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Bench.Fill;

/// <summary>
/// Fills an empty database with the orders of a year, in bulk: the same rows and events that the modules write, but not by their commands,
/// which would take hours.
/// </summary>
internal static class FillBench
{
    private const int Chunk = 5_000;

    private sealed record LaneRow
    {
        public int Id { get; init; }
        public string Name { get; init; } = "";
        public int Ordinal { get; init; }
        public int Incarnation { get; init; }
        public long HeadPosition { get; init; }
        public byte[] HeadHash { get; init; } = [];
    }

    private sealed record NumberRow
    {
        public int LaneId { get; init; }
        public string Kind { get; init; } = "";
        public long Last { get; init; }
    }

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        var count = options.Orders > 0 ? options.Orders : 1_000_000;
        var plan = new FillPlan(count, TimeProvider.System.GetUtcNow());
        var clock = new FillClock(plan.Start.AddHours(-1));
        var watch = Stopwatch.StartNew();
        await using var target = BenchDatabase.Existing(options);
        var consumers = await PrepareAsync(target.Open(clock), say);
        await using var database = target.Open(clock);
        await using var session = await database.OpenAsync(readOnly: false, default);
        var rows = await WriteAsync(session, plan, clock, count, consumers, say);
        if (database.Dialect.IsPostgres) await session.ScriptAsync("ANALYZE"); // what autovacuum would do within minutes
        return new BenchReport
        {
            ["name"] = "fill", ["store"] = options.Store, ["orders"] = count, ["rows"] = rows, ["seconds"] = Math.Round(watch.Elapsed.TotalSeconds, 1),
            ["orders_per_s"] = Math.Round(count / watch.Elapsed.TotalSeconds), ["bytes"] = await database.SizeAsync(default),
        };
    }

    /// <summary>Sites, products and goods come in by the ordinary commands.</summary>
    private static async Task<ILookup<string, string>> PrepareAsync(Database database, Action<string> say)
    {
        await using var node = await Node.OpenAsync(database);
        if (node.Sites.Count > 0) throw new ArgumentException("fill wants an empty database: this one has sites already");
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        foreach (var site in FillPlan.Sites) await BenchStock.FillAsync(node, site);
        say("sites, products and stock are there");
        return node.Consumers.ToLookup(c => c.Source.Name, c => c.Consumer.Name);
    }

    private static async Task<long> WriteAsync(SqlSession session, FillPlan plan, FillClock clock, int count, ILookup<string, string> consumers, Action<string> say)
    {
        var events = new FillTable("events", "lane_id", "position", "id", "type", "subject", "order_id", "at", "actor", "trace", "payload");
        var groups = new FillTable("event_groups", "lane_id", "first_position", "count", "incarnation", "hash");
        var lanes = await LanesAsync(session, events, groups, consumers);
        var books = new FillBooks();
        var ids = new IdSource(clock, seed: 4711);
        var rows = new FillRows(lanes, books, events, groups, ids);
        var written = 0L;
        var done = 0;
        // The pump makes partitions for what is to come; these orders are of the past.
        if (session.Dialect.IsPostgres) await session.FindAsync<int>("SELECT order_partitions(@first, @last)", new { first = plan.Start, last = plan.TimeOf(count) });
        // One chunk is made while the one before is written: the machine has two processors at least.
        Task<long> writing = Task.FromResult(0L);
        while (done < count)
        {
            var end = Math.Min(count, done + Chunk);
            for (; done < end; done++)
            {
                clock.Now = plan.TimeOf(done);
                rows.Add(plan.Next(done, ids, lanes["hub"].Next("order")));
            }
            var chunk = rows.Take();
            written += await writing;
            writing = Task.Run(() => InOneAsync(session, chunk));
            if (done % 50_000 == 0) say($"{done} orders, {written} rows");
        }
        written += await writing;
        return written + await InOneAsync(session, async s =>
        {
            await books.WriteAsync(s, clock.Now);
            await s.ExecuteAsync("DELETE FROM order_counts");
            await s.ExecuteAsync("INSERT INTO order_counts (status, orders) SELECT status, COUNT(*) FROM orders GROUP BY status");
            return 0;
        });
    }

    private static async Task<long> InOneAsync(SqlSession session, Func<SqlSession, Task<long>> write)
    {
        await session.BeginAsync(snapshot: false, default);
        var rows = await write(session);
        if (session.Dialect.IsPostgres) await session.FindAsync<int>("SELECT event_partitions(1000000)");
        await session.CommitAsync();
        return rows;
    }

    private static async Task<Dictionary<string, FillLane>> LanesAsync(SqlSession session, FillTable events, FillTable groups, ILookup<string, string> consumers)
    {
        var numbers = await session.QueryAsync<NumberRow>("SELECT lane_id, kind, last FROM lane_sequences");
        var lanes = new Dictionary<string, FillLane>(StringComparer.Ordinal);
        foreach (var l in await session.QueryAsync<LaneRow>("SELECT id, name, ordinal, incarnation, head_position, head_hash FROM lanes"))
        {
            lanes[l.Name] = new FillLane(new Lane(l.Name), l.Id, l.Ordinal, l.Incarnation, l.HeadPosition, l.HeadHash, events, groups)
            {
                Consumers = [.. consumers[l.Name]],
            };
            foreach (var number in numbers.Where(n => n.LaneId == l.Id)) lanes[l.Name].Numbers[number.Kind] = number.Last;
        }
        return lanes;
    }
}
