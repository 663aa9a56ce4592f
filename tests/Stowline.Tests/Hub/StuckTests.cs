using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: nobody loses sight of an order (H1). Method: orders are left lying for as long as each rule allows and a little longer; the hub's lane says what was found.
public class StuckTests
{
    private static readonly Lane Site = Lane.Site("WH1");

    /// <summary>A hub with a real site that has 10 units of S.</summary>
    private static async Task<HubNode> WithSiteAsync(string store)
    {
        var hub = new HubNode(await TestNode.StartAsync(store));
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        var body = new ReceiveReturnBody { Reference = "R1", Reason = "seed", Lines = [new ReturnLineBody { Sku = "S", Quantity = 10 }] };
        Assert.True((await hub.Test.RunAsync(Site, tx => ReceiveReturn.DecideAsync("WH1", body, tx))).IsOk);
        await hub.Test.DrainAsync();
        return hub;
    }

    private static async Task<Guid> PlaceAsync(HubNode hub, string external = "1")
    {
        var order = Guid.Parse((await hub.PlaceAsync(external, ("S", 2))).Value.Id);
        await hub.Test.DrainAsync();
        return order;
    }

    private static async Task PassAsync(HubNode hub, TimeSpan time)
    {
        hub.Test.Time.Advance(time);
        await hub.Test.DrainAsync();
    }

    private static async Task DoAsync<T>(HubNode hub, Func<LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        Assert.True((await hub.Test.RunAsync(Site, decide)).IsOk);
        await PassAsync(hub, TimeSpan.FromMinutes(1)); // the next look
    }

    /// <summary>What was told so far: <c>+reason</c> when an order was found stuck, <c>-reason</c> when it was over.</summary>
    private static async Task<string> ToldAsync(HubNode hub)
    {
        var told = new List<string>();
        foreach (var e in await hub.LaneAsync(Lane.Hub))
        {
            if (e.Type == OrderStuck.Type) told.Add("+" + e.Read<OrderStuck>().Reason);
            if (e.Type == OrderUnstuck.Type) told.Add("-" + e.Read<OrderUnstuck>().Reason);
        }
        return string.Join(" ", told);
    }

    [Theory, EveryDatabase]
    public async Task Each_stage_of_an_order_is_watched_and_told_once(string store)
    {
        await using var hub = await WithSiteAsync(store);
        var order = await PlaceAsync(hub);
        await PassAsync(hub, TimeSpan.FromMinutes(29));
        Assert.Equal("", await ToldAsync(hub));
        for (var i = 0; i < 5; i++) await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+not_picked", await ToldAsync(hub));

        var task = await hub.Node.Database.ReadAsync(s => TaskLookup.PickingOfAsync(s, order));
        await DoAsync(hub, tx => AssignPicking.DecideAsync("WH1", task.Id, "ana", tx));
        await PassAsync(hub, TimeSpan.FromMinutes(30));
        Assert.Equal("+not_picked +task_not_started", await ToldAsync(hub));
        await DoAsync(hub, tx => StartPicking.DecideAsync("WH1", task.Id, tx));
        Assert.EndsWith("-not_picked -task_not_started", Sorted(await ToldAsync(hub), 2));

        await PassAsync(hub, TimeSpan.FromMinutes(30));
        Assert.EndsWith(" +no_progress", await ToldAsync(hub));
        await DoAsync(hub, tx => PickItem.DecideAsync("WH1", task.Id, 1, new PickItemBody { Quantity = 1 }, tx));
        Assert.EndsWith(" -no_progress", await ToldAsync(hub));
        await PassAsync(hub, TimeSpan.FromMinutes(90));
        Assert.EndsWith("+no_progress +picking_slow", Sorted(await ToldAsync(hub), 2));
        await DoAsync(hub, tx => PickItem.DecideAsync("WH1", task.Id, 1, new PickItemBody { Quantity = 1 }, tx));
        await DoAsync(hub, tx => CompletePicking.DecideAsync("WH1", task.Id, tx));

        var packing = await hub.Node.Database.ReadAsync(s => TaskLookup.PackingOfAsync(s, order));
        await DoAsync(hub, tx => StartPacking.DecideAsync("WH1", packing, "ben", tx));
        await PassAsync(hub, TimeSpan.FromMinutes(60));
        Assert.EndsWith("+no_dimensions +packing_slow", Sorted(await ToldAsync(hub), 2));
        await DoAsync(hub, tx => AddPackage.DecideAsync("WH1", packing, FulfillmentSite.Box(), tx));
        await DoAsync(hub, tx => CompletePacking.DecideAsync("WH1", packing, tx));
        await PassAsync(hub, TimeSpan.FromHours(24));
        Assert.EndsWith(" +not_shipped", await ToldAsync(hub));
        await DoAsync(hub, tx => ShipPacking.DecideAsync("WH1", packing, new ShipPackingBody { Carrier = "post" }, tx));
        var told = (await ToldAsync(hub)).Split(' ');
        Assert.EndsWith("-not_shipped", told[^1]);
        Assert.Equal(told.Where(t => t[0] == '+').Select(t => t[1..]).Order(), told.Where(t => t[0] == '-').Select(t => t[1..]).Order());
        await hub.Test.VerifyAsync();
    }

