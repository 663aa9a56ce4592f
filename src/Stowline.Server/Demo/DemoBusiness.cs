using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Returns;

namespace Stowline.Server.Demo;

/// <summary>
/// A sample business that runs by itself, so that every screen shows life: customers order, people pick, pack and ship, lorries bring goods.
/// It acts through the same commands as everybody, at a steady rate, for as long as the node runs, and goes on where it was stopped.
/// </summary>
internal sealed class DemoBusiness : Pump, IDisposable
{
    /// <summary>So many orders come at once when the shop opens for the first time.</summary>
    public const int FirstOrders = 60;

    /// <summary>So many of the last orders of an earlier run are looked at again: a cancellation or release may be due.</summary>
    private const int Remembered = 300;
    private const int NewestSeen = 100;
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private enum Stage { Closed, Stocked, Open }
    private sealed record Due(DemoTurn Turn, DemoOrder Order, Guid Id, bool Ends);

    private readonly Node _node;
    private readonly DemoDesk _desk;
    private readonly DemoOrders _orders;
    private readonly AcceptOrders _intake;
    private readonly (DemoPlace Place, DemoFloor Floor, DemoSupply Supply)[] _sites;
    private readonly PriorityQueue<Due, DateTimeOffset> _due = new();
    private readonly int _mostOpen;
    private Stage _stage = Stage.Closed;
    private long _next;
    private DateTimeOffset _nextAt;
    private DateTimeOffset _looked = DateTimeOffset.MinValue;
    private bool _full;

    public DemoBusiness(Node node, DemoOptions options)
    {
        _node = node;
        _desk = new DemoDesk(node);
        _orders = new DemoOrders(options);
        _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        _sites = [.. DemoPlaces.All.Select(p => (p, new DemoFloor(_desk, p, options), new DemoSupply(_desk, p, _orders, options)))];
        _mostOpen = 200 + (int)(options.Rate * 90);
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "demo";
    public override TimeSpan Idle => TimeSpan.FromMilliseconds(150);

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        foreach (var (place, floor, _) in _sites)
            if (lane == Lane.Site(place.Code)) floor.Grew();
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = _node.Time.GetUtcNow();
        switch (_stage)
        {
            case Stage.Closed:
                await new DemoSetup(_desk).RunAsync(ct);
                foreach (var (_, _, supply) in _sites) await supply.StepAsync(now, ct);
                _stage = Stage.Stocked;
                return true;
            case Stage.Stocked:
                if (!_node.IsDrained) return false; // the hub has not heard yet what it may promise
                await OpenAsync(now, ct);
                _stage = Stage.Open;
                return true;
            case Stage.Open: break;
        }
        var worked = await TakeTurnsAsync(now, ct) | await TakeOrdersAsync(now, ct);
        foreach (var (_, floor, supply) in _sites) worked |= await floor.StepAsync(now, ct) | await supply.StepAsync(now, ct);
        return worked;
    }

    /// <summary>Finds out how far an earlier run came; without one, the first customers are at the door already.</summary>
    private async Task OpenAsync(DateTimeOffset now, CancellationToken ct)
    {
        var last = 0L;
        foreach (var channel in DemoOrders.Channels)
            foreach (var id in await _desk.ReadAsync(s => ReadChannel.NewestAsync(s, channel, NewestSeen), ct))
                last = Math.Max(last, _orders.NumberOf(id) ?? 0);
        _next = last + 1;
        _nextAt = now;
        if (last == 0)
        {
            await PlaceAsync([.. Enumerable.Range(0, FirstOrders).Select(i => _orders.Make(_next + i))], now, ct);
            _next += FirstOrders;
        }
        for (var n = Math.Max(1, last - Remembered); n <= last; n++) await RememberAsync(_orders.Make(n), now, ct);
    }

    private async Task RememberAsync(DemoOrder order, DateTimeOffset now, CancellationToken ct)
    {
        switch (order.Turn)
        {
            case DemoTurn.Cancel or DemoTurn.Hold:
                if (await ReadOrders.IdOfAsync(_node, $"{order.Body.Channel}:{order.Body.ExternalId}", ct) is { } id)
                    _due.Enqueue(new Due(order.Turn, order, id, Ends: order.Turn == DemoTurn.Hold), now + order.TurnAfter);
                break;
            case DemoTurn.None or DemoTurn.Return: break;
        }
    }

