using System.Text.Json;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;

namespace Stowline.Server.Csv;

/// <summary>Products, created or replaced. Those that are as the file says already are left alone.</summary>
internal sealed class ProductsCsv(NodeCalls calls, Caller caller) : CsvTarget
{
    private const int Together = 2_000;
    private readonly List<(Product Product, int Line)> _products = [];
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);

    public override string Kind => "products";
    public override IReadOnlyList<string> Columns =>
        ["sku", "name", "price", "price_currency", "seller", "category", "weight_g", "length_mm", "width_mm", "height_mm", "external_id", "barcodes"];
    public override IReadOnlyList<string> Required => ["sku", "name", "price", "price_currency"];

    public override void Take(CsvRow row)
    {
        var before = Bad.Total;
        var body = new ProductBody
        {
            Sku = row.Text("sku"), Name = row.Text("name"), Price = row.Price("price"), Seller = row.Text("seller"), Category = row.Text("category"),
            WeightG = row.Whole("weight_g"), LengthMm = row.Whole("length_mm"), WidthMm = row.Whole("width_mm"), HeightMm = row.Whole("height_mm"),
            ExternalId = row.Text("external_id"), Barcodes = Barcodes(row),
        };
        if (Bad.Total > before) return;
        var problems = new Problems();
        var product = SaveProducts.Check(body, "", problems);
        if (problems.Any) Bad.Add(row.Line, problems.ToRefusal());
        else if (!_lines.TryAdd(product.Sku, row.Line)) Bad.Add(row.Line, "sku", $"is on line {_lines[product.Sku]} already");
        else _products.Add((product, row.Line));
    }

    /// <summary>As exports write them, in JSON, or by hand: <c>4006381333931|4006381333948:12</c>, where 12 is what one scan stands for.</summary>
    private List<BarcodeBody?>? Barcodes(CsvRow row)
    {
        if (row.Text("barcodes") is not { } text) return null;
        try
        {
            if (text.StartsWith('[')) return JsonSerializer.Deserialize<List<BarcodeBody?>>(text, HttpJson.Options);
        }
        catch (JsonException)
        {
            Bad.Add(row.Line, "barcodes", "is not the JSON that an export writes");
            return null;
        }
        return [.. text.Split('|').Select(part => part.Split(':')).Select(parts => new BarcodeBody(parts[0], parts.Length == 1 ? null : long.TryParse(parts[^1], out var units) ? units : 0))];
    }

    public override async Task CheckAsync(CancellationToken ct)
    {
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (product, line) in _products)
            foreach (var barcode in product.Barcodes)
                if (!owners.TryAdd(barcode.Code, product.Sku)) Bad.Add(line, "barcodes", $"{barcode.Code} is given for {owners[barcode.Code]} too");
        foreach (var codes in owners.Keys.Chunk(Together))
        {
            var taken = await calls.Node.Database.ReadAsync(s => ReadProducts.BarcodeOwnersAsync(s, codes), ct);
            foreach (var (code, sku) in taken)
                if (sku != owners[code]) Bad.Add(_lines[owners[code]], "barcodes", $"{code} belongs to {sku}");
        }
    }

    public override async Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct)
    {
        int created = 0, updated = 0, read = 0;
        foreach (var chunk in _products.Chunk(Together))
        {
            var known = await calls.Node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. chunk.Select(p => p.Product.Sku)]), ct);
            Product[] changed = [.. chunk.Select(p => p.Product).Where(p => !known.TryGetValue(p.Sku, out var old) || !AreEqual(p, old))];
            if (changed.Length > 0)
            {
                var saved = (await calls.DoAsync<BulkResult>("products", Lane.Hub, caller, tx => SaveProducts.DecideAsync(changed, tx), hops: 1, ct))!;
                (created, updated) = (created + saved.Created, updated + saved.Updated);
            }
            done(read += chunk.Length, _products.Count);
        }
        return new Written(created, updated, _products.Count - created - updated);
    }

    private static bool AreEqual(Product a, Product b)
    {
        ProductBarcode[] none = [];
        return a with { Barcodes = none } == b with { Barcodes = none }
               && a.Barcodes.OrderBy(c => c.Code, StringComparer.Ordinal).SequenceEqual(b.Barcodes.OrderBy(c => c.Code, StringComparer.Ordinal));
    }
}
