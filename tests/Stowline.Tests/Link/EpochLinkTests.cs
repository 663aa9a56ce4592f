using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: with its hub gone a site gets at its own stock without selling what may be promised, and should the hub be heard again, no unit is lost or sold twice; and the other way round with a site that
/// was given up (decision 0027). Method: a hub and a site with a database each, the line cut where it hurts, and at the end the hub's view compared with the site's books.
public sealed class EpochLinkTests
{
    private const string Code = TwoNodes.Code;

    private static async Task<TwoNodes> StartAsync(string store, int units = 10)
    {
        var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", units);
        await nodes.DrainAsync();
        return nodes;
    }

    private static Task<Outcome<EpochView>> OpenAsync(TwoNodes nodes) => nodes.Site.RunAsync(Lane.Site(Code), tx => OpenEpoch.DecideAsync(Code, new EpochBody(true, null, null), tx));

    private static async Task<SkuBooks> BooksAsync(TwoNodes nodes) =>
        (await nodes.Site.RunAsync<SkuBooks>(Lane.Site(Code), async tx => (await SkuTotals.ReadAsync(tx, Code, ["A"])).Single())).Value;

    /// <summary>Counts the bin where goods arrive.</summary>
    private static async Task CountAsync(TwoNodes nodes)
    {
        var there = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COALESCE(SUM(on_hand), 0) FROM stock WHERE bin = 'RECEIVING' AND sku = 'A'"));
        await nodes.Site.RunAsync(Lane.Site(Code), tx => AdjustStock.DecideAsync(Code, new AdjustmentBody("A", "RECEIVING", null, null, there, there, "count"), tx));
    }

    private static Task<Outcome<SaleView>> SellAsync(TwoNodes nodes, int units) =>
        nodes.Site.RunAsync(Lane.Site(Code), tx => SellStock.DecideAsync(Code, new SaleBody("till", [new SaleLine("A", units)]), tx));

    private static async Task<SiteAvailability> AtHubAsync(TwoNodes nodes) =>
        (await nodes.HubTest.Database.ReadAsync(s => Availability.OfAsync(s, ["A"]))).Items[0].Sites.Single(s => s.Site == Code);

