using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Finds the tasks of an order at whichever site has them: for programs that carry an order through.</summary>
public static class TaskLookup
{
    public sealed record Found
    {
        public Guid Id { get; init; }
        public string Site { get; init; } = "";
    }

    /// <summary>The first picking task of an order.</summary>
    public static async Task<Found> PickingOfAsync(SqlSession session, Guid order) =>
        await session.FindAsync<Found>("SELECT id, site FROM picking_tasks WHERE order_id = @order ORDER BY part LIMIT 1", new { order })
        ?? throw new InvalidOperationException($"order {order} has no picking task");

    /// <summary>The first packing task of an order.</summary>
    public static async Task<Guid> PackingOfAsync(SqlSession session, Guid order) =>
        await session.FindAsync<Guid?>("SELECT id FROM packing_tasks WHERE order_id = @order ORDER BY part LIMIT 1", new { order })
        ?? throw new InvalidOperationException($"order {order} has no packing task");
}
