using Google.Protobuf;
using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>The events of orders to a broker, as <c>stowline.v1.OrderEvent</c>, with the order's id as key. The same for every broker.</summary>
/// <param name="types">Which events; empty for all of them.</param>
public sealed class OrderRelay(Lanes lanes, IBrokerOut broker, IReadOnlySet<string> types) : LaneRelay(lanes, Lane.Hub)
{
    public override string Name => broker.Name;
    protected override string? Trouble => broker.Trouble;
    protected override bool Wants(EventRecord e) => OrderEvents.Wants(e.Type, types);

    protected override async Task<IReadOnlyList<(EventRecord Event, string Reason)>> HandOverAsync(IReadOnlyList<EventRecord> events, CancellationToken ct)
    {
        var messages = new OutgoingMessage[events.Count];
        for (var i = 0; i < messages.Length; i++)
        {
            var message = OrderEvents.Of(events[i]);
            // A refused attempt has no order: its subject, channel and external id, stands for it.
            messages[i] = new OutgoingMessage(message.OrderId.Length > 0 ? message.OrderId : events[i].Subject, message.Type, message.ToByteArray());
        }
        return [.. (await broker.PublishAsync(messages, ct)).Select(r => (events[r.Index], r.Reason))];
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await broker.DisposeAsync();
    }
}
