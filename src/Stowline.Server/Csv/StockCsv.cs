using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline.Server.Csv;

/// <summary>
/// Goods received at one site, also its opening stock: the rows of one reference are one receipt. A reference that the site has received
/// before is left alone, so that the same file again brings nothing in twice.
/// </summary>
internal sealed class StockCsv(NodeCalls calls, Caller caller, string site) : CsvTarget
{
    private const int Together = 16;
    private readonly Dictionary<string, List<(ReceiptLine Line, int At)>> _receipts = new(StringComparer.Ordinal);

    public override string Kind => "stock";
    public override IReadOnlyList<string> Columns => ["reference", "sku", "quantity", "bin", "lot", "expires_on", "manufactured_on"];
    public override IReadOnlyList<string> Required => ["reference", "sku", "quantity"];

    public override void Take(CsvRow row)
    {
        var before = Bad.Total;
        var line = new ReceiptLine
        {
            Sku = row.Text("sku"), Quantity = row.Whole("quantity"), Bin = row.Text("bin"), Lot = row.Text("lot"),
            ExpiresOn = row.Date("expires_on"), ManufacturedOn = row.Date("manufactured_on"),
        };
        if (Bad.Total > before) return;
        var problems = new Problems();
        var (reference, _) = ReceiveStock.Check(new ReceiptBody(row.Text("reference"), [line]), problems);
        if (problems.Any) { Bad.Add(row.Line, Columnwise(problems.ToRefusal())); return; }
        if (!_receipts.TryGetValue(reference, out var lines)) _receipts[reference] = lines = [];
        lines.Add((line with { Sku = line.Sku!.Trim() }, row.Line));
        if (lines.Count == ReceiveStock.MaxLines + 1) Bad.Add(row.Line, "reference", $"has more than {ReceiveStock.MaxLines} rows; give the further ones another reference");
    }

    private static Refusal Columnwise(Refusal refusal) => refusal with
    {
        Errors = refusal.Errors!.ToDictionary(e => e.Key.Replace("lines[0].", "", StringComparison.Ordinal), e => e.Value),
    };

    public override async Task CheckAsync(CancellationToken ct)
    {
        var lines = _receipts.Values.SelectMany(l => l).ToList();
        foreach (var chunk in lines.Chunk(5_000))
        {
            var known = await calls.Node.Database.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. chunk.Select(l => l.Line.Sku!)]), ct);
            foreach (var (line, at) in chunk)
                if (!known.ContainsKey(line.Sku!)) Bad.Add(at, "sku", $"there is no product {line.Sku}");
        }
        await calls.DoAsync<Done>($"stock of {site}", Lane.Site(site), caller, async tx =>
        {
            var places = await BinBook.PlacesAsync(tx, site, [.. lines.Select(l => l.Line.Bin?.Trim() ?? StockBook.Receiving)]);
            foreach (var (line, at) in lines)
            {
                var bin = line.Bin?.Trim() ?? StockBook.Receiving;
                if (!places.TryGetValue(bin, out var place)) Bad.Add(at, "bin", $"{site} has no bin {bin}");
                else if (Posting.MayPut(place) is { } no) Bad.Add(at, "bin", no.Detail);
            }
            return new Done();
        }, hops: 0, ct);
    }

    public override async Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct)
    {
        int created = 0, read = 0;
        // Several at once, in the order of the file: they share the writer's groups.
        foreach (var chunk in _receipts.Chunk(Together))
        {
            var booked = await Task.WhenAll(chunk.Select(r => BookAsync(r.Key, [.. r.Value.Select(l => l.Line)], ct)));
            created += booked.Count(isNew => isNew);
            done(read += chunk.Length, _receipts.Count);
        }
        return new Written(created, 0, _receipts.Count - created);
    }

    /// <summary>Asked and booked in one transaction: two imports of the same file at once book it once.</summary>
    private Task<bool> BookAsync(string reference, ReceiptLine[] lines, CancellationToken ct) => calls.DoAsync<bool>($"receipt {reference}", Lane.Site(site), caller, async tx =>
        await ReceiveStock.IsReceivedAsync(tx, site, reference) ? false
            : (await ReceiveStock.DecideAsync(site, new ReceiptBody(reference, lines), tx)).Map(_ => true), hops: 1, ct);
}
