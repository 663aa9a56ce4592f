using System.Runtime.InteropServices;
using Confluent.Kafka;
using RabbitMQ.Client;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Kafka;
using Stowline.Adapters.RabbitMq;
using Stowline.Adapters.Redis;

namespace Stowline.Bench;

/// <summary>A publisher without a log, an order per key or a cursor: all it does is wait for the broker's confirmations.</summary>
internal abstract class RawPublisher : IAsyncDisposable
{
    public abstract Task PublishAsync(IReadOnlyList<OutgoingMessage> messages);
    public abstract ValueTask DisposeAsync();
}

/// <summary>A broker that is there, with Stowline's way to it and the bare one. Places are of one run; what is published into them stays with the broker.</summary>
internal abstract class BenchBroker
{
    public abstract string Name { get; }
    public abstract IBrokerOut Out(string place);
    public abstract Task<RawPublisher> RawAsync(string place);

    /// <summary>The array of its own that a message of this benchmark has: copying is not what is compared.</summary>
    private static byte[] Whole(ReadOnlyMemory<byte> body) => MemoryMarshal.TryGetArray(body, out var part) && part.Array!.Length == body.Length ? part.Array : throw new InvalidOperationException("not a whole array");

    public static IReadOnlyList<BenchBroker> Of(BenchOptions options)
    {
        var found = new List<BenchBroker>();
        if (options.Kafka.Length > 0) found.Add(new Kafka(KafkaSettings.Parse(options.Kafka)));
        if (options.Rabbitmq.Length > 0) found.Add(new Rabbit(RabbitSettings.Parse(options.Rabbitmq)));
        if (options.Redis.Length > 0) found.Add(new Redis(RedisSettings.Parse(options.Redis)));
        return found;
    }

    private sealed class Kafka(KafkaSettings settings) : BenchBroker
    {
        public override string Name => "kafka";
        public override IBrokerOut Out(string place) => new KafkaOut(settings with { Topic = place });

        public override Task<RawPublisher> RawAsync(string place)
        {
            KafkaNative.Need();
            var given = new Dictionary<string, string>(settings.Native)
            {
                ["bootstrap.servers"] = settings.Servers, ["acks"] = "all", ["linger.ms"] = "5", ["partitioner"] = "murmur2_random", ["dotnet.producer.delivery.report.fields"] = "none", ["queue.buffering.max.messages"] = "2000000",
                [settings.IsOld ? "max.in.flight" : "enable.idempotence"] = settings.IsOld ? "1" : "true",
            };
            return Task.FromResult<RawPublisher>(new Raw(new ProducerBuilder<string, byte[]>(given).SetLogHandler((_, _) => { }).Build(), place));
        }

        private sealed class Raw(IProducer<string, byte[]> producer, string topic) : RawPublisher
        {
            public override async Task PublishAsync(IReadOnlyList<OutgoingMessage> messages)
            {
                var left = messages.Count;
                var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                foreach (var message in messages)
                    producer.Produce(topic, new Message<string, byte[]> { Key = message.Key, Value = Whole(message.Body) }, report =>
                    {
                        if (report.Error.IsError) done.TrySetException(new KafkaException(report.Error));
                        else if (Interlocked.Decrement(ref left) == 0) done.TrySetResult();
                    });
                await done.Task;
            }

            public override ValueTask DisposeAsync()
            {
                producer.Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }

    private sealed class Rabbit(RabbitSettings settings) : BenchBroker
    {
        public override string Name => "rabbitmq";
        public override IBrokerOut Out(string place) => new RabbitOut(settings with { Exchange = place, Queue = place }, TimeProvider.System);

        public override async Task<RawPublisher> RawAsync(string place)
        {
            var connection = await new ConnectionFactory { Uri = settings.Server }.CreateConnectionAsync();
            return new Raw(connection, await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true)), place);
        }

        private sealed class Raw(IConnection connection, IChannel channel, string exchange) : RawPublisher
        {
            public override Task PublishAsync(IReadOnlyList<OutgoingMessage> messages) => Task.WhenAll(messages.Select(m => channel.BasicPublishAsync(exchange, m.Type, mandatory: true,
                new BasicProperties { Persistent = true, ContentType = "application/x-protobuf", Type = m.Type, CorrelationId = m.Key }, m.Body).AsTask()));

            public override async ValueTask DisposeAsync()
            {
                await channel.DisposeAsync();
                await connection.DisposeAsync();
            }
        }
    }

    private sealed class Redis(RedisSettings settings) : BenchBroker
    {
        private const int UnderWay = 1_000;

        public override string Name => "redis";
        public override IBrokerOut Out(string place) => new RedisOut(new RedisStreams(new RedisLink(settings, TimeProvider.System), settings), place);
        public override Task<RawPublisher> RawAsync(string place) => Task.FromResult<RawPublisher>(new Raw(new RedisLink(settings, TimeProvider.System), place));

        private sealed class Raw(RedisLink link, string stream) : RawPublisher
        {
            public override async Task PublishAsync(IReadOnlyList<OutgoingMessage> messages)
            {
                foreach (var some in messages.Chunk(UnderWay))
                    await Task.WhenAll(some.Select(m => link.RunAsync("XADD", default, stream, "*", "key", m.Key, "type", m.Type, "body", Whole(m.Body))));
            }

            public override ValueTask DisposeAsync() => link.DisposeAsync();
        }
    }
}
