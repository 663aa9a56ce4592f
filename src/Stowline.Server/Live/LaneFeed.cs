using Microsoft.AspNetCore.SignalR;
using Stowline.Log;

namespace Stowline.Server.Live;

/// <summary>
/// What is new in one lane, for all who look at it: the lane is read once, each event is written out once per topic. Also the one place
/// where a client that catches up becomes one that follows.
/// </summary>
internal sealed class LaneFeed(Lane lane, Lanes lanes, Action wake)
{
    private const int Page = 500;
    private sealed record Subscription(LiveConnection Connection, LiveTopic Topic, long After);

    private readonly Lock _gate = new();
    private Subscription[] _subscriptions = [];
    private long _at;
    private int _grown;

    public Lane Lane => lane;
    public bool IsWatched => _subscriptions.Length > 0;

    /// <summary>Called on the writer's thread: says only that there is something.</summary>
    public void Grew() => Volatile.Write(ref _grown, 1);

    /// <summary>
    /// Sends what the client missed, then lets it follow. The feed's place and the client's are compared under the gate: a client that has
    /// everything up to the feed's place joins and gets each later event by its position, so there is neither gap nor repeat.
    /// </summary>
    public async Task JoinAsync(LiveConnection connection, LiveTopic topic, long after, CancellationToken ct)
    {
        while (true)
        {
            var missed = await lanes.ReadAsync(lane, after, Page, ct, ask: true);
            foreach (var e in missed)
                if (topic.Wants(e)) await connection.SendAsync(LiveFrame.OfEvent(topic.Name, e.Position, e));
            if (missed.Count > 0) after = missed[^1].Position;
            if (missed.Count == Page) continue;
            lock (_gate)
            {
                if (_subscriptions.Length == 0) _at = after;
                if (after >= _at)
                {
                    _subscriptions = [.. _subscriptions, new Subscription(connection, topic, after)];
                    break;
                }
            }
        }
        Grew(); // what was committed since the last read
        wake();
    }

    /// <param name="topic">Null for all topics of the connection.</param>
    public void Leave(LiveConnection connection, string? topic)
    {
        lock (_gate) _subscriptions = [.. _subscriptions.Where(s => s.Connection != connection || topic is not null && s.Topic.Name != topic)];
    }

    /// <summary>Passes on a page of events. True when there may be more.</summary>
    public async ValueTask<bool> StepAsync(bool look, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _grown, 0) == 0 && !look) return false;
        if (!IsWatched) return false;
        try
        {
            long from;
            lock (_gate) from = _at;
            var events = await lanes.ReadAsync(lane, from, Page, ct, ask: look);
            if (events.Count == 0) return false;
            // Under the gate, so that nobody joins between the events and the place behind them.
            lock (_gate)
            {
                if (_at != from) { Grew(); return true; } // all left and others came while it was read
                foreach (var e in events) Pass(e);
                _at = events[^1].Position;
            }
            Grew();
            return true;
        }
        catch
        {
            Grew(); // not passed on yet: the next try begins here
            throw;
        }
    }

    private void Pass(EventRecord e)
    {
        Dictionary<string, SerializedHubMessage>? frames = null;
        foreach (var s in _subscriptions)
        {
            if (e.Position <= s.After || !s.Topic.Wants(e)) continue;
            frames ??= new Dictionary<string, SerializedHubMessage>(StringComparer.Ordinal);
            if (!frames.TryGetValue(s.Topic.Name, out var frame)) frames[s.Topic.Name] = frame = LiveFrame.OfEvent(s.Topic.Name, e.Position, e);
            s.Connection.Offer(frame);
        }
    }
}
