using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a newcomer can read here, call by call, how an order gets from a shop to a parcel. Method: the real executable over real HTTP;
/// nothing but the public contract is used.
[Trait("Needs", "server")]
public class Tutorial
{
    [Theory, EveryDatabase]
    public async Task From_nothing_to_a_shipped_order(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        var (get, put, post) = (HttpMethod.Get, HttpMethod.Put, HttpMethod.Post);

        // 1. A warehouse in Belgrade with a storage zone and two shelves.
        await server.SendAsync(put, "sites/WH1", new { name = "Belgrade", type = "warehouse", city = "Belgrade", latitude = 44.8, longitude = 20.4 });
        await server.SendAsync(put, "sites/WH1/zones/A", new { name = "Aisles", type = "storage" });
        await server.SendAsync(put, "sites/WH1/bins/A-01-01", new { zone = "A", type = "shelf", aisle = "1", position = 1, level = 1, x_m = 2.0, y_m = 1.0 });
        await server.SendAsync(put, "sites/WH1/bins/A-01-02", new { zone = "A", type = "shelf", aisle = "1", position = 2, level = 1, x_m = 4.0, y_m = 1.0 });

        // 2. Two products with catalogue prices.
        await server.SendAsync(put, "products/85123A", new { name = "White hanging heart", price = new { amount = "2.55", currency = "GBP" }, weight_g = 180 });
        await server.SendAsync(put, "products/71053", new { name = "White metal lantern", price = new { amount = "3.39", currency = "GBP" }, weight_g = 420 });

        // 3. Goods arrive: each line becomes a movement with a number.
        var receipt = await server.SendAsync(post, "sites/WH1/receipts", new
        {
            reference = "PO-1",
            lines = new object[] { new { sku = "85123A", quantity = 10, bin = "A-01-01" }, new { sku = "71053", quantity = 4, bin = "A-01-02" } },
        }, expect: 201);
        Assert.Equal(2, receipt.GetProperty("movements").GetArrayLength());
        var available = (await server.GetAsync("availability?sku=85123A&sku=71053")).GetProperty("items");
        Assert.Equal([10, 4], available.EnumerateArray().Select(i => i.GetProperty("available").GetInt32()));
        Assert.Equal("WH1", available[0].GetProperty("preferred_site").GetString());

        // 4. An order. It is promised at once and routed; the second line takes the catalogue's price.
        var body = new
        {
            external_id = "536365", channel = "web", fulfillment_type = "ship",
            customer = new { name = "Ana Anić", email = "ana@example.com" },
            ship_to = new { line1 = "Knez Mihailova 1", city = "Belgrade", postal_code = "11000", country = "RS", latitude = 44.81, longitude = 20.46 },
            lines = new object[] { new { sku = "85123A", quantity = 6, unit_price = new { amount = "2.55", currency = "GBP" } }, new { sku = "71053", quantity = 1 } },
        };
        using var placed = await server.Http.PostAsJsonAsync("orders", body);
        Assert.Equal(HttpStatusCode.Created, placed.StatusCode);
        var order = await placed.Content.ReadFromJsonAsync<JsonElement>();
        var id = order.GetProperty("id").GetString()!;
        Assert.Equal("/api/v1/orders/" + id, placed.Headers.Location!.ToString());
        Assert.Equal("18.69", order.GetProperty("total").GetProperty("amount").GetString());
        Assert.Equal("allocated", order.GetProperty("status").GetString());
        Assert.Equal("WH1", order.GetProperty("parts")[0].GetProperty("site").GetString());
        Assert.Equal(4, order.GetProperty("display_id").GetString()!.Length);
        Assert.Equal(4, (await server.GetAsync("availability?sku=85123A")).GetProperty("items")[0].GetProperty("available").GetInt32());

        // The same order again is the same order: 200.
        using var again = await server.Http.PostAsJsonAsync("orders", body);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(id, (await again.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString());

        // 5. The site has a picking task already: the answer to the order waited for it.
        var tasks = (await server.GetAsync($"picking-tasks?order={id}")).GetProperty("items");
        var task = Assert.Single(tasks.EnumerateArray());
        var pick = "picking-tasks/" + task.GetProperty("id").GetString();
        Assert.Equal("pending", task.GetProperty("status").GetString());
        await server.SendAsync(post, pick + "/start", expect: 409); // nobody is assigned yet
        await server.SendAsync(post, pick + "/assign", new { worker = "mira" });
        await server.SendAsync(post, pick + "/start");
        Assert.Equal("picking", (await server.GetAsync($"orders/{id}")).GetProperty("status").GetString());
        for (var n = 0; n < 2; n++)
        {
            var item = await server.GetAsync(pick + "/next-item");
            await server.SendAsync(post, $"{pick}/items/{item.GetProperty("id").GetString()}/pick", new { quantity = item.GetProperty("quantity_required").GetInt32() });
        }
        using (var none = await server.Http.GetAsync(pick + "/next-item")) Assert.Equal(HttpStatusCode.NoContent, none.StatusCode);
        var picked = await server.SendAsync(post, pick + "/complete");
        Assert.Equal("completed", picked.GetProperty("status").GetString());

        // 6. Packing: one box; volumetric weight is L×W×H/5000.
        var packing = Assert.Single((await server.GetAsync($"packing-tasks?order={id}")).GetProperty("items").EnumerateArray());
        var pack = "packing-tasks/" + packing.GetProperty("id").GetString();
        await server.SendAsync(post, pack + "/start", new { worker = "mira" });
        await server.SendAsync(post, pack + "/complete", expect: 409); // no package yet
        var package = await server.SendAsync(post, pack + "/packages", new { packaging_type = "box", weight_g = 1500, length_mm = 400, width_mm = 300, height_mm = 200 });
        Assert.Equal(4800, package.GetProperty("volumetric_weight_g").GetInt32());
        Assert.Equal(4800, package.GetProperty("chargeable_weight_g").GetInt32());
        await server.SendAsync(post, pack + "/complete");
        Assert.Equal("ready", (await server.GetAsync("orders/web:536365")).GetProperty("status").GetString());

        // 7. Shipped: the label is ZPL, the units are gone from the books.
        var shipment = await server.SendAsync(post, pack + "/ship", new { carrier = "post_express", tracking_number = "PE123" });
        Assert.Equal("PE123", shipment.GetProperty("tracking_number").GetString());
        var label = await server.Http.GetStringAsync(pack + "/label?format=zpl");
        Assert.StartsWith("^XA", label.TrimStart());
        Assert.Equal("shipped", (await server.GetAsync($"orders/{id}")).GetProperty("status").GetString());
        Assert.Equal(4, (await server.GetAsync("availability?sku=85123A")).GetProperty("items")[0].GetProperty("on_hand").GetInt32());

        // 8. Every step is in the timeline; why this site, is kept; and the books are clean.
        var timeline = (await server.GetAsync($"orders/{id}/timeline")).GetProperty("items").EnumerateArray().Select(t => t.GetProperty("type").GetString()!).ToList();
        Assert.Equal("order.placed", timeline[0]);
        foreach (var step in new[] { "part.assigned", "picking.created", "picking.started", "picking.completed", "packing.completed", "part.shipped" }) Assert.Contains(step, timeline);
        Assert.Equal("nearest", (await server.GetAsync($"orders/{id}/decision")).GetProperty("decision").GetProperty("strategy").GetString());
        await server.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_a_day_brings_besides(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        var (put, post) = (HttpMethod.Put, HttpMethod.Post);
        await server.SendAsync(put, "sites/WH1", new { name = "Belgrade", type = "warehouse" });
        await server.SendAsync(put, "sites/WH1/zones/A", new { name = "Aisles", type = "storage" });

        // 9. A whole catalogue, and all shelves, in one call each: all or none. Up to 100,000 at a time.
        var catalogue = new[] { "CUP", "PLATE", "BOWL" }.Select(sku => new { sku, name = sku, price = new { amount = "4.00", currency = "EUR" } });
        var products = await server.SendAsync(post, "products/bulk", new { items = catalogue });
        Assert.Equal((3, 0), (products.GetProperty("created").GetInt32(), products.GetProperty("updated").GetInt32()));
        await server.SendAsync(post, "sites/WH1/bins/bulk", new { items = new[] { "A-1", "A-2" }.Select(bin => new { bin, zone = "A", type = "shelf" }) });

        // 10. With an Idempotency-Key the same delivery is received once, however often it is sent; another body under the key is a mistake.
        var delivery = new { reference = "PO-7", lines = new[] { new { sku = "CUP", quantity = 20, bin = "A-1" } } };
        var first = await KeyedAsync(server, "sites/WH1/receipts", delivery, "PO-7");
        var second = await KeyedAsync(server, "sites/WH1/receipts", delivery, "PO-7");
        Assert.Equal((201, 201, true), (first.Status, second.Status, second.Replayed));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(422, (await KeyedAsync(server, "sites/WH1/receipts", new { reference = "PO-8", lines = delivery.lines }, "PO-7")).Status);

        // 11. Goods are moved and counted. Stock changes by movements only; who sets a quantity says what he believes it was.
        await server.SendAsync(post, "sites/WH1/moves", new { sku = "CUP", quantity = 8, from_bin = "A-1", to_bin = "A-2", reason = "closer to packing" }, expect: 201);
        await server.SendAsync(post, "sites/WH1/adjustments", new { sku = "CUP", bin = "A-2", expected = 8, counted = 7, reason = "one broken" }, expect: 201);
        await server.SendAsync(post, "sites/WH1/adjustments", new { sku = "CUP", bin = "A-2", expected = 8, counted = 6, reason = "counted too late" }, expect: 409);
        var stock = (await server.GetAsync("sites/WH1/stock?sku=CUP")).GetProperty("items").EnumerateArray();
        Assert.Equal([("A-1", 12), ("A-2", 7)], stock.Select(s => (s.GetProperty("bin").GetString()!, s.GetProperty("on_hand").GetInt32())).Order());
        var movements = (await server.GetAsync("sites/WH1/movements?sku=CUP")).GetProperty("items");
        Assert.Equal(["one broken", "closer to packing"], movements.EnumerateArray().Take(2).Select(m => m.GetProperty("reason").GetString())); // newest first

        // 12. Some of it is not for the web: a safety stock stays at the site.
        await server.SendAsync(put, "sites/WH1/policies/CUP", new { safety_stock = 4 });
        Assert.Equal(15, (await server.GetAsync("availability?sku=CUP")).GetProperty("items")[0].GetProperty("available").GetInt32());

        // 13. Orders change: one is held back and released, one is urgent, one is called off. Its units are free again.
        var ids = new List<string>();
        foreach (var external in new[] { "A1", "A2", "A3" })
            ids.Add((await server.SendAsync(post, "orders", new { channel = "web", external_id = external, lines = new[] { new { sku = "CUP", quantity = 2 } } }, expect: 201)).GetProperty("id").GetString()!);
        await server.SendAsync(post, $"orders/{ids[0]}/hold", new { reason = "check the address" });
        await server.SendAsync(post, $"orders/{ids[0]}/release");
        Assert.Equal("urgent", (await server.SendAsync(post, $"orders/{ids[1]}/priority", new { priority = "urgent" })).GetProperty("priority").GetString());
        await server.SendAsync(post, $"orders/{ids[2]}/cancel", new { reason = "changed their mind" });
        await server.DrainAsync();
        Assert.Equal("cancelled", (await server.GetAsync("orders/web:A3")).GetProperty("status").GetString());
        Assert.Equal(11, (await server.GetAsync("availability?sku=CUP")).GetProperty("items")[0].GetProperty("available").GetInt32());

        // 14. Lists are filtered by the names of the fields, and come in pages.
        Assert.Equal(["A2", "A1"], (await server.GetAsync("orders?channel=web&status=allocated")).GetProperty("items").EnumerateArray().Select(o => o.GetProperty("external_id").GetString()));
        var page = await server.GetAsync("orders?channel=web&limit=2");
        Assert.Equal(2, page.GetProperty("items").GetArrayLength());
        Assert.Equal("A1", (await server.GetAsync($"orders?channel=web&limit=2&cursor={page.GetProperty("next_cursor").GetString()}")).GetProperty("items")[0].GetProperty("external_id").GetString());

        // 15. All of this stands in the lanes, in order: read them from where you are.
        var events = await server.GetAsync("events?lane=hub&after=0&limit=1000");
        Assert.Contains("order.held", events.GetProperty("items").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
        Assert.Empty((await server.GetAsync($"events?lane=hub&after={events.GetProperty("next_after")}")).GetProperty("items").EnumerateArray());
        await server.VerifyAsync();
    }

    private static async Task<(int Status, string Body, bool Replayed)> KeyedAsync(RunningServer server, string path, object body, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", key);
        using var answer = await server.Http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Contains("Idempotent-Replayed"));
    }
}
