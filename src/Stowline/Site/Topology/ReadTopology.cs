using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Topology;

/// <summary>A bin as it is answered. Positions in meters, dimensions in millimeters, weight in grams.</summary>
public sealed record BinView
{
    public string Site { get; init; } = "";
    public string Bin { get; init; } = "";
    public string Zone { get; init; } = "";
    public BinType Type { get; init; }
    public string? Aisle { get; init; }
    public string? Position { get; init; }
    public string? Level { get; init; }
    [JsonPropertyName("x_m")] public double? XM { get; init; }
    [JsonPropertyName("y_m")] public double? YM { get; init; }
    public string? Barcode { get; init; }
    public long? WidthMm { get; init; }
    public long? HeightMm { get; init; }
    public long? DepthMm { get; init; }
    public long? MaxWeightG { get; init; }
    public bool Available { get; init; }
    public bool Locked { get; init; }
    public string? LockReason { get; init; }

    /// <summary>Whether its units may go to customers: follows from lock, availability and the zone's type.</summary>
    public bool Pickable { get; init; }
}

/// <summary>Looking zones and bins up: one, or a list in the order of their codes.</summary>
public static class ReadTopology
{
    private const string ZoneColumns =
        "site, code AS zone, name, type, storage_class, temperature_min_c, temperature_max_c, humidity_min, humidity_max, area_m2, max_weight_g";
    private const string BinColumns = """
        site, code AS bin, zone, type, aisle, position, level, x_mm, y_mm, barcode, width_mm, height_mm, depth_mm, max_weight_g, available, locked,
        lock_reason, pickable
        """;

    private sealed record BinRow
    {
        public string Site { get; init; } = "";
        public string Bin { get; init; } = "";
        public string Zone { get; init; } = "";
        public BinType Type { get; init; }
        public string? Aisle { get; init; }
        public string? Position { get; init; }
        public string? Level { get; init; }
        public long? XMm { get; init; }
        public long? YMm { get; init; }
        public string? Barcode { get; init; }
        public long? WidthMm { get; init; }
        public long? HeightMm { get; init; }
        public long? DepthMm { get; init; }
        public long? MaxWeightG { get; init; }
        public bool Available { get; init; }
        public bool Locked { get; init; }
        public string? LockReason { get; init; }
        public bool Pickable { get; init; }

        public BinView View() => new()
        {
            Site = Site, Bin = Bin, Zone = Zone, Type = Type, Aisle = Aisle, Position = Position, Level = Level, XM = XMm / 1000d, YM = YMm / 1000d,
            Barcode = Barcode, WidthMm = WidthMm, HeightMm = HeightMm, DepthMm = DepthMm, MaxWeightG = MaxWeightG, Available = Available, Locked = Locked,
            LockReason = LockReason, Pickable = Pickable,
        };
    }

    /// <summary>What every site has, told before its rows are written by the site's first command.</summary>
    private static BinView ViewOf(string site, BinPlace place) => new()
    {
        Site = site, Bin = place.Code, Zone = place.Zone, Type = BinType.Floor, Available = true, Pickable = place.Pickable,
    };

    internal static async ValueTask<BinView?> FindBinAsync(LaneTransaction tx, string site, string bin) =>
        (await tx.FindAsync<BinRow>($"SELECT {BinColumns} FROM bins WHERE site = @site AND code = @bin", new { site, bin }))?.View()
        ?? (BinBook.BuiltIn.FirstOrDefault(b => b.Code == bin) is { } place ? ViewOf(site, place) : null);

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/sites/{code}/zones", http => SitePath.ReadAsync(http, node, site => ZonesAsync(site, new ListQuery(http), node)))
            .WithTags("Topology").WithSummary("Zones of a site").Pages<ZoneView>().Reads("type", "Only of this type.", typeof(ZoneType));
        api.Get("/sites/{code}/bins", http => SitePath.ReadAsync(http, node, site => BinsAsync(site, new ListQuery(http), node)))
            .WithTags("Topology").WithSummary("Bins of a site").Pages<BinView>()
            .Reads("type", "Only of this type.", typeof(BinType)).Reads("zone", "Only in this zone.").Reads("barcode", "The bin with this barcode.");
        api.Get("/sites/{code}/zones/{zone}", http => SitePath.ReadAsync(http, node, async site =>
        {
            var zone = SitePath.Segment(http, "zone");
            var found = !CodeRule.TryNormalize(zone, out var code) ? null : await node.Database.ReadAsync(async s =>
                await s.FindAsync<ZoneView>($"SELECT {ZoneColumns} FROM zones WHERE site = @site AND code = @code", new { site, code }), http.RequestAborted);
            return found is null ? Refusal.NotFound("zone_not_found", $"{site} has no zone {zone}") : (Outcome<ZoneView>)found;
        })).WithTags("Topology").WithSummary("One zone").Produces<ZoneView>();
        api.Get("/sites/{code}/bins/{bin}", http => SitePath.ReadAsync(http, node, async site =>
        {
            var bin = SitePath.Segment(http, "bin");
            var found = !CodeRule.TryNormalize(bin, out var code) ? null : await node.Database.ReadAsync(async s =>
                await s.FindAsync<BinRow>($"SELECT {BinColumns} FROM bins WHERE site = @site AND code = @code", new { site, code }), http.RequestAborted);
            return found is null ? Refusal.NotFound("bin_not_found", $"{site} has no bin {bin}") : (Outcome<BinView>)found.View();
        })).WithTags("Topology").WithSummary("One bin").Produces<BinView>();
    }

    private static async Task<Outcome<Page<ZoneView>>> ZonesAsync(string site, ListQuery query, Node node)
    {
        var cursor = query.CursorCodes(1);
        var type = query.Word<ZoneType>("type");
        if (query.IsWrong) return query.Refusal;
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<ZoneView>($"""
            SELECT {ZoneColumns} FROM zones WHERE site = @site AND code > @after AND (@type IS NULL OR type = @type) ORDER BY code LIMIT @more
            """, new { site, after = cursor?[0] ?? "", type, more = query.More }));
        return new Page<ZoneView>([.. rows.Take(query.Limit)], rows.Count > query.Limit ? rows[query.Limit - 1].Zone : null);
    }

    private static async Task<Outcome<Page<BinView>>> BinsAsync(string site, ListQuery query, Node node)
    {
        var cursor = query.CursorCodes(1);
        var type = query.Word<BinType>("type");
        var zone = query.Code("zone");
        var barcode = query.Code("barcode");
        if (query.IsWrong) return query.Refusal;
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<BinRow>($"""
            SELECT {BinColumns} FROM bins WHERE site = @site AND code > @after AND (@type IS NULL OR type = @type) AND (@zone IS NULL OR zone = @zone)
                AND (@barcode IS NULL OR barcode = @barcode) ORDER BY code LIMIT @more
            """, new { site, after = cursor?[0] ?? "", type, zone, barcode, more = query.More }));
        return new Page<BinView>([.. rows.Take(query.Limit).Select(r => r.View())], rows.Count > query.Limit ? rows[query.Limit - 1].Bin : null);
    }
}
