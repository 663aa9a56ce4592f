using System.Diagnostics;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Takes what waits, runs the commands one after another on one transaction, appends their events, commits once, and only then
/// completes each caller. One sync to disk serves the whole group. On SQLite one writer serves all scopes in turn; on PostgreSQL each
/// scope has its own, and several processes may write one scope, ordered by its head row.
/// </summary>
internal sealed class LaneWriter(string partition, Database database, IdSource ids, CommandQueue queue, NodeMeter meter, Action<GroupTransaction> onCommitted)
    : Pump, IAsyncDisposable
{
    private readonly Guid _writer = ids.Next();
    private readonly LaneMetrics _metrics = meter.Get<LaneMetrics>();
    private readonly Dictionary<string, ScopeMemory> _memories = new(StringComparer.Ordinal);
    private SqlSession? _session;
    private long _groups;
    private bool _registered;

    public override string Name => "writer " + partition;
    public CommandQueue Queue => queue;

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var commands = queue.Take();
        if (commands.Count == 0) return false;
        try
        {
            await RunGroupAsync(commands, ct);
        }
        catch (Exception e) when (!IsLost(e) && !ct.IsCancellationRequested && commands.Count > 1)
        {
            // One of them is faulty. Alone, only the faulty one fails. Not while stopping: it may be the question whether a COMMIT
            // happened that was given up, and then nothing may run again.
            foreach (var command in commands) await RunAloneAsync(command, ct);
        }
        catch (Exception e)
        {
            FailAll(commands, e);
            if (IsLost(e)) throw; // the host backs off; new commands wait in the queue
        }
        return true;
    }

    private async ValueTask RunAloneAsync(PendingCommand command, CancellationToken ct)
    {
        try
        {
            await RunGroupAsync([command], ct);
        }
        catch (Exception e)
        {
            FailAll([command], e);
        }
    }

    private void FailAll(IReadOnlyList<PendingCommand> commands, Exception e)
    {
        foreach (var command in commands)
        {
            command.DecidedIn = null; // nothing of it is in the lanes, so there is nothing to wait for
            if (e is LaneHeldException) command.Refuse(Refusal.Unavailable("restored", e.Message + "; nothing was stored", 5));
            else if (IsLost(e)) command.Refuse(Refusal.Unavailable("database_unavailable", $"the database cannot be written now ({e.Message}); nothing was stored", 2));
            else command.Fail(e);
        }
    }

    private bool IsLost(Exception e) => database.IsInfrastructure(e);

    private async ValueTask RunGroupAsync(IReadOnlyList<PendingCommand> commands, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        SqlSession session;
        GroupTransaction group;
        var number = _groups + 1;
        try
        {
            session = await SessionAsync(ct);
            await session.BeginAsync(snapshot: false, ct);
            group = new GroupTransaction(session, ids, database.Time.GetUtcNow(), _memories, meter);
            foreach (var scope in commands.Select(c => c.Scope).Distinct().Order(StringComparer.Ordinal).ToArray()) await group.LockScopeAsync(scope);
            await GroupRunner.DecideAsync(commands, group);
            await group.WriteLogAsync();
            // An upsert, because a writer that slept for very long may have had its row cleared away, and without it a lost answer to
            // COMMIT would be taken for a lost COMMIT.
            await session.WriteAsync("""
                INSERT INTO lane_writers (scope, writer, last_group, started_at) VALUES (@partition, @writer, @number, @now)
                ON CONFLICT (scope, writer) DO UPDATE SET last_group = excluded.last_group, started_at = excluded.started_at
                """, new { partition, writer = _writer, number, now = group.Now });
        }
        catch (Exception e)
        {
            await AbandonAsync(e);
            throw;
        }
        var committing = Stopwatch.GetTimestamp();
        try
        {
            await session.CommitAsync();
        }
        catch (Exception e)
        {
            await AbandonAsync(e);
            if (!await WasCommittedAsync(number, ct)) throw;
        }
        _groups = number;
        _metrics.Group(commands.Count, Stopwatch.GetElapsedTime(started), Stopwatch.GetElapsedTime(committing));
        onCommitted(group);
        foreach (var command in commands)
        {
            if (command.DecidedIn?.Announces == true) command.Announced = group.Announced;
            command.Complete();
        }
    }

    /// <summary>Rolls back, or drops the connection when even that fails or the server is gone.</summary>
    private async ValueTask AbandonAsync(Exception cause)
    {
        if (_session is null) return;
        try
        {
            if (!IsLost(cause))
            {
                await _session.RollbackAsync();
                return;
            }
        }
        catch (Exception)
        {
            // the connection is beyond use: drop it below
        }
        var lost = _session;
        _session = null;
        try
        {
            await lost.DiscardAsync();
        }
        catch (Exception)
        {
            // it is gone already
        }
    }

    /// <summary>
    /// The answer to COMMIT was lost: did it happen? The scope's lock is taken first, so that a transaction still dying on the server has
    /// ended; then this writer's own row tells. Nothing runs again before this is known.
    /// </summary>
    private async Task<bool> WasCommittedAsync(long number, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var session = await SessionAsync(ct);
                await session.BeginAsync(snapshot: false, ct);
                if (!database.SingleWriter) await session.ExecuteAsync("UPDATE lanes SET version = version WHERE name = @partition", new { partition });
                var last = await session.FindAsync<long>("SELECT last_group FROM lane_writers WHERE scope = @partition AND writer = @writer",
                    new { partition, writer = _writer });
                await session.RollbackAsync();
                return last >= number;
            }
            catch (Exception e) when (IsLost(e))
            {
                await AbandonAsync(e);
                var pause = TimeSpan.FromMilliseconds(Math.Min(2_000, 50 << Math.Min(attempt, 6)) * (0.5 + ids.NextDouble() / 2));
                await new Signal().WaitAsync(pause, database.Time, ct);
            }
        }
    }

    private async ValueTask<SqlSession> SessionAsync(CancellationToken ct)
    {
        if (_session is { } open) return open;
        // Kept before anything can go wrong with it, so that whoever handles that drops it.
        var session = _session = await database.OpenAsync(readOnly: false, ct);
        if (!_registered)
        {
            await session.ExecuteAsync("DELETE FROM lane_writers WHERE started_at < @old", new { old = database.Time.GetUtcNow().AddDays(-90) });
            _registered = true;
        }
        return session;
    }

    public async ValueTask DisposeAsync()
    {
        queue.Close();
        if (_session is { } session) await session.DisposeAsync();
    }
}

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
        var kept = new List<(IdempotencyKey Key, StoredAnswer Answer)>();
        foreach (var command in fresh)
            if (command.Caller.Idempotency is { } key && command.Render() is { } answer) kept.Add((key, answer));
        if (kept.Count == 0) return;
        await group.Session.InsertAsync("idempotency_keys", kept.Count,
            Column.From("key_hash", kept, k => k.Key.Key), Column.From("body_hash", kept, k => k.Key.BodyHash),
            Column.From("status", kept, k => k.Answer.Status), Column.From("location", kept, k => k.Answer.Location),
            Column.From("body", kept, k => k.Answer.Body), Column.Same("created_at", kept.Count, group.Now));
    }
}

