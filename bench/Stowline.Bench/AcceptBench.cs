using System.Diagnostics;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Bench;

/// <summary>
/// Accepting orders in process: checked, routed, promised, durable and – because every answer waits for the consumers one hop on – with their
/// picking tasks made. Timed until the consumers have drained.
/// </summary>
internal static class AcceptBench
{
    /// <summary>With the site's consumers, which make the picking tasks.</summary>
    public static Task<BenchReport> InProcessAsync(BenchOptions options, Action<string> say) => RunAsync(options, null, node => BenchStock.FillAsync(node), say);

    /// <summary>The accept path alone: the hub's modules only, the stock granted by a site that is elsewhere.</summary>
    public static Task<BenchReport> AloneAsync(BenchOptions options, Action<string> say) =>
        RunAsync(options, [new CatalogModule(), new PromisingModule(), new OrderingModule()], BenchStock.GrantAsync, say);

    private static async Task<BenchReport> RunAsync(BenchOptions options, IReadOnlyList<Module>? modules, Func<Node, Task> fill, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var node = await Node.OpenAsync(place.Open(TimeProvider.System), modules: modules);
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        await fill(node);
        var workload = new Workload(options.Hot);
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        var next = 0;

        async Task<double> OneAsync()
        {
            var n = Interlocked.Increment(ref next);
            var body = workload.Order(n);
            var started = Stopwatch.GetTimestamp();
            var order = AcceptOrder.From(body, node.Ids);
            var result = await intake.AcceptAsync(order.Value, Caller.System);
            if (!result.Outcome.IsOk) throw new InvalidOperationException(result.Outcome.Refusal!.Detail);
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        var total = options.Orders > 0 ? options.Orders : options.Clients == 1 ? 4_000 : 40_000;
        await ClosedLoop.RunAsync(options.Clients, Math.Max(options.Clients * 20, total / 10), 0, OneAsync);
        await DrainAsync(node);
        say("warm");
        using var groups = new GroupSizes();
        var cpu = new CpuClock(null, place.Admin, countSelf: true);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        var latencies = await ClosedLoop.RunAsync(options.Clients, total, options.Seconds, OneAsync);
        var accepted = clock.Elapsed;
        await DrainAsync(node);
        var drained = clock.Elapsed;
        var report = Report(options, latencies, accepted, drained, await cpu.StopAsync());
        report["group_size"] = Math.Round(groups.Average, 1);
        return report;
    }

    public static BenchReport Report(BenchOptions options, List<double> latencies, TimeSpan accepted, TimeSpan drained, double cpuMs)
    {
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients, ["in_process"] = options.InProcess, ["hot"] = options.Hot,
            ["orders"] = latencies.Count, ["orders_per_s"] = Math.Round(latencies.Count / drained.TotalSeconds),
            ["drain_ms"] = Math.Round((drained - accepted).TotalMilliseconds, 1), ["cpu_ms_per_order"] = Math.Round(cpuMs / latencies.Count, 3),
        };
        report.Latencies(latencies);
        return report;
    }

    public static async Task DrainAsync(Node node)
    {
        var wait = new Signal();
        while (!node.IsDrained) await wait.WaitAsync(TimeSpan.FromMilliseconds(2), TimeProvider.System, default);
    }
}

/// <summary>Callers that each wait for their answer before the next call.</summary>
internal static class ClosedLoop
{
    /// <summary>Runs until <paramref name="total"/> calls, or for so many seconds, were made; answers their latencies in milliseconds.</summary>
    public static async Task<List<double>> RunAsync(int clients, int total, int seconds, Func<Task<double>> one)
    {
        var left = seconds > 0 ? int.MaxValue : total;
        var end = Stopwatch.GetTimestamp() + seconds * Stopwatch.Frequency;
        var all = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            var mine = new List<double>();
            while (Interlocked.Decrement(ref left) >= 0 && (seconds == 0 || Stopwatch.GetTimestamp() < end)) mine.Add(await one());
            return mine;
        })));
        return [.. all.SelectMany(l => l)];
    }
}
