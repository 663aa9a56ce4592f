using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>The age of a row is the oldest receipt still in it (decision 0032): what leaves takes the oldest units, what is moved keeps their age.</summary>
public sealed class StockLayersTests
{
    private static async Task<SiteOnTest> SiteWithBinsAsync(string store)
    {
        var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "B1", "B2", "B3");
        return site;
    }

    /// <summary>A receipt on a day of its own. Answers its time.</summary>
    private static async Task<DateTimeOffset> DayAsync(SiteOnTest site, int units, string bin)
    {
        site.Node.Time.Advance(TimeSpan.FromDays(1));
        Assert.True((await site.ReceiveAsync("A", units, bin)).IsOk);
        return site.Node.Time.GetUtcNow();
    }

    private static async Task<IEnumerable<(string, long, DateTimeOffset)>> AgesAsync(SiteOnTest site) => (await site.RowsAsync()).Select(r => (r.Bin, r.OnHand, r.ReceivedAt));

    private static async Task<IEnumerable<(string, int)>> AllocateAsync(SiteOnTest site, int units) =>
        (await site.AllocateAsync(new StockRequest(0, "A", units))).Select(a => (a.Bin, a.Quantity));

    /// The example of the contract, by orders, picks and shipments.
    [Theory, EveryDatabase]
    public async Task When_the_first_receipt_of_a_bin_is_gone_the_next_pick_comes_from_the_bin_that_is_older_now(string store)
    {
        await using var site = await FulfillmentSite.StartAsync(store);
        await site.StockAsync("A", 10, "A-1");
        await site.StockAsync("A", 10, "A-2");
        await site.StockAsync("A", 10, "A-1");
        var bins = new List<string>();
        for (var order = 0; order < 6; order++)
        {
            var task = await site.OrderAsync("A", 5);
            bins.Add(Assert.Single(task.Items).Bin);
            var packing = await site.PickAllAsync(task);
            await site.PackAsync(packing);
            Assert.True((await site.ShipAsync(packing)).IsOk);
        }
        Assert.Equal(["A-1", "A-1", "A-2", "A-2", "A-1", "A-1"], bins);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task One_request_goes_from_receipt_to_receipt_and_to_each_bin_once(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await DayAsync(site, 10, "B1");
        await DayAsync(site, 10, "B2");
        await DayAsync(site, 10, "B1");
        Assert.Equal([("B1", 10), ("B2", 2)], await AllocateAsync(site, 12));
        Assert.Equal([("B2", 8), ("B1", 4)], await AllocateAsync(site, 12));
        Assert.Equal([("B1", 6)], await AllocateAsync(site, 12));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_reservation_has_the_oldest_units_and_gives_the_place_back(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var first = await DayAsync(site, 10, "B1");
        await DayAsync(site, 10, "B2");
        await DayAsync(site, 10, "B1");
        Assert.Equal([("B1", 10), ("B2", 1)], await AllocateAsync(site, 11));
        Assert.Equal(first, (await site.RowsAsync())[0].ReceivedAt); // still there, though nobody else gets them
        await site.BookAsync(tx => StockBook.UnreserveAsync(tx, "WH1", [new StockUnits("A", "B1", null, 4)]));
        Assert.Equal([("B1", 4), ("B2", 1)], await AllocateAsync(site, 5));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Units_are_picked_in_part_and_put_back_with_their_age(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var first = await DayAsync(site, 4, "B1");
        var second = await DayAsync(site, 6, "B1");
        await AllocateAsync(site, 6);
        await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "B1", null, 3), "order 1"));
        Assert.Equal([("B1", 7, first), ("STAGING", 3, first)], await AgesAsync(site));
        await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "B1", null, 3), "order 1"));
        Assert.Equal([("B1", 4, second), ("STAGING", 6, first)], await AgesAsync(site));

        var staged = new StockUnits("A", "STAGING", null, 6);
        await site.BookAsync(tx => StockBook.ReleaseStagedAsync(tx, "WH1", [staged]));
        await site.BookAsync(tx => StockBook.PutBackAsync(tx, "WH1", [(staged, "B3")], "task 1"));
        Assert.Equal([("B1", 4, second), ("B3", 6, first)], await AgesAsync(site));
        Assert.Equal([("B3", 4), ("B1", 4), ("B3", 1)], [.. await AllocateAsync(site, 4), .. await AllocateAsync(site, 4), .. await AllocateAsync(site, 1)]);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_short_pick_leaves_the_age_until_the_count_takes_the_oldest(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var first = await DayAsync(site, 4, "B1");
        var second = await DayAsync(site, 6, "B1");
        await AllocateAsync(site, 4);
        await site.BookAsync(tx => StockBook.PickAsync(tx, "WH1", new StockUnits("A", "B1", null, 1), "order 1"));
        await site.BookAsync(tx => StockBook.BlockForCountAsync(tx, "WH1", [new StockUnits("A", "B1", null, 3)]));
        Assert.Equal([("B1", 9, first), ("STAGING", 1, first)], await AgesAsync(site));
        Assert.True((await site.CountAsync("A", "B1", 9, 6)).IsOk);
        Assert.Equal([("B1", 6, second), ("STAGING", 1, first)], await AgesAsync(site));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_move_takes_the_oldest_units_with_their_age(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var first = await DayAsync(site, 4, "RECEIVING");
        var second = await DayAsync(site, 4, "RECEIVING");
        var third = await DayAsync(site, 4, "B1");
        await site.MoveAsync("A", 6, "RECEIVING", "B1"); // older than what is there
        Assert.Equal([("B1", 10, first), ("RECEIVING", 2, second)], await AgesAsync(site));
        await site.MoveAsync("A", 5, "B1", "B2");
        Assert.Equal([("B1", 5, second), ("B2", 5, first), ("RECEIVING", 2, second)], await AgesAsync(site));
        await site.MoveAsync("A", 1, "B1", "RECEIVING"); // as old as what is there
        Assert.Equal([("B1", 4, third), ("B2", 5, first), ("RECEIVING", 3, second)], await AgesAsync(site));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Whatever_leaves_takes_the_oldest_and_what_is_found_or_comes_back_is_of_that_moment(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var days = new List<DateTimeOffset>();
        for (var day = 0; day < 5; day++) days.Add(await DayAsync(site, 2, "B1"));
        async Task IsAsync(long units, DateTimeOffset age) => Assert.Equal([("B1", units, age)], await AgesAsync(site));

        await site.AdjustAsync("A", "B1", -2);
        await IsAsync(8, days[1]);
        await site.DamageAsync("A", "B1", 2);
        await IsAsync(8, days[1]); // damaged units are there
        await site.DisposeOfAsync("A", "B1", 2);
        await IsAsync(6, days[2]);
        await site.BookAsync(tx => StockBook.ConsumeAsync(tx, "WH1", [new SkuUnits("A", 2)], "soup"));
        await IsAsync(4, days[3]);
        await site.RunAsync(tx => SellStock.DecideAsync("WH1", new SaleBody("till", [new SaleLine("A", 2)], BeyondShare: true), tx));
        await IsAsync(2, days[4]);

        site.Node.Time.Advance(TimeSpan.FromDays(1));
        await site.AdjustAsync("A", "B1", 1);
        await site.BookAsync(tx => StockBook.ReturnAsync(tx, "WH1", [(new StockUnits("A", "B1", null, 1), false)], "wrong size", "return 1"));
        await site.CountAsync("A", "B1", 4, 5);
        await IsAsync(5, days[4]);
        await site.AdjustAsync("A", "B1", -2);
        await IsAsync(3, days[4].AddDays(1));
        await site.VerifyAsync();
    }

    /// Goal: a row that is never emptied stays small. Method: more receipts than it tells apart, in uneven intervals; then the units are taken out one by one.
    [Theory, EveryDatabase]
    public async Task A_row_tells_a_bounded_number_of_receipts_apart_and_none_looks_younger_than_it_is(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var times = new List<DateTimeOffset>();
        for (var i = 0; i < 100; i++)
        {
            site.Node.Time.Advance(TimeSpan.FromMinutes(1 + i % 7));
            await site.ReceiveAsync("A", 1, "B1");
            times.Add(site.Node.Time.GetUtcNow());
        }
        await site.VerifyAsync();
        var seen = new HashSet<DateTimeOffset>();
        foreach (var time in times)
        {
            var age = Assert.Single(await site.RowsAsync()).ReceivedAt;
            Assert.True(age <= time && time - age < TimeSpan.FromMinutes(15), $"{time} passes for {age}"); // a merged pair is at most some receipts apart
            seen.Add(age);
            await site.AdjustAsync("A", "B1", -1);
        }
        Assert.Equal(ReceiptLayer.Most, seen.Count);
    }

    [Theory, EveryDatabase]
    public async Task Verify_finds_receipts_that_do_not_fit_their_row(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        var first = await DayAsync(site, 4, "B1");
        await DayAsync(site, 6, "B1");
        await site.VerifyAsync();
        await using var session = await site.Node.Database.OpenAsync(readOnly: false, default);
        var good = (await session.FindAsync<string>("SELECT newer FROM stock"))!;
        Assert.Equal(ReceiptLayer.Write([new ReceiptLayer(first.AddDays(1), 6)]), good);
        foreach (var (wrong, says) in new[]
                 {
                     (good.Replace("6@", "10@", StringComparison.Ordinal), "10 of 10 units are of newer receipts"), (good + " " + good, "not one after the other"),
                     (good.Replace("6@", "0@", StringComparison.Ordinal), "not one after the other"), (ReceiptLayer.Write([new ReceiptLayer(first, 6)])!, "not one after the other"),
                     ("", "no receipts"), ("6", "no receipts"), ("6@", "no receipts"), ("6@99999999999999999999", "no receipts"), ("6@9223372036854775807", "no receipts"),
                 })
        {
            await session.ExecuteAsync("UPDATE stock SET newer = @wrong", new { wrong });
            Assert.Contains(says, (await Verification.RunAsync(site.Node.Node)).Checks["stock_layers"], StringComparison.Ordinal);
        }
        await session.ExecuteAsync("UPDATE stock SET newer = @good", new { good });
        await site.VerifyAsync();
    }

    /// Goal: places shown are the places picked from. Method: what is shown for a number of units is what is then reserved for it.
    [Theory, EveryDatabase]
    public async Task Whoever_asks_where_to_pick_hears_what_picking_would_do(string store)
    {
        await using var site = await SiteWithBinsAsync(store);
        await DayAsync(site, 5, "B1");
        await DayAsync(site, 5, "B2");
        await DayAsync(site, 5, "B1");
        await AllocateAsync(site, 2);
        foreach (var units in new[] { 4, 6 })
        {
            var (available, places) = await site.Node.Database.ReadAsync(async s => await PickingPlaces.ToPickAsync(s, "WH1", "A", units));
            Assert.Equal((await site.RowsAsync()).Sum(r => r.Available), available);
            Assert.Equal(await AllocateAsync(site, units), places.Select(p => (p.Place.Bin, (int)p.Take)));
        }
        var rest = await site.Node.Database.ReadAsync(async s => await PickingPlaces.ToPickAsync(s, "WH1", "A", long.MaxValue));
        Assert.Equal((3, 3), (rest.Available, rest.Places.Sum(p => p.Take)));
    }
}
