using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Log;
using Stowline.Server.Pizza;
using Stowline.Tests.Brokers;
using Stowline.Tests.Kitchen;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: whatever dies while a kitchen is full of orders, the process, the broker or the database, every order that was accepted is on the screen afterwards, once, no slot
/// holds more than it may, and the broker gets every order. Method: the real executable and the first orders of the pizza file over HTTP, from clients that ask again
/// until they are answered; kill -9 of each in turn.
[Trait("Needs", "server")]
[Collection("brokers")]
public class KitchenCrashes
{
    private const int Clients = 8, Orders = 400, Capacity = 15;

    /// <summary>What is running now: another process after each kill.</summary>
    private sealed class Kitchen(string folder, string? database, string? rabbitmq) : IAsyncDisposable
    {
        public RunningServer Server { get; private set; } = null!;

        public async Task StartAsync() => Server = await RunningServer.StartAsync(folder, database, rabbitmq, []);

        public async Task KillAsync()
        {
            await Server.KillAsync();
            await StartAsync();
        }

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    [Theory, EveryDatabase]
    public async Task No_accepted_order_is_missing_on_the_screen_and_no_slot_is_over_its_capacity(string store)
    {
        if (PizzaTests.Folder is not { } data) return;
        await using var postgres = store == "postgres" ? await PrivatePostgres.StartAsync() : null;
        if (store == "postgres" && postgres is null) return;
        var place = "t" + Guid.NewGuid().ToString("N")[..12];
        var broker = TestBroker.Find("rabbitmq") as RabbitTestBroker;
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var __ = drop;
        await using var kitchen = new Kitchen(folder, postgres?.Address, broker?.SettingOf(place));
        await kitchen.StartAsync();
        var menu = PizzaFiles.ReadMenu(data);
        var orders = PizzaFiles.ReadOrders(data, menu).Take(Orders).ToList();
        await SetUpAsync(kitchen.Server, menu);

        var accepted = new ConcurrentDictionary<string, string>();
        var load = LoadAsync(kitchen, orders, accepted);
        await ReachedAsync(accepted, 80, load);
        await kitchen.KillAsync();
        await ReachedAsync(accepted, 160, load);
        if (broker is not null) await broker.KillAsync();
        await ReachedAsync(accepted, 240, load); // nobody who orders notices
        if (postgres is not null) await postgres.RestartAsync("immediate");
        else await kitchen.KillAsync();
        await ReachedAsync(accepted, 320, load);
        await kitchen.KillAsync();
        await load;
        if (broker is not null) await broker.StartAsync();

        await kitchen.Server.VerifyAsync(); // slot_capacity and slot_holds are among its checks
        Assert.Equal(Orders, accepted.Count);
        await using var screen = await LiveClient.ConnectAsync(kitchen.Server.Address);
        Assert.Null(await screen.CallAsync("Subscribe", "kitchen/K1"));
        var shown = (await screen.NextAsync("snapshot")).GetProperty("data").GetProperty("tickets").EnumerateArray().Select(t => t.GetProperty("order_id").GetString()!);
        Assert.Equal(accepted.Values.Order(), shown.Order());
        Assert.Equal(orders.Sum(o => o.Lines.Sum(l => l.Quantity)), await UsedAsync(kitchen.Server));
        if (broker is not null) Assert.Equal(accepted.Values.Order(), (await broker.ReadAsync(place, Orders)).Select(m => m.Key).Distinct().Order());
    }

    private static async Task SetUpAsync(RunningServer server, PizzaMenu menu)
    {
        await server.SendAsync(HttpMethod.Put, "sites/K1", new { name = "Kitchen", type = "kitchen" });
        await server.SendAsync(HttpMethod.Post, "menu/bulk", new
        {
            items = menu.Types.Select(t => new
            {
                dish = t.Id, name = t.Name, station = "oven", ingredients = t.Ingredients.Select(i => new { sku = i, quantity = 1 }),
                variants = menu.Variants.Where(v => v.Type == t.Id).Select(v => new { sku = v.Id, size = v.Size, price = new { amount = v.Price.ToString("0.00"), currency = "USD" } }),
            }),
        });
        await server.SendAsync(HttpMethod.Put, "sites/K1/slot-plan", new { measure = "units", capacity = Capacity, lead_minutes = 0, visible_minutes = 100_000, days = 31 });
    }

    /// <summary>Places the orders, a few at once, each until it is answered: the same external id again is the same order.</summary>
    private static Task LoadAsync(Kitchen kitchen, List<PizzaOrder> orders, ConcurrentDictionary<string, string> accepted)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var n && n < orders.Count)
            {
                var body = new { channel = "pizza", external_id = orders[n].Id, pickup_site = "K1", fulfillment_type = "pickup", lines = orders[n].Lines.Select(l => new { sku = l.Pizza, quantity = l.Quantity }) };
                while (await TryAsync(kitchen.Server, body) is var id)
                {
                    if (id is not null)
                    {
                        accepted[orders[n].Id] = id;
                        break;
                    }
                    await new Signal().WaitAsync(TimeSpan.FromMilliseconds(50), TimeProvider.System, default);
                }
            }
        })));
    }

    /// <summary>The order's id, or null when nobody answered or it has to be asked again.</summary>
    private static async Task<string?> TryAsync(RunningServer server, object body)
    {
        try
        {
            using var answer = await server.Http.PostAsJsonAsync("orders", body);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True((int)answer.StatusCode is 200 or 201 or 503, $"{(int)answer.StatusCode} {text}");
            return (int)answer.StatusCode == 503 ? null : JsonDocument.Parse(text).RootElement.GetProperty("id").GetString();
        }
        catch (Exception e) when (e is HttpRequestException or ObjectDisposedException or OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task ReachedAsync(ConcurrentDictionary<string, string> accepted, int count, Task load)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (accepted.Count < count)
        {
            if (load.IsFaulted) await load;
            Assert.False(limit.IsCancellationRequested, $"only {accepted.Count} of {count} orders were answered");
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(5), TimeProvider.System, default);
        }
    }

    /// <summary>What the slots hold in all, none of them more than it may.</summary>
    private static async Task<int> UsedAsync(RunningServer server)
    {
        var (sum, today) = (0, DateTimeOffset.UtcNow.AddDays(-1));
        for (var day = 0; day < 5; day++)
        {
            foreach (var slot in (await server.GetAsync($"sites/K1/slots?date={today.AddDays(day):yyyy-MM-dd}")).GetProperty("items").EnumerateArray())
            {
                Assert.InRange(slot.GetProperty("used").GetInt32(), 0, Capacity);
                sum += slot.GetProperty("used").GetInt32();
            }
        }
        return sum;
    }
}
