namespace Stowline.Adapters.Brokers;

/// <summary>A message to a broker. Messages of one key keep their order.</summary>
/// <param name="Body">Good until its publishing has completed.</param>
public sealed record OutgoingMessage(string Key, string Type, ReadOnlyMemory<byte> Body);

/// <summary>For who has all messages of a batch at hand.</summary>
public static class Publishing
{
    /// <inheritdoc cref="IOutgoingBatch.ConfirmAsync"/>
    public static Task<IReadOnlyList<(int Index, string Reason)>> PublishAsync(this IBrokerOut broker, IReadOnlyList<OutgoingMessage> messages, CancellationToken ct)
    {
        var batch = broker.Begin();
        foreach (var m in messages) batch.Add(m.Key, m.Type, m.Body.Span);
        return batch.ConfirmAsync(ct);
    }
}

/// <summary>A message from a broker.</summary>
/// <param name="Source">Where it came from, such as <c>kafka:orders-in/0</c>.</param>
/// <param name="Position">Its place there: the same message again has the same.</param>
/// <param name="Tag">What the broker needs to acknowledge it.</param>
public sealed record IncomingMessage(string Source, long Position, string? Key, byte[] Body, object Tag);

/// <summary>A message that nobody can take, and why. <paramref name="MayPass"/>: what is wrong may be put right without the sender, so trying again can help.</summary>
public sealed record RefusedMessage(IncomingMessage Message, string Reason, bool MayPass);

/// <summary>What waits in a queue.</summary>
/// <param name="Messages">How many have not been given to anybody yet.</param>
/// <param name="Unacknowledged">How many were given out and are not acknowledged.</param>
/// <param name="OldestAge">How long the oldest has waited; null where the broker does not tell.</param>
public readonly record struct QueueState(long Messages, long Unacknowledged, TimeSpan? OldestAge);

/// <summary>
/// Where events go out: all that a broker has to do for it. The reading, the cursor, the retries and the metrics are <see cref="OrderRelay"/>'s, the same for
/// all brokers.
/// </summary>
public interface IBrokerOut : IAsyncDisposable
{
    /// <summary>The name of the relay, under which its cursor is kept.</summary>
    string Name { get; }

    /// <summary>
    /// The most messages of one batch. A client that has all of them on their way at once waits for the broker once per batch, so it wants large ones; one that sends a
    /// few hundred at a time gains nothing by it.
    /// </summary>
    int BatchSize => 1_000;

    /// <summary>Begins a batch.</summary>
    IOutgoingBatch Begin();

    /// <summary>What is wrong now, in the broker's words; null when nothing is known to be.</summary>
    string? Trouble { get; }
}

/// <summary>Messages that are confirmed together. Used by one caller at a time.</summary>
public interface IOutgoingBatch
{
    /// <summary>Puts a message behind those before it. A client that sends by itself may send it at once.</summary>
    /// <param name="body">Good until this returns.</param>
    void Add(string key, string type, ReadOnlySpan<byte> body);

    /// <summary>
    /// Completes when the broker has confirmed each. While the broker is away it goes on trying; when it throws, all of them are tried again in another batch. Called once.
    /// </summary>
    /// <returns>Those that the broker will never take, as the how manieth that was added, with its reason.</returns>
    Task<IReadOnlyList<(int Index, string Reason)>> ConfirmAsync(CancellationToken ct);

    /// <summary>Begins the batch behind this one, which may still wait for its confirmation. Where this one is not confirmed, that one sends nothing more and is not confirmed either.</summary>
    IOutgoingBatch Next();
}

/// <summary>Where orders come in: all that a broker has to do for it. See <see cref="OrderIntake"/>.</summary>
public interface IBrokerIn : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Up to so many messages that are there; empty when none came within a moment. Unacknowledged ones come again, at the latest after a restart.</summary>
    Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct);

    /// <summary>These are done with: they need not come again.</summary>
    Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct);

    /// <summary>
    /// These cannot be taken. A broker with a way of its own for them may try some again later; the others are parked. All of them are acknowledged afterwards.
    /// </summary>
    /// <returns>Those to be parked.</returns>
    Task<IReadOnlyList<RefusedMessage>> RefuseAsync(IReadOnlyList<RefusedMessage> refused, CancellationToken ct) => Task.FromResult(refused);

    /// <summary>What waits in the queue; null where the broker does not tell.</summary>
    Task<QueueState?> StateAsync(CancellationToken ct) => Task.FromResult<QueueState?>(null);

    /// <summary>What was received and not acknowledged comes again: the next <see cref="ReceiveAsync"/> begins with it.</summary>
    Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct);

    string? Trouble { get; }
}
