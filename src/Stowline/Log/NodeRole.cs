using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// What a node is: the hub, with all sites that have no node of their own, or one site. It is decided when the database is made and stands in its
/// lanes from then on.
/// </summary>
/// <param name="Site">The site's code; null for the hub.</param>
/// <param name="Ordinal">The site's number at its hub, 0 for the hub: it keeps the numbers of both apart.</param>
public sealed record NodeRole(string? Site, int Ordinal)
{
    public static readonly NodeRole Hub = new(null, 0);

    public bool IsHub => Site is null;

    /// <summary>The lane of everything that the node does on its own account, keys for example.</summary>
    public Lane Home => Site is { } site ? Lane.Site(site) : Lane.Hub;

    private sealed record Row { public string Name { get; init; } = ""; public int Ordinal { get; init; } public int Replica { get; init; } }

    /// <summary>What the lanes of this database say; null while there are none.</summary>
    public static async Task<NodeRole?> OfAsync(SqlSession session)
    {
        var rows = await session.QueryAsync<Row>("SELECT name, ordinal, replica FROM lanes ORDER BY id");
        if (rows.FirstOrDefault(r => r.Name == Lane.HubAll.Name) is not { } all) return null;
        if (all.Replica == 0) return Hub;
        var own = rows.Single(r => r.Replica == 0);
        return new NodeRole(own.Name["site/".Length..], own.Ordinal);
    }
}
