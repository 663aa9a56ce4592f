using System.Text.Json;
using Stowline.Hub.Access;
using Stowline.Log;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: a key that is limited to sellers sees and places what is theirs, and nothing of anybody else. Method: two sellers and a shop of its own on
/// one node; every route that the node has is tried.
[Trait("Needs", "server")]
public class KeysSellerTests
{
    private static async Task<(ServerNode Node, string Boss, string Key)> StartAsync(string store)
    {
        var node = await ServerNode.StartAsync(store, auth: "keys");
        var boss = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        var made = await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/keys", """{"name":"nord","scopes":["orders"],"sellers":["Nord, Ltd","Nord 2"]}"""), 201);
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/WH1", """{"name":"W","type":"warehouse"}"""));
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/WH1/zones/A", """{"type":"storage"}"""));
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/WH1/bins/A-1", """{"zone":"A"}"""));
        foreach (var (sku, seller) in new[] { ("N1", "\"Nord, Ltd\""), ("N3", "\"Nord, Ltd\""), ("N2", "\"Nord 2\""), ("S1", "\"South\""), ("OWN", "null") })
            await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/products/" + sku, $$"""{"price":{"amount":"1.00","currency":"EUR"},"name":"Mug","seller":{{seller}} }"""));
        await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/sites/WH1/receipts",
            """{"reference":"PO","lines":[{"sku":"N1","quantity":50,"bin":"A-1"},{"sku":"N2","quantity":50,"bin":"A-1"},{"sku":"S1","quantity":50,"bin":"A-1"},{"sku":"OWN","quantity":5,"bin":"A-1"}]}"""), 201);
        return (node, boss, made.GetProperty("key").GetString()!);
    }

    private static string Order(string external, params string[] skus) =>
        JsonSerializer.Serialize(new { external_id = external, channel = "web", fulfillment_type = "ship", lines = skus.Select(sku => new { sku, quantity = 1 }) });

    private static async Task<string> ListAsync(ServerNode node, string key, string path, string field)
    {
        var (found, cursor) = (new List<string?>(), "");
        do
        {
            var page = await JsonAsync(CallAsync(node, key, "GET", $"/api/v1/{path}{(path.Contains('?') ? '&' : '?')}limit=2{cursor}"));
            found.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(field).GetString()));
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + Uri.EscapeDataString(next) : "";
        } while (cursor.Length > 0);
        return string.Join(' ', found);
    }

    [Theory, EveryDatabase]
    public async Task Products_stock_and_availability_are_those_of_its_sellers(string store)
    {
        var (node, boss, key) = await StartAsync(store);
        await using var _ = node;
        Assert.Equal("N1 N2 N3 OWN S1", await ListAsync(node, boss, "products", "sku"));
        Assert.Equal("N1 N2 N3", await ListAsync(node, key, "products", "sku"));
        Assert.Equal("N2", await ListAsync(node, key, "products?seller=Nord%202", "sku"));
        Assert.Equal("N1 N2 N3", await ListAsync(node, key, "availability", "sku"));
        Assert.Equal("N1 N2", await ListAsync(node, key, "availability?sku=N1&sku=N2", "sku"));
        Assert.Equal("N1", await ListAsync(node, key, "sites/WH1/stock?sku=N1", "sku"));
        Assert.Equal("N1", await ListAsync(node, key, "sites/WH1/movements?sku=N1", "sku"));
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/products/N1"));
        var csv = await (await CallAsync(node, key, "GET", "/api/v1/products?format=csv")).Content.ReadAsStringAsync();
        Assert.Equal(["sku", "N1", "N2", "N3"], csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(',')[0]));

        foreach (var path in new[]
                 {
                     "products/S1", "products/OWN", "products/none", "products?seller=South", "availability?sku=N1&sku=S1", "availability?sku=OWN", "sites/WH1/stock", "sites/WH1/stock?sku=S1",
                     "sites/WH1/stock?sku=N1&sku=S1", "sites/WH1/movements", "sites/WH1/movements?sku=OWN", "sites/WH1/stock?format=csv",
                 })
        {
            var problem = await JsonAsync(CallAsync(node, key, "GET", "/api/v1/" + path), 403);
            Assert.Equal("forbidden", problem.GetProperty("code").GetString());
            Assert.Contains("sellers Nord 2, Nord, Ltd: ", problem.GetProperty("detail").GetString());
        }
    }

    [Theory, EveryDatabase]
    public async Task Orders_are_those_all_of_whose_lines_are_its_sellers(string store)
    {
        var (node, boss, key) = await StartAsync(store);
        await using var _ = node;
        async Task<string> PlaceAsync(string who, int status, string external, params string[] skus) =>
            (await JsonAsync(CallAsync(node, who, "POST", "/api/v1/orders", Order(external, skus)), status)).GetProperty(status == 201 ? "id" : "code").GetString()!;

        var own = await PlaceAsync(key, 201, "n1", "N1", "N2");
        Assert.Equal("forbidden", await PlaceAsync(key, 403, "n2", "N1", "S1"));
        Assert.Equal("forbidden", await PlaceAsync(key, 403, "n2", "OWN"));
        Assert.Equal("forbidden", await PlaceAsync(key, 403, "n2", "N1", "none"));
        var mixed = await PlaceAsync(boss, 201, "b1", "N1", "S1");
        var theirs = await PlaceAsync(boss, 201, "b2", "N1");
        var foreign = await PlaceAsync(boss, 201, "b3", "S1");
        for (var i = 0; i < 5; i++) await PlaceAsync(boss, 201, "more" + i, i == 2 ? "N2" : "OWN");

        Assert.Equal("more2 b2 n1", await ListAsync(node, key, "orders", "external_id"));
        Assert.Equal("b2", await ListAsync(node, key, "orders?external_id=b2", "external_id"));
        Assert.Equal("", await ListAsync(node, key, "orders?external_id=b3", "external_id"));
        Assert.DoesNotContain(",b1,", await (await CallAsync(node, key, "GET", "/api/v1/orders?format=csv")).Content.ReadAsStringAsync());
        foreach (var order in new[] { own, theirs, "web:n1" })
            foreach (var path in new[] { "", "/timeline", "/decision" }) await JsonAsync(CallAsync(node, key, "GET", $"/api/v1/orders/{order}{path}"));
        await JsonAsync(CallAsync(node, key, "POST", $"/api/v1/orders/{theirs}/cancel", """{"reason":"changed"}"""));
        Assert.Equal("order_not_found", (await JsonAsync(CallAsync(node, key, "GET", "/api/v1/orders/web:none"), 404)).GetProperty("code").GetString());

        foreach (var order in new[] { mixed, foreign, "web:b3" })
        {
            foreach (var path in new[] { "", "/timeline", "/decision" }) await JsonAsync(CallAsync(node, key, "GET", $"/api/v1/orders/{order}{path}"), 403);
            foreach (var action in new[] { "cancel", "hold", "release", "priority", "reroute" }) await JsonAsync(CallAsync(node, key, "POST", $"/api/v1/orders/{order}/{action}", "{}"), 403);
        }
        // What is written with a slash in it is theirs by the same rule.
        foreach (var (sku, seller) in new[] { ("N/4", "Nord 2"), ("S/4", "South") })
            await JsonAsync(CallAsync(node, boss, "PUT", $"/api/v1/products/{Uri.EscapeDataString(sku)}", $$"""{"name":"Mug","price":{"amount":"1.00","currency":"EUR"},"seller":"{{seller}}"}"""));
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/products/N%2F4"));
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/products/S%2F4"), 403);
        await PlaceAsync(key, 201, "n/9", "N1");
        await PlaceAsync(boss, 201, "b/9", "S1");
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/orders/web:n%2F9"));
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/orders/web:b%2F9"), 403);
        // A product that changes hands takes its orders along.
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/products/S1", """{"name":"Mug","seller":"Nord 2","price":{"amount":"1.00","currency":"EUR"}}"""));
        await JsonAsync(CallAsync(node, key, "GET", $"/api/v1/orders/{mixed}"));
    }

    [Fact]
    public async Task Whatever_is_not_for_sellers_is_shut_and_says_so()
    {
        var (node, boss, key) = await StartAsync("sqlite");
        await using var _ = node;
        var paths = (await node.GetAsync("/openapi/v1.json")).GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(o => (Method: o.Name.ToUpperInvariant(), p.Name))).ToList();
        var open = new List<string>();
        foreach (var (method, pattern) in paths)
        {
            var path = pattern.Replace("{code}", "WH1").Replace("{id}", "1").Replace("{sku}", "S1").Replace("{key}", "1").Replace("{item}", "1").Replace("{name}", "x").Replace("{zone}", "A").Replace("{bin}", "A-1");
            // A body of the wrong type would be refused before anybody asks who sends it.
            var type = path.StartsWith("/api/v1/imports/", StringComparison.Ordinal) ? "text/csv" : "application/json";
            using var answer = await node.SendAsync(method, path, method == "GET" ? null : "{}", type, ("Authorization", "Bearer " + key));
            if ((int)answer.StatusCode == 403) Assert.Contains("nord", await answer.Content.ReadAsStringAsync());
            else open.Add($"{method} {pattern}");
        }
        // Order 1 does not exist here, so that its address is open only to say so. Carriers report without a key, at an address that is secret.
        Assert.Equal(
            [
                "GET /api/v1/availability", "GET /api/v1/orders", "GET /api/v1/orders/{id}", "GET /api/v1/orders/{id}/decision", "GET /api/v1/orders/{id}/timeline", "GET /api/v1/products",
                "POST /api/v1/carrier-webhooks/{word}", "POST /api/v1/orders", "POST /api/v1/orders/{id}/cancel", "POST /api/v1/orders/{id}/hold", "POST /api/v1/orders/{id}/priority",
                "POST /api/v1/orders/{id}/release", "POST /api/v1/orders/{id}/reroute", "PUT /api/v1/carrier-webhooks/{word}",
            ], open.Order(StringComparer.Ordinal));
        foreach (var lane in new[] { "hub", "hub/all", "hub/WH1", "site/WH1" }) await JsonAsync(CallAsync(node, key, "GET", "/api/v1/events?lane=" + lane), 403);
        Assert.Equal(403, (int)(await CallAsync(node, key, "POST", "/live/negotiate?negotiateVersion=1")).StatusCode);
        Assert.Equal(403, (int)(await CallAsync(node, key, "GET", "/metrics")).StatusCode);
        // In the log, and in the list of keys.
        var made = (await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/events?lane=hub"))).GetProperty("items").EnumerateArray().Single(e => e.GetProperty("subject").GetString() == "key/nord");
        Assert.Equal("""["Nord 2","Nord, Ltd"]""", made.GetProperty("data").GetProperty("sellers").GetRawText());
        Assert.Contains("Nord, Ltd", (await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/keys"))).GetRawText());
    }
}
