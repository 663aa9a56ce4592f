using System.Text;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Channels;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Channels;

/// Goal: a shop hears which of its lines are in which parcel, each parcel once, whatever the shop does meanwhile. Method: the shipped mappings on doubles of the documented APIs, virtual
/// time, the real pumps and SQL; the test plays the sites of a split order.
[Trait("Needs", "server")]
public class ShipmentTests
{
    private const long Green = 466157049, Red = 518995019, Black = 703073504;
    private static readonly string[] Skus = ["IPOD2008GREEN", "IPOD2008RED", "IPOD2008BLACK"];

    private static async Task<HubNode> StartAsync(string store, string mapping, string url, params string[] skus)
    {
        var hub = await HubNode.StartAsync(store, new ChannelsModule());
        var module = hub.Node.Modules.OfType<ChannelsModule>().Single();
        hub.Node.Secrets = SecretBox.Of(new byte[32]);
        module.Target.AllowPrivate = true;
        foreach (var site in new[] { "WH1", "WH2" }) await hub.SiteAsync(site);
        await hub.ProductsAsync(skus);
        await SaveAsync(hub, mapping, url);
        await PassAsync(hub, 3);
        return hub;
    }

    private static async Task SaveAsync(HubNode hub, string mapping, string url)
    {
        var text = ChannelFiles.Mapping(mapping).Replace("https://SHOP.myshopify.com", url, StringComparison.Ordinal).Replace("https://SHOP", url, StringComparison.Ordinal);
        var body = Requests.Parse<ChannelBody>(Encoding.UTF8.GetBytes(text)).Value;
        body = body with { Secrets = new ChannelSecrets { Token = "token-1" }, Settings = body.Settings! with { Carriers = new Dictionary<string, string> { ["dhl"] = "DHL Express" } } };
        var saved = await hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync("shop", body, hub.Node.Modules.OfType<ChannelsModule>().Single().Target, hub.Node, tx));
        Assert.True(saved.IsOk, saved.Refusal?.Detail);
    }

    private static async Task PassAsync(HubNode hub, int seconds, int step = 1)
    {
        for (var passed = 0; passed < seconds; passed += step)
        {
            hub.Test.Time.Advance(TimeSpan.FromSeconds(step));
            await hub.Test.DrainAsync();
        }
    }

    /// <summary>The documented order, of which WH1 has two lines and WH2 the third.</summary>
    private static async Task<Guid> SplitAsync(HubNode hub, JsonNode order)
    {
        foreach (var (site, sku) in new[] { ("WH1", Skus[0]), ("WH1", Skus[1]), ("WH2", Skus[2]) }) await hub.GrantAsync(site, sku, 1);
        var row = (await hub.Test.Database.ReadAsync(async s => await AccountRow.FindAsync(s, "shop")))!;
        var door = new TakeShopOrder(hub.Node, hub.Node.Modules.OfType<ChannelsModule>().Single().Orders!);
        var taken = await hub.Test.PumpUntilAsync(door.TakeAsync(row, order.DeepClone(), TestNode.Tester, default));
        Assert.Equal(ShopOrderResult.Placed, taken.Value.Result);
        var parts = (await hub.ReadAsync("shop:450789469")).Parts!;
        Assert.Equal(["WH1", "WH2"], parts.Select(p => p.Site).Order());
        return Guid.Parse(taken.Value.OrderId!);
    }

    private static async Task ShipAsync(HubNode hub, Guid order, string site, string carrier, string tracking, params string[] skus)
    {
        var part = (await hub.ReadAsync(order.ToString())).Parts!.Single(p => p.Site == site).Part;
        foreach (var sku in skus[1..]) await hub.SayAsync(site, sku, Left, b => new StockMoved("shipment", [], [b]));
        await hub.SayAsync(site, skus[0], Left, b => new PartShipped(order, part, Guid.NewGuid(), 1, carrier, tracking, [.. skus.Select(s => new SkuUnits(s, 1))], [], [], [b]), order);

        static Balance Left(Balance b) => b with { Consumed = b.Consumed + 1, OnHand = b.OnHand - 1 };
    }

    private static Task<IReadOnlyList<ReportRow>> ShipmentsAsync(HubNode hub) =>
        hub.Test.Database.ReadAsync(async s => await s.QueryAsync<ReportRow>($"SELECT {ReportRow.Columns} FROM channel_reports WHERE kind = 2 ORDER BY part"));

    private static async Task<ShopifyDouble> ShopifyAsync(JsonNode order)
    {
        var shop = new ShopifyDouble(order);
        await shop.StartAsync();
        return shop;
    }

    [PayloadTheory, EveryDatabase]
    public async Task Shopify_hears_which_units_of_its_fulfillment_orders_are_in_each_parcel_once(string store)
    {
        var payload = JsonNode.Parse(ChannelFiles.Read("shopify", "order.json"))!;
        await using var shop = await ShopifyAsync(payload);
        shop.Route(11, 1, Green, Red, Black);
        await using var hub = await StartAsync(store, "shopify", shop.Url, Skus);
        var order = await SplitAsync(hub, payload);
        var lost = 1;
        shop.Misbehaves = (method, path) => method == "POST" && path.EndsWith("/fulfillments.json", StringComparison.Ordinal) && lost-- > 0 ? Fault.LostAfter : Fault.None;
        await ShipAsync(hub, order, "WH2", "dhl", "T2", Skus[2]);
        await PassAsync(hub, 180, 5);
        await ShipAsync(hub, order, "WH1", "ACS", "T1", Skus[0], Skus[1]);
        await PassAsync(hub, 30, 5);

        Assert.Equal([("T2", "DHL Express"), ("T1", "ACS")], shop.Fulfillments.Select(f => (f.Number, f.Carrier)));
        Assert.Equal(new Dictionary<long, long> { [Black] = 1 }, shop.Fulfillments[0].Lines);
        Assert.Equal(new Dictionary<long, long> { [Green] = 1, [Red] = 1 }, shop.Fulfillments[1].Lines);
        Assert.Equal([OperationStatus.Completed, OperationStatus.Completed], (await ShipmentsAsync(hub)).Select(r => r.Status));
        Assert.Contains((await ShipmentsAsync(hub)).Select(r => r.View), r => r.TrackingNumber == "T2" && r.Lines.SequenceEqual([new SkuUnits(Skus[2], 1)]));
        await hub.Test.VerifyAsync();
    }

    [PayloadTheory, EveryDatabase]
    public async Task With_a_fifth_of_the_calls_failing_every_parcel_is_there_once_with_its_own_lines(string store)
    {
        var payload = JsonNode.Parse(ChannelFiles.Read("shopify", "order.json"))!;
        await using var shop = await ShopifyAsync(payload);
        shop.Route(11, 1, Green, Red);
        shop.Route(12, 2, Black);
        await using var hub = await StartAsync(store, "shopify", shop.Url, Skus);
        var order = await SplitAsync(hub, payload);
        var random = new Random(5);
        shop.Misbehaves = (_, _) => random.NextDouble() < 0.8 ? Fault.None : (Fault)(1 + random.Next(3));
        await ShipAsync(hub, order, "WH1", "ACS", "T1", Skus[0], Skus[1]);
        await ShipAsync(hub, order, "WH2", "ACS", "T2", Skus[2]);
        await PassAsync(hub, 300, 5);
        shop.Misbehaves = (_, _) => Fault.None;
        await PassAsync(hub, 120, 5);

        Assert.Equal(["T1", "T2"], shop.Fulfillments.Select(f => f.Number).Order());
        Assert.Equal([Green, Red], shop.Fulfillments.Single(f => f.Number == "T1").Lines.Keys.Order());
        Assert.Equal([Black], shop.Fulfillments.Single(f => f.Number == "T2").Lines.Keys);
        Assert.All(await ShipmentsAsync(hub), r => Assert.Equal(OperationStatus.Completed, r.Status));
        await hub.Test.VerifyAsync();
    }

    [PayloadTheory, EveryDatabase]
    public async Task A_parcel_whose_goods_somebody_has_fulfilled_there_is_not_told_and_says_why(string store)
    {
        var payload = JsonNode.Parse(ChannelFiles.Read("shopify", "order.json"))!;
        await using var shop = await ShopifyAsync(payload);
        shop.Route(11, 1, Green, Red);
        await using var hub = await StartAsync(store, "shopify", shop.Url, Skus);
        var order = await SplitAsync(hub, payload);
        await ShipAsync(hub, order, "WH2", "ACS", "T2", Skus[2]);
        await PassAsync(hub, 3_600, 60);
        Assert.Empty(shop.Fulfillments);
        var failed = Assert.Single(await ShipmentsAsync(hub));
        Assert.Equal((OperationStatus.Failed, "the shop's order has no open line for what is in the parcel: 1 × IPOD2008BLACK"), (failed.Status, failed.ErrorMessage));
    }

    [PayloadTheory, EveryDatabase]
    public async Task WooCommerces_customer_reads_once_what_is_in_each_parcel(string store)
    {
        var payload = JsonNode.Parse(ChannelFiles.Read("shopify", "order.json"))!;
        await using var shop = new WooDouble();
        await shop.StartAsync();
        await using var hub = await StartAsync(store, "shopify", shop.Url, Skus); // the order came in before; what counts here is what goes out
        var order = await SplitAsync(hub, payload);
        await SaveAsync(hub, "woocommerce", shop.Url);
        var lost = 1;
        shop.Misbehaves = (method, path) => method == "POST" && path.EndsWith("/notes", StringComparison.Ordinal) && lost-- > 0 ? Fault.LostAfter : Fault.None;
        await ShipAsync(hub, order, "WH1", "dhl", "T1", Skus[0], Skus[1]);
        await PassAsync(hub, 180, 5);
        await ShipAsync(hub, order, "WH2", "ACS", "T2", Skus[2]);
        await PassAsync(hub, 30, 5);
        Assert.Equal([("450789469", "DHL Express T1: 1 × IPOD2008GREEN, 1 × IPOD2008RED", true), ("450789469", "ACS T2: 1 × IPOD2008BLACK", true)], shop.Notes);
        Assert.Equal([("450789469", "completed")], shop.Statuses);
        Assert.All(await ShipmentsAsync(hub), r => Assert.Equal(OperationStatus.Completed, r.Status));
        await hub.Test.VerifyAsync();
    }

    [Theory]
    [InlineData("""{ "body": {}, "url": "https://a.example/x", "open": { "url": "https://a.example/y" } }""",
        "open.group", "open.order_line", "open.line", "open.quantity", "order", "each_group")]
    [InlineData("""{ "body": {}, "url": "https://a.example/x", "order": { "url": "nowhere" } }""", "order.url", "order.line", "order", "each_line")]
    [InlineData("""{ "body": {}, "url": "https://a.example/x", "known": { "url": "https://a.example/y" }, "each_group": {} }""", "known.mark", "each_group")]
    public void A_mapping_says_by_field_what_it_lacks(string shipment, params string[] fields)
    {
        var mapping = Requests.Parse<ShopMapping>(Encoding.UTF8.GetBytes($$"""{ "shipment": {{shipment}} }""")).Value;
        var problems = new Problems();
        mapping.Check(new Stowline.Hub.Hooks.HookTarget(), problems);
        Assert.Equal(fields.Select(f => "settings.mapping.shipment." + f).Order(), problems.ToRefusal().Errors!.Keys.Order());
    }

    [Fact]
    public void Units_are_taken_from_the_first_open_lines_of_their_goods_and_never_twice()
    {
        TheirLine[] open = [new("1", "A", 1), new("2", "B", 5), new("3", "A", 2), new("4", null, 9), new("5", "A", 0)];
        Assert.Equal([("1", 1L), ("2", 2L), ("3", 1L)], ParcelLines.Take([new SkuUnits("A", 2), new SkuUnits("B", 2), new SkuUnits("C", 1)], open).Select(t => (t.Line, t.Quantity)));
        Assert.Empty(ParcelLines.Take([], open));
        Assert.False(ParcelLines.IsAll([new SkuUnits("A", 2)], [new TheirLine("1", "A", 3)]));
        Assert.True(ParcelLines.IsAll([new SkuUnits("A", 2), new SkuUnits("A", 1)], [new TheirLine("1", "A", 3)]));
    }
}
