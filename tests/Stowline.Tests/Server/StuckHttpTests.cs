using System.Text.Json;
using Stowline.Adapters.Brokers;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Server.Operations;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// <summary>Stuck orders as a stranger sees them: the list, the live topic, the metric, the status. The node's clock is moved by hand.</summary>
public class StuckHttpTests
{
    /// <summary>A pump that was at work when the clock was moved rests from then on, so every second the clock goes on a little.</summary>
    private static async Task<JsonElement> NextAsync(LiveClient client, string type, ManualTime time)
    {
        var next = client.NextAsync(type);
        for (var looks = 1; !next.IsCompleted; looks++)
        {
            await Moment.PassAsync();
            if (looks % 20 == 0) time.Advance(TimeSpan.FromSeconds(10));
        }
        return await next;
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task A_stuck_order_shows_everywhere_and_goes_when_it_moves(string store)
    {
        await using var test = await TestNode.StartAsync(store);
        await using var host = ServerHost.Build(test.Node, new Configuration { Port = 0, Node = "n1" });
        await host.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        var site = new Warehouse(http, "WH1");
        await site.OpenAsync();
        var order = await site.PlaceAsync("1");
        await site.PlaceAsync("2");
        await using var client = await LiveClient.ConnectAsync(http.BaseAddress);
        Assert.Null(await client.CallAsync("Subscribe", "alerts"));
        Assert.Equal(0, (await client.NextAsync("snapshot")).GetProperty("data").GetProperty("stuck").GetInt32());
        var placed = test.Time.GetUtcNow();
        // The pumps wait on the same clock, so moving it wakes them.
        test.Time.Advance(TimeSpan.FromMinutes(31));
        var alert = await NextAsync(client, "order.stuck", test.Time);
        Assert.Equal((order, "not_picked", "WH1"), (alert.GetProperty("data").GetProperty("order_id").GetString(), alert.GetProperty("data").GetProperty("reason").GetString(),
            alert.GetProperty("data").GetProperty("site").GetString()));
        Assert.NotEqual(order, (await NextAsync(client, "order.stuck", test.Time)).GetProperty("data").GetProperty("order_id").GetString());

        var page = await site.GetAsync("orders/stuck?limit=1");
        var item = page.GetProperty("items")[0];
        Assert.Equal((order, "allocated", "not_picked", "WH1", (int)(test.Time.GetUtcNow() - placed).TotalSeconds), (item.GetProperty("order").GetString(), item.GetProperty("status").GetString(),
            item.GetProperty("reason").GetString(), item.GetProperty("site").GetString(), item.GetProperty("age_seconds").GetInt32()));
        Assert.Equal(placed, item.GetProperty("since").GetDateTimeOffset());
        Assert.True(item.GetProperty("number").GetInt64() > 0 && item.GetProperty("hint").GetString()!.Length > 0);
        var second = await site.GetAsync("orders/stuck?limit=1&cursor=" + Uri.EscapeDataString(page.GetProperty("next_cursor").GetString()!));
        Assert.NotEqual(order, second.GetProperty("items")[0].GetProperty("order").GetString());
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next_cursor").ValueKind);
        foreach (var (query, count) in new[] { ("site=WH1&reason=not_picked", 2), ("site=WH2", 0), ("reason=parked", 0) })
            Assert.Equal(count, (await site.GetAsync("orders/stuck?" + query)).GetProperty("items").GetArrayLength());
        foreach (var bad in new[] { "reason=lazy", "cursor=x", "limit=0" }) Assert.Equal(400, (int)(await http.GetAsync("/api/v1/orders/stuck?" + bad)).StatusCode);

        Assert.Contains("\nstowline_orders_stuck{reason=\"not_picked\"} 2\n", await http.GetStringAsync("/metrics"));
        var status = await site.GetAsync("system/status");
        Assert.Equal(("n1", "yellow", 2, 2), (status.GetProperty("node").GetString(), status.GetProperty("status").GetString(), status.GetProperty("stuck").GetInt32(),
            status.GetProperty("stuck_by_reason").GetProperty("not_picked").GetInt32()));
        Assert.Contains(status.GetProperty("reasons").EnumerateArray(), r => r.GetProperty("code").GetString() == "stuck");

        await site.StartPickingAsync(order);
        test.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(order, (await NextAsync(client, "order.unstuck", test.Time)).GetProperty("data").GetProperty("order_id").GetString());
        Assert.Equal(1, (await site.GetAsync("orders/stuck")).GetProperty("items").GetArrayLength());
        await host.StopAsync();
    }
}

public class StatusRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    private static readonly SystemStatus Well = new(StatusLight.Green, [], "n", "p", "1", Now, 0, "SQLite", 1, new DiskStatus(50, 100), 0, [new QueueStatus("writer *", 0, 100)], 0, 0,
        new Dictionary<string, long>(), [], [new ConsumerStatus("c", "hub", 5, 5, 0)], [new PumpStatus("p", 0, null, null, null)], 0, [], [], new BrokersStatus([], [], []));

