using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>
/// What is kept for a channel: <see cref="Quantity"/> units, or <see cref="SharePercent"/> of what the hub holds. What the channel has promised and not shipped is in it already,
/// so a pool of 10 with 4 open promises keeps 6 more, and fills up again from what all may use when those have left.
/// </summary>
/// <param name="Sku"><c>*</c>: every SKU that the channel has no pool of its own for.</param>
/// <param name="Site">Null: over all sites.</param>
/// <param name="MadeAt">Where there is too little for all pools, the older one comes first.</param>
public sealed record Pool(string Channel, string Sku, string? Site, long? Quantity, int? SharePercent, DateTimeOffset MadeAt)
{
    public const string EverySku = "*";

    /// <summary>Of so many units that the hub holds, promised ones included.</summary>
    public long Of(long held) => Quantity ?? Math.Max(0, held) * (SharePercent ?? 0) / 100;
}

/// <summary>A SKU at a site, as far as dividing it needs to know. Held: what the hub was given and what has not left yet, open promises included.</summary>
public readonly record struct HeldUnits(string Site, long Free, long Held);

/// <summary>All pools, the older first. As this process remembers them while nobody else writes the hub.</summary>
internal sealed class PoolBook
{
    private List<Pool>? _all;
    private ILookup<string, Pool>? _bySku;
    private HashSet<string>? _channels;

    public bool IsKnown => _all is not null;
    public IReadOnlyList<Pool> All => _all ?? throw new InvalidOperationException("the pools were not loaded");
    public IReadOnlySet<string> Channels => _channels ??= All.Select(p => p.Channel).ToHashSet(StringComparer.Ordinal);

    /// <summary>The pools that count for a SKU, the older first.</summary>
    public IReadOnlyList<Pool> Of(string sku)
    {
        if (All.Count == 0) return [];
        _bySku ??= All.ToLookup(p => p.Sku, StringComparer.Ordinal);
        var own = _bySku[sku].Select(p => p.Channel).ToHashSet(StringComparer.Ordinal);
        return [.. _bySku[sku].Concat(_bySku[Pool.EverySku].Where(p => !own.Contains(p.Channel))).OrderBy(p => p.MadeAt).ThenBy(p => p.Channel, StringComparer.Ordinal)];
    }

    public static async ValueTask<PoolBook> LoadAsync(LaneTransaction tx)
    {
        var memory = await tx.MemoryAsync<PoolBook>();
        if (memory.IsKnown) return memory;
        var loaded = new PoolBook();
        await tx.SelectAllAsync(loaded.Select());
        memory.RememberOnCommit(tx, loaded);
        return loaded;
    }

    public static async ValueTask<PoolBook> ReadAsync(SqlSession session)
    {
        var book = new PoolBook();
        await session.SelectAllAsync(book.Select());
        return book;
    }

    /// <summary>Fills this book: for asking together with other things.</summary>
    public SetSelect Select()
    {
        var found = _all = [];
        return new SetSelect("""
            SELECT channel, sku, site, quantity, share_percent, made_at FROM pools WHERE channel >= k.first_channel ORDER BY made_at, channel, sku, site
            """, 1, [Column.Of("first_channel", new[] { "" })], row => found.Add(new Pool(row.GetString(0), row.GetString(1), row.GetString(2) is { Length: > 0 } site ? site : null,
                row.IsNull(3) ? null : row.GetInt64(3), row.IsNull(4) ? null : row.GetInt32(4), row.GetTime(5))));
    }

    public void RememberOnCommit(LaneTransaction tx, PoolBook now) => tx.Remember(() => Become(now._all));

    /// <summary>At once, and again at the commit: a read of the same group may have been going to remember what it saw before.</summary>
    public void Forget(LaneTransaction tx)
    {
        Become(null);
        tx.Remember(() => Become(null));
    }

    private void Become(List<Pool>? all) => (_all, _bySku, _channels) = (all, null, null);
}

/// <summary>Open promises by SKU, channel and site.</summary>
internal sealed class PoolPromises
{
    private readonly Dictionary<(string Sku, string Channel, string Site), long> _open = [];

    public long At(string sku, string channel, string site) => _open.GetValueOrDefault((sku, channel, site));
    public void Add(string sku, string channel, string site, long units) => _open[(sku, channel, site)] = At(sku, channel, site) + units;

    public SetSelect Select(string[] skus) => new("SELECT sku, channel, site, units FROM pool_promises WHERE sku = k.sku AND units <> 0", skus.Length, [Column.Of("sku", skus)],
        row => Add(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3)));
}

/// <summary>Divides what is free among the channels. Pure.</summary>
internal static class PoolDivision
{
    /// <summary>What a channel may promise of a SKU, site by site: its own pool and what is kept for nobody.</summary>
    /// <param name="pools">Those that count for the SKU, the older first.</param>
    public static long[] Free(string channel, string sku, IReadOnlyList<HeldUnits> sites, IReadOnlyList<Pool> pools, PoolPromises open)
    {
        var free = sites.Select(s => s.Free).ToArray();
        var unclaimed = sites.Select(s => Math.Max(0, s.Free)).ToArray();
        foreach (var pool in pools)
        {
            var kept = Kept(pool, sku, sites, unclaimed, open);
            for (var i = 0; i < kept.Length; i++)
            {
                unclaimed[i] -= kept[i];
                if (pool.Channel != channel) free[i] -= kept[i];
            }
        }
        return free;
    }

