using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>
/// Reads a lane in order and issues commands on its own node. Its cursor moves in the transaction of its effects, which makes
/// at-least-once delivery once in effect.
/// </summary>
public abstract class Consumer
{
    /// <summary>Stable: the cursor is kept under it.</summary>
    public abstract string Name { get; }

    /// <summary>The lane whose scope its effects are written in. One transaction never spans two scopes.</summary>
    public abstract Lane Target(Lane source);

    /// <summary>Whether it wants events of this type; others only move the cursor.</summary>
    public abstract bool Wants(string type);

    /// <summary>Applies events, all of one lane, in order, in one transaction. Throwing rolls all of it back.</summary>
    public abstract ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx);
}

/// <summary>
/// Drives one consumer over one lane. An event that cannot be handled is parked with its subject: later events of that subject queue
/// behind it, all others go on.
/// </summary>
internal sealed class ConsumerPump : Pump
{
    private const int BatchSize = 256;

    /// <summary>
    /// How far the cursor in memory may run ahead of the one in the database over events that nobody wants. They cost no transaction; after a
    /// restart they are merely passed over again.
    /// </summary>
    private const int MostUnsaved = 2048;

    /// <summary>How long the process on duty may make no progress before another one helps: it may hang, or lack this consumer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly Caller AsConsumer = new("system");
    private readonly Consumer _consumer;
    private readonly Lane _source;
    private readonly Lanes _lanes;
    private readonly ConsumerProgress _progress;
    private readonly bool _onCopy;
    private long _position = -1;
    private long _saved;
    private int _term;
    private int _histories;
    private bool _helps;
    private (long Position, long At) _still = (-1, 0);

    public ConsumerPump(Consumer consumer, Lane source, Lanes lanes)
    {
        (_consumer, _source, _lanes) = (consumer, source, lanes);
        _onCopy = lanes.IsReplica(consumer.Target(source)); // as it was made for: it is not to become so while it runs
        _progress = new ConsumerProgress(consumer.Name, source, consumer.Target(source), Wake);
        lanes.Register(source, _progress);
    }

    /// <summary>Takes the consumer off its lane for good: its work is another node's from here on.</summary>
    public void Retire()
    {
        IsRetired = true;
        _lanes.Unregister(_source, _progress);
        Wake.Set();
    }

    public override string Name => $"{_consumer.Name} on {_source}";
    public Consumer Consumer => _consumer;
    public Lane Source => _source;

