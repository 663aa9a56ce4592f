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
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);

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

        var orders = new OrderStream(server.Address, new Workload(options.Hot), options.Rate > 0 ? options.Rate : DefaultRate);
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
        var latencies = await ArrivedAsync(orders.Answered, seen);
        var metrics = await http.GetStringAsync(new Uri(server.Address, "/metrics"));
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients, ["topics"] = options.Mix ? "mixed" : "orders",
            ["orders"] = latencies.Count, ["orders_per_s"] = Math.Round(latencies.Count / took.TotalSeconds), ["late_orders"] = orders.Late,
            ["answer_p99_ms"] = Math.Round(orders.AnswerMs.Order().ElementAt((int)(0.99 * orders.AnswerMs.Count)), 2),
            ["cpu_ms_per_order"] = Math.Round(cpuMs / latencies.Count, 3), ["mb_per_s"] = Math.Round(bytes / took.TotalSeconds / 1_000_000, 1),
            ["dropped"] = Dropped().Match(metrics) is { Success: true } match ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0,
            ["lost_others"] = others.Skip(1).Count(o => o.Ended), ["floor_ratio"] = null,
        };
        report.Latencies(latencies);
        foreach (var other in others) await other.DisposeAsync();
        await orders.DisposeAsync();
        return report;
    }

    /// <summary>The hard case is that all want the same; the mix is what a firm's screens show.</summary>
    private static string TopicOf(int i, BenchOptions options) => !options.Mix ? "orders" : (i % 4) switch { 0 or 1 => "orders", 2 => "picking/WH1", _ => "alerts" };

    private static void Note(ReadOnlySpan<byte> text, ConcurrentDictionary<string, long> seen)
    {
        var now = Stopwatch.GetTimestamp();
        while (text.IndexOf(ExternalId) is >= 0 and var at)
        {
            text = text[(at + ExternalId.Length)..];
            var end = text.IndexOf((byte)'"');
            if (end < 0) return;
            seen.TryAdd(System.Text.Encoding.UTF8.GetString(text[..end]), now);
        }
    }

    private static ReadOnlySpan<byte> ExternalId => "\"external_id\":\""u8;

    /// <summary>Milliseconds from the answer to the frame, 0 where the frame was first. Waits for the frames that are still on their way.</summary>
    private static async Task<List<double>> ArrivedAsync(ConcurrentDictionary<string, long> answered, ConcurrentDictionary<string, long> seen)
    {
        using var patience = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var end = Stopwatch.GetTimestamp() + 30 * Stopwatch.Frequency;
        while (answered.Keys.Any(k => !seen.ContainsKey(k)))
        {
            if (Stopwatch.GetTimestamp() > end) throw new InvalidOperationException($"{answered.Keys.Count(k => !seen.ContainsKey(k))} orders were never shown");
            await patience.WaitForNextTickAsync();
        }
        return [.. answered.Select(a => Math.Max(0, Stopwatch.GetElapsedTime(a.Value, seen[a.Key]).TotalMilliseconds))];
    }

    [GeneratedRegex("(?m)^stowline_live_dropped_total(?:\\{[^}]*\\})? (\\d+)")]
    private static partial Regex Dropped();

    /// <summary>Orders at a steady rate, whatever the answers take; <see cref="Late"/> counts those that found no connection free in time.</summary>
    private sealed class OrderStream(Uri server, Workload workload, int rate) : IAsyncDisposable
    {
        private readonly ConcurrentBag<BareHttp> _idle = [];
        private int _next;

        /// <summary>External id → when its 201 had been read.</summary>
        public ConcurrentDictionary<string, long> Answered { get; } = new(StringComparer.Ordinal);
        public ConcurrentBag<double> AnswerMs { get; } = [];
        public int Late { get; private set; }

        public async Task RunAsync(TimeSpan time)
        {
            while (_idle.Count < Connections) _idle.Add(await BareHttp.ConnectAsync(server));
            using var beat = new PeriodicTimer(Beat);
            var clock = Stopwatch.StartNew();
            var sent = 0;
            var running = new List<Task>();
            while (clock.Elapsed < time)
            {
                for (var due = (int)(clock.Elapsed.TotalSeconds * rate); sent < due; sent++)
                {
                    if (_idle.TryTake(out var connection)) running.Add(SendAsync(connection, Interlocked.Increment(ref _next)));
                    else Late++;
                }
                await beat.WaitForNextTickAsync();
            }
            await Task.WhenAll(running);
        }

        private async Task SendAsync(BareHttp connection, int n)
        {
            var body = workload.Order(n);
            var started = Stopwatch.GetTimestamp();
            var (status, text) = await connection.SendAsync("POST", "/api/v1/orders", workload.Json(n));
            if (status != 201) throw new InvalidOperationException($"{status}: {text}");
            Answered[body.ExternalId!] = Stopwatch.GetTimestamp();
            AnswerMs.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            _idle.Add(connection);
        }

        /// <summary>What came before was the warm-up.</summary>
        public void Forget()
        {
            Answered.Clear();
            AnswerMs.Clear();
            Late = 0;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in _idle) await connection.DisposeAsync();
        }
    }
}
