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
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    /// <summary>After so long without an acknowledgment the status says so. Nothing is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lanes _lanes;
    private readonly Lane _lane;
    private readonly Guid _me;
    private readonly Meter _meter;
    private readonly Counter<long> _relayed;
    private readonly SemaphoreSlim _handing = new(1, 1);
    private (long After, Task<Batch> Batch)? _ahead;
    private long _position = -1;
    private long _head;
    private DateTimeOffset _leaseUntil;
    private DateTimeOffset? _oldestWaiting;

    protected LaneRelay(Lanes lanes, Lane lane)
    {
        (_lanes, _lane, _me) = (lanes, lane, lanes.Ids.Next());
        _meter = new Meter(new MeterOptions("Stowline.Relay") { Scope = lanes });
        _relayed = _meter.CreateCounter<long>("stowline_relay_events", description: "Events that a broker has acknowledged");
        _meter.CreateObservableGauge("stowline_relay_lag_events", () => Measure(Lag), description: "Events of the lane that a relay has yet to pass on");
        _meter.CreateObservableGauge("stowline_relay_lag_seconds", () => Measure(_oldestWaiting is { } at ? (lanes.Time.GetUtcNow() - at).TotalSeconds : 0.0), "s",
            "Age of the oldest event that waits for a broker");
        lanes.Committed += OnCommitted;
    }

    private KeyValuePair<string, object?> Label => new("relay", Name);
    private IEnumerable<Measurement<T>> Measure<T>(T value) where T : struct => _position < 0 ? [] : [new Measurement<T>(value, Label)];

    /// <summary>The lane that it reads.</summary>
    public Lane Lane => _lane;

    /// <summary>Events that are not passed on yet.</summary>
    public long Lag => _position < 0 ? 0 : Math.Max(0, _head - _position);

    /// <summary>How many events are handed over at once, and then come again after a crash. It counts only where more wait than that.</summary>
    protected virtual int BatchSize => 1_000;

    /// <summary>Events that were not wanted only move the cursor.</summary>
    protected abstract bool Wants(EventRecord e);

    /// <summary>
    /// Makes ready what is to be handed over, and answers how that is done. Making ready needs neither the outside nor the cursor: it is done while the batch before is on its way.
    /// </summary>
    protected abstract HandOver Prepare(IReadOnlyList<EventRecord> events);

    /// <summary>Hands events over, in order. Completes when every one was acknowledged or refused for good; throws when the outside is away.</summary>
    /// <returns>Those that will never be taken, such as too large ones, with the reason: they are parked, and the others go on.</returns>
    protected delegate Task<IReadOnlyList<(EventRecord Event, string Reason)>> HandOver(CancellationToken ct);

    /// <param name="Wanted">Null where none is.</param>
    private sealed record Batch(IReadOnlyList<EventRecord> Events, int Count, HandOver? Wanted);

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
        if ((_position < 0 || _lanes.Time.GetUtcNow() > _leaseUntil - Lease / 2) && !await TakeLeaseAsync(ct)) return false;
        var batch = await ReadAsync(ct);
        var events = batch.Events;
        _oldestWaiting = events.Count > 0 ? events[0].At : null;
        if (events.Count == 0) return false;
        if (events[^1].Position > Volatile.Read(ref _head)) Volatile.Write(ref _head, events[^1].Position);
        // What follows is read and made ready while these are on their way: with a backlog neither side waits for the other.
        if (events.Count == BatchSize) _ahead = (events[^1].Position, Task.Run(() => ReadAsync(events[^1].Position, ct), ct));
        var refused = batch.Wanted is { } wanted ? await PatientlyAsync(HandOverAloneAsync(wanted, ct), ct) : [];
        await MoveAsync(events[^1].Position, refused);
        if (batch.Count > 0) _relayed.Add(batch.Count - refused.Count, Label);
        return true;
    }

    private async Task<Batch> ReadAsync(CancellationToken ct)
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            var read = await ahead.Batch;
            if (ahead.After == _position && read.Events.Count > 0) return read;
        }
        return await ReadAsync(_position, ct);
    }

    private async Task<Batch> ReadAsync(long after, CancellationToken ct)
    {
        var events = await _lanes.ReadAsync(_lane, after, BatchSize, ct);
        EventRecord[] wanted = [.. events.Where(Wants)];
        return new Batch(events, wanted.Length, wanted.Length == 0 ? null : Prepare(wanted));
    }

    private async Task<IReadOnlyList<(EventRecord Event, string Reason)>> HandOverAloneAsync(HandOver events, CancellationToken ct)
    {
        await _handing.WaitAsync(ct);
        try
        {
            return await events(ct);
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
                LastError = null;
                return done;
            }
            catch (TimeoutException) when (!handing.IsCompleted)
            {
                (LastError, LastErrorAt) = (Trouble ?? "events were handed over and are not acknowledged yet", _lanes.Time.GetUtcNow());
                await TakeLeaseAsync(ct);
            }
        }
    }

    private sealed record Held { public long Position { get; init; } public long Head { get; init; } }

    /// <summary>False while another process has it.</summary>
    private async Task<bool> TakeLeaseAsync(CancellationToken ct)
    {
        var outcome = await _lanes.ExecuteAsConsumerAsync<Held>(_lane, Caller.System, async tx =>
        {
            var held = await tx.ChangeAsync<long?>("""
                INSERT INTO relays (name, position, owner, lease_until) VALUES (@name, 0, @me, @until)
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
                    WHERE relays.owner = excluded.owner OR relays.lease_until IS NULL OR relays.lease_until < @now
                RETURNING position
                """, new { name = Name, me = _me, until = tx.Now + Lease, now = tx.Now });
            return new Held { Position = held ?? -1, Head = await tx.FindAsync<long>("SELECT head_position FROM lanes WHERE name = @lane", new { lane = _lane.Name }) };
        });
        if (!outcome.Outcome.IsOk) throw new ConsumerStalledException(outcome.Outcome.Refusal!.Detail);
        var (position, head) = (outcome.Outcome.Value.Position, outcome.Outcome.Value.Head);
        (_position, _leaseUntil) = (position, _lanes.Time.GetUtcNow() + Lease);
        if (head > Volatile.Read(ref _head)) Volatile.Write(ref _head, head);
        return position >= 0;
    }

    private async Task MoveAsync(long to, IReadOnlyList<(EventRecord Event, string Reason)> refused)
    {
        var from = _position;
        var outcome = await _lanes.ExecuteAsConsumerAsync<bool>(_lane, Caller.System, async tx =>
        {
            var moved = await tx.ChangeAsync<long?>("""
                UPDATE relays SET position = @to, lease_until = @until WHERE name = @name AND owner = @me AND position = @from RETURNING position
                """, new { name = Name, me = _me, from, to, until = tx.Now + Lease });
            if (moved is null) return false;
            foreach (var (e, reason) in refused)
                await tx.ExecuteAsync("""
                    INSERT INTO parked_events (consumer, lane_id, position, subject, type, error, attempts, parked_at)
                    SELECT @name, id, @position, @subject, @type, @reason, 1, @now FROM lanes WHERE name = @lane ON CONFLICT (consumer, lane_id, position) DO NOTHING
                    """, new { name = Name, lane = _lane.Name, position = e.Position, subject = e.Subject, type = e.Type, reason, now = tx.Now });
            return true;
        });
        if (!outcome.Outcome.IsOk) throw new ConsumerStalledException(outcome.Outcome.Refusal!.Detail);
        _position = outcome.Outcome.Value ? to : -1; // another process took over: it passes the same on again, which is what at least once means
        if (outcome.Outcome.Value) _leaseUntil = _lanes.Time.GetUtcNow() + Lease;
    }

    public virtual async ValueTask DisposeAsync()
    {
        if (_ahead is { } ahead) await ahead.Batch.ContinueWith(_ => { }, TaskScheduler.Default); // whatever it has read or failed at, nobody wants it any more
        _lanes.Committed -= OnCommitted;
        _meter.Dispose();
        _handing.Dispose();
        GC.SuppressFinalize(this);
    }
}
