using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Production;

namespace Stowline.Server.Live;

/// <summary>
/// All feeds of a node, moved by one pump: woken by what this process commits and by what others say that they did, and once a second in case
/// that was not heard.
/// </summary>
internal sealed class LiveFeeds : Pump, IDisposable
{
    public const int DefaultQueue = 4096;

    /// <summary>
    /// After each pass the pump rests, the longer the more clients there are, so that what is committed meanwhile travels together. 200
    /// clients get news 25 times a second at most: waking and sending to each of them for every group of orders would cost more than the orders.
    /// </summary>
    private static readonly TimeSpan RestPerClient = TimeSpan.FromMicroseconds(200);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(2);

    private readonly Node _node;
    private readonly int _capacity;
    private readonly ConcurrentDictionary<Lane, LaneFeed> _lanes = new();
    private readonly ConcurrentDictionary<Guid, OrderFeed> _orders = new();
    private readonly Lock _ordersGate = new();
    private readonly Dictionary<Lane, (long From, long To)> _elsewhere = [];
    private readonly ConcurrentDictionary<LiveConnection, bool> _open = new();
    private readonly Signal _closed = new();
    private int _sockets;
    private volatile bool _isClosing;
    private readonly Meter _meter;
    private readonly Counter<long> _dropped;
    private readonly Signal _rest = new();
    private long _looked;

    /// <param name="capacity">How many events may wait for one client.</param>
    public LiveFeeds(Node node, int capacity = DefaultQueue)
    {
        _node = node;
        _capacity = capacity;
        _meter = new Meter(new MeterOptions("Stowline.Live") { Scope = node.Lanes });
        _dropped = _meter.CreateCounter<long>("stowline_live_dropped", description: "Live clients cut off because they did not keep up");
        node.Lanes.Committed += OnCommitted;
        node.Lanes.GrewElsewhere += OnGrewElsewhere;
    }

    public override string Name => "live";

    /// <summary>How many clients are connected.</summary>
    public int Clients => _open.Count;

    public async Task<LiveConnection> OpenAsync(HubConnectionContext context)
    {
        var connection = new LiveConnection(context, _capacity, _node.Time, () => _dropped.Add(1));
        _open[connection] = true;
        if (_isClosing) await connection.CloseAsync();
        return connection;
    }

    public void Closed(LiveConnection connection)
    {
        _open.TryRemove(connection, out _);
        Unsubscribe(connection, null);
    }

    /// <summary>Around each request at the feed's address, which lasts until its socket is closed.</summary>
    public async Task DuringSocketAsync(Func<Task> request)
    {
        Interlocked.Increment(ref _sockets);
        try
        {
            await request();
        }
        finally
        {
            if (Interlocked.Decrement(ref _sockets) == 0) _closed.Set();
        }
    }

    /// <summary>Closes every connection in order: the host would cut them off. Waits until they are closed, but not for clients that do not answer.</summary>
    public async Task CloseAllAsync()
    {
        _isClosing = true;
        try
        {
            await Task.WhenAll(_open.Keys.Select(c => c.CloseAsync())).WaitAsync(TimeSpan.FromSeconds(2), _node.Time);
            var started = _node.Time.GetTimestamp();
            while (Volatile.Read(ref _sockets) > 0 && _node.Time.GetElapsedTime(started) < TimeSpan.FromSeconds(3))
                await _closed.WaitAsync(TimeSpan.FromSeconds(3), _node.Time, default); // the signal may be an old one
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or IOException or InvalidOperationException)
        {
            // Who is gone, or does not read, is cut off with the host.
        }
    }

