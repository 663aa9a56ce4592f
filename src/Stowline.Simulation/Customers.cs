using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>Who asks the hub for something: customers, who ask again when they hear nothing, and people at desks.</summary>
internal sealed class Customers(World world, SimNode hub)
{
    private static readonly Caller Caller = new("customer");
    private readonly HashSet<Guid> _released = [];
    private int _orders;

    public void Act()
    {
        if (!hub.IsUp) return;
        switch (world.Random.Next(20))
        {
            case < 10: Place(NewWish()); break;
            case < 12: Again(); break;
            case < 15: WithOrder("cancelled", id => CancelAsync(id)); break;
            case 15: WithOrder("held", id => AskAsync(tx => ChangeOrder.HoldAsync(id, true, "look at it", tx))); break;
            case 16: WithOrder("released", id => AskAsync(tx => ChangeOrder.HoldAsync(id, false, null, tx))); break;
            case 17: WithOrder("re-routed", id => AskAsync(tx => ChangeOrder.RerouteAsync(id, new RerouteBody(world.Chance(50) ? world.AnySite().Name : null, "by hand"), tx))); break;
            default: Policy(); break;
        }
    }

    private Wish NewWish()
    {
        var skus = world.Skus.OrderBy(_ => world.Random.Next()).Take(world.Random.Next(1, 3)).ToList();
        var wish = new Wish(new OrderBody
        {
            Channel = "web", ExternalId = $"o{++_orders}", Backorder = world.Chance(30) ? true : null, PickupSite = world.Chance(8) ? world.AnySite().Name : null,
            Customer = world.Chance(20) ? new CustomerDetails("Ana", $"ana{world.Random.Next(3)}@example.com", null) : null,
            ShipTo = world.Chance(20) ? new AddressDetails("Ana", "Long Street 1", null, "Nis", null, "18000", "RS", null, null) : null,
            Lines = [.. skus.Select(s => (OrderLineBody?)new OrderLineBody(s, world.Random.Next(1, 5), null))],
        });
        if (wish.Body.PickupSite is not null) wish = new Wish(wish.Body with { FulfillmentType = FulfillmentType.Pickup });
        world.Book.Wishes.Add(wish);
        return wish;
    }

    /// <summary>Somebody who has not heard asks again, and sometimes somebody who has.</summary>
    private void Again()
    {
        var wishes = world.Book.Unanswered.ToList();
        if (wishes.Count == 0) wishes = [.. world.Book.Placed.Values.Where(w => !w.IsAsking)];
        if (wishes.Count > 0) Place(wishes[world.Random.Next(wishes.Count)]);
    }

    public void Place(Wish wish) => world.Go(async () =>
    {
        wish.IsAsking = true;
        try
        {
            var answer = await hub.AskAsync(node => node.Modules.OfType<OrderingModule>().Single().Intake!.AcceptAsync(AcceptOrder.From(wish.Body, node.Ids).Value, Caller, hops: 0));
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
            if (wish.Order is not null) world.Fail($"order {wish.Body.ExternalId} was accepted, and is refused now: {no.Code}");
            if (no.Code != "insufficient_stock") world.Fail($"order {wish.Body.ExternalId} was refused: {no.Code} ({no.Detail})");
            wish.IsOpen = false;
            return;
        }
        var id = Guid.Parse(answer.Value.Id);
        if (wish.Order is { } before && before != id) world.Fail($"order {wish.Body.ExternalId} exists twice: {before} and {id}");
        if (answer.Existing) world.Counters.Add("orders answered again");
        (wish.Order, wish.IsOpen) = (id, false);
        world.Book.Placed[id] = wish;
    }

    private void WithOrder(string what, Func<Guid, Task> act)
    {
        if (world.Book.Placed.Count == 0) return;
        // Rather a young one: the old ones have been served.
        var id = world.Book.Placed.Keys.ElementAt(Math.Max(world.Random.Next(world.Book.Placed.Count), world.Random.Next(world.Book.Placed.Count)));
        world.Counters.Add("asked to be " + what);
        world.Go(() => act(id));
    }

    private Task CancelAsync(Guid id)
    {
        world.Book.Placed[id].MayBeCancelled = true;
        return AskAsync(tx => CancelOrder.DecideAsync(id, "no more", tx));
    }

    private void Policy()
    {
        var (site, sku, safety, share) = (world.AnySite().Name, world.Chance(30) ? "*" : world.AnySku(), world.Random.Next(8), world.Random.Next(4) * 20);
        world.Go(() => AskAsync(tx => Policies.DecideAsync(site, sku, new PolicyBody(safety, share), tx)));
    }

    /// <summary>Lets every held order go on. False when all have been asked to.</summary>
    public bool ReleaseAll()
    {
        var held = world.Book.Placed.Keys.Where(id => !_released.Contains(id)).ToList();
        foreach (var id in held)
        {
            world.Go(async () =>
            {
                if ((await AskAsync(tx => ChangeOrder.HoldAsync(id, false, null, tx))).Refusal is not { Kind: RefusalKind.Unavailable }) _released.Add(id);
            });
        }
        return held.Count > 0;
    }

    private Task<Outcome<T>> AskAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => hub.AskAsync(node => node.Lanes.ExecuteAsync(Lane.Hub, Caller, decide));
}
