using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: people are sent to count where they should, count blind, and the books follow what they find (W5). Method: commands on a real site; afterwards the ledger and the node verify themselves.
public sealed class StockTaskTests
{
    private static async Task<SiteOnTest> StartAsync(string store, params (string Bin, string Sku, int Units)[] stock)
    {
        var site = await SiteOnTest.StartAsync(store);
        site.Node.Node.Modules.OfType<StockTasksModule>().Single().KnowsProduct = null;
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1", "A-2", "A-3");
        foreach (var (bin, sku, units) in stock) Assert.True((await site.ReceiveAsync(sku, units, bin)).IsOk);
        return site;
    }

    private static async Task<StockTask> AskAsync(SiteOnTest site, AskForCountBody body) =>
        (await site.RunAsync(tx => AskForCount.DecideAsync(SiteOnTest.Code, body, tx))).Value.Tasks.Single();

    private static async Task<StockTask> BeginAsync(SiteOnTest site, StockTask task, string worker = "ana")
    {
        Assert.True((await site.RunAsync(tx => StockTaskSteps.AssignAsync(SiteOnTest.Code, task.Id, worker, tx))).IsOk);
        return (await site.RunAsync(tx => StockTaskSteps.StartAsync(SiteOnTest.Code, task.Id, tx))).Value;
    }

    private static Task<Outcome<StockTask>> CountAsync(SiteOnTest site, StockTask task, string sku, string bin, long counted, long? expected = null) =>
        site.RunAsync(tx => RecordLine.CountAsync(SiteOnTest.Code, task.Id, new CountLineBody { Sku = sku, Bin = bin, Counted = counted, Expected = expected }, tx));

    private static Task<Outcome<StockTask>> CompleteAsync(SiteOnTest site, StockTask task) => site.RunAsync(tx => StockTaskSteps.CompleteAsync(SiteOnTest.Code, task.Id, tx));

    private static async Task<IReadOnlyList<StockTask>> TasksAsync(SiteOnTest site)
    {
        await site.Node.DrainAsync();
        return await site.Node.Database.ReadAsync(async s => await StockTasksTable.PageAsync(s, [.. await s.QueryAsync<Guid>("SELECT id FROM stock_tasks ORDER BY id")]));
    }

    [Theory]
    [InlineData(100, 100, 1, null, StockTaskLineStatus.Matched)]
    [InlineData(100, 95, 1, null, StockTaskLineStatus.Adjusted)] // five percent
    [InlineData(100, 94, 1, null, StockTaskLineStatus.Recount)]
    [InlineData(3, 1, 1, null, StockTaskLineStatus.Adjusted)] // two units
    [InlineData(3, 0, 1, null, StockTaskLineStatus.Recount)]
    [InlineData(0, 3, 1, null, StockTaskLineStatus.Recount)]
    [InlineData(100, 60, 2, -40L, StockTaskLineStatus.Adjusted)] // both say the same
    [InlineData(90, 50, 2, -40L, StockTaskLineStatus.Adjusted)] // ten were picked in between
    [InlineData(100, 70, 2, -40L, StockTaskLineStatus.Recount)]
    [InlineData(100, 100, 2, -40L, StockTaskLineStatus.Matched)]
    [InlineData(100, 70, 3, -40L, StockTaskLineStatus.Adjusted)] // the third decides
    public void A_count_is_believed_by_its_size_and_by_the_one_before(long expected, long counted, int round, long? before, StockTaskLineStatus status) =>
        Assert.Equal(status, CountRule.Decide(expected, counted, round, before, CountSettings.DefaultRecountUnits, CountSettings.DefaultRecountPercent));

