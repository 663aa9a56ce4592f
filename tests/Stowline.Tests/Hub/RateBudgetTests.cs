using Stowline.Hub.Access;
using Stowline.Tests.Support;
using static Stowline.Hub.Access.RateBudget.Verdict;

namespace Stowline.Tests.Hub;

/// Goal: whatever clocks do and whenever answers come, no window is given away twice and none is lost for long. Method: the budget alone, told the time and the database's answers.
public class RateBudgetTests
{
    private static readonly RateLimit Limit = new("default", 100, 60);

    [Fact]
    public void It_asks_for_a_tenth_of_what_is_left()
    {
        var budget = new RateBudget(Limit, isShared: true);
        long taken = 0;
        var (passed, asked) = (0, 0);
        while (budget.Take(30) is var verdict && verdict != UsedUp)
        {
            if (verdict == Granted) passed++;
            else
            {
                var portion = budget.Next(30);
                Assert.Equal((100 - taken + 9) / 10, portion.Units);
                budget.Settle(portion, portion.Ends, taken += portion.Units);
                asked++;
            }
        }
        Assert.Equal((100, 100L), (passed, taken));
        Assert.InRange(asked, 10, 40);
    }

    [Fact]
    public void An_answer_that_comes_when_its_window_is_over_counts_for_nothing()
    {
        var budget = new RateBudget(Limit, isShared: true);
        Assert.Equal(AskFirst, budget.Take(59));
        var late = budget.Next(59);
        Assert.Equal(AskFirst, budget.Take(60));
        budget.Settle(late, late.Ends, 10);
        Assert.Equal(AskFirst, budget.Take(60));
        Assert.Equal((100, 60), budget.Read(60));
    }

    [Fact]
    public void Who_is_behind_takes_from_the_window_of_who_is_ahead()
    {
        var budget = new RateBudget(Limit, isShared: true);
        var portion = budget.Next(59);
        budget.Settle(portion, ends: 120, taken: 95); // 85 were taken by others of the next window
        Assert.Equal((15, 61), budget.Read(59));
        Assert.Equal((15, 60), budget.Read(60));
    }

    [Fact]
    public void A_clock_that_was_far_ahead_and_is_right_again_does_not_leave_callers_in_its_window()
    {
        var budget = new RateBudget(Limit with { Quota = 1 }, isShared: false);
        Assert.Equal(Granted, budget.Take(1_000_000));
        Assert.Equal(UsedUp, budget.Take(1_000_000));
        Assert.Equal(Granted, budget.Take(30));
        Assert.Equal(UsedUp, budget.Take(30));
    }

    [Fact]
    public void Credit_is_never_more_than_the_quota_and_is_told_with_the_next_portion()
    {
        var budget = new RateBudget(Limit, isShared: true);
        var lost = budget.Next(30);
        var passed = 0;
        while (budget.Take(30) is var verdict && verdict != UsedUp)
        {
            if (verdict == Granted) passed++;
            else budget.Lend(30);
        }
        Assert.Equal(100, passed);
        Assert.Equal(100, budget.Next(30).Owed);
        // The portion that was asked for first is answered after all: it pays for what was lent meanwhile.
        budget.Settle(lost, lost.Ends, taken: 50);
        Assert.Equal((0, 30), budget.Read(30));
        Assert.Equal(90, budget.Next(30).Owed);
    }

    /// Method: a wrong clock writes a row of a window far ahead; whoever is right begins anew.
    [Theory, EveryDatabase]
    public async Task A_row_of_a_wrong_clock_holds_nobody_up(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        var tier = new RateTier("default", [new RateLimit("default", 3, 7200)]); // so long that a node alone keeps it in the database too
        await using (var ahead = new RateBudgets(node.Database))
        {
            node.Time.SetWrongBy(TimeSpan.FromDays(3));
            for (var i = 0; i < 3; i++) Assert.Null((await ahead.TakeAsync("key/1", tier)).Broken);
            Assert.NotNull((await ahead.TakeAsync("key/1", tier)).Broken);
        }
        node.Time.SetWrongBy(TimeSpan.Zero);
        await using var right = new RateBudgets(node.Database);
        Assert.Equal("\"default\";r=2;t=7200", (await right.TakeAsync("key/1", tier)).State);
    }

    [Theory, EveryDatabase]
    public async Task Windows_that_are_over_are_forgotten(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        await using var budgets = new RateBudgets(node.Database);
        var sweep = new RateSweep(budgets);
        var tier = new RateTier("address", [new RateLimit("address", 3, 7200)]);
        await budgets.TakeAsync("address/192.0.2.1", tier);
        Task<long> RowsAsync() => node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM access_budgets"));
        node.Time.Advance(TimeSpan.FromHours(2));
        await sweep.RunOnceAsync(default);
        Assert.Equal(1, await RowsAsync()); // another's clock may be behind
        node.Time.Advance(TimeSpan.FromSeconds(61));
        await sweep.RunOnceAsync(default);
        Assert.Equal(0, await RowsAsync());
    }
}
