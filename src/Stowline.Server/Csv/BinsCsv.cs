using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;
using Stowline.Site.Topology;

namespace Stowline.Server.Csv;

/// <summary>Bins of one site, created or replaced. Their zones must be there.</summary>
internal sealed class BinsCsv(NodeCalls calls, Caller caller, string site) : CsvTarget
{
    private const int Together = 2_000;
    private readonly List<(SaveBins.CheckedBin Bin, int Line)> _bins = [];
    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _barcodes = new(StringComparer.Ordinal);

    public override string Kind => "bins";
    public override IReadOnlyList<string> Columns =>
        ["bin", "zone", "type", "aisle", "position", "level", "x_m", "y_m", "barcode", "width_mm", "height_mm", "depth_mm", "max_weight_g", "available"];
    public override IReadOnlyList<string> Required => ["bin", "zone"];
    public override IReadOnlyList<string> ReadOver => ["site", "locked", "lock_reason", "pickable"];

    public override void Take(CsvRow row)
    {
        var before = Bad.Total;
        var body = new BinBody
        {
            Bin = row.Text("bin"), Zone = row.Text("zone"), Type = row.Word<BinType>("type"), Aisle = row.Text("aisle"), Position = row.Text("position"),
            Level = row.Text("level"), XM = row.Number("x_m"), YM = row.Number("y_m"), Barcode = row.Text("barcode"), WidthMm = row.Whole("width_mm"),
            HeightMm = row.Whole("height_mm"), DepthMm = row.Whole("depth_mm"), MaxWeightG = row.Whole("max_weight_g"), Available = row.Flag("available"),
        };
        if (row.Text("site") is { } named && named != site) Bad.Add(row.Line, "site", $"is {named}, and this import is for {site}");
        if (Bad.Total > before) return;
        var problems = new Problems();
        var bin = SaveBins.Check(body, "", problems);
        if (problems.Any) Bad.Add(row.Line, problems.ToRefusal());
        else if (!_lines.TryAdd(bin.Code, row.Line)) Bad.Add(row.Line, "bin", $"is on line {_lines[bin.Code]} already");
        else if (bin.Barcode is { } barcode && !_barcodes.TryAdd(barcode, row.Line)) Bad.Add(row.Line, "barcode", $"is on line {_barcodes[barcode]} already");
        else _bins.Add((bin, row.Line));
    }

    public override Task CheckAsync(CancellationToken ct) => calls.DoAsync<Done>($"bins of {site}", Lane.Site(site), caller, async tx =>
    {
        SaveBins.CheckedBin[] bins = [.. _bins.Select(b => b.Bin)];
        var zones = await SaveBins.ZoneTypesAsync(tx, site, bins);
        var owners = await SaveBins.BarcodeOwnersAsync(tx, site, bins);
        foreach (var (bin, line) in _bins)
        {
            if (!zones.ContainsKey(bin.Zone)) Bad.Add(line, "zone", $"{site} has no zone {bin.Zone}");
            if (BinBook.BuiltIn.FirstOrDefault(b => b.Code == bin.Code) is { } place && place.Zone != bin.Zone) Bad.Add(line, "zone", $"{bin.Code} stays in its zone {place.Zone}");
            if (bin.Barcode is { } barcode && owners.GetValueOrDefault(barcode, bin.Code) != bin.Code) Bad.Add(line, "barcode", $"belongs to bin {owners[barcode]}");
        }
        return new Done();
    }, hops: 0, ct);

    public override async Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct)
    {
        int created = 0, updated = 0;
        foreach (var chunk in _bins.Select(b => b.Bin).Chunk(Together))
        {
            var saved = (await calls.DoAsync<BinsAnswer>($"bins of {site}", Lane.Site(site), caller, tx => SaveBins.DecideAsync(site, chunk, _ => "", tx), hops: 1, ct))!;
            (created, updated) = (created + saved.Created, updated + saved.Updated);
            done(created + updated, _bins.Count);
        }
        return new Written(created, updated, 0);
    }
}
