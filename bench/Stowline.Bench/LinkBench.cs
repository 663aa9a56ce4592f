using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Stowline.Bench;

/// <summary>
/// A hub and the node of its site as two processes, with the real link between them over a line that can be cut. Three questions: does the site work as fast cut off as connected; how old
/// is what the hub knows of it at a steady rate; and how long does it take after a long cut until the hub has caught up, while it goes on taking orders.
/// </summary>
internal static class LinkBench
{
    private const string Site = "WH2";
    private const int Skus = 200;
    private const int Bins = 50;
    private const int Rounds = 3;
    private const int OrderRate = 100;
    private const int OrderCallers = 32;

    /// <summary>The two nodes, what is between them, and the callers at the site.</summary>
    private sealed record Stage(ServerProcess Hub, ServerProcess Site, LinkLine Line, LinkWatcher Watcher, ConcurrentBag<BareHttp> Idle, int Seconds)
    {
        private int _next;

        /// <summary>One movement at the site: every other a correction, of which the hub's counters hear, and every other a move, which changes only where things are.</summary>
        public async Task<double> OneAsync()
        {
            var n = Interlocked.Increment(ref _next);
            var started = Stopwatch.GetTimestamp();
            await SendAsync(n);
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        public async Task SendAsync(int n)
        {
            if (!Idle.TryTake(out var caller)) throw new InvalidOperationException("more callers than connections");
            var sku = SkuOf(n / 2 % Skus);
            var (status, text) = n % 2 == 0
                ? await caller.SendAsync("POST", $"/api/v1/sites/{LinkBench.Site}/adjustments", JsonSerializer.SerializeToUtf8Bytes(new { sku, bin = "RECEIVING", delta = 1, reason = "bench" }))
                : await caller.SendAsync("POST", $"/api/v1/sites/{LinkBench.Site}/moves", JsonSerializer.SerializeToUtf8Bytes(new { sku, quantity = 1, from_bin = "RECEIVING", to_bin = BinOf(n / 2 * 7 % Bins) }));
            Idle.Add(caller);
            if (status != 201) throw new InvalidOperationException($"{status}: {text}");
        }
    }