    [Theory, EveryDatabase]
    public async Task A_zone_is_counted_blind_and_small_differences_are_booked(string store)
    {
        await using var site = await StartAsync(store, ("A-2", "A", 10), ("A-1", "A", 5), ("A-1", "B", 7));
        var task = await AskAsync(site, new AskForCountBody(null, "S", null, "quarter"));
        Assert.Equal(["A-1 A", "A-1 B", "A-2 A"], task.Lines.Select(l => $"{l.Bin} {l.Sku}")); // along the walk
        Assert.All(task.Lines, l => Assert.Equal((null, null), (l.Expected, l.Difference)));
        Assert.Equal("nothing_to_count", (await site.RunAsync(tx => AskForCount.DecideAsync("WH1", new AskForCountBody(["A-1"], null, null, null), tx))).Refusal!.Code);

        Assert.Equal("invalid_transition", (await CountAsync(site, task, "A", "A-1", 5)).Refusal!.Code); // nobody has begun
        await BeginAsync(site, task);
        Assert.True((await CountAsync(site, task, "A", "A-1", 5)).IsOk);
        Assert.Equal("not_counted", (await CompleteAsync(site, task)).Refusal!.Code);
        Assert.True((await CountAsync(site, task, "B", "A-1", 6)).IsOk);
        Assert.True((await CountAsync(site, task, "B", "A-1", 6)).Existing); // sent twice
        Assert.Equal("already_counted", (await CountAsync(site, task, "B", "A-1", 5)).Refusal!.Code);
        Assert.Equal("stale_quantity", (await CountAsync(site, task, "A", "A-2", 10, expected: 9)).Refusal!.Code);
        Assert.True((await CountAsync(site, task, "A", "A-2", 12, expected: 10)).IsOk);
        var done = (await CompleteAsync(site, task)).Value;

        Assert.Equal([StockTaskLineStatus.Matched, StockTaskLineStatus.Adjusted, StockTaskLineStatus.Adjusted], done.Lines.Select(l => l.Status));
        Assert.Equal([(5L, 0L), (7L, -1L), (10L, 2L)], done.Lines.Select(l => (l.Expected!.Value, l.Difference!.Value)));
        Assert.Equal([("A-1", 5L), ("A-2", 12L)], (await site.RowsAsync()).Select(r => (r.Bin, r.OnHand)));
        Assert.Equal((17L, 6L), ((await site.BooksAsync()).Held, (await site.BooksAsync("B")).Held)); // the hub may sell what is there
        Assert.Single(await TasksAsync(site)); // nothing is counted again
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_large_difference_is_blocked_and_counted_again_and_booked_when_two_agree(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 20));
        var first = await BeginAsync(site, await AskAsync(site, new AskForCountBody(null, null, "A", null)));
        Assert.Equal(StockTaskLineStatus.Recount, (await CountAsync(site, first, "A", "A-1", 12)).Value.Lines[0].Status);
        Assert.Equal((20L, 8L), ((await site.RowsAsync())[0].OnHand, (await site.RowsAsync())[0].Blocked)); // nothing is booked, and nobody is promised the eight
        Assert.Equal(12, (await site.BooksAsync()).Held);
        Assert.True((await CompleteAsync(site, first)).IsOk);

