using Confluent.Kafka;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>Reads one topic as a member of a group. Offsets move only by <see cref="AcknowledgeAsync"/>.</summary>
public sealed class KafkaIn(KafkaSettings settings) : IBrokerIn
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Asking = TimeSpan.FromSeconds(2);
    private readonly string _topic = settings.Intake ?? throw new ArgumentException("no topic to read", nameof(settings));
    private IConsumer<string?, byte[]?>? _consumer;
    private volatile string? _trouble;

    public string Name => "kafka intake " + _topic;
    public string? Trouble => _trouble;

    /// <summary>The client blocks, so it does so on a thread of the pool and only for a moment.</summary>
    public Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct) => Task.Run<IReadOnlyList<IncomingMessage>>(() =>
    {
        var consumer = _consumer ??= Open();
        var received = new List<IncomingMessage>();
        try
        {
            for (var wait = Moment; received.Count < most && consumer.Consume(wait) is { } message; wait = TimeSpan.Zero)
                received.Add(new IncomingMessage($"kafka:{message.Topic}/{message.Partition.Value}", message.Offset.Value, message.Message.Key, message.Message.Value ?? [], message.TopicPartitionOffset));
            if (_trouble is not null && (received.Count > 0 || IsBack(consumer))) _trouble = null;
        }
        catch (ConsumeException e)
        {
            _trouble = e.Error.Reason; // the topic is not there yet, or the broker is away: the client goes on by itself
        }
        return received;
    }, ct);

    /// <summary>The client reports what goes wrong and never that it is over.</summary>
    private bool IsBack(IConsumer<string?, byte[]?> consumer)
    {
        try
        {
            consumer.QueryWatermarkOffsets(new TopicPartition(_topic, 0), Asking);
            return true;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    public Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => Task.Run(() => _consumer?.Commit(
        messages.Select(m => (TopicPartitionOffset)m.Tag).GroupBy(t => t.TopicPartition).Select(g => new TopicPartitionOffset(g.Key, g.Max(t => t.Offset.Value) + 1))), ct);

    /// <summary>The lag: what lies behind the last message that was given out, in the partitions that are ours. How old it is, old brokers do not know.</summary>
    public Task<QueueState?> StateAsync(CancellationToken ct) => Task.Run<QueueState?>(() =>
    {
        if (_consumer is not { } consumer) return null;
        try
        {
            return new QueueState(consumer.Assignment.Sum(p => Lag(consumer, p)), 0, null);
        }
        catch (KafkaException)
        {
            return null; // the broker is away: nothing is known
        }
    }, ct);

    private static long Lag(IConsumer<string?, byte[]?> consumer, TopicPartition partition)
    {
        var (end, next) = (consumer.GetWatermarkOffsets(partition).High, consumer.Position(partition));
        // Nothing was given out since the start: then it goes on where the group stood, or at the beginning.
        if (next.IsSpecial) next = consumer.Committed([partition], Asking).Single().Offset;
        if (!end.IsSpecial && !next.IsSpecial) return Math.Max(0, end.Value - next.Value);
        var marks = consumer.QueryWatermarkOffsets(partition, Asking);
        return Math.Max(0, marks.High.Value - (next.IsSpecial ? marks.Low : next).Value);
    }

    public Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => Task.Run(() =>
    {
        try
        {
            foreach (var partition in messages.Select(m => (TopicPartitionOffset)m.Tag).GroupBy(t => t.TopicPartition))
                _consumer?.Seek(new TopicPartitionOffset(partition.Key, partition.Min(t => t.Offset.Value)));
        }
        catch (KafkaException)
        {
            // The partition is another member's now, or the client is in no state to seek: a new client begins at what was acknowledged.
            Close();
        }
    }, ct);

    private IConsumer<string?, byte[]?> Open()
    {
        KafkaNative.Need();
        var consumer = new ConsumerBuilder<string?, byte[]?>(settings.With(
                ("group.id", settings.Group), ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("auto.offset.reset", "earliest"),
                ("session.timeout.ms", "10000"), ("reconnect.backoff.max.ms", "2000"), ("topic.metadata.refresh.interval.ms", "10000")))
            .SetErrorHandler((_, error) => _trouble = error.Reason).SetLogHandler((_, _) => { }).SetKeyDeserializer(Lenient.Instance).Build();
        consumer.Subscribe(_topic);
        return consumer;
    }

    /// <summary>A key that is not UTF-8 must not stop the reading; it is shown as far as it is text.</summary>
    private sealed class Lenient : IDeserializer<string?>
    {
        public static readonly Lenient Instance = new();
        public string? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) => isNull ? null : System.Text.Encoding.UTF8.GetString(data);
    }

    private void Close()
    {
        if (Interlocked.Exchange(ref _consumer, null) is not { } consumer) return;
        // Its good-bye was seen to wait for ever after the broker had been killed. Nothing depends on it: what was worked off is committed, and the group notices by itself.
        Task.Run(() =>
        {
            consumer.Close();
            consumer.Dispose();
        }).Wait(Farewell);
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }
}
