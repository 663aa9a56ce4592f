using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: either of two processes may be killed, stopped or lose its database at any moment; nothing that was answered is lost, nothing is doubled, and the
/// other goes on. Method: the real executable twice on one PostgreSQL, under load from clients that use both.
[Trait("Needs", "server")]
public class TwoProcessesCrashes
{
    private const int Clients = 8;

    /// <summary>Places orders at both processes until it is stopped, each client at its own pace, and remembers what was answered.</summary>
    private sealed class Load
    {
        private readonly TaskCompletionSource _end = new();
        private readonly Task _clients;
        private int _count;
        private Action<int>? _after;

        public Load(ServerPair pair, string name, Action<int>? after = null)
        {
            _after = after;
            _clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(c => Task.Run(() => ClientAsync(pair, name, c))));
        }

        public List<string> Answered { get; } = [];
        public List<(int Status, string Text)> Other { get; } = [];

        private async Task ClientAsync(ServerPair pair, string name, int client)
        {
            for (var n = 0; !_end.Task.IsCompleted; n++)
            {
                var external = $"{name}-{client}-{n}";
                try
                {
                    using var answer = await pair[(client + n) % 2].Http.PostAsJsonAsync("orders", ServerPair.Order(external, $"S{n % 5}", 1 + n % 3));
                    var text = await answer.Content.ReadAsStringAsync();
                    lock (Answered)
                    {
                        if ((int)answer.StatusCode == 201) Answered.Add(external);
                        else Other.Add(((int)answer.StatusCode, text));
                    }
                    _after?.Invoke(Interlocked.Increment(ref _count));
                }
                catch (Exception e) when (e is HttpRequestException or ObjectDisposedException)
                {
                    await Moment.PassAsync(); // that process is gone: it may or may not have been stored
                }
            }
        }

