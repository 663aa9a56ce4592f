using System.Text;
using Confluent.Kafka;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// Publishes to one topic, confirmed by all replicas. The producer never gives up on a message: a later one of the same key must not be delivered when an
/// earlier one was not. While the broker is away, publishing simply waits.
/// </summary>
public sealed class KafkaOut(KafkaSettings settings) : IBrokerOut
{
    private Sender? _sender;
    private volatile string? _trouble;

    public string Name => "kafka " + settings.Topic;
    public string? Trouble => _trouble;

    /// <summary>Each batch waits for the client to gather requests (linger.ms), for the broker and for the cursor: by thousands that is little beside the sending, by one thousand it is a third.</summary>
    public int BatchSize => 4_000;

    public async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
    {
        if (messages.Count == 0) return [];
        try
        {
            var refused = await (_sender ??= Open()).SendAsync(messages).WaitAsync(ct);
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

    /// <summary>A producer, with all that it needs for a message. It is used again for the next: what were made anew would be more work for the collector than the sending is.</summary>
    private sealed class Sender(IProducer<byte[], byte[]> producer, string topic) : IDisposable
    {
        private readonly Message<byte[], byte[]> _message = new();
        private readonly ArraysByLength _keys = new(), _bodies = new();
        private readonly List<Action<DeliveryReport<byte[], byte[]>>> _reports = [];
        private Batch _batch = new(0);

        /// <summary>One batch at a time.</summary>
        public Task<IReadOnlyList<(int Index, string Reason)>> SendAsync(IReadOnlyList<OutgoingMessage> messages)
        {
            var batch = _batch = new Batch(messages.Count);
            while (_reports.Count < messages.Count) _reports.Add(ReportOf(_reports.Count));
            for (var i = 0; i < messages.Count; i++)
            {
                try
                {
                    _message.Key = _keys.With(messages[i].Key);
                    _message.Value = _bodies.With(messages[i].Body.Span);
                    producer.Produce(topic, _message, _reports[i]);
                }
                catch (ProduceException<byte[], byte[]> e)
                {
                    batch.Report(i, e.Error);
                }
            }
            return batch.Done;
        }

        private Action<DeliveryReport<byte[], byte[]>> ReportOf(int index) => report => _batch.Report(index, report.Error);

        public void Dispose() => producer.Dispose();
    }

    /// <summary>The client takes whole arrays only, and copies what is in them before it returns. So one array of each length is enough.</summary>
    private sealed class ArraysByLength
    {
        private const int Longest = 4_096;
        private readonly byte[]?[] _arrays = new byte[Longest + 1][];

        public byte[] With(ReadOnlySpan<byte> bytes)
        {
            var array = OfLength(bytes.Length);
            bytes.CopyTo(array);
            return array;
        }

        public byte[] With(string text)
        {
            var array = OfLength(Encoding.UTF8.GetByteCount(text));
            Encoding.UTF8.GetBytes(text, array);
            return array;
        }

        private byte[] OfLength(int length) => length <= Longest ? _arrays[length] ??= new byte[length] : new byte[length];
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

    private Sender Open()
    {
        KafkaNative.Need();
        return new Sender(new ProducerBuilder<byte[], byte[]>(settings.With(
            ("acks", "all"), ("message.timeout.ms", "0"), ("linger.ms", "5"), ("partitioner", "murmur2_random"), ("message.max.bytes", "16000000"),
            // Of a report only the error is looked at; all else would be made for each message and thrown away.
            ("dotnet.producer.delivery.report.fields", "none"),
            // Old brokers cannot tell a repeat from something new; one request at a time then keeps the order.
            settings.IsOld ? ("max.in.flight", "1") : ("enable.idempotence", "true"), ("reconnect.backoff.max.ms", "2000")))
        .SetErrorHandler((_, error) => _trouble = error.Reason).SetLogHandler((_, _) => { }).Build(), settings.Topic);
    }

    private void Close() => Interlocked.Exchange(ref _sender, null)?.Dispose();

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }
}
