using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Stowline.Adapters.Brokers;
using Stowline.Kernel;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// Reads one quorum queue, as its single active consumer so that it keeps its order. A message that may pass later goes to a queue where it waits for its next try;
/// one that is given up goes to the dead-letter queue with the reason in its headers.
/// </summary>
public sealed class RabbitIn(RabbitSettings settings, TimeProvider time, IdSource ids) : IBrokerIn
{
    public const string ReasonHeader = "x-stowline-reason", TriesHeader = "x-stowline-tries";
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);
    private readonly string _queue = settings.Intake ?? throw new ArgumentException("no queue to read", nameof(settings));
    private Session? _session;
    private long _lastTimestamp;

    public string Name => "rabbitmq intake " + _queue;
    public string? Trouble => null; // it throws what is wrong
    private string Dead => RabbitSettings.Dead(_queue);

    /// <summary>A connection with what it was given and what is not worked off yet.</summary>
    private sealed record Session(RabbitLink Link, ChannelReader<Delivery> Deliveries)
    {
        /// <summary>Given to us and handed back: they come first.</summary>
        public IReadOnlyList<IncomingMessage>? Again { get; set; }

        /// <summary>The tags of the last message that was handed on and of the last that was acknowledged. The broker numbers what it gives out.</summary>
        public ulong HandedOn { get; set; }
        public ulong Acknowledged { get; set; }
        public long Unacknowledged => Deliveries.Count + (long)(HandedOn - Acknowledged);
    }

    private sealed record Delivery(Session? Session, ulong Tag, IReadOnlyBasicProperties Properties)
    {
        public required byte[] Body { get; init; }

        public int Tries => Properties.Headers?.TryGetValue(TriesHeader, out var tries) == true && tries is int or long ? Convert.ToInt32(tries, CultureInfo.InvariantCulture) : 0;
    }

    public async Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct)
    {
        if (_session is { Link.IsOpen: false }) await CloseAsync();
        var session = _session ??= await OpenAsync(ct);
        if (session.Again is { } again)
        {
            session.Again = null;
            return again;
        }
        var received = new List<IncomingMessage>();
        if (!session.Deliveries.TryPeek(out _)) await WaitAsync(session.Deliveries, ct);
        while (received.Count < most && session.Deliveries.TryRead(out var delivery))
        {
            received.Add(Message(delivery with { Session = session }));
            session.HandedOn = delivery.Tag;
        }
        return received;
    }

    private async Task WaitAsync(ChannelReader<Delivery> deliveries, CancellationToken ct)
    {
        using var moment = new CancellationTokenSource(Moment, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, moment.Token);
        try
        {
            await deliveries.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // nothing came within the moment
        }
    }

    private IncomingMessage Message(Delivery delivery)
    {
        var p = delivery.Properties;
        if (p.IsTimestampPresent()) _lastTimestamp = p.Timestamp.UnixTime;
        var key = p.MessageId ?? p.CorrelationId;
        // A queue has no places. What the message is stands for where it is: the same again is the same.
        var hash = SHA256.HashData([.. Encoding.UTF8.GetBytes(key ?? ""), 0, .. delivery.Body]);
        return new IncomingMessage("rabbitmq:" + _queue, BinaryPrimitives.ReadInt64BigEndian(hash) & long.MaxValue, key, delivery.Body, delivery);
    }

    /// <summary>Makes the queues without reading: whoever sends first may need them.</summary>
    public async Task DeclareAsync(CancellationToken ct)
    {
        await using var link = await RabbitLink.OpenAsync(settings, time, ct);
        await DeclareAsync(link, ct);
    }

    private async Task DeclareAsync(RabbitLink link, CancellationToken ct)
    {
        await link.DeclareDeadAsync(Dead, ct);
        foreach (var retry in settings.Retries(_queue)) await link.DeclareQueueAsync(retry, "", _queue, singleConsumer: false, ct);
        await link.DeclareQueueAsync(_queue, Dead, null, singleConsumer: true, ct);
        await link.SettleAsync(ct);
    }

    private async Task<Session> OpenAsync(CancellationToken ct)
    {
        var link = await RabbitLink.OpenAsync(settings, time, ct);
        try
        {
            await DeclareAsync(link, ct);
            await link.Channel.BasicQosAsync(0, settings.Prefetch, global: false, ct);
            var deliveries = Channel.CreateUnbounded<Delivery>(); // bounded by the prefetch
            var consumer = new AsyncEventingBasicConsumer(link.Channel);
            consumer.ReceivedAsync += (_, e) =>
            {
                deliveries.Writer.TryWrite(new Delivery(null, e.DeliveryTag, e.BasicProperties) { Body = e.Body.ToArray() });
                return Task.CompletedTask;
            };
            await link.Channel.BasicConsumeAsync(_queue, autoAck: false, consumer, ct);
            return new Session(link, deliveries.Reader);
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyList<RefusedMessage>> RefuseAsync(IReadOnlyList<RefusedMessage> refused, CancellationToken ct)
    {
        var givenUp = new List<RefusedMessage>();
        foreach (var r in refused)
        {
            var delivery = (Delivery)r.Message.Tag;
            var tries = delivery.Tries + 1;
            var again = r.MayPass && tries < settings.Tries;
            var properties = new BasicProperties(delivery.Properties)
            {
                Persistent = true, Headers = new Dictionary<string, object?>(delivery.Properties.Headers ?? new Dictionary<string, object?>()) { [TriesHeader] = tries, [ReasonHeader] = r.Reason },
                // Between half and the whole of the longest wait. The broker lets only the first of a queue expire, but whoever is before it has at most as long to wait.
                Expiration = again ? Math.Ceiling(settings.LongestWait(tries).TotalMilliseconds * (0.5 + ids.NextDouble() / 2)).ToString(CultureInfo.InvariantCulture) : null,
            };
            if (!again) givenUp.Add(r);
            var link = delivery.Session!.Link;
            var (exchange, key) = again ? ("", RabbitSettings.Retry(_queue, tries)) : (Dead, "");
            await link.ConfirmedAsync(link.Channel.BasicPublishAsync(exchange, key, mandatory: true, properties, delivery.Body, ct).AsTask(), ct);
        }
        return givenUp;
    }

    /// <summary>They are worked off one batch after the other, so the last one stands for all before it.</summary>
    public async Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
    {
        var last = messages.Select(m => (Delivery)m.Tag).MaxBy(d => d.Tag)!;
        await last.Session!.Link.Channel.BasicAckAsync(last.Tag, multiple: true, ct);
        last.Session.Acknowledged = last.Tag;
    }

    /// <summary>They are still ours: nothing goes back to the broker, whose count of deliveries would rise for what is no fault of the message.</summary>
    public async Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
    {
        if (_session is not { } session) return;
        if (session.Link.IsOpen) session.Again = messages;
        else await CloseAsync();
    }

    public async Task<QueueState?> StateAsync(CancellationToken ct)
    {
        if (_session is not { Link.IsOpen: true } session) return null;
        var queue = await session.Link.Channel.QueueDeclarePassiveAsync(_queue, ct);
        TimeSpan? age = queue.MessageCount == 0 ? TimeSpan.Zero : _lastTimestamp == 0 ? null : time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(_lastTimestamp);
        return new QueueState(queue.MessageCount, session.Unacknowledged, age);
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _session, null) is { } session) await session.Link.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
