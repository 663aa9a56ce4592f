using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>What the hub may promise of one SKU at one site.</summary>
public sealed class Allotment(string sku, string site, long free, long held)
{
    public string Sku => sku;
    public string Site => site;

    /// <summary>granted − withdrawn − returned − promised + released. Negative: the site reported a loss of units that were promised.</summary>
    public long Free { get; private set; } = free;

    /// <summary>granted − withdrawn − returned − consumed: what has not left yet. Promising does not change it.</summary>
    public long Held => held;

    /// <summary>Units promised and not yet written.</summary>
    public long NewlyPromised { get; private set; }

    /// <summary>Takes units in memory. Every promise must leave free ≥ 0 at its moment: the no-over-promise rule stands here.</summary>
    public void Promise(int units)
    {
        if (units <= 0 || units > Free) throw new InvalidOperationException($"{units} of {sku} at {site} cannot be promised, {Free} are free");
        Free -= units;
        NewlyPromised += units;
    }
}

/// <summary>
/// The hub's side of the escrow. A decision loads the SKUs it needs, promises in memory in arrival order, and writes the sums once: a
/// running sum in SQL over-rejects and is slower.
/// </summary>
public sealed class Allotments
{
    private readonly Dictionary<string, List<Allotment>> _bySku = new(StringComparer.Ordinal);
    private static readonly IReadOnlyList<Allotment> None = [];
    private PoolBook? _pools;
    private PoolPromises? _promised;

