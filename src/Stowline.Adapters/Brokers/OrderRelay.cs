using Stowline.Log;

namespace Stowline.Adapters.Brokers;

/// <summary>The events of orders to a broker, as <c>stowline.v1.OrderEvent</c>, with the order's id as key. The same for every broker.</summary>
/// <param name="types">Which events; empty for all of them.</param>
public sealed class OrderRelay(Lanes lanes, IBrokerOut broker, IReadOnlySet<string> types) : LaneRelay(lanes, Lane.Hub)
{
    public override string Name => broker.Name;
    protected override int BatchSize => broker.BatchSize;
    protected override string? Trouble => broker.Trouble;
    protected override bool Wants(string type) => OrderEvents.Wants(type, types);

    protected override IOutgoing Begin() => new Messages(broker.Begin());

    private sealed class Messages(IOutgoingBatch batch) : IOutgoing
    {
        public void Add(EventView e) => batch.Add(KeyOf(e), e.Type, OrderEventBytes.Of(e));
        public Task<IReadOnlyList<(int Index, string Reason)>> HandOverAsync(CancellationToken ct) => batch.ConfirmAsync(ct);
        public IOutgoing Next() => new Messages(batch.Next());
    }

    /// <summary>The order's id. A refused attempt has no order: its subject, channel and external id, stands for it.</summary>
    private static string KeyOf(EventView e)
    {
        if (e.OrderId is not { } id) return e.Subject;
        Span<char> text = stackalloc char[36];
        id.TryFormat(text, out _);
        return text.SequenceEqual(e.Subject) ? e.Subject : text.ToString();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await broker.DisposeAsync();
    }
}
