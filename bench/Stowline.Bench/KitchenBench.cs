using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;

namespace Stowline.Bench;

/// <summary>
/// A kitchen at a steady rate: each order takes a slot and becomes a ticket, and for each the time is taken to its answer and from there to a screen. Many other
/// screens of the same kitchen follow, and one of them never reads. Generator and screens share the cores with the server.
/// </summary>
internal static class KitchenBench
{
    public const int DefaultClients = 64;
    private const int Screens = 200, DefaultRate = 800, WarmSeconds = 3, Dishes = 50;
    private const string Site = "K1";

    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var server = await ServerProcess.StartAsync(options.Executable, place);
        using var http = new HttpClient { BaseAddress = new Uri(server.Address, "/api/v1/"), Timeout = TimeSpan.FromMinutes(5) };
        var rate = options.Rate > 0 ? options.Rate : DefaultRate;
        await FillAsync(http, rate);
        var seen = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        await using var watcher = await LiveFollower.ConnectAsync(server.Address, "kitchen/" + Site, bytes => LiveBench.Note(bytes, "\"order_id\":\""u8, seen));
        var screens = await Task.WhenAll(Enumerable.Range(0, Screens).Select(i => LiveFollower.ConnectAsync(server.Address, "kitchen/" + Site, deaf: i == 0)));
        say($"{screens.Length} screens follow");

        await using var callers = await CallersAsync(options, server.Address);
        var orders = new SteadyOrders(options.Clients, rate, callers.SendAsync);
        await orders.RunAsync(TimeSpan.FromSeconds(WarmSeconds));
        await AcceptHttpBench.DrainAsync(http);
        orders.Forget();
        var cpu = new CpuClock(server.Pid, place.Admin, countSelf: false);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        await orders.RunAsync(TimeSpan.FromSeconds(options.Seconds > 0 ? options.Seconds : 30));
        var took = clock.Elapsed;
        var cpuMs = await cpu.StopAsync();
        var latencies = await orders.ArrivedAsync(seen);
        var report = new BenchReport
        {
            ["name"] = options.Name, ["store"] = options.Store, ["clients"] = options.Clients, ["grpc"] = options.Grpc, ["screens"] = Screens, ["orders"] = latencies.Count,
            ["orders_per_s"] = Math.Round(latencies.Count / took.TotalSeconds), ["late_orders"] = orders.Late, ["answer_p50_ms"] = orders.AnswerAt(0.5), ["answer_p99_ms"] = orders.AnswerAt(0.99),
            ["cpu_ms_per_order"] = Math.Round(cpuMs / latencies.Count, 3), ["dropped"] = LiveBench.DroppedIn(await http.GetStringAsync(new Uri(server.Address, "/metrics"))),
            ["lost_screens"] = screens.Skip(1).Count(s => s.Ended), ["floor_ratio"] = null,
        };
        report.Latencies(latencies); // from the answer to the frame
        foreach (var screen in screens) await screen.DisposeAsync();
        return report;
    }

    /// <summary>Slots of a minute, each with room for a twentieth of what comes in a second and so never for long: choosing one is part of the work.</summary>
    private static async Task FillAsync(HttpClient http, int rate)
    {
        async Task Must(Task<HttpResponseMessage> call)
        {
            using var answer = await call;
            if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
        }
        await Must(http.PutAsJsonAsync("sites/" + Site, new { name = "Kitchen", type = "kitchen" }));
        await Must(http.PostAsJsonAsync("menu/bulk", new
        {
            items = Enumerable.Range(0, Dishes).Select(i => new
            {
                dish = $"dish-{i}", name = $"Dish {i}", station = i % 3 == 0 ? "grill" : "oven", ingredients = new[] { new { sku = "Dough", quantity = 2 }, new { sku = "Sauce", quantity = 1 } },
                variants = new[] { new { sku = $"D{i}", price = new { amount = "9.50", currency = "EUR" } } },
            }),
        }));
        await Must(http.PostAsJsonAsync($"sites/{Site}/receipts", new { reference = "bench", lines = new[] { new { sku = "Dough", quantity = 1_000_000_000 }, new { sku = "Sauce", quantity = 1_000_000_000 } } }));
        await Must(http.PutAsJsonAsync($"sites/{Site}/slot-plan", new { length_minutes = 1, measure = "units", capacity = Math.Max(1, rate / 20), lead_minutes = 0, visible_minutes = 100_000, days = 400 }));
    }

    private abstract class Callers : IAsyncDisposable
    {
        /// <summary>Answers the order's id.</summary>
        public abstract Task<string> SendAsync(int caller, int n);
        public abstract ValueTask DisposeAsync();
    }

    private static async Task<Callers> CallersAsync(BenchOptions options, Uri server) => options.Grpc ? new OverGrpc(server)
        : new OverHttp(await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(_ => BareHttp.ConnectAsync(server, readsBodies: true))));

    private static (string First, string Second, int Quantity) Lines(int n) => ($"D{n % Dishes}", $"D{(n * 7 + 1) % Dishes}", 1 + n % 2);

    private sealed class OverHttp(BareHttp[] connections) : Callers
    {
        public override async Task<string> SendAsync(int caller, int n)
        {
            var (first, second, quantity) = Lines(n);
            var body = Encoding.UTF8.GetBytes($$"""{"channel":"bench","external_id":"{{n}}","lines":[{"sku":"{{first}}","quantity":{{quantity}}},{"sku":"{{second}}","quantity":1}]}""");
            var (status, text) = await connections[caller].SendAsync("POST", "/api/v1/orders", body);
            if (status != 201) throw new InvalidOperationException($"{status}: {text}");
            var at = text.IndexOf("\"id\":\"", StringComparison.Ordinal) + 6;
            return text[at..text.IndexOf('"', at)];
        }

        public override async ValueTask DisposeAsync()
        {
            foreach (var connection in connections) await connection.DisposeAsync();
        }
    }

    private sealed class OverGrpc(Uri server) : Callers
    {
        private readonly GrpcClient _client = new(server);

        public override async Task<string> SendAsync(int caller, int n)
        {
            var (first, second, quantity) = Lines(n);
            var request = new Protocol.CreateOrderRequest
            {
                Channel = "bench", ExternalId = $"{n}", Lines = { new Protocol.OrderLine { Sku = first, Quantity = quantity }, new Protocol.OrderLine { Sku = second, Quantity = 1 } },
            };
            return (await _client.CallAsync("/stowline.v1.OrderService/CreateOrder", request, Protocol.OrderResponse.Parser)).Must().OrderId;
        }

        public override ValueTask DisposeAsync()
        {
            _client.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
