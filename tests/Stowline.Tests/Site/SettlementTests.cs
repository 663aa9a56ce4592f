using Stowline.Contracts;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>The site's half of the escrow: what it grants, keeps, withdraws and asks back.</summary>
public sealed class SettlementTests
{
    /// Goal: the rule itself, on one screen. usable, held, reserved, safety, share → granted more, withdrawn more.
    [Theory]
    [InlineData(10, 0, 0, 0, 0, 10, 0)]  // all is the hub's by default
    [InlineData(10, 0, 0, 3, 0, 7, 0)]   // but the safety stock
    [InlineData(9, 0, 0, 0, 20, 8, 0)]   // the local share is rounded down
    [InlineData(10, 8, 0, 1, 20, 0, 0)]  // between nothing and what it may keep, nothing happens
    [InlineData(5, 8, 0, 3, 0, 0, 3)]    // more held than there is: withdrawn, and the own share went first
    [InlineData(5, 2, 4, 5, 0, 2, 0)]    // parts were served from the own share: those units work for the hub
    public void Settlement(int usable, int held, int reserved, int safety, int share, int granted, int withdrawn)
    {
        var before = new SkuBooks { Granted = held, OnHand = usable, Reserved = reserved, SafetyStock = safety, LocalSharePercent = share };
        var after = before.Settled();
        Assert.Equal((granted, withdrawn), ((int)(after.Granted - before.Granted), (int)after.Withdrawn));
        Assert.InRange(after.Held, reserved, usable);
        Assert.Equal(after, after.Settled());
    }

    [Theory, EveryDatabase]
    public async Task Raising_the_safety_stock_is_a_recall_and_what_the_hub_returns_stays_with_the_site(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 10);
        await site.HubSaysAsync(new PolicyChanged("A", 4, 0));
        var recall = Assert.Single(await site.EventsAsync("allotment.recall_requested")).Read<RecallRequested>();
        Assert.Equal(("A", 1, 4), (recall.Sku, recall.Epoch, recall.Quantity));
        Assert.Equal(4, (await site.BooksAsync()).Returned); // the hub had promised none of them
        await site.HubSaysAsync(new AllotmentReturned("A", 1, 3)); // late: an older word
        await site.HubSaysAsync(new AllotmentReturned("A", 9, 8)); // of another epoch
        Assert.Equal((6L, 4L, 10L), ((await site.BooksAsync()).Held, (await site.BooksAsync()).Own, (await site.BooksAsync()).Granted));

        await site.HubSaysAsync(new PolicyChanged("A", 0, 0));
        Assert.Equal((10L, 14L), ((await site.BooksAsync()).Held, (await site.BooksAsync()).Granted));
        Assert.Equal(14, (await site.EventsAsync("stock.rebalanced"))[^1].Read<StockRebalanced>().Balances[0].Granted);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_default_policy_holds_for_all_skus_without_their_own(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.HubSaysAsync(new PolicyChanged("*", 0, 20));
        await site.HubSaysAsync(new PolicyChanged("B", 1, 0));
        await site.ReceiveAsync("A", 14);
        await site.ReceiveAsync("B", 14);
        Assert.Equal((12L, 13L), ((await site.BooksAsync("A")).Held, (await site.BooksAsync("B")).Held));
        await site.HubSaysAsync(new PolicyChanged("*", 0, 0));
        Assert.Equal((14L, 13L), ((await site.BooksAsync("A")).Held, (await site.BooksAsync("B")).Held));
    }

    [Theory, EveryDatabase]
    public async Task Locked_stock_is_withdrawn_and_unlocked_stock_is_granted_again_but_reserved_units_stay(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1");
        await site.ReceiveAsync("A", 10, "A-1");
        await site.AllocateAsync(new StockRequest(0, "A", 4));

        Assert.Equal("rack broken", (await site.LockAsync("A-1", "rack broken")).Value.LockReason);
        Assert.Equal((6L, 4L), ((await site.BooksAsync()).Withdrawn, (await site.BooksAsync()).Held));
        Assert.Empty(await site.AllocateAsync(new StockRequest(0, "A", 1)));
        // The task that was made before still picks its units.
        await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "A-1", null, 4), "order 1"));
        Assert.Equal(4, (await site.BooksAsync()).Held);

        Assert.False((await site.LockAsync("A-1", null)).Value.Locked);
        Assert.Equal((16L, 10L), ((await site.BooksAsync()).Granted, (await site.BooksAsync()).Held));
        Assert.Equal(["bin_locked", "bin_unlocked"],
            (await site.EventsAsync("stock.rebalanced")).Select(e => e.Read<StockRebalanced>().Cause).Where(c => c != "test"));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_type_of_a_zone_decides_whether_its_stock_may_go_to_customers(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.ZoneAsync("R", ZoneType.Returns);
        await site.BinsAsync("S", "A-1");
        await site.ReceiveAsync("A", 10, "A-1");
        await site.ZoneAsync("S", ZoneType.Shipping);
        Assert.Equal(0, (await site.BooksAsync()).Held);
        await site.ZoneAsync("S", ZoneType.Picking);
        Assert.Equal(10, (await site.BooksAsync()).Held);
        await site.BinsAsync("R", "A-1"); // the bin moves to another zone
        Assert.Equal(0, (await site.BooksAsync()).Held);
        Assert.False((await site.RowsAsync())[0].Pickable);
        await site.VerifyAsync();
    }
}
