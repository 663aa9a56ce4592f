using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: kill -9 at any moment under load loses no order that was answered 201, doubles no task, and work goes on. Method: the real executable
/// on a real database, killed in the middle of answers, started again on the same data, again and again.
[Trait("Needs", "server")]
public class Crashes
{
    private const int Rounds = 6;
    private const int Clients = 12;

    [Theory, EveryDatabase]
    public async Task Nothing_answered_is_lost_and_nothing_is_doubled(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        var random = new Random(20260101);
        var answered = new List<string>();
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await using var server = await RunningServer.StartAsync(folder, database);
            if (round == 0) await FillAsync(server);
            else await CheckAsync(server, answered);

            var killAfter = random.Next(20, 250);
            var inRound = 0;
            var kill = new TaskCompletionSource();
            async Task ClientAsync(int client)
            {
                for (var n = 0; !kill.Task.IsCompleted; n++)
                {
                    var external = $"{round}-{client}-{n}";
                    try
                    {
                        using var answer = await server.Http.PostAsJsonAsync("orders", new { channel = "crash", external_id = external, lines = new[] { new { sku = $"S{n % 5}", quantity = 1 + n % 3 } } });
                        if ((int)answer.StatusCode == 201) lock (answered) answered.Add(external);
                        else Interlocked.Increment(ref refused);
                        if (Interlocked.Increment(ref inRound) == killAfter) kill.TrySetResult();
                    }
                    catch (HttpRequestException)
                    {
                        return; // the server is gone in the middle of this answer: it may or may not have been stored
                    }
                }
            }
            var clients = Enumerable.Range(0, Clients).Select(ClientAsync).ToArray();
            await Task.WhenAny(kill.Task, Task.WhenAll(clients));
            await server.KillAsync();
            await Task.WhenAll(clients);
        }
        await using var last = await RunningServer.StartAsync(folder, database);
        await CheckAsync(last, answered);
        Assert.True(answered.Count > Rounds * 10, $"only {answered.Count} orders were answered");
        Assert.Equal(0, refused);
        var order = await last.SendAsync(HttpMethod.Post, "orders", new { channel = "crash", external_id = "after", lines = new[] { new { sku = "S1", quantity = 1 } } }, expect: 201);
        Assert.Equal("allocated", order.GetProperty("status").GetString());
        Assert.Equal(0, await last.StopAsync());
    }

    private static async Task FillAsync(RunningServer server)
    {
        await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Warehouse", type = "warehouse" });
        for (var i = 0; i < 5; i++) await server.SendAsync(HttpMethod.Put, $"products/S{i}", new { name = $"S{i}", price = new { amount = "1.00", currency = "EUR" } });
        await server.SendAsync(HttpMethod.Post, "sites/WH1/receipts",
            new { reference = "fill", lines = Enumerable.Range(0, 5).Select(i => new { sku = $"S{i}", quantity = 1_000_000 }) }, expect: 201);
    }

    private static async Task CheckAsync(RunningServer server, List<string> answered)
    {
        await server.VerifyAsync();
        // Every order that is there has exactly one picking task; every order that was answered is there.
        var orders = await AllAsync(server, "orders?limit=200", "external_id");
        Assert.Empty(answered.Except(orders));
        var tasks = await AllAsync(server, "picking-tasks?site=WH1&limit=200", "order_id");
        Assert.Equal(orders.Count, tasks.Count);
        Assert.Equal(tasks.Count, tasks.Distinct().Count());
    }

    private static async Task<List<string>> AllAsync(RunningServer server, string path, string field)
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
}
