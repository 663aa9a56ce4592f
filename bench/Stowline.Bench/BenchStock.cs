using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline.Bench;

/// <summary>One warehouse with 1,000 products and more of each than any run asks for.</summary>
internal static class BenchStock
{
    public const int UnitsPerSku = 100_000_000;

    /// <summary>The warehouse with its goods received, as a user would.</summary>
    public static async Task FillAsync(Node node, string site = "WH1")
    {
        var products = await CatalogAsync(node, site);
        foreach (var chunk in products.Chunk(200))
        {
            var receipt = new ReceiptBody("bench", [.. chunk.Select(p => new ReceiptLine { Sku = p.Sku, Quantity = UnitsPerSku })]);
            await Must(node.Lanes.ExecuteAsync<Receipt>(Lane.Site(site), Caller.System, tx => ReceiveStock.DecideAsync(site, receipt, tx)));
        }
        await AcceptBench.DrainAsync(node);
    }

    /// <summary>The same, but the site only says that it grants: for a hub without its sites.</summary>
    public static async Task GrantAsync(Node node)
    {
        var products = await CatalogAsync(node);
        await Must(node.Lanes.ExecuteAsync<Done>(Lane.Site("WH1"), Caller.System, tx =>
        {
            tx.Append(Lane.Site("WH1"), new StockRebalanced("bench", [.. products.Select(p => new Balance(p.Sku, 1, UnitsPerSku, 0, 0, UnitsPerSku, 0, 0))]), "stock/WH1");
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        }));
        await AcceptBench.DrainAsync(node);
    }

    private static async Task<IReadOnlyList<Product>> CatalogAsync(Node node, string site = "WH1")
    {
        await Must(node.Lanes.ExecuteAsync<SiteView>(Lane.Hub, Caller.System, tx =>
            SaveSite.DecideAsync(site, new SiteBody { Name = "Warehouse", Type = SiteType.Warehouse }, tx, node)));
        var products = SaveProducts.CheckAll([.. Enumerable.Range(0, Workload.SpreadSkus).Select(i =>
            new ProductBody { Sku = Workload.SkuOf(i), Name = Workload.SkuOf(i), Price = new Money(9.99m, "EUR") })]).Value;
        await Must(node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx => SaveProducts.DecideAsync(products, tx)));
        return products;
    }

    public static string BinOf(int i) => $"B-{i:000}";

    /// <summary>A storage zone with so many bins.</summary>
    public static async Task BinsAsync(Node node, int count)
    {
        await Must(node.Lanes.ExecuteAsync(Lane.Site("WH1"), Caller.System, tx => SaveZone.DecideAsync("WH1", "B", new ZoneBody { Type = ZoneType.Storage }, tx)));
        var bins = SaveBins.CheckAll([.. Enumerable.Range(0, count).Select(i => new BinBody { Bin = BinOf(i), Zone = "B" })]).Value;
        await Must(node.Lanes.ExecuteAsync(Lane.Site("WH1"), Caller.System, tx => SaveBins.DecideAsync("WH1", bins, _ => "", tx)));
    }

    private static async Task Must<T>(Task<Outcome<T>> task)
    {
        var outcome = await task;
        if (!outcome.IsOk) throw new InvalidOperationException(outcome.Refusal!.Detail);
    }
}
