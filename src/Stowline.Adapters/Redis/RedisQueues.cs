using Stowline.Adapters.Brokers;

namespace Stowline.Adapters.Redis;

/// <summary>The streams that Stowline reads and writes, with all their groups: also those that somebody else's service made.</summary>
/// <param name="streams">Which streams. One that is not there is empty.</param>
public sealed class RedisQueues(RedisSettings settings, TimeProvider time, IReadOnlyList<(string Stream, QueueKind Kind)> streams) : IBrokerQueues
{
    private readonly RedisLink _link = new(settings, time);

    /// <summary>The streams of source 2 §5.</summary>
    public static IReadOnlyList<(string Stream, QueueKind Kind)> Door { get; } = [(RedisSettings.ListingsStream, QueueKind.In), .. WmsEvents.Streams.Select(s => (s, QueueKind.Out))];

    public string Broker => "redis";

    public async Task<IReadOnlyList<BrokerQueue>> LookAsync(CancellationToken ct)
    {
        var found = new List<BrokerQueue>();
        foreach (var (stream, kind) in streams)
        {
            var groups = new List<QueueGroup>();
            foreach (var group in await StreamGroup.AllAsync(_link, stream, ct))
                groups.Add(new QueueGroup(group.Name, group.Waiting ?? (group.Next is null ? 0 : null), group.Pending, await AgeAsync(group, stream, ct)));
            found.Add(new BrokerQueue(stream, kind, (long)await _link.RunAsync("XLEN", ct, stream), groups));
        }
        return found;
    }

    private async Task<double> AgeAsync(StreamGroup group, string stream, CancellationToken ct)
    {
        var oldest = await group.OldestPendingAsync(_link, stream, ct) ?? group.Next; // what was given comes before what was not
        return oldest is null ? 0 : StreamGroup.Age(oldest, time.GetUtcNow()).TotalSeconds;
    }

    public ValueTask DisposeAsync() => _link.DisposeAsync();
}
