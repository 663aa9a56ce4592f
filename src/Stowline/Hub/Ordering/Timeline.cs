using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// An order's timeline (H1): every event of every lane that is about it, in the order in which it happened, told in words. Nothing is stored
/// for it: it is the log.
/// </summary>
public static class Timeline
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapGet("/orders/{id}/timeline", async (HttpContext http, string id) =>
        {
            if (await ReadOrders.IdOfAsync(node, id, http.RequestAborted) is not { } order) { await Answers.WriteAsync(http, OrderCommands.NotFound(id)); return; }
            await AnswerAsync(http, node, order);
        }).WithTags("Orders").WithSummary("Everything that happened to an order, oldest first").ShortPages<TimelineItem>();

        api.MapGet("/transfers/{id}/timeline", async (HttpContext http, string id) =>
        {
            if (await Transfers.TransferReads.IdOfAsync(node.Database, id, http.RequestAborted) is not { } transfer) { await Answers.WriteAsync(http, Transfers.TransferRows.NotFound(id)); return; }
            await AnswerAsync(http, node, transfer);
        }).WithTags("Transfers").WithSummary("Everything that happened to a transfer, oldest first").ShortPages<TimelineItem>();

        api.MapGet("/orders/{id}/decision", async (HttpContext http, string id) =>
        {
            if (await ReadOrders.IdOfAsync(node, id, http.RequestAborted) is not { } order) { await Answers.WriteAsync(http, OrderCommands.NotFound(id)); return; }
            var events = await node.Database.ReadAsync(session => ArchivedOrders.EventsAsync(session, order), http.RequestAborted);
            await Answers.WriteAsync(http, Decisions(order, events));
        }).WithTags("Orders").WithSummary("Why the order was routed as it was: every decision with its candidates").Produces<DecisionView>();
    }

    private static async Task AnswerAsync(HttpContext http, Node node, Guid order)
    {
        var events = await node.Database.ReadAsync(session => ArchivedOrders.EventsAsync(session, order), http.RequestAborted);
        await Answers.WriteAsync(http, Pages.Of(http, events, e => e.Id.ToString()).Map(page => new Page<TimelineItem>([.. page.Items.Select(Told)], page.NextCursor)));
    }

    public static async Task<IReadOnlyList<TimelineItem>> ReadAsync(SqlSession session, Guid order) => [.. (await ArchivedOrders.EventsAsync(session, order)).Select(Told)];

    private static TimelineItem Told(EventRecord e)
    {
        var data = JsonNode.Parse(e.Payload)!.AsObject();
        data.Remove("personal"); // encrypted, and nobody's business here
        return new TimelineItem(e.At, e.Type, e.Lane.Name, e.Position, e.Actor, Summary(e.Type, data), JsonSerializer.SerializeToElement(data), e.Trace);
    }

    /// <summary>404 <c>decision_not_found</c> for an order that its sites have given back after the hub lost the word of its placing: nobody knows why they were chosen.</summary>
    internal static Outcome<DecisionView> Decisions(Guid order, IReadOnlyList<EventRecord> events)
    {
        var history = new List<DecisionEntry>();
        foreach (var e in events)
        {
            if (e.Type == OrderPlaced.Type) history.Add(new DecisionEntry(e.At, "placed", e.Read<OrderPlaced>().Decision));
            else if (e.Type == OrderRerouted.Type)
            {
                var rerouted = e.Read<OrderRerouted>();
                history.Add(new DecisionEntry(e.At, rerouted.Cause, rerouted.Decision));
            }
        }
        if (history.Count == 0) return Refusal.NotFound("decision_not_found", "how the order was routed was lost with a restore; its sites know only what they were given");
        return new DecisionView(order.ToString(), history[^1].Decision, history);
    }

    /// <summary>One sentence per event. Unknown types (a newer node wrote them) are named as they are.</summary>
    internal static string Summary(string type, JsonObject d) => type switch
    {
        "order.placed" => $"Order {d["number"]} placed: {Units(d["lines"])} units in {Count(d["lines"])} lines; {d["decision"]?["summary"]}",
        "order.status_changed" => $"Order is {d["to"]} (was {d["from"]})",
        "order.cancel_requested" => $"Cancellation asked for: {d["reason"]}",
        "order.held" => d["reason"] is { } why ? $"Put on hold: {why}" : "Put on hold",
        "order.released" => "Released from hold",
        "order.priority_changed" => $"Priority is {d["priority"]}",
        "order.stuck" => $"Stuck: {d["reason"]}{(d["site"] is { } at ? " at " + at : "")}",
        "order.unstuck" => $"No longer stuck: {d["reason"]}{(d["site"] is { } where ? " at " + where : "")}",
        "order.rerouted" => $"{d["cause"]}: {Parts(d["parts"])}",
        "order.shipped_after_all" => $"{d["site"]} was given up and has shipped part {d["part"]} all the same: {Units(d["lines"])} units{(Count(d["asked_back"]) == 0 ? "" : $"; asked back elsewhere: part {string.Join(", ", ((JsonArray)d["asked_back"]!).Select(p => p?.ToString()))}")}",
        "order.doubled" => d["other"] is { } twin ? $"{Units(d["lines"])} units {(d["left"]?.GetValue<bool>() == false ? "are under way" : "have left")} twice: order {twin} has the same external id"
            : $"Shipped twice: {Units(d["lines"])} units too many have left",
        "part.assigned" => $"Part {d["part"]} assigned: {Units(d["lines"])} units",
        "part.cancel_requested" => $"Part {d["part"]} asked back: {d["reason"]}",
        "part.cancelled" => $"Part {d["part"]} given back: {Units(d["lines"])} units{(d["put_back_task_id"] is null ? "" : ", picked ones wait for put-back")}",
        "part.cancel_refused" => $"Part {d["part"]} could not be given back: {d["reason"]}",
        "part.held" => $"Part {d["part"]} on hold",
        "part.released" => $"Part {d["part"]} released",
        "part.priority_changed" => $"Part {d["part"]} has priority {d["priority"]}",
        "part.short" => $"Part {d["part"]} short by {Units(d["lines"])} units: {d["reason"]}",
        "part.shipped" => $"Shipped with {d["carrier"]}, tracking {d["tracking_number"]}",
        "part.delivered" => $"Part {d["part"]} delivered by {d["carrier"]}, tracking {d["tracking_number"]}",
        "booking.requested" => $"Booking {d["number"]}: to be bought from {string.Join(", else ", ((JsonArray?)d["carriers"] ?? []).Select(c => c?.ToString()))}",
        "booking.confirmed" => $"Booked with {d["carrier"]}, tracking {d["tracking_number"]}",
        "booking.fell_back" => $"{d["from"]} is {d["reason"]?.ToString() switch { "refused" => "not taking it", _ => "not available" }}; {d["to"]} is asked",
        "booking.failed" => d["reason"]?.ToString() == "unsure" ? $"{d["carrier"]} may have taken the parcel: its answer was lost" : "No carrier takes the parcel",
        "booking.cancelled" => $"Booking {d["number"]} cancelled: {d["reason"]}",
        "parcel.moved" => $"Parcel {d["tracking_number"]} is {d["status"]?.ToString().Replace('_', ' ')}",
        "picking.created" => $"Picking task {d["number"]} made: {Count(d["items"])} items",
        "picking.assigned" => $"Picking task {d["number"]} assigned to {d["worker"]}",
        "picking.started" => $"Picking started{(d["worker"] is { } w ? " by " + w : "")}",
        "picking.item_picked" => $"Picked {d["quantity"]} (item {d["item"]})",
        "picking.item_skipped" => $"Item {d["item"]} skipped: {d["reason"]}",
        "picking.extended" => $"{Count(d["items"])} more items: other bins are tried",
        "picking.completed" => $"Picking completed: {d["picked_units"]} picked, {d["short_units"]} short",
        "picking.cancelled" => $"Picking cancelled: {d["reason"]}",
        "packing.created" => $"Packing task {d["number"]} made",
        "packing.started" => $"Packing started by {d["worker"]}",
        "packing.package_added" => $"Package {d["package"]}: {d["packaging_type"]}, {d["weight_g"]} g",
        "packing.package_changed" => $"Package {d["package"]} is now: {d["packaging_type"]}, {d["weight_g"]} g",
        "packing.completed" => $"Packed in {d["packages"]} package(s)",
        "packing.cancelled" => $"Packing cancelled: {d["reason"]}",
        "transfer.requested" => $"Transfer {d["number"]} from {d["from"]} to {d["to"]}: {Units(d["lines"])} units",
        "transfer.cancel_requested" => $"Cancellation asked for: {d["reason"]}",
        "transfer.status_changed" => $"Transfer is {d["to"]} (was {d["from"]})",
        "transfer.announced" => $"{Units(d["lots"])} units on their way with {d["carrier"]}, tracking {d["tracking_number"]}",
        "transfer.received" => $"{Units(d["lots"])} units taken in{(d["complete"]?.GetValue<bool>() == true ? "; nothing more will come" : "")}",
        "transfer.closed" => Units(d["missing"]) + Units(d["surplus"]) == 0 ? "Arrived in full" : $"Arrived: {Units(d["missing"])} units missing, {Units(d["surplus"])} too many",
        "quote.ordered" => $"Ordered from quote {d["number"]}",
        "ticket.ordered" => $"To be made at the site: {Count(d["items"])} items, on the screen at {d["visible_at"]}",
        "ticket.cancel_requested" => $"Asked not to make it: {d["reason"]}",
        "ticket.received" => $"Ticket {d["ticket"]?["number"]} waits for its time",
        "ticket.shown" => $"Ticket {d["ticket"]?["number"]} is on the screen",
        "ticket.moved" => $"Ticket {d["number"]} is {d["to"]} (was {d["from"]}){(d["action"]?.ToString() == "recall" ? ", recalled" : "")}",
        "ticket.item_done" => $"Item {d["item"]} is done at {d["station"]}",
        "ticket.assigned" => $"Ticket {d["number"]} taken by {d["worker"]}",
        "ticket.changed" => d["priority"] is { } urgency ? $"Ticket has priority {urgency}" : d["on_hold"]?.GetValue<bool>() == true ? "Ticket on hold" : "Ticket released",
        "ticket.cancelled" => $"Ticket {d["number"]} taken off: {d["reason"]}",
        "ticket.cancel_refused" => $"Too late to take the ticket off: {d["reason"]}",
        "return.received" => $"Return {d["number"]} received: {d["reason"]}",
        _ => type,
    };

    private static int Count(JsonNode? list) => (list as JsonArray)?.Count ?? 0;
    private static long Units(JsonNode? lines) => (lines as JsonArray)?.Sum(l => (long?)l?["quantity"] ?? 0) ?? 0;

    private static string Parts(JsonNode? parts) => string.Join(", ", ((JsonArray?)parts ?? [])
        .Select(p => p?["site"] is { } site ? $"{Units(p["lines"])} units now from {site}" : $"{Units(p?["lines"])} units on backorder"));
}
