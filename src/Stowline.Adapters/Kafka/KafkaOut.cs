using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// Publishes to one topic, confirmed by all replicas. The producer never gives up on a message: a later one of the same key must not be delivered when an
/// earlier one was not. While the broker is away, publishing simply waits.
/// </summary>
public sealed class KafkaOut(KafkaSettings settings) : IBrokerOut
{
    private readonly Lock _gate = new();
    private KafkaSender? _sender;

    public string Name => "kafka " + settings.Topic;
    public string? Trouble => _sender?.Trouble;

    /// <summary>Each batch waits for the client to gather requests (linger.ms), for the broker and for the cursor: by thousands that is little beside the sending, by one thousand it is a third.</summary>
    public int BatchSize => 4_000;

    public IOutgoingBatch Begin()
    {
        lock (_gate)
        {
            if (_sender is not { IsClosed: false }) _sender = new KafkaSender(settings);
            return _sender.Begin();
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate) _sender?.Dispose();
        return ValueTask.CompletedTask;
    }
}
