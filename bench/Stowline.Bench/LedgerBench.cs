using System.Diagnostics;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

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
        return report;
    }
}
