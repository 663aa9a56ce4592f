using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>Looking products up: one, a list, and what order intake needs of many at once.</summary>
public static class ReadProducts
{
    private const string Columns = "sku, name, price_e4, currency, seller, category, weight_g, length_mm, width_mm, height_mm, external_id";

    private sealed record Row
    {
        public string Sku { get; init; } = "";
        public string Name { get; init; } = "";
        public long? PriceE4 { get; init; }
        public string? Currency { get; init; }
        public string? Seller { get; init; }
        public string? Category { get; init; }
        public int? WeightG { get; init; }
        public int? LengthMm { get; init; }
        public int? WidthMm { get; init; }
        public int? HeightMm { get; init; }
        public string? ExternalId { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapGet("/products/{sku}", async (HttpContext http, string sku) =>
        {
            var found = await node.Database.ReadAsync(s => LoadAsync(s, $"SELECT {Columns} FROM products WHERE sku = @sku", new { sku }), http.RequestAborted);
            Outcome<Product> answer = found.Count == 1 ? found[0] : Refusal.NotFound("product_not_found", $"there is no product {sku}");
            await Answers.WriteAsync(http, answer);
        }).WithTags("Catalog").WithSummary("One product by its SKU").Produces<Product>();

        api.Get("/products", async http =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var (limit, cursor) = paging.Value;
            var (seller, category, barcode) = (Requests.Query(http, "seller"), Requests.Query(http, "category"), Requests.Query(http, "barcode"));
            // A key that is limited to sellers gets theirs, one after another by the index, and merged: an OR would read the whole catalogue.
            string?[] sellers = seller is null && CallLimits.Of(http).Sellers is { Count: > 0 } own ? [.. own] : [seller];
            var found = await node.Database.ReadAsync(async s =>
            {
                var all = new List<Product>();
                foreach (var of in sellers) all.AddRange(await PageAsync(s, cursor ?? "", of, category, barcode, limit + 1));
                return sellers.Length == 1 ? all : [.. all.OrderBy(p => p.Sku, ByBytes)];
            }, http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<Product>>)new Page<Product>([.. found.Take(limit)], found.Count > limit ? found[limit - 1].Sku : null));
        }).WithTags("Catalog").WithSummary("Products, in order of SKU").Pages<Product>()
            .Reads("seller", "Only of this seller.").Reads("category", "Only of this category.").Reads("barcode", "Only the one with this barcode, exactly as it is registered.");
    }

    /// <summary>As both databases compare text: by its UTF-8 bytes, which ordinal comparison of UTF-16 is not beyond the basic plane.</summary>
    private static readonly Comparer<string> ByBytes =
        Comparer<string>.Create((a, b) => System.Text.Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(b)));

    // Only the conditions that are asked for are in the text: each combination then finds its index.
    private static Task<IReadOnlyList<Product>> PageAsync(SqlSession session, string cursor, string? seller, string? category, string? barcode, int more) => LoadAsync(session, $"""
        SELECT {Columns} FROM products WHERE sku > @cursor{(seller is null ? "" : " AND seller = @seller")}{(category is null ? "" : " AND category = @category")}{(barcode is null ? "" : " AND sku IN (SELECT sku FROM product_barcodes WHERE code = @barcode)")}
        ORDER BY sku LIMIT @more
        """, new { cursor, seller, category, barcode, more });

    /// <summary>Those of the SKUs that are these sellers' products.</summary>
    public static async Task<HashSet<string>> OfSellersAsync(SqlSession session, IReadOnlyCollection<string> skus, IReadOnlyCollection<string> sellers)
    {
        string[] wanted = [.. skus];
        var own = new HashSet<string>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT sku, seller FROM products WHERE sku = k.sku", wanted.Length, [Column.Of("sku", wanted)], row =>
        {
            if (row.GetStringOrNull(1) is { } seller && sellers.Contains(seller, StringComparer.Ordinal)) own.Add(row.GetString(0));
        });
        return own;
    }

    /// <summary>Category and seller of those of the SKUs that exist.</summary>
    public static async Task<IReadOnlyDictionary<string, (string? Category, string? Seller)>> KindsAsync(SqlSession session, string[] skus)
    {
        var kinds = new Dictionary<string, (string? Category, string? Seller)>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT sku, category, seller FROM products WHERE sku = k.sku", skus.Length, [Column.Of("sku", skus)],
            row => kinds[row.GetString(0)] = (row.GetStringOrNull(1), row.GetStringOrNull(2)));
        return kinds;
    }

    /// <summary>The SKUs of these sellers behind one, in order.</summary>
    public static async Task<IReadOnlyList<string>> SkusOfSellersAsync(SqlSession session, IReadOnlyCollection<string> sellers, string after, int limit)
    {
        var skus = new List<string>();
        foreach (var seller in sellers)
            skus.AddRange(await session.QueryAsync<string>("SELECT sku FROM products WHERE seller = @seller AND sku > @after ORDER BY sku LIMIT @limit", new { seller, after, limit }));
        return [.. skus.Order(ByBytes).Take(limit)];
    }

    /// <summary>Those of the SKUs that exist, whole: what an import needs to leave alone what somebody has set by hand.</summary>
    public static async Task<IReadOnlyDictionary<string, Product>> FindAllAsync(SqlSession session, IReadOnlyCollection<string> skus)
    {
        string[] wanted = [.. skus.Distinct(StringComparer.Ordinal)];
        var rows = new List<Row>(wanted.Length);
        await session.SelectAsync($"SELECT {Columns} FROM products WHERE sku = k.sku", wanted.Length, [Column.Of("sku", wanted)], row => rows.Add(new Row
        {
            Sku = row.GetString(0), Name = row.GetString(1), PriceE4 = row.IsNull(2) ? null : row.GetInt64(2), Currency = row.GetStringOrNull(3),
            Seller = row.GetStringOrNull(4), Category = row.GetStringOrNull(5), WeightG = IntOrNull(row, 6), LengthMm = IntOrNull(row, 7),
            WidthMm = IntOrNull(row, 8), HeightMm = IntOrNull(row, 9), ExternalId = row.GetStringOrNull(10),
        }));
        return (await WithBarcodesAsync(session, rows)).ToDictionary(p => p.Sku, StringComparer.Ordinal);
    }

    /// <summary>The products that have these barcodes now: barcode → SKU.</summary>
    internal static async Task<IReadOnlyDictionary<string, string>> BarcodeOwnersAsync(SqlSession session, string[] codes)
    {
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT code, sku FROM product_barcodes WHERE code = k.code", codes.Length, [Column.Of("code", codes)],
            row => owners[row.GetString(0)] = row.GetString(1));
        return owners;
    }

    private static int? IntOrNull(RowReader row, int column) => row.IsNull(column) ? null : row.GetInt32(column);

    private static async Task<IReadOnlyList<Product>> LoadAsync(SqlSession session, string sql, object args) =>
        await WithBarcodesAsync(session, await session.QueryAsync<Row>(sql, args));

    private static async Task<IReadOnlyList<Product>> WithBarcodesAsync(SqlSession session, IReadOnlyList<Row> rows)
    {
        var barcodes = new Dictionary<string, List<ProductBarcode>>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT sku, code, units FROM product_barcodes WHERE sku = k.sku", rows.Count, [Column.From("sku", rows, r => r.Sku)], row =>
        {
            if (!barcodes.TryGetValue(row.GetString(0), out var list)) barcodes[row.GetString(0)] = list = [];
            list.Add(new ProductBarcode(row.GetString(1), row.GetInt32(2)));
        });
        return [.. rows.Select(r => new Product
        {
            Sku = r.Sku, Name = r.Name, Price = r.PriceE4 is { } e4 ? Money.FromE4(e4, r.Currency!) : null, Seller = r.Seller, Category = r.Category,
            WeightG = r.WeightG, LengthMm = r.LengthMm, WidthMm = r.WidthMm, HeightMm = r.HeightMm, ExternalId = r.ExternalId,
            Barcodes = barcodes.TryGetValue(r.Sku, out var own) ? own : [],
        })];
    }
}

