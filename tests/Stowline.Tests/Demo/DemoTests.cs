using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Server.Demo;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Demo;

/// Goal: the sample business is alive at once, stays in bounds, and goes on where it was stopped. Method: its pump on a node in virtual time.
public class DemoTests
{
    private static readonly DemoOptions Options = new();

    /// <summary>Lets the business and the node's own pumps run for so long of virtual time.</summary>
    private static async Task RunAsync(TestNode node, DemoBusiness business, TimeSpan time, TimeSpan? step = null)
    {
        var by = step ?? TimeSpan.FromMilliseconds(250);
        for (var left = time; left > TimeSpan.Zero; left -= by)
        {
            bool worked;
            do
            {
                worked = await node.PumpUntilAsync(business.RunOnceAsync(default).AsTask());
                await node.DrainAsync();
            }
            while (worked);
            node.Time.Advance(by);
        }
    }

    private static Task<IReadOnlyDictionary<OrderStatus, long>> CountsAsync(TestNode node) => node.Database.ReadAsync(OrderCounts.ReadAsync);

    private static async Task<List<(string Channel, ChannelOrder Order)>> OrdersAsync(TestNode node)
    {
        var all = new List<(string, ChannelOrder)>();
        foreach (var channel in DemoOrders.Channels) all.AddRange((await node.Database.ReadAsync(s => ReadChannel.OrdersAsync(s, channel))).Select(o => (channel, o)));
        return all;
    }

