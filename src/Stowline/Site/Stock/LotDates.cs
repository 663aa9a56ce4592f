using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>When a lot expires.</summary>
public sealed record LotDate(string Sku, string Lot, DateOnly ExpiresOn);

/// <summary>Dates that are learned when the goods are there already (W3).</summary>
public static class LotDates
{
    /// <summary>Sets the dates of lots in all their bins, where they have none or later ones: the earliest is believed, so that nobody gets a unit too late.</summary>
    public static ValueTask SetAsync(LaneTransaction tx, string site, IReadOnlyList<LotDate> lots) => lots.Count == 0 ? ValueTask.CompletedTask : tx.UpdateAsync("stock",
        "expires_on = CASE WHEN stock.expires_on < k.told THEN stock.expires_on ELSE k.told END", lots.Count,
        [Column.Same("site", lots.Count, site), Column.From("sku", lots, l => l.Sku), Column.From("lot", lots, l => l.Lot)], Column.From("told", lots, l => (DateOnly?)l.ExpiresOn));
}