        var second = (await TasksAsync(site)).Single(t => t.Status == StockTaskStatus.Pending);
        Assert.Equal((StockTaskCause.Recount, first.Id, 2), (second.Cause, second.FirstTaskId!.Value, second.Lines[0].Round));
        Assert.Null(second.Lines[0].Difference); // the second count is blind too
        await BeginAsync(site, second, "ben");
        Assert.Equal((StockTaskLineStatus.Adjusted, -8L), ((await CountAsync(site, second, "A", "A-1", 12)).Value.Lines[0].Status, (await TasksAsync(site))[1].Lines[0].Difference!.Value));
        Assert.True((await CompleteAsync(site, second)).IsOk);
        Assert.Equal((12L, 0L), ((await site.RowsAsync())[0].OnHand, (await site.RowsAsync())[0].Blocked));
        var correction = (await site.CallAsync("GET", "sites/WH1/movements?sku=A")).Body.GetProperty("items")[0];
        Assert.Equal(("adjustment", 8, "counted again", $"count {second.Number}"), (correction.GetProperty("kind").GetString()!, correction.GetProperty("quantity").GetInt32(),
            correction.GetProperty("reason").GetString()!, correction.GetProperty("reference").GetString()!));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Goods_that_are_not_on_the_list_become_a_line(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 5));
        var task = await BeginAsync(site, await AskAsync(site, new AskForCountBody(["A-1"], null, null, null)));
        Assert.Equal("bin_not_found", (await CountAsync(site, task, "B", "A-9", 2)).Refusal!.Code);
        Assert.Equal("bin_built_in", (await CountAsync(site, task, "B", "STAGING", 2)).Refusal!.Code);
        Assert.True((await CountAsync(site, task, "B", "A-1", 2)).IsOk);
        Assert.True((await CountAsync(site, task, "A", "A-1", 5)).IsOk);
        var done = (await CompleteAsync(site, task)).Value;
        Assert.Equal((2, 2, "B", 2L), (done.TotalLines, done.DoneLines, done.Lines[1].Sku, done.Lines[1].Difference!.Value));
        Assert.Equal(2, (await site.BooksAsync("B")).Held);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_picking_tasks_hold_stays_and_damaged_units_leave_last(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 10));
        await site.AllocateAsync(new StockRequest(0, "A", 4));
        await site.DamageAsync("A", "A-1", 3);
        await site.RunAsync(tx => CountSettings.DecideAsync("WH1", new CountSettingsBody(null, null, 100, 100), tx)); // believe everything
        var task = await BeginAsync(site, await AskAsync(site, new AskForCountBody(["A-1"], null, null, null)));
        var line = (await CountAsync(site, task, "A", "A-1", 1)).Value.Lines[0];
        Assert.Equal((10L, -6L, 3L), (line.Expected!.Value, line.Difference!.Value, line.Kept!.Value));
        var row = Assert.Single(await site.RowsAsync());
        Assert.Equal((4L, 4L, 0L), (row.OnHand, row.Reserved, row.Damaged));
        var movements = (await site.EventsAsync("stock.moved"))[^1].Read<StockMoved>().Movements;
        Assert.Equal([(MovementKind.Adjustment, 3), (MovementKind.Disposal, 3)], movements.Select(m => (m.Kind, m.Quantity)));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_task_that_is_given_up_leaves_the_books_as_they_are(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 10), ("A-2", "A", 10));
        var task = await BeginAsync(site, await AskAsync(site, new AskForCountBody(null, "S", null, null)));
        await CountAsync(site, task, "A", "A-1", 1);
        var given = (await site.RunAsync(tx => StockTaskSteps.CancelAsync("WH1", task.Id, "truck came", tx))).Value;
        Assert.Equal([StockTaskLineStatus.Recount, StockTaskLineStatus.Cancelled], given.Lines.Select(l => l.Status));
        Assert.Equal([10L, 10L], (await site.RowsAsync()).Select(r => r.OnHand));
        var again = (await TasksAsync(site)).Single(t => t.Status == StockTaskStatus.Pending);
        Assert.Equal(["A-1"], again.Lines.Select(l => l.Bin)); // what was far off is counted again all the same
        Assert.Equal("invalid_transition", (await site.RunAsync(tx => StockTaskSteps.AssignAsync("WH1", task.Id, "ben", tx))).Refusal!.Code);
        await site.VerifyAsync();
    }

    /// Goal: each bin gets its turn, by the site's date, and no more than the plan says. Method: days pass on the test's clock, at a site nine hours ahead.
    [Theory, EveryDatabase]
    public async Task The_plan_sends_people_to_the_bins_that_were_not_counted_longest(string store)
    {
        await using var site = await StartAsync(store, ("A-3", "A", 1), ("A-1", "A", 1), ("A-2", "A", 1));
        await site.Node.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.HubAll, new SiteSaved("WH1", 1, "W", "warehouse", true, TimeZone: "Asia/Tokyo"), "site/WH1");
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        Assert.True((await site.RunAsync(tx => CountSettings.DecideAsync("WH1", new CountSettingsBody(30, 2, null, null), tx))).IsOk);
        site.Node.Time.Advance(TimeSpan.FromMinutes(1)); // the planner looks once a minute
        var today = await TasksAsync(site); // 17:01 in Tokyo
        Assert.Equal(["A-1", "A-2"], Assert.Single(today).Lines.Select(l => l.Bin));
        Assert.Equal(StockTaskCause.Plan, today[0].Cause);
        await BeginAsync(site, today[0]);
        foreach (var bin in new[] { "A-1", "A-2" }) Assert.True((await CountAsync(site, today[0], "A", bin, 1)).IsOk);
        Assert.True((await CompleteAsync(site, today[0])).IsOk);
        Assert.Single(await TasksAsync(site));

        site.Node.Time.Advance(TimeSpan.FromHours(7)); // midnight there, not here
        Assert.Equal(["A-3"], (await TasksAsync(site))[1].Lines.Select(l => l.Bin));
        site.Node.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(2, (await TasksAsync(site)).Count); // A-3 is being counted, the others were
        site.Node.Time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(["A-1", "A-2"], (await TasksAsync(site))[2].Lines.Select(l => l.Bin));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_short_pick_sends_somebody_to_count_and_the_count_frees_the_rest(string store)
    {
        await using var site = await FulfillmentSite.StartAsync(store);
        await site.StockAsync("S", 10);
        var picking = await site.OrderAsync("S", 4);
        await site.StartAsync(picking);
        await site.PickAsync(picking.Id, 1, 1);
        await site.CompleteAsync(picking.Id);
        await site.Node.DrainAsync();
        var id = await site.Node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM stock_tasks"));
        var task = await site.InSiteAsync(tx => StockTaskSteps.AssignAsync("WH1", id, "ana", tx));
        Assert.Equal((StockTaskCause.ShortPick, "A-1", "S"), (task.Cause, task.Lines.Single().Bin, task.Lines.Single().Sku));
        Assert.Equal(1, await site.HeldAsync("S")); // what is picked; the rest is blocked

        await site.InSiteAsync(tx => StockTaskSteps.StartAsync("WH1", id, tx));
        await site.InSiteAsync(tx => RecordLine.CountAsync("WH1", id, new CountLineBody { Sku = "S", Bin = "A-1", Counted = 8 }, tx));
        Assert.Equal(9, await site.HeldAsync("S"));
        await site.InSiteAsync(tx => StockTaskSteps.CompleteAsync("WH1", id, tx));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Tasks_are_asked_for_given_out_and_done_over_http(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 5));
        var asked = await site.CallAsync("POST", "sites/WH1/stock-tasks", """{"bins":["A-1"],"reason":"looks odd"}""");
        var number = asked.Body.GetProperty("tasks")[0].GetProperty("number").GetInt64();
        Assert.Equal((201, 10_000_000_001), (asked.Status, number));
        Assert.Equal(200, (await site.CallAsync("POST", $"stock-tasks/{number}/assign", """{"worker":"ana"}""")).Status);
        Assert.Equal(200, (await site.CallAsync("POST", $"stock-tasks/{number}/start")).Status);
        Assert.Equal(200, (await site.CallAsync("POST", $"stock-tasks/{number}/count", """{"sku":"A","bin":"A-1","counted":4}""")).Status);
        Assert.Equal(200, (await site.CallAsync("POST", $"stock-tasks/{number}/complete")).Status);
        var listed = (await site.CallAsync("GET", "stock-tasks?site=WH1&status=completed&worker=ana")).Body.GetProperty("items")[0];
        Assert.Equal(("count", "asked", "looks odd", -1), (listed.GetProperty("kind").GetString()!, listed.GetProperty("cause").GetString()!, listed.GetProperty("reason").GetString()!,
            listed.GetProperty("lines")[0].GetProperty("difference").GetInt32()));
        foreach (var (method, path, body, status, code) in new[]
                 {
                     ("POST", "sites/WH1/stock-tasks", "{}", 400, "invalid_request"), ("POST", "sites/WH1/stock-tasks", """{"bins":["Z"]}""", 404, "bin_not_found"),
                     ("POST", "sites/WH1/stock-tasks", """{"zone":"Z"}""", 404, "zone_not_found"), ("POST", "sites/WH1/stock-tasks", """{"zone":"S","bins":["A-1"]}""", 400, "invalid_request"),
                     ("POST", $"stock-tasks/{number}/count", """{"sku":"A","bin":"A-1","counted":-1}""", 400, "invalid_request"), ("POST", $"stock-tasks/{number}/remove", """{"sku":"A","bin":"A-1","quantity":1}""", 409, "wrong_kind"),
                     ("POST", "stock-tasks/77/start", (string?)null, 404, "stock_task_not_found"), ("PUT", "sites/WH1/count-settings", """{"every_days":0}""", 400, "invalid_request"),
                 })
        {
            var answer = await site.CallAsync(method, path, body);
            Assert.Equal((path, status, code), (path, answer.Status, answer.Body.GetProperty("code").GetString()!));
        }
        Assert.Equal(200, (await site.CallAsync("PUT", "sites/WH1/count-settings", """{"every_days":90,"bins_per_day":5}""")).Status);
        Assert.Equal(90, (await site.CallAsync("GET", "sites/WH1/count-settings")).Body.GetProperty("every_days").GetInt32());
        await site.VerifyAsync();
    }

    /// Goal: with every filter the newest first are the oldest first backwards, over all pages. Method: both ways by pages of two.
    [Theory, EveryDatabase]
    public async Task Tasks_are_listed_from_either_end_page_by_page(string store)
    {
        await using var site = await StartAsync(store, ("A-1", "A", 5), ("A-2", "B", 5), ("A-3", "C", 5));
        for (var round = 0; round < 2; round++)
            foreach (var bin in new[] { "A-1", "A-2", "A-3" })
            {
                var task = await AskAsync(site, new AskForCountBody([bin], null, null, null));
                if (round == 0) Assert.True((await site.RunAsync(tx => StockTaskSteps.CancelAsync(SiteOnTest.Code, task.Id, "not now", tx))).IsOk);
            }
        foreach (var (filter, count) in new[] { ("", 6), ("site=WH1&", 6), ("status=pending&", 3), ("site=WH1&status=cancelled&", 3) })
        {
            var oldest = await NumbersAsync(filter);
            Assert.Equal(count, oldest.Count);
            Assert.Equal(oldest.Order(), oldest);
            Assert.Equal(Enumerable.Reverse(oldest), await NumbersAsync(filter + "newest=true&"));
        }

        async Task<List<long>> NumbersAsync(string filter)
        {
            var numbers = new List<long>();
            for (string? cursor = ""; cursor is not null;)
            {
                var page = (await site.CallAsync("GET", $"stock-tasks?{filter}limit=2{cursor}")).Body;
                numbers.AddRange(page.GetProperty("items").EnumerateArray().Select(t => t.GetProperty("number").GetInt64()));
                cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : null;
            }
            return numbers;
        }
    }
}