    private static string SkuOf(int i) => $"LINK-{i:000}";
    private static string BinOf(int i) => $"B-{i:00}";

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var hubPlace = await BenchDatabase.MakeAsync(options);
        await using var hub = await ServerProcess.StartAsync(options.Executable, hubPlace);
        using var atHub = ClientOf(hub);
        await Must(atHub.PostAsJsonAsync("products/bulk", new
        {
            items = Enumerable.Range(0, Skus).Select(i => new { sku = SkuOf(i), name = SkuOf(i), price = new { amount = "9.99", currency = "EUR" } }),
        }));
        var joined = await Must(atHub.PostAsync($"sites/{Site}/join", null));
        await using var line = new LinkLine(hub.Address.Port);
        await using var sitePlace = await BenchDatabase.MakeAsync(options with { Store = "sqlite" });
        await using var site = await ServerProcess.StartAsync(options.Executable, sitePlace,
            "--site", Site, "--hub", $"http://127.0.0.1:{line.Port}", "--key", joined.GetProperty("key").GetString()!);
        await FillAsync(site);
        await using var hubDatabase = hubPlace.Open(TimeProvider.System);
        await using var siteDatabase = sitePlace.Open(TimeProvider.System);
        var callers = await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(_ => BareHttp.ConnectAsync(site.Address)));
        var stage = new Stage(hub, site, line, new LinkWatcher(hubDatabase, siteDatabase, Site), [.. callers], options.Seconds > 0 ? options.Seconds : 10);
        await stage.Watcher.SettleAsync();
        await ClosedLoop.RunAsync(options.Clients, 5_000, 0, stage.OneAsync);
        await stage.Watcher.SettleAsync();
        say("warm");
        var report = new BenchReport { ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients };
        await CutOffAsync(stage, options.Clients, report, say);
        await DelayAsync(stage, options.Rate > 0 ? options.Rate : 500, report, say);
        await BacklogAsync(stage, options.Clients, options.Orders > 0 ? options.Orders : 100_000, report, say);
        foreach (var caller in callers) await caller.DisposeAsync();
        return report;
    }

    private static HttpClient ClientOf(ServerProcess server) => new() { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };

    private static async Task<JsonElement> Must(Task<HttpResponseMessage> sending)
    {
        using var answer = await sending;
        var text = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException($"{(int)answer.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Bins and goods at the site, as soon as it has heard of the products.</summary>
    private static async Task FillAsync(ServerProcess site)
    {
        using var http = ClientOf(site);
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await Must(http.GetAsync($"products?limit={Skus}"))).GetProperty("items").GetArrayLength() < Skus) await beat.WaitForNextTickAsync();
        await Must(http.PutAsJsonAsync($"sites/{Site}/zones/B", new { type = "storage" }));
        await Must(http.PostAsJsonAsync($"sites/{Site}/bins/bulk", new { items = Enumerable.Range(0, Bins).Select(i => new { bin = BinOf(i), zone = "B" }) }));
        await Must(http.PostAsJsonAsync($"sites/{Site}/receipts", new { reference = "bench", lines = Enumerable.Range(0, Skus).Select(i => new { sku = SkuOf(i), quantity = 10_000_000 }) }));
    }

    /// <summary>The same work connected and cut off, in turn.</summary>
    private static async Task CutOffAsync(Stage stage, int clients, BenchReport report, Action<string> say)
    {
        var (connected, cut) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            connected.Add(await PerSecondAsync(stage, clients));
            await stage.Watcher.SettleAsync();
            stage.Line.Cut();
            cut.Add(await PerSecondAsync(stage, clients));
            stage.Line.Heal();
            await stage.Watcher.SettleAsync();
            say($"connected {connected[^1]:0}/s, cut off {cut[^1]:0}/s");
        }
        (connected, cut) = ([.. connected.Order()], [.. cut.Order()]);
        report["connected_per_s"] = Math.Round(connected[Rounds / 2]);
        report["cut_off_per_s"] = Math.Round(cut[Rounds / 2]);
        report["cut_off_ratio"] = Math.Round(cut[Rounds / 2] / connected[Rounds / 2], 3);
    }

    private static async Task<double> PerSecondAsync(Stage stage, int clients)
    {
        var clock = Stopwatch.StartNew();
        var done = await ClosedLoop.RunAsync(clients, 0, stage.Seconds, stage.OneAsync);
        return done.Count / clock.Elapsed.TotalSeconds;
    }

    /// <summary>How long after its commit at the site an event has its effects at the hub.</summary>
    private static async Task DelayAsync(Stage stage, int rate, BenchReport report, Action<string> say)
    {
        var events = new SteadyOrders(stage.Idle.Count, rate, async (_, n) =>
        {
            await stage.SendAsync(n);
            return n.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        using var stop = new CancellationTokenSource();
        var watching = stage.Watcher.WatchAsync(stop.Token);
        await events.RunAsync(TimeSpan.FromSeconds(stage.Seconds * 2));
        await stage.Watcher.SettleAsync();
        await stop.CancelAsync();
        await watching;
        var delays = stage.Watcher.Delays();
        report["rate"] = rate;
        report["late_events"] = events.Late;
        report["events"] = delays.Count;
        report.Latencies(delays);
        say($"{delays.Count} events at {rate}/s: p99 {report["p99_ms"]} ms");
    }

    /// <summary>The line is cut, the site goes on, the line is whole again: until the hub has all of it in its books, while it takes orders for that very site.</summary>
    private static async Task BacklogAsync(Stage stage, int clients, int backlog, BenchReport report, Action<string> say)
    {
        var (site, hub) = (stage.Site.MegabytesOf("VmRSS"), stage.Hub.MegabytesOf("VmRSS"));
        stage.Line.Cut();
        await ClosedLoop.RunAsync(clients, backlog, 0, stage.OneAsync);
        var behind = await stage.Watcher.SaidAsync() - await stage.Watcher.AppliedAsync();
        say($"{behind} events behind");
        report["backlog"] = behind;
        report["site_rss_mb"] = site;
        report["site_rss_mb_behind"] = stage.Site.MegabytesOf("VmRSS");
        report["hub_rss_mb"] = hub;

        var connections = await Task.WhenAll(Enumerable.Range(0, OrderCallers).Select(_ => BareHttp.ConnectAsync(stage.Hub.Address)));
        var refused = 0;
        var orders = new SteadyOrders(OrderCallers, OrderRate, async (caller, n) =>
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(new { channel = "bench", external_id = $"{n}", lines = new[] { new { sku = SkuOf(n % Skus), quantity = 1 } } });
            if ((await connections[caller].SendAsync("POST", "/api/v1/orders", body)).Status != 201) Interlocked.Increment(ref refused);
            return n.ToString(System.Globalization.CultureInfo.InvariantCulture);
        });
        await orders.RunAsync(TimeSpan.FromSeconds(3));
        orders.Forget();
        using var stop = new CancellationTokenSource();
        var ordering = orders.RunAsync(TimeSpan.FromMinutes(30), stop.Token);
        var (siteMost, hubMost) = (0L, 0L);
        stage.Line.Heal();
        var took = await stage.Watcher.SettleAsync(() => (siteMost, hubMost) = (Math.Max(siteMost, stage.Site.MegabytesOf("VmRSS")), Math.Max(hubMost, stage.Hub.MegabytesOf("VmRSS"))));
        await stop.CancelAsync();
        await ordering;
        foreach (var connection in connections) await connection.DisposeAsync();
        report["backlog_s"] = Math.Round(took.TotalSeconds, 1);
        report["backlog_per_s"] = Math.Round(behind / took.TotalSeconds);
        report["site_rss_mb_most"] = siteMost;
        report["hub_rss_mb_most"] = hubMost;
        report["orders"] = orders.Answered.Count;
        report["orders_refused"] = refused;
        report["late_orders"] = orders.Late;
        report["order_p50_ms"] = orders.AnswerAt(0.50);
        report["order_p99_ms"] = orders.AnswerAt(0.99);
    }
}
