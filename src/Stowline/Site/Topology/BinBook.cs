using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Topology;

/// <summary>What other modules of the site may ask of its topology (W2), inside the caller's transaction.</summary>
public static class BinBook
{
    /// <summary>The bins that every site has, before and after their rows are written.</summary>
    internal static readonly BinPlace[] BuiltIn =
    [
        new(StockBook.Receiving, StockBook.Receiving, ZoneType.Receiving, true, BinOrder.Natural(StockBook.Receiving), false, null, null, null, Stored: false),
        new(StockBook.Staging, StockBook.Staging, ZoneType.Packing, false, BinOrder.Natural(StockBook.Staging), false, null, null, null, Stored: false),
    ];

    internal static BinPlace StagingPlace => BuiltIn[1];

    /// <summary>Finds bins by code. What does not exist is missing from the answer; RECEIVING and STAGING always exist.</summary>
    public static async ValueTask<Dictionary<string, BinPlace>> PlacesAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> bins)
    {
        var codes = bins.Distinct(StringComparer.Ordinal).ToArray();
        var found = new Dictionary<string, BinPlace>(codes.Length, StringComparer.Ordinal);
        await tx.SelectAsync("""
            SELECT b.code, b.zone, z.type, b.pickable, b.bin_order, b.locked, b.lock_reason, b.x_mm, b.y_mm
            FROM bins b JOIN zones z ON z.site = b.site AND z.code = b.zone WHERE b.site = k.site AND b.code = k.code
            """, codes.Length, [Column.Same("site", codes.Length, site), Column.Of("code", codes)],
            row => found[row.GetString(0)] = new BinPlace(row.GetString(0), row.GetString(1), (ZoneType)row.GetInt32(2), row.GetInt64(3) != 0,
                row.GetString(4), row.GetInt64(5) != 0, row.GetStringOrNull(6), row.IsNull(7) ? null : row.GetInt64(7), row.IsNull(8) ? null : row.GetInt64(8)));
        foreach (var place in BuiltIn)
            if (codes.Contains(place.Code, StringComparer.Ordinal)) found.TryAdd(place.Code, place);
        return found;
    }

    /// <summary>
    /// Writes the zones and bins that every site has, where that has not happened. Called by whatever first writes to the site's topology or
    /// stock, after it has decided: a refused command must not leave anything behind.
    /// </summary>
    public static async ValueTask EnsureDefaultsAsync(LaneTransaction tx, string site)
    {
        if (!await WriteDefaultsAsync(tx, site)) return;
        foreach (var place in BuiltIn) tx.Append(Lane.Site(site), new ZoneSaved(place.Zone, SnakeCaseEnum<ZoneType>.Text(place.ZoneType)), $"zone/{site}/{place.Zone}");
        tx.Append(Lane.Site(site), new BinsSaved(BuiltIn.Length, 0, [.. BuiltIn.Select(b => b.Code)]), $"bins/{site}");
    }

    /// <summary>As above, but nobody is told. False where they are there.</summary>
    internal static async ValueTask<bool> WriteDefaultsAsync(LaneTransaction tx, string site)
    {
        if (await tx.FindAsync<string>("SELECT code FROM bins WHERE site = @site AND code = @code", new { site, code = StockBook.Receiving }) is not null) return false;
        foreach (var place in BuiltIn)
        {
            await tx.WriteAsync("""
                INSERT INTO zones (site, code, name, type, storage_class, updated_at) VALUES (@site, @zone, @zone, @type, @standard, @now)
                ON CONFLICT (site, code) DO NOTHING
                """, new { site, zone = place.Zone, type = place.ZoneType, standard = StorageClass.Standard, now = tx.Now });
            await tx.WriteAsync("""
                INSERT INTO bins (site, code, zone, type, available, locked, pickable, bin_order, updated_at)
                VALUES (@site, @code, @zone, @type, @yes, @no, @pickable, @order, @now) ON CONFLICT (site, code) DO NOTHING
                """, new { site, code = place.Code, zone = place.Zone, type = BinType.Floor, yes = true, no = false, pickable = place.Pickable, order = place.BinOrder, now = tx.Now });
        }
        return true;
    }

    internal static async ValueTask<bool> HasZoneAsync(LaneTransaction tx, string site, string zone) =>
        await tx.FindAsync<string>("SELECT code FROM zones WHERE site = @site AND code = @zone", new { site, zone }) is not null;

    /// <summary>The bins of a zone.</summary>
    internal static ValueTask<IReadOnlyList<string>> OfZoneAsync(LaneTransaction tx, string site, string zone) =>
        tx.QueryAsync<string>("SELECT code FROM bins WHERE site = @site AND zone = @zone ORDER BY bin_order, code", new { site, zone });

    internal static async ValueTask WritePickableAsync(LaneTransaction tx, string site, IReadOnlyList<BinChange> changes) =>
        await tx.UpdateAsync("bins", "pickable = k.pickable, updated_at = k.updated_at", changes.Count,
            [Column.Same("site", changes.Count, site), Column.From("code", changes, c => c.Bin)],
            Column.From("pickable", changes, c => c.Pickable), Column.Same("updated_at", changes.Count, tx.Now));

    internal static bool IsBuiltIn(string bin) => bin is StockBook.Receiving or StockBook.Staging;
}