    private async Task<bool> TakeOrdersAsync(DateTimeOffset now, CancellationToken ct)
    {
        if (now - _looked >= LookEvery)
        {
            _looked = now;
            var counts = await _desk.ReadAsync(OrderCounts.ReadAsync, ct);
            _full = counts.Where(c => OrderLifecycle.IsOpen(c.Key)).Sum(c => c.Value) > _mostOpen;
        }
        // After a pause, a laptop's sleep for instance, nobody comes back for what was not ordered; and nobody is let in while the halls are full.
        if (now - _nextAt > LongestGap || _full) _nextAt = now;
        var coming = new List<DemoOrder>();
        while (!_full && _nextAt <= now)
        {
            coming.Add(_orders.Make(_next));
            _nextAt += _orders.GapAfter(_next++, _nextAt);
        }
        await PlaceAsync(coming, now, ct);
        return coming.Count > 0;
    }

    /// <summary>Together, so that they travel in one group; what is to become of them is noted when all are in, in their order.</summary>
    private async Task PlaceAsync(IReadOnlyList<DemoOrder> orders, DateTimeOffset now, CancellationToken ct)
    {
        var placed = await Task.WhenAll(orders.Select(o => PlaceAsync(o, ct)));
        foreach (var (order, id) in orders.Zip(placed))
            if (id is { } known && order.Turn != DemoTurn.None) _due.Enqueue(new Due(order.Turn, order, known, Ends: false), now + order.TurnAfter);
    }

    /// <returns>The order's id; null where it was not taken. Sold out is a customer who goes away; a node that is busy loses one too, as in life.</returns>
    private async Task<Guid?> PlaceAsync(DemoOrder order, CancellationToken ct)
    {
        var accept = AcceptOrder.From(order.Body, _node.Ids);
        if (accept.Refusal is { } bad) throw new InvalidOperationException($"order {order.Body.ExternalId}: {bad.Detail}");
        var result = await _intake.AcceptAsync(accept.Value, new Caller("shop"), ct, hops: 0);
        return result.Outcome.Refusal is null ? Guid.Parse(result.Outcome.Value.Id) : null;
    }

    private async Task<bool> TakeTurnsAsync(DateTimeOffset now, CancellationToken ct)
    {
        var worked = false;
        while (_due.TryPeek(out var due, out var at) && at <= now)
        {
            _due.Dequeue();
            worked = true;
            switch (due.Turn)
            {
                case DemoTurn.Cancel:
                    await _desk.AskAsync<OrderView>(Lane.Hub, "service", tx => CancelOrder.DecideAsync(due.Id, due.Order.Reason, tx), ct);
                    break;
                case DemoTurn.Hold:
                    var held = await _desk.AskAsync<OrderView>(Lane.Hub, "service", tx => ChangeOrder.HoldAsync(due.Id, !due.Ends, due.Order.Reason, tx), ct);
                    if (!due.Ends && held.Refusal is null) _due.Enqueue(due with { Ends = true }, now + HeldFor);
                    break;
                case DemoTurn.Return: await ReturnAsync(due, ct); break;
                case DemoTurn.None: break;
            }
        }
        return worked;
    }

    /// <summary>One unit comes back, if it has left; food does not come back.</summary>
    private async Task ReturnAsync(Due due, CancellationToken ct)
    {
        var order = await _desk.ReadAsync(s => ReadOrders.FindAsync(s, due.Id.ToString()), ct);
        if (order?.Parts.FirstOrDefault(p => p.Site is not null && p.Status == OrderStatus.Shipped && p.Lines.Any(l => Lasts(l.Sku))) is not { Site: { } site } part) return;
        if (_sites.FirstOrDefault(s => s.Place.Code == site).Place is not { } place) return;
        var line = part.Lines.First(l => Lasts(l.Sku));
        var body = new ReceiveReturnBody
        {
            Reference = $"RMA-{due.Order.Body.ExternalId}", Order = due.Id.ToString(), Reason = due.Order.Reason,
            Lines = [new ReturnLineBody { Sku = line.Sku, Quantity = 1, Bin = place.Homes.GetValueOrDefault(line.Sku) }],
        };
        await _desk.AskAsync<ReturnReceipt>(Lane.Site(site), "returns", tx => ReceiveReturn.DecideAsync(site, body, tx), ct);
    }

    private static bool Lasts(string sku) => Shelf.TryGetValue(sku, out var days) && days == 0;
    private static readonly Dictionary<string, int> Shelf = DemoCatalog.Products.ToDictionary(p => p.Sku, p => p.ShelfDays, StringComparer.Ordinal);

    public void Dispose() => _node.Lanes.Committed -= OnCommitted;
}
