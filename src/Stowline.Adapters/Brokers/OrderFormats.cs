using System.Text;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Adapters.Brokers;

/// <summary>What a message asks for.</summary>
public abstract record IncomingOrder
{
    private IncomingOrder() { }

    public sealed record Place(OrderBody Body) : IncomingOrder;

    /// <summary>By the id that the order came with.</summary>
    public sealed record Cancel(string Channel, string ExternalId, string? Reason) : IncomingOrder;

    /// <summary>It is about something else, which is none of our business.</summary>
    public sealed record Nothing : IncomingOrder;
}

/// <summary>How messages are read. Several at once, so that what has to be looked up is looked up once.</summary>
public delegate ValueTask<IReadOnlyList<Outcome<IncomingOrder>>> OrderFormat(IReadOnlyList<IncomingMessage> messages, CancellationToken ct);

/// <summary>What orders from brokers may look like.</summary>
public static class OrderFormats
{
    /// <summary>As <see cref="Standard"/>, and the events of the listings service (<see cref="ListingsFormat"/>), by which orders are cancelled, too (F1).</summary>
    public static OrderFormat Of(Node node)
    {
        var listings = new ListingsFormat(node);
        return async (messages, ct) =>
        {
            var isTheirs = messages.Select(m => ListingsFormat.Is(m.Body)).ToList();
            if (!isTheirs.Contains(true)) return await Standard(messages, ct);
            var theirs = new Queue<Outcome<IncomingOrder>>(await listings.ReadAsync([.. messages.Where((_, i) => isTheirs[i])], ct));
            var others = new Queue<Outcome<IncomingOrder>>(await Standard([.. messages.Where((_, i) => !isTheirs[i])], ct));
            return [.. isTheirs.Select(their => (their ? theirs : others).Dequeue())];
        };
    }

    /// <summary>
    /// <c>stowline.v1.CreateOrderRequest</c> or the JSON of <c>POST /orders</c>. Without an external id the message's key is it, else its place with the broker.
    /// </summary>
    public static ValueTask<IReadOnlyList<Outcome<IncomingOrder>>> Standard(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) =>
        ValueTask.FromResult<IReadOnlyList<Outcome<IncomingOrder>>>([.. messages.Select(m => Decode(m.Body).Map<IncomingOrder>(body => new IncomingOrder.Place(body with
        {
            Channel = body.Channel ?? "broker",
            ExternalId = body.ExternalId ?? (string.IsNullOrWhiteSpace(m.Key) ? $"{m.Source}@{m.Position}" : m.Key),
        })))]);

    /// <summary>JSON when it begins like JSON, else Protobuf. No Protobuf order begins with an opening brace: that would be the end of a group.</summary>
    private static Outcome<OrderBody> Decode(byte[] body)
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
