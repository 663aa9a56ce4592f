using RabbitMQ.Client;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.RabbitMq;
using Stowline.Kernel;

namespace Stowline.Tests.Brokers;

/// <summary>RabbitMQ, started by tests/rabbitmq.sh.</summary>
/// <param name="more">Further options of the setting.</param>
public sealed class RabbitTestBroker(string setting, string more = "backoff_ms=100") : TestBroker
{
    public override string Name => "rabbitmq";

    /// <summary>The setting <c>rabbitmq</c> for a place.</summary>
    public string SettingOf(string place) => $"{setting};exchange={place}-out;queue={place}-out;intake={place}-in;{more}";

    private RabbitSettings Settings(string place) => RabbitSettings.Parse(SettingOf(place));

    public override IBrokerOut Out(string place) => new RabbitOut(Settings(place), TimeProvider.System);
    public override IBrokerIn In(string place) => new RabbitIn(Settings(place), TimeProvider.System, new IdSource(TimeProvider.System));

    public override IBrokerQueues Queues(string place) => new RabbitQueues(Settings(place), TimeProvider.System);

    private Task<IConnection> ConnectAsync()
    {
        var parsed = RabbitSettings.Parse(setting);
        return new ConnectionFactory { Uri = parsed.Server }.CreateConnectionAsync([new AmqpTcpEndpoint(parsed.Server), .. parsed.Others.Select(o => new AmqpTcpEndpoint(o.Host, o.Port))]);
    }

    /// <summary>What an operator or a sender does by hand.</summary>
    public async Task ByHandAsync(Func<IChannel, Task> act)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await act(channel);
    }

    /// <summary>Takes messages out of a queue: at least so many, within a minute.</summary>
    public async Task<List<BasicGetResult>> TakeAsync(string queue, int atLeast)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var found = new List<BasicGetResult>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            if (await channel.BasicGetAsync(queue, autoAck: true, limit.Token) is { } message) found.Add(message);
            else if (found.Count >= atLeast) return found;
        }
    }

    public override async Task<IReadOnlyList<(string Key, byte[] Body)>> ReadAsync(string place, int atLeast)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        var found = new List<(string, byte[])>();
        var arrived = System.Threading.Channels.Channel.CreateUnbounded<(string, byte[])>();
        await channel.BasicQosAsync(0, 5_000, global: false);
        var consumer = new RabbitMQ.Client.Events.AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, e) =>
        {
            arrived.Writer.TryWrite((e.BasicProperties.CorrelationId!, e.Body.ToArray()));
            await channel.BasicAckAsync(e.DeliveryTag, multiple: false);
        };
        await channel.BasicConsumeAsync(place + "-out", autoAck: false, consumer);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        for (var different = new Different(); different.Count < atLeast;)
        {
            var (key, body) = await arrived.Reader.ReadAsync(limit.Token);
            found.Add((key, body));
            different.Add(key, body);
        }
        // What should not be there must have the chance to show.
        using var little = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        try
        {
            while (true) found.Add(await arrived.Reader.ReadAsync(little.Token));
        }
        catch (OperationCanceledException)
        {
            return found;
        }
    }

    public override async Task WriteAsync(string place, IReadOnlyList<(string Key, byte[] Body)> messages)
    {
        await using (var queue = new RabbitIn(Settings(place), TimeProvider.System, new IdSource(TimeProvider.System))) await queue.DeclareAsync(default);
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await Task.WhenAll(messages.Select(m => channel.BasicPublishAsync("", place + "-in", mandatory: true, new BasicProperties { Persistent = true, MessageId = m.Key }, m.Body).AsTask()));
    }

    public override Task KillAsync() => ControlAsync("rabbitmq.sh", "STOWLINE_TEST_RABBITMQ_DIR", "stop", "KILL");
    public override Task StartAsync() => ControlAsync("rabbitmq.sh", "STOWLINE_TEST_RABBITMQ_DIR", "start");
}
