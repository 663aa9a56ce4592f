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

    private const string Columns =
        "sku, bin, NULLIF(lot, '') AS lot, on_hand, reserved, on_hand - reserved - damaged - blocked AS available, received_at, expires_on";

    /// <summary>Where units can be taken from, in the order in which picking takes them: first expired, then oldest, then along the walk (F3).</summary>
    public static ValueTask<IReadOnlyList<Place>> ToPickAsync(SqlSession session, string site, string sku, int limit) => session.QueryAsync<Place>($"""
        SELECT {Columns} FROM stock WHERE site = @site AND sku = @sku AND pickable AND on_hand > reserved + damaged + blocked
        ORDER BY CASE WHEN expires_on IS NULL THEN 1 ELSE 0 END, expires_on, received_at, bin_order, bin, stock.lot LIMIT @limit
        """, new { site, sku, limit });

    /// <summary>What lies in one bin, by lot.</summary>
    public static ValueTask<IReadOnlyList<Place>> InBinAsync(SqlSession session, string site, string sku, string bin) =>
        session.QueryAsync<Place>($"SELECT {Columns} FROM stock WHERE site = @site AND sku = @sku AND bin = @bin ORDER BY stock.lot", new { site, sku, bin });
}
