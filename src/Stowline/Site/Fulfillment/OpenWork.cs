using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>A task that somebody may go on with.</summary>
internal sealed record OpenTask
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public int Status { get; init; }
    public string? Worker { get; init; }
}

/// <summary>
/// What there is to do at a site, oldest first, without what is on hold: for workers who take the next task, such as the demo's. Only what
/// is needed to choose; whoever takes a task reads it inside the command.
/// </summary>
internal static class OpenWork
{
    public static async Task<IReadOnlyList<OpenTask>> PickingAsync(SqlSession session, string site, int limit) => await session.QueryAsync<OpenTask>("""
        SELECT id, number, order_id, part, status, worker FROM picking_tasks
        WHERE site = @site AND status IN (@pending, @assigned, @started) AND on_hold = @no ORDER BY id LIMIT @limit
        """, new { site, pending = PickingStatus.Pending, assigned = PickingStatus.Assigned, started = PickingStatus.InProgress, no = false, limit });

    public static async Task<IReadOnlyList<OpenTask>> PackingAsync(SqlSession session, string site, int limit) => await session.QueryAsync<OpenTask>("""
        SELECT id, number, order_id, part, status, worker FROM packing_tasks
        WHERE site = @site AND status IN (@pending, @started) AND on_hold = @no ORDER BY id LIMIT @limit
        """, new { site, pending = PackingStatus.Pending, started = PackingStatus.InProgress, no = false, limit });

    /// <summary>Packed parts that stand there since before a time.</summary>
    public static async Task<IReadOnlyList<OpenTask>> PackedAsync(SqlSession session, string site, DateTimeOffset before, int limit) => await session.QueryAsync<OpenTask>("""
        SELECT id, number, order_id, part, status, worker FROM packing_tasks
        WHERE site = @site AND status = @packed AND on_hold = @no AND packed_at <= @before ORDER BY id LIMIT @limit
        """, new { site, packed = PackingStatus.Packed, no = false, before, limit });

    /// <summary>Put-backs that wait since before a time.</summary>
    public static async Task<IReadOnlyList<Guid>> PutBacksAsync(SqlSession session, string site, DateTimeOffset before, int limit) => await session.QueryAsync<Guid>(
        "SELECT id FROM put_back_tasks WHERE site = @site AND status = @pending AND created_at <= @before ORDER BY id LIMIT @limit",
        new { site, pending = PutBackStatus.Pending, before, limit });
}
