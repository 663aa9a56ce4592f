using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Quotes;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Quotes;

/// Goal: a quote becomes one order at its price, or none. Method: real SQL; the order is read back as anybody would read it.
public class QuoteOrderTests
{
    private static readonly QuoteOrderBody Waiting = new() { ExternalId = "PO-1", Channel = "b2b", Backorder = true, Customer = new CustomerDetails("Ana", "ana@example.com", null) };

    private static async Task<(QuoteNode Node, Guid Quote)> QuotedAsync(string store, int quantity = 10)
    {
        var node = await QuoteNode.StartAsync(store);
        var id = await node.AskAsync(QuoteNode.Piece with { Quantity = quantity });
        await node.WorkAsync();
        return (node, id);
    }

    [Theory, EveryDatabase]
    public async Task A_quote_is_ordered_once_at_its_price(string store)
    {
        var (node, id) = await QuotedAsync(store);
        await using var _ = node;
        var order = (await node.OrderAsync(id, Waiting)).Value;
        Assert.Equal(("b2b", "PO-1", 70.28m, OrderStatus.Backorder), (order.Channel, order.ExternalId, order.Total.Amount, order.Status));
        var line = (await node.Test.Database.ReadAsync(s => ReadOrders.FindAsync(s, order.Id)))!.Lines!.Single();
        Assert.Equal(("MADE", 10, 7.0281m), (line.Sku, line.Quantity, line.UnitPrice.Amount));
        var quote = await node.ReadAsync(id);
        Assert.Equal((QuoteStatus.Ordered, order.Id), (quote.Status, quote.OrderId));
        Assert.Contains(await node.Test.Database.ReadAsync(s => Timeline.ReadAsync(s, Guid.Parse(order.Id))), t => t is { Type: "quote.ordered", Summary: "Ordered from quote 1" });

        var again = await node.OrderAsync(id, Waiting);
        Assert.True(again.Existing && again.Value.Id == order.Id);
        Assert.Equal("quote_ordered", (await node.OrderAsync(id, Waiting with { ExternalId = "PO-2" })).Refusal!.Code);
        Assert.Equal("external_id_taken", (await node.OrderAsync(id, Waiting with { Note = "another body" })).Refusal!.Code);
        Assert.Equal("invalid_transition", (await node.RetryAsync(id)).Refusal!.Code);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_order_that_is_refused_leaves_the_quote_as_it_was(string store)
    {
        var (node, id) = await QuotedAsync(store);
        await using var _ = node;
        Assert.Equal("insufficient_stock", (await node.OrderAsync(id, Waiting with { Backorder = null })).Refusal!.Code);
        Assert.Contains("pickup_site", (await node.OrderAsync(id, Waiting with { FulfillmentType = FulfillmentType.Pickup })).Refusal!.Errors!.Keys);
        Assert.Equal(QuoteStatus.Calculated, (await node.ReadAsync(id)).Status);
        Assert.True((await node.OrderAsync(id, Waiting)).IsOk);

        // The same body from another quote of the same price is that quote's order, not this one's.
        var twin = await node.AskAsync(QuoteNode.Piece with { Quantity = 10 });
        Assert.Equal("invalid_transition", (await node.OrderAsync(twin, Waiting)).Refusal!.Code);
        await node.WorkAsync();
        Assert.Equal("external_id_taken", (await node.OrderAsync(twin, Waiting)).Refusal!.Code);
        Assert.Null((await node.ReadAsync(twin)).OrderId);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_expired_price_is_not_ordered_but_calculated_again(string store)
    {
        var (node, id) = await QuotedAsync(store);
        await using var _ = node;
        node.Test.Time.Advance(TimeSpan.FromDays(14));
        Assert.Equal("quote_expired", (await node.OrderAsync(id, Waiting)).Refusal!.Code);
        await node.RetryAsync(id);
        await node.WorkAsync();
        Assert.True((await node.OrderAsync(id, Waiting)).IsOk);
    }

    [Theory, EveryDatabase]
    public async Task Without_a_product_in_the_price_model_nothing_is_ordered(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        await node.SaveAsync(PriceTests.Model with { Sku = null });
        var id = await node.AskAsync();
        await node.WorkAsync();
        Assert.Equal("no_product", (await node.OrderAsync(id, Waiting)).Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_workshop_makes_it_in_a_slot(string store)
    {
        await using var node = await QuoteNode.StartAsync(store);
        Assert.True((await node.Test.RunAsync(Lane.Hub, tx => SaveSite.DecideAsync("W1", new SiteBody { Name = "Workshop", Type = SiteType.Workshop }, tx, node.Node))).IsOk);
        var menu = new MenuBody { Dish = "part", Name = "Part", Station = "printer", Variants = [new VariantBody { Sku = "PART", Price = PriceTests.Eur(1) }] };
        Assert.True((await node.Test.RunAsync(Lane.Hub, tx => SaveMenu.DecideAsync([menu], tx))).IsOk);
        Assert.True((await node.Test.RunAsync(Lane.Hub, tx => SlotPlans.DecideAsync("W1", new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = 10, LeadMinutes = 0, VisibleMinutes = 0 }, tx))).IsOk);
        await node.SaveAsync(PriceTests.Model with { Sku = "PART" });
        var id = await node.AskAsync(QuoteNode.Piece with { Quantity = 4 });
        await node.WorkAsync();
        var order = (await node.OrderAsync(id, Waiting with { Backorder = null, Slot = new SlotWish(null, null, "W1") })).Value;
        Assert.Equal(("W1", OrderStatus.Allocated), (order.Parts.Single().Site, order.Status));
        Assert.NotNull(order.Slot);
        Assert.Equal((await node.ReadAsync(id)).Price!.Total, order.Total);
        await node.Test.VerifyAsync();
    }
}
