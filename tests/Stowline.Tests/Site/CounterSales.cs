using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Link;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: a site sells over its counter what it keeps for itself, without asking anybody and without ever taking what the hub may have promised, unless somebody says so. Method: a site by itself,
/// then one whose line is cut while the hub sells too.
public sealed class CounterSales
{
    private static Task<Outcome<SaleView>> SellAsync(SiteOnTest site, bool beyond, params SaleLine?[] lines) =>
        site.RunAsync(tx => SellStock.DecideAsync(SiteOnTest.Code, new SaleBody("till", lines, beyond), tx));

    [Theory, EveryDatabase]
    public async Task The_share_is_sold_and_not_one_more(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.HubSaysAsync(new PolicyChanged("*", 1, 20));
        await site.ReceiveAsync("A", 10); // 1 of safety stock and 2 of the share
        Assert.Equal((3L, 7L), ((await site.BooksAsync()).Own, (await site.BooksAsync()).Held));
        var refused = (await SellAsync(site, false, new SaleLine("A", 2), new SaleLine("A", 2))).Refusal!;
        Assert.Equal(("beyond_share", 3L), (refused.Code, (long)refused.Extra!["available"]!));
        var sold = (await SellAsync(site, false, new SaleLine("A", 2), new SaleLine("A", 1))).Value;
        Assert.Equal([(MovementKind.Sale, 2L, "RECEIVING", null, "till"), (MovementKind.Sale, 1L, "RECEIVING", null, "till")], sold.Movements.Select(m => (m.Kind, m.Quantity, m.FromBin!, m.ToBin, m.Reference!)));
        Assert.Equal((0L, 7L, 0L), ((await site.BooksAsync()).Own, (await site.BooksAsync()).Held, (await site.BooksAsync()).Withdrawn));
        Assert.Equal("beyond_share", (await SellAsync(site, false, new SaleLine("A", 1))).Refusal?.Code);
        Assert.Equal("beyond_share", (await SellAsync(site, false, new SaleLine("NONE", 1))).Refusal?.Code);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Beyond_the_share_the_units_are_withdrawn_but_reserved_ones_are_never_sold(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 10);
        await site.AllocateAsync(new StockRequest(0, "A", 4));
        var refused = (await SellAsync(site, true, new SaleLine("A", 7))).Refusal!;
        Assert.Equal(("insufficient_stock", 6L), (refused.Code, (long)refused.Extra!["available"]!));
        Assert.Equal(10, (await site.BooksAsync()).OnHand);
        Assert.True((await SellAsync(site, true, new SaleLine("A", 6))).IsOk);
        Assert.Equal((4L, 4L, 6L), ((await site.BooksAsync()).OnHand, (await site.BooksAsync()).Held, (await site.BooksAsync()).Withdrawn));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Without_a_bin_what_expires_first_goes_first(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.HubSaysAsync(new PolicyChanged("*", 0, 100));
        await site.ZoneAsync("S", Stowline.Site.Topology.ZoneType.Storage);
        await site.BinsAsync("S", "S-1", "S-2");
        await site.ReceiveAsync("A", 3, "S-1", "late", new DateOnly(2031, 1, 1));
        await site.ReceiveAsync("A", 3, "S-2", "soon", new DateOnly(2030, 1, 1));
        Assert.Equal([("soon", 3L), ("late", 1L)], (await SellAsync(site, false, new SaleLine("A", 4))).Value.Movements.Select(m => (m.Lot!, m.Quantity)));
        Assert.Equal("insufficient_stock", (await SellAsync(site, false, new SaleLine("A", 1, "S-2"))).Refusal?.Code);
        Assert.Equal("S-1", (await SellAsync(site, false, new SaleLine("A", 1, "S-1", "late"))).Value.Movements.Single().FromBin);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Cut_off_the_counter_and_the_hub_sell_at_the_same_time(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => Policies.DecideAsync(TwoNodes.Code, "*", new PolicyBody(0, 20), tx))).IsOk);
        await nodes.DrainAsync();
        await nodes.ReceiveAsync("A", 10);
        await nodes.ReceiveAsync("B", 10);
        await nodes.DrainAsync();
        nodes.Cut();
        Assert.True((await nodes.OrderAsync("1", "A", 8)).IsOk);
        Task<Outcome<SaleView>> AtCounterAsync(string sku, int units, bool beyond) =>
            nodes.Site.RunAsync(Lane.Site(TwoNodes.Code), tx => SellStock.DecideAsync(TwoNodes.Code, new SaleBody(null, [new SaleLine(sku, units)], beyond), tx));
        Assert.True((await AtCounterAsync("A", 2, false)).IsOk);
        Assert.Equal("beyond_share", (await AtCounterAsync("A", 1, false)).Refusal?.Code);
        Assert.True((await AtCounterAsync("B", 5, true)).IsOk);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal((0, 5), (await nodes.Hub.AvailableAsync("A"), await nodes.Hub.AvailableAsync("B")));
        while (await nodes.WorkAsync()) await nodes.DrainAsync();
        await nodes.DrainAsync();
        Assert.Equal(0, await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT on_hand FROM site_skus WHERE sku = 'A'")));
        await nodes.CompareAsync();
    }
}
