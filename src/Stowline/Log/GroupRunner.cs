using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>Runs the decisions of one group on its transaction.</summary>
internal static class GroupRunner
{
    private sealed record KnownAnswer(byte[] BodyHash, StoredAnswer Answer);

    public static async ValueTask DecideAsync(IReadOnlyList<PendingCommand> commands, GroupTransaction group)
    {
        var known = await KnownAnswersAsync(commands, group.Session);
        var fresh = new List<PendingCommand>(commands.Count);
        foreach (var command in commands)
        {
            if (known is not null && command.Caller.Idempotency is { } key && known.TryGetValue(Convert.ToHexString(key.Key), out var before))
                command.Replay(before.Answer, before.BodyHash.AsSpan().SequenceEqual(key.BodyHash));
            else
                fresh.Add(command);
        }
        // Commands of one group handler are decided where the first of them stood: they all wait at the same time, so none was promised to be first.
        HashSet<object>? done = null;
        foreach (var command in fresh)
        {
            if (!command.OnCopy) group.WritesAsOwner(command.Scope);
            var transaction = new LaneTransaction(group, command.Scope, command.Caller);
            if (command.GroupHandler is { } handler)
            {
                if (!(done ??= []).Add(handler)) continue;
                var together = fresh.Where(c => ReferenceEquals(c.GroupHandler, handler) && c.Scope == command.Scope).ToArray();
                await command.DecideTogetherAsync(together, transaction);
                foreach (var one in together) one.DecidedIn = transaction;
            }
            else
            {
                await command.DecideAsync(transaction);
                command.DecidedIn = transaction;
            }
        }
        await KeepAnswersAsync(fresh, group);
    }

    private static async ValueTask<Dictionary<string, KnownAnswer>?> KnownAnswersAsync(IReadOnlyList<PendingCommand> commands, SqlSession session)
    {
        byte[][]? keys = null;
        if (commands.Any(c => c.Caller.Idempotency is not null))
            keys = [.. commands.Where(c => c.Caller.Idempotency is not null).Select(c => c.Caller.Idempotency!.Key)];
        if (keys is null) return null;
        var known = new Dictionary<string, KnownAnswer>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT key_hash, body_hash, status, location, body FROM idempotency_keys WHERE key_hash = k.key_hash",
            keys.Length, [Column.Of("key_hash", keys)],
            row => known[Convert.ToHexString(row.GetBytes(0))] =
                new KnownAnswer(row.GetBytes(1), new StoredAnswer(row.GetInt32(2), row.GetStringOrNull(3), row.GetBytes(4))));
        return known;
    }

    private static async ValueTask KeepAnswersAsync(List<PendingCommand> fresh, GroupTransaction group)
    {
        var kept = new List<(IdempotencyKey Key, StoredAnswer Answer, string Scope)>();
        foreach (var command in fresh)
            if (command.Caller.Idempotency is { } key && command.Render() is { } answer) kept.Add((key, answer, command.Scope));
        if (kept.Count == 0) return;
        await group.Session.InsertAsync("idempotency_keys", kept.Count,
            Column.From("key_hash", kept, k => k.Key.Key), Column.From("body_hash", kept, k => k.Key.BodyHash),
            Column.From("status", kept, k => k.Answer.Status), Column.From("location", kept, k => k.Answer.Location),
            Column.From("body", kept, k => k.Answer.Body), Column.Same("created_at", kept.Count, group.Now), Column.From("scope", kept, k => k.Scope));
    }
}
