using Stowline.Store;

namespace Stowline.Log;

/// <summary>How far a site is given up. Stored: append, never renumber.</summary>
public enum GiveUpState
{
    /// <summary>What it had to do is being given to others.</summary>
    Leaving = 1,

    /// <summary>Nothing is left to be given to others.</summary>
    Gone = 2,

    /// <summary>An operator wants it back; the site has not answered.</summary>
    Returning = 3,
}

/// <summary>A site of which an operator has said that it is gone for good.</summary>
public sealed record GivenUpSite
{
    public string Site { get; init; } = "";
    public GiveUpState State { get; init; }
    public DateTimeOffset GivenUpAt { get; init; }
    public string Reason { get; init; } = "";
    public string Actor { get; init; } = "";
}

/// <summary>
/// The sites that were given up (decision 0027). Kept with the lanes, because it is a word about who is at the other end of one: the links show it, and those who promise must not forget it.
/// Who keeps it in memory is told as of repairs.
/// </summary>
public static class GivenUpSites
{
    private const string Columns = "site, state, given_up_at, reason, actor";

    /// <summary>All of them, by site.</summary>
    public static async Task<IReadOnlyList<GivenUpSite>> AllAsync(SqlSession session) => await session.QueryAsync<GivenUpSite>($"SELECT {Columns} FROM given_up_sites ORDER BY site");

    internal static ValueTask<GivenUpSite?> FindAsync(LaneTransaction tx, string site) => tx.FindAsync<GivenUpSite>($"SELECT {Columns} FROM given_up_sites WHERE site = @site", new { site });

    /// <summary>Notes that a site is given up, or how far it is.</summary>
    internal static async ValueTask SaveAsync(LaneTransaction tx, Lanes lanes, GivenUpSite row)
    {
        await tx.WriteAsync($"""
            INSERT INTO given_up_sites ({Columns}) VALUES (@Site, @State, @GivenUpAt, @Reason, @Actor)
            ON CONFLICT (site) DO UPDATE SET state = excluded.state, given_up_at = excluded.given_up_at, reason = excluded.reason, actor = excluded.actor
            """, new { row.Site, row.State, row.GivenUpAt, row.Reason, row.Actor });
        tx.Announce(Repairs.Topic);
        tx.OnCommitted(() => lanes.IsGivenUpNow(row.Site, row.State));
    }

    /// <summary>The site is there again.</summary>
    internal static async ValueTask EndAsync(LaneTransaction tx, Lanes lanes, string site)
    {
        await tx.WriteAsync("DELETE FROM given_up_sites WHERE site = @site", new { site });
        tx.Announce(Repairs.Topic);
        tx.OnCommitted(() => lanes.IsGivenUpNow(site, null));
    }
}
