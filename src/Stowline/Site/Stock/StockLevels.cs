using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Units of a SKU at a site. Usable: what customers may get or have reserved; the rest is damaged, blocked or out of reach.</summary>
internal sealed record StockLevel
{
    public string Sku { get; init; } = "";
    public long OnHand { get; init; }
    public long Reserved { get; init; }
    public long Unusable { get; init; }
    public long Free => OnHand - Reserved - Unusable;
}

/// <summary>A row of stock in which a picker found less than the books say: blocked until somebody counts.</summary>
internal sealed record BlockedStock
{
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
    public string Lot { get; init; } = "";
    public long OnHand { get; init; }
    public long Blocked { get; init; }
}

/// <summary>A whole site's stock in figures: for whoever orders new goods or sends people to count.</summary>
internal static class StockLevels
{
    public static async Task<IReadOnlyDictionary<string, StockLevel>> ReadAsync(SqlSession session, string site) =>
        (await session.QueryAsync<StockLevel>("SELECT sku, on_hand, reserved, unusable FROM site_skus WHERE site = @site", new { site }))
        .ToDictionary(l => l.Sku, StringComparer.Ordinal);

    /// <summary>Walks the site's stock rows: a question for every now and then.</summary>
    public static async Task<IReadOnlyList<BlockedStock>> BlockedAsync(SqlSession session, string site, int limit) => await session.QueryAsync<BlockedStock>(
        "SELECT sku, bin, lot, on_hand, blocked FROM stock WHERE site = @site AND blocked > 0 ORDER BY sku, bin, lot LIMIT @limit", new { site, limit });
}
