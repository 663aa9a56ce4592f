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
            foreach (var frame in Frames(topic, missed, after)) await connection.SendAsync(frame);
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

    /// <summary>Passes on a page of events.</summary>
    /// <returns>To how many topics of clients; null when there was nothing to do.</returns>
    public async ValueTask<int?> StepAsync(bool look, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _grown, 0) == 0 && !look) return null;
        if (!IsWatched) return null;
        try
        {
            long from;
            lock (_gate) from = _at;
            var events = await lanes.ReadAsync(lane, from, Page, ct, ask: look);
            if (events.Count == 0) return null;
            // Written out before the gate is taken, for all that are here now: nobody who comes or goes waits for it.
            var frames = new Dictionary<string, IReadOnlyList<LiveFrame>>(StringComparer.Ordinal);
            foreach (var s in Volatile.Read(ref _subscriptions)) FramesOf(s.Topic, events, frames);
            var offered = 0;
            // Under the gate, so that nobody joins between the events and the place behind them.
            lock (_gate)
            {
                if (_at == from)
                {
                    foreach (var s in _subscriptions) Pass(s, events, frames);
                    _at = events[^1].Position;
                    offered = _subscriptions.Length;
                } // else all left and others came while it was read
            }
            Grew();
            return offered;
        }
        catch
        {
            Grew(); // not passed on yet: the next try begins here
            throw;
        }
    }

    /// <summary>The same bytes for everybody who follows a topic; only who has just joined and is ahead of the feed gets its own.</summary>
    private static void Pass(Subscription s, IReadOnlyList<EventRecord> events, Dictionary<string, IReadOnlyList<LiveFrame>> shared)
    {
        var frames = s.After < events[0].Position ? FramesOf(s.Topic, events, shared) : Frames(s.Topic, events, s.After);
        foreach (var frame in frames) s.Connection.Offer(frame);
    }

    private static IReadOnlyList<LiveFrame> FramesOf(LiveTopic topic, IReadOnlyList<EventRecord> events, Dictionary<string, IReadOnlyList<LiveFrame>> shared)
    {
        if (!shared.TryGetValue(topic.Name, out var frames)) shared[topic.Name] = frames = Frames(topic, events, 0);
        return frames;
    }

    private static IReadOnlyList<LiveFrame> Frames(LiveTopic topic, IReadOnlyList<EventRecord> events, long after)
    {
        LiveFrameWriter? writer = null;
        foreach (var e in events)
            if (e.Position > after && topic.Wants(e)) (writer ??= new LiveFrameWriter(topic.Name)).Add(e.Position, e);
        return writer?.Take() ?? [];
    }
}
