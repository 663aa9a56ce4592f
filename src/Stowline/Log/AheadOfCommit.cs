using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// The first reads of a group, made on another connection while the group before is on its way to its commit (decision 0035). They are good where nobody but that group has written the scope since it was
/// locked for that group, which the scope's version tells (<see cref="GroupTransaction.Presume"/>), and hold what that group has made.
/// </summary>
internal sealed class AheadOfCommit
{
    private readonly IReadOnlyList<PendingCommand> _commands;

    private AheadOfCommit(IReadOnlyList<PendingCommand> commands, IGroupReads reads) => (_commands, Reads) = (commands, reads);

    /// <summary>What the handler asked for.</summary>
    public IGroupReads Reads { get; }

    /// <summary>The answers that were kept with idempotency keys; null where no command has one.</summary>
    public KnownAnswers? Answers { get; private set; }

    /// <summary>
    /// Null where the group cannot be decided before the end of the one before is known: both have to be of one handler that knows what it reads, and no key of the one may come again in the other.
    /// </summary>
    public static AheadOfCommit? TryMake(IReadOnlyList<PendingCommand> commands, IReadOnlyList<PendingCommand> before)
    {
        if (commands.Count == 0 || commands[0].GroupHandler is not { } handler) return null;
        foreach (var command in commands.Concat(before))
            if (!ReferenceEquals(command.GroupHandler, handler) || command.Scope != commands[0].Scope) return null;
        var keys = before.Select(c => c.Caller.Idempotency?.Text).OfType<string>().ToHashSet(StringComparer.Ordinal);
        if (keys.Count > 0 && commands.Any(c => c.Caller.Idempotency is { } again && keys.Contains(again.Text))) return null;
        return commands[0].AskAhead(commands) is { } reads ? new AheadOfCommit(commands, reads) : null;
    }

    /// <param name="left">What the group before has left; null where it has decided nothing.</param>
    public async ValueTask ReadAsync(SqlSession session, IGroupReads? left)
    {
        Answers = KnownAnswers.Of(_commands);
        await session.SelectAllAsync(Answers is null ? [.. Reads.Questions] : [Answers.Question, .. Reads.Questions]);
        if (left is not null) Reads.Join(left);
    }
}

/// <summary>The answers that were given to commands with these idempotency keys before.</summary>
internal sealed class KnownAnswers
{
    private readonly Dictionary<string, (byte[] BodyHash, StoredAnswer Answer)> _known = new(StringComparer.Ordinal);

    private KnownAnswers(byte[][] keys) =>
        Question = new SetSelect("SELECT key_hash, body_hash, status, location, body FROM idempotency_keys WHERE key_hash = k.key_hash", keys.Length, [Column.Of("key_hash", keys)],
            row => _known[Convert.ToHexString(row.GetBytes(0))] = (row.GetBytes(1), new StoredAnswer(row.GetInt32(2), row.GetStringOrNull(3), row.GetBytes(4))));

    public SetSelect Question { get; }

    /// <summary>Null where no command has a key.</summary>
    public static KnownAnswers? Of(IReadOnlyList<PendingCommand> commands)
    {
        byte[][] keys = [.. commands.Select(c => c.Caller.Idempotency?.Key).OfType<byte[]>()];
        return keys.Length == 0 ? null : new KnownAnswers(keys);
    }

    public (byte[] BodyHash, StoredAnswer Answer)? Find(PendingCommand command) =>
        command.Caller.Idempotency is { } key && _known.TryGetValue(key.Text, out var known) ? known : null;
}

/// <summary>A group was decided from where the one before was to stand when committed, and does not stand there: somebody else has written the scope in between.</summary>
internal sealed class PresumptionException(string scope) : Exception($"{scope} was written by somebody else in between");
