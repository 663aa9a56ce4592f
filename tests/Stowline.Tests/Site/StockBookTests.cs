using Stowline.Contracts;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>What fulfillment does to stock: reserve, pick, ship, give back.</summary>
public sealed class StockBookTests
{
    private static async Task<SiteOnTest> SiteWithBinsAsync(string store)
    {
        var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-10", "A-2", "B-1");
        return site;
    }

    [Theory, EveryDatabase]
    public async Task Units_are_reserved_first_expired_first_out_then_by_age_then_along_the_walk(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 1, "B-1");
        site.Node.Time.Advance(TimeSpan.FromMinutes(1));
        await site.ReceiveAsync("A", 1, "A-10");
        await site.ReceiveAsync("A", 1, "A-2"); // as old as A-10's
        site.Node.Time.Advance(TimeSpan.FromMinutes(1));
        await site.ReceiveAsync("A", 1, "A-10", "late", new DateOnly(2027, 2, 1));
        await site.ReceiveAsync("A", 1, "A-10", "soon", new DateOnly(2027, 1, 1));

        var found = await site.AllocateAsync(new StockRequest(0, "A", 5));
        Assert.Equal([("A-10", "soon"), ("A-10", "late"), ("B-1", null), ("A-2", null), ("A-10", null)], found.Select(a => (a.Bin, a.Lot)));
    }

    [Theory, EveryDatabase]
    public async Task Requests_are_served_in_order_and_what_is_missing_is_missing_from_the_answer(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 3, "A-2");
        await site.ReceiveAsync("A", 2, "B-1");
        var found = await site.AllocateAsync(new StockRequest(7, "A", 4), new StockRequest(8, "A", 4), new StockRequest(9, "NONE", 1));
        Assert.Equal([(7, "A-2", 3), (7, "B-1", 1), (8, "B-1", 1)], found.Select(a => (a.Request, a.Bin, a.Quantity)));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_bin_where_nothing_was_found_is_not_tried_again(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 3, "A-2");
        await site.ReceiveAsync("A", 2, "B-1");
        var found = await site.BookAsync(tx => StockBook.AllocateAsync(tx, "WH1", [new StockRequest(0, "A", 4)], [("A", "A-2", null)]));
        Assert.Equal([("B-1", 2)], found.Select(a => (a.Bin, a.Quantity)));
    }

    [Theory, EveryDatabase]
    public async Task A_shipped_part_is_consumed_and_nothing_is_withdrawn(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 5, "A-2");
        await site.AllocateAsync(new StockRequest(0, "A", 3));
        var pick = await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "A-2", null, 3), "order 1"));
        Assert.Equal((MovementKind.Picking, "A-2", "STAGING", 3), (pick.Kind, pick.FromBin!, pick.ToBin!, pick.Quantity));
        Assert.Equal([("A-2", 2L, 0L), ("STAGING", 3L, 3L)], (await site.RowsAsync()).Select(r => (r.Bin, r.OnHand, r.Reserved)));

        var shipped = await site.BookAsync(tx => StockBook.ShipAsync(tx, "WH1", [new StockUnits("A", "STAGING", null, 3)], "order 1"));
        Assert.Equal(MovementKind.Shipping, Assert.Single(shipped).Kind);
        var books = await site.BooksAsync();
        Assert.Equal((5L, 3L, 0L, 2L, 0L), (books.Granted, books.Consumed, books.Withdrawn, books.OnHand, books.Reserved));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Picked_units_of_a_cancelled_part_are_withdrawn_until_they_are_put_back(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 5, "A-2", "L1");
        await site.AllocateAsync(new StockRequest(0, "A", 3));
        await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "A-2", "L1", 3), "order 1"));
        var staged = new StockUnits("A", "STAGING", "L1", 3);

        await site.BookAsync(tx => StockBook.ReleaseStagedAsync(tx, "WH1", [staged]));
        Assert.Equal((3L, 2L), ((await site.BooksAsync()).Withdrawn, (await site.BooksAsync()).Held));
        Assert.Equal(2, (await site.AllocateAsync(new StockRequest(0, "A", 9))).Sum(a => a.Quantity)); // nobody gets them from staging

        // One is moved back by hand meanwhile; the put-back takes what still stands there.
        Assert.Equal(MovementKind.Putaway, (await site.MoveAsync("A", 1, "STAGING", "B-1", "L1")).Value.Kind);
        var back = await site.BookAsync(tx => StockBook.PutBackAsync(tx, "WH1", [(staged, "A-2")], "task 1"));
        Assert.Equal((MovementKind.Putaway, 2), (Assert.Single(back).Kind, back[0].Quantity));
        var books = await site.BooksAsync();
        Assert.Equal((8L, 3L, 5L), (books.Granted, books.Withdrawn, books.Held));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_short_pick_blocks_the_rest_of_the_row_and_withdraws_it(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 10, "A-2");
        await site.AllocateAsync(new StockRequest(0, "A", 3), new StockRequest(1, "A", 2));
        await site.BookAsync(tx => StockBook.BlockForCountAsync(tx, "WH1", [new StockUnits("A", "A-2", null, 3)]));
        var row = Assert.Single(await site.RowsAsync());
        Assert.Equal((10L, 2L, 8L, 0L), (row.OnHand, row.Reserved, row.Blocked, row.Available)); // the other part's picker will see for himself
        Assert.Equal((8L, 2L), ((await site.BooksAsync()).Withdrawn, (await site.BooksAsync()).Held));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Good_returns_are_granted_and_damaged_ones_are_not(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var moved = await site.BookAsync(tx => StockBook.ReturnAsync(tx, "WH1",
            [(new StockUnits("A", "A-2", null, 2), false), (new StockUnits("A", "RECEIVING", null, 1), true)], "wrong size", "return 1"));
        Assert.All(moved, m => Assert.Equal((MovementKind.Return, "wrong size"), (m.Kind, m.Reason!)));
        var books = await site.BooksAsync();
        Assert.Equal((3L, 1L, 2L), (books.OnHand, books.Damaged, books.Granted));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Taking_more_than_was_reserved_is_a_bug_and_changes_nothing(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await site.ReceiveAsync("A", 5, "A-2");
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "A-2", null, 1), "order 1")));
        await site.VerifyAsync();
    }
}
