using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Rows of stock for one product, for those who ask where it is.</summary>
public static class PickingPlaces
{
    /// <summary>One row of stock. No lot is null.</summary>
    public sealed record Place
    {
        public string Sku { get; init; } = "";
        public string Bin { get; init; } = "";
        public string? Lot { get; init; }
        public long OnHand { get; init; }
        public long Reserved { get; init; }
        public long Available { get; init; }
        public DateTimeOffset? ReceivedAt { get; init; }
        public DateOnly? ExpiresOn { get; init; }
    }

    private sealed record PickRow
    {
        public string Bin { get; init; } = "";
        public string Lot { get; init; } = "";
        public long OnHand { get; init; }
        public long Reserved { get; init; }
        public long Damaged { get; init; }
        public long Blocked { get; init; }
        public string BinOrder { get; init; } = "";
        public DateTimeOffset ReceivedAt { get; init; }
        public string? Newer { get; init; }
        public DateOnly? ExpiresOn { get; init; }
    }

    /// <summary>
    /// Where picking would take so many units, and how many at each place, in its order: first expired, then oldest, then along the walk (F3). All that there are when more are wanted.
    /// </summary>
    /// <returns>The available units of the SKU, and the places with what is taken there.</returns>
    public static async ValueTask<(long Available, IReadOnlyList<(Place Place, long Take)> Places)> ToPickAsync(SqlSession session, string site, string sku, long wanted)
    {
        var rows = (await session.QueryAsync<PickRow>("""
            SELECT bin, lot, on_hand, reserved, damaged, blocked, bin_order, received_at, newer, expires_on FROM stock
            WHERE site = @site AND sku = @sku AND pickable AND on_hand > reserved + damaged + blocked
            """, new { site, sku })).Select(r => new StockRow(new RowKey(sku, r.Bin, r.Lot))
            {
                OnHand = r.OnHand, Reserved = r.Reserved, Damaged = r.Damaged, Blocked = r.Blocked, BinOrder = r.BinOrder, ReceivedAt = r.ReceivedAt, Newer = r.Newer, ExpiresOn = r.ExpiresOn,
            }).ToList();
        var places = rows.ToDictionary(r => r, r => new Place
        {
            Sku = sku, Bin = r.Key.Bin, Lot = r.Key.Lot.Length == 0 ? null : r.Key.Lot, OnHand = r.OnHand, Reserved = r.Reserved, Available = r.Available, ReceivedAt = r.ReceivedAt,
            ExpiresOn = r.ExpiresOn,
        });
        return (rows.Sum(r => r.Available), [.. new PickQueue(rows).Draw(wanted, static (r, n) => r.Reserved += n).Select(d => (places[d.Row], d.Units))]);
    }

    /// <summary>What lies in one bin, by lot.</summary>
    public static ValueTask<IReadOnlyList<Place>> InBinAsync(SqlSession session, string site, string sku, string bin) => session.QueryAsync<Place>("""
        SELECT sku, bin, NULLIF(lot, '') AS lot, on_hand, reserved, on_hand - reserved - damaged - blocked AS available, received_at, expires_on
        FROM stock WHERE site = @site AND sku = @sku AND bin = @bin ORDER BY stock.lot
        """, new { site, sku, bin });
}