/// <summary>What intake must know of a product: that it exists, its price, and by what routing rules know it.</summary>
public readonly record struct CatalogPrice(long? PriceE4, string? Currency, string? Category, string? Seller);

/// <summary>
/// Prices for the accept path, remembered for as long as the lane <c>hub/all</c> stands still: nothing in the catalogue can have changed
/// meanwhile, in whichever process. Without this every order line would look its product up again.
/// </summary>
public sealed class PriceBook
{
    private const int MaxRemembered = 200_000;
    private ConcurrentDictionary<string, CatalogPrice> _known = new(StringComparer.Ordinal);
    private long _position = -1;

    /// <summary>The prices of those of the SKUs that exist.</summary>
    public async ValueTask<IReadOnlyDictionary<string, CatalogPrice>> PricesAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        var position = await tx.SettledHeadAsync(Lane.HubAll);
        if (position < 0)
        {
            // This very group changes the catalogue: what it reads now may yet be rolled back, so it is not remembered.
            var now = new Dictionary<string, CatalogPrice>(StringComparer.Ordinal);
            await LoadAsync(tx, [.. skus], (sku, price) => now[sku] = price);
            return now;
        }
        if (position != _position || _known.Count > MaxRemembered)
        {
            _known = new ConcurrentDictionary<string, CatalogPrice>(StringComparer.Ordinal);
            _position = position;
        }
        var known = _known;
        string[] missing = [.. skus.Where(s => !known.ContainsKey(s))];
        if (missing.Length > 0) await LoadAsync(tx, missing, (sku, price) => known[sku] = price);
        return known;
    }

    private static ValueTask LoadAsync(LaneTransaction tx, string[] skus, Action<string, CatalogPrice> found) =>
        tx.SelectAsync("SELECT sku, price_e4, currency, category, seller FROM products WHERE sku = k.sku", skus.Length, [Column.Of("sku", skus)],
            row => found(row.GetString(0), new CatalogPrice(row.IsNull(1) ? null : row.GetInt64(1), row.GetStringOrNull(2), row.GetStringOrNull(3), row.GetStringOrNull(4))));
}
