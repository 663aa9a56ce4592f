using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Stowline.Hub.Channels;
using Stowline.Log;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Channels;

/// Goal: variations of a product are sold and kept in step like all else (S7). Method: WooCommerce's documented orders and variations through the shipped mapping, against a shop that knows them.
[Trait("Needs", "server")]
public class ShopVariationTests
{
    /// <summary>The documented variations 732 and 733 of product 22, and product 93, as WooCommerce answers for them.</summary>
    private sealed class Woo
    {
        private readonly Lock _gate = new(); // plain products and variations are set side by side
        private readonly Dictionary<string, JsonNode> _there = new(StringComparer.Ordinal);

        public Woo()
        {
            foreach (var variation in JsonNode.Parse(ChannelFiles.Read("woocommerce", "v3_product-variations.list-all-product-variations.json"))!.AsArray())
                _there["22/" + variation!["id"]!.GetValue<long>()] = variation;
            _there["93"] = new JsonObject { ["id"] = 93, ["stock_quantity"] = null };
        }

        /// <summary>Each call that set something: where, and what.</summary>
        public List<(string Path, string Ids)> Set { get; } = [];

        public long? this[string offer]
        {
            get => _there[offer]["stock_quantity"]?.GetValue<long>();
            set => _there[offer]["stock_quantity"] = value;
        }

        public Task ServeAsync(ReceivedRequest request, HttpResponse response)
        {
            var path = request.Path[(request.Path.IndexOf("/v3/", StringComparison.Ordinal) + 4)..].Split('?')[0].Split('/');
            var parent = path is ["products", var product, "variations", ..] ? product + "/" : "";
            response.StatusCode = 200;
            string answer;
            lock (_gate) answer = (path[^1] == "batch" ? (JsonNode)Batch(parent, JsonNode.Parse(request.Body)!) : List(parent)).ToJsonString();
            return response.WriteAsync(answer);
        }

        private JsonObject Batch(string parent, JsonNode body)
        {
            var items = body["update"]!.AsArray();
            Set.Add((parent, string.Join(' ', items.Select(i => i!["id"]!.GetValue<long>()).Order())));
            return new JsonObject { ["update"] = new JsonArray([.. items.Select(i => Update(parent, i!))]) };
        }

        private JsonNode Update(string parent, JsonNode item)
        {
            var id = item["id"]!.GetValue<long>();
            if (!_there.TryGetValue(parent + id, out var known))
                return new JsonObject { ["id"] = id, ["error"] = new JsonObject { ["code"] = "woocommerce_rest_product_invalid_id", ["message"] = "Invalid ID." } };
            known["manage_stock"] = item["manage_stock"]!.GetValue<bool>();
            known["stock_quantity"] = item["stock_quantity"]!.GetValue<long>();
            return known.DeepClone();
        }

        private JsonArray List(string parent) => new([.. _there.Where(t => parent.Length == 0 ? !t.Key.Contains('/', StringComparison.Ordinal) : t.Key.StartsWith(parent, StringComparison.Ordinal)).Select(t => t.Value.DeepClone())]);
    }

    private static async Task OfferAsync(HubNode hub, params (string Offer, string Sku)[] offers) => Assert.True((await hub.Test.RunAsync(Lane.Hub,
        tx => ChannelOffers.DecideAsync("shop", new OffersBody([.. offers.Select(o => (OfferEntry?)new OfferEntry(o.Offer, o.Sku))]), tx))).IsOk);

