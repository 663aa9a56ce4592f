using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>What a change adds to a SKU's totals at the site.</summary>
internal readonly record struct SkuDelta(long OnHand, long Reserved, long Damaged, long Unusable, long Consumed)
{
    public SkuDelta Plus(long onHand, long reserved, long damaged, long unusable) =>
        new(OnHand + onHand, Reserved + reserved, Damaged + damaged, Unusable + unusable, Consumed);
}

/// <summary>A SKU's books at the site: the counters of the escrow and the totals they are weighed against.</summary>
internal sealed record SkuBooks
{
    public string Sku { get; init; } = "";
    public int Epoch { get; init; } = 1;
    public long Granted { get; init; }
    public long Consumed { get; init; }
    public long Withdrawn { get; init; }
    public long Returned { get; init; }
    public long OnHand { get; init; }
    public long Reserved { get; init; }
    public long Damaged { get; init; }
    public long Unusable { get; init; }
    public long SafetyStock { get; init; }
    public long LocalSharePercent { get; init; }

    /// <summary>Neither the site's own nor held for the hub, until somebody counts.</summary>
    public long Disputed { get; init; }

    /// <summary>The last epoch that the hub has answered.</summary>
    public int Answered { get; init; } = 1;

    public long Usable => OnHand - Unusable;

    /// <summary>What stands at the site for the hub.</summary>
    public long Held => Granted - Withdrawn - Returned - Consumed;

    /// <summary>The rest of the usable stock: the site's own.</summary>
    public long Own => Usable - Held - Disputed;

    /// <summary>What the policy lets the site keep. The share is rounded down.</summary>
    public long Keep => SafetyStock + Usable * LocalSharePercent / 100;

    public Balance ToBalance() => new(Sku, Epoch, Granted, Consumed, Withdrawn, OnHand, Reserved, Damaged) { Disputed = Disputed };

    /// <summary>
    /// The rule of the escrow. Pure. Afterwards reserved ≤ held ≤ usable − disputed, because units reserved for parts of orders work for the hub:
    /// a part that was served from the site's own share (its promise had been withdrawn before) gets its units granted anew. A part that the hub had promised before the epoch and that comes
    /// only now gets them out of what is disputed: they were set aside for such. What is lost is missing there first. While nobody has answered the epoch, nothing else is granted.
    /// </summary>
    public SkuBooks Settled()
    {
        var lacking = Math.Max(0, Reserved - Held);
        var books = this with { Granted = Granted + lacking, Disputed = Disputed - Math.Min(Disputed, lacking) };
        books = books with { Disputed = books.Disputed - Math.Clamp(-books.Own, 0, books.Disputed) };
        return books.Own switch
        {
            < 0 => books with { Withdrawn = books.Withdrawn - books.Own },
            var own when own > books.Keep && Answered >= Epoch => books with { Granted = books.Granted + own - books.Keep },
            _ => books,
        };
    }

    /// <summary>
    /// The next epoch: what is reserved for parts stays granted, all else that was held for the hub is taken back. Call on settled books.
    /// </summary>
    /// <param name="dispute">What is taken back, and what was in dispute before, is disputed; else it is the site's own.</param>
    public SkuBooks Reopened(bool dispute) => this with
    {
        Epoch = Epoch + 1, Granted = Consumed + Reserved, Withdrawn = 0, Returned = 0, Disputed = dispute ? Disputed + Held - Reserved : 0,
    };
}

/// <summary>The table of totals and counters: one row per SKU of a site.</summary>
internal static class SkuTotals
{
    private const string Select = """
        SELECT s.sku, s.epoch, s.granted, s.consumed, s.withdrawn, s.returned, s.on_hand, s.reserved, s.damaged, s.unusable,
            COALESCE(p.safety_stock, d.safety_stock, 0), COALESCE(p.local_share_percent, d.local_share_percent, 0), s.disputed, s.answered
        FROM site_skus s LEFT JOIN stock_policies p ON p.site = s.site AND p.sku = s.sku
            LEFT JOIN stock_policies d ON d.site = s.site AND d.sku = '*'
        """;