    private sealed record Cursor { public long Position { get; init; } public long Head { get; init; } public long Archived { get; init; } public long Histories { get; init; } }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (_lanes.HistoriesOf(_source) != _histories) _position = -1; // the lane was set back
        // After a restore nothing is decided until it is known what was done before: see Repairs.
        if (IsRetired || _lanes.IsInRepair(_consumer.Target(_source)) || !IsItsTurn() || _position < 0 && !await LoadAsync(ct)) return false;
        var events = await _lanes.ReadAsync(_source, _position, BatchSize, ct);
        if (events.Count == 0) return false;
        _progress.HeadMovedTo(events[^1].Position);
        if (!events.Any(e => _consumer.Wants(e.Type)) && events[^1].Position - _saved < MostUnsaved)
        {
            _position = events[^1].Position;
            _lanes.Moved(_progress, _position, []);
            return true;
        }
        try
        {
            await StepAsync(events);
        }
        catch (Exception e) when (IsAtFault(e))
        {
            LastError = e.Message;
            LastErrorAt = _lanes.Time.GetUtcNow();
            Errors++;
            // One of them is at fault. One by one, only that one is parked.
            foreach (var one in events) await StepOrParkAsync(one);
        }
        return true;
    }

    /// <summary>
    /// While another process is on duty this one only looks on, unless nothing moves there although there is something to do: then it
    /// helps until that is done. Cursors move by compare-and-set, so at worst both do the same work and one of them for nothing.
    /// </summary>
    private bool IsItsTurn()
    {
        if (_lanes.Duty.Term is var term && term != _term) (_term, _position, _helps, _still) = (term, -1, false, (-1, 0));
        if (_lanes.Duty.IsOurs) return true;
        var now = _lanes.Time.GetTimestamp();
        if (_progress.Lag == 0 || !_helps && _progress.Position != _still.Position)
        {
            (_helps, _still) = (false, (_progress.Position, now));
            return false;
        }
        if (!_helps && _lanes.Time.GetElapsedTime(_still.At, now) >= Patience) (_helps, _position) = (true, -1);
        return _helps;
    }

    /// <summary>
    /// Whether the event or its handling is at fault, so that parking helps. A lost database or a command that could not be stored
    /// (the writer answers those with a refusal) says nothing about the event: the host tries again.
    /// </summary>
    private bool IsAtFault(Exception e) => e is not (ConsumerStalledException or ReplicaLaneException or LaneHeldException) && !_lanes.Database.IsInfrastructure(e);

    private async Task<bool> LoadAsync(CancellationToken ct)
    {
        var cursor = await _lanes.Database.ReadAsync(async session => await session.FindAsync<Cursor>("""
            SELECT COALESCE(c.position, 0) AS position, l.head_position AS head,
                COALESCE((SELECT MAX(a.last_position) FROM lane_archives a WHERE a.lane_id = l.id), 0) AS archived,
                (SELECT COUNT(*) FROM lane_histories h WHERE h.lane = l.name) AS histories
            FROM lanes l LEFT JOIN cursors c ON c.lane_id = l.id AND c.consumer = @consumer WHERE l.name = @lane
            """, new { consumer = _consumer.Name, lane = _source.Name }), ct);
        if (cursor is null) return false; // the lane is not here yet
        // Can only be a consumer that is newer than the archive: going on would skip what it never saw.
        if (cursor.Position < cursor.Archived)
            throw new InvalidOperationException($"{_consumer.Name} stands at {cursor.Position}, but {_source} is archived up to {cursor.Archived}; see docs/archive.md");
        // Set back, and this process has not heard of it: what it remembers of the old end must go before anything is read at these positions.
        if (cursor.Histories != _lanes.HistoriesOf(_source)) await _lanes.LookForHistoriesAsync(ct);
        _position = _saved = cursor.Position;
        _histories = (int)cursor.Histories;
        // The head first: whoever asks between the two must not see a consumer without a lag.
        _progress.HeadMovedTo(cursor.Head);
        _lanes.Moved(_progress, cursor.Position, []);
        return true;
    }

    private async Task StepOrParkAsync(EventRecord one)
    {
        try
        {
            await StepAsync([one]);
        }
        catch (Exception e) when (IsAtFault(e))
        {
            await MoveAsync([one], (tx, _) => ParkAsync(tx, one, e.Message));
            _lanes.OnParked(_consumer.Name, one, e.Message);
        }
    }

    private async Task StepAsync(IReadOnlyList<EventRecord> events)
    {
        var started = _lanes.Time.GetUtcNow();
        await MoveAsync(events, (tx, anyParked) => HandleAsync(events, tx, anyParked));
        _lanes.OnConsumed(_consumer, events, started);
    }

    private async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx, bool anyParked)
    {
        IReadOnlyList<string> parked = anyParked
            ? await tx.QueryAsync<string>("SELECT DISTINCT subject FROM parked_events WHERE consumer = @consumer", new { consumer = _consumer.Name }) : [];
        if (_histories > 0) events = await LaneHistories.UnreadAsync(tx, _consumer.Name, _source, events);
        var wanted = new List<EventRecord>(events.Count);
        foreach (var e in events)
        {
            if (!_consumer.Wants(e.Type)) continue;
            if (parked.Contains(e.Subject)) await ParkAsync(tx, e, "waits behind an earlier event of its subject");
            else wanted.Add(e);
        }
        if (wanted.Count > 0) await _consumer.HandleAsync(wanted, tx);
    }

    private async ValueTask ParkAsync(LaneTransaction tx, EventRecord e, string error) => await tx.ExecuteAsync("""
        INSERT INTO parked_events (consumer, lane_id, position, subject, type, error, attempts, parked_at)
        SELECT @consumer, id, @position, @subject, @type, @error, 1, @now FROM lanes WHERE name = @lane
        ON CONFLICT (consumer, lane_id, position) DO NOTHING
        """, new { consumer = _consumer.Name, lane = _source.Name, position = e.Position, subject = e.Subject, type = e.Type, error, now = tx.Now });

    /// <summary>Runs the effects and moves the cursor, compare-and-set, in one transaction.</summary>
    private async Task MoveAsync(IReadOnlyList<EventRecord> events, Func<LaneTransaction, bool, ValueTask> effects)
    {
        var from = _saved;
        var to = events[^1].Position;
        var caller = events.Count == 1 ? new Caller(events[0].Actor, events[0].Trace) : AsConsumer;
        var (outcome, appended) = await _lanes.ExecuteAsConsumerAsync<bool>(_consumer.Target(_source), caller, async tx =>
        {
            if (await AdvanceAsync(tx, from, to) is not { } parked) return false; // another process was here first
            await effects(tx, parked > 0);
            return true;
        }, _onCopy);
        if (!outcome.IsOk) throw new ConsumerStalledException(outcome.Refusal!.Detail);
        if (outcome.Value)
        {
            _position = _saved = to;
            _lanes.Moved(_progress, to, appended);
        }
        else
        {
            _position = -1;
        }
    }

    /// <summary>Moves the cursor, compare-and-set. Answers how many events are parked for the consumer, or null when the cursor was not where it was thought.</summary>
    private async ValueTask<long?> AdvanceAsync(LaneTransaction tx, long from, long to)
    {
        // A step whose events were read before the lane was set back means other positions.
        const string NotSetBack = "AND (SELECT COUNT(*) FROM lane_histories h WHERE h.lane = @lane) = @histories";
        const string Parked = "RETURNING (SELECT COUNT(*) FROM parked_events p WHERE p.consumer = cursors.consumer)";
        if (from > 0)
            return await tx.ChangeAsync<long?>($"""
                UPDATE cursors SET position = @to WHERE consumer = @consumer AND position = @from AND lane_id = (SELECT id FROM lanes WHERE name = @lane) {NotSetBack} {Parked}
                """, new { consumer = _consumer.Name, lane = _source.Name, from, to, histories = _histories });
        // Whoever sets a copy back has locked its row. Without a cursor there is nothing else for the first step to wait at.
        if (_lanes.IsReplica(_source)) await tx.WriteAsync("UPDATE lanes SET held = held WHERE name = @lane", new { lane = _source.Name });
        return await tx.ChangeAsync<long?>($"""
            INSERT INTO cursors (consumer, lane_id, position) SELECT @consumer, id, @to FROM lanes WHERE name = @lane {NotSetBack} ON CONFLICT (consumer, lane_id) DO NOTHING {Parked}
            """, new { consumer = _consumer.Name, lane = _source.Name, to, histories = _histories });
    }

    /// <summary>
    /// Handles the parked events of a subject again, in order, after a repair. Success takes them out of the park; a failure leaves all of
    /// them and counts the attempt.
    /// </summary>
    public async Task<Outcome<int>> ResumeAsync(string subject, CancellationToken ct)
    {
        var positions = await _lanes.Database.ReadAsync(async session => await session.QueryAsync<long>("""
            SELECT p.position FROM parked_events p JOIN lanes l ON l.id = p.lane_id
            WHERE p.consumer = @consumer AND l.name = @lane AND p.subject = @subject ORDER BY p.position
            """, new { consumer = _consumer.Name, lane = _source.Name, subject }), ct);
        if (positions.Count == 0) return Refusal.NotFound("not_parked", $"nothing of {subject} is parked for {_consumer.Name}");
        var events = new List<EventRecord>();
        foreach (var position in positions) events.AddRange(await _lanes.ReadAsync(_source, position - 1, 1, ct));
        try
        {
            var (outcome, _) = await _lanes.ExecuteAsConsumerAsync<int>(_consumer.Target(_source), AsConsumer, async tx =>
            {
                // Two operators may press the same button: what the other one has resumed or discarded must not be handled again.
                if (await StillParkedAsync(tx, subject, positions[^1]) != events.Count)
                    return Refusal.Conflict("park_changed", $"what is parked of {subject} has changed meanwhile; look again");
                await _consumer.HandleAsync(events, tx);
                await tx.ExecuteAsync("""
                    DELETE FROM parked_events WHERE consumer = @consumer AND subject = @subject AND lane_id = (SELECT id FROM lanes WHERE name = @lane)
                    AND position <= @last
                    """, new { consumer = _consumer.Name, subject, lane = _source.Name, last = positions[^1] });
                return events.Count;
            }, _onCopy);
            return outcome;
        }
        catch (Exception e) when (IsAtFault(e))
        {
            await _lanes.ExecuteAsConsumerAsync<Done>(_consumer.Target(_source), AsConsumer, async tx =>
            {
                await tx.ExecuteAsync("UPDATE parked_events SET attempts = attempts + 1 WHERE consumer = @consumer AND subject = @subject",
                    new { consumer = _consumer.Name, subject });
                return new Done();
            }, _onCopy);
            return Refusal.Conflict("still_failing", e.Message);
        }
    }

    private ValueTask<long> StillParkedAsync(LaneTransaction tx, string subject, long last) => tx.FindAsync<long>("""
        SELECT COUNT(*) FROM parked_events p JOIN lanes l ON l.id = p.lane_id
        WHERE p.consumer = @consumer AND l.name = @lane AND p.subject = @subject AND p.position <= @last
        """, new { consumer = _consumer.Name, lane = _source.Name, subject, last });

    /// <summary>
    /// An operator gives parked events up: one position, or all of the subject. They are gone for this consumer for good, so the act is
    /// itself an event, with its reason and who did it.
    /// </summary>
    public Task<Outcome<int>> DiscardAsync(string subject, long? position, string reason, Caller caller, CancellationToken ct) =>
        ParkedEvents.DiscardAsync(_lanes, _consumer.Name, _source, _consumer.Target(_source), subject, position, reason, caller, ct);
}

/// <summary>A consumer's step could not be stored now; the pump tries again.</summary>
public sealed class ConsumerStalledException(string message) : Exception(message);
