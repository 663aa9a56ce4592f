using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Production;

namespace Stowline.Server.Live;

/// <summary>All feeds of a node, moved by one pump: woken by what this process commits, and once a second for what others did.</summary>
internal sealed class LiveFeeds : Pump, IDisposable
{
    private readonly Node _node;
    private readonly int _capacity;
    private readonly ConcurrentDictionary<Lane, LaneFeed> _lanes = new();
    private readonly ConcurrentDictionary<Guid, OrderFeed> _orders = new();
    private readonly Lock _ordersGate = new();
    private readonly Meter _meter = new("Stowline.Live");
    private readonly Counter<long> _dropped;
    private long _looked;

    /// <param name="capacity">How many frames may wait for one client.</param>
    public LiveFeeds(Node node, int capacity = 1024)
    {
        _node = node;
        _capacity = capacity;
        _dropped = _meter.CreateCounter<long>("stowline_live_dropped", description: "Live clients cut off because they did not keep up");
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "live";

    public LiveConnection Open(HubConnectionContext context) => new(context, _capacity, () => _dropped.Add(1));

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

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = _node.Time.GetTimestamp();
        // Only another process on the same database can have written without our being told.
        var look = !_node.Database.SingleWriter && _node.Time.GetElapsedTime(_looked, now) >= Idle;
        if (look) _looked = now;
        var worked = false;
        foreach (var feed in _lanes.Values) worked |= await feed.StepAsync(look, ct);
        foreach (var feed in _orders.Values) worked |= await feed.StepAsync(look, ct);
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
            if (after is not null) return (status.Head, (SerializedHubMessage?)null);
            // State and position of one moment: what follows the position is exactly what the state does not have yet.
            var at = _node.Time.GetUtcNow();
            return (status.Head, topic.Kind switch
            {
                LiveTopicKind.Orders => LiveFrame.Snapshot(topic.Name, status.Head, at, await OrdersNow.ReadAsync(session)),
                LiveTopicKind.Picking => LiveFrame.Snapshot(topic.Name, status.Head, at, new { tasks = await OpenPicking.ReadAsync(session, topic.Key) }),
                LiveTopicKind.Kitchen => LiveFrame.Snapshot(topic.Name, status.Head, at, await KitchenNow.ReadAsync(session, topic.Key)),
                _ => LiveFrame.Snapshot(topic.Name, status.Head, at, new { parked = await LaneReader.ParkedCountAsync(session) }),
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
        _meter.Dispose();
    }
}
