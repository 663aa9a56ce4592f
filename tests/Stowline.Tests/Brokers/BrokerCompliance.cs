using System.Text;
using Google.Protobuf;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Kafka;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: nothing that was accepted is lost, doubled in effect or out of order on its way out, and nothing that comes in is lost, doubled or able to stop the
/// rest, whatever the broker goes through. Method: a node on a real broker that is killed and started again; what arrived is read back with the
/// broker's own client. One suite for all brokers: a further one is a line in <see cref="TestBroker"/> and one in <see cref="Brokers"/>.
[Trait("Needs", "server")]
[Collection("brokers")] // one test at a time kills the broker
public class BrokerCompliance
{
    public static TheoryData<string, string> Brokers => new()
    {
        { "kafka", "sqlite" }, { "kafka", "postgres" }, { "redis", "sqlite" }, { "redis", "postgres" }, { "rabbitmq", "sqlite" }, { "rabbitmq", "postgres" },
    };

    private static TestBroker? Find(string broker, string store)
    {
        var found = TestBroker.Find(broker);
        var isHere = found is not null && (store == "sqlite" || EveryDatabaseAttribute.Postgres is not null);
        if (!isHere) Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing server is a failure
        return isHere ? found : null;
    }

    private static string Place() => "t" + Guid.NewGuid().ToString("N")[..12];

    /// <summary>What arrived, as events; with each order's positions ascending once repeats are passed over.</summary>
    internal static List<Protocol.OrderEvent> InOrder(IReadOnlyList<(string Key, byte[] Body)> messages)
    {
        var events = messages.Select(m => (m.Key, Event: Protocol.OrderEvent.Parser.ParseFrom(m.Body))).ToList();
        Assert.All(events, e => Assert.Equal(e.Event.OrderId, e.Key));
        foreach (var order in events.GroupBy(e => e.Key))
        {
            var fresh = new List<long>();
            foreach (var (_, e) in order)
                if (!fresh.Contains(e.Position)) fresh.Add(e.Position);
            Assert.Equal(fresh.Order(), fresh);
        }
        return [.. events.Select(e => e.Event)];
    }

    [Theory, MemberData(nameof(Brokers))]
    public async Task Every_event_arrives_in_order_per_key_also_when_the_broker_dies_in_mid_flow(string name, string store)
    {
        if (Find(name, store) is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync(store);
        var relay = new OrderRelay(running.Node.Lanes, broker.Out(place), new HashSet<string>());
        running.Node.Add(relay);
        var first = await running.PlaceAsync(300);
        await BrokerNode.UntilAsync(() => Task.FromResult(relay.Lag == 0), "the first orders did not arrive");
        await broker.KillAsync();
        IReadOnlyList<OrderView> second;
        try
        {
            second = await running.PlaceAsync(300); // nobody who orders notices
            foreach (var order in second.Take(50))
                await BrokerNode.Must(running.Node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => CancelOrder.DecideAsync(Guid.Parse(order.Id), "test", tx), default));
            await BrokerNode.UntilAsync(() => Task.FromResult(relay.LastError is not null), "the trouble is not visible");
            Assert.True(relay.Lag >= 300);
        }
        finally
        {
            await broker.StartAsync();
        }
        // What the cancellations lead to at the site, and from there at the hub, comes later than their answers.
        await BrokerNode.UntilAsync(() => Task.FromResult(running.Node.IsDrained && relay.Lag == 0), "the rest did not arrive: " + relay.LastError);
        var wanted = await running.CountAsync("SELECT COUNT(*) FROM events e JOIN lanes l ON l.id = e.lane_id WHERE l.name = 'hub' AND e.type LIKE 'order.%'");
        var events = InOrder(await broker.ReadAsync(place, (int)wanted));
        Assert.Equal(wanted, events.Select(e => e.EventId).Distinct().Count());
        Assert.Equal(first.Concat(second).Select(o => o.Id).Order(), events.Where(e => e.Type == "order.placed").Select(e => e.OrderId).Distinct().Order());
    }

