using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// <summary>Two processes of one node: the real executable twice, on one PostgreSQL database.</summary>
internal sealed class ServerPair : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _database;
    private readonly string[] _more;
    private readonly RunningServer?[] _servers = new RunningServer?[2];

    private ServerPair(string folder, string database, string[] more) => (_folder, _database, _more) = (folder, database, more);

    public RunningServer A => _servers[0]!;
    public RunningServer B => _servers[1]!;
    public RunningServer this[int which] => _servers[which]!;

    public static async Task<ServerPair> StartAsync(string folder, string database, params string[] more)
    {
        var pair = new ServerPair(folder, database, more);
        await pair.StartAgainAsync(0);
        await pair.StartAgainAsync(1);
        return pair;
    }

    public async Task StartAgainAsync(int which)
    {
        if (_servers[which] is { } before) await before.DisposeAsync();
        _servers[which] = await RunningServer.StartAsync(_folder, _database, _more);
    }

    /// <summary>A warehouse, five products that cost 1.00 EUR, and as much of each as anybody can order.</summary>
    public static async Task FillAsync(RunningServer server)
    {
        await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Warehouse", type = "warehouse" });
        for (var i = 0; i < 5; i++) await server.SendAsync(HttpMethod.Put, $"products/S{i}", new { name = $"S{i}", price = new { amount = "1.00", currency = "EUR" } });
        await server.SendAsync(HttpMethod.Post, "sites/WH1/receipts",
            new { reference = "fill", lines = Enumerable.Range(0, 5).Select(i => new { sku = $"S{i}", quantity = 1_000_000 }) }, expect: 201);
    }

    public static object Order(string external, string sku = "S1", int quantity = 1) => new { channel = "pair", external_id = external, lines = new[] { new { sku, quantity } } };

    /// <summary>Asks until the answer is as it should be, through whatever errors there are on the way, but not for ever.</summary>
    /// <param name="alsoRefused">An answer other than the expected one is such an error too.</param>
    public static async Task<TimeSpan> UntilAsync(string what, TimeSpan longest, Func<Task<bool>> isSo, bool alsoRefused = false)
    {
        var clock = Stopwatch.StartNew();
        Exception? last = null;
        while (clock.Elapsed < longest)
        {
            try
            {
                if (await isSo()) return clock.Elapsed;
            }
            catch (Exception e) when (e is HttpRequestException or JsonException or TaskCanceledException || alsoRefused && e is Xunit.Sdk.XunitException)
            {
                last = e;
            }
            await Moment.PassAsync();
        }
        throw new TimeoutException($"{what}: not after {longest.TotalSeconds:0} s; {last?.Message}");
    }

    /// <summary>The process that runs the consumers, by its own account of who shares the database.</summary>
    public async Task<int> OnDutyAsync()
    {
        var onDuty = -1;
        await UntilAsync("one of two processes is on duty", TimeSpan.FromMinutes(1), async () =>
        {
            var processes = (await B.GetAsync("system/status")).GetProperty("processes").EnumerateArray().ToArray();
            if (processes.Length != 2 || processes.Count(p => p.GetProperty("on_duty").GetBoolean()) != 1) return false;
            // The consumers' pumps run in both; who is on duty is told by id, and each process knows itself as the one that it is.
            var duty = processes.Single(p => p.GetProperty("on_duty").GetBoolean()).GetProperty("id").GetString();
            onDuty = (await A.GetAsync("system/status")).GetProperty("process").GetString() == duty ? 0 : 1;
            return true;
        });
        return onDuty;
    }

    public static async Task<List<string>> AllAsync(RunningServer server, string path, string field)
    {
        var all = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = await server.GetAsync(cursor is null ? path : $"{path}&cursor={Uri.EscapeDataString(cursor)}");
            all.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(field).GetString()!));
            if (page.GetProperty("next_cursor").ValueKind == JsonValueKind.Null) return all;
            cursor = page.GetProperty("next_cursor").GetString();
        }
    }

    /// <summary>The books are clean, every order that was answered is there, and each has exactly one picking task.</summary>
    public static async Task CheckAsync(RunningServer server, IReadOnlyCollection<string> answered)
    {
        await server.VerifyAsync();
        var orders = await AllAsync(server, "orders?limit=200", "external_id");
        Assert.Empty(answered.Except(orders));
        var tasks = await AllAsync(server, "picking-tasks?site=WH1&limit=200", "order_id");
        Assert.Equal(orders.Count, tasks.Count);
        Assert.Equal(tasks.Count, tasks.Distinct().Count());
    }

    /// <summary>Workers pick, pack and ship everything that is open.</summary>
    public static async Task ShipAllAsync(RunningServer server)
    {
        var open = await AllAsync(server, "picking-tasks?site=WH1&status=pending&limit=200", "id");
        await Parallel.ForEachAsync(open, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (task, _) =>
        {
            var (post, pick) = (HttpMethod.Post, "picking-tasks/" + task);
            var order = (await server.SendAsync(post, pick + "/assign", new { worker = "mira" })).GetProperty("order_id").GetString();
            await server.SendAsync(post, pick + "/start");
            var item = await server.GetAsync(pick + "/next-item");
            await server.SendAsync(post, $"{pick}/items/{item.GetProperty("id").GetString()}/pick", new { quantity = item.GetProperty("quantity_required").GetInt32() });
            await server.SendAsync(post, pick + "/complete");
            var pack = "packing-tasks/" + Assert.Single((await server.GetAsync($"packing-tasks?order={order}")).GetProperty("items").EnumerateArray()).GetProperty("id").GetString();
            await server.SendAsync(post, pack + "/start", new { worker = "mira" });
            await server.SendAsync(post, pack + "/packages", new { packaging_type = "box", weight_g = 500, length_mm = 100, width_mm = 100, height_mm = 100 });
            await server.SendAsync(post, pack + "/complete");
            await server.SendAsync(post, pack + "/ship", new { carrier = "post_express" });
        });
        Assert.All(await AllAsync(server, "orders?limit=200", "status"), s => Assert.Equal("shipped", s));
        await server.VerifyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            if (server is not null) await server.DisposeAsync();
    }
}
