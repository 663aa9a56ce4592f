using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Topology;

/// <summary>A zone as a caller gives it (W2). Temperatures in °C, humidity in percent, area in m², weight in grams.</summary>
public sealed record ZoneBody
{
    public string? Name { get; init; }
    public ZoneType? Type { get; init; }
    public StorageClass? StorageClass { get; init; }
    public double? TemperatureMinC { get; init; }
    public double? TemperatureMaxC { get; init; }
    public double? HumidityMin { get; init; }
    public double? HumidityMax { get; init; }
    public double? AreaM2 { get; init; }
    public long? MaxWeightG { get; init; }
}

/// <summary>A zone as it is answered.</summary>
public sealed record ZoneView
{
    public string Site { get; init; } = "";
    public string Zone { get; init; } = "";
    public string Name { get; init; } = "";
    public ZoneType Type { get; init; }
    public StorageClass StorageClass { get; init; }
    public double? TemperatureMinC { get; init; }
    public double? TemperatureMaxC { get; init; }
    public double? HumidityMin { get; init; }
    public double? HumidityMax { get; init; }
    public double? AreaM2 { get; init; }
    public long? MaxWeightG { get; init; }
}

/// <summary>
/// Creates or replaces a zone. Its type decides whether the stock in its bins may go to customers, so changing it withdraws or grants that
/// stock. The type of RECEIVING and STAGING is fixed: 409 <c>zone_built_in</c>.
/// </summary>
public static class SaveZone
{
    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapPut("/sites/{code}/zones/{zone}", (HttpContext http, string code) => SitePath.RunAsync<ZoneBody, ZoneView>(http, node,
            (site, body, tx) => DecideAsync(site, SitePath.Segment(http, "zone"), body, tx))).WithTags("Topology").WithSummary("Create or replace a zone").Accepts<ZoneBody>("application/json").Produces<ZoneView>();

