using System.Diagnostics.Metrics;
using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>
/// Gives a lane's events to somebody outside, in order and at least once: reads a batch, hands it over, and moves its cursor when all of it was
/// acknowledged. Commands do not wait for it and intake does not count it: the outside may be away for days. Of several processes on one
/// database one relays at a time, by a lease; otherwise two copies of an order's events could overtake each other.
/// </summary>
public abstract partial class LaneRelay : Pump, IAsyncDisposable
{
    private const int MostRead = 1_000;

    /// <summary>After so long without an acknowledgment the status says so. Nothing is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How long it may be silent before another process takes over.</summary>
    internal TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    private readonly Lanes _lanes;
    private readonly Lane _lane;
    private readonly Guid _me;
    private readonly Meter _meter;
    private readonly Counter<long> _relayed;
    private readonly SemaphoreSlim _handing = new(1, 1);
    private Task<Batch>? _ahead;
    private long _position = -1;
    private long _head;
    private DateTimeOffset _leaseUntil;
    private DateTimeOffset? _oldestWaiting;
    private int _histories;

    protected LaneRelay(Lanes lanes, Lane lane)
    {
        (_lanes, _lane, _me) = (lanes, lane, lanes.Ids.Next());
        _meter = new Meter(new MeterOptions("Stowline.Relay") { Scope = lanes });
        _relayed = _meter.CreateCounter<long>("stowline_relay_events", description: "Events that a broker has acknowledged");
        _meter.CreateObservableGauge("stowline_relay_lag_events", () => Measure(Lag), description: "Events of the lane that a relay has yet to pass on");
        _meter.CreateObservableGauge("stowline_relay_lag_seconds", () => Measure(OldestAge.TotalSeconds), "s",
            "Age of the oldest event that waits for a broker");
        lanes.Committed += OnCommitted;
    }

    private KeyValuePair<string, object?> Label => new("relay", Name);
    private IEnumerable<Measurement<T>> Measure<T>(T value) where T : struct => IsOurs ? [new Measurement<T>(value, Label)] : [];

    /// <summary>Whether this process relays: of several one does.</summary>
    public bool IsOurs => _position >= 0;

    /// <summary>How old the oldest event is that waits; zero when none does.</summary>
    public TimeSpan OldestAge => _oldestWaiting is { } at && _lanes.Time.GetUtcNow() - at is { Ticks: > 0 } age ? age : TimeSpan.Zero;

    /// <summary>The lane that it reads.</summary>
    public Lane Lane => _lane;

    /// <summary>Events that are not passed on yet.</summary>
    public long Lag => _position < 0 ? 0 : Math.Max(0, _head - _position);

    /// <summary>How many events are handed over at once, and then come again after a crash. It counts only where more wait than that.</summary>
    protected virtual int BatchSize => 1_000;

    /// <summary>Events that were not wanted only move the cursor.</summary>
    protected abstract bool Wants(string type);

    /// <summary>Begins a batch.</summary>
    protected abstract IOutgoing Begin();

    /// <summary>What is handed over at once.</summary>
    protected interface IOutgoing
    {
        /// <summary>
        /// Makes an event ready to go, or sends it off behind those before it. That waits neither for the outside nor for the cursor: it is done while the batch before is on its way.
        /// </summary>
        void Add(EventView e);

        /// <summary>Hands all of them over, in order. Completes when every one was acknowledged or refused for good; throws when the outside is away. Called once.</summary>
        /// <returns>Those that will never be taken, such as too large ones, as the how manieth that was added, with the reason: they are parked, and the others go on.</returns>
        Task<IReadOnlyList<(int Index, string Reason)>> HandOverAsync(CancellationToken ct);

        /// <summary>Begins the batch behind this one. When this one fails nothing more of that one is sent: its events come again, behind these.</summary>
        IOutgoing Next();
    }

