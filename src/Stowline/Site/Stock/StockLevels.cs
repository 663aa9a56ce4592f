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

/// <summary>A whole site's stock in figures: for whoever orders new goods.</summary>
internal static class StockLevels
{
    public static async Task<IReadOnlyDictionary<string, StockLevel>> ReadAsync(SqlSession session, string site) =>
        (await session.QueryAsync<StockLevel>("SELECT sku, on_hand, reserved, unusable FROM site_skus WHERE site = @site", new { site }))
        .ToDictionary(l => l.Sku, StringComparer.Ordinal);
}
