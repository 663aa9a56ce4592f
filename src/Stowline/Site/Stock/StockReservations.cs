using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>What is reserved where, for whoever must show what it is reserved for.</summary>
public static class StockReservations
{
    /// <summary>Units reserved in one row of stock. No lot is the empty text.</summary>
    public sealed record Row
    {
        public string Site { get; init; } = "";
        public string Sku { get; init; } = "";
        public string Bin { get; init; } = "";
        public string Lot { get; init; } = "";
        public long Reserved { get; init; }
    }

    /// <summary>Every row with reserved units, one by one.</summary>
    public static IAsyncEnumerable<Row> StreamAsync(SqlSession session) =>
        session.StreamAsync<Row>("SELECT site, sku, bin, lot, reserved FROM stock WHERE reserved > 0");
}