    /// <summary>What is free of these SKUs: as this process remembers it where nobody else has written since, else from the table.</summary>
    public static async ValueTask<Allotments> LoadAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        var (memory, pools) = (await tx.MemoryAsync<FreeUnits>(), await tx.MemoryAsync<PoolBook>());
        var loaded = new Allotments { _pools = pools };
        var missing = new List<string>();
        foreach (var sku in skus)
        {
            if (memory.Find(sku) is not { } sites) missing.Add(sku);
            else if (sites.Length > 0) loaded._bySku[sku] = [.. sites.Select(s => new Allotment(sku, s.Site, s.Free, s.Held))];
        }
        var asked = new List<SetSelect>(2);
        if (missing.Count > 0)
            asked.Add(new SetSelect("SELECT sku, site, granted - withdrawn - returned - consumed, granted - withdrawn - returned - promised + released FROM allotments WHERE sku = k.sku",
                missing.Count, [Column.Of("sku", missing.ToArray())], row => loaded.Add(new Allotment(row.GetString(0), row.GetString(1), row.GetInt64(3), row.GetInt64(2)))));
        if (!pools.IsKnown) asked.Add((loaded._pools = new PoolBook()).Select());
        if (asked.Count > 0) await tx.SelectAllAsync([.. asked]);
        if (missing.Count > 0) memory.RememberOnCommit(tx, missing.Select(sku => (sku, FreeUnits.Of(loaded.Of(sku)))));
        if (!pools.IsKnown) pools.RememberOnCommit(tx, loaded._pools);
        await loaded.LoadPromisedAsync(tx, skus);
        return loaded;
    }

    /// <summary>Allotments that are in no table: for asking what would be.</summary>
    public static Allotments From(IEnumerable<Allotment> allotments)
    {
        var made = new Allotments();
        foreach (var allotment in allotments) made.Add(allotment);
        return made;
    }

    /// <summary>What channels have promised of the SKUs that somebody has a pool of.</summary>
    private async ValueTask LoadPromisedAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        if (_pools!.All.Count == 0) return;
        string[] pooled = [.. skus.Where(s => _pools.Of(s).Count > 0).Distinct(StringComparer.Ordinal)];
        if (pooled.Length == 0) return;
        _promised = new PoolPromises();
        await tx.SelectAllAsync(_promised.Select(pooled));
    }

    /// <summary>Whether anything is kept for a channel, of these SKUs or others.</summary>
    public bool HasPools => _pools is { IsKnown: true, All.Count: > 0 };

    /// <summary>What a channel may promise of these SKUs: its own pools and what is kept for nobody. The same allotments where there are no pools.</summary>
    public Allotments For(string channel, IEnumerable<string> skus)
    {
        if (_promised is null) return this;
        var view = new Allotments();
        foreach (var sku in skus.Distinct(StringComparer.Ordinal))
        {
            var all = Of(sku);
            var free = PoolDivision.Free(channel, sku, FreeUnits.Of(all), _pools!.Of(sku), _promised);
            for (var i = 0; i < free.Length; i++) view.Add(new Allotment(sku, all[i].Site, free[i], all[i].Held));
        }
        return view;
    }

    /// <summary>Promises units to an order of a channel, in memory.</summary>
    public void Promise(string channel, string sku, string site, int units)
    {
        At(sku, site)!.Promise(units);
        _promised?.Add(sku, channel, site, units);
    }

    public IReadOnlyList<Allotment> Of(string sku) => _bySku.TryGetValue(sku, out var list) ? list : None;

    public Allotment? At(string sku, string site)
    {
        foreach (var allotment in Of(sku))
            if (allotment.Site == site) return allotment;
        return null;
    }

    /// <summary>Writes what was promised since loading.</summary>
    public async ValueTask WriteAsync(LaneTransaction tx)
    {
        var changed = new List<Allotment>();
        foreach (var list in _bySku.Values)
            foreach (var allotment in list)
                if (allotment.NewlyPromised > 0) changed.Add(allotment);
        if (changed.Count == 0) return;
        var memory = await tx.MemoryAsync<FreeUnits>();
        string[] skus = [.. changed.Select(a => a.Sku).Distinct()];
        memory.Forget(tx, skus);
        memory.RememberOnCommit(tx, skus.Select(sku => (sku, FreeUnits.Of(Of(sku)))));
        await tx.UpdateAsync("allotments", "promised = allotments.promised + k.units", changed.Count,
            [Column.From("sku", changed, a => a.Sku), Column.From("site", changed, a => a.Site)], Column.From("units", changed, a => a.NewlyPromised));
    }

    /// <summary>
    /// Undoes promises, on the site's word only (cancelled or short); without it where the site was given up. In an epoch that the hub has closed nothing becomes free by it: what the site withdraws
    /// there does not count, and nothing there is the hub's to promise.
    /// </summary>
    public static async ValueTask ReleaseAsync(LaneTransaction tx, string site, IReadOnlyList<SkuUnits> lines)
    {
        if (lines.Count == 0) return;
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [.. lines.Select(l => l.Sku)]);
        await tx.UpdateAsync("allotments", $"released = allotments.released + k.units, returned = {AllotmentEpochs.ReturnedByRelease}", lines.Count,
            [Column.From("sku", lines, l => l.Sku), Column.Same("site", lines.Count, site)], Column.From("units", lines, l => (long)l.Quantity));
    }

    /// <summary>Notes units that are on their way to a site from another one, or, negative, are so no more. Nothing is promised from them.</summary>
    public static ValueTask ExpectAsync(LaneTransaction tx, string site, string sku, long units) => tx.WriteAsync("""
        INSERT INTO allotments (sku, site, epoch, granted, consumed, withdrawn, promised, released, returned, on_hand, damaged, as_of, incoming)
        VALUES (@sku, @site, 1, 0, 0, 0, 0, 0, 0, 0, 0, @now, @units)
        ON CONFLICT (sku, site) DO UPDATE SET incoming = allotments.incoming + excluded.incoming
        """, new { sku, site, units, now = tx.Now });

    /// <summary>
    /// Takes over what a site says of its books. Merging is (epoch, max): counters only grow within an epoch, so repeats and late arrivals are
    /// harmless; the totals are the latest in lane order. What has left has left, so consumed grows over all epochs; what the hub gave back counts in its epoch. Of an epoch that the hub has
    /// closed nothing counts any more but what has left.
    /// </summary>
    public static async ValueTask ApplyAsync(LaneTransaction tx, string site, IReadOnlyList<Balance> balances, DateTimeOffset asOf)
    {
        if (balances.Count == 0) return;
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [.. balances.Select(b => b.Sku)]);
        await tx.UpsertAsync("allotments", "sku, site", $"""
            granted = {Merge("granted")}, withdrawn = {Merge("withdrawn")},
            consumed = CASE WHEN excluded.consumed > allotments.consumed THEN excluded.consumed ELSE allotments.consumed END,
            returned = CASE WHEN excluded.epoch > allotments.epoch THEN 0 ELSE allotments.returned END,
            epoch = {Newest("epoch")}, on_hand = {Newest("on_hand")}, damaged = {Newest("damaged")}, as_of = {Newest("as_of")},
            disputed = CASE WHEN excluded.epoch <= allotments.closed_epoch THEN allotments.disputed ELSE {Newest("disputed")} END
            """, balances.Count,
            Column.From("sku", balances, b => b.Sku), Column.Same("site", balances.Count, site), Column.From("epoch", balances, b => b.Epoch),
            Column.From("granted", balances, b => b.Granted), Column.From("consumed", balances, b => b.Consumed),
            Column.From("withdrawn", balances, b => b.Withdrawn), Column.Same("promised", balances.Count, 0L), Column.Same("released", balances.Count, 0L),
            Column.Same("returned", balances.Count, 0L), Column.From("on_hand", balances, b => b.OnHand), Column.From("damaged", balances, b => b.Damaged),
            Column.Same("as_of", balances.Count, asOf), Column.From("disputed", balances, b => b.Disputed));
    }

    /// <summary>What was said last, unless it is of an older epoch.</summary>
    private static string Newest(string column) => $"CASE WHEN excluded.epoch >= allotments.epoch THEN excluded.{column} ELSE allotments.{column} END";

    private static string Merge(string counter) => $"""
        CASE WHEN excluded.epoch > allotments.closed_epoch AND (excluded.epoch > allotments.epoch OR excluded.epoch = allotments.epoch AND excluded.{counter} > allotments.{counter})
             THEN excluded.{counter} ELSE allotments.{counter} END
        """;

    private sealed record RecallRow { public int Epoch { get; init; } public long Returned { get; init; } public long Free { get; init; } }

    /// <summary>Answers a recall: what is free goes back, at most what was asked for. Promised units stay promised.</summary>
    public static async ValueTask AnswerRecallAsync(LaneTransaction tx, string site, RecallRequested recall)
    {
        var row = await tx.FindAsync<RecallRow>("""
            SELECT epoch, returned, granted - withdrawn - returned - promised + released AS free FROM allotments WHERE sku = @sku AND site = @site
            """, new { sku = recall.Sku, site });
        if (row is null || row.Epoch != recall.Epoch) return; // a recall of an older epoch asks for units that are no longer out
        var units = Math.Min(recall.Quantity, Math.Max(0, row.Free));
        if (units == 0) return;
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [recall.Sku]);
        await tx.WriteAsync("UPDATE allotments SET returned = returned + @units WHERE sku = @sku AND site = @site", new { units, sku = recall.Sku, site });
        tx.Append(Lane.HubTo(site), new AllotmentReturned(recall.Sku, row.Epoch, row.Returned + units), "allotment/" + recall.Sku);
    }

    /// <summary>
    /// Brings back, after a restore, promises that a site was told of. What it has granted may come only later, with the copy of its lane, so the row may not be
    /// there, and free may be below zero until then. In an epoch that the hub has closed nothing of that comes any more: the units that the promise was of were granted then, and count again.
    /// </summary>
    internal static async ValueTask RecoverPromisesAsync(LaneTransaction tx, string site, IReadOnlyList<SkuUnits> lines)
    {
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [.. lines.Select(l => l.Sku)]);
        var zeros = new long[lines.Count];
        await tx.UpsertAsync("allotments", "sku, site", $"promised = allotments.promised + excluded.promised, granted = {AllotmentEpochs.GrantedByRecovery}", lines.Count,
            Column.From("sku", lines, l => l.Sku), Column.Same("site", lines.Count, site), Column.Same("epoch", lines.Count, 1), Column.Of("granted", zeros),
            Column.Of("consumed", zeros), Column.Of("withdrawn", zeros), Column.From("promised", lines, l => (long)l.Quantity), Column.Of("released", zeros),
            Column.Of("returned", zeros), Column.Of("on_hand", zeros), Column.Of("damaged", zeros), Column.Same("as_of", lines.Count, tx.Now));
    }

    /// <summary>
    /// Brings back what was given back to a site: the higher number wins. Of a newer epoch the site's part comes only with the copy of its lane; until then nothing of it is granted.
    /// </summary>
    internal static async ValueTask RecoverReturnAsync(LaneTransaction tx, string site, AllotmentReturned back)
    {
        (await tx.MemoryAsync<FreeUnits>()).Forget(tx, [back.Sku]);
        await tx.WriteAsync("UPDATE allotments SET epoch = @epoch, granted = 0, withdrawn = 0, returned = 0 WHERE sku = @sku AND site = @site AND epoch < @epoch",
            new { sku = back.Sku, site, epoch = back.Epoch });
        await tx.WriteAsync("UPDATE allotments SET returned = @returned WHERE sku = @sku AND site = @site AND epoch = @epoch AND returned < @returned",
            new { returned = back.Returned, sku = back.Sku, site, epoch = back.Epoch });
    }

    private void Add(Allotment allotment)
    {
        if (!_bySku.TryGetValue(allotment.Sku, out var list)) _bySku[allotment.Sku] = list = new List<Allotment>(2);
        list.Add(allotment);
    }
}

