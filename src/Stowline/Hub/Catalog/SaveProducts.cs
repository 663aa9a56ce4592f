using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>
/// Creates or replaces products. Lane: the hub's, told to every site on <c>hub/all</c>. A barcode belongs to one product:
/// 409 <c>barcode_taken</c>.
/// </summary>
public static class SaveProducts
{
    private const int EventChunk = 500;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/products/{sku}", (HttpContext http, string sku) => Commands.RunAsync<ProductBody, Product>(http, node.Lanes, Lane.Hub, async (body, tx) =>
        {
            if (body.Sku is not null && body.Sku.Trim() != sku.Trim()) return Refusal.Invalid("sku", "must equal the SKU of the address");
            var problems = new Problems();
            var product = Check(body with { Sku = sku }, "", problems);
            if (problems.Any) return problems.ToRefusal();
            var saved = await DecideAsync([product], tx);
            return saved.Refusal is { } no ? no : product;
        })).WithTags("Catalog").WithSummary("Create or replace a product").Accepts<ProductBody>("application/json").Produces<Product>();

        api.Post("/products/bulk", http => Commands.RunAsync<BulkProducts, BulkResult>(http, node.Lanes, Lane.Hub, async (body, tx) =>
        {
            var checkedItems = CheckAll(body.Items);
            return checkedItems.Refusal is { } no ? no : await DecideAsync(checkedItems.Value, tx);
        }, limit: Requests.BulkLimit)).WithTags("Catalog").WithSummary("Create or replace many products at once, all or none").Accepts<BulkProducts>("application/json").Produces<BulkResult>();
    }

    /// <summary>Checks the items of a bulk call, up to 100,000. The last of several items with one SKU counts.</summary>
    public static Outcome<IReadOnlyList<Product>> CheckAll(IReadOnlyList<ProductBody?>? items)
    {
        if (items is null or { Count: 0 }) return Refusal.Invalid("items", "is required");
        if (items.Count > Limits.MaxBulkItems) return Refusal.Invalid("too_many_items", "items", $"must be at most {Limits.MaxBulkItems}");
        var problems = new Problems();
        var products = new Dictionary<string, Product>(items.Count, StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is not { } item) problems.Add($"items[{i}]", "must not be null");
            else
            {
                var product = Check(item, $"items[{i}].", problems);
                products[product.Sku] = product;
            }
        }
        return problems.Any ? problems.ToRefusal() : products.Values.ToList();
    }

    internal static Product Check(ProductBody body, string at, Problems problems)
    {
        var name = problems.Text(body.Name?.Trim(), at + "name", 255);
        problems.Check(!string.IsNullOrEmpty(name), at + "name", "is required");
        problems.Check(body.Price is not null, at + "price", "is required");
        problems.Check(body.Price is not { Amount: < 0 }, at + "price", "must not be negative");
        var barcodes = new List<ProductBarcode>();
        for (var i = 0; i < (body.Barcodes?.Count ?? 0); i++)
        {
            var field = $"{at}barcodes[{i}].";
            if (i >= 100) { problems.Add(at + "barcodes", "must be at most 100"); break; }
            if (body.Barcodes![i] is not { } barcode) { problems.Add(field.TrimEnd('.'), "must not be null"); continue; }
            var code = problems.Code(barcode.Code, field + "code");
            problems.Check(barcodes.TrueForAll(b => b.Code != code), field + "code", "is given twice");
            barcodes.Add(new ProductBarcode(code, barcode.Units is null ? 1 : problems.Quantity(barcode.Units.Value, field + "units")));
        }
        return new Product
        {
            Sku = problems.Code(body.Sku, at + "sku"), Name = name ?? "", Price = body.Price,
            Seller = problems.Text(body.Seller, at + "seller", 128), Category = problems.Text(body.Category, at + "category", 128),
            ExternalId = problems.Text(body.ExternalId, at + "external_id", 128),
            WeightG = Measure(body.WeightG, at + "weight_g", problems), LengthMm = Measure(body.LengthMm, at + "length_mm", problems),
            WidthMm = Measure(body.WidthMm, at + "width_mm", problems), HeightMm = Measure(body.HeightMm, at + "height_mm", problems), Barcodes = barcodes,
        };
    }

    private static int? Measure(long? value, string field, Problems problems)
    {
        problems.Check(value is null or (>= 0 and <= 100_000_000), field, "must be 0–100,000,000");
        return value is >= 0 and <= 100_000_000 ? (int)value : null;
    }

    /// <summary>Saves checked products. Answers how many were new.</summary>
    public static async ValueTask<Outcome<BulkResult>> DecideAsync(IReadOnlyList<Product> products, LaneTransaction tx)
    {
        if (await TakenBarcodeAsync(products, tx) is { } taken) return taken;
        var existing = 0;
        await tx.SelectAsync("SELECT sku FROM products WHERE sku = k.sku", products.Count, [Column.From("sku", products, p => p.Sku)], _ => existing++);
        await tx.UpsertAsync("products", "sku", """
            name = excluded.name, price_e4 = excluded.price_e4, currency = excluded.currency, seller = excluded.seller, category = excluded.category,
            weight_g = excluded.weight_g, length_mm = excluded.length_mm, width_mm = excluded.width_mm, height_mm = excluded.height_mm,
            external_id = excluded.external_id, saved_at = excluded.saved_at
            """, products.Count,
            Column.From("sku", products, p => p.Sku), Column.From("name", products, p => p.Name), Column.From("price_e4", products, p => p.Price?.ToE4()),
            Column.From("currency", products, p => p.Price?.Currency), Column.From("seller", products, p => p.Seller),
            Column.From("category", products, p => p.Category), Column.From("weight_g", products, p => p.WeightG),
            Column.From("length_mm", products, p => p.LengthMm), Column.From("width_mm", products, p => p.WidthMm),
            Column.From("height_mm", products, p => p.HeightMm), Column.From("external_id", products, p => p.ExternalId),
            Column.Same("saved_at", products.Count, tx.Now));
        await SaveBarcodesAsync(products, existing, tx);
        foreach (var chunk in products.Chunk(EventChunk))
        {
            tx.Append(Lane.HubAll, new ProductsSaved([.. chunk.Select(Facts)]), chunk.Length == 1 ? "product/" + chunk[0].Sku : "products");
        }
        return new BulkResult(products.Count - existing, existing);
    }

    private static ProductFacts Facts(Product p) => new(p.Sku, p.Name, p.Price?.ToE4(), p.Price?.Currency, p.Seller, p.Category, p.WeightG, p.LengthMm,
        p.WidthMm, p.HeightMm, p.ExternalId, p.Barcodes.Count == 0 ? null : [.. p.Barcodes.Select(b => new BarcodeFacts(b.Code, b.Units))]);

    private static async ValueTask<Refusal?> TakenBarcodeAsync(IReadOnlyList<Product> products, LaneTransaction tx)
    {
        var owner = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var product in products)
            foreach (var barcode in product.Barcodes)
                if (!owner.TryAdd(barcode.Code, product.Sku) && owner[barcode.Code] != product.Sku)
                    return Refusal.Conflict("barcode_taken", $"barcode {barcode.Code} is given for {owner[barcode.Code]} and {product.Sku}");
        if (owner.Count == 0) return null;
        string[] codes = [.. owner.Keys];
        Refusal? taken = null;
        await tx.SelectAsync("SELECT code, sku FROM product_barcodes WHERE code = k.code", codes.Length, [Column.Of("code", codes)], row =>
        {
            if (owner[row.GetString(0)] != row.GetString(1))
                taken ??= Refusal.Conflict("barcode_taken", $"barcode {row.GetString(0)} belongs to {row.GetString(1)}");
        });
        return taken;
    }

    private static async ValueTask SaveBarcodesAsync(IReadOnlyList<Product> products, int existing, LaneTransaction tx)
    {
        if (existing > 0)
        {
            // A PUT replaces, so codes that are no longer named go.
            var keys = Column.From("sku", products, p => p.Sku);
            var old = new List<string>();
            await tx.SelectAsync("SELECT code FROM product_barcodes WHERE sku = k.sku", products.Count, [keys], row => old.Add(row.GetString(0)));
            foreach (var code in old.Except(products.SelectMany(p => p.Barcodes.Select(b => b.Code))))
                await tx.WriteAsync("DELETE FROM product_barcodes WHERE code = @code", new { code });
        }
        var rows = products.SelectMany(p => p.Barcodes.Select(b => (p.Sku, b.Code, b.Units))).ToList();
        if (rows.Count == 0) return;
        await tx.UpsertAsync("product_barcodes", "code", "sku = excluded.sku, units = excluded.units", rows.Count,
            Column.From("code", rows, r => r.Code), Column.From("sku", rows, r => r.Sku), Column.From("units", rows, r => r.Units));
    }
}
