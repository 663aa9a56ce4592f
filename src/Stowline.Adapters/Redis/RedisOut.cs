using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Redis;

/// <summary>Publishes messages to one stream, with the fields <c>key</c>, <c>type</c> and <c>body</c>. For what is not source 2's: see <see cref="WmsRelay"/>.</summary>
public sealed class RedisOut(RedisStreams streams, string stream) : IBrokerOut
{
    public string Name => "redis " + stream;
    public string? Trouble => null; // it throws what is wrong

    public IOutgoingBatch Begin() => new CollectedBatch(PublishAsync);

    private async Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
    {
        await streams.AppendAsync([.. messages.Select(m => new StreamEntry(stream, [("key", m.Key), ("type", m.Type), ("body", m.Body.ToArray())]))], ct);
        return [];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
