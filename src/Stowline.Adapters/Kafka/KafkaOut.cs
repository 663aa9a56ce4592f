using Confluent.Kafka;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// Publishes to one topic, confirmed by all replicas. The producer never gives up on a message: a later one of the same key must not be delivered when an
/// earlier one was not. While the broker is away, publishing simply waits.
/// </summary>
public sealed class KafkaOut(KafkaSettings settings) : IBrokerOut
{
    private IProducer<string, byte[]>? _producer;
    private volatile string? _trouble;

    public string Name => "kafka " + settings.Topic;
    public string? Trouble => _trouble;

    /// <summary>Each batch waits for the client to gather requests (linger.ms), for the broker and for the cursor: by thousands that is little beside the sending, by one thousand it is a third.</summary>
    public int BatchSize => 4_000;

    public async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
    {
        if (messages.Count == 0) return [];
        var producer = _producer ??= Open();
        var waiting = new Batch(messages.Count);
        try
        {
            for (var i = 0; i < messages.Count; i++)
            {
                var index = i;
                try
                {
                    producer.Produce(settings.Topic, new Message<string, byte[]> { Key = messages[i].Key, Value = messages[i].Body.ToArray() }, report => waiting.Report(index, report.Error));
                }
                catch (ProduceException<string, byte[]> e)
                {
                    waiting.Report(index, e.Error);
                }
            }
            var refused = await waiting.Done.WaitAsync(ct);
            _trouble = null;
            return refused;
        }
        catch
        {
            // What is still in its queue must not be sent behind the same messages of the next try.
            Close();
            throw;
        }
    }

    /// <summary>The reports of one batch, which come from the client's own thread.</summary>
    private sealed class Batch(int count)
    {
        private readonly TaskCompletionSource<IReadOnlyList<(int, string)>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<(int, string)> _refused = [];
        private readonly Lock _gate = new();
        private int _left = count;

        public Task<IReadOnlyList<(int Index, string Reason)>> Done => _done.Task;

        public void Report(int index, Error error)
        {
            lock (_gate)
            {
                if (error.IsError && IsForGood(error)) _refused.Add((index, error.Reason));
                else if (error.IsError) _done.TrySetException(new KafkaException(error));
                if (--_left == 0) _done.TrySetResult(_refused);
            }
        }

        private static bool IsForGood(Error error) => error.Code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidMsgSize or ErrorCode.InvalidRecord;
    }

    private IProducer<string, byte[]> Open()
    {
        KafkaNative.Need();
        return new ProducerBuilder<string, byte[]>(settings.With(
            ("acks", "all"), ("message.timeout.ms", "0"), ("linger.ms", "5"), ("partitioner", "murmur2_random"), ("message.max.bytes", "16000000"),
            // Of a report only the error is looked at; all else would be made for each message and thrown away.
            ("dotnet.producer.delivery.report.fields", "none"),
            // Old brokers cannot tell a repeat from something new; one request at a time then keeps the order.
            settings.IsOld ? ("max.in.flight", "1") : ("enable.idempotence", "true"), ("reconnect.backoff.max.ms", "2000")))
        .SetErrorHandler((_, error) => _trouble = error.Reason).SetLogHandler((_, _) => { }).Build();
    }

    private void Close()
    {
        if (Interlocked.Exchange(ref _producer, null) is not { } producer) return;
        producer.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }
}
