using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Bench.Fill;
using Stowline.Kernel;

namespace Stowline.Bench;

/// <summary>
/// Reads a filled node over HTTP as operators and workers do: every list with its filters, page by page, single orders, stock and availability.
/// Also how long the node takes to be ready, how much memory it wants, and whether it accepts orders as fast as an empty one.
/// </summary>
internal static class PagesBench
{
    private const int Calls = 200;
    private const int AcceptRounds = 2;

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = BenchDatabase.Existing(options);
        var clock = Stopwatch.StartNew();
        await using var server = await ServerProcess.StartAsync(options.Executable, place);
        using var http = new HttpClient { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        while (!(await http.GetAsync("/health/ready")).IsSuccessStatusCode) await Task.Yield();
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["ready_s"] = Math.Round(clock.Elapsed.TotalSeconds, 2), ["rss_start_mb"] = server.MegabytesOf("VmRSS"),
        };
        var first = await http.GetFromJsonAsync<JsonElement>("orders?limit=1");
        var newest = first.GetProperty("items")[0];
        report["orders"] = newest.GetProperty("number").GetInt64();
        var (worst, costliest) = (0d, 0d);
        await MeasureAsync(http, _ => "orders?limit=50"); // the first calls of a fresh process are spent on compiling
        foreach (var (name, paths) in Cases(newest.GetProperty("number").GetInt64(), newest.GetProperty("placed_at").GetDateTimeOffset()))
        {
            var cpu = new CpuClock(server.Pid, place.Admin, countSelf: false);
            await cpu.StartAsync();
            var (p50, p99, items) = await MeasureAsync(http, paths);
            var each = await cpu.StopAsync() / Calls;
            report["pages." + name] = FormattableString.Invariant($"{p50:0.0} / {p99:0.0} ms, {each:0.00} ms of processor time, {items} items");
            (worst, costliest) = (Math.Max(worst, p99), Math.Max(costliest, each));
            say(FormattableString.Invariant($"{name}: p50 {p50:0.0}, p99 {p99:0.0} ms, cpu {each:0.00} ms, {items} items"));
        }
        report["pages_worst_p99_ms"] = Math.Round(worst, 1);
        report["pages_most_cpu_ms"] = Math.Round(costliest, 2);
        if (options.Orders >= 0) await CompareIntakeAsync(options, place, server, report, say);
        report["rss_peak_mb"] = server.MegabytesOf("VmHWM");
        return report;
    }

    /// <summary>Each list with the filters that people combine, and those that an index serves worst: two that are rare, and two that exclude each other.</summary>
    private static IEnumerable<(string Name, Func<int, string> Path)> Cases(long orders, DateTimeOffset newest)
    {
        string[] statuses = ["backorder", "allocated", "picking", "packing", "ready", "shipped", "delivered", "cancelled", "cancelling"];
        yield return ("orders", _ => "orders?limit=50");
        yield return ("orders.200", _ => "orders?limit=200");
        yield return ("orders.deep", n => $"orders?limit=50&cursor={IdAt(newest.AddDays(-n))}");
        foreach (var status in statuses) yield return ($"orders.{status}", _ => $"orders?limit=50&status={status}");
        foreach (var site in FillPlan.Sites) yield return ($"orders.{site}", _ => $"orders?limit=50&site={site}");
        foreach (var channel in FillPlan.Channels) yield return ($"orders.{channel}", _ => $"orders?limit=50&channel={channel}");
        foreach (var status in statuses)
        {
            yield return ($"orders.{status}.rare_site", _ => $"orders?limit=50&status={status}&site={FillPlan.RareSite}");
            yield return ($"orders.{status}.rare_channel", _ => $"orders?limit=50&status={status}&channel={FillPlan.RareChannel}");
        }
        yield return ("orders.rare_site.rare_channel", _ => $"orders?limit=50&site={FillPlan.RareSite}&channel={FillPlan.RareChannel}");
        yield return ("orders.three", _ => "orders?limit=50&status=cancelled&site=WH3&channel=phone");
        yield return ("orders.since", n => $"orders?limit=50&since={newest.AddDays(-n - 1):yyyy-MM-dd}T00:00:00Z&status=ready");
        yield return ("orders.external_id", n => $"orders?external_id=F-{n * 7919 % orders:D9}");
        yield return ("order.number", n => $"orders/{n * 7919 % orders + 1}");
        yield return ("order.external", n => $"orders/web:F-{n * 7919 % orders:D9}");
        yield return ("timeline", n => $"orders/{n * 7919 % orders + 1}/timeline");
        foreach (var tasks in new[] { "picking-tasks", "packing-tasks" })
        {
            yield return (tasks, _ => $"{tasks}?limit=50");
            yield return ($"{tasks}.site", _ => $"{tasks}?limit=50&site=WH1");
            yield return ($"{tasks}.rare_site", _ => $"{tasks}?limit=50&site={FillPlan.RareSite}");
            foreach (var status in new[] { "pending", "in_progress", "cancelled", tasks == "picking-tasks" ? "assigned" : "packed" })
            {
                yield return ($"{tasks}.{status}", _ => $"{tasks}?limit=50&status={status}");
                yield return ($"{tasks}.{status}.site", _ => $"{tasks}?limit=50&status={status}&site=WH1");
                yield return ($"{tasks}.{status}.worker", n => $"{tasks}?limit=50&status={status}&worker=worker-{n % 40}");
            }
            yield return ($"{tasks}.worker", n => $"{tasks}?limit=50&worker=worker-{n % 40}");
            yield return ($"{tasks}.no_such_worker", _ => $"{tasks}?limit=50&worker=nobody");
        }
        yield return ("shipments", _ => "shipments?limit=50");
        yield return ("shipments.rare_site", _ => $"shipments?limit=50&site={FillPlan.RareSite}");
        yield return ("stock", _ => "sites/WH1/stock?limit=50");
        yield return ("stock.sku", n => $"sites/WH1/stock?sku={Workload.SkuOf(n)}");
        yield return ("movements", _ => "sites/WH1/movements?limit=50");
        yield return ("movements.sku", n => $"sites/WH1/movements?limit=50&sku={Workload.SkuOf(n)}");
        yield return ("movements.since", _ => $"sites/WH1/movements?limit=50&since={newest.AddDays(1):yyyy-MM-dd}T00:00:00Z");
        yield return ("availability", _ => "availability?limit=50");
        yield return ("availability.sku", n => $"availability?sku={Workload.SkuOf(n)}");
        yield return ("products", _ => "products?limit=50");
        yield return ("sites", _ => "sites?limit=50");
    }

    /// <summary>Calls one after another, each going on from the page before; from the start again where there is no next page.</summary>
    private static async Task<(double P50, double P99, int Items)> MeasureAsync(HttpClient http, Func<int, string> path)
    {
        var times = new List<double>(Calls);
        var items = -1;
        string? cursor = null;
        for (var n = -5; n < Calls; n++)
        {
            var at = path(Math.Max(0, n)) + (cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor));
            var started = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(at);
            var body = await answer.Content.ReadAsByteArrayAsync();
            if (n >= 0) times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (answer.StatusCode == System.Net.HttpStatusCode.NotFound) continue; // an order of another channel
            answer.EnsureSuccessStatusCode();
            using var json = JsonDocument.Parse(body);
            if (items < 0) items = json.RootElement.TryGetProperty("items", out var list) ? list.GetArrayLength() : 1;
            cursor = !at.Contains("cursor=", StringComparison.Ordinal) || cursor is not null
                ? json.RootElement.TryGetProperty("next_cursor", out var next) ? next.GetString() : null : null;
        }
        times.Sort();
        return (times[Calls / 2], times[Calls * 99 / 100], items);
    }

    /// <summary>Accepts orders here and at an empty node in turn: on a busy machine only the ratio says something.</summary>
    private static async Task CompareIntakeAsync(BenchOptions options, BenchDatabase place, ServerProcess full, BenchReport report, Action<string> say)
    {
        await using var emptyPlace = await BenchDatabase.MakeAsync(options);
        await using var empty = await ServerProcess.StartAsync(options.Executable, emptyPlace);
        using var http = new HttpClient { BaseAddress = new Uri(empty.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        await AcceptHttpBench.FillAsync(http);
        var rates = new List<(double Full, double Empty, double FullCpu, double EmptyCpu)>();
        for (var round = 0; round < AcceptRounds; round++)
        {
            var seed = (int)(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() % 1_000_000_000) + round;
            var here = await AcceptHttpBench.MeasureAsync(options, place, full, new Workload(options.Hot, seed), say);
            var there = await AcceptHttpBench.MeasureAsync(options, emptyPlace, empty, new Workload(options.Hot, seed), say);
            rates.Add(((double)here["orders_per_s"]!, (double)there["orders_per_s"]!, (double)here["cpu_ms_per_order"]!, (double)there["cpu_ms_per_order"]!));
        }
        report["accept_full_per_s"] = Math.Round(rates.Average(r => r.Full));
        report["accept_empty_per_s"] = Math.Round(rates.Average(r => r.Empty));
        report["accept_ratio"] = Math.Round(rates.Average(r => r.Full) / rates.Average(r => r.Empty), 2);
        report["accept_full_cpu_ms"] = Math.Round(rates.Average(r => r.FullCpu), 3);
        report["accept_empty_cpu_ms"] = Math.Round(rates.Average(r => r.EmptyCpu), 3);
    }

    private static Guid IdAt(DateTimeOffset time)
    {
        var clock = new FillClock(time);
        return new IdSource(clock, seed: 1).Next();
    }
}
