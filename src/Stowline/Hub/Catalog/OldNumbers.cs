using Stowline.Contracts;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>
/// The numbers by which older systems know things (contract, Old systems at the door): a site's <c>warehouse_id</c> is its number, a product's
/// <c>listing_id</c> its external id.
/// </summary>
public static class OldNumbers
{
    private sealed record SiteRow { public string Code { get; init; } = ""; public int Number { get; init; } }

    /// <summary>Every site's number, by code. Sites are few.</summary>
    public static async Task<IReadOnlyDictionary<string, int>> SitesAsync(SqlSession session) =>
        (await session.QueryAsync<SiteRow>("SELECT code, ordinal AS number FROM sites")).ToDictionary(r => r.Code, r => r.Number, StringComparer.Ordinal);

    /// <summary>The active sites where a customer may be told to come, in order of code.</summary>
    public static ValueTask<IReadOnlyList<string>> CountersAsync(SqlSession session) => session.QueryAsync<string>(
        "SELECT code FROM sites WHERE active = @yes AND type IN (@kitchen, @pickup) ORDER BY code",
        new { yes = true, kitchen = (int)SiteType.Kitchen, pickup = (int)SiteType.PickupPoint });

    /// <summary>The SKUs with this external id: one, as a rule.</summary>
    public static ValueTask<IReadOnlyList<string>> SkusOfAsync(SqlSession session, string externalId) =>
        session.QueryAsync<string>("SELECT sku FROM products WHERE external_id = @externalId ORDER BY sku LIMIT 2", new { externalId });

    /// <summary>The SKUs of this name, or the one that is spelt so.</summary>
    public static ValueTask<IReadOnlyList<string>> SkusNamedAsync(SqlSession session, string name) => session.QueryAsync<string>(
        "SELECT sku FROM products WHERE sku = @name OR name = @name ORDER BY CASE WHEN sku = @name THEN 0 ELSE 1 END, sku LIMIT 2", new { name });

    /// <summary>The external ids of those of the SKUs that have one.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ExternalIdsAsync(SqlSession session, IReadOnlyCollection<string> skus)
    {
        string[] wanted = [.. skus.Distinct(StringComparer.Ordinal)];
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        await session.SelectAsync("SELECT sku, external_id FROM products WHERE sku = k.sku AND external_id IS NOT NULL", wanted.Length, [Column.Of("sku", wanted)],
            row => found[row.GetString(0)] = row.GetString(1));
        return found;
    }
}
