using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>What the hub changes about a part while it is being worked on: hold, release, priority. Its reservations stay.</summary>
internal static class HoldPart
{
    public static async ValueTask HoldAsync(LaneTransaction tx, Guid orderId, int part, bool onHold)
    {
        var args = new { orderId, part, onHold };
        await tx.WriteAsync("UPDATE fulfillment_orders SET on_hold = @onHold WHERE order_id = @orderId AND part = @part", args);
        await tx.WriteAsync("UPDATE picking_tasks SET on_hold = @onHold WHERE order_id = @orderId AND part = @part", args);
        await tx.WriteAsync("UPDATE packing_tasks SET on_hold = @onHold WHERE order_id = @orderId AND part = @part", args);
    }

    public static async ValueTask PrioritizeAsync(LaneTransaction tx, Guid orderId, int part, Priority priority)
    {
        var args = new { orderId, part, priority };
        await tx.WriteAsync("UPDATE fulfillment_orders SET priority = @priority WHERE order_id = @orderId AND part = @part", args);
        await tx.WriteAsync("UPDATE picking_tasks SET priority = @priority WHERE order_id = @orderId AND part = @part", args);
        await tx.WriteAsync("UPDATE packing_tasks SET priority = @priority WHERE order_id = @orderId AND part = @part", args);
    }
}
