using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Stowline.Hub.Access;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: a key can do what its scopes and sites say and nothing else. Method: the table itself, and calls at its edges.
[Trait("Needs", "server")]
public class KeysScopeTests
{
    [Theory]
    [InlineData("GET", "/orders/{id}", KeyScope.Read)]
    [InlineData("GET", "/sites/{code}/stock", KeyScope.Read)]
    [InlineData("GET", "/system/status", KeyScope.Read)]
    [InlineData("GET", "/keys", KeyScope.Admin)]
    [InlineData("POST", "/orders", KeyScope.Orders)]
    [InlineData("POST", "/orders/{id}/cancel", KeyScope.Orders)]
    [InlineData("POST", "/quotes", KeyScope.Orders)]
    [InlineData("POST", "/quotes/{quote}/order", KeyScope.Orders)]
    [InlineData("PUT", "/quotes/price-model", KeyScope.Admin)]
    [InlineData("GET", "/quotes/price-model", KeyScope.Read)]
    [InlineData("PUT", "/products/{sku}", KeyScope.Stock)]
    [InlineData("PUT", "/sites/{code}", KeyScope.Stock)]
    [InlineData("POST", "/sites/{code}/receipts", KeyScope.Stock)]
    [InlineData("PUT", "/sites/{code}/policies/{sku}", KeyScope.Stock)]
    [InlineData("PUT", "/pools", KeyScope.Stock)]
    [InlineData("POST", "/sites/{code}/returns", KeyScope.Tasks)]
    [InlineData("POST", "/picking-tasks/{key}/start", KeyScope.Tasks)]
    [InlineData("POST", "/packing-tasks/{key}/ship", KeyScope.Tasks)]
    [InlineData("POST", "/put-back-tasks/{key}/complete", KeyScope.Tasks)]
    [InlineData("POST", "/stock-tasks/{key}/count", KeyScope.Tasks)]
    [InlineData("POST", "/sites/{code}/stock-tasks", KeyScope.Stock)]
    [InlineData("POST", "/transfers", KeyScope.Stock)]
    [InlineData("GET", "/transfers/{id}", KeyScope.Read)]
    [InlineData("POST", "/system/erasures", KeyScope.Admin)]
    [InlineData("DELETE", "/keys/{name}", KeyScope.Admin)]
    [InlineData("PUT", "/keys/{name}/tier", KeyScope.Admin)]
    [InlineData("GET", "/workers", KeyScope.Tasks)]
    [InlineData("PUT", "/workers/{code}", KeyScope.Admin)]
    [InlineData("POST", "/sites/{code}/join", KeyScope.Admin)]
    [InlineData("POST", "/sites/{code}/epoch", KeyScope.Admin)]
    [InlineData("POST", "/sites/{code}/give-up", KeyScope.Admin)]
    [InlineData("GET", "/sites/{code}/give-up", KeyScope.Read)]
    [InlineData("POST", "/sites/{code}/take-back", KeyScope.Admin)]
    [InlineData("GET", "/sites/{code}/disputes", KeyScope.Read)]
    [InlineData("POST", "/sites/{code}/move-out", KeyScope.Admin)]
    [InlineData("GET", "/sites/{code}/move-out", KeyScope.Admin)]
    [InlineData("GET", "/links", KeyScope.Read)]
    [InlineData("PUT", "/channels/{account}", KeyScope.Admin)]
    [InlineData("POST", "/channels/{account}/orders", KeyScope.Orders)]
    [InlineData("POST", "/stock-sync/retry/{id}", KeyScope.Stock)]
    [InlineData("PUT", "/routing/rules/{name}", KeyScope.Admin)]
    [InlineData("GET", "/routing/rules", KeyScope.Admin)]
    [InlineData("POST", "/routing/simulate", KeyScope.Admin)]
    [InlineData("POST", "/stock-sync/retry", KeyScope.Stock)]
    [InlineData("POST", "/forgotten", KeyScope.Admin)]
    public void Each_call_needs_its_scope(string method, string pattern, KeyScope scope)
    {
        var endpoint = new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse("/api/v1" + pattern), 0, EndpointMetadataCollection.Empty, null);
        Assert.Equal(scope, KeyRules.ScopeOf(method, endpoint));
        foreach (var held in Enum.GetValues<KeyScope>())
            Assert.Equal(held == scope || held == KeyScope.Admin || scope == KeyScope.Read && held != KeyScope.Site, new KeyHolder("i", "n", [held], []).May(scope));
    }

    [Fact]
    public async Task No_route_of_the_node_is_forgotten_in_the_table()
    {
        IServiceProvider? services = null;
        await using var node = await ServerNode.StartAsync(more: api => services = api.ServiceProvider);
        var routes = services!.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        Assert.True(routes.Length > 50);
        // What no line names falls to admin; only these are meant to.
        var onlyAdmin = routes.Where(r => !KeyRules.IsOpen(r) && KeyRules.ScopeOf("POST", r) == KeyScope.Admin && !r.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains("GET"))
            .Select(r => r.RoutePattern.RawText!.EndsWith("/quotes/price-model", StringComparison.Ordinal) ? "quotes/price-model" : KeyRules.ResourceOf(r));
        Assert.Equal(["channels", "keys", "links", "quotes/price-model", "routing", "sites", "system", "webhooks", "workers"], onlyAdmin.Distinct().Order());
        Assert.Equal(["/", "/api/v1/carrier-webhooks/{word}", "/api/v1/carrier-webhooks/{word}", "/channels", "/counts", "/docs", "/floor/{site}", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/health/live", "/health/ready", "/kitchen/{site}", "/link", "/link/beginning", "/links", "/m",
                "/openapi/v1.json", "/orders", "/orders/{id}", "/pack", "/proto", "/proto/{file}", "/routing", "/setup", "/stock", "/transfers", "/webhooks"],
            routes.Where(KeyRules.IsOpen).Select(r => r.RoutePattern.RawText).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_missing_scope_is_named()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var key = await MakeAsync(node.Node, "picker", [KeyScope.Tasks]);
        foreach (var (method, path, scope) in new[]
                 {
                     ("POST", "/api/v1/orders", "orders"), ("POST", "/API/v1/Orders/", "orders"), ("PUT", "/api/v1/products/A", "stock"), ("POST", "/api/v1/sites/WH1/moves", "stock"),
                     ("POST", "/api/v1/system/erasures", "admin"), ("GET", "/api/v1/keys", "admin"), ("GET", "/api/v1/%6Beys", "admin"), ("POST", "/api/v1/keys", "admin"),
                     ("DELETE", "/api/v1/keys/picker", "admin"),
                 })
        {
            var problem = await JsonAsync(CallAsync(node, key, method, path, "{}"), 403);
            Assert.Equal(("forbidden", scope), (problem.GetProperty("code").GetString(), problem.GetProperty("scope").GetString()));
        }
        Assert.Equal("picking_task_not_found", (await JsonAsync(CallAsync(node, key, "POST", "/api/v1/picking-tasks/1/start"), 404)).GetProperty("code").GetString());
    }

    [Theory, EveryDatabase]
    public async Task A_key_that_is_limited_to_sites_stays_there(string store)
    {
        await using var node = await ServerNode.StartAsync(store, auth: "keys");
        var boss = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        foreach (var site in new[] { "WH1", "WH2" })
        {
            foreach (var (path, body) in new[] { ("", """{"name":"W","type":"warehouse"}"""), ("/zones/A", """{"type":"storage"}"""), ("/bins/A-1", """{"zone":"A"}""") })
                Assert.True((await CallAsync(node, boss, "PUT", $"/api/v1/sites/{site}{path}", body)).IsSuccessStatusCode);
            Assert.True((await CallAsync(node, boss, "PUT", "/api/v1/products/S" + site, """{"name":"Mug","price":{"amount":"1.00","currency":"EUR"}}""")).IsSuccessStatusCode);
            await JsonAsync(CallAsync(node, boss, "POST", $"/api/v1/sites/{site}/receipts", $$"""{"reference":"PO","lines":[{"sku":"S{{site}}","quantity":5,"bin":"A-1"}]}"""), 201);
            await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/orders", $$"""{"external_id":"{{site}}","channel":"web","fulfillment_type":"ship","lines":[{"sku":"S{{site}}","quantity":1}]}"""), 201);
        }
        async Task<string> TaskAtAsync(string site) =>
            (await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/picking-tasks?site=" + site))).GetProperty("items")[0].GetProperty("number").ToString();
        var (own, other) = (await TaskAtAsync("WH1"), await TaskAtAsync("WH2"));
        var key = await MakeAsync(node.Node, "one", [KeyScope.Tasks, KeyScope.Stock], "WH1");
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/workers/one", """{"name":"One","sites":["WH1","WH2"]}"""));
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/workers/two", """{"name":"Two","sites":["WH2"]}"""));

        foreach (var path in new[] { "sites", "sites/WH1", "sites/WH1/stock", "picking-tasks?site=WH1", "picking-tasks/" + own, "shipments?site=WH1", "events?lane=site/WH1", "events?lane=hub/all", "orders",
                     "workers?site=WH1", "workers/one" })
            await JsonAsync(CallAsync(node, key, "GET", "/api/v1/" + path));
        await JsonAsync(CallAsync(node, key, "POST", $"/api/v1/picking-tasks/{own}/assign", """{"worker":"w"}"""));
        await JsonAsync(CallAsync(node, key, "GET", "/api/v1/picking-tasks/9999"), 404);

        foreach (var path in new[] { "sites/WH2", "sites/WH2/stock", "SITES/WH2/stock", "picking-tasks", "picking-tasks?site=WH2", "picking-tasks?site=WH1&site=WH2", "picking-tasks/" + other, "shipments", "events?lane=site/WH2", "events?lane=hub/WH2", "events?lane=hub", "system/parked", "system/overview",
                     "picking-tasks?format=csv", "picking-tasks?format=csv&site=WH2", "sites/WH2/stock?format=csv", "shipments?format=csv&site=WH1&site=WH2", "workers", "workers?site=WH2", "workers/two" })
            Assert.Equal("forbidden", (await JsonAsync(CallAsync(node, key, "GET", "/api/v1/" + path), 403)).GetProperty("code").GetString());
        var refused = await JsonAsync(CallAsync(node, key, "POST", $"/api/v1/picking-tasks/{other}/start"), 403);
        Assert.Equal("WH2", refused.GetProperty("site").GetString());
        await JsonAsync(CallAsync(node, key, "POST", "/api/v1/sites/WH2/moves", "{}"), 403);
        Assert.Equal(403, (int)(await CallAsync(node, key, "POST", "/live/negotiate?negotiateVersion=1")).StatusCode);
        Assert.Equal(403, (int)(await CallAsync(node, key, "POST", "/stowline.v1.OrderService/WatchOrders", "{}")).StatusCode);
        var tasks = await (await CallAsync(node, key, "GET", "/api/v1/picking-tasks?site=WH1&format=csv")).Content.ReadAsStringAsync();
        Assert.Contains("WH1", tasks);
        Assert.DoesNotContain("WH2", tasks);
        await JsonAsync(CallAsync(node, key, "PUT", "/api/v1/products/SWH1", """{"name":"Other"}"""), 403);
    }
}
