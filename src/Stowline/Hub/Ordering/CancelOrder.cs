using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

public sealed record ReasonBody(string? Reason) : IOptionalBody;
public sealed record PriorityBody(Priority? Priority);

/// <summary><see cref="Site"/>: where the units should go; any other site that has them when not given.</summary>
public sealed record RerouteBody(string? Site, string? Reason) : IOptionalBody;

/// <summary>
/// Cancels an order: each site is asked for its part, and only on the site's word are promises released. Until every site has answered the
/// order is <c>cancelling</c>. What has left already comes back as a return: 409 <c>already_shipped</c> when all of it has.
/// </summary>
public static class CancelOrder
{
    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        // Two hops: to the site and back, so that at a local site the order read next is cancelled already.
        api.MapPost("/orders/{id}/cancel", (HttpContext http, string id) => OrderCommands.RunAsync<ReasonBody>(http, node, id, (body, order, tx) => DecideAsync(order, body.Reason, tx), hops: 2))
            .WithTags("Orders").WithSummary("Cancel an order as far as it has not shipped").Accepts<ReasonBody>("application/json").Produces<OrderView>();

    /// <summary>As below, by the id that the order came with: for senders who know no other.</summary>
    public static async ValueTask<Outcome<OrderView>> DecideAsync(string channel, string externalId, string? reason, LaneTransaction tx)
    {
        var id = await tx.FindAsync<Guid?>("SELECT order_id FROM order_keys WHERE channel = @channel AND external_id = @externalId", new { channel, externalId });
        return id is { } known ? await DecideAsync(known, reason, tx) : OrderCommands.NotFound($"{channel}:{externalId}");
    }

    public static async ValueTask<Outcome<OrderView>> DecideAsync(Guid id, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        reason = problems.Text(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await OrderRows.FindAsync(tx, id) is not var (order, parts)) return await ArchivedOrders.UnchangeableAsync(tx, id);
        if (order.Cancelling || order.Status == OrderStatus.Cancelled) return Outcome<OrderView>.AlreadyDone(order.View(parts));
        var open = parts.Where(p => OrderLifecycle.IsOpen(p.Status)).ToList();
        if (open.Count == 0) return Refusal.Conflict("already_shipped", $"order {order.Number} has left; what comes back is a return");
        tx.Append(Lane.Hub, new OrderCancelRequested(order.Id, reason ?? "cancelled by the customer"), id.ToString(), order.Id);
        await AskAsync(tx, order, open, reason ?? "cancelled by the customer");
        order.Cancelling = true;
        await OrderRows.SaveAsync(tx, [(order, parts)]);
        return order.View(parts);
    }

    /// <summary>Asks the sites for the parts that have not left; what only waits for stock is cancelled at once. The caller saves the order.</summary>
    internal static async ValueTask AskAsync(LaneTransaction tx, OrderRow order, IEnumerable<PartRow> parts, string reason)
    {
        var (id, subject) = (order.Id, order.Id.ToString());
        foreach (var part in parts.Where(p => OrderLifecycle.IsOpen(p.Status)))
        {
            part.Changed = true;
            if (part.Site is null)
            {
                part.Status = OrderStatus.Cancelled;
                await Backorders.RemoveAsync(tx, id, part.Part);
                continue;
            }
            part.Status = OrderStatus.Cancelling;
            if (part.Made) tx.Append(Lane.HubTo(part.Site), new TicketCancelRequested(id, part.Part, reason), subject, id);
            else tx.Append(Lane.HubTo(part.Site), new PartCancelRequested(id, part.Part, "cancel", reason), subject, id);
        }
    }
}

