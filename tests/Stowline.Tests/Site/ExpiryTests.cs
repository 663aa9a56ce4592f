using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;
using Stowline.Site.Topology;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: nobody gets what has expired, and the hub does not promise it (W3, F3). Method: dates around the test's clock, which begins on 2026-01-05 at 8:00 UTC.
public sealed class ExpiryTests
{
    private static readonly DateOnly Today = new(2026, 1, 5);

    private static async Task<SiteOnTest> StartAsync(string store)
    {
        var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1", "A-2");
        return site;
    }

    [Theory, EveryDatabase]
    public async Task A_lot_is_good_on_its_last_day_and_set_aside_on_the_next(string store)
    {
        await using var site = await StartAsync(store);
        await site.ReceiveAsync("A", 5, "A-1", "OLD", Today);
        await site.ReceiveAsync("A", 3, "A-2", "NEW", Today.AddDays(30));
        Assert.Equal(8, (await site.BooksAsync()).Held);
        Assert.Equal("OLD", (await site.AllocateAsync(new StockRequest(0, "A", 1))).Single().Lot);

        site.Node.Time.Advance(TimeSpan.FromHours(16)); // midnight
        await site.Node.DrainAsync();
        var rows = await site.RowsAsync();
        Assert.Equal([("OLD", 4L, 1L), ("NEW", 0L, 0L)], rows.Select(r => (r.Lot!, r.Damaged, r.Reserved))); // what a picking task holds stays with it
        var books = await site.BooksAsync();
        Assert.Equal((4L, 4L), (books.Held, books.Withdrawn));
        var told = (await site.EventsAsync("stock.expired")).Single().Read<StockExpired>();
        Assert.Equal((MovementKind.Damage, 4, "expired on 2026-01-05"), (told.Movements[0].Kind, told.Movements[0].Quantity, told.Movements[0].Reason!));
        Assert.Equal("NEW", (await site.AllocateAsync(new StockRequest(0, "A", 1))).Single().Lot);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_date_is_the_sites(string store)
    {
        await using var site = await StartAsync(store);
        await site.Node.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.HubAll, new SiteSaved("WH1", 1, "W", "warehouse", true, TimeZone: "Pacific/Auckland"), "site/WH1");
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await site.ReceiveAsync("A", 5, "A-1", "L", Today);
        site.Node.Time.Advance(TimeSpan.FromHours(2)); // 10:00 UTC is 23:00 in Auckland
        await site.Node.DrainAsync();
        Assert.Equal(0, (await site.RowsAsync())[0].Damaged);
        site.Node.Time.Advance(TimeSpan.FromHours(1));
        await site.Node.DrainAsync();
        Assert.Equal(5, (await site.RowsAsync())[0].Damaged);
    }

    /// Goal: a clock that was wrong by hours and is set right does not keep anybody from looking until its wrong time has come.
    [Theory, EveryDatabase]
    public async Task A_clock_that_is_set_back_delays_nothing(string store)
    {
        await using var site = await StartAsync(store);
        site.Node.Time.SetWrongBy(TimeSpan.FromHours(10));
        await site.Node.DrainAsync();
        site.Node.Time.SetWrongBy(TimeSpan.Zero);
        await site.ReceiveAsync("A", 5, "A-1", "L", Today.AddDays(-1));
        site.Node.Time.Advance(TimeSpan.FromMinutes(2));
        await site.Node.DrainAsync();
        Assert.Equal(5, (await site.RowsAsync())[0].Damaged);
    }

    /// Goal: an order that was promised a lot which has expired meanwhile, and was not yet set aside, is short once, and the units are not promised again.
    [Theory, EveryDatabase]
    public async Task Expired_units_are_not_chosen_even_before_the_watch_has_seen_them(string store)
    {
        await using var hub = new HubNode(await TestNode.StartAsync(store));
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.Test.DrainAsync();
        var body = new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 5, Lot = "L", ExpiresOn = Today.AddDays(-1) }]);
        Assert.True((await hub.Test.RunAsync(Lane.Site("WH1"), tx => ReceiveStock.DecideAsync("WH1", body, tx))).IsOk); // the watch looks again in a minute
        Assert.Equal(5, await hub.AvailableAsync("A"));
        var order = (await hub.PlaceAsync(hub.Order("1", [("A", 2)], b => b with { Backorder = true }).Value)).Value;
        await hub.Test.DrainAsync();
        Assert.Equal(OrderStatus.Backorder, (await hub.ReadAsync(order.Id)).Status);
        Assert.Equal(0, await hub.AvailableAsync("A"));
        Assert.Single(await hub.LaneAsync(Lane.Site("WH1")), e => e.Type == "part.short");
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Somebody_is_sent_to_take_the_lot_away(string store)
    {
        await using var site = await StartAsync(store);
        await site.ReceiveAsync("A", 5, "A-1", "L", Today);
        site.Node.Time.Advance(TimeSpan.FromDays(1));
        await site.Node.DrainAsync();
        var id = await site.Node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM stock_tasks"));
        var task = (await site.RunAsync(tx => StockTaskSteps.AssignAsync("WH1", id, "ana", tx))).Value;
        Assert.Equal((StockTaskKind.Removal, StockTaskCause.Expired, "A-1", "L"), (task.Kind, task.Cause, task.Lines.Single().Bin, task.Lines.Single().Lot));
        await site.RunAsync(tx => StockTaskSteps.StartAsync("WH1", id, tx));
        Task<Outcome<StockTask>> RemoveAsync(long units) =>
            site.RunAsync(tx => RecordLine.RemoveAsync("WH1", id, new RemoveLineBody { Sku = "A", Bin = "A-1", Lot = "L", Quantity = units }, tx));
        Assert.Equal("insufficient_stock", (await RemoveAsync(6)).Refusal!.Code);
        Assert.Equal(StockTaskLineStatus.Removed, (await RemoveAsync(5)).Value.Lines[0].Status);
        Assert.True((await site.RunAsync(tx => StockTaskSteps.CompleteAsync("WH1", id, tx))).IsOk);
        Assert.Empty(await site.RowsAsync());
        site.Node.Time.Advance(TimeSpan.FromDays(1));
        await site.Node.DrainAsync();
        Assert.Equal(1, await site.Node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM stock_tasks")));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task The_counter_does_not_sell_it_either(string store)
    {
        await using var site = await StartAsync(store);
        await site.ReceiveAsync("A", 2, "A-1", "OLD", Today.AddDays(-1)); // the watch has not seen it yet
        await site.ReceiveAsync("A", 3, "A-2", "NEW", Today);
        Task<Outcome<SaleView>> SellAsync(long units) => site.RunAsync(tx => SellStock.DecideAsync("WH1", new SaleBody("till", [new SaleLine("A", units)], true), tx));
        Assert.Equal("insufficient_stock", (await SellAsync(4)).Refusal?.Code);
        Assert.Equal("NEW", (await SellAsync(3)).Value.Movements.Single().Lot);
        await site.VerifyAsync();
    }
}