    private static async Task PassAsync(HubNode hub, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            hub.Test.Time.Advance(TimeSpan.FromSeconds(1));
            await hub.Test.DrainAsync();
        }
    }

    [PayloadTheory, EveryDatabase]
    public async Task A_line_of_an_order_is_known_by_the_variations_sku_or_by_both_ids(string store)
    {
        await using var hub = await ShopTests.StartAsync(store, ShopTests.Body("woocommerce"), "Bar3", "BAR-WHITE", "SINGLE-1");
        // The documented order of which a line has the SKU of a variation, and another only its ids.
        var order = JsonNode.Parse(ChannelFiles.Read("woocommerce", "v3_orders.batch-update-orders.json"))!.AsObject().SelectMany(o => o.Value!.AsArray())
            .First(o => o!["line_items"]!.AsArray().Any(l => l!["variation_id"]!.GetValue<long>() == 24))!;
        order["status"] = "processing";
        var lines = order["line_items"]!.AsArray();
        var plain = lines.Where(l => l!["variation_id"]!.GetValue<long>() == 0).Select(l => (l!["product_id"]!.ToString(), "SINGLE-1")).Distinct().ToArray();
        await OfferAsync(hub, [("22/24", "BAR-WHITE"), ("22", "SINGLE-1"), .. plain]);
        Assert.Equal(ShopOrderResult.Placed, (await ShopTests.TakeAsync(hub, order.ToJsonString())).Value.Result);
        var taken = await hub.ReadAsync("shop:" + order["id"]);
        Assert.Equal(lines.Select(l => l!["variation_id"]!.GetValue<long>() switch { 23 => "Bar3", 24 => "BAR-WHITE", _ => "SINGLE-1" }), taken.Lines!.Select(l => l.Sku));
    }

    [PayloadTheory, EveryDatabase]
    public async Task Variations_are_set_and_compared_where_the_shop_keeps_them(string store)
    {
        await using var shop = await HookReceiver.StartAsync();
        var woo = new Woo();
        shop.Answer = woo.ServeAsync;
        await using var hub = await ShopTests.StartAsync(store, ShopTests.Body("woocommerce", shop.Url), "GREEN", "BLACK", "SINGLE-1");
        await hub.GrantAsync("WH1", "GREEN", 4);
        await hub.GrantAsync("WH1", "BLACK", 6);
        await hub.GrantAsync("WH1", "SINGLE-1", 8);
        await OfferAsync(hub, ("22/733", "GREEN"), ("22/732", "BLACK"), ("93", "SINGLE-1"), ("22/999", "GREEN"));
        await PassAsync(hub, 10);
        Assert.Equal((4, 6, 8), (woo["22/733"], woo["22/732"], woo["93"]));
        Assert.Equal([("", "93"), ("22/", "732 733 999")], woo.Set.Order());
        var offers = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT offer FROM channel_offers WHERE acknowledged IS NOT NULL"));
        Assert.Equal(["22/732", "22/733", "93"], offers.Order(StringComparer.Ordinal));
        var refused = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM stock_operations WHERE status <> 3"));
        Assert.Equal(("22/999", "Invalid ID."), (Assert.Single(refused).Offer, refused[0].ErrorMessage));

        (woo["22/733"], woo["93"]) = (9, 9); // somebody changed them there: more is shown than may be sold
        await hub.Test.RunAsync(Lane.Hub, tx => StockSync.ReconcileAsync(new ReconcileBody("shop", null), hub.Node.Modules.OfType<ChannelsModule>().Single(), tx));
        await PassAsync(hub, 5);
        var differing = await hub.Test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT offer FROM channel_offers WHERE differs_since IS NOT NULL"));
        Assert.Equal(["22/733", "93"], differing.Order(StringComparer.Ordinal));
        await PassAsync(hub, 200);
        Assert.Equal((4, 6, 8), (woo["22/733"], woo["22/732"], woo["93"]));
        await hub.Test.VerifyAsync();
    }

    [Fact]
    public async Task A_mapping_of_variations_says_how_they_are_set()
    {
        await using var hub = await HubNode.StartAsync("sqlite", new ChannelsModule());
        var module = hub.Node.Modules.OfType<ChannelsModule>().Single();
        var body = new ChannelBody { Kind = ChannelKind.Shop, Settings = new ChannelSettings { Mapping = new ShopMapping { Variations = new ShopVariations(Read: new ShopStockRead()) } } };
        var refused = (await hub.Test.RunAsync(Lane.Hub, tx => SaveChannel.DecideAsync("shop", body, module.Target, hub.Node, tx))).Refusal!;
        Assert.Equal(["settings.mapping.stock", "settings.mapping.variations.read.offer", "settings.mapping.variations.read.quantity", "settings.mapping.variations.read.url", "settings.mapping.variations.stock"],
            refused.Errors!.Keys.Order(StringComparer.Ordinal));
    }
}
