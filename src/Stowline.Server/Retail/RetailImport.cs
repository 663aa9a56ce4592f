using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Server.Retail;

/// <summary>What an import did to the catalogue and the floor.</summary>
internal sealed record ImportResult(int Products, int Created, int Updated, int BinsCreated)
{
    public int Unchanged => Products - Created - Updated;
}

/// <summary>
/// Brings a file's products and the floor they lie on into a node. What exists stays as it is, because somebody may have set it by hand; only
/// a price that is missing is filled in. So an import may be run again at any time, and goes on where it was stopped.
/// </summary>
internal sealed class RetailImport(NodeCalls calls, string site)
{
    public const string Currency = "GBP";
    private const int ProductsTogether = 1_000;
    private static readonly Caller Importer = new("online-retail");

    public async Task<ImportResult> RunAsync(RetailPlan plan, CancellationToken ct)
    {
        var bins = await FloorAsync(plan.Products, ct);
        var existing = await calls.Node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. plan.Products.Select(p => p.Sku)]), ct);
        int created = 0, updated = 0;
        foreach (var chunk in plan.Products.Select(p => Wanted(p, existing.GetValueOrDefault(p.Sku))).OfType<Product>().Chunk(ProductsTogether))
        {
            var saved = await calls.DoAsync<BulkResult>("products", Lane.Hub, Importer, tx => SaveProducts.DecideAsync(chunk, tx), hops: 1, ct);
            created += saved!.Created;
            updated += saved.Updated;
        }
        return new ImportResult(plan.Products.Count, created, updated, bins);
    }

    /// <summary>The product as it is to be saved, or null where it can stay as it is. Not by way of the bulk call's checks: they want a price.</summary>
    private static Product? Wanted(RetailProduct product, Product? existing)
    {
        var price = product.PriceE4 is { } e4 ? Money.FromE4(e4, Currency) : (Money?)null;
        if (existing is null) return new Product { Sku = product.Sku, Name = RetailText.Clean(product.Name, 255), Price = price };
        return existing.Price is null && price is not null ? existing with { Price = price } : null;
    }

    /// <summary>The site, its picking zone and a home bin for each product, where they are missing. Answers how many bins were.</summary>
    private async Task<int> FloorAsync(IReadOnlyList<RetailProduct> products, CancellationToken ct)
    {
        if (!calls.Node.Sites.Contains(site))
            await calls.DoAsync<SiteView>($"site {site}", Lane.Hub, Importer,
                tx => SaveSite.DecideAsync(site, new SiteBody { Name = $"Warehouse {site}", Type = SiteType.Warehouse }, tx, calls.Node), hops: 1, ct);
        var wanted = RetailFloor.Bins(products.Count).Select(b => new BinBody
        {
            Bin = b.Code, Zone = RetailFloor.Zone, Type = BinType.Shelf, Aisle = b.Aisle, Position = b.Position, Level = b.Level, XM = b.XM, YM = b.YM,
        }).ToList();
        if (wanted.Count == 0) return 0;
        var bins = SaveBins.CheckAll(wanted).Value;
        return await calls.DoAsync<int>($"bins of {site}", Lane.Site(site), Importer, async tx =>
        {
            var known = await BinBook.PlacesAsync(tx, site, [.. bins.Select(b => b.Code)]);
            var missing = bins.Where(b => !known.ContainsKey(b.Code)).ToList();
            if (missing.Count == 0) return 0;
            if (!await BinBook.HasZoneAsync(tx, site, RetailFloor.Zone))
            {
                var zone = await SaveZone.DecideAsync(site, RetailFloor.Zone, new ZoneBody { Name = "Picking", Type = ZoneType.Picking }, tx);
                if (zone.Refusal is { } no) return no;
            }
            return (await SaveBins.DecideAsync(site, missing, i => $"bins[{i}].", tx)).Map(b => b.Created);
        }, hops: 0, ct);
    }
}

/// <summary>The file's texts, as the node takes them.</summary>
internal static class RetailText
{
    /// <summary>Without control characters, and no longer than allowed.</summary>
    public static string Clean(string text, int max)
    {
        var clean = text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;
        return clean.Length <= max ? clean : clean[..max].TrimEnd();
    }
}
