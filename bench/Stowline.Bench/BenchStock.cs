using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Bench;

/// <summary>One warehouse with 1,000 products and more of each than any run asks for.</summary>
internal static class BenchStock
{
    public const int UnitsPerSku = 100_000_000;

    public static async Task FillAsync(Node node)
    {
        await Must(node.Lanes.ExecuteAsync<SiteView>(Lane.Hub, Caller.System, tx =>
            SaveSite.DecideAsync("WH1", new SiteBody { Name = "Warehouse", Type = SiteType.Warehouse }, tx, node)));
        var products = SaveProducts.CheckAll([.. Enumerable.Range(0, Workload.SpreadSkus).Select(i =>
            new ProductBody { Sku = Workload.SkuOf(i), Name = Workload.SkuOf(i), Price = new Money(9.99m, "EUR") })]).Value;
        await Must(node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx => SaveProducts.DecideAsync(products, tx)));
        foreach (var chunk in products.Chunk(200))
        {
            await Must(node.Lanes.ExecuteAsync<Done>(Lane.Site("WH1"), Caller.System, async tx =>
            {
                var movements = await StockBook.ReturnAsync(tx, "WH1", [.. chunk.Select(p => (new StockUnits(p.Sku, StockBook.Receiving, null, UnitsPerSku), false))], "bench", "bench");
                tx.Append(Lane.Site("WH1"), new StockMoved("bench", movements, await StockBook.SettleAsync(tx, "WH1", [.. chunk.Select(p => p.Sku)])), "stock/bench");
                return new Done();
            }));
        }
        await AcceptBench.DrainAsync(node);
    }

    private static async Task Must<T>(Task<Outcome<T>> task)
    {
        var outcome = await task;
        if (!outcome.IsOk) throw new InvalidOperationException(outcome.Refusal!.Detail);
    }
}
