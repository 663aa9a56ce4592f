using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.RabbitMq;

/// <summary>
/// Publishes to a topic exchange, persistent and confirmed. Of one key only one message is under way at a time: one that was refused must not be overtaken by the next.
/// What no queue takes is not confirmed either.
/// </summary>
public sealed partial class RabbitOut(RabbitSettings settings, TimeProvider time) : IBrokerOut
{
    private const int MostUnderWay = 500;
    private RabbitLink? _link;

    /// <summary>The broker's own limit, in bytes, once it has said so by closing the channel on a larger message.</summary>
    private long _largest = long.MaxValue;

    public string Name => "rabbitmq " + settings.Exchange;
    public string? Trouble => null; // it throws what is wrong

    public IOutgoingBatch Begin() => new CollectedBatch(PublishAsync);

    private async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
    {
        var link = _link ??= await OpenAsync(ct);
        try
        {
            foreach (var round in Rounds(messages.Where(m => m.Body.Length <= _largest)))
                foreach (var some in round.Chunk(MostUnderWay)) await link.ConfirmedAsync(Task.WhenAll(some.Select(m => SendAsync(link.Channel, m, ct))), ct);
            return [.. messages.Index().Where(m => m.Item.Body.Length > _largest).Select(m => (m.Index, $"{m.Item.Body.Length} bytes are more than the broker's max_message_size, {_largest}"))];
        }
        catch (Exception e)
        {
            var learned = LimitIn(link.Channel.CloseReason?.ReplyText) is { } largest && largest < _largest ? _largest = largest : (long?)null;
            await CloseAsync();
            if (learned is not null) return await PublishAsync(messages, ct);
            if (e is PublishException { IsReturn: true }) throw new InvalidOperationException($"no queue is bound to {settings.Exchange} for these events, so they wait", e);
            throw;
        }
    }

    [GeneratedRegex(@"message size \d+ is larger than configured max size (\d+)")]
    private static partial Regex TooLarge();

    private static long? LimitIn(string? reason) => reason is not null && TooLarge().Match(reason) is { Success: true } found ? long.Parse(found.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    /// <summary>First the first message of every key, then the second of every key that has one, and so on.</summary>
    private static IEnumerable<List<OutgoingMessage>> Rounds(IEnumerable<OutgoingMessage> messages)
    {
        var rounds = new List<List<OutgoingMessage>>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var message in messages)
        {
            var round = seen[message.Key] = seen.GetValueOrDefault(message.Key, -1) + 1;
            if (round == rounds.Count) rounds.Add([]);
            rounds[round].Add(message);
        }
        return rounds;
    }

    private Task SendAsync(IChannel channel, OutgoingMessage message, CancellationToken ct) => channel.BasicPublishAsync(settings.Exchange, message.Type, mandatory: true, new BasicProperties
    {
        Persistent = true, ContentType = "application/x-protobuf", Type = message.Type, CorrelationId = Short(message.Key), Timestamp = new AmqpTimestamp(time.GetUtcNow().ToUnixTimeSeconds()),
    }, message.Body, ct).AsTask();

    /// <summary>As much of it as fits into a short string of AMQP: 255 bytes. The key of a refused order may be longer, being its channel and external id.</summary>
    private static string Short(string text)
    {
        if (Encoding.UTF8.GetMaxByteCount(text.Length) <= byte.MaxValue || Encoding.UTF8.GetByteCount(text) <= byte.MaxValue) return text;
        var (chars, bytes) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if ((bytes += rune.Utf8SequenceLength) > byte.MaxValue) break;
            chars += rune.Utf16SequenceLength;
        }
        return text[..chars];
    }

    private async Task<RabbitLink> OpenAsync(CancellationToken ct)
    {
        var link = await RabbitLink.OpenAsync(settings, time, ct);
        try
        {
            await link.DeclareExchangeAsync(settings.Exchange, ExchangeType.Topic, ct);
            if (settings.Queue is { } queue)
            {
                await link.DeclareDeadAsync(RabbitSettings.Dead(queue), ct);
                await link.DeclareQueueAsync(queue, RabbitSettings.Dead(queue), null, singleConsumer: false, ct);
                await link.Channel.QueueBindAsync(queue, settings.Exchange, "#", cancellationToken: ct);
                await link.SettleAsync(ct);
            }
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _link, null) is { } link) await link.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
