using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>Runs the decisions of one group on its transaction.</summary>
internal static class GroupRunner
{
    /// <param name="ahead">What was read before the transaction began; null: everything is read now.</param>
    public static async ValueTask DecideAsync(IReadOnlyList<PendingCommand> commands, GroupTransaction group, AheadOfCommit? ahead = null)
    {
        var known = ahead is null ? KnownAnswers.Of(commands) : ahead.Answers;
        if (ahead is null && known is not null) await group.Session.SelectAllAsync(known.Question);
        var fresh = new List<PendingCommand>(commands.Count);
        foreach (var command in commands)
        {
            if (known?.Find(command) is var (bodyHash, answer)) command.Replay(answer, bodyHash.AsSpan().SequenceEqual(command.Caller.Idempotency!.BodyHash));
            else fresh.Add(command);
        }
        // Commands of one group handler are decided where the first of them stood: they all wait at the same time, so none was promised to be first.
        HashSet<object>? done = null;
        foreach (var command in fresh)
        {
            if (!command.OnCopy) group.WritesAsOwner(command.Scope);
            var transaction = new LaneTransaction(group, command.Scope, command.Caller) { ReadAhead = ahead?.Reads };
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
