using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Topology;

/// <summary>Brings zones and bins to what the site's own events say, after a restore.</summary>
internal static class TopologyRecovery
{
    public static bool Recovers(string type) => type == ZoneSaved.Type || type == BinsSaved.Type || type == BinLocked.Type || type == BinUnlocked.Type;

    public static async ValueTask RunAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => Recovers(e.Type)))
        {
            await BinBook.WriteDefaultsAsync(tx, site);
            if (e.Type == ZoneSaved.Type) await SaveAsync(site, e.Read<ZoneSaved>(), tx);
            else if (e.Type == BinsSaved.Type) await SaveAsync(site, e.Read<BinsSaved>(), tx);
            else if (e.Type == BinLocked.Type) await LockAsync(site, e.Read<BinLocked>().Bin, e.Read<BinLocked>().Reason, tx);
            else await LockAsync(site, e.Read<BinUnlocked>().Bin, null, tx);
        }
    }

    private static async ValueTask SaveAsync(string site, ZoneSaved saved, LaneTransaction tx)
    {
        if (saved.Facts is not { } facts || !SnakeCaseEnum<ZoneType>.TryParse(saved.ZoneType, out var type)) return;
        if (!SnakeCaseEnum<StorageClass>.TryParse(facts.StorageClass, out var storage)) storage = StorageClass.Standard;
        var zone = new ZoneView
        {
            Site = site, Zone = saved.Zone, Name = facts.Name, Type = type, StorageClass = storage, TemperatureMinC = facts.TemperatureMinC, TemperatureMaxC = facts.TemperatureMaxC,
            HumidityMin = facts.HumidityMin, HumidityMax = facts.HumidityMax, AreaM2 = facts.AreaM2, MaxWeightG = facts.MaxWeightG,
        };
        await SaveZone.WriteAsync(zone, tx);
        await SaveZone.RecomputeAsync(site, zone, tx);
    }

    private static async ValueTask SaveAsync(string site, BinsSaved saved, LaneTransaction tx)
    {
        List<SaveBins.CheckedBin> bins = [.. (saved.Facts ?? []).Select(BinOf)];
        if (bins.Count == 0) return;
        var zones = await SaveBins.ZoneTypesAsync(tx, site, bins);
        var known = await BinBook.PlacesAsync(tx, site, [.. bins.Select(b => b.Code)]);
        await SaveBins.WriteAsync(tx, site, [.. bins.Where(b => zones.ContainsKey(b.Zone))
            .Select(b => (b, BinOrder.IsPickable(b.Available, known.GetValueOrDefault(b.Code)?.Locked ?? false, zones[b.Zone])))]);
    }

    private static SaveBins.CheckedBin BinOf(BinFacts bin) => new(bin.Code, bin.Zone, SnakeCaseEnum<BinType>.TryParse(bin.BinType, out var type) ? type : BinType.Bin, bin.Aisle,
        bin.Position, bin.Level, bin.XMm, bin.YMm, bin.Barcode, bin.WidthMm, bin.HeightMm, bin.DepthMm, bin.MaxWeightG, bin.Available);

    private static async ValueTask LockAsync(string site, string code, string? reason, LaneTransaction tx)
    {
        if (!(await BinBook.PlacesAsync(tx, site, [code])).TryGetValue(code, out var place)) return;
        await LockBin.MarkAsync(site, place, reason, tx);
    }
}
