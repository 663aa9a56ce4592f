using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>Who asks the hub for something: customers, who ask again when they hear nothing, and people at desks.</summary>
internal sealed class Customers
{
    private static readonly Caller Caller = new("customer");
    private readonly World _world;
    private readonly SimNode _hub;
    private readonly Habits _habits;
    private readonly HashSet<Guid> _released = [];
    private readonly List<PoolBody> _pools = [];
    private int _orders;

    public Customers(World world, SimNode hub)
    {
        (_world, _hub) = (world, hub);
        _habits = new Habits(_world.Random, (10, () => Place(NewWish())), (2, Again), (3, () => WithOrder("cancelled", CancelAsync)),
            (1, () => WithOrder("held", id => AskAsync(tx => ChangeOrder.HoldAsync(id, true, "look at it", tx)))),
            (1, () => WithOrder("released", id => AskAsync(tx => ChangeOrder.HoldAsync(id, false, null, tx)))),
            (1, () => WithOrder("re-routed", id => AskAsync(tx => ChangeOrder.RerouteAsync(id, new RerouteBody(_world.Chance(50) ? _world.AnySite().Name : null, "by hand"), tx)))),
            (1, Erase), (2, Policy), (4, Transfer), (2, CancelTransfers), (2, Keep));
    }

    public void Act()
    {
        if (_hub.IsUp) _habits.Act();
    }

    private Wish NewWish()
    {
        var skus = _world.Skus.OrderBy(_ => _world.Random.Next()).Take(_world.Random.Next(1, 3)).ToList();
        var wish = new Wish(new OrderBody
        {
            Channel = AnyChannel(), ExternalId = $"o{++_orders}", Backorder = _world.Chance(30) ? true : null, PickupSite = _world.Chance(8) ? _world.AnySite().Name : null,
            Customer = _world.Chance(40) ? new CustomerDetails("Ana", AnyMail(), null) : null,
            ShipTo = _world.Chance(40) ? new AddressDetails("Ana", "Long Street 1", null, "Nis", null, "18000", "RS", null, null) : null,
            Lines = [.. skus.Select(s => (OrderLineBody?)new OrderLineBody(s, _world.Random.Next(1, 5), null))],
        });
        if (wish.Body.PickupSite is not null) wish = new Wish(wish.Body with { FulfillmentType = FulfillmentType.Pickup });
        _world.Book.Wishes.Add(wish);
        return wish;
    }

    /// <summary>Somebody who has not heard asks again, and sometimes somebody who has.</summary>
    private void Again()
    {
        var wishes = _world.Book.Unanswered.ToList();
        if (wishes.Count == 0) wishes = [.. _world.Book.Placed.Values.Where(w => !w.IsAsking)];
        if (wishes.Count > 0) Place(wishes[_world.Random.Next(wishes.Count)]);
    }

    public void Place(Wish wish) => _world.Go(async () =>
    {
        wish.IsAsking = true;
        try
        {
            var answer = await _hub.AskAsync(node => node.Modules.OfType<OrderingModule>().Single().Intake!.AcceptAsync(AcceptOrder.From(wish.Body, node.Ids).Value, Caller, hops: 0));
            Told(wish, answer.Outcome);
        }
        finally
        {
            wish.IsAsking = false;
        }
    });

    private void Told(Wish wish, Outcome<OrderView> answer)
    {
        if (answer.Refusal is { } no)
        {
            if (no.Kind == RefusalKind.Unavailable) return; // nothing was stored; they will ask again
            if (wish.Order is not null && !_world.HasForgotten) _world.Fail($"order {wish.Body.ExternalId} was accepted, and is refused now: {no.Code}");
            if (no.Code != "insufficient_stock") _world.Fail($"order {wish.Body.ExternalId} was refused: {no.Code} ({no.Detail})");
            wish.IsOpen = false;
            if (wish.Body is { PickupSite: null, Lines: [{ } line] } && _world.Read(_hub, s => Books.IsKeptAsync(s, wish.Body.Channel!, line.Sku!, line.Quantity!.Value)))
                _world.Counters.Add("orders refused for a pool");
            return;
        }
        var id = Guid.Parse(answer.Value.Id);
        if (wish.Order is { } before && before != id && !_world.HasForgotten) _world.Fail($"order {wish.Body.ExternalId} exists twice: {before} and {id}");
        if (answer.Existing) _world.Counters.Add("orders answered again");
        (wish.Order, wish.IsOpen) = (id, false);
        _world.Book.Placed[id] = wish;
    }

    private void WithOrder(string what, Func<Guid, Task> act)
    {
        if (_world.Book.Placed.Count == 0) return;
        // Rather a young one: the old ones have been served.
        var id = _world.Book.Placed.Keys.ElementAt(Math.Max(_world.Random.Next(_world.Book.Placed.Count), _world.Random.Next(_world.Book.Placed.Count)));
        _world.Counters.Add("asked to be " + what);
        _world.Go(() => act(id));
    }

