using Confluent.Kafka;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// How far the group of the intake is behind in its topic: over all partitions, whichever process reads them, from what is committed. The client asks as one of the group that reads
/// nothing, so the group does not notice.
/// </summary>
public sealed class KafkaQueues(KafkaSettings settings) : IBrokerQueues
{
    private static readonly TimeSpan Asking = TimeSpan.FromSeconds(5), Farewell = TimeSpan.FromSeconds(5);
    private readonly string _topic = settings.Intake ?? throw new ArgumentException("no topic to look at", nameof(settings));
    private IConsumer<Ignore, Ignore>? _client;

    public string Broker => "kafka";

    /// <summary>The client blocks, so it does so on a thread of the pool.</summary>
    public Task<IReadOnlyList<BrokerQueue>> LookAsync(CancellationToken ct) => Task.Run<IReadOnlyList<BrokerQueue>>(() =>
    {
        var client = _client ??= Open();
        using var asking = new DependentAdminClientBuilder(client.Handle).Build();
        var partitions = asking.GetMetadata(_topic, Asking).Topics.Single().Partitions.Select(p => new TopicPartition(_topic, p.PartitionId)).ToList();
        if (partitions.Count == 0) return []; // the topic is not there yet
        var (messages, lag) = (0L, 0L);
        foreach (var committed in client.Committed(partitions, Asking))
        {
            var marks = client.QueryWatermarkOffsets(committed.TopicPartition, Asking);
            messages += marks.High.Value - marks.Low.Value;
            // Nothing was committed yet: then the group begins at the beginning. What was deleted meanwhile waits for nobody.
            lag += marks.High.Value - Math.Max(committed.Offset.IsSpecial ? 0 : committed.Offset.Value, marks.Low.Value);
        }
        return [new BrokerQueue(_topic, QueueKind.In, messages, [new QueueGroup(settings.Group, Math.Max(0, lag), null, null)])];
    }, ct);

    private IConsumer<Ignore, Ignore> Open()
    {
        KafkaNative.Need();
        return new ConsumerBuilder<Ignore, Ignore>(settings.With(("group.id", settings.Group), ("enable.auto.commit", "false"), ("reconnect.backoff.max.ms", "2000")))
            .SetErrorHandler((_, _) => { }).SetLogHandler((_, _) => { }).Build(); // what is wrong, it throws
    }

    public ValueTask DisposeAsync()
    {
        // As the intake's: a client whose broker was killed may wait for ever for its farewell.
        if (Interlocked.Exchange(ref _client, null) is { } client) Task.Run(client.Dispose).Wait(Farewell);
        return ValueTask.CompletedTask;
    }
}
