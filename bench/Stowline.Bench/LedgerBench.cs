using System.Diagnostics;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Bench;

/// <summary>Movements per second: units moved between bins, one command each, over 1,000 SKUs and 100 bins.</summary>
internal static class LedgerBench
{
    private const int Bins = 100;

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var node = await Node.OpenAsync(place.Open(TimeProvider.System));
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        await BenchStock.FillAsync(node);
        await BenchStock.BinsAsync(node, Bins);
        var next = 0;

        async Task<double> OneAsync()
        {
            var n = Interlocked.Increment(ref next);
            var started = Stopwatch.GetTimestamp();
            // From RECEIVING into a bin: always enough there, and the rows in the bins grow with the run, as they do in a warehouse.
            var body = new MoveBody(Workload.SkuOf(n % Workload.SpreadSkus), 1 + n % 5, StockBook.Receiving, BenchStock.BinOf(n * 7 % Bins), null, null);
            var result = await node.Lanes.ExecuteAsync(Lane.Site("WH1"), Caller.System, tx => MoveStock.DecideAsync("WH1", body, tx), render: null, hops: 0, default);
            if (!result.Outcome.IsOk) throw new InvalidOperationException(result.Outcome.Refusal!.Detail);
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        var total = options.Orders > 0 ? options.Orders : 30_000;
        await ClosedLoop.RunAsync(options.Clients, total / 10, 0, OneAsync);
        await AcceptBench.DrainAsync(node);
        say("warm");
        var cpu = new CpuClock(null, place.Admin, countSelf: true);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        var latencies = await ClosedLoop.RunAsync(options.Clients, total, options.Seconds, OneAsync);
        var done = clock.Elapsed;
        await AcceptBench.DrainAsync(node);
        var report = AcceptBench.Report(options with { InProcess = true }, latencies, done, clock.Elapsed, await cpu.StopAsync());
        report["movements_per_s"] = report["orders_per_s"];
        var floor = await FloorAsync(options, Math.Max(1, options.Clients / 2));
        report["floor_movements_per_s"] = Math.Round(floor);
        report["floor_ratio"] = Math.Round((double)report["orders_per_s"]! / floor, 3);
        return report;
    }

    /// <summary>The rows of a move by the barest loop: the movement, the two stock rows, its event.</summary>
    private static async Task<double> FloorAsync(BenchOptions options, int groupSize)
    {
        const int Groups = 400;
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var database = place.Open(TimeProvider.System);
        await using var node = await Node.OpenAsync(database);
        await using var session = await database.OpenAsync(readOnly: false, default);
        var payload = new byte[420]; // what a stock.moved of one movement takes
        var now = RowTypes.ToMicroseconds(TimeProvider.System.GetUtcNow());
        var clock = Stopwatch.StartNew();
        for (var g = 0; g < Groups; g++)
        {
            if (g == Groups / 10) clock.Restart();
            var numbers = Enumerable.Range(0, groupSize).Select(i => 1L + g * groupSize + i).ToArray();
            var skus = numbers.Select(n => Workload.SkuOf((int)(n % Workload.SpreadSkus))).Distinct().ToArray();
            await session.BeginAsync(snapshot: false, default);
            await session.ExecuteAsync("UPDATE lanes SET head_position = head_position WHERE name = 'hub'");
            foreach (var bin in new[] { StockBook.Receiving, BenchStock.BinOf(g % Bins) })
                await session.UpsertAsync("stock", "site, sku, bin, lot", "on_hand = stock.on_hand + 1", skus.Length, Column.Same("site", skus.Length, "WH1"), Column.Of("sku", skus),
                    Column.Same("bin", skus.Length, bin), Column.Same("lot", skus.Length, ""), Column.Same("on_hand", skus.Length, 1L), Column.Same("reserved", skus.Length, 0L),
                    Column.Same("damaged", skus.Length, 0L), Column.Same("blocked", skus.Length, 0L), Column.Same("pickable", skus.Length, true),
                    Column.Same("bin_order", skus.Length, bin), Column.Same("received_at", skus.Length, now));
            await session.InsertAsync("movements", groupSize, Column.Same("site", groupSize, "WH1"), Column.Of("number", numbers),
                Column.From("id", numbers, _ => node.Ids.Next()), Column.Same("kind", groupSize, 4), Column.From("sku", numbers, n => Workload.SkuOf((int)(n % Workload.SpreadSkus))),
                Column.Same("lot", groupSize, ""), Column.Same("from_bin", groupSize, StockBook.Receiving), Column.Same("to_bin", groupSize, BenchStock.BinOf(g % Bins)),
                Column.Same("quantity", groupSize, 1L), Column.Same("actor", groupSize, "bench"), Column.Same("at", groupSize, now));
            await session.InsertAsync("events", groupSize, Column.Same("lane_id", groupSize, 1), Column.Of("position", numbers), Column.From("id", numbers, _ => node.Ids.Next()),
                Column.Same("type", groupSize, StockMoved.Type), Column.Same("subject", groupSize, "stock/WH1"), Column.Same("at", groupSize, now),
                Column.Same("actor", groupSize, "bench"), Column.Same("payload", groupSize, payload));
            await session.CommitAsync();
        }
        return groupSize * (Groups - Groups / 10) / clock.Elapsed.TotalSeconds;
    }
}
