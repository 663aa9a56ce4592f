using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Adapters.Brokers;

/// <summary>What a queue of a broker is for.</summary>
[JsonConverter(typeof(SnakeCaseEnum<QueueKind>))]
public enum QueueKind
{
    /// <summary>Orders come in by it.</summary>
    In = 1,

    /// <summary>Messages wait in it for their next try.</summary>
    Retry = 2,

    /// <summary>Events go out by it.</summary>
    Out = 3,

    /// <summary>Dead letters: what was given up, or was never taken in time.</summary>
    Dead = 4,
}

/// <summary>A queue, topic or stream as it stood when the broker was last asked (H4).</summary>
/// <param name="Messages">How many lie in it: of a queue those that nobody has been given yet, of a stream all of them. Null where that says nothing.</param>
/// <param name="Groups">Who reads it, where the broker keeps account of that.</param>
public sealed record BrokerQueue(string Name, QueueKind Kind, long? Messages, IReadOnlyList<QueueGroup> Groups);

/// <summary>A group of consumers of a stream or topic.</summary>
/// <param name="Lag">Messages that it has not been given yet; null where the broker does not tell.</param>
/// <param name="Unacknowledged">Messages that it was given and has not acknowledged; null where the broker does not tell.</param>
/// <param name="AgeSeconds">Age of the oldest of both; null where the broker does not tell.</param>
public sealed record QueueGroup(string Name, long? Lag, long? Unacknowledged, double? AgeSeconds);

/// <summary>Asks a broker how long its queues are, on a connection of its own: it answers also while the relay or the intake waits for the broker. See <see cref="QueueWatch"/>.</summary>
public interface IBrokerQueues : IAsyncDisposable
{
    /// <summary>Which broker: <c>kafka</c>, <c>redis</c>, <c>rabbitmq</c>.</summary>
    string Broker { get; }

    /// <summary>The queues that are there. Throws when the broker is away.</summary>
    Task<IReadOnlyList<BrokerQueue>> LookAsync(CancellationToken ct);
}
