using Stowline.Contracts;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Figures of a site's stock for the overview (W18). Units; bins are those from which goods may go to customers.</summary>
/// <param name="Corrected">Units by which adjustments and counts changed the books, up or down.</param>
public sealed record StockFigures(long OnHand, long Corrected, long FilledBins, long Bins)
{
    /// <summary>So many of the newest adjustments are read; they have an index of their own.</summary>
    private const int MostAdjustments = 1_000;

    private sealed record AdjustmentRow { public long Quantity { get; init; } public DateTimeOffset At { get; init; } }

    public static async Task<StockFigures> ReadAsync(SqlSession session, string site, DateTimeOffset since)
    {
        var onHand = await session.FindAsync<long?>("SELECT CAST(SUM(on_hand) AS bigint) FROM site_skus WHERE site = @site", new { site }) ?? 0;
        // The kind stands in the text: only so can a partial index be used for it.
        var adjusted = await session.QueryAsync<AdjustmentRow>($"""
            SELECT quantity, at FROM movements WHERE site = @site AND kind = {(int)MovementKind.Adjustment} ORDER BY number DESC LIMIT @limit
            """, new { site, limit = MostAdjustments });
        var filled = await session.FindAsync<long>("SELECT COUNT(DISTINCT bin) FROM stock WHERE site = @site AND pickable = @yes AND bin <> @receiving",
            new { site, yes = true, receiving = StockBook.Receiving });
        return new StockFigures(onHand, adjusted.Where(a => a.At >= since).Sum(a => a.Quantity), filled, await BinCounts.PickableAsync(session, site));
    }
}