    public static async ValueTask<Outcome<ZoneView>> DecideAsync(string site, string code, ZoneBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var zone = Check(site, code, body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (BinBook.BuiltIn.FirstOrDefault(b => b.Zone == zone.Zone) is { } fixedZone && fixedZone.ZoneType != zone.Type)
            return Refusal.Conflict("zone_built_in", $"zone {zone.Zone} is the site's own and stays of type {SnakeCaseEnum<ZoneType>.Text(fixedZone.ZoneType)}");

        var before = await tx.FindAsync<ZoneType?>("SELECT type FROM zones WHERE site = @site AND code = @code", new { site, code = zone.Zone });
        await BinBook.EnsureDefaultsAsync(tx, site);
        await WriteAsync(zone, tx);
        tx.Append(Lane.Site(site), new ZoneSaved(zone.Zone, SnakeCaseEnum<ZoneType>.Text(zone.Type)) { Facts = FactsOf(zone) }, $"zone/{site}/{zone.Zone}");
        if (before is not null && before != zone.Type) await RecomputeBinsAsync(site, zone, tx);
        return zone;
    }

    private static ZoneView Check(string site, string code, ZoneBody body, Problems problems)
    {
        problems.Check(body.Type is not null, "type", "is required: " + SnakeCaseEnum<ZoneType>.Choices);
        Range(body.TemperatureMinC, body.TemperatureMaxC, -273, 1000, "temperature_min_c", "temperature_max_c", problems);
        Range(body.HumidityMin, body.HumidityMax, 0, 100, "humidity_min", "humidity_max", problems);
        problems.Check(body.AreaM2 is null or (>= 0 and <= 10_000_000), "area_m2", "must be 0–10,000,000");
        problems.Check(body.MaxWeightG is null or (>= 0 and <= 1_000_000_000_000), "max_weight_g", "must be 0–1,000,000,000,000");
        var zone = problems.Code(code, "zone");
        var name = problems.Text(body.Name?.Trim(), "name", 255);
        return new ZoneView
        {
            Site = site, Zone = zone, Name = string.IsNullOrEmpty(name) ? zone : name, Type = body.Type ?? ZoneType.Storage,
            StorageClass = body.StorageClass ?? StorageClass.Standard, TemperatureMinC = body.TemperatureMinC, TemperatureMaxC = body.TemperatureMaxC,
            HumidityMin = body.HumidityMin, HumidityMax = body.HumidityMax, AreaM2 = body.AreaM2, MaxWeightG = body.MaxWeightG,
        };
    }

    private static void Range(double? min, double? max, double least, double most, string minField, string maxField, Problems problems)
    {
        problems.Check(min is null || (min >= least && min <= most), minField, $"must be {least} to {most}");
        problems.Check(max is null || (max >= least && max <= most), maxField, $"must be {least} to {most}");
        problems.Check(min is null || max is null || min <= max, maxField, $"must not be below {minField}");
    }

    private static ZoneFacts FactsOf(ZoneView zone) => new(zone.Name, SnakeCaseEnum<StorageClass>.Text(zone.StorageClass), zone.TemperatureMinC, zone.TemperatureMaxC,
        zone.HumidityMin, zone.HumidityMax, zone.AreaM2, zone.MaxWeightG);

    internal static ValueTask WriteAsync(ZoneView zone, LaneTransaction tx) => tx.WriteAsync("""
        INSERT INTO zones (site, code, name, type, storage_class, temperature_min_c, temperature_max_c, humidity_min, humidity_max, area_m2, max_weight_g, updated_at)
        VALUES (@Site, @Zone, @Name, @Type, @StorageClass, @TemperatureMinC, @TemperatureMaxC, @HumidityMin, @HumidityMax, @AreaM2, @MaxWeightG, @Now)
        ON CONFLICT (site, code) DO UPDATE SET name = excluded.name, type = excluded.type, storage_class = excluded.storage_class,
            temperature_min_c = excluded.temperature_min_c, temperature_max_c = excluded.temperature_max_c, humidity_min = excluded.humidity_min,
            humidity_max = excluded.humidity_max, area_m2 = excluded.area_m2, max_weight_g = excluded.max_weight_g, updated_at = excluded.updated_at
        """, new
    {
        zone.Site, zone.Zone, zone.Name, zone.Type, zone.StorageClass, zone.TemperatureMinC, zone.TemperatureMaxC, zone.HumidityMin, zone.HumidityMax,
        zone.AreaM2, zone.MaxWeightG, tx.Now,
    });

    private sealed record BinRow
    {
        public string Code { get; init; } = "";
        public bool Available { get; init; }
        public bool Locked { get; init; }
        public bool Pickable { get; init; }
        public string BinOrder { get; init; } = "";
    }

    /// <summary>The zone's new type makes its bins pickable, or not.</summary>
    private static async ValueTask RecomputeBinsAsync(string site, ZoneView zone, LaneTransaction tx) =>
        await BinStock.FollowAsync(tx, site, await RecomputeAsync(site, zone, tx), "zone_type");

    /// <summary>Writes which bins of the zone are pickable now, and answers those that were not or are no longer.</summary>
    internal static async ValueTask<IReadOnlyList<BinChange>> RecomputeAsync(string site, ZoneView zone, LaneTransaction tx)
    {
        var bins = await tx.QueryAsync<BinRow>("SELECT code, available, locked, pickable, bin_order FROM bins WHERE site = @site AND zone = @zone",
            new { site, zone = zone.Zone });
        var changes = bins.Select(b => (Bin: b, Pickable: BinOrder.IsPickable(b.Available, b.Locked, zone.Type))).Where(b => b.Pickable != b.Bin.Pickable)
            .Select(b => new BinChange(b.Bin.Code, b.Pickable, b.Bin.BinOrder)).ToList();
        await BinBook.WritePickableAsync(tx, site, changes);
        return changes;
    }
}
