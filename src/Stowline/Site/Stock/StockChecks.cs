using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>The ledger's part of <c>stowline verify</c> (W4): each check is null when well, else names the first row that is not.</summary>
internal static class StockChecks
{
    private sealed record Wrong
    {
        public string Place { get; init; } = "";
        public long Units { get; init; }
    }

    /// <summary>Both ways at once: movements without their stock, and stock without its movements.</summary>
    public static async Task<string?> MovementsAsync(SqlSession session)
    {
        var wrong = await session.FindAsync<Wrong>("""
            SELECT site || '/' || bin || '/' || sku || '/' || lot AS place, CAST(SUM(units) AS bigint) AS units FROM (
                SELECT site, to_bin AS bin, sku, lot, quantity AS units FROM movements WHERE to_bin IS NOT NULL
                UNION ALL SELECT site, from_bin, sku, lot, -quantity FROM movements WHERE from_bin IS NOT NULL
                UNION ALL SELECT site, bin, sku, lot, -on_hand FROM stock) AS moved
            GROUP BY site, bin, sku, lot HAVING SUM(units) <> 0 LIMIT 1
            """);
        return wrong is null ? null : $"{wrong.Place}: the movements come to {wrong.Units} units more than the stock";
    }

    public static async Task<string?> TotalsAsync(SqlSession session)
    {
        var wrong = await session.FindAsync<Wrong>("""
            SELECT site || '/' || sku AS place, CAST(SUM(on_hand) AS bigint) AS units FROM (
                SELECT site, sku, on_hand, reserved, damaged, CASE WHEN pickable THEN damaged + blocked ELSE on_hand - reserved END AS unusable FROM stock
                UNION ALL SELECT site, sku, -on_hand, -reserved, -damaged, -unusable FROM site_skus) AS kept
            GROUP BY site, sku HAVING SUM(on_hand) <> 0 OR SUM(reserved) <> 0 OR SUM(damaged) <> 0 OR SUM(unusable) <> 0 LIMIT 1
            """);
        return wrong is null ? null : $"{wrong.Place}: the totals of the SKU are not those of its stock ({wrong.Units} units on hand apart)";
    }

    private sealed record Layered
    {
        public string Place { get; init; } = "";
        public long OnHand { get; init; }
        public DateTimeOffset ReceivedAt { get; init; }
        public string Newer { get; init; } = "";
    }

    /// <summary>Rows with several receipts: each is younger than the one before, and together they leave units to the oldest.</summary>
    public static async Task<string?> LayersAsync(SqlSession session)
    {
        var rows = session.StreamAsync<Layered>("SELECT site || '/' || bin || '/' || sku || '/' || lot AS place, on_hand, received_at, newer FROM stock WHERE newer IS NOT NULL");
        await foreach (var row in rows)
        {
            List<ReceiptLayer> layers;
            try
            {
                layers = ReceiptLayer.Read(row.Newer)!;
            }
            catch (FormatException)
            {
                return $"{row.Place}: '{row.Newer}' are no receipts";
            }
            var before = row.ReceivedAt;
            foreach (var (receivedAt, units) in layers)
            {
                if (units <= 0 || receivedAt <= before) return $"{row.Place}: the receipts '{row.Newer}' are not one after the other";
                before = receivedAt;
            }
            if (layers.Sum(l => l.Units) is var newer && newer >= row.OnHand) return $"{row.Place}: {newer} of {row.OnHand} units are of newer receipts, which leaves nothing to the oldest";
        }
        return null;
    }

    /// <summary>After every settlement: reserved ≤ held for the hub ≤ usable, less what is disputed.</summary>
    public static async Task<string?> GrantsAsync(SqlSession session)
    {
        var wrong = await session.FindAsync<Wrong>("""
            SELECT site || '/' || sku AS place, granted - withdrawn - returned - consumed AS units FROM site_skus
            WHERE granted - withdrawn - returned - consumed < reserved OR granted - withdrawn - returned - consumed > on_hand - unusable - disputed
                OR disputed < 0 OR granted < 0 OR withdrawn < 0 OR returned < 0 OR consumed < 0 LIMIT 1
            """);
        return wrong is null ? null : $"{wrong.Place}: {wrong.Units} units are held for the hub, which is not between what is reserved and what is usable and not disputed";
    }
}
