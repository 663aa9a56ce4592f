using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>The order for a quote: all that an order has, but the line. The channel is <c>quotes</c> and the external id <c>quote-NUMBER</c> when not given.</summary>
public sealed record QuoteOrderBody : IOptionalBody
{
    public string? ExternalId { get; init; }
    public string? Channel { get; init; }
    public FulfillmentType? FulfillmentType { get; init; }
    public CustomerDetails? Customer { get; init; }
    public AddressDetails? ShipTo { get; init; }
    public string? PickupSite { get; init; }
    public Priority? Priority { get; init; }
    public string? Note { get; init; }
    /// <summary>When and where it is to be made, where the product is made to order (K2).</summary>
    public SlotWish? Slot { get; init; }
    /// <summary>True: where the product is neither on stock nor made to order, the order waits for it.</summary>
    public bool? Backorder { get; init; }
}

/// <summary>
/// Places an order at the quote's price, in one transaction with the quote: a quote is ordered once, and never half. Refusals: those of orders,
/// <c>quote_expired</c>, <c>quote_ordered</c>, <c>no_product</c>, <c>invalid_transition</c>.
/// </summary>
internal static class OrderQuote
{
    public static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapPost("/quotes/{quote}/order", async (HttpContext http, string quote) =>
        {
            if (await ReadQuotes.IdOfAsync(node, quote, http.RequestAborted) is not { } id) { await Answers.WriteAsync(http, ReadQuotes.NotFound(quote)); return; }
            await Commands.RunAsync<QuoteOrderBody, OrderView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(id, body, node, tx), 201, o => o.Links.Self);
        }).WithTags("Quotes").WithSummary("Order what was quoted, at the quoted price").Accepts<QuoteOrderBody>("application/json").Produces<OrderView>(201).Produces<OrderView>();

    public static async ValueTask<Outcome<OrderView>> DecideAsync(Guid id, QuoteOrderBody body, Node node, LaneTransaction tx)
    {
        if (await QuoteRow.FindAsync(tx, id) is not { } row) return ReadQuotes.NotFound(id.ToString());
        if (row.Status != QuoteStatus.Ordered && !QuoteLifecycle.May(row.Status, QuoteAction.Order)) return ChangeQuote.Wrong(row, "ordered");
        var price = row.Priced!;
        if (price.Sku is not { } sku) return Refusal.Conflict("no_product", "the price model names no product (sku) for orders; save it there and calculate the quote again");
        var order = AcceptOrder.From(OrderOf(row, body, sku, price), node.Ids);
        if (order.Refusal is { } bad) return bad;
        var isRepeat = row.Status == QuoteStatus.Ordered && row.OrderChannel == order.Value.Channel && row.OrderExternalId == order.Value.ExternalId;
        if (row.Status == QuoteStatus.Ordered && !isRepeat)
            return Refusal.Conflict("quote_ordered", $"quote {row.Number} was ordered already", new Dictionary<string, object?> { ["order_id"] = row.OrderId.ToString() });
        if (!isRepeat && row.ValidUntil <= tx.Now) return Refusal.Conflict("quote_expired", "the price has expired; POST …/retry calculates it again");
        if (!isRepeat && node.Lanes.TooMuchBehind() is { } busy) return busy;

        // Intake decides groups; this is a group of one, in this very transaction.
        var outcome = (await node.Modules.OfType<OrderingModule>().Single().Intake!.DecideAsync([(order.Value, tx.Caller)], tx))[0];
        if (!outcome.IsOk || isRepeat) return outcome;
        var placed = Guid.Parse(outcome.Value.Id);
        // The same channel and external id with the same line may have been ordered from another quote, or without one: that order is not this quote's.
        if (outcome.Existing)
            return Refusal.Conflict("external_id_taken", $"{order.Value.Channel}:{order.Value.ExternalId} is another order already", new Dictionary<string, object?> { ["order_id"] = outcome.Value.Id });
        await tx.WriteAsync("UPDATE quotes SET status = @status, order_channel = @channel, order_external_id = @external, order_id = @placed WHERE id = @id",
            new { status = QuoteStatus.Ordered, channel = order.Value.Channel, external = order.Value.ExternalId, placed, id });
        tx.Append(Lane.Hub, new QuoteOrdered(id, row.Number, row.Client, placed), row.Subject, placed);
        return outcome;
    }

    private static OrderBody OrderOf(QuoteRow row, QuoteOrderBody body, string sku, QuotePrice price) => new()
    {
        ExternalId = body.ExternalId ?? $"quote-{row.Number}", Channel = body.Channel ?? "quotes", FulfillmentType = body.FulfillmentType, Customer = body.Customer, ShipTo = body.ShipTo,
        PickupSite = body.PickupSite, Priority = body.Priority, Note = body.Note, Backorder = body.Backorder, Slot = body.Slot, Lines = [new OrderLineBody(sku, row.Quantity, price.UnitPrice)],
    };
}
