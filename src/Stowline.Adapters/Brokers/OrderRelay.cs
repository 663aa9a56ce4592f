using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>The events of orders to a broker, as <c>stowline.v1.OrderEvent</c>, with the order's id as key. The same for every broker.</summary>
/// <param name="types">Which events; empty for all of them.</param>
public sealed class OrderRelay(Lanes lanes, IBrokerOut broker, IReadOnlySet<string> types) : LaneRelay(lanes, Lane.Hub)
{
    private const int Few = 100;

    public override string Name => broker.Name;
    protected override int BatchSize => broker.BatchSize;
    protected override string? Trouble => broker.Trouble;
    protected override bool Wants(EventRecord e) => OrderEvents.Wants(e.Type, types);

    protected override HandOver Prepare(IReadOnlyList<EventRecord> events)
    {
        var messages = new OutgoingMessage[events.Count];
        // Encoding is what a relay costs. With a backlog all cores do it.
        if (messages.Length < Few) for (var i = 0; i < messages.Length; i++) messages[i] = Encode(events[i]);
        else Parallel.For(0, messages.Length, i => messages[i] = Encode(events[i]));
        return async ct => [.. (await broker.PublishAsync(messages, ct)).Select(r => (events[r.Index], r.Reason))];
    }

    private static OutgoingMessage Encode(EventRecord e)
    {
        // A refused attempt has no order: its subject, channel and external id, stands for it.
        return new OutgoingMessage(e.OrderId?.ToString() ?? e.Subject, e.Type, OrderEvents.Encode(e));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await broker.DisposeAsync();
    }
}
