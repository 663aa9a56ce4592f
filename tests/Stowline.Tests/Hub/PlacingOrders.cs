using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: an order is promised from what sites have granted, wholly or not at all, and the decision is kept. Method: real SQL; the tests play the sites.
public class PlacingOrders
{
    [Theory, EveryDatabase]
    public async Task An_order_is_promised_and_told_to_its_site(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A", "B");
        await hub.GrantAsync("WH1", "A", 10);
        await hub.GrantAsync("WH1", "B", 10);

        var order = (await hub.PlaceAsync("1", ("A", 6), ("B", 1), ("A", 1))).Value;

        Assert.Equal(OrderStatus.Allocated, order.Status);
        Assert.Equal("20.00", order.Total.AmountText());
        Assert.Equal([new SkuUnits("A", 7), new SkuUnits("B", 1)], order.Parts.Single().Lines);
        Assert.Equal(3, await hub.AvailableAsync("A"));
        var assigned = (await hub.LaneAsync(Lane.HubTo("WH1"))).Single(e => e.Type == PartAssigned.Type);
        Assert.Equal("tester", assigned.Actor);
        Assert.Equal(order.Id, assigned.OrderId.ToString());
        var full = await hub.ReadAsync("web:1");
        Assert.Equal(3, full.Lines!.Count);
        Assert.Equal(order.Id, (await hub.ReadAsync(order.Number.ToString())).Id);
    }

    [Theory, EveryDatabase]
    public async Task Too_little_stock_refuses_the_whole_order_and_keeps_only_the_attempt(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A", "B");
        await hub.GrantAsync("WH1", "A", 10);

        var refused = (await hub.PlaceAsync("1", ("A", 1), ("B", 1))).Refusal!;

        Assert.Equal("insufficient_stock", refused.Code);
        var missing = Assert.IsType<List<MissingUnits>>(refused.Extra!["missing"]);
        Assert.Equal([new MissingUnits("B", 1, 0)], missing);
        Assert.Equal(10, await hub.AvailableAsync("A"));
        Assert.Single(await hub.LaneAsync(Lane.Hub), e => e.Type == OrderRefused.Type);
        await hub.GrantAsync("WH1", "B", 1);
        Assert.True((await hub.PlaceAsync("1", ("A", 1), ("B", 1))).IsOk); // after a refusal it is a new attempt
    }

    [Theory, EveryDatabase]
    public async Task The_same_external_id_again_is_the_same_order(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 10);

        var first = await hub.PlaceAsync("1", ("A", 2));
        var again = await hub.PlaceAsync("1", ("A", 2));
        var other = await hub.PlaceAsync("1", ("A", 3));

