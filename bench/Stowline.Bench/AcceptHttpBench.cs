using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Stowline.Bench;

/// <summary>Accepting orders over HTTP on loopback: the server in its own process, the generator on the same cores.</summary>
internal static class AcceptHttpBench
{
    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var server = await ServerProcess.StartAsync(options.Executable, place);
        using var http = new HttpClient { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        await FillAsync(http);
        return await MeasureAsync(options, place, server, new Workload(options.Hot), say);
    }

    /// <summary>Sends orders to a server that has sites and goods, and waits until its consumers have drained.</summary>
    public static async Task<BenchReport> MeasureAsync(BenchOptions options, BenchDatabase place, ServerProcess server, Workload workload, Action<string> say)
    {
        using var http = new HttpClient { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        var total = options.Orders > 0 ? options.Orders : options.Clients == 1 ? 4_000 : 40_000;
        if (options.Grpc) return await RunAsync(options, server, place, http, new GrpcCaller(server.Address, workload).OneAsync, total, say);
        var clients = await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(_ => BareHttp.ConnectAsync(server.Address)));
        var next = 0;
        var idle = new System.Collections.Concurrent.ConcurrentBag<BareHttp>(clients);

        async Task<double> OneAsync()
        {
            if (!idle.TryTake(out var client)) throw new InvalidOperationException("more callers than connections");
            var body = workload.Json(Interlocked.Increment(ref next));
            var started = Stopwatch.GetTimestamp();
            var (status, text) = await client.SendAsync("POST", "/api/v1/orders", body);
            var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (status != 201) throw new InvalidOperationException($"{status}: {text}");
            idle.Add(client);
            return took;
        }

        var report = await RunAsync(options, server, place, http, OneAsync, total, say);
        foreach (var client in clients) await client.DisposeAsync();
        return report;
    }

    private static async Task<BenchReport> RunAsync(BenchOptions options, ServerProcess server, BenchDatabase place, HttpClient http, Func<Task<double>> one, int total, Action<string> say)
    {
        await ClosedLoop.RunAsync(options.Clients, Math.Max(options.Clients * 20, total / 5), 0, one);
        await DrainAsync(http);
        say("warm");
        var cpu = new CpuClock(server.Pid, place.Admin, countSelf: false);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        var latencies = await ClosedLoop.RunAsync(options.Clients, total, options.Seconds, one);
        var accepted = clock.Elapsed;
        await DrainAsync(http);
        return AcceptBench.Report(options, latencies, accepted, clock.Elapsed, await cpu.StopAsync());
    }

    /// <summary>The same orders as Protobuf, over one connection or a few, as gRPC clients do.</summary>
    private sealed class GrpcCaller(Uri address, Workload workload)
    {
        private readonly GrpcClient _client = new(address);
        private int _next;

        public async Task<double> OneAsync()
        {
            var request = workload.Message(Interlocked.Increment(ref _next));
            var started = Stopwatch.GetTimestamp();
            (await _client.CallAsync("/stowline.v1.OrderService/CreateOrder", request, Protocol.OrderResponse.Parser)).Must();
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
    }

    public static async Task FillAsync(HttpClient http)
    {
        await Must(http.PutAsJsonAsync("sites/WH1", new { name = "Warehouse", type = "warehouse" }));
        await Must(http.PostAsJsonAsync("products/bulk", new
        {
            items = Enumerable.Range(0, Workload.SpreadSkus).Select(i => new { sku = Workload.SkuOf(i), name = Workload.SkuOf(i), price = new { amount = "9.99", currency = "EUR" } }),
        }));
        foreach (var chunk in Enumerable.Range(0, Workload.SpreadSkus).Chunk(500))
            await Must(http.PostAsJsonAsync("sites/WH1/receipts", new { reference = "bench", lines = chunk.Select(i => new { sku = Workload.SkuOf(i), quantity = BenchStock.UnitsPerSku }) }));
    }

    /// <summary>Waits until the server's consumers have seen everything.</summary>
    public static async Task DrainAsync(HttpClient http)
    {
        for (; ; )
        {
            var status = await http.GetFromJsonAsync<JsonElement>("system/status");
            if (status.GetProperty("consumers").EnumerateArray().All(c => c.GetProperty("lag").GetInt64() == 0)) return;
        }
    }

    private static async Task Must(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }
}
