using System.Text.Json;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>What shipping may ask of fulfillment, and what it tells it. The packing tables stay the module's own.</summary>
public static class ShippedParts
{
    /// <summary>A packing task as shipping sees it, with the units that stand in staging for it.</summary>
    /// <param name="Serials">The serial numbers that were scanned while it was picked, per SKU; most parcels have none.</param>
    public sealed record Parcel(PackingTask Task, IReadOnlyList<StockUnits> Staged, IReadOnlyDictionary<string, string[]> Serials)
    {
        public IReadOnlyList<SkuUnits> Units => [.. Staged.GroupBy(u => u.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, g.Sum(u => u.Quantity)))];
    }

    public static async ValueTask<Parcel?> FindAsync(SqlSession session, string site, Guid packingTaskId)
    {
        var serials = new Question<SerialRow>("""
            SELECT sku, serials FROM picking_items WHERE task_id = (SELECT picking_task_id FROM packing_tasks WHERE id = @id) AND serials IS NOT NULL
            """, new { id = packingTaskId });
        if (await PackingTasks.FindAsync(session, site, packingTaskId, serials) is not { } loaded) return null;
        return new Parcel(loaded.Shown(), loaded.Staged, serials.Rows.GroupBy(r => r.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key,
            g => g.SelectMany(r => JsonSerializer.Deserialize(r.Serials, FulfillmentJson.Default.StringArray) ?? []).ToArray(), StringComparer.Ordinal));
    }

    /// <summary>The part has left: its packing task and its fulfillment order are shipped.</summary>
    public static async ValueTask MarkShippedAsync(LaneTransaction tx, Parcel parcel, string carrier, string trackingNumber)
    {
        var task = parcel.Task;
        await tx.WriteAsync("UPDATE packing_tasks SET status = @status, shipped_at = @now, carrier = @carrier, tracking_number = @trackingNumber WHERE id = @id",
            new { id = task.Id, now = tx.Now, carrier, trackingNumber, status = PackingStatus.Shipped });
        await FulfillmentOrders.EndAsync(tx, task.OrderId, task.Part, FulfillmentStatus.Shipped, parcel.Units);
    }

    /// <summary>A carrier has taken the parcel and given it a number, or has it no more (null): the task shows it before it is shipped.</summary>
    public static ValueTask NoteCarrierAsync(LaneTransaction tx, Guid packingTaskId, string? carrier, string? trackingNumber) => tx.WriteAsync(
        "UPDATE packing_tasks SET carrier = @carrier, tracking_number = @trackingNumber WHERE id = @packingTaskId AND status <> @shipped",
        new { packingTaskId, carrier, trackingNumber, shipped = PackingStatus.Shipped });

    private sealed record SerialRow { public string Sku { get; init; } = ""; public string Serials { get; init; } = "[]"; }

    /// <summary>Packing tasks that are shipped, for the check that each has a shipment. Of sites whose parts are here: tasks without one are copies.</summary>
    public static IAsyncEnumerable<Guid> StreamShippedAsync(SqlSession session) => session.StreamAsync<Guid>("""
        SELECT p.id FROM packing_tasks p JOIN fulfillment_orders f ON f.order_id = p.order_id AND f.part = p.part WHERE p.status = @status
        """, new { status = PackingStatus.Shipped });
}