    /// <param name="After">The position before it.</param>
    /// <param name="To">The position of its last event; that before it where it has none.</param>
    /// <param name="IsFull">More may follow.</param>
    /// <param name="Wanted">The positions of what goes out, in the order in which it was added.</param>
    private sealed record Batch(long After, long To, bool IsFull, DateTimeOffset OldestAt, IReadOnlyList<long> Wanted, IOutgoing? Outgoing);

    /// <summary>What the outside says about itself while it does not acknowledge.</summary>
    protected virtual string? Trouble => null;

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (lane != _lane) return;
        Volatile.Write(ref _head, events[^1].Position);
        Wake.Set();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (_lanes.HistoriesOf(_lane) is var histories && histories != _histories) await BeginAgainAsync(histories);
        if ((_position < 0 || _lanes.Time.GetUtcNow() > _leaseUntil - Lease / 2) && !await TakeLeaseAsync(ct))
        {
            SayNoTrouble(); // it is another process's
            return false;
        }
        var batch = await TakeAsync(ct);
        var isEmpty = batch.To == batch.After;
        _oldestWaiting = isEmpty ? null : batch.OldestAt;
        if (isEmpty) return false;
        if (batch.To > Volatile.Read(ref _head)) Volatile.Write(ref _head, batch.To);
        // What follows is read and made ready while these are on their way: with a backlog neither side waits for the other.
        if (batch.IsFull) _ahead = Task.Run(() => ReadAsync(batch.To, batch.Outgoing is { } before ? before.Next : Begin, ct), ct);
        var refused = batch.Outgoing is { } outgoing ? await PatientlyAsync(AloneAsync(() => outgoing.HandOverAsync(ct), ct), ct) : [];
        await MoveAsync(batch, refused);
        if (batch.Wanted.Count > 0) _relayed.Add(batch.Wanted.Count - refused.Count, Label);
        return true;
    }

    /// <summary>The lane was set back, and the cursor with it: what was read ahead stands at positions that are other events' now.</summary>
    private async Task BeginAgainAsync(int histories)
    {
        if (Interlocked.Exchange(ref _ahead, null) is Task ahead) await ahead.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Volatile.Write(ref _head, 0);
        (_histories, _position) = (histories, -1);
    }

    private async Task<Batch> TakeAsync(CancellationToken ct)
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            var read = await ahead;
            if (read.After == _position && read.To > read.After) return read;
        }
        return await ReadAsync(_position, Begin, ct);
    }

    /// <summary>Some events at a time, so that no read holds a session for long.</summary>
    private async Task<Batch> ReadAsync(long after, Func<IOutgoing> begin, CancellationToken ct)
    {
        var (to, oldest, left) = (after, default(DateTimeOffset), BatchSize);
        var wanted = new List<long>();
        IOutgoing? outgoing = null;
        while (left > 0)
        {
            var (most, read) = (Math.Min(left, MostRead), 0);
            await _lanes.ReadEachAsync(_lane, to, most, e =>
            {
                if (to == after) oldest = e.At;
                (to, read) = (e.Position, read + 1);
                if (!Wants(e.Type)) return;
                (outgoing ??= begin()).Add(e);
                wanted.Add(e.Position);
            }, ct);
            left -= read;
            if (read < most) break;
        }
        return new Batch(after, to, left <= 0, oldest, wanted, outgoing);
    }

    private async Task<IReadOnlyList<(int Index, string Reason)>> AloneAsync(Func<Task<IReadOnlyList<(int Index, string Reason)>>> hand, CancellationToken ct)
    {
        await _handing.WaitAsync(ct);
        try
        {
            return await hand();
        }
        finally
        {
            _handing.Release();
        }
    }

    /// <summary>Waits as long as it takes, keeps the lease meanwhile, and says what is wrong.</summary>
    private async Task<T> PatientlyAsync<T>(Task<T> handing, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                var done = await handing.WaitAsync(Patience, _lanes.Time, ct);
                SayNoTrouble();
                return done;
            }
            catch (TimeoutException) when (!handing.IsCompleted)
            {
                SayTrouble(Trouble ?? "events were handed over and are not acknowledged yet", _lanes.Time.GetUtcNow());
                await TakeLeaseAsync(ct);
            }
        }
    }

    /// <summary>In the scope of the lane, also where the lane is another node's and here is a copy: so it is one after the other with what sets the copy back.</summary>
    private Task<(Outcome<T> Outcome, IReadOnlyList<(Lane, long)> Appended)> WriteAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> write) =>
        _lanes.ExecuteAsConsumerAsync(_lane, Caller.System, write, onCopy: _lanes.IsReplica(_lane));

    private sealed record Held { public long Position { get; init; } public long Head { get; init; } }

    /// <summary>False while another process has it.</summary>
    private async Task<bool> TakeLeaseAsync(CancellationToken ct)
    {
        var outcome = await WriteAsync<Held>(async tx =>
        {
            var held = await tx.ChangeAsync<long?>("""
                INSERT INTO relays (name, lane, position, owner, lease_until) VALUES (@name, @lane, 0, @me, @until)
                ON CONFLICT (name) DO UPDATE SET lane = excluded.lane, owner = excluded.owner, lease_until = excluded.lease_until
                    WHERE relays.owner = excluded.owner OR relays.lease_until IS NULL OR relays.lease_until < @now
                RETURNING position
                """, new { name = Name, lane = _lane.Name, me = _me, until = tx.Now + Lease, now = tx.Now });
            return new Held { Position = held ?? -1, Head = await tx.FindAsync<long>("SELECT head_position FROM lanes WHERE name = @lane", new { lane = _lane.Name }) };
        });
        if (!outcome.Outcome.IsOk) throw new ConsumerStalledException(outcome.Outcome.Refusal!.Detail);
        var (position, head) = (outcome.Outcome.Value.Position, outcome.Outcome.Value.Head);
        (_position, _leaseUntil) = (position, _lanes.Time.GetUtcNow() + Lease);
        if (head > Volatile.Read(ref _head)) Volatile.Write(ref _head, head);
        return position >= 0;
    }

    private async Task MoveAsync(Batch batch, IReadOnlyList<(int Index, string Reason)> refused)
    {
        var outcome = await WriteAsync<bool>(async tx =>
        {
            var moved = await tx.ChangeAsync<long?>("""
                UPDATE relays SET position = @to, lease_until = @until WHERE name = @name AND owner = @me AND position = @from RETURNING position
                """, new { name = Name, me = _me, from = batch.After, to = batch.To, until = tx.Now + Lease });
            if (moved is null) return false;
            foreach (var (index, reason) in refused)
                await tx.ExecuteAsync("""
                    INSERT INTO parked_events (consumer, lane_id, position, subject, type, error, attempts, parked_at)
                    SELECT @name, e.lane_id, e.position, e.subject, e.type, @reason, 1, @now FROM lanes l JOIN events e ON e.lane_id = l.id
                    WHERE l.name = @lane AND e.position = @position ON CONFLICT (consumer, lane_id, position) DO NOTHING
                    """, new { name = Name, lane = _lane.Name, position = batch.Wanted[index], reason, now = tx.Now });
            return true;
        });
        if (!outcome.Outcome.IsOk) throw new ConsumerStalledException(outcome.Outcome.Refusal!.Detail);
        _position = outcome.Outcome.Value ? batch.To : -1; // another process took over: it passes the same on again, which is what at least once means
        if (outcome.Outcome.Value) _leaseUntil = _lanes.Time.GetUtcNow() + Lease;
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_ahead is { } ahead) await ahead.ContinueWith(_ => { }, TaskScheduler.Default); // whatever it has read or failed at, nobody wants it any more
        _lanes.Committed -= OnCommitted;
        _meter.Dispose();
        _handing.Dispose();
        GC.SuppressFinalize(this);
    }
}
