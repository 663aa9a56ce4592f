using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>
/// Epochs of the counters at the hub (decision 0027). A site opens a new one where it takes its grants back. The hub closes the present one where it gives a site up: what the site grants in it counts
/// no more. Its books of that epoch are its own from then on, and it keeps them so that nothing is free and nothing is held.
/// </summary>
internal static class AllotmentEpochs
{
    private const string Free = "allotments.granted - allotments.withdrawn - allotments.returned - allotments.promised + allotments.released";
    private const string Held = "allotments.granted - allotments.withdrawn - allotments.returned - allotments.consumed";
    private const string IsClosed = "allotments.epoch <= allotments.closed_epoch";

    /// <summary>What is returned when <c>k.units</c> are released: in a closed epoch so much that nothing becomes free.</summary>
    internal const string ReturnedByRelease =
        $"allotments.returned + CASE WHEN {IsClosed} AND {Free} + k.units > 0 THEN CASE WHEN {Free} < 0 THEN {Free} + k.units ELSE k.units END ELSE 0 END";

    /// <summary>What is granted when a promise comes back (<c>excluded.promised</c>) of which the hub did not know when it closed the epoch: it took the units for free, and so for given back.</summary>
    internal const string GrantedByRecovery = $"allotments.granted + CASE WHEN {IsClosed} THEN excluded.promised ELSE 0 END";

    /// <summary>
    /// The site has opened epochs; its balances are in the books already. Answers how many units of each SKU are promised of which the site had not heard: it will, and what it cannot
    /// honor then is short as ever.
    /// </summary>
    public static async ValueTask<IReadOnlyList<AnsweredEpoch>> OpenedAsync(LaneTransaction tx, string site, IReadOnlyList<EpochCounters> told)
    {
        Column[] keys = [Column.From("sku", told, c => c.Sku), Column.Same("site", told.Count, site)];
        // What stands of an epoch that is over by now changes nothing.
        await tx.UpdateAsync("allotments", """
            unheard = CASE WHEN allotments.epoch <> k.told_epoch THEN allotments.unheard
                WHEN allotments.promised - allotments.released > k.heard THEN allotments.promised - allotments.released - k.heard ELSE 0 END
            """, told.Count, keys, Column.From("told_epoch", told, c => c.Epoch), Column.From("heard", told, c => c.Promised - c.Released));
        var unheard = new Dictionary<string, long>(StringComparer.Ordinal);
        await tx.SelectAsync("SELECT a.sku, a.unheard FROM allotments a WHERE a.sku = k.sku AND a.site = k.site", told.Count, keys, row => unheard[row.GetString(0)] = row.GetInt64(1));
        return [.. told.Select(c => new AnsweredEpoch(c.Sku, c.Epoch, unheard.GetValueOrDefault(c.Sku)))];
    }

    /// <summary>
    /// The hub gives a site up: what is free of its allotment is free no more, and what lies there is disputed: so many units are answered, over all SKUs. Promises that are open are undone one by one, by
    /// <see cref="Allotments.ReleaseAsync"/>, as their units are promised elsewhere. An epoch that is closed already stays as it is: what is disputed there nobody has counted since.
    /// </summary>
    public static async ValueTask<long> CloseAsync(LaneTransaction tx, string site)
    {
        var skus = await tx.QueryAsync<string>("SELECT sku FROM allotments WHERE site = @site AND epoch > closed_epoch", new { site });
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [.. skus]);
        await tx.WriteAsync($"""
            UPDATE allotments SET disputed = CASE WHEN {Held} > 0 THEN {Held} ELSE 0 END, returned = returned + CASE WHEN {Free} > 0 THEN {Free} ELSE 0 END, closed_epoch = epoch
            WHERE site = @site AND epoch > closed_epoch
            """, new { site });
        return await DisputedAsync(tx.Group.Session, site);
    }

    /// <summary>Units at a site, over all SKUs, that are nobody's to promise until they are counted.</summary>
    public static async Task<long> DisputedAsync(SqlSession session, string site) =>
        await session.FindAsync<long>("SELECT CAST(COALESCE(SUM(disputed), 0) AS bigint) FROM allotments WHERE site = @site", new { site });

    /// <summary>The site has shipped units whose promise was undone when it was given up. They were promised and granted, then; that they have left stands in its balances.</summary>
    public static async ValueTask ShippedAsync(LaneTransaction tx, string site, IReadOnlyList<SkuUnits> lines)
    {
        if (lines.Count == 0) return;
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [.. lines.Select(l => l.Sku)]);
        await tx.UpdateAsync("allotments", $"""
            promised = allotments.promised + k.units, granted = allotments.granted + CASE WHEN {IsClosed} THEN k.units ELSE 0 END,
            disputed = CASE WHEN NOT ({IsClosed}) THEN allotments.disputed WHEN allotments.disputed > k.units THEN allotments.disputed - k.units ELSE 0 END
            """, lines.Count, [Column.From("sku", lines, l => l.Sku), Column.Same("site", lines.Count, site)], Column.From("units", lines, l => (long)l.Quantity));
    }
}
