using System.Text;
using RabbitMQ.Client.Exceptions;
using Stowline.Adapters.Brokers;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Tests.Brokers;

/// Goal: what RabbitMQ alone has, works as docs/brokers.md says: tries in between, dead letters with their reason, a cluster that loses a node. Method: a real
/// broker and its own client; the cluster's nodes are started beside the one of the suite and end with the test.
[Trait("Needs", "server")]
[Collection("brokers")]
public class RabbitTests
{
    private const string ReasonHeader = "x-stowline-reason", TriesHeader = "x-stowline-tries";

    private static RabbitTestBroker? Find(string more)
    {
        var setting = Environment.GetEnvironmentVariable("STOWLINE_TEST_RABBITMQ");
        if (string.IsNullOrEmpty(setting)) Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing server is a failure
        return string.IsNullOrEmpty(setting) ? null : new RabbitTestBroker(setting, more);
    }

    private static string Place() => "t" + Guid.NewGuid().ToString("N")[..12];
    private static byte[] Order(string sku) => Encoding.UTF8.GetBytes($$"""{"lines":[{"sku":"{{sku}}","quantity":1}]}""");

    private static Task ProductAsync(BrokerNode running, string sku) => BrokerNode.Must(running.Node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx =>
        SaveProducts.DecideAsync([new Product { Sku = sku, Name = sku, Price = new Money(1, "EUR") }], tx)));

    [Fact]
    public async Task A_product_that_becomes_known_between_two_tries_is_ordered()
    {
        if (Find("backoff_ms=1000;tries=8") is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync("sqlite");
        await broker.WriteAsync(place, [("early", Order("LATE")), ("now", Order("A"))]);
        running.Node.Add(new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard));
        // It waits in a queue of its own and holds nobody up.
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == 1, "the other order was held up");
        await ProductAsync(running, "LATE");
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == 2, "it was not tried again");
        Assert.Equal(0, await running.ParkedAsync());
    }

    [Fact]
    public async Task What_is_given_up_is_a_dead_letter_with_its_reason_and_can_be_taken_after_a_repair()
    {
        if (Find("backoff_ms=50") is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync("sqlite");
        await broker.WriteAsync(place, [("p1", Order("NONE")), ("p2", "{ not json"u8.ToArray())]);
        var intake = new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard);
        running.Node.Add(intake);
        await BrokerNode.UntilAsync(async () => await running.ParkedAsync() == 2, "nothing was given up");
        var dead = (await broker.TakeAsync(place + "-in.dead", 2)).ToDictionary(m => m.BasicProperties.MessageId!, m => m.BasicProperties.Headers!);
        // What a product could mend was tried three times, what nobody can read once.
        Assert.Equal((3, 1), (Convert.ToInt32(dead["p1"][TriesHeader]), Convert.ToInt32(dead["p2"][TriesHeader])));
        Assert.StartsWith("unknown_sku", Encoding.UTF8.GetString((byte[])dead["p1"][ReasonHeader]!));
        var parked = (await running.Node.Database.ReadAsync(async s => await LaneReader.ParkedAsync(s, "", "", 0, 10))).Single(p => p.Subject == "p1");
        Assert.Equal("still_refused", (await intake.ReplayAsync(parked.Lane, "p1", default)).Refusal!.Code);
        await ProductAsync(running, "NONE");
        Assert.Equal(1, (await intake.ReplayAsync(parked.Lane, "p1", default)).Value);
        Assert.Equal((1L, 1L), (await running.OrdersAsync(), await running.ParkedAsync()));
    }

    /// <summary>A sender that does what every sender has to while a queue is between two leaders: what was not confirmed it sends again.</summary>
    private static Task WriteAsync(RabbitTestBroker broker, string place, IReadOnlyList<(string Key, byte[] Body)> messages) => BrokerNode.UntilAsync(async () =>
    {
        try
        {
            await broker.WriteAsync(place, messages);
            return true;
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException or TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }, "the queue took nothing");

    [Fact]
    public async Task A_cluster_of_three_loses_any_one_node_and_no_message()
    {
        if (Find("") is null) return;
        await using var cluster = await RabbitCluster.StartAsync();
        var broker = new RabbitTestBroker(cluster.Setting, "backoff_ms=100");
        var place = Place();
        await using var running = await BrokerNode.StartAsync("sqlite");
        var relay = new OrderRelay(running.Node.Lanes, broker.Out(place), new HashSet<string> { "order.placed" });
        running.Node.Add(relay);
        running.Node.Add(new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard));
        await running.PlaceAsync(100);
        await BrokerNode.UntilAsync(() => Task.FromResult(relay.Lag == 0), "the first orders did not arrive: " + relay.LastError);
        // The node that made the queues leads them and is the one that we are connected to; then another one, when the first is back.
        for (var node = 0; node < 2; node++)
        {
            await WriteAsync(broker, place, [.. Enumerable.Range(0, 50).Select(i => ($"{node}-{i}", Order("A")))]);
            await cluster.KillAsync(node);
            await running.PlaceAsync(100);
            await WriteAsync(broker, place, [.. Enumerable.Range(25, 50).Select(i => ($"{node}-{i}", Order("A")))]); // half of them again
            var wanted = (node + 1) * 175 + 100;
            await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == wanted && relay.Lag == 0, $"two of three nodes do not do: {relay.LastError}");
            await cluster.StartAsync(node);
        }
        Assert.Equal(0, await running.ParkedAsync());
        Assert.Equal(450, (await broker.ReadAsync(place, 450)).Select(m => m.Key).Distinct().Count());
    }
}