    [Theory, EveryDatabase]
    public async Task Ten_seconds_after_an_empty_start_there_is_life_everywhere(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        using var business = new DemoBusiness(node.Node, Options);
        await RunAsync(node, business, TimeSpan.FromSeconds(10));
        var counts = await CountsAsync(node);
        Assert.True(counts.Count >= 5, string.Join(", ", counts));
        Assert.True(counts[OrderStatus.Shipped] > 0);
        var orders = await OrdersAsync(node);
        Assert.InRange(orders.Count, DemoBusiness.FirstOrders, DemoBusiness.FirstOrders + 60);
        Assert.Equal(3, orders.Select(o => o.Channel).Distinct().Count());
        Assert.Equal(3, orders.SelectMany(o => o.Order.Parts).Select(p => p.Site).Distinct().Count());
        foreach (var place in DemoPlaces.All)
            Assert.NotEmpty(await node.Database.ReadAsync(s => OpenWork.PickingAsync(s, place.Code, 10)));
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_second_start_goes_on_with_the_next_number_and_the_open_tasks(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        using (var first = new DemoBusiness(node.Node, Options)) await RunAsync(node, first, TimeSpan.FromSeconds(8));
        var before = await OrdersAsync(node);
        var products = await node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. DemoCatalog.Products.Select(p => p.Sku)]));
        using var second = new DemoBusiness(node.Node, Options);
        await RunAsync(node, second, TimeSpan.FromSeconds(60));
        var after = await OrdersAsync(node);
        Assert.InRange(after.Count - before.Count, 60, 240);
        Assert.Equal(DemoCatalog.Products.Count, products.Count);
        var numbers = new DemoOrders(Options);
        Assert.True(after.Max(o => numbers.NumberOf(o.Order.ExternalId)) > before.Max(o => numbers.NumberOf(o.Order.ExternalId)));
        Assert.Equal(after.Count, after.Select(o => o.Order.ExternalId).Distinct().Count());
        // What was in somebody's hands when the first run ended has left since, unless the customer or the service stopped it.
        var stuck = after.Where(o => before.Exists(b => b.Order.Id == o.Order.Id)).Count(o => o.Order.Status is OrderStatus.Picking or OrderStatus.Packing or OrderStatus.Ready);
        Assert.InRange(stuck, 0, 2);
        await node.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task After_hours_the_books_are_right_and_nothing_has_piled_up(string store)
    {
        await using var node = await TestNode.StartAsync(store);
        var slow = Options with { Rate = 0.05 };
        using var business = new DemoBusiness(node.Node, slow);
        var hours = store == "sqlite" ? 4 : 1; // the same business, and there every question is a round trip
        await RunAsync(node, business, TimeSpan.FromHours(hours), TimeSpan.FromSeconds(5));
        var counts = await CountsAsync(node);
        // 0.05 a second is 180 an hour; the forenoon has more than the average of the day.
        Assert.InRange(counts.Values.Sum(), 150 * hours, 320 * hours + DemoBusiness.FirstOrders);
        Assert.InRange(counts.Where(c => OrderLifecycle.IsOpen(c.Key)).Sum(c => c.Value), 0, 30);
        Assert.True(counts[OrderStatus.Cancelled] > 0);
        foreach (var place in DemoPlaces.All)
        {
            var supply = new DemoSupply(new DemoDesk(node.Node), place, new DemoOrders(slow), slow);
            var levels = await node.Database.ReadAsync(s => StockLevels.ReadAsync(s, place.Code));
            // What a cancelled order gives back comes on top of what was bought in its place meanwhile.
            foreach (var product in place.Products.Where(p => !p.Scarce))
                Assert.InRange(levels[product.Sku].Free, 0, 2 * supply.TargetOf(product) + 20);
        }
        Assert.Equal(0, await node.Database.ReadAsync(async s => await LaneReader.ParkedCountAsync(s)));
        await node.VerifyAsync();
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_business()
    {
        async Task<List<string>> AfterAsync(int seed)
        {
            await using var node = await TestNode.StartAsync("sqlite");
            using var business = new DemoBusiness(node.Node, Options with { Seed = seed });
            await RunAsync(node, business, TimeSpan.FromSeconds(15));
            return [.. (await OrdersAsync(node)).Select(o => $"{o.Channel} {o.Order.ExternalId} {o.Order.Status} {o.Order.Units} {string.Join(',', o.Order.Parts)}").Order()];
        }

        var once = await AfterAsync(11);
        Assert.Equal(once, await AfterAsync(11));
        Assert.NotEqual(once.Select(o => o[(o.IndexOf('-') + 1)..]), (await AfterAsync(12)).Select(o => o[(o.IndexOf('-') + 1)..]));
    }

    [Fact]
    public async Task Somebodys_own_business_is_left_alone()
    {
        await using var empty = await TestNode.StartAsync("sqlite");
        Assert.Null(await DemoSetup.RefuseAsync(empty.Node));
        using (var business = new DemoBusiness(empty.Node, Options)) await RunAsync(empty, business, TimeSpan.FromSeconds(1));
        Assert.Null(await DemoSetup.RefuseAsync(empty.Node));

        await using var theirs = await TestNode.StartAsync("sqlite");
        await theirs.RunAsync(Lane.Hub, tx => SaveSite.DecideAsync("WH1", new SiteBody { Name = "Ours", Type = SiteType.Warehouse }, tx, theirs.Node));
        Assert.Contains("WH1", await DemoSetup.RefuseAsync(theirs.Node));
    }

    [Fact]
    public void The_catalog_is_one_that_a_shop_could_have()
    {
        var products = DemoCatalog.Products;
        Assert.Equal(400, products.Count);
        Assert.Equal(10, products.Select(p => p.Product.Category).Distinct().Count());
        Assert.Equal(400, products.Select(p => p.Sku).Distinct().Count());
        Assert.Equal(DemoCatalog.ScarceCount, products.Count(p => p.Scarce));
        var codes = products.SelectMany(p => p.Product.Barcodes).Select(b => b.Code).ToList();
        Assert.Equal(800, codes.Distinct().Count());
        Assert.All(codes, c => Assert.Equal(0, c.Reverse().Select((d, i) => (d - '0') * (i % 2 == 0 ? 1 : 3)).Sum() % 10));
        Assert.All(products, p => Assert.True(p.Product is { WeightG: > 0, LengthMm: > 0, WidthMm: > 0, HeightMm: > 0, Price.Amount: > 0 }, p.Sku));
    }

    [Theory]
    [InlineData("-1", null)]
    [InlineData("x", null)]
    [InlineData(null, "0")]
    [InlineData(null, "51")]
    [InlineData(null, "two")]
    public void Flags_that_make_no_sense_are_refused(string? seed, string? rate) =>
        Assert.Throws<Stowline.Server.CommandRefusedException>(() => DemoOptions.Parse(seed, rate));
}
