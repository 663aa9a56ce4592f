using Stowline.Store;

namespace Stowline.Log;

/// <summary>A site that was moved out: given to a node of its own with all that it had here.</summary>
public sealed record MovedSite
{
    public string Site { get; init; } = "";

    /// <summary>The last event of its lane that was written here.</summary>
    public long Position { get; init; }
    public DateTimeOffset MovedAt { get; init; }

    /// <summary>When its own node was first heard. Null: not yet, and what the site had can be handed out again.</summary>
    public DateTimeOffset? HeardAt { get; init; }
}

/// <summary>
/// Sites that are moved out (decision 0028). The hand-over is one transaction in the site's scope: the lane's last event here, the mark that another node writes it, the hub's copies. From
/// then on nobody here can write the lane, in whichever process; the site's own rows stand still, and <see cref="SiteExport"/> may write them out as often as is needed. They are deleted in the
/// transaction that takes over the first event of the new node, so at any moment this node has either all of the site's books or only copies.
/// </summary>
public static class MovedSites
{
    /// <summary>Null for a site that was never moved out from here.</summary>
    public static async Task<MovedSite?> FindAsync(SqlSession session, string site) =>
        await session.FindAsync<MovedSite>("SELECT site, position, moved_at, heard_at FROM moved_sites WHERE site = @site", new { site });

    /// <summary>Ends the site's lane here. Must be the last of its group in this scope: <see cref="GroupTransaction.HandOver"/>.</summary>
    /// <param name="consumers">What runs in the site's scope, and so goes on at its node.</param>
    internal static async ValueTask HandOverAsync(LaneTransaction tx, string site, IReadOnlyList<(string Consumer, Lane Source)> consumers)
    {
        var lane = Lane.Site(site);
        tx.Append(lane, new LaneHandedOver(), "node");
        await tx.WriteAsync("UPDATE lanes SET replica = 1 WHERE name = @lane", new { lane = lane.Name });
        await tx.WriteAsync("INSERT INTO moved_sites (site, position, moved_at) VALUES (@site, @position, @now)", new { site, position = await tx.Group.EndOfAsync(lane), now = tx.Now });
        await tx.InsertAsync("moved_consumers", consumers.Count, Column.Same("site", consumers.Count, site), Column.From("consumer", consumers, c => c.Consumer),
            Column.From("lane", consumers, c => c.Source.Name));
    }

    /// <summary>A consumer that only a site's node has, and that must not see what is already in the rows that go along: it begins at the end of a lane.</summary>
    internal static ValueTask BeginsAtEndAsync(LaneTransaction tx, string site, string consumer, Lane lane) => tx.WriteAsync(
        "INSERT INTO moved_consumers (site, consumer, lane, starts_at) SELECT @site, @consumer, name, head_position FROM lanes WHERE name = @lane",
        new { site, consumer, lane = lane.Name });

    /// <summary>
    /// The first event of another node has come into a lane: what the site had here is that node's now, and is deleted. Does nothing for lanes whose writer opened a new incarnation for another
    /// reason.
    /// </summary>
    internal static async ValueTask HeardAsync(LaneTransaction tx, Lane lane, IRecovery recovery)
    {
        if (!lane.Name.StartsWith("site/", StringComparison.Ordinal)) return;
        var site = lane.Name["site/".Length..];
        if (await FindAsync(tx.Group.Session, site) is not { HeardAt: null }) return;
        await recovery.LetGoAsync(site, tx);
        foreach (var table in new[] { "cursors", "parked_events" })
            await tx.WriteAsync($"DELETE FROM {table} WHERE {SiteExport.OfConsumers(table)}", new { site });
        await tx.WriteAsync("DELETE FROM moved_consumers WHERE site = @site", new { site });
        await tx.WriteAsync("DELETE FROM idempotency_keys WHERE scope = @scope", new { scope = lane.Scope });
        await tx.WriteAsync("UPDATE moved_sites SET heard_at = @now WHERE site = @site", new { site, now = tx.Now });
    }
}