/// <summary>
/// What was free per SKU and site when this process last committed. Every writer of <c>allotments</c> forgets the SKUs that it touches at once, so that a
/// later command of the same group reads the table; what is true after the commit is remembered after the commit.
/// </summary>
internal sealed class FreeUnits
{
    private const int MaxSkus = 200_000;
    private readonly Dictionary<string, HeldUnits[]> _bySku = new(StringComparer.Ordinal);

    /// <summary>Null when nothing is remembered; empty when no site has granted any.</summary>
    public HeldUnits[]? Find(string sku) => _bySku.GetValueOrDefault(sku);

    public static HeldUnits[] Of(IReadOnlyList<Allotment> allotments) => [.. allotments.Select(a => new HeldUnits(a.Site, a.Free, a.Held))];

    public void RememberOnCommit(LaneTransaction tx, IEnumerable<(string Sku, HeldUnits[] Sites)> now)
    {
        var kept = now.ToArray(); // the allotments may be promised from before the commit
        tx.Remember(() =>
        {
            if (_bySku.Count + kept.Length > MaxSkus) _bySku.Clear();
            foreach (var (sku, sites) in kept) _bySku[sku] = sites;
        });
    }

    /// <summary>At once, and again at the commit: a read of the same group may have been going to remember what it saw before.</summary>
    public void Forget(LaneTransaction tx, string[] skus)
    {
        Forget(skus);
        tx.Remember(() => Forget(skus));
    }

    private void Forget(string[] skus)
    {
        foreach (var sku in skus) _bySku.Remove(sku);
    }
}
