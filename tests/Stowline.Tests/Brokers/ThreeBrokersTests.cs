using System.Text;
using RabbitMQ.Client.Exceptions;
using StackExchange.Redis;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Kafka;
using Stowline.Adapters.RabbitMq;
using Stowline.Adapters.Redis;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: three brokers at one node neither mix up nor hold up each other: each order that comes by any of them, or by several, exists once, and each event goes out by all of them, in order per key,
/// whichever of them dies meanwhile. Method: the node's own pumps on the real brokers; senders that send again what was not taken; each broker is killed once in mid-flow and started again.
[Trait("Needs", "server")]
[Collection("brokers")]
public sealed class ThreeBrokersTests
{
    /// <summary>Orders of a round by each way.</summary>
    private const int Each = 20, Ways = 4;

    private sealed record Three(RabbitTestBroker Rabbit, KafkaTestBroker Kafka, RedisTestBroker Redis, string Place);

    private static Three? Find()
    {
        var found = (Rabbit: TestBroker.Find("rabbitmq"), Kafka: TestBroker.Find("kafka"), Redis: TestBroker.Find("redis"));
        var isHere = found is { Rabbit: not null, Kafka: not null, Redis: not null };
        if (!isHere) Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing server is a failure
        return isHere ? new Three((RabbitTestBroker)found.Rabbit!, (KafkaTestBroker)found.Kafka!, (RedisTestBroker)found.Redis!, "t" + Guid.NewGuid().ToString("N")[..12]) : null;
    }

