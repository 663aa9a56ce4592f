using System.Diagnostics;
using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Bench;

/// <summary>
/// The limit to compare with: the same rows as accepting orders writes, into the same tables with the same indices and pragmas, in groups of the
/// same size – and nothing else. No checks, no reads, no routing, no waiting callers; every value is made before the clock starts.
/// </summary>
internal static class Floor
{
    private sealed record Group(Column[] Orders, Column[] Keys, Column[] Parts, Column[] People, Column[][] Events, string[] Skus, long[] Units, int Count, FloorTasks.Rows Tasks);

    /// <summary>What the bare loop reached, and how long each of its groups took.</summary>
    internal sealed record Result(double PerSecond, List<double> GroupMilliseconds, double CpuMs, int Orders);

    /// <summary>The floor by itself, as a report.</summary>
    public static async Task<BenchReport> ReportAsync(BenchOptions options)
    {
        var result = await RunAsync(options, options.Orders > 0 ? options.Orders : 30_000, Math.Max(1, options.Clients), withTasks: false);
        var report = new BenchReport
        {
            ["name"] = "floor", ["store"] = options.Store, ["clients"] = options.Clients, ["hot"] = options.Hot, ["orders"] = result.Orders,
            ["orders_per_s"] = Math.Round(result.PerSecond), ["drain_ms"] = 0.0, // there is nobody behind it who would have to catch up
            ["cpu_ms_per_order"] = Math.Round(result.CpuMs / result.Orders, 3), ["floor_ratio"] = 1.0,
        };
        report.Latencies(result.GroupMilliseconds);
        return report;
    }

