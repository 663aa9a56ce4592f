using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: what is kept for a channel is promised to nobody else, and no unit is kept twice. Method: real SQL; orders of several channels, then what the sites would say; `verify`
/// compares what the pools count with the open parts.
public class PoolTests
{
    private static async Task<HubNode> WithTenAsync(string store)
    {
        var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("W1");
        await hub.ProductsAsync("A", "B");
        await hub.GrantAsync("W1", "A", 10);
        return hub;
    }

    private static async Task<Outcome<PoolView>> PoolAsync(HubNode hub, PoolBody body) => await hub.Test.RunAsync(Lane.Hub, tx => SavePool.DecideAsync(body, new RoutingBook(new SiteDirectory()), tx));

    private static async Task KeepAsync(HubNode hub, string channel, long? quantity = null, int? share = null, string? site = null, string sku = "A") =>
        Assert.True((await PoolAsync(hub, new PoolBody { Channel = channel, Sku = sku, Site = site, Quantity = quantity, SharePercent = share })).IsOk);

    private static Task<Outcome<OrderView>> BuyAsync(HubNode hub, string channel, int units, string sku = "A", bool backorder = false) =>
        hub.PlaceAsync(hub.Order(null, [(sku, units)], b => b with { Channel = channel, Backorder = backorder }).Value);

    private static async Task<long> AvailableAsync(HubNode hub, string? channel, string sku = "A") =>
        (await hub.Test.Database.ReadAsync(s => Availability.OfAsync(s, [sku], channel))).Items[0].Available;

    private static async Task<PoolState> StateAsync(HubNode hub, string channel) =>
        (await hub.Test.Database.ReadAsync(async s => await PoolStates.OfAsync(s, await Pools.AllAsync(s)))).Single(p => p.Key.Channel == channel).Value;

