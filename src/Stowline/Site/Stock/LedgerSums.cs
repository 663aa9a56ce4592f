using Stowline.Contracts;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>
/// The ledger summed by the references of documents: for imports, which must know what they have booked before, and in the end compare
/// books. Walks all movements of the site, so it is no question for every command; an index would burden every movement for its sake.
/// </summary>
public static class LedgerSums
{
    private sealed record Row
    {
        public MovementKind Kind { get; init; }
        public string Reference { get; init; } = "";
        public long Units { get; init; }
    }

    private sealed record UsedRow
    {
        public string Sku { get; init; } = "";
        public long Units { get; init; }
    }

    /// <summary>SKU → units that were used up in making something.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> UsedAsync(SqlSession session, string site)
    {
        var rows = await session.QueryAsync<UsedRow>("SELECT sku, CAST(SUM(quantity) AS bigint) AS units FROM movements WHERE site = @site AND kind = @kind GROUP BY sku ORDER BY sku",
            new { site, kind = MovementKind.Consumption });
        return rows.ToDictionary(r => r.Sku, r => r.Units, StringComparer.Ordinal);
    }

    /// <summary>Units that came in less those that went out, per kind and reference, of the references that begin with a prefix.</summary>
    public static async Task<IReadOnlyDictionary<(MovementKind Kind, string Reference), long>> ByReferenceAsync(SqlSession session, string site, string prefix)
    {
        var rows = await session.QueryAsync<Row>("""
            SELECT kind, reference, CAST(SUM(CASE WHEN from_bin IS NULL THEN quantity ELSE -quantity END) AS bigint) AS units
            FROM movements WHERE site = @site AND substr(reference, 1, @length) = @prefix GROUP BY kind, reference
            """, new { site, prefix, length = prefix.Length });
        return rows.ToDictionary(r => (r.Kind, r.Reference), r => r.Units);
    }
}
