using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>What the hub may promise of one SKU at one site.</summary>
public sealed class Allotment(string sku, string site, long free)
{
    public string Sku => sku;
    public string Site => site;

    /// <summary>granted − withdrawn − returned − promised + released. Negative: the site reported a loss of units that were promised.</summary>
    public long Free { get; private set; } = free;

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

    public static async ValueTask<Allotments> LoadAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        var loaded = new Allotments();
        await tx.SelectAllAsync(loaded.Select(skus));
        return loaded;
    }

    /// <summary>The read that fills these allotments, to be asked together with others.</summary>
    public SetSelect Select(IReadOnlyCollection<string> skus)
    {
        string[] wanted = [.. skus];
        return new SetSelect("SELECT sku, site, granted - withdrawn - returned - promised + released FROM allotments WHERE sku = k.sku",
            wanted.Length, [Column.Of("sku", wanted)], row => Add(new Allotment(row.GetString(0), row.GetString(1), row.GetInt64(2))));
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
        await tx.UpdateAsync("allotments", "promised = allotments.promised + k.units", changed.Count,
            [Column.From("sku", changed, a => a.Sku), Column.From("site", changed, a => a.Site)], Column.From("units", changed, a => a.NewlyPromised));
    }

    /// <summary>Undoes promises, on the site's word only (cancelled or short).</summary>
    public static async ValueTask ReleaseAsync(LaneTransaction tx, string site, IReadOnlyList<SkuUnits> lines)
    {
        if (lines.Count == 0) return;
        await tx.UpdateAsync("allotments", "released = allotments.released + k.units", lines.Count,
            [Column.From("sku", lines, l => l.Sku), Column.Same("site", lines.Count, site)], Column.From("units", lines, l => (long)l.Quantity));
    }

    /// <summary>
    /// Takes over what a site says of its books. Merging is (epoch, max): counters only grow within an epoch, so repeats and late arrivals are
    /// harmless; the totals are the latest in lane order.
    /// </summary>
    public static async ValueTask ApplyAsync(LaneTransaction tx, string site, IReadOnlyList<Balance> balances, DateTimeOffset asOf)
    {
        if (balances.Count == 0) return;
        await tx.UpsertAsync("allotments", "sku, site", $"""
            granted = {Merge("granted")}, consumed = {Merge("consumed")}, withdrawn = {Merge("withdrawn")},
            epoch = CASE WHEN excluded.epoch > allotments.epoch THEN excluded.epoch ELSE allotments.epoch END,
            on_hand = excluded.on_hand, damaged = excluded.damaged, as_of = excluded.as_of
            """, balances.Count,
            Column.From("sku", balances, b => b.Sku), Column.Same("site", balances.Count, site), Column.From("epoch", balances, b => b.Epoch),
            Column.From("granted", balances, b => b.Granted), Column.From("consumed", balances, b => b.Consumed),
            Column.From("withdrawn", balances, b => b.Withdrawn), Column.Same("promised", balances.Count, 0L), Column.Same("released", balances.Count, 0L),
            Column.Same("returned", balances.Count, 0L), Column.From("on_hand", balances, b => b.OnHand), Column.From("damaged", balances, b => b.Damaged),
            Column.Same("as_of", balances.Count, asOf));
    }

    private static string Merge(string counter) => $"""
        CASE WHEN excluded.epoch > allotments.epoch OR (excluded.epoch = allotments.epoch AND excluded.{counter} > allotments.{counter})
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
        await tx.WriteAsync("UPDATE allotments SET returned = returned + @units WHERE sku = @sku AND site = @site", new { units, sku = recall.Sku, site });
        tx.Append(Lane.HubTo(site), new AllotmentReturned(recall.Sku, row.Epoch, row.Returned + units), "allotment/" + recall.Sku);
    }

    private void Add(Allotment allotment)
    {
        if (!_bySku.TryGetValue(allotment.Sku, out var list)) _bySku[allotment.Sku] = list = new List<Allotment>(2);
        list.Add(allotment);
    }
}