        Assert.False(first.Existing);
        Assert.True(again.Existing);
        Assert.Equal(first.Value.Id, again.Value.Id);
        Assert.Equal("external_id_taken", other.Refusal!.Code);
        Assert.Equal(8, await hub.AvailableAsync("A"));
    }

    [Theory, EveryDatabase]
    public async Task The_last_unit_is_promised_once(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 17);

        var answers = await hub.Test.PumpUntilAsync(Task.WhenAll(Enumerable.Range(0, 64).Select(i =>
            hub.Intake.AcceptAsync(hub.Order(i.ToString(), [("A", 1)]).Value, TestNode.Tester))));

        Assert.Equal(17, answers.Count(a => a.Outcome.IsOk));
        Assert.All(answers.Where(a => !a.Outcome.IsOk), a => Assert.Equal("insufficient_stock", a.Outcome.Refusal!.Code));
        Assert.Equal(0, await hub.AvailableAsync("A"));
    }

    [Theory, EveryDatabase]
    public async Task The_nearest_site_with_everything_is_chosen_and_the_decision_says_so(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("BEG", 44.8, 20.4);
        await hub.SiteAsync("NIS", 43.3, 21.9);
        await hub.ProductsAsync("A");
        await hub.GrantAsync("BEG", "A", 5);
        await hub.GrantAsync("NIS", "A", 500);
        OrderBody To(OrderBody body, double lat, double lon) => body with { ShipTo = new AddressDetails(null, "x", null, "y", null, null, "RS", lat, lon) };

        var near = (await hub.PlaceAsync(hub.Order("1", [("A", 2)], b => To(b, 44.7, 20.5)).Value)).Value;
        var tooMuch = (await hub.PlaceAsync(hub.Order("2", [("A", 4)], b => To(b, 44.7, 20.5)).Value)).Value;
        var nowhere = (await hub.PlaceAsync("3", ("A", 1))).Value;

        Assert.Equal("BEG", near.Parts.Single().Site);
        Assert.Equal("NIS", tooMuch.Parts.Single().Site);
        Assert.Equal("NIS", nowhere.Parts.Single().Site); // no coordinates: most stock
        var placed = (await hub.LaneAsync(Lane.Hub)).First(e => e.Type == OrderPlaced.Type).Read<OrderPlaced>();
        Assert.Equal("nearest", placed.Decision.Strategy);
        Assert.Equal(["BEG", "NIS"], placed.Decision.Candidates.Select(c => c.Site));
        Assert.Equal("BEG comes first", placed.Decision.Candidates[1].Rejection);
    }

    [Theory, EveryDatabase]
    public async Task An_order_is_split_when_no_site_has_it_all(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        foreach (var site in new[] { "W1", "W2", "W3" }) await hub.SiteAsync(site);
        await hub.SiteAsync("OFF", active: false);
        await hub.ProductsAsync("A", "B");
        await hub.GrantAsync("W1", "A", 3);
        await hub.GrantAsync("W2", "A", 3);
        await hub.GrantAsync("W2", "B", 3);
        await hub.GrantAsync("OFF", "A", 100);

        var order = (await hub.PlaceAsync("1", ("A", 5), ("B", 2))).Value;
        var refused = await hub.PlaceAsync("2", ("A", 2));

        Assert.Equal(["W2", "W1"], order.Parts.Select(p => p.Site));
        Assert.Equal([new SkuUnits("A", 2)], order.Parts[1].Lines);
        Assert.Equal(1, await hub.AvailableAsync("A"));
        Assert.Equal("insufficient_stock", refused.Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_backorder_waits_and_is_served_when_stock_arrives(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 2);

        var order = (await hub.PlaceAsync(hub.Order("1", [("A", 5)], b => b with { Backorder = true }).Value)).Value;
        Assert.Equal(OrderStatus.Backorder, order.Status);
        Assert.Equal([(string?)"WH1", null], order.Parts.Select(p => p.Site));
        await hub.GrantAsync("WH1", "A", 2);
        Assert.Equal(OrderStatus.Backorder, (await hub.ReadAsync(order.Id)).Status); // waits until it can be had whole
        await hub.GrantAsync("WH1", "A", 4);

        var served = await hub.ReadAsync(order.Id);
        Assert.Equal(OrderStatus.Allocated, served.Status);
        Assert.Equal([(string?)"WH1", "WH1"], served.Parts.Select(p => p.Site));
        Assert.Equal(3, await hub.AvailableAsync("A"));
    }

    [Theory, EveryDatabase]
    public async Task Personal_details_are_readable_until_the_person_is_erased(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 2);
        var accept = hub.Order("1", [("A", 1)], b => b with { Customer = new CustomerDetails("Ana", "Ana@Example.com", null) }).Value;
        var order = (await hub.PlaceAsync(accept)).Value;

        Assert.Equal("Ana", (await hub.ReadAsync(order.Id)).Customer!.Name);
        Assert.DoesNotContain("Ana", System.Text.Encoding.UTF8.GetString((await hub.LaneAsync(Lane.Hub)).Last(e => e.Type == OrderPlaced.Type).Payload));
        await hub.Test.RunAsync<bool>(Lane.Hub, async tx => await Personal.EraseAsync(tx, Personal.PersonOf("ana@example.com", null, Guid.Empty)) is not null);

        Assert.Null((await hub.ReadAsync(order.Id)).Customer);
        Assert.Equal(1, (await hub.ReadAsync(order.Id)).Lines!.Single().Quantity);
    }

    [Theory, EveryDatabase]
    public async Task Unknown_products_wrong_currencies_and_unknown_pickup_sites_are_named(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 2);

        var unknown = (await hub.PlaceAsync("1", ("A", 1), ("ZZZ", 1))).Refusal!;
        Assert.Equal(("unknown_sku", RefusalKind.Invalid), (unknown.Code, unknown.Kind));
        Assert.Contains("lines[1].sku", unknown.Errors!.Keys);
        var body = new OrderBody { Lines = [new OrderLineBody("A", 1, new Money(1, "EUR")), new OrderLineBody("A", 1, new Money(1, "USD"))] };
        Assert.Contains("lines[1].unit_price.currency", AcceptOrder.From(body, hub.Node.Ids).Refusal!.Errors!.Keys);
        var pickup = (await hub.PlaceAsync(hub.Order("2", [("A", 1)], b => b with { FulfillmentType = FulfillmentType.Pickup, PickupSite = "NOPE" }).Value)).Refusal!;
        Assert.Contains("pickup_site", pickup.Errors!.Keys);
        Assert.Equal(2, await hub.AvailableAsync("A"));
    }

    [Theory, EveryDatabase]
    public async Task Goods_from_stock_have_no_extras(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A", "B");
        foreach (var sku in new[] { "A", "B" }) await hub.GrantAsync("WH1", sku, 5);
        foreach (var price in new Money?[] { null, new Money(9m, "EUR") })
        {
            var refused = (await hub.PlaceAsync(hub.Order("1", [], b => b with
            {
                Backorder = true, Lines = [new OrderLineBody("B", 1, price), new OrderLineBody("A", 1, price) { Extras = [new ExtraBody("B", 1)] }],
            }).Value)).Refusal!;
            Assert.Equal((RefusalKind.Invalid, "lines[1].extras[0].sku"), (refused.Kind, refused.Errors!.Keys.Single()));
        }
        Assert.True((await hub.PlaceAsync(hub.Order("2", [], b => b with { Lines = [new OrderLineBody("A", 1, null) { Extras = [] }] }).Value)).IsOk);
        Assert.Equal((4, 5), (await hub.AvailableAsync("A"), await hub.AvailableAsync("B")));
        Assert.Single(await hub.LaneAsync(Lane.Hub), e => e.Type == OrderPlaced.Type);
        await hub.Test.VerifyAsync();
    }
}