    [Theory, EveryDatabase]
    public async Task Orders_come_in_once_and_events_go_out_in_order_by_three_brokers_that_each_die_once(string store)
    {
        if (Find() is not { } three) return;
        await using var running = await StartAsync(three, store);
        await SendAsync(three, 0);
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == Wanted(1) && IsPassedOn(running.Node), "the first round did not come through: " + Trouble(running.Node));
        TestBroker[] dying = [three.Rabbit, three.Kafka, three.Redis];
        foreach (var (round, broker) in dying.Index().Select(b => (b.Index + 1, b.Item)))
        {
            var sending = SendAsync(three, round);
            await BrokerNode.UntilAsync(async () => await running.OrdersAsync() > Wanted(round) + 5, "nothing of the round came in");
            await broker.KillAsync();
            try
            {
                // What comes by the two others comes in all the same.
                var own = broker == three.Rabbit ? "rabbit" : broker == three.Kafka ? "kafka" : "listings";
                await BrokerNode.UntilAsync(async () => await running.CountAsync($"SELECT COUNT(*) FROM orders WHERE channel <> '{own}'") >= Wanted(round + 1) - (round + 1) * Each,
                    $"without {broker.Name} the others stand still: {Trouble(running.Node)}");
            }
            finally
            {
                await broker.StartAsync();
            }
            await sending;
        }
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == Wanted(4) && IsPassedOn(running.Node), "not all came through: " + Trouble(running.Node));
        await BrokerNode.UntilAsync(() => Task.FromResult(running.Node.Pumps.All(p => p.FailingSince is null)), "something has not recovered: " + Trouble(running.Node));
        await EachOrderIsThereOnceAsync(running);
        await EachEventHasArrivedAsync(running, three);
    }

    private static async Task<BrokerNode> StartAsync(Three three, string store)
    {
        foreach (var (stream, _) in RedisQueues.Door) await three.Redis.RunAsync("DEL", stream);
        var running = await BrokerNode.StartAsync(store);
        await BrokerNode.Must(running.Node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx =>
            SaveProducts.DecideAsync([new Product { Sku = "A", Name = "A", ExternalId = "7", Price = new Money(1, "EUR") }], tx)));
        foreach (var pump in RabbitPumps.Of(running.Node, RabbitSettings.Parse(three.Rabbit.SettingOf(three.Place) + ";types=all"))) running.Node.Add(pump);
        foreach (var pump in KafkaPumps.Of(running.Node, KafkaSettings.Parse(three.Kafka.SettingOf(three.Place) + ";types=all"))) running.Node.Add(pump);
        foreach (var pump in RedisPumps.Of(running.Node, three.Redis.Settings)) running.Node.Add(pump);
        running.Node.Add(new OrderRelay(running.Node.Lanes, three.Redis.Out(three.Place), new HashSet<string>())); // as to the others: the streams of source 2 tell of tasks, not of orders
        return running;
    }

    /// <summary>How many orders there are after so many rounds: those of each way, and one that two brokers have differently.</summary>
    private static int Wanted(int rounds) => rounds * (Each * Ways + 1);

    private static bool IsPassedOn(Node node) => node.IsDrained && node.Pumps.OfType<LaneRelay>().All(r => r.Lag == 0);

    private static string Trouble(Node node) => string.Join("; ", node.Pumps.Where(p => p.LastError is not null).Select(p => $"{p.Name}: {p.LastError}"));

    private static byte[] Order(string channel, string id, int quantity = 1) => Encoding.UTF8.GetBytes($$"""{"channel":"{{channel}}","external_id":"{{id}}","lines":[{"sku":"A","quantity":{{quantity}}}]}""");

    private static byte[] Confirmed(int order) => Encoding.UTF8.GetBytes($$"""{"type":"order.confirmed","order_id":{{order}},"storefront_id":1,"items":[{"listing_id":7,"quantity":1}]}""");

    /// <summary>
    /// By all three at once. The channel <c>shop</c> comes by RabbitMQ and Kafka, <c>listings</c> by Redis and half of it by Kafka too, <c>rabbit</c> and <c>kafka</c> by one each; all of them use the same external ids.
    /// </summary>
    private static Task SendAsync(Three three, int round)
    {
        var ids = Enumerable.Range(round * Each + 1, Each).ToList();
        var theirs = ids.SelectMany(n => new[] { ($"s{n}", Order("shop", $"{n}")), ($"r{n}", Order("rabbit", $"{n}")) }).Append(($"c{round}", Order("shop", $"c{round}", 2)));
        var others = ids.SelectMany(n => new[] { ($"s{n}", Order("shop", $"{n}")), ($"k{n}", Order("kafka", $"{n}")) }).Append(($"c{round}", Order("shop", $"c{round}", 3)))
            .Concat(ids.Where(n => n % 2 == 0).Select(n => ($"l{n}", Confirmed(n))));
        return Task.WhenAll(
            AgainAsync(theirs, some => three.Rabbit.WriteAsync(three.Place, some)),
            AgainAsync(others, some => three.Kafka.WriteAsync(three.Place, some)),
            AgainAsync(ids, some => ConfirmAsync(three.Redis, some)));
    }

    /// <summary>One after the other, so that what is missing when Redis dies is what comes last. One order in four is cancelled at once.</summary>
    private static async Task ConfirmAsync(RedisTestBroker redis, IEnumerable<int> orders)
    {
        foreach (var n in orders)
        {
            await redis.RunAsync("XADD", RedisSettings.ListingsStream, "*", "type", "order.confirmed", "order_id", n, "storefront_id", 1, "items", """[{"listing_id":7,"quantity":1}]""");
            if (n % 4 == 0) await redis.RunAsync("XADD", RedisSettings.ListingsStream, "*", "type", "order.cancelled", "order_id", n, "reason", "buyer");
        }
    }

    /// <summary>A few at a time; what was not confirmed is sent again, as every sender must.</summary>
    private static async Task AgainAsync<T>(IEnumerable<T> messages, Func<T[], Task> send)
    {
        foreach (var some in messages.Chunk(10))
            await BrokerNode.UntilAsync(async () =>
            {
                try
                {
                    await send(some);
                    return true;
                }
                catch (Exception e) when (e is RabbitMQClientException or RedisException or Confluent.Kafka.KafkaException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException)
                {
                    return false;
                }
            }, "a broker took nothing");
    }

    private static async Task EachOrderIsThereOnceAsync(BrokerNode running)
    {
        foreach (var channel in new[] { "shop", "listings", "rabbit", "kafka" })
            Assert.Equal(Each * 4 + (channel == "shop" ? 4 : 0), await running.CountAsync($"SELECT COUNT(DISTINCT external_id) FROM orders WHERE channel = '{channel}'"));
        Assert.Equal(Wanted(4), await running.OrdersAsync());
        // Of two different orders with one id the later one is parked, whichever broker brought it.
        var parked = await running.Node.Database.ReadAsync(async s => await LaneReader.ParkedAsync(s, "", "", 0, 100));
        Assert.Equal(["c0", "c1", "c2", "c3"], parked.Select(p => p.Subject).Distinct().Order());
        Assert.All(parked, p => Assert.StartsWith("external_id_taken", p.Error));
        var report = await Verification.RunAsync(running.Node);
        Assert.True(report.Ok, string.Join("; ", report.Checks.Where(c => c.Value != "ok")));
    }

    private static async Task EachEventHasArrivedAsync(BrokerNode running, Three three)
    {
        var wanted = (await running.Node.Lanes.ReadAsync(Lane.Hub, 0, 100_000)).Where(e => e.Type.StartsWith("order.", StringComparison.Ordinal)).Select(e => e.Id.ToString()).Order().ToList();
        Assert.Equal(await running.CountAsync("SELECT COUNT(*) FROM events e JOIN lanes l ON l.id = e.lane_id WHERE l.name = 'hub' AND e.type LIKE 'order.%'"), wanted.Count);
        Assert.True(wanted.Count > Wanted(4), "there are cancellations among them");
        foreach (var broker in new TestBroker[] { three.Rabbit, three.Kafka, three.Redis })
            Assert.Equal(wanted, BrokerCompliance.InOrder(await broker.ReadAsync(three.Place, wanted.Count)).Select(e => e.EventId).Distinct().Order());
        // And who listens to the WMS has heard of every task, in the order in which they came to be.
        var told = (await three.Redis.EntriesAsync("wms:events:picking")).Select(e => e.Fields.ToDictionary(f => f.Key, f => Encoding.UTF8.GetString(f.Value)));
        var tasks = await running.Node.Database.ReadAsync(async s => await s.QueryAsync<long>("SELECT number FROM picking_tasks ORDER BY number"));
        Assert.Equal(tasks, told.Where(e => e["type"] == "picking.created").Select(e => long.Parse(e["task_id"], System.Globalization.CultureInfo.InvariantCulture)).Distinct());
    }
}