    [Theory, EveryDatabase]
    public async Task Others_may_have_the_rest_and_the_channel_all(string store)
    {
        await using var hub = await WithTenAsync(store);
        await KeepAsync(hub, "shop", 4);
        Assert.Equal((6, 10, 10), (await AvailableAsync(hub, "web"), await AvailableAsync(hub, "shop"), await AvailableAsync(hub, null)));

        var refused = await BuyAsync(hub, "web", 7);
        Assert.Equal("insufficient_stock", refused.Refusal?.Code);
        Assert.Contains("6 available", refused.Refusal!.Detail, StringComparison.Ordinal);
        Assert.True((await BuyAsync(hub, "web", 6)).IsOk);
        Assert.Equal("insufficient_stock", (await BuyAsync(hub, "web", 1)).Refusal?.Code);
        Assert.True((await BuyAsync(hub, "shop", 4)).IsOk);
        Assert.Equal("insufficient_stock", (await BuyAsync(hub, "shop", 1)).Refusal?.Code);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_a_channel_has_promised_comes_out_of_its_pool_first(string store)
    {
        await using var hub = await WithTenAsync(store);
        await KeepAsync(hub, "shop", share: 50);
        await KeepAsync(hub, "allegro", share: 50);
        Assert.True((await BuyAsync(hub, "shop", 5)).IsOk);
        Assert.Equal("insufficient_stock", (await BuyAsync(hub, "shop", 1)).Refusal?.Code);
        Assert.Equal((0, 5), (await AvailableAsync(hub, "shop"), await AvailableAsync(hub, "allegro")));
        Assert.True((await BuyAsync(hub, "allegro", 5)).IsOk);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Too_little_for_all_pools_goes_to_the_older_one_and_none_lies_idle(string store)
    {
        await using var hub = await WithTenAsync(store);
        await KeepAsync(hub, "older", 8);
        hub.Test.Time.Advance(TimeSpan.FromSeconds(1));
        await KeepAsync(hub, "younger", 8);
        Assert.Equal((8, 2, 0), (await AvailableAsync(hub, "older"), await AvailableAsync(hub, "younger"), await AvailableAsync(hub, "web")));
        Assert.True((await BuyAsync(hub, "younger", 2)).IsOk);
        Assert.True((await BuyAsync(hub, "older", 8)).IsOk);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_pool_fills_up_when_its_units_have_left_and_a_cancellation_gives_them_back(string store)
    {
        await using var hub = await WithTenAsync(store);
        await KeepAsync(hub, "shop", 4);
        var kept = (await BuyAsync(hub, "shop", 3)).Value;
        var gone = (await BuyAsync(hub, "shop", 1)).Value;
        Assert.Equal(new PoolState(4, 0), await StateAsync(hub, "shop"));

        await hub.SayAsync("W1", "A", b => b with { Consumed = b.Consumed + 1, OnHand = b.OnHand - 1 },
            b => new PartShipped(Guid.Parse(gone.Id), 1, Guid.NewGuid(), 1, "ACS", "T1", [new SkuUnits("A", 1)], [], [], [b]), Guid.Parse(gone.Id));
        Assert.Equal(new PoolState(3, 1), await StateAsync(hub, "shop")); // of the nine that are left, four are the shop's
        Assert.Equal(5, await AvailableAsync(hub, "web"));

        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(kept.Id), "changed their mind", tx))).IsOk);
        await hub.SayAsync("W1", "A", b => b, b => new PartCancelled(Guid.Parse(kept.Id), 1, "cancel", [new SkuUnits("A", 3)], null, [b]), Guid.Parse(kept.Id));
        Assert.Equal(new PoolState(0, 4), await StateAsync(hub, "shop"));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_pool_over_all_sites_lies_where_most_is_free(string store)
    {
        await using var hub = await WithTenAsync(store);
        await hub.SiteAsync("W2");
        await hub.GrantAsync("W2", "A", 3);
        await KeepAsync(hub, "shop", 8);
        var web = (await hub.Test.Database.ReadAsync(s => Availability.OfAsync(s, ["A"], "web"))).Items[0];
        Assert.Equal([("W1", 2L), ("W2", 3L)], web.Sites.Select(s => (s.Site, s.Available)));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Open_orders_of_before_count_and_changing_or_removing_a_pool_serves_who_waits(string store)
    {
        await using var hub = await WithTenAsync(store);
        Assert.True((await BuyAsync(hub, "shop", 3)).IsOk);
        await KeepAsync(hub, "shop", 9);
        Assert.Equal(new PoolState(3, 6), await StateAsync(hub, "shop"));
        var waits = (await BuyAsync(hub, "web", 4, backorder: true)).Value;
        Assert.Equal([OrderStatus.Allocated, OrderStatus.Backorder], waits.Parts.Select(p => p.Status)); // one could be had
        await KeepAsync(hub, "shop", 7);
        Assert.Equal(OrderStatus.Backorder, (await hub.ReadAsync(waits.Id)).Status); // three are wanted, two were let go
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => SavePool.RemoveAsync(new PoolBody { Channel = "shop", Sku = "A" }, new RoutingBook(new SiteDirectory()), tx))).IsOk);
        Assert.Equal(OrderStatus.Allocated, (await hub.ReadAsync(waits.Id)).Status);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_pool_of_every_sku_gives_way_to_the_own_pool_of_one(string store)
    {
        await using var hub = await WithTenAsync(store);
        await hub.GrantAsync("W1", "B", 10);
        await KeepAsync(hub, "shop", share: 30, sku: "*");
        await KeepAsync(hub, "shop", 1);
        Assert.Equal((9, 7), (await AvailableAsync(hub, "web"), await AvailableAsync(hub, "web", "B")));
        Assert.Equal("pool_overlaps", (await PoolAsync(hub, new PoolBody { Channel = "shop", Sku = "A", Site = "W1", Quantity = 1 })).Refusal?.Code);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Another_process_keeps_to_a_pool_as_soon_as_it_is_saved(string store)
    {
        await using var hub = await WithTenAsync(store);
        await using (var other = await hub.BesideAsync())
        {
            Assert.True((await BuyAsync(other, "web", 1)).IsOk); // now it remembers what is free, and that there are no pools
            await KeepAsync(hub, "shop", 4);
            Assert.Equal("insufficient_stock", (await BuyAsync(other, "web", 6)).Refusal?.Code);
            Assert.True((await BuyAsync(other, "shop", 2)).IsOk);
            Assert.True((await BuyAsync(hub, "web", 5)).IsOk);
            Assert.Equal("insufficient_stock", (await BuyAsync(hub, "web", 1)).Refusal?.Code);
            Assert.True((await BuyAsync(hub, "shop", 2)).IsOk);
        }
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_group_with_pools_decides_as_one_by_one(string store)
    {
        var random = new Random(11);
        string[] channels = ["web", "shop", "allegro"];
        var orders = Enumerable.Range(0, 120).Select(i => (Channel: channels[random.Next(3)], Units: random.Next(1, 5), Sku: random.Next(2) == 0 ? "A" : "B", Backorder: random.Next(4) == 0)).ToArray();

        async Task<List<string>> RunAsync(bool together)
        {
            await using var hub = await WithTenAsync(store);
            await hub.SiteAsync("W2");
            await hub.GrantAsync("W2", "A", 60);
            await hub.GrantAsync("W1", "B", 70);
            await hub.GrantAsync("W2", "B", 30);
            await KeepAsync(hub, "shop", share: 20, sku: "*");
            await KeepAsync(hub, "allegro", 25);
            await KeepAsync(hub, "allegro", 9, site: "W2", sku: "B");
            var commands = orders.Select((o, i) => hub.Order($"o{i}", [(o.Sku, o.Units)], b => b with { Channel = o.Channel, Backorder = o.Backorder }).Value).ToArray();
            var answers = new List<Outcome<OrderView>>();
            if (together) answers.AddRange((await hub.Test.PumpUntilAsync(Task.WhenAll(commands.Select(c => hub.Intake.AcceptAsync(c, TestNode.Tester))))).Select(a => a.Outcome));
            else
                foreach (var command in commands) answers.Add(await hub.PlaceAsync(command));
            await hub.Test.VerifyAsync();
            return [.. answers.Select(a => a.IsOk ? $"{a.Value.ExternalId} {string.Join(";", a.Value.Parts.Select(p => p.Site + ":" + string.Join(",", p.Lines)))}" : a.Refusal!.Detail)];
        }

        Assert.Equal(await RunAsync(together: false), await RunAsync(together: true));
    }
}