    /// <summary>On the writer's thread: marks and wakes, nothing else.</summary>
    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        var wake = false;
        if (_lanes.TryGetValue(lane, out var feed) && feed.IsWatched)
        {
            feed.Grew();
            wake = true;
        }
        if (!_orders.IsEmpty)
        {
            foreach (var e in events)
            {
                if (e.OrderId is not { } order || !_orders.TryGetValue(order, out var watched)) continue;
                watched.Grew();
                wake = true;
            }
        }
        if (wake) Wake.Set();
    }

    /// <summary>As <see cref="OnCommitted"/>, but which orders it is about is not known until the events have been read.</summary>
    private void OnGrewElsewhere(Lane lane, long from, long to)
    {
        var wake = _lanes.TryGetValue(lane, out var feed) && feed.IsWatched;
        if (wake) feed!.Grew();
        if (!_orders.IsEmpty)
        {
            lock (_elsewhere) _elsewhere[lane] = _elsewhere.TryGetValue(lane, out var known) ? (Math.Min(known.From, from), Math.Max(known.To, to)) : (from, to);
            wake = true;
        }
        if (wake) Wake.Set();
    }

    private async Task FindOrdersAsync(CancellationToken ct)
    {
        const int Page = 500;
        KeyValuePair<Lane, (long From, long To)>[] grown;
        lock (_elsewhere)
        {
            if (_elsewhere.Count == 0) return;
            grown = [.. _elsewhere];
            _elsewhere.Clear();
        }
        foreach (var (lane, (from, to)) in grown)
        {
            for (var at = from; at < to;)
            {
                var events = await _node.Lanes.ReadAsync(lane, at, Page, ct);
                foreach (var e in events)
                    if (e.OrderId is { } order && _orders.TryGetValue(order, out var watched)) watched.Grew();
                if (events.Count == 0) break;
                at = events[^1].Position;
            }
        }
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        try
        {
            await FindOrdersAsync(ct);
        }
        catch
        {
            foreach (var feed in _orders.Values) feed.Grew(); // which of them is not known any more
            throw;
        }
        var now = _node.Time.GetTimestamp();
        // Only another process on the same database can have written without our being told.
        var look = !_node.Database.SingleWriter && _node.Time.GetElapsedTime(_looked, now) >= Idle;
        if (look) _looked = now;
        var worked = false;
        var rest = TimeSpan.Zero;
        foreach (var feed in _lanes.Values)
        {
            if (await feed.StepAsync(look, ct) is not { } offered) continue;
            worked = true;
            rest += offered * RestPerClient;
        }
        foreach (var feed in _orders.Values) worked |= await feed.StepAsync(look, ct);
        if (rest > LongestRest) rest = LongestRest;
        if (rest >= ShortestRest) await _rest.WaitAsync(rest, _node.Time, ct);
        return worked;
    }

    public Task SubscribeAsync(LiveConnection connection, LiveTopic topic, JsonElement? after) =>
        topic.Kind == LiveTopicKind.Order ? FollowOrderAsync(connection, topic, after) : FollowLaneAsync(connection, topic, after);

    private async Task FollowLaneAsync(LiveConnection connection, LiveTopic topic, JsonElement? given)
    {
        var ct = connection.Aborted;
        long? after = given is { } g ? LiveTopic.PositionOf(g) : null;
        var (head, snapshot) = await _node.Database.SnapshotAsync(async session =>
        {
            var status = (await LaneReader.LanesAsync(session)).FirstOrDefault(l => l.Name == topic.Lane.Name)
                         ?? throw LiveTopic.Refused("unknown_topic", $"there is no site {topic.Key} here");
            if (after is not null) return (status.Head, (LiveFrame?)null);
            // State and position of one moment: what follows the position is exactly what the state does not have yet.
            var at = _node.Time.GetUtcNow();
            return (status.Head, topic.Kind switch
            {
                LiveTopicKind.Orders => LiveFrame.Snapshot(topic.Name, status.Head, at, await OrdersNow.ReadAsync(session)),
                LiveTopicKind.Picking => LiveFrame.Snapshot(topic.Name, status.Head, at, new { tasks = await OpenPicking.ReadAsync(session, topic.Key) }),
                LiveTopicKind.Kitchen => LiveFrame.Snapshot(topic.Name, status.Head, at, await KitchenNow.ReadAsync(session, topic.Key)),
                _ => LiveFrame.Snapshot(topic.Name, status.Head, at, new { parked = await LaneReader.ParkedCountAsync(session), stuck = (await StuckOrders.CountAsync(session)).Values.Sum() }),
            });
        }, ct);
        // A lane that was restored may be shorter than the client remembers: it must begin again, not wait in silence.
        if (after > head) throw LiveTopic.BadPosition();
        var feed = _lanes.GetOrAdd(topic.Lane, lane => new LaneFeed(lane, _node.Lanes, Wake.Set));
        feed.Leave(connection, topic.Name);
        if (snapshot is not null) await connection.SendAsync(snapshot);
        await feed.JoinAsync(connection, topic, after ?? head, ct);
        if (ct.IsCancellationRequested) feed.Leave(connection, null); // it went while it joined, and nobody else would notice
    }

    private async Task FollowOrderAsync(LiveConnection connection, LiveTopic topic, JsonElement? given)
    {
        var ct = connection.Aborted;
        if (await ReadOrders.IdOfAsync(_node, topic.Key, ct) is not { } order) throw LiveTopic.Refused("unknown_topic", $"there is no order {topic.Key}");
        Unsubscribe(connection, topic.Name);
        var position = given is { } g ? OrderPosition.Parse(g) : new OrderPosition();
        var (events, snapshot) = await _node.Database.SnapshotAsync(async session => (OrderPosition.Sort(await LaneReader.OfOrderAsync(session, order)).ToList(),
            given is null ? await OrdersNow.WithoutPersonAsync(session, order) : null), ct);
        foreach (var e in events)
            if (position.Pass(e) && given is not null) await connection.SendAsync(LiveFrame.OfEvent(topic.Name, position, e));
        if (snapshot is not null) await connection.SendAsync(LiveFrame.Snapshot(topic.Name, position, _node.Time.GetUtcNow(), snapshot));
        lock (_ordersGate) _orders.GetOrAdd(order, id => new OrderFeed(id, _node)).Join(connection, topic.Name, position);
        Wake.Set();
        if (ct.IsCancellationRequested) Unsubscribe(connection, null);
    }

    /// <param name="topic">Null for all topics of the connection.</param>
    public void Unsubscribe(LiveConnection connection, string? topic)
    {
        foreach (var feed in _lanes.Values) feed.Leave(connection, topic);
        lock (_ordersGate)
        {
            foreach (var feed in _orders.Values)
            {
                feed.Leave(connection, topic);
                if (!feed.IsWatched) _orders.TryRemove(feed.Order, out _);
            }
        }
    }

    public void Dispose()
    {
        _node.Lanes.Committed -= OnCommitted;
        _node.Lanes.GrewElsewhere -= OnGrewElsewhere;
        _meter.Dispose();
    }
}
