using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Topology;

/// <summary>A bin as a caller gives it (W2). Positions in meters, dimensions in millimeters, weight in grams.</summary>
public sealed record BinBody
{
    /// <summary>The code; in a bulk call only.</summary>
    public string? Bin { get; init; }
    public string? Zone { get; init; }
    public BinType? Type { get; init; }
    [JsonConverter(typeof(TextOrNumber))] public string? Aisle { get; init; }
    [JsonConverter(typeof(TextOrNumber))] public string? Position { get; init; }
    [JsonConverter(typeof(TextOrNumber))] public string? Level { get; init; }
    [JsonPropertyName("x_m")] public double? XM { get; init; }
    [JsonPropertyName("y_m")] public double? YM { get; init; }
    public string? Barcode { get; init; }
    public long? WidthMm { get; init; }
    public long? HeightMm { get; init; }
    public long? DepthMm { get; init; }
    public long? MaxWeightG { get; init; }
    public bool? Available { get; init; }
}

/// <summary>Many bins at once, at most 100,000.</summary>
public sealed record BinsBody(IReadOnlyList<BinBody?>? Items);

/// <summary>What a bulk call did.</summary>
public sealed record BinsAnswer(int Created, int Updated);

/// <summary>Shelves are numbered 3 as often as "3": both are read as text.</summary>
public sealed class TextOrNumber : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Number when reader.TryGetInt64(out var number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw new JsonException("must be text or a whole number"),
    };

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

