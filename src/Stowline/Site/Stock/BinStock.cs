using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Keeps the stock rows' copies of their bins' pickability and place in the walk right, and the grants with them.</summary>
public static class BinStock
{
    /// <summary>
    /// Follows a change of bins: copies the new values into the rows, settles the SKUs whose units became usable or unusable, and says so with
    /// <see cref="StockRebalanced"/>. Does nothing where nothing lies in the bins.
    /// </summary>
    internal static async ValueTask FollowAsync(LaneTransaction tx, string site, IReadOnlyList<BinChange> changes, string cause)
    {
        var totals = new Dictionary<string, SkuDelta>(StringComparer.Ordinal);
        var byBin = changes.ToDictionary(c => c.Bin, StringComparer.Ordinal);
        var rows = 0;
        await tx.SelectAsync("SELECT bin, sku, on_hand, reserved, damaged, blocked, pickable FROM stock WHERE site = k.site AND bin = k.bin", changes.Count,
            [Column.Same("site", changes.Count, site), Column.From("bin", changes, c => c.Bin)], row =>
            {
                rows++;
                var stock = new StockRow(new RowKey(row.GetString(1), row.GetString(0), ""))
                {
                    OnHand = row.GetInt64(2), Reserved = row.GetInt64(3), Damaged = row.GetInt64(4), Blocked = row.GetInt64(5), Pickable = row.GetInt64(6) != 0,
                };
                stock.Loaded();
                stock.Pickable = byBin[stock.Key.Bin].Pickable;
                totals[stock.Key.Sku] = totals.GetValueOrDefault(stock.Key.Sku).Plus(0, 0, 0, stock.Delta.Unusable);
            });
        if (rows == 0) return;
        await tx.UpdateAsync("stock", "pickable = k.pickable, bin_order = k.bin_order", changes.Count,
            [Column.Same("site", changes.Count, site), Column.From("bin", changes, c => c.Bin)],
            Column.From("pickable", changes, c => c.Pickable), Column.From("bin_order", changes, c => c.BinOrder));
        await SkuTotals.AddAsync(tx, site, totals);
        await StockPolicy.RebalanceAsync(tx, site, [.. totals.Where(t => t.Value.Unusable != 0).Select(t => t.Key)], cause);
    }
}