    [Theory, EveryDatabase]
    public async Task Without_its_hub_a_site_sells_what_it_has_counted_and_serves_what_it_knows_of(string store)
    {
        await using var nodes = await StartAsync(store);
        var known = (await nodes.OrderAsync("1", "A", 3)).Value;
        await nodes.DrainAsync();
        nodes.Cut();
        var unheard = (await nodes.OrderAsync("2", "A", 2)).Value;
        Assert.Equal(7, (await OpenAsync(nodes)).Value.Disputed);
        while (await nodes.WorkAsync()) { }
        Assert.Equal("disputed", (await SellAsync(nodes, 1)).Refusal!.Code);
        await nodes.ReceiveAsync("A", 4);
        Assert.Equal((0L, 4L, 7L), ((await BooksAsync(nodes)).Held, (await BooksAsync(nodes)).Own, (await BooksAsync(nodes)).Disputed)); // nobody is there to be granted them
        await CountAsync(nodes);
        Assert.Equal((0L, 11L, 0L), ((await BooksAsync(nodes)).Held, (await BooksAsync(nodes)).Own, (await BooksAsync(nodes)).Disputed));
        Assert.True((await SellAsync(nodes, 6)).IsOk); // without asking anybody

        nodes.Connect(); // it was not gone after all
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal((3L, 2L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Reserved));
        await nodes.WorkOffAsync();
        Assert.Equal((OrderStatus.Shipped, OrderStatus.Shipped), ((await nodes.Hub.ReadAsync(known.Id)).Status, (await nodes.Hub.ReadAsync(unheard.Id)).Status));
        Assert.Equal((3L, 0L), ((await AtHubAsync(nodes)).OnHand, (await AtHubAsync(nodes)).Disputed));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_the_site_had_not_heard_of_is_served_from_what_is_disputed(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Cut();
        var order = (await nodes.OrderAsync("1", "A", 4)).Value;
        await OpenAsync(nodes);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal((0L, 4L, 6L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Reserved, (await AtHubAsync(nodes)).Disputed));
        var answered = (await nodes.HubTest.Lanes.ReadAsync(Lane.HubTo(Code), 0, 1_000)).Single(e => e.Type == EpochAnswered.Type).Read<EpochAnswered>();
        Assert.Equal([new AnsweredEpoch("A", 2, 4)], answered.Epochs);
        Assert.Equal("insufficient_stock", (await nodes.OrderAsync("2", "A", 1)).Refusal?.Code);
        await nodes.WorkOffAsync();
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await CountAsync(nodes);
        await nodes.DrainAsync();
        Assert.Equal((6L, 0L, 0L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Reserved, (await AtHubAsync(nodes)).Disputed));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_cannot_be_honored_any_more_is_short_and_waits_for_stock(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Cut();
        var order = (await nodes.OrderAsync("1", "A", 4)).Value;
        await OpenAsync(nodes);
        await CountAsync(nodes);
        Assert.True((await SellAsync(nodes, 9)).IsOk);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal([(Code, OrderStatus.Allocated, 1), (null, OrderStatus.Backorder, 3)], (await nodes.Hub.ReadAsync(order.Id)).Parts.Select(p => (p.Site, p.Status, p.Lines.Single().Quantity)));
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        await nodes.WorkOffAsync();
        Assert.Equal((OrderStatus.Shipped, 2L), ((await nodes.Hub.ReadAsync(order.Id)).Status, (await AtHubAsync(nodes)).Available));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_the_hub_gave_back_and_the_site_never_heard_of_is_given_back_once(string store)
    {
        await using var nodes = await StartAsync(store);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => Policies.DecideAsync(Code, "A", new PolicyBody(4, null), tx))).IsOk);
        // The site hears of the policy and asks for four units; the hub gives them back, and the line is cut before that is heard.
        for (var i = 0; i < 200 && (await AtHubAsync(nodes)).Available == 10; i++) await nodes.StepAsync();
        nodes.Cut();
        Assert.Equal((6L, 0L), ((await AtHubAsync(nodes)).Available, (await BooksAsync(nodes)).Returned));
        await OpenAsync(nodes);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal((0L, 10L), ((await BooksAsync(nodes)).Returned, (await BooksAsync(nodes)).Disputed));
        await CountAsync(nodes);
        await nodes.DrainAsync();
        Assert.Equal((6L, 4L), ((await AtHubAsync(nodes)).Available, (await BooksAsync(nodes)).Own));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_restored_site_has_its_epochs_and_disputes_again(string store)
    {
        await using var nodes = await StartAsync(store);
        var backup = await nodes.BackUpAsync(nodes.Site);
        await nodes.OrderAsync("1", "A", 2);
        await nodes.DrainAsync();
        await OpenAsync(nodes);
        await nodes.DrainAsync();
        var books = await BooksAsync(nodes);
        await nodes.RestoreSiteAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.Empty((await TwoNodes.RepairOfAsync(nodes.Site))!.Unapplied);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(books, await BooksAsync(nodes));
        await nodes.CompareAsync();
        await CountAsync(nodes);
        await nodes.WorkOffAsync();
        Assert.Equal((8L, 0L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Disputed));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_restored_hub_hears_of_the_epochs_again(string store)
    {
        await using var nodes = await StartAsync(store);
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var order = (await nodes.OrderAsync("1", "A", 2)).Value;
        await nodes.DrainAsync();
        await OpenAsync(nodes);
        await CountAsync(nodes);
        await nodes.DrainAsync();
        // A recall in the new epoch is part of what comes back.
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => Policies.DecideAsync(Code, "A", new PolicyBody(3, null), tx))).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(5, (await AtHubAsync(nodes)).Available);
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(5, (await AtHubAsync(nodes)).Available);
        await nodes.WorkOffAsync();
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await nodes.CompareAsync();
    }

    // ---- the site is given up