/// <summary>
/// Creates or replaces bins, one or many. A lock is kept. The zone must exist (404 <c>zone_not_found</c>), a barcode belongs to one bin of the
/// site (409 <c>barcode_taken</c>), RECEIVING and STAGING stay in their zones (409 <c>bin_built_in</c>).
/// </summary>
public static class SaveBins
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/sites/{code}/bins/{bin}", (HttpContext http, string code) => SitePath.RunAsync<BinBody, BinView>(http, node, async (site, body, tx) =>
        {
            var asked = SitePath.Segment(http, "bin");
            if (body.Bin is not null && body.Bin.Trim() != asked.Trim()) return Refusal.Invalid("bin", "must equal the bin of the address");
            var problems = new Problems();
            var bin = Check(body with { Bin = asked }, "", problems);
            if (problems.Any) return problems.ToRefusal();
            var saved = await DecideAsync(site, [bin], _ => "", tx);
            return saved.Refusal is { } no ? no : (await ReadTopology.FindBinAsync(tx, site, bin.Code))!;
        })).WithTags("Topology").WithSummary("Create or replace a bin").Accepts<BinBody>("application/json").Produces<BinView>();

        api.Post("/sites/{code}/bins/bulk", http => SitePath.RunAsync<BinsBody, BinsAnswer>(http, node, async (site, body, tx) =>
        {
            var bins = CheckAll(body.Items);
            return bins.Refusal is { } no ? no : await DecideAsync(site, bins.Value, i => $"items[{i}].", tx);
        }, limit: Requests.BulkLimit)).WithTags("Topology").WithSummary("Create or replace many bins at once, all or none").Accepts<BinsBody>("application/json").Produces<BinsAnswer>();
    }

    /// <summary>A bin whose fields are in order.</summary>
    public sealed record CheckedBin(string Code, string Zone, BinType Type, string? Aisle, string? Position, string? Level, long? XMm, long? YMm, string? Barcode,
        long? WidthMm, long? HeightMm, long? DepthMm, long? MaxWeightG, bool Available)
    {
        public string Order { get; } = BinOrder.Of(Code, Aisle, Position, Level);
    }

    public static Outcome<IReadOnlyList<CheckedBin>> CheckAll(IReadOnlyList<BinBody?>? items)
    {
        if (items is null or { Count: 0 }) return Refusal.Invalid("items", "is required");
        if (items.Count > Limits.MaxBulkItems) return Refusal.Invalid("too_many_items", "items", $"must be at most {Limits.MaxBulkItems}");
        var problems = new Problems();
        var bins = new List<CheckedBin>(items.Count);
        var codes = new HashSet<string>(StringComparer.Ordinal);
        var barcodes = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is not { } item) { problems.Add($"items[{i}]", "must not be null"); continue; }
            var bin = Check(item, $"items[{i}].", problems);
            problems.Check(bin.Code.Length == 0 || codes.Add(bin.Code), $"items[{i}].bin", "is given twice");
            problems.Check(bin.Barcode is not { Length: > 0 } || barcodes.Add(bin.Barcode), $"items[{i}].barcode", "is given twice");
            bins.Add(bin);
        }
        return problems.Any ? problems.ToRefusal() : bins;
    }

    internal static CheckedBin Check(BinBody body, string at, Problems problems) => new(
        problems.Code(body.Bin, at + "bin"), problems.Code(body.Zone, at + "zone"), body.Type ?? BinType.Bin,
        Part(body.Aisle, at + "aisle", problems), Part(body.Position, at + "position", problems), Part(body.Level, at + "level", problems),
        Millimeters(body.XM, at + "x_m", problems), Millimeters(body.YM, at + "y_m", problems),
        string.IsNullOrWhiteSpace(body.Barcode) ? null : problems.Code(body.Barcode, at + "barcode"),
        Measure(body.WidthMm, at + "width_mm", 1_000_000, problems), Measure(body.HeightMm, at + "height_mm", 1_000_000, problems),
        Measure(body.DepthMm, at + "depth_mm", 1_000_000, problems), Measure(body.MaxWeightG, at + "max_weight_g", 1_000_000_000_000, problems),
        body.Available ?? true);

    private static string? Part(string? text, string field, Problems problems) => string.IsNullOrWhiteSpace(text) ? null : problems.Code(text, field);

    private static long? Measure(long? value, string field, long most, Problems problems)
    {
        problems.Check(value is null || (value >= 0 && value <= most), field, $"must be 0–{most}");
        return value;
    }

    private static long? Millimeters(double? meters, string field, Problems problems)
    {
        if (meters is null) return null;
        if (meters is >= -100_000 and <= 100_000) return (long)Math.Round(meters.Value * 1000);
        problems.Add(field, "must be -100,000 to 100,000");
        return null;
    }

    private sealed record Known(string Zone, bool Locked, bool Pickable, string Order);

    public static async ValueTask<Outcome<BinsAnswer>> DecideAsync(string site, IReadOnlyList<CheckedBin> bins, Func<int, string> field, LaneTransaction tx)
    {
        var zones = await ZoneTypesAsync(tx, site, bins);
        var known = await KnownAsync(tx, site, bins);
        for (var i = 0; i < bins.Count; i++)
        {
            if (!zones.ContainsKey(bins[i].Zone))
                return Refusal.NotFound("zone_not_found", $"{site} has no zone {bins[i].Zone}") with { Errors = new Dictionary<string, string[]> { [field(i) + "zone"] = ["does not exist"] } };
            if (known.TryGetValue(bins[i].Code, out var k) && BinBook.IsBuiltIn(bins[i].Code) && k.Zone != bins[i].Zone)
                return Refusal.Conflict("bin_built_in", $"{bins[i].Code} stays in its zone {k.Zone}");
        }
        if (await TakenBarcodeAsync(tx, site, bins) is { } taken) return taken;

        await BinBook.EnsureDefaultsAsync(tx, site);
        var written = bins.Select(b => (Bin: b, Pickable: BinOrder.IsPickable(b.Available, known.GetValueOrDefault(b.Code)?.Locked ?? false, zones[b.Zone]))).ToList();
        await WriteAsync(tx, site, written);
        var updated = bins.Count(b => known.ContainsKey(b.Code));
        tx.Append(Lane.Site(site), new BinsSaved(bins.Count - updated, updated, [.. bins.Select(b => b.Code)]) { Facts = [.. bins.Select(FactsOf)] }, $"bins/{site}");
        var changes = written.Where(w => known.TryGetValue(w.Bin.Code, out var k) && (k.Pickable != w.Pickable || k.Order != w.Bin.Order))
            .Select(w => new BinChange(w.Bin.Code, w.Pickable, w.Bin.Order)).ToList();
        await BinStock.FollowAsync(tx, site, changes, "bins_saved");
        return new BinsAnswer(bins.Count - updated, updated);
    }

    internal static async ValueTask<Dictionary<string, ZoneType>> ZoneTypesAsync(LaneTransaction tx, string site, IReadOnlyList<CheckedBin> bins)
    {
        var types = BinBook.BuiltIn.ToDictionary(b => b.Zone, b => b.ZoneType, StringComparer.Ordinal);
        var zones = bins.Select(b => b.Zone).Distinct(StringComparer.Ordinal).ToArray();
        await tx.SelectAsync("SELECT code, type FROM zones WHERE site = k.site AND code = k.code", zones.Length,
            [Column.Same("site", zones.Length, site), Column.Of("code", zones)], row => types[row.GetString(0)] = (ZoneType)row.GetInt32(1));
        return types;
    }

    private static async ValueTask<Dictionary<string, Known>> KnownAsync(LaneTransaction tx, string site, IReadOnlyList<CheckedBin> bins)
    {
        var known = BinBook.BuiltIn.ToDictionary(b => b.Code, b => new Known(b.Zone, false, b.Pickable, b.BinOrder), StringComparer.Ordinal);
        await tx.SelectAsync("SELECT code, zone, locked, pickable, bin_order FROM bins WHERE site = k.site AND code = k.code", bins.Count,
            [Column.Same("site", bins.Count, site), Column.From("code", bins, b => b.Code)],
            row => known[row.GetString(0)] = new Known(row.GetString(1), row.GetInt64(2) != 0, row.GetInt64(3) != 0, row.GetString(4)));
        return known;
    }

    private static async ValueTask<Refusal?> TakenBarcodeAsync(LaneTransaction tx, string site, IReadOnlyList<CheckedBin> bins)
    {
        var owners = await BarcodeOwnersAsync(tx, site, bins);
        return bins.FirstOrDefault(b => b.Barcode is { } code && owners.GetValueOrDefault(code, b.Code) != b.Code) is { } bin
            ? Refusal.Conflict("barcode_taken", $"barcode {bin.Barcode} belongs to bin {owners[bin.Barcode!]}") : null;
    }

    /// <summary>The bins that have these bins' barcodes now: barcode → bin.</summary>
    internal static async ValueTask<Dictionary<string, string>> BarcodeOwnersAsync(LaneTransaction tx, string site, IReadOnlyList<CheckedBin> bins)
    {
        string[] barcodes = [.. bins.Select(b => b.Barcode).OfType<string>().Distinct(StringComparer.Ordinal)];
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        await tx.SelectAsync("SELECT barcode, code FROM bins WHERE site = k.site AND barcode = k.barcode", barcodes.Length,
            [Column.Same("site", barcodes.Length, site), Column.Of("barcode", barcodes)], row => owners[row.GetString(0)] = row.GetString(1));
        return owners;
    }

    private static BinFacts FactsOf(CheckedBin bin) => new(bin.Code, bin.Zone, SnakeCaseEnum<BinType>.Text(bin.Type), bin.Aisle, bin.Position, bin.Level, bin.XMm, bin.YMm, bin.Barcode,
        bin.WidthMm, bin.HeightMm, bin.DepthMm, bin.MaxWeightG, bin.Available);

    internal static ValueTask WriteAsync(LaneTransaction tx, string site, IReadOnlyList<(CheckedBin Bin, bool Pickable)> bins) => tx.UpsertAsync("bins", "site, code", """
        zone = excluded.zone, type = excluded.type, aisle = excluded.aisle, position = excluded.position, level = excluded.level, x_mm = excluded.x_mm,
        y_mm = excluded.y_mm, barcode = excluded.barcode, width_mm = excluded.width_mm, height_mm = excluded.height_mm, depth_mm = excluded.depth_mm,
        max_weight_g = excluded.max_weight_g, available = excluded.available, pickable = excluded.pickable, bin_order = excluded.bin_order,
        updated_at = excluded.updated_at
        """, bins.Count,
        Column.Same("site", bins.Count, site), Column.From("code", bins, b => b.Bin.Code), Column.From("zone", bins, b => b.Bin.Zone),
        Column.From("type", bins, b => (int)b.Bin.Type), Column.From("aisle", bins, b => b.Bin.Aisle), Column.From("position", bins, b => b.Bin.Position),
        Column.From("level", bins, b => b.Bin.Level), Column.From("x_mm", bins, b => b.Bin.XMm), Column.From("y_mm", bins, b => b.Bin.YMm),
        Column.From("barcode", bins, b => b.Bin.Barcode), Column.From("width_mm", bins, b => b.Bin.WidthMm), Column.From("height_mm", bins, b => b.Bin.HeightMm),
        Column.From("depth_mm", bins, b => b.Bin.DepthMm), Column.From("max_weight_g", bins, b => b.Bin.MaxWeightG),
        Column.From("available", bins, b => b.Bin.Available), Column.Same("locked", bins.Count, false), Column.From("pickable", bins, b => b.Pickable),
        Column.From("bin_order", bins, b => b.Bin.Order), Column.Same("updated_at", bins.Count, tx.Now));
}
