using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>Tickets by their slot, for programs that cook: oldest first.</summary>
public static class OpenTickets
{
    /// <summary>Those that are not over and whose slot begins before a moment, at most 5,000.</summary>
    public static async Task<IReadOnlyList<Guid>> IdsAsync(SqlSession session, string site, DateTimeOffset before) => await session.QueryAsync<Guid>("""
        SELECT id FROM tickets WHERE site = @site AND status IN (1, 2) AND NOT on_hold AND (slot_start IS NULL OR slot_start < @before) ORDER BY id LIMIT 5000
        """, new { site, before });

    /// <summary>How many are not over.</summary>
    public static async Task<long> CountAsync(SqlSession session, string site) =>
        await session.FindAsync<long>("SELECT COUNT(*) FROM tickets WHERE site = @site AND status IN (1, 2)", new { site });
}
