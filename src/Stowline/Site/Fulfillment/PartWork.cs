using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The tasks of a part of an order as they stand inside a command: for workers who come from the order and not from a list, such as an
/// import's simulated ones.
/// </summary>
internal static class PartWork
{
    /// <summary>Null until the site has taken the part, and where nothing of it could be reserved.</summary>
    public static ValueTask<LoadedPicking?> PickingAsync(LaneTransaction tx, Guid orderId, int part) => PickingTasks.FindByPartAsync(tx, orderId, part);

    /// <summary>Null until the part has been picked.</summary>
    public static async ValueTask<LoadedPacking?> PackingAsync(LaneTransaction tx, Guid orderId, int part)
    {
        var session = tx.Group.Session;
        var task = await session.FindAsync<PackingRow>($"SELECT {PackingTasks.Columns} FROM packing_tasks WHERE order_id = @orderId AND part = @part", new { orderId, part });
        return task is null ? null : await PackingTasks.WithPackagesAsync(session, task);
    }
}