    /// <summary>Adds to the totals of SKUs, which get their row with the first unit.</summary>
    public static async ValueTask AddAsync(LaneTransaction tx, string site, IReadOnlyDictionary<string, SkuDelta> deltas)
    {
        var rows = deltas.Where(d => d.Value != default).OrderBy(d => d.Key, StringComparer.Ordinal).ToList();
        if (rows.Count == 0) return;
        var zeros = new long[rows.Count];
        // Insert, then add: one upsert would put a negative delta through the table's CHECKs before it finds the row.
        // Only units that come in can be the first of their SKU.
        if (rows.Exists(r => r.Value.OnHand > 0)) await tx.UpsertAsync("site_skus", "site, sku", "", rows.Count,
            Column.Same("site", rows.Count, site), Column.From("sku", rows, r => r.Key), Column.Same("epoch", rows.Count, 1),
            Column.Of("granted", zeros), Column.Of("consumed", zeros), Column.Of("withdrawn", zeros), Column.Of("returned", zeros),
            Column.Of("on_hand", zeros), Column.Of("reserved", zeros), Column.Of("damaged", zeros), Column.Of("unusable", zeros));
        await tx.UpdateAsync("site_skus", """
            on_hand = site_skus.on_hand + k.d_on_hand, reserved = site_skus.reserved + k.d_reserved, damaged = site_skus.damaged + k.d_damaged,
            unusable = site_skus.unusable + k.d_unusable, consumed = site_skus.consumed + k.d_consumed
            """, rows.Count,
            [Column.Same("site", rows.Count, site), Column.From("sku", rows, r => r.Key)],
            Column.From("d_on_hand", rows, r => r.Value.OnHand), Column.From("d_reserved", rows, r => r.Value.Reserved),
            Column.From("d_damaged", rows, r => r.Value.Damaged), Column.From("d_unusable", rows, r => r.Value.Unusable),
            Column.From("d_consumed", rows, r => r.Value.Consumed));
    }

    public static async ValueTask<List<SkuBooks>> ReadAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus)
    {
        var wanted = skus.Distinct(StringComparer.Ordinal).ToArray();
        var books = new List<SkuBooks>(wanted.Length);
        await tx.SelectAsync(Select + " WHERE s.site = k.site AND s.sku = k.sku", wanted.Length,
            [Column.Same("site", wanted.Length, site), Column.Of("sku", wanted)],
            row => books.Add(new SkuBooks
            {
                Sku = row.GetString(0), Epoch = row.GetInt32(1), Granted = row.GetInt64(2), Consumed = row.GetInt64(3), Withdrawn = row.GetInt64(4),
                Returned = row.GetInt64(5), OnHand = row.GetInt64(6), Reserved = row.GetInt64(7), Damaged = row.GetInt64(8), Unusable = row.GetInt64(9),
                SafetyStock = row.GetInt64(10), LocalSharePercent = row.GetInt64(11), Disputed = row.GetInt64(12), Answered = row.GetInt32(13),
            }));
        books.Sort((a, b) => string.CompareOrdinal(a.Sku, b.Sku));
        return books;
    }

    /// <summary>Settles SKUs and writes what changed. Answers each one's books afterwards, and whether its counters moved.</summary>
    public static async ValueTask<IReadOnlyList<(SkuBooks Books, bool Changed)>> SettleAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus)
    {
        var before = await ReadAsync(tx, site, skus);
        var settled = before.Select(b => (Books: b.Settled(), Before: b)).ToList();
        var changed = settled.Where(s => s.Books != s.Before).Select(s => s.Books).ToList();
        if (changed.Count > 0)
            await tx.UpdateAsync("site_skus", "granted = k.granted, withdrawn = k.withdrawn, disputed = k.disputed", changed.Count,
                [Column.Same("site", changed.Count, site), Column.From("sku", changed, b => b.Sku)],
                Column.From("granted", changed, b => b.Granted), Column.From("withdrawn", changed, b => b.Withdrawn), Column.From("disputed", changed, b => b.Disputed));
        return [.. settled.Select(s => (s.Books, s.Books != s.Before))];
    }
}