    [Theory, MemberData(nameof(Brokers))]
    public async Task A_relay_goes_on_where_its_predecessor_was_acknowledged(string name, string store)
    {
        if (Find(name, store) is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync(store);
        var types = new HashSet<string> { "order.placed" };
        await running.PlaceAsync(20);
        // A pause of this machine must not end the lease.
        var one = new OrderRelay(running.Node.Lanes, broker.Out(place), types) { Lease = TimeSpan.FromMinutes(10) };
        while (await one.RunOnceAsync(default)) { }
        // A second process does not relay while the first has the lease, so that nothing overtakes.
        await using var two = new OrderRelay(running.Node.Lanes, broker.Out(place), types);
        await running.PlaceAsync(5);
        Assert.False(await two.RunOnceAsync(default));
        while (await one.RunOnceAsync(default)) { }
        await one.DisposeAsync();
        Assert.Equal(25, InOrder(await broker.ReadAsync(place, 25)).Select(e => e.EventId).Distinct().Count()); // at least once: a batch may come again
    }

    [Theory, InlineData("kafka"), InlineData("redis"), InlineData("rabbitmq")]
    public async Task What_waits_with_the_broker_is_known(string name)
    {
        if (Find(name, "sqlite") is not { } broker) return;
        var place = Place();
        await broker.WriteAsync(place, [.. Enumerable.Range(0, 40).Select(i => ($"k{i}", new byte[] { 0x7b }))]);
        await using var intake = broker.In(place);
        var received = new List<IncomingMessage>();
        async Task TakeAsync(int most) => received.AddRange(await intake.ReceiveAsync(most, default));
        await BrokerNode.UntilAsync(async () => { await TakeAsync(10); return received.Count > 0; }, "nothing came");
        await BrokerNode.UntilAsync(async () => await intake.StateAsync(default) is { } state && state.Messages + Math.Max(state.Unacknowledged, received.Count) == 40, "what waits is not known");
        await intake.AcknowledgeAsync(received, default);
        var acknowledged = received.Count;
        await BrokerNode.UntilAsync(async () => { await TakeAsync(50); return received.Count >= 40; }, "the rest did not come");
        await intake.AcknowledgeAsync(received[acknowledged..], default);
        await BrokerNode.UntilAsync(async () => await intake.StateAsync(default) is { Messages: 0, Unacknowledged: 0 }, "nothing waits any more, but it is told otherwise");
    }

    /// What nobody reads, and what waits for somebody else, is known too.
    [Theory, InlineData("kafka"), InlineData("redis"), InlineData("rabbitmq")]
    public async Task How_long_the_queues_are_is_known(string name)
    {
        if (Find(name, "sqlite") is not { } broker) return;
        var place = Place();
        await broker.WriteAsync(place, [.. Enumerable.Range(0, 40).Select(i => ($"k{i}", new byte[] { 0x7b }))]);
        await using var queues = broker.Queues(place);
        var (received, published) = (new List<IncomingMessage>(), 0);
        // Kafka keeps what was read, and so does a stream of Redis: there it is the group that has something left to read.
        async Task<bool> ToldAsync()
        {
            var told = await queues.LookAsync(default);
            var input = told.Single(q => q.Kind == QueueKind.In);
            var left = input.Groups is [var group] ? group.Lag + (group.Unacknowledged ?? 0) : input.Messages;
            return left == 40 - received.Count && told.Where(q => q.Kind == QueueKind.Out).All(q => q.Messages == published);
        }
        await BrokerNode.UntilAsync(ToldAsync, "what nobody has read yet is not known");
        await using (var intake = broker.In(place))
        {
            await BrokerNode.UntilAsync(async () => { received.AddRange(await intake.ReceiveAsync(10, default)); return received.Count > 0; }, "nothing came");
            await intake.AcknowledgeAsync(received, default);
        }
        await using var output = broker.Out(place);
        Assert.Empty(await output.PublishAsync([.. Enumerable.Range(0, 5).Select(i => new OutgoingMessage($"k{i}", "order.placed", new byte[] { 1 }))], default));
        published = 5;
        await BrokerNode.UntilAsync(ToldAsync, "what is left is not known");
    }

    [Theory, MemberData(nameof(Brokers))]
    public async Task Orders_come_in_once_and_poison_is_parked_while_the_rest_goes_on(string name, string store)
    {
        if (Find(name, store) is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync(store, units: 10);
        byte[] Json(string text) => Encoding.UTF8.GetBytes(text);
        byte[] Message(string id) => new Protocol.CreateOrderRequest { Channel = "shop", ExternalId = id, Lines = { new Protocol.OrderLine { Sku = "A", Quantity = 1 } } }.ToByteArray();
        await broker.WriteAsync(place,
        [
            ("k1", Message("1")), ("k1", Message("1")),                                                             // the same twice
            ("k2", Json("""{"channel":"shop","external_id":"2","lines":[{"sku":"A","quantity":2}]}""")),
            ("k3", Json("""  {"lines":[{"sku":"A","quantity":1}]}""")), ("k3", Json("""{"lines":[{"sku":"A","quantity":1}]}""")), // its key is its id
            ("p1", Json("{ not json")), ("p2", [0xff, 0xff, 0xff]), ("p3", []), ("p4", Json("""{"lines":[{"sku":"NONE","quantity":1}]}""")),
            ("k2", Json("""{"channel":"shop","external_id":"2","lines":[{"sku":"A","quantity":3}]}""")),             // the same id and key, another order
            ("p6", Enumerable.Repeat((byte)0x7b, 900_000).ToArray()),                                                // huge, and nonsense
            ("k4", Json($$"""{"channel":"shop","external_id":"4","note":"{{new string('x', 1_900)}}","lines":[{{string.Join(',', Enumerable.Repeat("""{"sku":"A","quantity":1}""", 2_000))}}]}""")),
            ("k5", Message("5")),
        ]);
        running.Node.Add(new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard));
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == 5 && await running.ParkedAsync() == 6, "not all was taken or parked");
        // More was ordered than there is: nobody could be told no, so the large order waits for stock, and whoever came behind it.
        Assert.True(await running.CountAsync($"SELECT COUNT(*) FROM orders WHERE status = {(int)OrderStatus.Backorder}") >= 1);
        // What was taken does not come again in effect.
        await broker.WriteAsync(place, [("k1", Message("1")), ("k6", Message("6"))]);
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == 6, "what came later was not taken");
        Assert.Equal(6, await running.ParkedAsync());
        var parked = await running.Node.Database.ReadAsync(async s => await LaneReader.ParkedAsync(s, "", "", 0, 100));
        Assert.Equal(["k2", "p1", "p2", "p3", "p4", "p6"], parked.Select(p => p.Subject).Order());
        Assert.Contains(parked, p => p.Subject == "p4" && p.Error.StartsWith("unknown_sku", StringComparison.Ordinal));
        Assert.Contains(parked, p => p.Subject == "k2" && p.Error.StartsWith("external_id_taken", StringComparison.Ordinal));
        var report = await Verification.RunAsync(running.Node);
        Assert.True(report.Ok, string.Join("; ", report.Checks.Where(c => c.Value != "ok")));
    }

    [Theory, MemberData(nameof(Brokers))]
    public async Task Intake_survives_the_broker_and_takes_each_order_once(string name, string store)
    {
        if (Find(name, store) is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync(store);
        (string, byte[]) Order(int i) => ($"k{i}", new Protocol.CreateOrderRequest { Channel = "shop", ExternalId = $"{i}", Lines = { new Protocol.OrderLine { Sku = "A", Quantity = 1 } } }.ToByteArray());
        await broker.WriteAsync(place, [.. Enumerable.Range(0, 500).Select(Order)]);
        running.Node.Add(new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard));
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() > 50, "nothing came in");
        await broker.KillAsync();
        await broker.StartAsync();
        await broker.WriteAsync(place, [.. Enumerable.Range(400, 300).Select(Order)]); // a hundred of them again
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == 700, "not all came in after the broker was back");
        Assert.Equal(0, await running.ParkedAsync());
    }

    [Theory]
    [InlineData("kafka")]
    [InlineData("rabbitmq")] // Redis takes half a gigabyte
    public async Task What_is_too_large_for_the_broker_is_refused_and_the_others_go_on(string name)
    {
        if (Find(name, "sqlite") is not { } broker) return;
        var place = Place();
        await using var broken = broker.Out(place);
        OutgoingMessage Message(string key, int bytes) => new(key, "order.placed", new byte[bytes]);
        var refused = await broken.PublishAsync([Message("a", 10), Message("b", 5_000_000), Message("c", 20), Message("b", 30)], default);
        Assert.Equal(1, Assert.Single(refused).Index);
        Assert.Empty(await broken.PublishAsync([Message("d", 40)], default));
        Assert.Equal([10, 20, 30, 40], (await broker.ReadAsync(place, 4)).Select(m => m.Body.Length).Distinct().Order());
    }

    /// The key of a refused order is its channel and external id, in any script.
    [Theory]
    [InlineData("kafka")]
    [InlineData("rabbitmq")]
    [InlineData("redis")]
    public async Task A_key_may_be_as_long_as_an_external_id(string name)
    {
        if (Find(name, "sqlite") is not { } broker) return;
        var place = Place();
        await using var output = broker.Out(place);
        var key = "web:" + new string('ж', 128);
        Assert.Empty(await output.PublishAsync([new OutgoingMessage(key, "order.refused", "one"u8.ToArray()), new OutgoingMessage("b", "order.placed", "two"u8.ToArray())], default));
        Assert.Equal(["one", "two"], (await broker.ReadAsync(place, 2)).Select(m => System.Text.Encoding.UTF8.GetString(m.Body)).Distinct().Order());
    }

    /// What was accepted while the broker was away for long must come at the broker's pace, not at a crawl, and in order.
    [Theory]
    [InlineData("kafka", "sqlite")]
    [InlineData("redis", "sqlite")]
    [InlineData("rabbitmq", "sqlite")]
    public async Task A_backlog_of_a_hundred_thousand_is_worked_off(string name, string store)
    {
        if (Find(name, store) is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync(store, units: 1);
        const int Events = 100_000;
        // The events alone, as they would stand in the log: the orders behind them are not what is tested.
        for (var at = 0; at < Events; at += 1_000)
            await BrokerNode.Must(running.Node.Lanes.ExecuteAsync<Done>(Lane.Hub, Caller.System, tx =>
            {
                for (var i = 0; i < 1_000; i++)
                {
                    var id = new Guid(i, 0, 7, [1, 2, 3, 4, 5, 6, 7, 8]);
                    tx.Append(Lane.Hub, new OrderStatusChanged(id, "allocated", "picking"), id.ToString(), id);
                }
                return ValueTask.FromResult<Outcome<Done>>(new Done());
            }));
        await using var relay = new OrderRelay(running.Node.Lanes, broker.Out(place), new HashSet<string>());
        while (await relay.RunOnceAsync(default)) { }
        Assert.Equal(0, relay.Lag);
        var events = InOrder(await broker.ReadAsync(place, Events));
        Assert.Equal(Events, events.Select(e => e.Position).Distinct().Count());
    }

    [Theory]
    [InlineData("h:9092", "h:9092", "stowline.orders", null)]
    [InlineData("a:1,b:2;topic=x;intake=y;types=all;api.version.request=false", "a:1,b:2", "x", "y")]
    public void The_setting_is_read(string text, string servers, string topic, string? intake)
    {
        var settings = KafkaSettings.Parse(text);
        Assert.Equal((servers, topic, intake), (settings.Servers, settings.Topic, settings.Intake));
        Assert.Equal(text.Contains("request", StringComparison.Ordinal), settings.IsOld);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("h:1;topic")]
    [InlineData("h:1;topci=x")]
    [InlineData("h:1;topic=x;intake=x")]
    public void A_wrong_setting_is_refused(string text) => Assert.Throws<FormatException>(() => KafkaSettings.Parse(text));
}