    /// <summary>Orders per second of the bare loop.</summary>
    /// <param name="withTasks">Also the rows that the site's consumer writes for each order: its part, picking task, items and reservations.</param>
    public static async Task<Result> RunAsync(BenchOptions options, int orders, int groupSize, bool withTasks)
    {
        await using var place = await BenchDatabase.MakeAsync(options with { Name = "floor" });
        await using var database = place.Open(TimeProvider.System);
        await using var node = await Node.OpenAsync(database);
        await using var session = await database.OpenAsync(readOnly: false, default);
        await PrepareAsync(session);
        var groups = Make(options, orders, groupSize);
        long number = 0;
        foreach (var group in groups.Take(Math.Max(1, groups.Count / 10))) await WriteAsync(session, group, ++number, withTasks);
        var measured = groups.Skip(Math.Max(1, groups.Count / 10)).ToList();
        var cpu = new CpuClock(null, place.Admin, countSelf: true);
        await cpu.StartAsync();
        var times = new List<double>(measured.Count);
        var clock = Stopwatch.StartNew();
        foreach (var group in measured)
        {
            var started = Stopwatch.GetTimestamp();
            await WriteAsync(session, group, ++number, withTasks);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        var written = measured.Sum(g => g.Count);
        return new Result(written / clock.Elapsed.TotalSeconds, times, await cpu.StopAsync(), written);
    }

    private static async Task PrepareAsync(SqlSession session)
    {
        await session.BeginAsync(snapshot: false, default);
        string[] skus = [.. Enumerable.Range(0, Workload.SpreadSkus).Select(Workload.SkuOf)];
        var n = skus.Length;
        await session.InsertAsync("allotments", n, Column.Of("sku", skus), Column.Same("site", n, "WH1"), Column.Same("epoch", n, 1),
            Column.Same("granted", n, 1_000_000_000L), Column.Same("consumed", n, 0L), Column.Same("withdrawn", n, 0L), Column.Same("promised", n, 0L),
            Column.Same("released", n, 0L), Column.Same("returned", n, 0L), Column.Same("on_hand", n, 1_000_000_000L), Column.Same("damaged", n, 0L),
            Column.Same("as_of", n, DateTimeOffset.UnixEpoch));
        await session.ExecuteAsync("""
            INSERT INTO lanes (id, name, scope, ordinal, incarnation, head_position, head_hash, opened_at) VALUES (3, 'hub/WH1', 'hub', 1, 1, 0, @hash, @now)
            """, new { hash = new byte[32], now = DateTimeOffset.UnixEpoch });
        await session.ExecuteAsync("INSERT INTO lane_writers (scope, writer, last_group, started_at) VALUES ('floor', @id, 0, @now)",
            new { id = Guid.Empty, now = DateTimeOffset.UnixEpoch });
        await FloorTasks.PrepareAsync(session, skus);
        await session.CommitAsync();
    }

    private static async Task WriteAsync(SqlSession session, Group group, long number, bool withTasks)
    {
        await session.BeginAsync(snapshot: false, default);
        await session.ExecuteAsync("UPDATE lanes SET head_position = head_position WHERE name = 'hub'");
        await session.UpdateAsync("allotments", "promised = allotments.promised + k.units", group.Skus.Length,
            [Column.Of("sku", group.Skus), Column.Same("site", group.Skus.Length, "WH1")], Column.Of("units", group.Units));
        await session.InsertAsync("people", group.Count, group.People);
        await session.InsertAsync("orders", group.Count, group.Orders);
        await session.InsertAsync("order_keys", group.Count, group.Keys);
        await session.InsertAsync("order_parts", group.Count, group.Parts);
        await session.WriteAsync("INSERT INTO order_counts (status, orders) VALUES (2, @orders) ON CONFLICT (status) DO UPDATE SET orders = order_counts.orders + excluded.orders",
            new { orders = (long)group.Count });
        for (var lane = 0; lane < group.Events.Length; lane++)
        {
            await session.InsertAsync("events", group.Count, group.Events[lane]);
            await session.WriteAsync("INSERT INTO event_groups (lane_id, first_position, count, incarnation, hash) VALUES (@lane, @first, @count, 1, @hash)",
                new { lane = lane == 0 ? 1 : 3, first = number * 1_000, count = group.Count, hash = new byte[32] });
            await session.WriteAsync("UPDATE lanes SET head_position = @position, head_hash = @hash WHERE id = @id",
                new { id = lane == 0 ? 1 : 3, position = number, hash = new byte[32] });
        }
        if (withTasks) await FloorTasks.WriteAsync(session, group.Tasks, group.Skus, group.Units, number);
        await session.WriteAsync("INSERT INTO lane_sequences (lane_id, kind, last) VALUES (1, 'order', @number) ON CONFLICT (lane_id, kind) DO UPDATE SET last = excluded.last",
            new { number });
        await session.WriteAsync("UPDATE lane_writers SET last_group = @number WHERE scope = 'floor' AND writer = @id", new { number, id = Guid.Empty });
        await session.CommitAsync();
    }

    private static List<Group> Make(BenchOptions options, int orders, int groupSize)
    {
        var ids = new IdSource(TimeProvider.System);
        var workload = new Workload(options.Hot, seed: 4711);
        var groups = new List<Group>();
        for (var done = 0; done < orders; done += groupSize)
        {
            var accepted = Enumerable.Range(done, Math.Min(groupSize, orders - done)).Select(i => AcceptOrder.From(workload.Order(i), ids).Value).ToArray();
            groups.Add(Make(accepted, done, ids, groups.Count + 1));
        }
        return groups;
    }

    private static Group Make(AcceptOrder[] orders, int before, IdSource ids, int groupNumber)
    {
        var n = orders.Length;
        var now = RowTypes.ToMicroseconds(TimeProvider.System.GetUtcNow());
        var sealedBytes = orders.Select(o => Personal.Encrypt(new byte[32], o.Personal, ids)).ToArray();
        var lines = orders.Select(o => o.Lines.Select(l => new PlacedLine(l.Sku, l.Quantity, l.UnitPrice!.Value.ToE4())).ToList()).ToArray();
        var totals = lines.Select(l => l.Sum(x => x.Quantity * x.UnitPriceE4)).ToArray();
        var decision = new RoutingDecision("most_stock", "WH1: the only site that has it", [new RoutingCandidate("WH1", 1e9, true, null, null, 3)]);
        var placed = orders.Select((o, i) => JsonSerializer.SerializeToUtf8Bytes(new OrderPlaced(o.Id, before + i, o.Channel, o.ExternalId, "ship", o.Priority, "EUR",
            totals[i], lines[i], [new PlacedPart(1, "WH1", o.Needs)], decision, o.PersonId, sealedBytes[i], null, null), EventJson.Info<OrderPlaced>())).ToArray();
        var assigned = orders.Select((o, i) => JsonSerializer.SerializeToUtf8Bytes(new PartAssigned(o.Id, 1, before + i, o.Channel, o.ExternalId, "ship", o.Priority,
            o.Needs, o.PersonId, sealedBytes[i], null, false), EventJson.Info<PartAssigned>())).ToArray();
        var sums = orders.SelectMany(o => o.Needs).GroupBy(s => s.Sku).Select(g => (g.Key, Units: g.Sum(x => (long)x.Quantity))).ToArray();
        Column[] Events(int lane, string type, byte[][] payloads) =>
        [
            Column.Same("lane_id", n, lane), Column.Of("position", Enumerable.Range(0, n).Select(i => groupNumber * 1_000L + i).ToArray()),
            Column.Of("id", orders.Select(_ => ids.Next()).ToArray()), Column.Same("type", n, type), Column.From("subject", orders, o => o.Id.ToString()),
            Column.From("order_id", orders, o => (Guid?)o.Id), Column.Same("at", n, now), Column.Same("actor", n, "bench"),
            Column.Same<string?>("trace", n, null), Column.Of("payload", payloads),
        ];
        return new Group(
        [
            Column.From("id", orders, o => o.Id), Column.Of("number", Enumerable.Range(0, n).Select(i => (long)before + i).ToArray()),
            Column.From("channel", orders, o => o.Channel), Column.From("external_id", orders, o => o.ExternalId), Column.Same("status", n, 2),
            Column.Same("fulfillment_type", n, 1), Column.Same("priority", n, 2), Column.Same("currency", n, "EUR"), Column.Of("total_e4", totals),
            Column.Of("lines", lines.Select(l => JsonSerializer.Serialize(l, ContractsJson.Default.ListPlacedLine)).ToArray()),
            Column.From("person_id", orders, o => o.PersonId), Column.Of("personal", sealedBytes), Column.Same<double?>("latitude", n, null),
            Column.Same<double?>("longitude", n, null), Column.Same<string?>("pickup_site", n, null), Column.Same<string?>("note", n, null),
            Column.Same("on_hold", n, false), Column.Same("cancelling", n, false), Column.Same("placed_at", n, now), Column.Same<string?>("slot", n, null),
        ],
        [
            Column.From("channel", orders, o => o.Channel), Column.From("external_id", orders, o => o.ExternalId), Column.From("order_id", orders, o => o.Id),
            Column.From("request_hash", orders, o => o.RequestHash),
        ],
        [
            Column.From("order_id", orders, o => o.Id), Column.Same("part", n, 1), Column.Same("site", n, "WH1"), Column.Same("status", n, 2),
            Column.From("lines", orders, o => JsonSerializer.Serialize([.. o.Needs], ContractsJson.Default.ListSkuUnits)), Column.Same("reroutes", n, 0),
            Column.Same("made", n, false),
        ],
        [
            Column.From("person_id", orders, o => o.PersonId), Column.From("key", orders, _ => new byte[32]), Column.Same("created_at", n, now),
        ],
        [Events(1, OrderPlaced.Type, placed), Events(3, PartAssigned.Type, assigned)], [.. sums.Select(s => s.Key)], [.. sums.Select(s => s.Units)], n,
            FloorTasks.Make(orders, before, sealedBytes, ids, groupNumber, now));
    }
}
