using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// Goal: what a site takes back from its hub is nobody's until somebody has counted it (decision 0027). Method: the rule by itself, then a site with its hub in one node.
public sealed class EpochTests
{
    /// Goal: the rule with what is disputed. usable, held, reserved, disputed, safety → granted more, withdrawn more, still disputed.
    [Theory]
    [InlineData(10, 3, 3, 7, 0, true, 0, 0, 7)]  // nothing is granted or sold of it
    [InlineData(12, 3, 3, 7, 0, true, 2, 0, 7)]  // new goods are granted as ever
    [InlineData(12, 3, 3, 7, 0, false, 0, 0, 7)] // unless the hub has not answered
    [InlineData(10, 3, 5, 7, 0, false, 2, 0, 5)] // a part that was promised before gets its units out of it, answered or not
    [InlineData(10, 3, 5, 1, 6, false, 2, 0, 0)] // and the rest out of the site's own
    [InlineData(6, 3, 3, 7, 0, true, 0, 0, 3)]   // what is lost is missing there first
    [InlineData(2, 3, 0, 7, 0, true, 0, 1, 0)]   // then of what is held
    public void Settlement(int usable, int held, int reserved, int disputed, int safety, bool answered, int granted, int withdrawn, int left)
    {
        var before = new SkuBooks { Epoch = 2, Answered = answered ? 2 : 1, Granted = held, OnHand = usable, Reserved = reserved, Disputed = disputed, SafetyStock = safety };
        var after = before.Settled();
        Assert.Equal((granted, withdrawn, left), ((int)(after.Granted - before.Granted), (int)after.Withdrawn, (int)after.Disputed));
        Assert.InRange(after.Held, reserved, usable - after.Disputed);
        Assert.Equal(after, after.Settled());
    }

    private static Task<Outcome<EpochView>> OpenAsync(SiteOnTest site, params string[] skus) =>
        site.RunAsync(tx => OpenEpoch.DecideAsync(SiteOnTest.Code, new EpochBody(true, skus.Length == 0 ? null : skus, "the hub is gone"), tx));

    private static Task<Outcome<SaleView>> SellAsync(SiteOnTest site, int units, bool beyond) =>
        site.RunAsync(tx => SellStock.DecideAsync(SiteOnTest.Code, new SaleBody("till", [new SaleLine("A", units)], beyond), tx));

    private static async Task<SiteAvailability> AtHubAsync(SiteOnTest site, string sku = "A")
    {
        await site.Node.DrainAsync();
        return (await site.Node.Database.ReadAsync(s => Availability.OfAsync(s, [sku]))).Items[0].Sites[0];
    }

    [Theory, EveryDatabase]
    public async Task What_is_taken_back_is_neither_sold_nor_granted_until_it_is_counted(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 10);
        await site.AllocateAsync(new StockRequest(0, "A", 4)); // for parts that the site knows of
        Assert.Equal((1, 6L), ((await OpenAsync(site)).Value.Opened, (await OpenAsync(site)).Value.Disputed));
        Assert.True((await OpenAsync(site)).Existing); // nothing more is held for the hub
        var books = await site.BooksAsync();
        Assert.Equal((2, 4L, 4L, 6L, 0L), (books.Epoch, books.Granted, books.Held, books.Disputed, books.Own));
        var opened = Assert.Single(await site.EventsAsync("epoch.opened")).Read<EpochOpened>();
        Assert.Equal(("operator", "the hub is gone", new EpochCounters("A", 2, 4, 0, 0, 4, 0, 0)), (opened.Cause, opened.Reason, opened.Counters.Single()));

        var refused = (await SellAsync(site, 1, beyond: true)).Refusal!;
        Assert.Equal(("disputed", 0L), (refused.Code, (long)refused.Extra!["available"]!));
        Assert.Equal("disputed", (await SellAsync(site, 1, beyond: false)).Refusal!.Code);
        await site.ReceiveAsync("A", 5); // of new goods there is no doubt
        Assert.Equal((15L, 9L, 6L), ((await AtHubAsync(site)).OnHand, (await AtHubAsync(site)).Granted, (await AtHubAsync(site)).Disputed));

