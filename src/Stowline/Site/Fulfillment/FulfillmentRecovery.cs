using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Brings parts of orders and tasks to what the site's own events say, after a restore. What a part is stands in the event that assigned it, of which the site has the copy. Serial
/// numbers and what is in which package are not in events.
/// </summary>
internal static class FulfillmentRecovery
{
    private static readonly HashSet<string> Parts = new(StringComparer.Ordinal) { PartShort.Type, PartCancelled.Type, PartShipped.Type };

    public static bool Recovers(string type) => Parts.Contains(type) || type == PartCancelRefused.Type || new TaskCopies("").Wants(type);

    public static async ValueTask RunAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        // The tables of a site's tasks and those of the hub's copies of them are the same, and so is what events do to them.
        var copies = new TaskCopies(site);
        foreach (var e in events)
        {
            if (e.Type == PickingCreated.Type && e.Read<PickingCreated>() is var created) await AssignAsync(site, created.OrderId, created.Part, tx);
            if (copies.Wants(e.Type)) await copies.HandleAsync([e], tx);
            await FollowAsync(site, e, tx);
        }
    }

    private static async ValueTask FollowAsync(string site, EventRecord e, LaneTransaction tx)
    {
        switch (e.Type)
        {
            case "picking.started":
                var started = e.Read<PickingStarted>();
                await FulfillmentOrders.MoveAsync(tx, started.OrderId, started.Part, FulfillmentStatus.Picking);
                break;
            case "picking.completed":
                var picked = e.Read<PickingCompleted>();
                if (picked.PickedUnits > 0) await FulfillmentOrders.MoveAsync(tx, picked.OrderId, picked.Part, FulfillmentStatus.Packing);
                break;
            case "packing.completed":
                var packed = e.Read<PackingCompleted>();
                await FulfillmentOrders.MoveAsync(tx, packed.OrderId, packed.Part, FulfillmentStatus.Ready);
                break;
            case "part.shipped":
                var shipped = e.Read<PartShipped>();
                await FulfillmentOrders.EndAsync(tx, shipped.OrderId, shipped.Part, FulfillmentStatus.Shipped, shipped.Lines);
                break;
            case "part.short":
                await ShortAsync(site, e.Read<PartShort>(), tx);
                break;
            case "part.cancelled":
                var cancelled = e.Read<PartCancelled>();
                await FulfillmentOrders.EndAsync(tx, cancelled.OrderId, cancelled.Part, FulfillmentStatus.Cancelled, []);
                if (cancelled.PutBackTaskId is { } task && await PickingTasks.FindByPartAsync(tx, cancelled.OrderId, cancelled.Part) is { } loaded) await PutBack.CreateAsync(tx, loaded, task);
                break;
            case "stock.moved":
                if (e.OrderId is { } order && e.Read<StockMoved>().Movements.Any(m => m.Kind == MovementKind.Putaway && m.FromBin == StockBook.Staging))
                    await PutBack.MarkDoneAsync(tx, order, e.At);
                break;
        }
    }

    private static async ValueTask ShortAsync(string site, PartShort shorted, LaneTransaction tx)
    {
        await AssignAsync(site, shorted.OrderId, shorted.Part, tx);
        if (await FulfillmentOrders.FindAsync(tx.Group.Session, shorted.OrderId, shorted.Part) is not { } order) return;
        if (!shorted.PartEnded)
        {
            await FulfillmentOrders.ReduceAsync(tx, shorted.OrderId, shorted.Part, order.Status, FulfillmentOrders.Less(order.LiveUnits, shorted.Lines));
            return;
        }
        await FulfillmentOrders.EndAsync(tx, shorted.OrderId, shorted.Part, FulfillmentStatus.Short, []);
        // Given up by a worker: what was picked waits to be put back.
        if (await PickingTasks.FindByPartAsync(tx, shorted.OrderId, shorted.Part) is { PickedUnits: > 0 } loaded) await PutBack.CreateAsync(tx, loaded);
    }

    /// <summary>The part as it was assigned, where it is not here.</summary>
    private static async ValueTask AssignAsync(string site, Guid orderId, int part, LaneTransaction tx)
    {
        var session = tx.Group.Session;
        if (await FulfillmentOrders.FindAsync(session, orderId, part) is not null) return;
        var told = await LaneReader.OfOrderAsync(session, orderId);
        if (told.FirstOrDefault(e => e.Type == PartAssigned.Type && e.Lane == Lane.HubTo(site) && e.Read<PartAssigned>().Part == part) is not { } e)
            throw new InvalidOperationException($"part {part} of order {orderId} was worked on, but the event that assigned it is not here");
        var assigned = e.Read<PartAssigned>();
        await tx.WriteAsync("""
            INSERT INTO fulfillment_orders (order_id, part, site, order_number, channel, external_id, fulfillment_type, priority, status, lines, live, person_id, personal, note,
                on_hold, created_at)
            VALUES (@orderId, @part, @site, @number, @channel, @externalId, @type, @priority, @status, @lines, @lines, @person, @personal, @note, @onHold, @at)
            """, new
            {
                orderId, part, site, number = assigned.OrderNumber, channel = assigned.Channel, externalId = assigned.ExternalId, type = assigned.FulfillmentType,
                priority = assigned.Priority, status = FulfillmentStatus.Allocated, lines = FulfillmentOrders.WriteUnits(assigned.Lines), person = assigned.PersonId,
                personal = assigned.Personal, note = assigned.Note, onHold = assigned.OnHold, at = e.At,
            });
    }

    /// <summary>The tasks are the site's own, not copies; and what they hold is reserved.</summary>
    public static async ValueTask FinishAsync(string site, LaneTransaction tx)
    {
        foreach (var table in new[] { "picking_tasks", "packing_tasks" })
        {
            // No event of the site tells of holds; its parts know, from the hub.
            await tx.WriteAsync($"""
                UPDATE {table} SET as_of = NULL, on_hold = COALESCE((SELECT f.on_hold FROM fulfillment_orders f WHERE f.order_id = {table}.order_id AND f.part = {table}.part), on_hold)
                WHERE site = @site AND as_of IS NOT NULL
                """, new { site });
        }
        var needed = (await FulfillmentChecks.NeededAsync(tx.Group.Session)).Where(n => n.Key.Site == site)
            .ToDictionary(n => (n.Key.Sku, n.Key.Bin, n.Key.Lot), n => n.Value);
        await StockRecovery.FinishAsync(site, needed, tx);
    }
}
