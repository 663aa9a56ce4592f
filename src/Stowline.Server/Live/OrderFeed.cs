using Stowline.Log;

namespace Stowline.Server.Live;

/// <summary>
/// What is new about one order, in whichever lane. An order has few events, so all of them are read again when there may be a new one, and
/// each client gets those that its position does not cover.
/// </summary>
internal sealed class OrderFeed(Guid order, Node node)
{
    private sealed record Subscription(LiveConnection Connection, string Topic, OrderPosition Position);

    private readonly Lock _gate = new();
    private readonly List<Subscription> _subscriptions = [];
    private int _grown = 1;

    public Guid Order => order;

    public bool IsWatched
    {
        get { lock (_gate) return _subscriptions.Count > 0; }
    }

    public void Grew() => Volatile.Write(ref _grown, 1);

    public void Join(LiveConnection connection, string topic, OrderPosition position)
    {
        lock (_gate) _subscriptions.Add(new Subscription(connection, topic, position));
        Grew();
    }

    public void Leave(LiveConnection connection, string? topic)
    {
        lock (_gate) _subscriptions.RemoveAll(s => s.Connection == connection && (topic is null || s.Topic == topic));
    }

    public async ValueTask<bool> StepAsync(bool look, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _grown, 0) == 0 && !look) return false;
        try
        {
            var events = OrderPosition.Sort(await node.Database.ReadAsync(async session => await LaneReader.OfOrderAsync(session, order), ct)).ToList();
            lock (_gate)
            {
                foreach (var s in _subscriptions)
                    foreach (var e in events)
                        if (s.Position.Pass(e)) s.Connection.Offer(LiveFrame.OfEvent(s.Topic, s.Position, e));
            }
            return false;
        }
        catch
        {
            Grew();
            throw;
        }
    }
}