    private Task CancelAsync(Guid id)
    {
        _world.Book.Placed[id].MayBeCancelled = true;
        return AskAsync(tx => CancelOrder.DecideAsync(id, "no more", tx));
    }

    private void Policy()
    {
        var (site, sku, safety, share) = (_world.AnySite().Name, _world.Chance(30) ? "*" : _world.AnySku(), _world.Random.Next(8), _world.Random.Next(4) * 20);
        _world.Go(() => AskAsync(tx => Policies.DecideAsync(site, sku, new PolicyBody(safety, share), tx)));
    }

    private string AnyChannel() => _world.Chance(60) ? "web" : "shop";

    /// <summary>Something is kept for a channel, or is so no more.</summary>
    private void Keep()
    {
        var routing = _hub.Node.Modules.OfType<OrderingModule>().Single().Intake!.Routing;
        if (_pools.Count > 0 && _world.Chance(35))
        {
            var known = _pools[_world.Random.Next(_pools.Count)];
            _world.Go(() => AskAsync(tx => SavePool.RemoveAsync(known, routing, tx)));
            return;
        }
        var pool = new PoolBody { Channel = AnyChannel(), Sku = _world.Chance(25) ? Pool.EverySku : _world.AnySku(), Site = _world.Chance(30) ? _world.AnySite().Name : null };
        var body = _world.Chance(50) ? pool with { Quantity = _world.Random.Next(2, 15) } : pool with { SharePercent = _world.Random.Next(2, 10) * 10 };
        _pools.Add(pool);
        _world.Go(() => AskAsync(tx => SavePool.DecideAsync(body, routing, tx)));
    }

    /// <summary>Goods are to go from one site to another.</summary>
    private void Transfer()
    {
        var from = _world.Random.Next(_world.Sites.Count);
        var to = (from + _world.Random.Next(1, _world.Sites.Count)) % _world.Sites.Count;
        var skus = _world.Skus.OrderBy(_ => _world.Random.Next()).Take(_world.Chance(70) ? 1 : 2).ToList();
        var body = new TransferBody(_world.Sites[from].Name, _world.Sites[to].Name, [.. skus.Select(s => (TransferLineBody?)new TransferLineBody(s, _world.Random.Next(1, 4)))], null, "sold out there");
        _world.Go(async () =>
        {
            var asked = await AskAsync(tx => RequestTransfer.DecideAsync(body, tx, _hub.Node.Lanes.IsShut));
            if (asked.IsOk) _world.Book.Transfers.Add(Guid.Parse(asked.Value.Id));
            else if (asked.Refusal!.Code == "insufficient_stock") _world.Counters.Add("transfers refused for stock");
            else if (asked.Refusal.Kind != RefusalKind.Unavailable && asked.Refusal.Code != "site_given_up") _world.Fail($"a transfer was refused: {asked.Refusal.Code} ({asked.Refusal.Detail})");
        });
    }

    private void CancelTransfers()
    {
        var known = _world.Book.Transfers;
        if (known.Count == 0) return;
        var id = known[Math.Min(_world.Random.Next(known.Count), _world.Random.Next(known.Count))]; // rather an old one: it may have left
        _world.Go(async () =>
        {
            if ((await AskAsync(tx => CancelTransfer.DecideAsync(id, "no longer needed", tx))).Refusal?.Code == "already_shipped") _world.Counters.Add("transfers too late to cancel");
        });
    }

    private string AnyMail() => $"ana{_world.Random.Next(2)}@example.com";

    /// <summary>Somebody wants to be forgotten; they may well order again.</summary>
    private void Erase()
    {
        var person = Personal.PersonOf(AnyMail(), null, Guid.Empty);
        _world.Go(() => AskAsync<Done>(async tx =>
        {
            var erased = await Personal.EraseAsync(tx, person);
            tx.Append(Lane.HubAll, new PersonErased(person, erased), person.ToString());
            return new Done();
        }));
    }

    /// <summary>Lets every held order go on. False when all have been asked to.</summary>
    public bool ReleaseAll()
    {
        if (_world.IsRepairing) return true; // what a site alone knows is held, nobody could release yet
        var held = _world.Book.Placed.Keys.Where(id => !_released.Contains(id)).ToList();
        foreach (var id in held)
        {
            _world.Go(async () =>
            {
                if ((await AskAsync(tx => ChangeOrder.HoldAsync(id, false, null, tx))).Refusal is not { Kind: RefusalKind.Unavailable }) _released.Add(id);
            });
        }
        return held.Count > 0;
    }

    private Task<Outcome<T>> AskAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => _hub.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Hub, Caller, decide));
}
