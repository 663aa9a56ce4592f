using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Kafka;

/// <summary>
/// A producer until something goes wrong. Messages go to its queue as they are added, so that a batch sets off while the one before waits for its confirmation. When a batch fails the
/// producer is closed: what is still in its queue must not be sent behind the same messages of the next try.
///
/// All that a message needs is used again for the next. Made anew, it would be more work for the collector than the sending is.
/// </summary>
internal sealed class KafkaSender : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _topic;
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly Message<byte[], byte[]> _message = new();
    private readonly ArraysByLength _keys = new(), _bodies = new();
    private readonly ConcurrentBag<Batch> _idle = [];
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _trouble;

    public KafkaSender(KafkaSettings settings)
    {
        KafkaNative.Need();
        _topic = settings.Topic;
        _producer = new ProducerBuilder<byte[], byte[]>(settings.With(
                ("acks", "all"), ("message.timeout.ms", "0"), ("linger.ms", "5"), ("partitioner", "murmur2_random"), ("message.max.bytes", "16000000"),
                // Of a report only the error is looked at; all else would be made for each message and thrown away.
                ("dotnet.producer.delivery.report.fields", "none"),
                // Old brokers cannot tell a repeat from something new; one request at a time then keeps the order.
                settings.IsOld ? ("max.in.flight", "1") : ("enable.idempotence", "true"), ("reconnect.backoff.max.ms", "2000")))
            .SetErrorHandler((_, error) => _trouble = error.Reason).SetLogHandler((_, _) => { }).Build();
    }

    /// <summary>What is wrong, in the client's words, until a batch is confirmed.</summary>
    public string? Trouble => _trouble;

    /// <summary>Nothing can be sent any more, and nothing will be confirmed.</summary>
    public bool IsClosed => _closed.Task.IsCompleted;

    public IOutgoingBatch Begin()
    {
        if (!_idle.TryTake(out var batch)) batch = new Batch(this);
        batch.Reset();
        return batch;
    }

    /// <exception cref="ProduceException{TKey,TValue}">The client does not take it.</exception>
    private void Send(string key, ReadOnlySpan<byte> body, Action<DeliveryReport<byte[], byte[]>> report)
    {
        lock (_gate)
        {
            if (IsClosed) return; // its batch finds out when it is to be confirmed
            _message.Key = _keys.With(key);
            _message.Value = _bodies.With(body);
            _producer.Produce(_topic, _message, report);
        }
    }

    public void Dispose()
    {
        lock (_gate)
            if (_closed.TrySetResult()) _producer.Dispose();
    }

    /// <summary>Some messages and their reports, which come from the client's own thread.</summary>
    private sealed class Batch(KafkaSender sender) : IOutgoingBatch
    {
        private readonly List<Action<DeliveryReport<byte[], byte[]>>> _reports = [];
        private TaskCompletionSource<IReadOnlyList<(int Index, string Reason)>> _done = new();
        private ConcurrentBag<(int Index, string Reason)> _refused = [];
        private int _added, _waiting;

        public void Reset() =>
            // One is waited for beyond the messages: that there are no more.
            (_done, _refused, _added, _waiting) = (new(TaskCreationOptions.RunContinuationsAsynchronously), [], 0, 1);

        public void Add(string key, string type, ReadOnlySpan<byte> body)
        {
            var index = _added++;
            if (index == _reports.Count) _reports.Add(ReportOf(index));
            Interlocked.Increment(ref _waiting);
            try
            {
                sender.Send(key, body, _reports[index]);
            }
            catch (ProduceException<byte[], byte[]> e)
            {
                Report(index, e.Error);
            }
        }

        private Action<DeliveryReport<byte[], byte[]>> ReportOf(int index) => report => Report(index, report.Error);

        private void Report(int index, Error error)
        {
            if (error.IsError && IsForGood(error)) _refused.Add((index, error.Reason));
            else if (error.IsError) _done.TrySetException(new KafkaException(error));
            OneLess();
        }

        private void OneLess()
        {
            if (Interlocked.Decrement(ref _waiting) == 0) _done.TrySetResult([.. _refused]);
        }

        private static bool IsForGood(Error error) => error.Code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidMsgSize or ErrorCode.InvalidRecord;

        /// <summary>By the same producer, be it closed: by another one it would overtake this batch's next try.</summary>
        public IOutgoingBatch Next() => sender.Begin();

        public async Task<IReadOnlyList<(int Index, string Reason)>> ConfirmAsync(CancellationToken ct)
        {
            OneLess();
            try
            {
                if (await Task.WhenAny(_done.Task, sender._closed.Task).WaitAsync(ct) != _done.Task) throw new InvalidOperationException("the connection was closed, so these go out once more");
                var refused = await _done.Task;
                sender._trouble = null;
                sender._idle.Add(this);
                return refused;
            }
            catch
            {
                sender.Dispose();
                throw;
            }
        }
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
}