/// <summary>Holding, releasing, re-prioritizing and re-routing an order that is under way.</summary>
public static class ChangeOrder
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPost("/orders/{id}/hold", (HttpContext http, string id) =>
                OrderCommands.RunAsync<ReasonBody>(http, node, id, (body, order, tx) => HoldAsync(order, true, body.Reason, tx)))
            .WithTags("Orders").WithSummary("Stop work on an order until it is released").Accepts<ReasonBody>("application/json").Produces<OrderView>();
        api.MapPost("/orders/{id}/release", (HttpContext http, string id) =>
                OrderCommands.RunAsync<ReasonBody>(http, node, id, (body, order, tx) => HoldAsync(order, false, body.Reason, tx)))
            .WithTags("Orders").WithSummary("Let a held order go on").Accepts<ReasonBody>("application/json").Produces<OrderView>();
        api.MapPost("/orders/{id}/priority", (HttpContext http, string id) =>
                OrderCommands.RunAsync<PriorityBody>(http, node, id, (body, order, tx) => PrioritizeAsync(order, body.Priority, tx)))
            .WithTags("Orders").WithSummary("Change how urgent an order is").Accepts<PriorityBody>("application/json").Produces<OrderView>();
        api.MapPost("/orders/{id}/reroute", (HttpContext http, string id) =>
                OrderCommands.RunAsync<RerouteBody>(http, node, id, (body, order, tx) => RerouteAsync(order, body, tx), hops: 2))
            .WithTags("Orders").WithSummary("Route an order again, away from a site").Accepts<RerouteBody>("application/json").Produces<OrderView>();
    }

    /// <summary>Holds or releases: a held order's tasks are not started and nothing of it is shipped.</summary>
    public static async ValueTask<Outcome<OrderView>> HoldAsync(Guid id, bool hold, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        reason = problems.Text(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await OrderRows.FindAsync(tx, id) is not var (order, parts)) return await ArchivedOrders.UnchangeableAsync(tx, id);
        if (order.OnHold == hold) return Outcome<OrderView>.AlreadyDone(order.View(parts));
        if (order.Cancelling || !parts.Exists(p => OrderLifecycle.IsOpen(p.Status)))
            return Refusal.Conflict("invalid_transition", $"an order that is {SnakeCaseEnum<OrderStatus>.Text(order.Status)} cannot be {(hold ? "held" : "released")}");
        await tx.WriteAsync("UPDATE orders SET on_hold = @hold WHERE id = @id", new { hold, id });
        if (hold) tx.Append(Lane.Hub, new OrderHeld(id, reason), id.ToString(), id);
        else tx.Append(Lane.Hub, new OrderReleased(id), id.ToString(), id);
        foreach (var part in parts.Where(p => p.Site is not null && OrderLifecycle.IsOpen(p.Status)))
        {
            if (hold) tx.Append(Lane.HubTo(part.Site!), new PartHeld(id, part.Part), id.ToString(), id);
            else tx.Append(Lane.HubTo(part.Site!), new PartReleased(id, part.Part), id.ToString(), id);
        }
        return (order with { OnHold = hold }).View(parts);
    }

    public static async ValueTask<Outcome<OrderView>> PrioritizeAsync(Guid id, Priority? priority, LaneTransaction tx)
    {
        if (priority is not { } wished) return Refusal.Invalid("priority", "is required: " + SnakeCaseEnum<Priority>.Choices);
        if (await OrderRows.FindAsync(tx, id) is not var (order, parts)) return await ArchivedOrders.UnchangeableAsync(tx, id);
        if (order.Priority == wished) return Outcome<OrderView>.AlreadyDone(order.View(parts));
        if (!parts.Exists(p => OrderLifecycle.IsOpen(p.Status)))
            return Refusal.Conflict("invalid_transition", $"order {order.Number} is {SnakeCaseEnum<OrderStatus>.Text(order.Status)}");
        await tx.WriteAsync("UPDATE orders SET priority = @wished WHERE id = @id", new { wished, id });
        tx.Append(Lane.Hub, new OrderPriorityChanged(id, wished), id.ToString(), id);
        foreach (var part in parts.Where(p => p.Site is not null && OrderLifecycle.IsOpen(p.Status)))
            tx.Append(Lane.HubTo(part.Site!), new PartPriorityChanged(id, part.Part, wished), id.ToString(), id);
        return (order with { Priority = wished }).View(parts);
    }

    /// <summary>Takes the parts that are not yet being packed away from their sites and promises them elsewhere.</summary>
    public static async ValueTask<Outcome<OrderView>> RerouteAsync(Guid id, RerouteBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var reason = problems.Text(body.Reason, "reason", 500) ?? "re-routed by hand";
        var wish = body.Site is null ? null : problems.Code(body.Site, "site");
        if (problems.Any) return problems.ToRefusal();
        if (wish is not null && !await Catalog.ReadSites.ExistsAsync(tx, wish)) return Refusal.Invalid("site", $"there is no site {wish}");
        if (await OrderRows.FindAsync(tx, id) is not var (order, parts)) return await ArchivedOrders.UnchangeableAsync(tx, id);
        var movable = parts.Where(p => p.Site is not null && !p.Made && p.Site != wish && p.Status is OrderStatus.Allocated or OrderStatus.Picking).ToList();
        if (order.Cancelling || movable.Count == 0) return Refusal.Conflict("invalid_transition", "no part of the order can still be re-routed");
        foreach (var part in movable)
            tx.Append(Lane.HubTo(part.Site!), new PartCancelRequested(id, part.Part, wish is null ? "reroute" : "reroute:" + wish, reason), id.ToString(), id);
        return order.View(parts);
    }
}

/// <summary>What the commands on one order share: finding it by id, number or <c>channel:external_id</c>.</summary>
internal static class OrderCommands
{
    public static Refusal NotFound(string text) => Refusal.NotFound("order_not_found", $"there is no order {text}");

    public static async Task RunAsync<TBody>(HttpContext http, Node node, string id, Func<TBody, Guid, LaneTransaction, ValueTask<Outcome<OrderView>>> decide, int hops = 1)
        where TBody : class, IEquatable<TBody>
    {
        if (node.Lanes.RefuseInRepair(Lane.Hub) is { } restored) { await Answers.WriteAsync(http, restored); return; }
        var found = await ReadOrders.IdOfAsync(node, id, http.RequestAborted);
        if (found is not { } order) { await Answers.WriteAsync(http, NotFound(id)); return; }
        await Commands.RunAsync<TBody, OrderView>(http, node.Lanes, Lane.Hub, (body, tx) => decide(body, order, tx), hops: hops);
    }
}