    /// <summary>Units that a pool keeps now, at each site, of what no older pool keeps.</summary>
    public static long[] Kept(Pool pool, string sku, IReadOnlyList<HeldUnits> sites, long[] unclaimed, PoolPromises open)
    {
        var kept = new long[sites.Count];
        // A pool over all sites lies where most is free: there it hinders the others least.
        var order = Enumerable.Range(0, sites.Count).Where(i => pool.Site is null || sites[i].Site == pool.Site)
            .OrderByDescending(i => unclaimed[i]).ThenBy(i => sites[i].Site, StringComparer.Ordinal).ToArray();
        var claim = pool.Of(order.Sum(i => sites[i].Held)) - order.Sum(i => open.At(sku, pool.Channel, sites[i].Site));
        foreach (var i in order)
        {
            kept[i] = Math.Clamp(claim, 0, unclaimed[i]);
            claim -= kept[i];
        }
        return kept;
    }
}

/// <summary>The writing side of pools, for the modules that know orders.</summary>
public static class Pools
{
    /// <summary>The channels that something is kept for: their open promises are counted.</summary>
    public static async ValueTask<IReadOnlySet<string>> ChannelsAsync(LaneTransaction tx) => (await PoolBook.LoadAsync(tx)).Channels;

    public static async ValueTask<IReadOnlyList<Pool>> AllAsync(LaneTransaction tx) => (await PoolBook.LoadAsync(tx)).All;
    public static async Task<IReadOnlyList<Pool>> AllAsync(SqlSession session) => (await PoolBook.ReadAsync(session)).All;

    /// <summary>Open promises of channels that have pools changed by so many units.</summary>
    public static ValueTask PromisedAsync(LaneTransaction tx, IReadOnlyList<(string Channel, string Site, string Sku, long Units)> changes) => changes.Count == 0 ? ValueTask.CompletedTask
        : tx.UpsertAsync("pool_promises", "sku, channel, site", "units = pool_promises.units + excluded.units", changes.Count, Column.From("sku", changes, c => c.Sku),
            Column.From("channel", changes, c => c.Channel), Column.From("site", changes, c => c.Site), Column.From("units", changes, c => c.Units));

    /// <summary>Saves a pool; of a channel that had none yet also its open promises, which the caller has counted.</summary>
    public static async ValueTask SaveAsync(LaneTransaction tx, Pool pool, IReadOnlyList<(string Channel, string Site, string Sku, long Units)>? open)
    {
        (await tx.MemoryAsync<PoolBook>()).Forget(tx);
        await tx.WriteAsync("""
            INSERT INTO pools (channel, sku, site, quantity, share_percent, made_at, saved_at) VALUES (@Channel, @Sku, @site, @Quantity, @SharePercent, @MadeAt, @now)
            ON CONFLICT (channel, sku, site) DO UPDATE SET quantity = excluded.quantity, share_percent = excluded.share_percent, saved_at = excluded.saved_at
            """, new { pool.Channel, pool.Sku, site = pool.Site ?? "", pool.Quantity, pool.SharePercent, pool.MadeAt, now = tx.Now });
        if (open is not null) await PromisedAsync(tx, open);
        tx.Append(Lane.Hub, new PoolSaved(pool.Channel, pool.Sku, pool.Site, pool.Quantity, pool.SharePercent), "pool/" + pool.Channel);
    }

    public static async ValueTask RemoveAsync(LaneTransaction tx, Pool pool, bool last)
    {
        (await tx.MemoryAsync<PoolBook>()).Forget(tx);
        await tx.WriteAsync("DELETE FROM pools WHERE channel = @Channel AND sku = @Sku AND site = @site", new { pool.Channel, pool.Sku, site = pool.Site ?? "" });
        if (last) await tx.WriteAsync("DELETE FROM pool_promises WHERE channel = @Channel", new { pool.Channel });
        tx.Append(Lane.Hub, new PoolRemoved(pool.Channel, pool.Sku, pool.Site), "pool/" + pool.Channel);
    }

    private sealed record OpenRow
    {
        public string Sku { get; init; } = "";
        public string Channel { get; init; } = "";
        public string Site { get; init; } = "";
        public long Units { get; init; }
    }

    /// <summary>For <c>verify</c>: the first difference between what is counted as promised out of pools and the units of open parts; null when there is none.</summary>
    public static async Task<string?> CompareAsync(SqlSession session, Dictionary<(string Channel, string Site, string Sku), long> openParts)
    {
        await foreach (var row in session.StreamAsync<OpenRow>("SELECT sku, channel, site, units FROM pool_promises"))
        {
            openParts.Remove((row.Channel, row.Site, row.Sku), out var inParts);
            if (inParts != row.Units) return $"{row.Sku} at {row.Site}: {row.Units} units are counted as promised to {row.Channel}, its open parts need {inParts}";
        }
        return openParts.FirstOrDefault(o => o.Value != 0) is { Value: not 0 } left ? $"{left.Key.Sku} at {left.Key.Site}: {left.Value} units in parts of {left.Key.Channel}, none counted" : null;
    }
}
