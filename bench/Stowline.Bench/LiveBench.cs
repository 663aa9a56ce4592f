using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Stowline.Bench;

/// <summary>
/// How old news is when it is seen: orders come at a steady rate over HTTP, and for each the time is taken from its 201 to the frame at a
/// client that follows <c>orders</c>. Meanwhile many others follow too, and one of them never reads. All on the same cores.
/// </summary>
internal static partial class LiveBench
{
    public const int DefaultFollowers = 200;
    private const int DefaultRate = 500;
    private const int Connections = 48;
    private const int WarmSeconds = 3;

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var server = await ServerProcess.StartAsync(options.Executable, place);
        using var http = new HttpClient { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        await AcceptHttpBench.FillAsync(http);
        var seen = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        await using var watcher = await LiveFollower.ConnectAsync(server.Address, "orders", bytes => Note(bytes, seen));
        var others = await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(i => LiveFollower.ConnectAsync(server.Address, TopicOf(i, options), deaf: i == 0)));
        say($"{others.Length} others follow");

        var workload = new Workload(options.Hot);
        var connections = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => BareHttp.ConnectAsync(server.Address)));
        var orders = new SteadyOrders(Connections, options.Rate > 0 ? options.Rate : DefaultRate, async (caller, n) =>
        {
            var body = workload.Order(n);
            var (status, text) = await connections[caller].SendAsync("POST", "/api/v1/orders", workload.Json(n));
            return status == 201 ? body.ExternalId! : throw new InvalidOperationException($"{status}: {text}");
        });
        await orders.RunAsync(TimeSpan.FromSeconds(WarmSeconds));
        orders.Forget();
        var before = others.Sum(o => o.Bytes);
        var cpu = new CpuClock(server.Pid, place.Admin, countSelf: false);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        await orders.RunAsync(TimeSpan.FromSeconds(options.Seconds > 0 ? options.Seconds : 20));
        var took = clock.Elapsed;
        var cpuMs = await cpu.StopAsync();
        var bytes = others.Sum(o => o.Bytes) - before;
        var latencies = await orders.ArrivedAsync(seen);
        var metrics = await http.GetStringAsync(new Uri(server.Address, "/metrics"));
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients, ["topics"] = options.Mix ? "mixed" : "orders",
            ["orders"] = latencies.Count, ["orders_per_s"] = Math.Round(latencies.Count / took.TotalSeconds), ["late_orders"] = orders.Late,
            ["answer_p99_ms"] = orders.AnswerAt(0.99),
            ["cpu_ms_per_order"] = Math.Round(cpuMs / latencies.Count, 3), ["mb_per_s"] = Math.Round(bytes / took.TotalSeconds / 1_000_000, 1),
            ["dropped"] = DroppedIn(metrics),
            ["lost_others"] = others.Skip(1).Count(o => o.Ended), ["floor_ratio"] = null,
        };
        report.Latencies(latencies);
        foreach (var other in others) await other.DisposeAsync();
        foreach (var connection in connections) await connection.DisposeAsync();
        return report;
    }

    /// <summary>The hard case is that all want the same; the mix is what a firm's screens show.</summary>
    private static string TopicOf(int i, BenchOptions options) => !options.Mix ? "orders" : (i % 4) switch { 0 or 1 => "orders", 2 => "picking/WH1", _ => "alerts" };

    private static void Note(ReadOnlySpan<byte> text, ConcurrentDictionary<string, long> seen) => Note(text, ExternalId, seen);

    /// <summary>Remembers when each value of a field was first seen.</summary>
    /// <param name="field">With its quotes and the value's first.</param>
    public static void Note(ReadOnlySpan<byte> text, ReadOnlySpan<byte> field, ConcurrentDictionary<string, long> seen)
    {
        var now = Stopwatch.GetTimestamp();
        while (text.IndexOf(field) is >= 0 and var at)
        {
            text = text[(at + field.Length)..];
            var end = text.IndexOf((byte)'"');
            if (end < 0) return;
            seen.TryAdd(System.Text.Encoding.UTF8.GetString(text[..end]), now);
        }
    }

    private static ReadOnlySpan<byte> ExternalId => "\"external_id\":\""u8;

    /// <summary>Frames that slow screens were not sent, by the server's own count.</summary>
    public static long DroppedIn(string metrics) => Dropped().Match(metrics) is { Success: true } match ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("(?m)^stowline_live_dropped_total(?:\\{[^}]*\\})? (\\d+)")]
    private static partial Regex Dropped();
}
