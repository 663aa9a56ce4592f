using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Takes what waits, runs the commands one after another on one transaction, appends their events, commits once, and only then
/// completes each caller. One sync to disk serves the whole group. On SQLite one writer serves all scopes in turn; on PostgreSQL each
/// scope has its own, and several processes may write one scope, ordered by its head row. Where groups of one handler that reads ahead
/// follow one another, each is decided while the one before is being committed (decision 0035); nothing of it is written before that one's end is known.
/// </summary>
internal sealed class LaneWriter(string partition, Database database, IdSource ids, CommandQueue queue, NodeMeter meter, Action<GroupTransaction> onCommitted)
    : Pump, IAsyncDisposable
{
    /// <summary>As long as groups follow one another, the second connection is not given back: other scopes need some, too.</summary>
    private const int SpareForOthers = 4;

    /// <summary>A smaller group is written sooner than another thread has woken up.</summary>
    private const int Enough = 8;

    /// <summary>So many groups in a row are of one kind before it is taken for the rule.</summary>
    private const int Alike = 3;

    private readonly Guid _writer = ids.Next();
    private readonly LaneMetrics _metrics = meter.Get<LaneMetrics>();
    private readonly Dictionary<string, ScopeMemory> _memories = new(StringComparer.Ordinal);
    private SqlSession? _session;
    private SqlSession? _aside;
    private long _number;
    private int _alike;
    private bool _registered;

    public override string Name => "writer " + partition;
    public CommandQueue Queue => queue;

    /// <summary>A group on its way to its commit.</summary>
    /// <param name="started">When it was taken up, by the clock that measures spans.</param>
    private sealed class Turn(IReadOnlyList<PendingCommand> commands, long number, long started)
    {
        public IReadOnlyList<PendingCommand> Commands => commands;
        public long Number => number;
        public long Started => started;
        public GroupTransaction? Group { get; set; }

        /// <summary>
        /// Another thread writes it: on SQLite, where several groups one behind the other could be decided ahead. Where consumers give commands, too, every second or third group is mixed, and the threads would only
        /// wake one another up.
        /// </summary>
        public bool IsHandedOver { get; init; }

        /// <summary>Completes when the group needs only its commit.</summary>
        public Task Prepared { get; set; } = Task.CompletedTask;

        /// <summary>Its commit, once that is put off or sent.</summary>
        public Task? Commit { get; set; }

        /// <summary>Since when it needs only its commit.</summary>
        public long Committing { get; set; }
        public bool IsSettled { get; set; }

        /// <summary>The group that was begun with this one's commit.</summary>
        public Turn? Next { get; set; }
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var commands = queue.Take(MostOfFirst());
        if (commands.Count == 0) return false;
        try
        {
            for (var turn = Begin(commands, ct); turn is not null; turn = turn.Next) await RunAsync(turn, ct);
        }
        catch
        {
            if (Interlocked.Exchange(ref _session, null) is { } unknown) await database.Writers.DropAsync(unknown, isLost: false);
            await DropAsideAsync();
            throw;
        }
        // There may be more scopes than connections.
        if (Interlocked.Exchange(ref _session, null) is { } session) await database.Writers.GiveBackAsync(session);
        if (Interlocked.Exchange(ref _aside, null) is { } aside) await database.BesideWriters.GiveBackAsync(aside);
        return true;
    }

    private async ValueTask DropAsideAsync()
    {
        if (Interlocked.Exchange(ref _aside, null) is { } aside) await database.BesideWriters.DropAsync(aside, isLost: false);
    }

    private async ValueTask RunAsync(Turn turn, CancellationToken ct)
    {
        try
        {
            await turn.Prepared;
            await CommitAsync(turn, ct);
        }
        catch (Exception e) when (!IsLost(e) && !ct.IsCancellationRequested && turn.Commands.Count > 1)
        {
            // One of them is faulty. Alone, only the faulty one fails. Not while stopping: it may be the question whether a COMMIT
            // happened that was given up, and then nothing may run again.
            foreach (var command in turn.Commands) await RunAloneAsync(command, ct);
            BeginNextAgain(turn, ct);
        }
        catch (Exception e)
        {
            FailAll(turn.Commands, e);
            if (!IsLost(e) && !ct.IsCancellationRequested)
            {
                BeginNextAgain(turn, ct);
                return;
            }
            if (turn.Next is { } next) FailAll(next.Commands, e); // it was given up with this one
            turn.Next = null;
            if (IsLost(e)) throw; // the host backs off; new commands wait in the queue
        }
    }

    /// <summary>The group that was begun with this one's commit has let go of everything, because this one failed. It is not to blame.</summary>
    private void BeginNextAgain(Turn turn, CancellationToken ct)
    {
        if (turn.Next is { } next) turn.Next = Begin(next.Commands, ct);
    }

    private async ValueTask RunAloneAsync(PendingCommand command, CancellationToken ct)
    {
        try
        {
            var turn = Begin([command], ct);
            await turn.Prepared;
            await CommitAsync(turn, ct, alone: true);
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
            if (e is ReplicaLaneException moved) command.Refuse(Replicas.Refuse(new Lane(moved.Lane)));
            else if (e is LaneHeldException) command.Refuse(Refusal.Unavailable("restored", e.Message + "; nothing was stored", 5));
            else if (IsLost(e)) command.Refuse(Refusal.Unavailable("database_unavailable", $"the database cannot be written now ({e.Message}); nothing was stored", 2));
            else command.Fail(e);
        }
    }

    private bool IsLost(Exception e) => database.IsInfrastructure(e);

    /// <param name="before">The group whose commit is sent with this one's beginning.</param>
    private Turn Begin(IReadOnlyList<PendingCommand> commands, CancellationToken ct, Turn? before = null)
    {
        _alike = commands.All(c => c.ReadsAhead) ? _alike + 1 : 0;
        var turn = new Turn(commands, ++_number, database.Time.GetTimestamp()) { IsHandedOver = database.SingleWriter && _alike >= Alike };
        turn.Prepared = PrepareAsync(turn, before, ct);
        return turn;
    }

    /// <summary>All of a group but its commit.</summary>
    private async Task PrepareAsync(Turn turn, Turn? before, CancellationToken ct)
    {
        if (before is not null)
        {
            try
            {
                await PrepareOnceAsync(turn, before, ct);
                return;
            }
            catch (PresumptionException)
            {
                _metrics.Ahead(held: false); // it has let go of everything, and is decided again from what is true
            }
        }
        await PrepareOnceAsync(turn, null, ct);
    }

    private async Task PrepareOnceAsync(Turn turn, Turn? before, CancellationToken ct)
    {
        try
        {
            var session = await SessionAsync(ct);
            await session.BeginAsync(snapshot: false, ct);
            if (turn.IsHandedOver) session.WriteLater();
            var group = turn.Group = new GroupTransaction(session, ids, database.Time.GetUtcNow(), _memories, meter);
            foreach (var scope in turn.Commands.Select(c => c.Scope).Distinct().Order(StringComparer.Ordinal).ToArray()) await group.LockScopeAsync(scope);
            var ahead = before is null ? null : await ReadAheadAsync(turn, before, ct);
            await GroupRunner.DecideAsync(turn.Commands, group, ahead);
            await group.WriteLogAsync();
            // An upsert, because a writer that slept for very long may have had its row cleared away, and without it a lost answer to
            // COMMIT would be taken for a lost COMMIT.
            await session.WriteAsync("""
                INSERT INTO lane_writers (scope, writer, last_group, started_at) VALUES (@partition, @writer, @number, @now)
                ON CONFLICT (scope, writer) DO UPDATE SET last_group = excluded.last_group, started_at = excluded.started_at
                """, new { partition, writer = _writer, number = turn.Number, now = group.Now });
            await session.HearAsync();
            if (ahead is null) return;
            _metrics.Ahead(held: true);
            if (database.SingleWriter) await CommitLaterAsync(turn); // before the callers of the group before are answered: this is what the other thread waits for
        }
        catch (Exception e)
        {
            await AbandonAsync(e);
            turn.Group?.ForgetPresumed();
            throw;
        }
    }

    /// <summary>
    /// Sends the commit of the group before with this one's beginning, and meanwhile reads on a second connection what this one is decided from. Null where that cannot be, and nothing is sent yet
    /// or this group waits as any other.
    /// </summary>
    private async ValueTask<AheadOfCommit?> ReadAheadAsync(Turn turn, Turn before, CancellationToken ct)
    {
        if (AheadOfCommit.TryMake(turn.Commands, before.Commands) is not { } ahead) return null;
        try
        {
            _aside ??= await database.BesideWriters.TryTakeAsync(SpareForOthers, ct);
            if (_aside is null) return null;
        }
        catch (Exception e) when (IsLost(e))
        {
            return null; // the first connection tells what is wrong
        }
        await _session!.SendAsync();
        try
        {
            await ahead.ReadAsync(_aside, before.Group!.Left);
        }
        catch (Exception e) when (IsLost(e))
        {
            await DropAsideAsync(); // asked again on the first connection
            return null;
        }
        turn.Group!.Presume(before.Group!);
        return ahead;
    }

    private async ValueTask CommitAsync(Turn turn, CancellationToken ct, bool alone = false)
    {
        try
        {
            if (turn.Commit is null && !alone && MayOverlap(turn)) await CommitLaterAsync(turn);
            if (turn.Commit is null)
            {
                turn.Committing = database.Time.GetTimestamp();
                await _session!.CommitAsync();
            }
            else
            {
                // Two groups of one size, else every other is too small to be worth it.
                if (await MayBeginNextAsync(turn, ct)) turn.Next = Begin(queue.Take(most: (queue.Waiting + turn.Commands.Count + 1) / 2), ct, before: turn);
                else await _session!.HearAsync();
                await turn.Commit;
            }
        }
        catch (Exception e)
        {
            // The next group lets go of everything first: it may hold the lock that tells what happened to this one.
            if (turn.Next is { } next) await next.Prepared.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await AbandonAsync(e);
            if (!await WasCommittedAsync(turn.Number, ct)) throw;
            Settle(turn); // before the next group sees anything
            BeginNextAgain(turn, ct);
        }
        Settle(turn);
        foreach (var command in turn.Commands)
        {
            if (command.DecidedIn?.Announces == true) command.Announced = turn.Group!.Announced;
            command.Complete();
        }
    }

    /// <summary>Puts the commit off. Where another thread writes, it begins at once.</summary>
    private async ValueTask CommitLaterAsync(Turn turn)
    {
        turn.Committing = database.Time.GetTimestamp();
        turn.Commit = _session!.CommitLater(() => Settle(turn));
        if (database.SingleWriter) await _session.SendAsync();
    }

    /// <summary>Makes known, once, that the group is committed.</summary>
    private void Settle(Turn turn)
    {
        if (turn.IsSettled) return;
        turn.IsSettled = true;
        _metrics.Group(turn.Commands.Count, database.Time.GetElapsedTime(turn.Started), database.Time.GetElapsedTime(turn.Committing));
        onCommitted(turn.Group!);
    }

    /// <summary>Whether the next group may begin with this one's commit. PostgreSQL goes from one to the other in any case.</summary>
    private bool MayOverlap(Turn turn) => database.SingleWriter ? turn.IsHandedOver && turn.Commands.Count >= Enough && queue.AllReadAhead : IsWorthIt(turn);

    /// <summary>
    /// On SQLite another thread writes the group, which takes longer than to decide the next. That begins when half is written: by then the callers of the group before, who were answered when this one was sent,
    /// have come again, and two groups take turns instead of three small ones.
    /// </summary>
    private async ValueTask<bool> MayBeginNextAsync(Turn turn, CancellationToken ct)
    {
        if (!database.SingleWriter) return true;
        await _session!.HalfDone;
        return _session.IsUnderway && IsWorthIt(turn) && queue.AllReadAhead && !ct.IsCancellationRequested;
    }

    /// <summary>
    /// Only when at least half as many wait as are being committed: whoever is taken into a group now cannot share a later, larger one, and each group has a sync of its own.
    /// </summary>
    private bool IsWorthIt(Turn turn) => queue.Waiting > 0 && queue.Waiting * 2 >= turn.Commands.Count;

    /// <summary>Where two groups can take turns, the first leaves half to the second.</summary>
    private int MostOfFirst() => database.SingleWriter && _alike >= Alike - 1 && queue.Waiting >= 2 * Enough && queue.AllReadAhead ? (queue.Waiting + 1) / 2 : CommandQueue.GroupSize;

    /// <summary>Rolls back, or drops the connection when even that fails or the server is gone.</summary>
    private async ValueTask AbandonAsync(Exception cause)
    {
        if (_session is not { } session) return;
        try
        {
            if (!IsLost(cause))
            {
                await session.RollbackAsync();
                return;
            }
        }
        catch (Exception)
        {
            // the connection is beyond use: drop it below
        }
        _session = null;
        try
        {
            await database.Writers.DropAsync(session, isLost: true);
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
        var session = _session = await database.Writers.TakeAsync(ct);
        if (!_registered)
        {
            await session.ExecuteAsync("DELETE FROM lane_writers WHERE started_at < @old", new { old = database.Time.GetUtcNow().AddDays(-90) });
            _registered = true;
        }
        return session;
    }

    public ValueTask DisposeAsync()
    {
        queue.Close();
        return ValueTask.CompletedTask;
    }
}
