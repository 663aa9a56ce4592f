using System.Diagnostics.Metrics;
using System.Text;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>
/// Orders from a broker, as <c>stowline.v1.CreateOrderRequest</c> or as the JSON of <c>POST /orders</c>. The same for every broker. A message is acknowledged when
/// its order is durable; the same order again is the order that exists. What can never be taken is parked with its reason, and the
/// next ones go on; what cannot be taken now is left with the broker.
/// </summary>
public sealed class OrderIntake(Node node, IBrokerIn broker, Func<byte[], Outcome<OrderBody>> decode) : Pump, IAsyncDisposable
{
    private const int BatchSize = 256;
    private readonly AcceptOrders _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
    private readonly Meter _meter = new(new MeterOptions("Stowline.Intake") { Scope = node.Lanes });
    private Counter<long>? _taken;

    public override string Name => broker.Name;
    public override TimeSpan Idle => TimeSpan.FromMilliseconds(100); // brokers do not wake us; asking them waits by itself

    private Counter<long> Taken => _taken ??= _meter.CreateCounter<long>("stowline_intake_messages", description: "Messages from brokers by what became of them");

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var messages = await broker.ReceiveAsync(BatchSize, ct);
        if (messages.Count == 0)
        {
            if (broker.Trouble is { } trouble) (LastError, LastErrorAt) = (trouble, node.Time.GetUtcNow());
            else LastError = null;
            return false;
        }
        try
        {
            // All at once, so that they are decided as one group; the queue keeps their order.
            var parked = (await Task.WhenAll(messages.Select(m => TakeAsync(m, ct)))).OfType<ParkedMessage>().ToList();
            await ParkedMessages.ParkAsync(node.Lanes, Name, parked, ct);
            await broker.AcknowledgeAsync(messages, ct);
            Count("parked", parked.Count);
            Count("accepted", messages.Count - parked.Count);
            return true;
        }
        catch
        {
            await broker.RewindAsync(messages, CancellationToken.None);
            throw;
        }
    }

    private void Count(string outcome, int messages)
    {
        if (messages > 0) Taken.Add(messages, new KeyValuePair<string, object?>("intake", Name), new KeyValuePair<string, object?>("outcome", outcome));
    }

    /// <summary>Null when the order is here now, by this message or an earlier one.</summary>
    /// <exception cref="ConsumerStalledException">It cannot be told yet: the broker is to keep it.</exception>
    private async Task<ParkedMessage?> TakeAsync(IncomingMessage message, CancellationToken ct)
    {
        var body = decode(message.Body);
        if (body.Refusal is { } unreadable) return Park(message, unreadable);
        // Whoever put it there hears no answer: what is not in stock waits for it, and the same message again must be the same order.
        var order = AcceptOrder.From(body.Value with
        {
            Backorder = true, Channel = body.Value.Channel ?? "broker",
            ExternalId = body.Value.ExternalId ?? (string.IsNullOrWhiteSpace(message.Key) ? $"{message.Source}@{message.Position}" : message.Key),
        }, node.Ids);
        if (order.Refusal is { } wrong) return Park(message, wrong);
        var result = await _intake.AcceptAsync(order.Value, new Caller(Name), ct);
        return result.Outcome.Refusal switch
        {
            null => null,
            { Kind: RefusalKind.Unavailable or RefusalKind.TooMany } busy => throw new ConsumerStalledException(busy.Detail),
            var no => Park(message, no),
        };
    }

    private static ParkedMessage Park(IncomingMessage message, Refusal refusal) =>
        new(message.Source, message.Position, message.Key ?? "", $"{refusal.Code}: {refusal.Detail}", message.Body);

    public async ValueTask DisposeAsync()
    {
        _meter.Dispose();
        await broker.DisposeAsync();
    }
}

/// <summary>What orders from brokers may look like.</summary>
public static class OrderFormats
{
    /// <summary>JSON when it begins like JSON, else Protobuf. No Protobuf order begins with an opening brace: that would be the end of a group.</summary>
    public static Outcome<OrderBody> Decode(byte[] body)
    {
        var text = body.AsSpan();
        if (text.StartsWith(Encoding.UTF8.Preamble)) text = text[3..];
        text = text.TrimStart(" \r\n\t"u8);
        if (text is [(byte)'{', ..]) return Http.Requests.Parse<OrderBody>(text.ToArray());
        try
        {
            return OrderMessages.Body(Protocol.CreateOrderRequest.Parser.ParseFrom(body));
        }
        catch (Google.Protobuf.InvalidProtocolBufferException e)
        {
            return Refusal.Invalid("body", "is neither JSON nor a stowline.v1.CreateOrderRequest: " + e.Message);
        }
    }
}