    private static async Task GiveUpAsync(TwoNodes nodes)
    {
        var body = new GiveUpBody(true, "burnt down");
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => GiveUpSite.DecideAsync(Code, body, tx, nodes.HubTest.Node))).IsOk);
        await nodes.HubTest.DrainAsync();
    }

    private static Task<Outcome<GiveUpView>> TakeBackAsync(TwoNodes nodes, bool trust = false) =>
        nodes.HubTest.RunAsync(Lane.Hub, tx => GiveUpSite.TakeBackAsync(Code, new TakeBackBody(true, trust), tx, nodes.HubTest.Node));

    private static async Task<LinkView> LinkAsync(TwoNodes nodes) =>
        (await LinkViews.ReadAsync(nodes.HubTest.Database, nodes.HubTest.Node.Modules.OfType<LinkModule>().Single())).Single();

    [Theory, EveryDatabase]
    public async Task A_site_that_was_given_up_and_worked_on_comes_back_with_what_it_has_shipped(string store)
    {
        await using var nodes = await StartAsync(store);
        var (shipped, open) = ((await nodes.OrderAsync("1", "A", 3)).Value, (await nodes.OrderAsync("2", "A", 2)).Value);
        await nodes.DrainAsync();
        nodes.Cut();
        var unheard = (await nodes.OrderAsync("3", "A", 1)).Value;
        await GiveUpAsync(nodes);
        Assert.Equal((LinkCondition.GivenUp, nodes.Time.GetUtcNow()), ((await LinkAsync(nodes)).State, (await LinkAsync(nodes)).GivenUpAt));
        Assert.Equal((0L, 0L, 10L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Reserved, (await AtHubAsync(nodes)).Disputed));
        foreach (var order in new[] { shipped, open, unheard })
            Assert.Equal([OrderStatus.Short, OrderStatus.Backorder], (await nodes.Hub.ReadAsync(order.Id)).Parts.Select(p => p.Status));
        await nodes.HubTest.VerifyAsync();
        // The site knows nothing of it: it ships the first order and begins the second, and gets goods.
        for (var i = 0; i < 3; i++) await nodes.WorkAsync();
        await nodes.ReceiveAsync("A", 5);

        nodes.Advance(TimeSpan.FromHours(1));
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(["given_up"], (await LinkAsync(nodes)).Alerts); // somebody must look
        Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(shipped.Id)).Status); // what has left counts
        Assert.Equal(OrderStatus.Backorder, (await nodes.Hub.ReadAsync(open.Id)).Status);
        Assert.Equal(0, (await AtHubAsync(nodes)).Available); // nothing is promised from there, new goods neither
        Assert.Equal("insufficient_stock", (await nodes.OrderAsync("4", "A", 1)).Refusal?.Code);
        await nodes.HubTest.VerifyAsync();
        await nodes.Site.VerifyAsync();

        Assert.Equal(GiveUpStage.Returning, (await TakeBackAsync(nodes)).Value.State);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Empty((await LinkAsync(nodes)).Alerts);
        Assert.Equal(LinkCondition.Connected, (await LinkAsync(nodes)).State);
        Assert.Equal((0L, (await BooksAsync(nodes)).Disputed), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Disputed));
        Assert.True((await BooksAsync(nodes)).Disputed > 0);
        await CountAsync(nodes);
        await nodes.DrainAsync();
        await nodes.WorkOffAsync();
        foreach (var order in new[] { shipped, open, unheard }) Assert.Equal(OrderStatus.Shipped, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await nodes.CompareAsync();
        Assert.Equal("not_given_up", (await TakeBackAsync(nodes)).Refusal?.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_restored_hub_knows_again_that_it_has_given_a_site_up(string store)
    {
        await using var nodes = await StartAsync(store);
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var order = (await nodes.OrderAsync("1", "A", 2)).Value;
        await nodes.DrainAsync();
        await GiveUpAsync(nodes);
        await nodes.DrainAsync();
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(LinkCondition.GivenUp, (await LinkAsync(nodes)).State);
        Assert.Equal((0L, 0L), ((await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Reserved));
        Assert.Equal(OrderStatus.Backorder, (await nodes.Hub.ReadAsync(order.Id)).Status);
        await nodes.HubTest.VerifyAsync();
        Assert.True((await TakeBackAsync(nodes, trust: true)).IsOk);
        await nodes.DrainAsync();
        await nodes.WorkOffAsync();
        Assert.Equal((OrderStatus.Shipped, 8L, 0L), ((await nodes.Hub.ReadAsync(order.Id)).Status, (await AtHubAsync(nodes)).Available, (await AtHubAsync(nodes)).Disputed));
        await nodes.CompareAsync();
    }

    /// Goal: whatever is taken back, given up and counted, in whatever order, over a network that loses, doubles and reorders. Method: a seed decides; at the end all is healed and compared.
    [Theory, EveryDatabase]
    public async Task Anything_may_happen(string store)
    {
        foreach (var seed in new[] { 1, 2 }) await AnythingAsync(store, seed, 60);
    }

    [Theory, MemberData(nameof(Seeds))]
    public Task Anything_may_happen_with_many_seeds(int seed) => AnythingAsync("sqlite", seed, 150);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(30, 12)];

    private static async Task AnythingAsync(string store, int seed, int steps)
    {
        await using var nodes = await TwoNodes.StartAsync(store, seed: seed);
        var random = new Random(seed);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (random.Next(15), random.Next(15), random.Next(30));
        var orders = new List<string>();
        for (var i = 0; i < steps; i++)
        {
            switch (random.Next(16))
            {
                case 0 or 1: await nodes.ReceiveAsync("A", random.Next(1, 8)); break;
                case 2 or 3 or 4:
                    if ((await nodes.OrderAsync($"o{i}", "A", random.Next(1, 5))) is { IsOk: true } placed) orders.Add(placed.Value.Id);
                    break;
                case 5: if (orders.Count > 0) await nodes.CancelAsync(orders[random.Next(orders.Count)]); break;
                case 6 or 7 or 8: await nodes.WorkAsync(random.Next(4) == 0 ? 0.5 : 1); break;
                case 9: await nodes.AdjustAsync("A", random.Next(-2, 2)); break;
                case 10: nodes.Cut(); break;
                case 11: nodes.Connect(); break;
                case 12: await OpenAsync(nodes); break;
                case 13: await CountAsync(nodes); break;
                case 14:
                    if (random.Next(2) == 0) await GiveUpAsync(nodes);
                    else await TakeBackAsync(nodes);
                    break;
                case 15: await SellAsync(nodes, random.Next(1, 4)); break;
            }
            for (var step = random.Next(4); step > 0; step--) await nodes.StepAsync();
            if (i % 10 != 9) continue;
            await nodes.HubTest.VerifyAsync();
            await nodes.Site.VerifyAsync();
        }
        (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
        nodes.Connect();
        await nodes.DrainAsync();
        await TakeBackAsync(nodes);
        await nodes.DrainAsync();
        await CountAsync(nodes);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await nodes.AllServedAsync();
    }
}
