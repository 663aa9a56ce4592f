using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>What a site has given to the hub, over all SKUs, in units. <see cref="Promised"/> counts open promises.</summary>
public sealed record SitePromises
{
    public string Site { get; init; } = "";
    public long OnHand { get; init; }
    public long Promised { get; init; }
    public long Free { get; init; }
}

/// <summary>A SKU of which nothing can be promised any more, over all sites.</summary>
public sealed record EmptySku
{
    public string Sku { get; init; } = "";
    public long Promised { get; init; }
    public long Free { get; init; }
}

/// <summary>How many SKUs the hub was ever granted, and of how many nothing is left to promise.</summary>
public sealed record SkuCounts
{
    public long Skus { get; init; }
    public long Empty { get; init; }
}

/// <summary>Figures of the escrow for the overview (W11, W18). Each reads all allotments once.</summary>
public static class PromisedStock
{
    private const string Free = "granted - withdrawn - returned - promised + released";
    private const string PerSku = $"SELECT sku, CAST(SUM({Free}) AS bigint) AS free, CAST(SUM(promised - released - consumed) AS bigint) AS promised FROM allotments GROUP BY sku";

    public static async Task<IReadOnlyDictionary<string, SitePromises>> PerSiteAsync(SqlSession session) => (await session.QueryAsync<SitePromises>($"""
        SELECT site, CAST(SUM(on_hand) AS bigint) AS on_hand, CAST(SUM(promised - released - consumed) AS bigint) AS promised, CAST(SUM({Free}) AS bigint) AS free
        FROM allotments GROUP BY site
        """)).ToDictionary(r => r.Site, StringComparer.Ordinal);

    /// <summary>The SKUs of which nothing is left, those with most open promises first: they sell.</summary>
    public static ValueTask<IReadOnlyList<EmptySku>> EmptyAsync(SqlSession session, int limit) =>
        session.QueryAsync<EmptySku>($"SELECT sku, free, promised FROM ({PerSku}) q WHERE free <= 0 ORDER BY promised DESC, sku LIMIT @limit", new { limit });

    public static async Task<SkuCounts> CountAsync(SqlSession session) => (await session.FindAsync<SkuCounts>(
        $"SELECT COUNT(*) AS skus, COUNT(CASE WHEN free <= 0 THEN 1 END) AS empty FROM ({PerSku}) q"))!;
}