        public async Task<IReadOnlyList<string>> EndAsync()
        {
            _end.TrySetResult();
            await _clients;
            return Answered;
        }
    }

    [SkippableTheory]
    [InlineData(5)]
    public async Task One_is_killed_again_and_again_and_the_other_goes_on(int rounds)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync("postgres");
        await using var _ = drop;
        await using var pair = await ServerPair.StartAsync(folder, database!);
        await ServerPair.FillAsync(pair.A);
        var random = new Random(20261121);
        var answered = new List<string>();
        for (var round = 0; round < rounds; round++)
        {
            var victim = round < 2 ? (await pair.OnDutyAsync() + round) % 2 : random.Next(2); // one of each for sure
            var (killAfter, kill) = (random.Next(10, 60), new TaskCompletionSource());
            var load = new Load(pair, $"r{round}", n => { if (n == killAfter) kill.TrySetResult(); });
            await kill.Task;
            await pair[victim].KillAsync();
            // Consumers too: an order's picking task is made at the survivor.
            var survivor = pair[1 - victim];
            await ServerPair.UntilAsync("the other works alone", TimeSpan.FromSeconds(60), async () =>
            {
                var order = await survivor.SendAsync(HttpMethod.Post, "orders", ServerPair.Order($"alone-{round}-{Guid.NewGuid()}"), expect: 201);
                return (await survivor.GetAsync($"picking-tasks?order={order.GetProperty("id").GetString()}")).GetProperty("items").GetArrayLength() == 1;
            }, alsoRefused: true);
            answered.AddRange(await load.EndAsync());
            Assert.Empty(load.Other);
            await ServerPair.CheckAsync(survivor, answered);
            await pair.StartAgainAsync(victim);
        }
        Assert.True(answered.Count > rounds * 10, $"only {answered.Count} orders were answered");
        await ServerPair.CheckAsync(pair.A, answered);
        await pair.A.KillAsync();
        await ServerPair.ShipAllAsync(pair.B);
    }

    [SkippableTheory]
    [InlineData(3)]
    public async Task One_is_stopped_under_load_and_nobody_is_turned_away_with_an_error(int rounds)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync("postgres");
        await using var _ = drop;
        await using var pair = await ServerPair.StartAsync(folder, database!);
        await ServerPair.FillAsync(pair.A);
        var answered = new List<string>();
        for (var round = 0; round < rounds; round++)
        {
            var leaver = (await pair.OnDutyAsync() + round) % 2;
            await using var live = await LiveClient.ConnectAsync(pair[leaver].Address);
            var stop = new TaskCompletionSource();
            var load = new Load(pair, $"s{round}", n => { if (n == 40) stop.TrySetResult(); });
            await stop.Task;
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await pair[leaver].StopAsync());
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), $"stopping took {clock.Elapsed}");
            Assert.Equal("the server has closed", (await Assert.ThrowsAsync<WebSocketException>(async () => { while (true) await live.NextAsync(); })).Message);
            Assert.True(live.MayReturn);
            var survivor = pair[1 - leaver];
            var order = await survivor.SendAsync(HttpMethod.Post, "orders", ServerPair.Order($"alone-{round}"), expect: 201);
            await ServerPair.UntilAsync("the other makes tasks", TimeSpan.FromMinutes(1), async () =>
                (await survivor.GetAsync($"picking-tasks?order={order.GetProperty("id").GetString()}")).GetProperty("items").GetArrayLength() == 1);
            answered.AddRange(await load.EndAsync());
            Assert.All(load.Other, o => Assert.True(o.Status == 503 && o.Text.Contains("shutting_down"), $"{o.Status} {o.Text}"));
            await ServerPair.CheckAsync(survivor, answered);
            await pair.StartAgainAsync(leaver);
        }
    }

    [SkippableTheory]
    [InlineData(2)]
    public async Task Both_go_on_when_their_database_has_been_restarted(int rounds)
    {
        if (await PrivatePostgres.StartAsync() is not { } postgres) return; // no server programs here; in CI that is a failure
        await using var _ = postgres;
        var folder = Directory.CreateTempSubdirectory("stowline-acceptance-").FullName;
        try
        {
            await using var pair = await ServerPair.StartAsync(folder, postgres.Address);
            await ServerPair.FillAsync(pair.A);
            var answered = new List<string>();
            for (var round = 0; round < rounds; round++)
            {
                var restart = new TaskCompletionSource();
                var load = new Load(pair, $"d{round}", n => { if (n == 30) restart.TrySetResult(); });
                await restart.Task;
                await postgres.RestartAsync(round % 2 == 0 ? "fast" : "immediate");
                foreach (var (one, other) in new[] { (pair.A, pair.B), (pair.B, pair.A) })
                {
                    await ServerPair.UntilAsync("work goes on", TimeSpan.FromMinutes(1), async () =>
                    {
                        var order = await one.SendAsync(HttpMethod.Post, "orders", ServerPair.Order($"after-{round}-{Guid.NewGuid()}"), expect: 201);
                        return (await other.GetAsync($"picking-tasks?order={order.GetProperty("id").GetString()}")).GetProperty("items").GetArrayLength() == 1;
                    }, alsoRefused: true);
                }
                answered.AddRange(await load.EndAsync());
                Assert.All(load.Other, o => Assert.True(o.Status == 503, $"{o.Status} {o.Text}"));
                await pair.OnDutyAsync(); // both have joined again
                await ServerPair.CheckAsync(pair.A, answered);
                await ServerPair.CheckAsync(pair.B, answered);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>On SQLite too, where there is one process: what was asked is answered, and the exit is clean.</summary>
    [Theory, EveryDatabase]
    public async Task A_stopped_server_answers_what_it_was_asked(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        var answered = new List<string>();
        await using (var server = await RunningServer.StartAsync(folder, database))
        {
            await ServerPair.FillAsync(server);
            await using var live = await LiveClient.ConnectAsync(server.Address);
            var stop = new TaskCompletionSource();
            var count = 0;
            async Task ClientAsync(int client)
            {
                for (var n = 0; ; n++)
                {
                    try
                    {
                        using var answer = await server.Http.PostAsJsonAsync("orders", ServerPair.Order($"{client}-{n}"));
                        var text = await answer.Content.ReadAsStringAsync();
                        if ((int)answer.StatusCode == 201) lock (answered) answered.Add($"{client}-{n}");
                        else Assert.True((int)answer.StatusCode == 503 && text.Contains("shutting_down"), text);
                        if (Interlocked.Increment(ref count) == 50) stop.TrySetResult();
                    }
                    catch (HttpRequestException)
                    {
                        if (stop.Task.IsCompleted) return; // it listens no more
                        throw;
                    }
                }
            }
            var clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(ClientAsync));
            await Task.WhenAny(stop.Task, clients);
            Assert.Equal(0, await server.StopAsync());
            await clients;
            Assert.Equal("the server has closed", (await Assert.ThrowsAsync<WebSocketException>(async () => { while (true) await live.NextAsync(); })).Message);
            Assert.True(live.MayReturn);
        }
        await using var again = await RunningServer.StartAsync(folder, database);
        await ServerPair.CheckAsync(again, answered);
    }
}
