using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// Goal: the plan is carried out in its order, at its pace, once, however often the replay is killed. Method: a shop on paper.
public sealed class RetailReplayTests
{
    private static readonly DateTime Monday = new(2010, 12, 6, 9, 0, 0, DateTimeKind.Utc);

    private static RetailPlan Plan(params (string Invoice, string Sku, int Quantity, double Hours, decimal Price)[] rows) => RetailPlanner.Make(RetailBook.Load(rows.Select((r, i) =>
        new RetailRow(i + 2, r.Invoice, r.Sku, "", r.Quantity, Monday.AddHours(r.Hours), (long)(r.Price * 10_000), r.Price == 0 ? "" : "17850", "EIRE"))));

    /// <summary>A week with one of everything, and a second one.</summary>
    private static RetailPlan Everything() => Plan(
        ("1", "10", 2, 0, 1), ("2", "10", 1, 1, 1), ("2", "11", 3, 1, 1), ("C3", "10", -2, 2, 1), ("4", "10", 7, 24, 1), ("C5", "11", -1, 25, 1),
        ("6", "11", -5, 26, 0), ("7", "12", 9, 26, 0), ("8", "10", 1, 7 * 24, 1), ("C9", "10", -10, 8 * 24, 1));

    [Fact]
    public async Task A_day_is_placed_cancelled_worked_off_and_closed_before_the_next_begins()
    {
        var shop = new PaperShop();
        await new RetailReplay(shop, TimeProvider.System, default, workers: 1).RunAsync(Everything(), default);
        var diary = shop.Diary.ToList();
        Assert.Equal(["place 1", "place 2"], diary[1..3].Order());
        Assert.Equal(["receive 2010-W49/1", "cancel 1", "fulfill 2", "place 4", "fulfill 4", "return C5", "adjust 6/8", "adjust 7/9",
            "receive 2010-W50/1", "place 8", "fulfill 8", "return C9/8", "return C9/4", "return C9/2", "return C9"], [diary[0], .. diary[3..]]);
    }

    [Fact]
    public async Task Killed_after_any_step_and_run_again_it_ends_the_same_and_doubles_nothing()
    {
        var plan = Everything();
        for (var steps = 0; steps < 30; steps++)
        {
            var shop = new PaperShop { BreaksAfter = steps };
            try
            {
                await new RetailReplay(shop, TimeProvider.System, default, workers: 4).RunAsync(plan, default);
            }
            catch (IOException)
            {
                shop.BreaksAfter = -1;
                await new RetailReplay(shop, TimeProvider.System, default, workers: 4).RunAsync(plan, default);
            }
            Assert.Empty((await shop.BooksAsync(default)).DifferencesTo(plan.Planned));
            Assert.Equal(plan.Planned.UnitsOnHand, shop.OnHand);
        }
    }

    [Fact]
    public async Task Paced_each_order_is_placed_at_its_moment_and_what_happened_before_a_kill_is_not_waited_for()
    {
        var plan = Plan(("1", "10", 1, 0, 1), ("2", "10", 1, 1, 1), ("C3", "10", -1, 1.5, 1), ("4", "10", 1, 3, 1), ("5", "10", 1, 24, 1));
        var time = new JumpingTime();
        var start = time.GetUtcNow();
        var shop = new PaperShop { Time = time };
        await shop.ReceiveAsync(plan.Weeks[0].Receipts[0], default);
        await shop.PlaceAsync(plan.Weeks[0].Days[0].Orders[0], default); // before it was killed

        await new RetailReplay(shop, time, new ReplaySpeed(60), workers: 2).RunAsync(plan, default);
        // An hour of the file is a minute of the clock, counted from order 1, which was there already.
        Assert.Equal([("place 2", 60), ("cancel 2", 90), ("place 4", 180), ("place 5", 24 * 60)],
            shop.Times.Skip(2).Where(t => !t.Step.StartsWith("fulfill") && !t.Step.StartsWith("receive")).Select(t => (t.Step, (int)(t.At - start).TotalSeconds)));
        Assert.Empty((await shop.BooksAsync(default)).DifferencesTo(plan.Planned));
    }

    [Theory]
    [InlineData("max", null)]
    [InlineData("1x", 1.0)]
    [InlineData("3600X", 3600.0)]
    [InlineData("0.5x", 0.5)]
    public void Speeds_are_max_or_a_number_of_times(string text, double? factor)
    {
        Assert.True(ReplaySpeed.TryParse(text, out var speed));
        Assert.Equal(factor, speed.Factor);
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("0x")]
    [InlineData("-1x")]
    [InlineData("x")]
    [InlineData("10")]
    public void Other_speeds_are_refused(string text) => Assert.False(ReplaySpeed.TryParse(text, out _));

    [Fact]
    public void A_lost_unit_is_a_difference_and_the_report_is_not_ok()
    {
        var plan = Plan(("1", "10", 5, 0, 1));
        var books = new ShopBooks { Orders = 1, Lines = 1, UnitsOrdered = 5, OrdersShipped = 1, UnitsShipped = 4, UnitsReceived = 5, Verify = new Dictionary<string, string> { ["lanes"] = "ok" } };
        var report = new ReplayReport(plan.Totals, plan.Planned, books, new Dictionary<string, double>(), 1, 1);
        Assert.False(report.Ok);
        Assert.Equal(["units_ordered_but_neither_shipped_nor_cancelled", "units_shipped"], report.Differences.Keys);
        Assert.True(new ReplayReport(plan.Totals, plan.Planned, books with { UnitsShipped = 5 }, new Dictionary<string, double>(), 1, 1).Ok);
        Assert.Contains(report.Lines(), l => l.StartsWith("NOT every unit"));
    }

    [DevelopmentFileFact]
    public async Task The_whole_development_file_comes_out_even_on_paper()
    {
        using var file = RetailFile.Open(DevelopmentFile.Path!);
        var plan = RetailPlanner.Make(RetailBook.Load(file.Rows()));
        var shop = new PaperShop();
        await new RetailReplay(shop, TimeProvider.System, default, workers: 8).RunAsync(plan, default);
        Assert.Empty((await shop.BooksAsync(default)).DifferencesTo(plan.Planned));
        Assert.Equal(plan.Planned.UnitsOnHand, shop.OnHand);
    }

    /// <summary>A clock on which whoever waits finds at once that the time has passed: nobody else does anything in these tests.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime <= TimeSpan.Zero) return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _now += dueTime;
            return base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