        Assert.True((await site.CountAsync("A", "RECEIVING", 15, 15)).IsOk);
        Assert.Equal((0L, 15L), ((await site.BooksAsync()).Disputed, (await site.BooksAsync()).Held));
        Assert.Equal((15L, 0L), ((await AtHubAsync(site)).Granted, (await AtHubAsync(site)).Disputed));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Each_row_that_is_counted_ends_the_dispute_of_its_units(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "S-1", "S-2");
        await site.ReceiveAsync("A", 6, "S-1");
        await site.ReceiveAsync("A", 4, "S-2");
        await OpenAsync(site, "A");
        Assert.True((await site.AdjustAsync("A", "S-2", -1)).IsOk); // a correction is no count
        Assert.Equal((9L, 0L), ((await site.BooksAsync()).Disputed, (await site.BooksAsync()).Held));
        Assert.True((await site.CountAsync("A", "S-1", 6, 4)).IsOk); // two are not there: of six nobody is in doubt any more
        Assert.Equal((3L, 4L), ((await site.BooksAsync()).Disputed, (await site.BooksAsync()).Held));
        Assert.True((await site.CountAsync("A", "S-2", 3, 5)).IsOk);
        Assert.Equal((0L, 9L), ((await site.BooksAsync()).Disputed, (await site.BooksAsync()).Held));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_task_to_count_ends_the_dispute(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 10);
        await OpenAsync(site);
        var place = new CountedStock.Place { Sku = "A", Bin = "RECEIVING" };
        Assert.True((await site.RunAsync(tx => CountedStock.BookAsync(tx, SiteOnTest.Code, place, 10, "count", "count 1"))).IsOk);
        Assert.Equal((0L, 10L), ((await site.BooksAsync()).Disputed, (await site.BooksAsync()).Held));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Only_the_SKUs_that_are_named_begin_an_epoch_and_the_hubs_late_words_of_before_count_no_more(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 10);
        await site.ReceiveAsync("B", 10);
        Assert.Equal(1, (await OpenAsync(site, "A", "A")).Value.Opened);
        Assert.Equal((2, 1), ((await site.BooksAsync()).Epoch, (await site.BooksAsync("B")).Epoch));
        await site.HubSaysAsync(new AllotmentReturned("A", 1, 3)); // was under way
        Assert.Equal((0L, 10L), ((await site.BooksAsync()).Returned, (await site.BooksAsync()).Disputed));
        Assert.Equal((0L, 10L), ((await AtHubAsync(site)).Available, (await AtHubAsync(site, "B")).Available));
        await site.VerifyAsync();
    }

    [Fact]
    public async Task What_is_asked_for_wrongly_is_refused_and_changes_nothing()
    {
        await using var site = await SiteOnTest.StartAsync("sqlite");
        await site.ReceiveAsync("A", 10);
        foreach (var (body, status, field) in new[]
                 {
                     ("{}", 400, "confirm"), ("""{"confirm":false}""", 400, "confirm"), ("""{"confirm":true,"skus":[]}""", 400, "skus"), ("""{"confirm":true,"skus":["A",null]}""", 400, "skus[1]"),
                     ("""{"confirm":true,"skus":["A","NONE"]}""", 404, "skus[1]"), ($$"""{"confirm":true,"reason":"{{new string('x', 501)}}"}""", 400, "reason"),
                 })
        {
            var (code, answer) = await site.CallAsync("POST", "sites/WH1/epoch", body);
            Assert.True(code == status && answer.GetProperty("errors").TryGetProperty(field, out _), $"{body}: {code} {answer}");
        }
        Assert.Equal(404, (await site.CallAsync("POST", "sites/NONE/epoch", """{"confirm":true}""")).Status);
        Assert.Equal((1, 10L), ((await site.BooksAsync()).Epoch, (await site.BooksAsync()).Held));

        var (done, view) = await site.CallAsync("POST", "sites/WH1/epoch", """{"confirm":true}""");
        Assert.Equal((200, 1, 10), (done, view.GetProperty("opened").GetInt32(), view.GetProperty("disputed").GetInt32()));
        var (_, list) = await site.CallAsync("GET", "sites/WH1/disputes");
        Assert.Equal("""[{"sku":"A","epoch":2,"disputed":10,"on_hand":10,"reserved":0,"answered":true}]""", list.GetProperty("items").GetRawText());
        var (_, available) = await site.CallAsync("GET", "availability?sku=A");
        Assert.Equal((10, 10, 0), (available.GetProperty("items")[0].GetProperty("disputed").GetInt32(), available.GetProperty("items")[0].GetProperty("sites")[0].GetProperty("disputed").GetInt32(),
            available.GetProperty("items")[0].GetProperty("available").GetInt32()));
    }

    /// Goal: late, repeated and reordered words about the counters of several epochs give the same books. Method: what a site says in its order, then the same shuffled, with repeats, many times.
    [Theory, EveryDatabase]
    public async Task Words_in_any_order_give_the_same_books(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        for (var seed = 1; seed <= 20; seed++)
        {
            var random = new Random(seed);
            var said = Words(random);
            var (right, shuffled) = ($"S{seed}", $"T{seed}");
            await ApplyAsync(node, right, said);
            Balance[] mixed = [.. said.Concat(said.Where(_ => random.Next(3) == 0))];
            random.Shuffle(mixed);
            await ApplyAsync(node, shuffled, mixed);
            Assert.Equal((seed, await CountersAsync(node, right)), (seed, await CountersAsync(node, shuffled)));
        }
    }

    /// <summary>What a site says while it grants, ships, withdraws and opens epochs.</summary>
    private static List<Balance> Words(Random random)
    {
        var books = new SkuBooks { Sku = "A" };
        var said = new List<Balance>();
        for (var i = 0; i < 30; i++)
        {
            books = random.Next(6) switch
            {
                0 => books.Settled().Reopened(dispute: true),
                1 when books.Reserved > 0 => books with { Reserved = books.Reserved - 1, OnHand = books.OnHand - 1, Consumed = books.Consumed + 1 },
                2 when books.Held > books.Reserved => books with { Reserved = books.Reserved + 1 },
                3 when books.OnHand > books.Reserved => books with { OnHand = books.OnHand - 1 },
                4 => books with { Answered = books.Epoch },
                _ => books with { OnHand = books.OnHand + random.Next(1, 5) },
            };
            books = books.Settled();
            said.Add(books.ToBalance());
        }
        return said;
    }

    private static async Task ApplyAsync(TestNode node, string site, IEnumerable<Balance> words)
    {
        foreach (var word in words)
            await node.RunAsync<Done>(Lane.Hub, async tx =>
            {
                await Allotments.ApplyAsync(tx, site, [word], tx.Now);
                return new Done();
            });
    }

    private static async Task<string?> CountersAsync(TestNode node, string site) => await node.Database.ReadAsync(async s => await s.FindAsync<string>("""
        SELECT epoch || ': ' || granted || ' ' || consumed || ' ' || withdrawn || ' ' || promised || ' ' || released || ' ' || returned FROM allotments WHERE site = @site
        """, new { site }));
}
