using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;
using Stowline.Tests.Support;

namespace Stowline.Tests.Retail;

/// Goal: import and replay on a node do what the plan says, and nothing twice. Method: small files on a node whose pumps run.
public sealed class NodeShopTests
{
    private sealed class Shop : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("stowline-retail-").FullName;
        private string? _data;
        private (string Server, string Name)? _postgres;

        public required Node Node { get; init; }
        public NodeCalls Calls => new(Node);

        public static async Task<Shop> OpenAsync(string store)
        {
            var (database, folder, postgres) = await TestNode.NewDatabaseAsync(store, TimeProvider.System);
            var shop = new Shop { Node = await Node.OpenAsync(database), _data = folder, _postgres = postgres };
            shop.Node.Start();
            return shop;
        }

        public RetailPlan Plan(int days, int firstDay = 0, int seed = 7)
        {
            using var file = RetailFile.Open(SmallFile.Write(_folder, days, invoicesPerDay: 10, seed, firstDay));
            return RetailPlanner.Make(RetailBook.Load(file.Rows()));
        }

        public async Task<ShopBooks> ReplayAsync(RetailPlan plan, string speed = "max")
        {
            Assert.True(ReplaySpeed.TryParse(speed, out var pace));
            await new RetailImport(Calls, "WH1").RunAsync(plan, default);
            var shop = new NodeShop(Calls, plan, "WH1");
            await new RetailReplay(shop, TimeProvider.System, pace, workers: 8).RunAsync(plan, default);
            return await shop.BooksAsync(default);
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
            if (_data is not null) Directory.Delete(_data, recursive: true);
            if (_postgres is { } p) await TestNode.DropAsync(p.Server, p.Name);
        }
    }

    private static void AssertEven(RetailPlan plan, ShopBooks books)
    {
        Assert.Empty(books.DifferencesTo(plan.Planned));
        Assert.All(books.Verify, c => Assert.Equal("ok", c.Value));
    }

    [Theory, EveryDatabase]
    public async Task A_replay_books_what_the_plan_says_and_a_second_one_nothing(string store)
    {
        await using var shop = await Shop.OpenAsync(store);
        var plan = shop.Plan(days: 9);
        Assert.True(plan.Planned is { OrdersCancelled: > 0, UnitsReturned: > 0, UnitsFound: > 0, UnitsWrittenOff: > 0 });
        AssertEven(plan, await shop.ReplayAsync(plan));
        var heads = await HeadsAsync(shop.Node);
        AssertEven(plan, await shop.ReplayAsync(plan));
        Assert.Equal(heads, await HeadsAsync(shop.Node));
    }

    private static Task<IReadOnlyList<long>> HeadsAsync(Node node) =>
        node.Database.ReadAsync(async s => await s.QueryAsync<long>("SELECT head_position FROM lanes ORDER BY id"));

    [Fact]
    public async Task The_next_file_may_begin_in_the_week_in_which_the_last_one_ended()
    {
        await using var shop = await Shop.OpenAsync("sqlite");
        // 2010-12-01 is a Wednesday: the first file ends on that week's Friday, the second begins on its Saturday.
        var (first, second) = (shop.Plan(days: 3), shop.Plan(days: 4, firstDay: 3, seed: 8));
        Assert.Equal(first.Weeks[^1].Name, second.Weeks[0].Name);
        AssertEven(first, await shop.ReplayAsync(first));
        AssertEven(second, await shop.ReplayAsync(second));
        AssertEven(first, await shop.ReplayAsync(first));
    }

    [Fact]
    public async Task Paced_it_ends_in_the_same_books()
    {
        await using var shop = await Shop.OpenAsync("sqlite");
        var plan = shop.Plan(days: 3);
        AssertEven(plan, await shop.ReplayAsync(plan, "500000x"));
    }

    [Fact]
    public async Task Importing_again_changes_nothing_and_keeps_what_was_set_by_hand()
    {
        await using var shop = await Shop.OpenAsync("sqlite");
        var plan = shop.Plan(days: 2);
        var first = await new RetailImport(shop.Calls, "WH1").RunAsync(plan, default);
        Assert.Equal((plan.Products.Count, 0), (first.Created, first.Updated));
        Assert.True(first.BinsCreated >= plan.Products.Count);

        var sku = plan.Products[0].Sku;
        var byHand = new Product { Sku = sku, Name = "Named by hand", Price = null, WeightG = 120, Category = "jars", Barcodes = [new ProductBarcode("4006381333931", 1)] };
        await shop.Node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx => SaveProducts.DecideAsync([byHand], tx));
        var second = await new RetailImport(shop.Calls, "WH1").RunAsync(plan, default);
        Assert.Equal((0, 1, 0), (second.Created, second.Updated, second.BinsCreated)); // the price that was missing
        var third = await new RetailImport(shop.Calls, "WH1").RunAsync(plan, default);
        Assert.Equal((0, 0), (third.Created, third.Updated));
        var kept = (await shop.Node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [sku])))[sku];
        Assert.Equal((byHand.Name, byHand.WeightG, byHand.Category, byHand.Barcodes[0]), (kept.Name, kept.WeightG, kept.Category, kept.Barcodes[0]));
        Assert.Equal(RetailImport.Currency, kept.Price!.Value.Currency);
    }
}