    /// <summary>Two reasons that were found in one look come in no order of note.</summary>
    private static string Sorted(string told, int last) => string.Join(" ", told.Split(' ') is var words ? [.. words[..^last], .. words[^last..].Order(StringComparer.Ordinal)] : []);

    private static async Task StockAsync(HubNode hub, string site, string sku)
    {
        var body = new ReceiveReturnBody { Reference = "R-" + sku, Reason = "seed", Lines = [new ReturnLineBody { Sku = sku, Quantity = 10 }] };
        Assert.True((await hub.Test.RunAsync(Lane.Site(site), tx => ReceiveReturn.DecideAsync(site, body, tx))).IsOk);
        await hub.Test.DrainAsync();
    }

    /// <summary>As <see cref="ToldAsync"/> for slow picking, with the site.</summary>
    private static async Task<string> SlowAsync(HubNode hub) => string.Join(" ", (await hub.LaneAsync(Lane.Hub)).Select(e =>
        e.Type == OrderStuck.Type && e.Read<OrderStuck>() is { Reason: "picking_slow" } stuck ? "+" + stuck.Site
        : e.Type == OrderUnstuck.Type && e.Read<OrderUnstuck>() is { Reason: "picking_slow" } over ? "-" + over.Site : null).OfType<string>());

    [Theory, EveryDatabase]
    public async Task Each_part_that_is_picked_for_too_long_is_told_of_wherever_the_others_are(string store)
    {
        await using var hub = await WithSiteAsync(store);
        await hub.SiteAsync("WH2");
        await hub.ProductsAsync("T");
        await StockAsync(hub, "WH2", "T");
        var order = Guid.Parse((await hub.PlaceAsync("1", ("S", 9), ("T", 2))).Value.Id);
        await hub.Test.DrainAsync();
        var tasks = new Dictionary<string, Guid>();
        await hub.Node.Database.ReadAsync(async s =>
        {
            await s.SelectAsync("SELECT t.site, t.id FROM picking_tasks t WHERE t.order_id = k.id", 1, [Stowline.Store.Column.Of("id", [order])], row => tasks[row.GetString(0)] = row.GetGuid(1));
            return 0;
        });
        Assert.Equal(["WH1", "WH2"], tasks.Keys.Order());
        Assert.True((await hub.Test.RunAsync(Site, tx => AssignPicking.DecideAsync("WH1", tasks["WH1"], "ana", tx))).IsOk);
        Assert.True((await hub.Test.RunAsync(Site, tx => StartPicking.DecideAsync("WH1", tasks["WH1"], tx))).IsOk);
        for (var unit = 0; unit < 7; unit++)
        {
            await PassAsync(hub, TimeSpan.FromMinutes(17)); // it goes on, slowly; WH2 has not begun, so the order is not in picking
            Assert.True((await hub.Test.RunAsync(Site, tx => PickItem.DecideAsync("WH1", tasks["WH1"], 1, new PickItemBody { Quantity = 1 }, tx))).IsOk);
        }
        Assert.Equal("", await SlowAsync(hub));
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+WH1", await SlowAsync(hub));

        var there = Lane.Site("WH2");
        Assert.True((await hub.Test.RunAsync(there, tx => AssignPicking.DecideAsync("WH2", tasks["WH2"], "ben", tx))).IsOk);
        Assert.True((await hub.Test.RunAsync(there, tx => StartPicking.DecideAsync("WH2", tasks["WH2"], tx))).IsOk);
        await PassAsync(hub, TimeSpan.FromMinutes(121));
        Assert.Equal("+WH1 +WH2", await SlowAsync(hub));
        Assert.Equal(1, (await hub.Node.Database.ReadAsync(StuckOrders.CountAsync))[StuckReason.PickingSlow]); // orders, not parts
        Assert.Equal((1L, 1L), (await hub.Node.Database.ReadAsync(StuckOrders.PerSiteAsync)) is var per ? (per["WH1"], per["WH2"]) : default);

        Assert.True((await hub.Test.RunAsync(Site, tx => PickItem.DecideAsync("WH1", tasks["WH1"], 1, new PickItemBody { Quantity = 2 }, tx))).IsOk);
        await DoAsync(hub, tx => CompletePicking.DecideAsync("WH1", tasks["WH1"], tx));
        Assert.Equal("+WH1 +WH2 -WH1", await SlowAsync(hub));
        Assert.True((await hub.Test.RunAsync(there, tx => PickItem.DecideAsync("WH2", tasks["WH2"], 1, new PickItemBody { Quantity = 2 }, tx))).IsOk);
        Assert.True((await hub.Test.RunAsync(there, tx => CompletePicking.DecideAsync("WH2", tasks["WH2"], tx))).IsOk);
        await PassAsync(hub, TimeSpan.FromMinutes(1));
        Assert.Equal("+WH1 +WH2 -WH1 -WH2", await SlowAsync(hub));
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_site_that_does_not_answer_and_goods_that_do_not_come_are_noticed(string store)
    {
        await using var hub = await HubNode.StartAsync(store); // the site is played, and says nothing
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        await hub.GrantAsync("WH1", "S", 5);
        var order = await PlaceAsync(hub);
        Assert.True((await hub.PlaceAsync(hub.Order("2", [("S", 9)], b => b with { Backorder = true }).Value)).IsOk);
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(order, "no", tx))).IsOk);
        await PassAsync(hub, TimeSpan.FromMinutes(9));
        Assert.Equal("", await ToldAsync(hub));
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+cancel_unanswered", await ToldAsync(hub));
        await PassAsync(hub, TimeSpan.FromDays(7));
        Assert.Equal("+cancel_unanswered +backorder_old", await ToldAsync(hub));
    }

    [Theory, EveryDatabase]
    public async Task A_held_order_is_not_stuck_and_a_parked_one_is_at_once(string store)
    {
        await using var hub = await WithSiteAsync(store);
        var (held, parked) = (await PlaceAsync(hub, "1"), await PlaceAsync(hub, "2"));
        await hub.Test.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(held, true, null, tx));
        await hub.Test.RunAsync<Done>(Site, async tx =>
        {
            await tx.ExecuteAsync("""
                INSERT INTO parked_events (consumer, lane_id, position, subject, type, error, attempts, parked_at)
                SELECT 'site-books', id, 1, @subject, 'part.shipped', 'broken', 1, @now FROM lanes WHERE name = 'site/WH1'
                """, new { subject = parked.ToString(), now = tx.Now });
            return new Done();
        });
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        var stuck = Assert.Single(await hub.LaneAsync(Lane.Hub), e => e.Type == OrderStuck.Type);
        Assert.Equal((parked, "parked", "WH1"), (stuck.OrderId, stuck.Read<OrderStuck>().Reason, stuck.Read<OrderStuck>().Site));
        await PassAsync(hub, TimeSpan.FromDays(1));
        Assert.DoesNotContain(await hub.LaneAsync(Lane.Hub), e => e.OrderId == held && e.Type == OrderStuck.Type);
    }

    [Theory, EveryDatabase]
    public async Task A_second_process_and_a_restart_tell_nothing_again(string store)
    {
        await using var hub = await WithSiteAsync(store);
        await PlaceAsync(hub);
        await PassAsync(hub, TimeSpan.FromMinutes(31));
        var other = new StuckWatch(hub.Node);
        await hub.Test.PumpUntilAsync(other.RunOnceAsync(default).AsTask());
        Assert.Equal("+not_picked", await ToldAsync(hub));
    }

    [Theory, EveryDatabase]
    public async Task Many_are_told_in_bounded_steps(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("S");
        await hub.GrantAsync("WH1", "S", 1000);
        await hub.Test.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 600).Select(i => hub.Intake.AcceptAsync(hub.Order($"{i}", [("S", 1)]).Value, TestNode.Tester))));
        await PassAsync(hub, TimeSpan.FromMinutes(31));
        Assert.Equal(600, (await ToldAsync(hub)).Split(' ').Length);
        Assert.Equal(600, (await hub.Node.Database.ReadAsync(StuckOrders.CountAsync))[StuckReason.NotPicked]);
    }

    [Fact]
    public async Task Only_working_hours_count_for_picking()
    {
        await using var hub = await WithSiteAsync("sqlite");
        using var hours = System.Text.Json.JsonDocument.Parse("""{"mon":"08:00-18:00","tuesday":["08:00-12:00","13:00-18:00"]}""");
        var body = new SiteBody { Name = "One", Type = SiteType.Warehouse, TimeZone = "Europe/Belgrade", WorkingHours = hours.RootElement };
        Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => SaveSite.DecideAsync("WH1", body, tx, hub.Node))).IsOk);
        // Monday 17:50 in Belgrade: ten minutes are left of the day.
        hub.Test.Time.Advance(new DateTimeOffset(2026, 1, 5, 16, 50, 0, TimeSpan.Zero) - hub.Test.Time.GetUtcNow());
        await PlaceAsync(hub);
        await PassAsync(hub, TimeSpan.FromHours(12));
        Assert.Equal("", await ToldAsync(hub));
        await PassAsync(hub, new DateTimeOffset(2026, 1, 6, 7, 19, 0, TimeSpan.Zero) - hub.Test.Time.GetUtcNow());
        Assert.Equal("", await ToldAsync(hub));
        await PassAsync(hub, TimeSpan.FromMinutes(2));
        Assert.Equal("+not_picked", await ToldAsync(hub));
    }

    [Theory]
    [InlineData("""{"mon":"22:00-06:00"}""", 8d)] // over midnight
    [InlineData("""{"mon":"00:00-24:00","tue":"00:00-24:00"}""", 48d)]
    [InlineData("""{"wed":["08:00-12:00","13:00-17:30"]}""", 8.5)]
    [InlineData("""{"sun":"02:00-04:00"}""", 2d)]
    [InlineData("""{"mon":"08:00-18:00","exceptions":{"2026-01-05":["08:00-09:00"]}}""", 1d)]
    [InlineData("""{"exceptions":{"2026-01-05":[]}}""", 144d)]
    [InlineData("""{"mon":"08:00-18:00","exceptions":{"new year":[]}}""", null)]
    [InlineData("""{"opening":"always"}""", null)]
    [InlineData("""{"mon":"8 to 6"}""", null)]
    [InlineData("""{"mon":5}""", null)]
    [InlineData("""[]""", null)]
    [InlineData("""{}""", null)]
    public void Working_hours_of_a_week(string json, double? hours)
    {
        var works = WorkingHours.Read(json, "Europe/Belgrade");
        var monday = new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.FromHours(1));
        Assert.Equal(hours, works?.Between(monday, monday.AddDays(7)).TotalHours);
    }

    [Fact]
    public void Rules_are_changed_by_name_and_nonsense_is_refused()
    {
        var (rules, _) = StuckRules.Parse("not_picked=45m, backorder_old=off,not_shipped=2d");
        Assert.Equal((TimeSpan.FromMinutes(45), null, TimeSpan.FromDays(2), TimeSpan.FromHours(2)),
            (rules!.AgeOf(StuckReason.NotPicked), rules.AgeOf(StuckReason.BackorderOld), rules.AgeOf(StuckReason.NotShipped)!.Value, rules.AgeOf(StuckReason.PickingSlow)!.Value));
        Assert.All(Enum.GetValues<StuckReason>(), r => Assert.Null(StuckRules.Parse("off").Rules!.AgeOf(r)));
        foreach (var wrong in new[] { "x=1h", "not_picked", "not_picked=5", "not_picked=5y", "not_picked=-1m", "not_picked=99999999d" }) Assert.NotNull(StuckRules.Parse(wrong).Problem);
    }
}
