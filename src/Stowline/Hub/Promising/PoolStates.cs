using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>What a pool amounts to now: units promised to its channel that have not left, and units kept from everybody else.</summary>
public readonly record struct PoolState(long Promised, long Kept);

/// <summary>Reads how SKUs are divided among channels, outside of any decision.</summary>
public static class PoolStates
{
    private const string Held = """
        SELECT sku, site, granted - withdrawn - returned - promised + released, granted - withdrawn - returned - consumed FROM allotments WHERE sku = k.sku ORDER BY site
        """;

    /// <summary>What a channel may promise, for each of the SKUs that somebody has a pool of: units per site.</summary>
    public static async Task<IReadOnlyDictionary<(string Sku, string Site), long>> FreeAsync(SqlSession session, string channel, IReadOnlyList<string> skus)
    {
        var (division, free) = (await LoadAsync(session, skus), new Dictionary<(string, string), long>());
        foreach (var (sku, sites) in division.Sites)
        {
            var units = PoolDivision.Free(channel, sku, sites, division.Pools.Of(sku), division.Promises);
            for (var i = 0; i < units.Length; i++) free[(sku, sites[i].Site)] = units[i];
        }
        return free;
    }

    public static async Task<IReadOnlyDictionary<Pool, PoolState>> OfAsync(SqlSession session, IReadOnlyList<Pool> pools)
    {
        var (division, states) = (await LoadAsync(session, [.. pools.Select(p => p.Sku)]), new Dictionary<Pool, PoolState>());
        foreach (var sku in pools.GroupBy(p => p.Sku, StringComparer.Ordinal))
        {
            var sites = division.Sites.GetValueOrDefault(sku.Key, []);
            var unclaimed = sites.Select(s => Math.Max(0, s.Free)).ToArray();
            foreach (var pool in division.Pools.Of(sku.Key))
            {
                var kept = PoolDivision.Kept(pool, sku.Key, sites, unclaimed, division.Promises);
                for (var i = 0; i < kept.Length; i++) unclaimed[i] -= kept[i];
                var promised = sites.Where(s => pool.Site is null || s.Site == pool.Site).Sum(s => division.Promises.At(sku.Key, pool.Channel, s.Site));
                states[pool] = new PoolState(promised, kept.Sum());
            }
        }
        return states;
    }

    private static async Task<(PoolBook Pools, PoolPromises Promises, Dictionary<string, List<HeldUnits>> Sites)> LoadAsync(SqlSession session, IReadOnlyList<string> skus)
    {
        var (book, promises, sites) = (await PoolBook.ReadAsync(session), new PoolPromises(), new Dictionary<string, List<HeldUnits>>(StringComparer.Ordinal));
        string[] pooled = [.. skus.Where(s => book.Of(s).Count > 0).Distinct(StringComparer.Ordinal)];
        if (pooled.Length == 0) return (book, promises, sites);
        foreach (var sku in pooled) sites[sku] = [];
        await session.SelectAllAsync(promises.Select(pooled), new SetSelect(Held, pooled.Length, [Column.Of("sku", pooled)],
            row => sites[row.GetString(0)].Add(new HeldUnits(row.GetString(1), row.GetInt64(2), row.GetInt64(3)))));
        return (book, promises, sites);
    }
}
