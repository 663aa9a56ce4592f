using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Brings the hub's orders and promises to what it has told a site with a node of its own, after a restore. An order none of whose parts went to such a site is lost with the
/// restore: nobody else knows of it.
/// </summary>
internal static class OrderRecovery
{
    private static readonly HashSet<string> Types = new(StringComparer.Ordinal)
    {
        PartAssigned.Type, PartCancelRequested.Type, PartHeld.Type, PartReleased.Type, PartPriorityChanged.Type,
    };

    public static bool Recovers(string type) => Types.Contains(type);

    public static async ValueTask RunAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site)))
        {
            switch (e.Type)
            {
                case "part.assigned": await AssignedAsync(site, e, tx); break;
                case "part.cancel_requested": await CancelAsync(e.Read<PartCancelRequested>(), tx); break;
                case "part.held": await RecoveredOrders.HeldAsync(tx, e.Read<PartHeld>().OrderId, true, e.At); break;
                case "part.released": await RecoveredOrders.HeldAsync(tx, e.Read<PartReleased>().OrderId, false, e.At); break;
                case "part.priority_changed":
                    var changed = e.Read<PartPriorityChanged>();
                    await tx.WriteAsync("UPDATE orders SET priority = @priority WHERE id = @id", new { priority = changed.Priority, id = changed.OrderId });
                    await RecoveredOrders.NoteAsync(tx, changed.OrderId);
                    break;
            }
        }
    }

    private static async ValueTask AssignedAsync(string site, EventRecord e, LaneTransaction tx)
    {
        var told = e.Read<PartAssigned>();
        if (told.Transfer is not null) return; // no order's
        if (await OrderRows.FindAsync(tx, told.OrderId) is not { } entry) entry = (await PlaceAsync(told, e, tx), []);
        if (told.OnHold != entry.Order.OnHold) await RecoveredOrders.HeldAsync(tx, told.OrderId, told.OnHold, e.At);
        var part = entry.Parts.Find(p => p.Part == told.Part);
        if (part?.Site is not null) return; // another copy has told of it already
        if (part is null)
        {
            entry.Parts.Add(new PartRow { OrderId = told.OrderId, Part = told.Part, Site = site, Status = OrderStatus.Allocated, Lines = [.. told.Lines], IsNew = true });
            await WaitLessAsync(entry.Order, entry.Parts, tx);
        }
        else
        {
            // It waited for stock when the backup was made. Stock may have come from several sites: then this is only some of what it waited for.
            if (part.Lines.Sum(l => l.Quantity) > told.Lines.Sum(l => l.Quantity)) await RecoveredOrders.NoteAsync(tx, told.OrderId);
            await Backorders.RemoveAsync(tx, told.OrderId, told.Part);
            (part.Site, part.Status, part.Lines, part.Changed) = (site, OrderStatus.Allocated, [.. told.Lines], true);
        }
        await Allotments.RecoverPromisesAsync(tx, site, told.Lines);
        await OrderRows.SaveAsync(tx, [entry]);
    }

    private static async ValueTask<OrderRow> PlaceAsync(PartAssigned told, EventRecord e, LaneTransaction tx)
    {
        // A part that was assigned before the sites were told of whole orders: prices are not known, and XXX is ISO 4217's code for no currency.
        var facts = told.Order ?? new OrderFacts("XXX", 0, [.. told.Lines.Select(l => new PlacedLine(l.Sku, l.Quantity, 0))], null, null, e.At);
        if (!SnakeCaseEnum<FulfillmentType>.TryParse(told.FulfillmentType, out var type)) type = FulfillmentType.Ship;
        var order = new OrderRow
        {
            Id = told.OrderId, Number = told.OrderNumber, Channel = told.Channel, ExternalId = told.ExternalId, Status = OrderStatus.Allocated, FulfillmentType = type,
            Priority = told.Priority, Currency = facts.Currency, TotalE4 = facts.TotalE4, Lines = JsonSerializer.Serialize([.. facts.Lines], ContractsJson.Default.ListPlacedLine),
            PersonId = told.PersonId, Personal = told.Personal, PickupSite = facts.PickupSite, Note = told.Note, OnHold = told.OnHold, PlacedAt = facts.PlacedAt,
        };
        await tx.WriteAsync("""
            INSERT INTO orders (id, number, channel, external_id, status, fulfillment_type, priority, currency, total_e4, lines, person_id, personal, pickup_site, note, on_hold,
                cancelling, placed_at)
            VALUES (@Id, @Number, @Channel, @ExternalId, @Status, @FulfillmentType, @Priority, @Currency, @TotalE4, @Lines, @PersonId, @Personal, @PickupSite, @Note, @OnHold,
                @Cancelling, @PlacedAt)
            """, new
        {
            order.Id, order.Number, order.Channel, order.ExternalId, order.Status, order.FulfillmentType, order.Priority, order.Currency, order.TotalE4, order.Lines,
            order.PersonId, order.Personal, order.PickupSite, order.Note, order.OnHold, order.Cancelling, order.PlacedAt,
        });
        // Without a hash every repeat of the request is taken for the same: better than the same order twice.
        await tx.WriteAsync("""
            INSERT INTO order_keys (channel, external_id, order_id, request_hash) VALUES (@Channel, @ExternalId, @Id, @hash) ON CONFLICT (channel, external_id) DO NOTHING
            """, new { order.Channel, order.ExternalId, order.Id, hash = facts.RequestHash ?? [] });
        await JoinedOrders.NoteTwinAsync(tx, order);
        await OrderCounts.AddAsync(tx, [order.Status]);
        if (told.OnHold) await RecoveredOrders.HeldAsync(tx, order.Id, true, e.At);
        if (facts.Lines.Sum(l => l.Quantity) > told.Lines.Sum(l => l.Quantity)) await RecoveredOrders.NoteAsync(tx, order.Id);
        tx.Append(Lane.Hub, new OrderRecovered(order.Id, order.Number, order.Channel, order.ExternalId), order.Id.ToString(), order.Id, new Caller(e.Actor, e.Trace));
        return order;
    }

    private static async ValueTask CancelAsync(PartCancelRequested asked, LaneTransaction tx)
    {
        if (asked.Cause != "cancel" || await OrderRows.FindAsync(tx, asked.OrderId) is not var (order, parts)) return;
        order.Cancelling = true;
        foreach (var part in parts.Where(p => p.Part == asked.Part && OrderLifecycle.IsOpen(p.Status))) (part.Status, part.Changed) = (OrderStatus.Cancelling, true);
        await OrderRows.SaveAsync(tx, [(order, parts)]);
        await tx.WriteAsync("UPDATE orders SET cancelling = @yes WHERE id = @id", new { yes = true, id = asked.OrderId });
        await RecoveredOrders.NoteAsync(tx, asked.OrderId);
    }

    /// <summary>
    /// A site has units for which a part waited when the backup was made: it waits for so much less. Where the site has them for another reason, such as a shortage elsewhere
    /// that is yet to be heard of, what the order then lacks is routed again.
    /// </summary>
    private static async ValueTask WaitLessAsync(OrderRow order, List<PartRow> parts, LaneTransaction tx)
    {
        var waiting = parts.FindAll(p => p is { Site: null, Status: OrderStatus.Backorder });
        if (waiting.Count == 0) return;
        var balance = await Rerouting.BalanceAsync(tx, order, parts);
        foreach (var part in waiting.Where(p => p.Lines.Exists(l => balance[l.Sku] < 0)))
        {
            var left = part.Lines.ConvertAll(l => l with { Quantity = Math.Max(0, l.Quantity + Math.Min(0, balance[l.Sku])) });
            for (var i = 0; i < left.Count; i++) balance[left[i].Sku] += part.Lines[i].Quantity - left[i].Quantity;
            (part.Lines, part.Changed) = (left.FindAll(l => l.Quantity > 0), true);
            await Backorders.RemoveAsync(tx, order.Id, part.Part);
            if (part.Lines.Count > 0) await Backorders.AddAsync(tx, [part]);
            else part.Status = OrderStatus.Cancelled; // until its own site tells of it
        }
    }
}
