using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>What must hold among tasks and stock at any moment: the module's part of <c>stowline verify</c>.</summary>
internal static class FulfillmentChecks
{
    private sealed record Needed
    {
        public string Site { get; init; } = "";
        public string Sku { get; init; } = "";
        public string Bin { get; init; } = "";
        public string Lot { get; init; } = "";
        public long Units { get; init; }
    }

    /// <summary>Every reserved unit waits for an open item in its bin, or was picked for a part that has not left; and the other way round.</summary>
    public static async Task<string?> ReservationsAsync(SqlSession session)
    {
        var needed = await NeededAsync(session);
        await foreach (var held in StockReservations.StreamAsync(session))
        {
            needed.Remove((held.Site, held.Sku, held.Bin, held.Lot), out var units);
            if (units != held.Reserved) return $"{held.Site}: {held.Sku} in {held.Bin} lot '{held.Lot}' has {held.Reserved} reserved, its tasks need {units}";
        }
        foreach (var ((site, sku, bin, lot), units) in needed)
            if (units != 0) return $"{site}: tasks need {units} of {sku} in {bin} lot '{lot}', nothing is reserved there";
        return null;
    }

    /// <summary>Units that tasks hold, by site, SKU, bin and lot. Of sites whose parts are here: tasks without one are copies.</summary>
    internal static async Task<Dictionary<(string Site, string Sku, string Bin, string Lot), long>> NeededAsync(SqlSession session)
    {
        var needed = new Dictionary<(string Site, string Sku, string Bin, string Lot), long>();
        foreach (var row in await session.QueryAsync<Needed>("""
            SELECT t.site, i.sku, i.bin, i.lot, SUM(i.quantity_required - i.quantity_picked) AS units
            FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id JOIN fulfillment_orders f ON f.order_id = t.order_id AND f.part = t.part
            WHERE i.status = @open AND t.status IN (@pending, @assigned, @inProgress) GROUP BY t.site, i.sku, i.bin, i.lot
            UNION ALL
            SELECT t.site, i.sku, @staging AS bin, i.lot, SUM(i.quantity_picked) AS units
            FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id JOIN fulfillment_orders f ON f.order_id = t.order_id AND f.part = t.part
            WHERE i.quantity_picked > 0 AND f.status NOT IN (@shipped, @cancelled, @short) GROUP BY t.site, i.sku, i.lot
            """, new
            {
                open = PickingItemStatus.Pending, pending = PickingStatus.Pending, assigned = PickingStatus.Assigned, inProgress = PickingStatus.InProgress,
                staging = StockBook.Staging, shipped = FulfillmentStatus.Shipped, cancelled = FulfillmentStatus.Cancelled, @short = FulfillmentStatus.Short,
            }))
            needed[(row.Site, row.Sku, row.Bin, row.Lot)] = needed.GetValueOrDefault((row.Site, row.Sku, row.Bin, row.Lot)) + row.Units;
        return needed;
    }

    /// <summary>One picking task per part that lives, packing only after completed picking, counts that add up.</summary>
    public static async Task<string?> TasksAsync(SqlSession session)
    {
        var ended = new { shortened = FulfillmentStatus.Short, cancelled = FulfillmentStatus.Cancelled };
        if (await session.FindAsync<string>("""
                SELECT f.site FROM fulfillment_orders f LEFT JOIN picking_tasks t ON t.order_id = f.order_id AND t.part = f.part
                WHERE t.id IS NULL AND f.status NOT IN (@shortened, @cancelled) LIMIT 1
                """, ended) is { } bare) return $"{bare}: a part has no picking task";
        if (await session.FindAsync<long?>("""
                SELECT p.number FROM packing_tasks p LEFT JOIN picking_tasks t ON t.id = p.picking_task_id
                WHERE p.as_of IS NULL AND (t.id IS NULL OR t.status <> @completed) LIMIT 1
                """, new { completed = PickingStatus.Completed }) is { } early) return $"packing task {early} has no completed picking task";
        if (await session.FindAsync<long?>("""
                SELECT t.number FROM picking_tasks t
                WHERE t.total_items <> (SELECT COUNT(*) FROM picking_items i WHERE i.task_id = t.id)
                    OR t.picked_items <> (SELECT COUNT(*) FROM picking_items i WHERE i.task_id = t.id AND i.status = @picked) LIMIT 1
                """, new { picked = PickingItemStatus.Picked }) is { } miscounted) return $"picking task {miscounted} counts its items wrong";
        return null;
    }
}
