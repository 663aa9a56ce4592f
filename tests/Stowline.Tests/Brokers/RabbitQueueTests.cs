using System.Globalization;
using System.Text;
using RabbitMQ.Client;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.RabbitMq;
using Stowline.Log;

namespace Stowline.Tests.Brokers;

/// Goal: RabbitMQ's queues are what docs/brokers.md says: how long a message waits between two tries, where it ends, and what Stowline says of a queue that somebody else has made differently.
/// Method: a real broker; what an operator or a sender does is done with its own client.
[Trait("Needs", "server")]
[Collection("brokers")]
public class RabbitQueueTests
{
    private static RabbitTestBroker? Find(string more)
    {
        var setting = Environment.GetEnvironmentVariable("STOWLINE_TEST_RABBITMQ");
        if (string.IsNullOrEmpty(setting)) Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing server is a failure
        return string.IsNullOrEmpty(setting) ? null : new RabbitTestBroker(setting, more);
    }

    private static string Place() => "t" + Guid.NewGuid().ToString("N")[..12];

    /// <param name="made">What was made before: queue or exchange, its name after the place, and with which argument.</param>
    [Theory]
    [InlineData("-in", "x-message-ttl=60000", "x-message-ttl: Stowline needs none, there it is '60000'")]
    [InlineData("-in", "classic", "x-")] // the broker names the first difference of several
    [InlineData("-in.retry.1", "x-max-length=10", "x-max-length: Stowline needs none, there it is '10'")]
    [InlineData("-in.dead", "classic", "x-queue-type: Stowline needs 'quorum', there it is ")]
    [InlineData("-out", "x-message-ttl=1000", "x-message-ttl: Stowline needs none, there it is '1000'")]
    [InlineData("-out", "fanout", "type: Stowline needs 'topic', there it is 'fanout'")]
    public async Task What_was_made_differently_before_is_named_with_the_cure_until_it_is_gone(string name, string made, string told)
    {
        if (Find("backoff_ms=100") is not { } broker) return;
        var (place, isExchange) = (Place(), made == "fanout");
        await broker.ByHandAsync(channel => isExchange ? channel.ExchangeDeclareAsync(place + name, made, durable: true)
            : channel.QueueDeclareAsync(place + name, durable: true, exclusive: false, autoDelete: false, Arguments(place + name, made)));
        await using var running = await BrokerNode.StartAsync("sqlite");
        Pump pump = name == "-out" ? new OrderRelay(running.Node.Lanes, broker.Out(place), new HashSet<string>()) : new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard);
        running.Node.Add(pump);
        await running.PlaceAsync(1);
        await BrokerNode.UntilAsync(() => Task.FromResult(pump.LastError is not null && pump.FailingSince is not null), "the trouble is not visible");
        Assert.StartsWith($"the {(isExchange ? "exchange" : "queue")} '{place}{name}' was made before with another {told}", pump.LastError);
        Assert.Contains("in the setting rabbitmq", pump.LastError);
        // The operator does what it says; nothing has to be started anew.
        await broker.ByHandAsync(channel => isExchange ? channel.ExchangeDeleteAsync(place + name) : channel.QueueDeleteAsync(place + name));
        await BrokerNode.UntilAsync(() => Task.FromResult(pump.FailingSince is null && (pump is not OrderRelay relay || relay.Lag == 0)), "it does not go on by itself");
        if (pump is OrderIntake) await broker.WriteAsync(place, [("late", """{"lines":[{"sku":"A","quantity":1}]}"""u8.ToArray())]);
        await BrokerNode.UntilAsync(async () => await running.OrdersAsync() == (pump is OrderIntake ? 2 : 1), "nothing came in after it");
    }

    [Fact]
    public async Task What_another_connection_has_for_itself_is_told_until_that_is_gone()
    {
        if (Find("backoff_ms=100") is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync("sqlite");
        var intake = new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard);
        await broker.ByHandAsync(async channel =>
        {
            await channel.QueueDeclareAsync(place + "-in", durable: false, exclusive: true, autoDelete: false);
            running.Node.Add(intake);
            await BrokerNode.UntilAsync(() => Task.FromResult(intake.LastError is not null), "the trouble is not visible");
            Assert.StartsWith("another connection has a queue for itself alone", intake.LastError);
            Assert.Contains(place + "-in", intake.LastError);
        });
        await BrokerNode.UntilAsync(() => Task.FromResult(intake.FailingSince is null), "it does not go on by itself");
    }

    /// <summary>What docs/brokers.md says that a queue must have, and one thing more.</summary>
    private static Dictionary<string, object?> Arguments(string queue, string made)
    {
        if (made == "classic") return [];
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish", ["x-dead-letter-strategy"] = "at-least-once" };
        var isRetry = queue.EndsWith(".retry.1", StringComparison.Ordinal);
        arguments["x-dead-letter-exchange"] = isRetry ? "" : queue + ".dead";
        if (isRetry) arguments["x-dead-letter-routing-key"] = queue[..^".retry.1".Length];
        else if (queue.EndsWith("-in", StringComparison.Ordinal)) arguments["x-single-active-consumer"] = true;
        var equals = made.IndexOf('=');
        arguments[made[..equals]] = int.Parse(made.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return arguments;
    }

    /// Goal: three tries by default; before the next a message waits between half and the whole of what doubles. Method: the longest waits are so long that nothing expires; the test hands on what waits, as the broker does when it expires.
    [Fact]
    public async Task Tries_are_apart_by_between_half_and_the_whole_of_what_doubles()
    {
        const int Hour = 3_600_000;
        if (Find($"backoff_ms={Hour}") is not { } broker) return;
        var place = Place();
        await using var running = await BrokerNode.StartAsync("sqlite");
        await broker.WriteAsync(place, [("p", """{"lines":[{"sku":"NONE","quantity":1}]}"""u8.ToArray())]);
        running.Node.Add(new OrderIntake(running.Node, broker.In(place), OrderFormats.Standard));
        foreach (var tries in new[] { 1, 2 })
        {
            var waiting = Assert.Single(await broker.TakeAsync($"{place}-in.retry.{tries}", 1));
            Assert.Equal(tries, Convert.ToInt32(waiting.BasicProperties.Headers![RabbitIn.TriesHeader], CultureInfo.InvariantCulture));
            Assert.InRange(int.Parse(waiting.BasicProperties.Expiration!, CultureInfo.InvariantCulture), Hour * tries / 2, Hour * tries);
            // When it expires, the broker takes its expiration away and puts it back.
            await broker.ByHandAsync(channel => channel.BasicPublishAsync("", place + "-in", mandatory: true, new BasicProperties(waiting.BasicProperties) { Expiration = null }, waiting.Body).AsTask());
        }
        var dead = Assert.Single(await broker.TakeAsync(place + "-in.dead", 1));
        Assert.Equal(3, Convert.ToInt32(dead.BasicProperties.Headers![RabbitIn.TriesHeader], CultureInfo.InvariantCulture));
        Assert.Null(dead.BasicProperties.Expiration);
        await BrokerNode.UntilAsync(async () => await running.ParkedAsync() == 1, "it was not parked");
    }

    /// Goal: what a sender lets expire before it was read is a dead letter, and known as such. Method: it expires while nobody reads.
    [Fact]
    public async Task What_expires_before_it_was_read_is_a_dead_letter_that_is_told_of()
    {
        if (Find("backoff_ms=100") is not { } broker) return;
        var place = Place();
        await broker.WriteAsync(place, []);
        await broker.ByHandAsync(channel => channel.BasicPublishAsync("", place + "-in", mandatory: true, new BasicProperties { Persistent = true, MessageId = "m", Expiration = "1" }, "{}"u8.ToArray()).AsTask());
        await using var running = await BrokerNode.StartAsync("sqlite");
        var watch = new QueueWatch(running.Node, broker.Queues(place));
        running.Node.Add(watch);
        await BrokerNode.UntilAsync(() => Task.FromResult(watch.Queues.Any(q => q.Kind == QueueKind.Dead && q.Name == place + "-in.dead" && q.Messages == 1)), "the dead letter is not told of: " + watch.LastError);
        Assert.Equal(0, watch.Queues.Single(q => q.Kind == QueueKind.In).Messages);
        Assert.Equal("expired", Encoding.UTF8.GetString((byte[])Assert.Single(await broker.TakeAsync(place + "-in.dead", 1)).BasicProperties.Headers!["x-first-death-reason"]!));
    }
}