/// <summary>
/// The bounded queue before a writer. Consumers have their own share, so that intake cannot starve the work that intake makes.
/// </summary>
internal sealed class CommandQueue(int capacity)
{
    public const int GroupSize = 256;
    private const int ConsumerShare = 8;
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingCommand> _clients = new();
    private readonly Queue<PendingCommand> _consumers = new();
    private bool _closed;

    /// <summary>Wakes the writer.</summary>
    public Action Woken { get; set; } = () => { };

    public int Depth
    {
        get { lock (_gate) return _clients.Count; }
    }

    public bool HasConsumers
    {
        get { lock (_gate) return _consumers.Count > 0; }
    }

    /// <summary>False when the queue is full: the caller answers 503 with Retry-After.</summary>
    public bool TryAdd(PendingCommand command, bool isConsumer)
    {
        lock (_gate)
        {
            if (_closed) return false;
            if (isConsumer) _consumers.Enqueue(command);
            else if (_clients.Count >= capacity) return false;
            else _clients.AddLast(command);
        }
        Woken();
        return true;
    }

    /// <summary>The next group: consumers first, then clients in order of arrival. A repeated idempotency key waits for the next group.</summary>
    public IReadOnlyList<PendingCommand> Take()
    {
        lock (_gate)
        {
            var group = new List<PendingCommand>(Math.Min(GroupSize, _clients.Count) + Math.Min(ConsumerShare, _consumers.Count));
            while (group.Count < ConsumerShare && _consumers.TryDequeue(out var consumer)) group.Add(consumer);
            HashSet<string>? keys = null;
            var room = GroupSize;
            for (var node = _clients.First; node is not null && room > 0;)
            {
                var next = node.Next;
                var key = node.Value.Caller.Idempotency?.Key;
                if (key is null || (keys ??= []).Add(Convert.ToHexString(key)))
                {
                    group.Add(node.Value);
                    _clients.Remove(node);
                    room--;
                }
                node = next;
            }
            return group;
        }
    }

    /// <summary>Refuses what still waits and takes no more.</summary>
    public void Close()
    {
        PendingCommand[] left;
        lock (_gate)
        {
            _closed = true;
            left = [.. _consumers, .. _clients];
            _consumers.Clear();
            _clients.Clear();
        }
        foreach (var command in left) command.Refuse(Refusal.Unavailable("shutting_down", "this node is shutting down; nothing was stored", 2));
    }
}