    private static string Of(SystemStatus status) => string.Join(" ", StatusRules.Of(status, 50_000, Now).Select(r => $"{r.Status}:{r.Code}").Distinct());

    [Fact]
    public void The_light_follows_the_worst_that_is_wrong()
    {
        Assert.Equal("", Of(Well));
        Assert.Equal("", Of(Well with { Disk = new DiskStatus(null, null) }));
        Assert.Equal("Yellow:disk_low", Of(Well with { Disk = new DiskStatus(9, 100) }));
        Assert.Equal("Red:disk_nearly_full", Of(Well with { Disk = new DiskStatus(1, 100) }));
        Assert.Equal("Yellow:parked Yellow:stuck", Of(Well with { Parked = 1, Stuck = 2 }));
        Assert.Equal("Yellow:consumer_lag", Of(Well with { Consumers = [new ConsumerStatus("c", "hub", 0, 20_000, 20_000)] }));
        Assert.Equal("Red:backlog", Of(Well with { Consumers = [new ConsumerStatus("c", "hub", 0, 60_000, 60_000)] }));
        Assert.Equal("Yellow:queue_long", Of(Well with { Queues = [new QueueStatus("w", 51, 100)] }));
        Assert.Equal("Red:queue_full", Of(Well with { Queues = [new QueueStatus("w", 100, 100)] }));
        static BrokersStatus Queue(string broker, QueueKind kind, long messages, params QueueGroup[] groups) => new([], [], [new BrokerStatus(broker, [new BrokerQueue("q", kind, messages, groups)])]);
        Assert.Equal("", Of(Well with { Brokers = new BrokersStatus([new RelayStatus("r", 9, 299)], [new IntakeStatus("i", 9, 0, 299), new IntakeStatus("k", 10_000, 0, null)], []) }));
        Assert.Equal("Yellow:relay_lag", Of(Well with { Brokers = new BrokersStatus([new RelayStatus("r", 1, 301)], [], []) }));
        Assert.Equal("Yellow:intake_lag", Of(Well with { Brokers = new BrokersStatus([], [new IntakeStatus("i", 1, 0, 301)], []) }));
        Assert.Equal("Yellow:intake_lag", Of(Well with { Brokers = new BrokersStatus([], [new IntakeStatus("k", 10_001, 0, null)], []) }));
        Assert.Equal("Yellow:dead_letters", Of(Well with { Brokers = Queue("rabbitmq", QueueKind.Dead, 1) }));
        Assert.Equal("", Of(Well with { Brokers = Queue("rabbitmq", QueueKind.Dead, 0) }));
        Assert.Equal("", Of(Well with { Brokers = Queue("rabbitmq", QueueKind.Retry, 1_000_000) }));
        Assert.Equal("Yellow:reader_lag", Of(Well with { Brokers = Queue("rabbitmq", QueueKind.Out, 100_001) }));
        Assert.Equal("", Of(Well with { Brokers = Queue("redis", QueueKind.Out, 100_001, new QueueGroup("g", 5, 0, 3_599)) }));
        Assert.Equal("Yellow:reader_lag", Of(Well with { Brokers = Queue("redis", QueueKind.Out, 7, new QueueGroup("g", 5, 0, 3_601)) }));
        // An error that is over is history; one that goes on is yellow first.
        Assert.Equal("", Of(Well with { Pumps = [new PumpStatus("p", 3, "was", Now, null)] }));
        Assert.Equal("Yellow:pump_failing", Of(Well with { Pumps = [new PumpStatus("p", 3, "is", Now, Now.AddMinutes(-4))] }));
        Assert.Equal("Red:pump_failing", Of(Well with { Pumps = [new PumpStatus("p", 3, "is", Now, Now.AddMinutes(-6))] }));
    }
}
