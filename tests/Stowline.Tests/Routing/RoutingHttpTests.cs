using System.Net;
using System.Text.Json;
using Stowline.Tests.Server;

namespace Stowline.Tests.Routing;

/// Goal: the routing endpoints speak as the contract says and refuse by field. Method: real HTTP.
public class RoutingHttpTests
{
    private const string Rules = "/api/v1/routing/rules";

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) => JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement;

    [Theory]
    [InlineData("""{}""", "strategy")]
    [InlineData("""{"strategy":"closest"}""", "strategy")]
    [InlineData("""{"strategy":"nearest","stratgy_params":{}}""", "stratgy_params")]
    [InlineData("""{"strategy":"nearest","conditions":{"customer_citty":["X"]}}""", "conditions.customer_citty")]
    [InlineData("""{"strategy":"nearest","conditions":{"customer_city":[]}}""", "conditions.customer_city")]
    [InlineData("""{"strategy":"nearest","conditions":{"country":["Serbia"]}}""", "conditions.country[0]")]
    [InlineData("""{"strategy":"nearest","conditions":{"order_value_range":{"min":5,"max":4}}}""", "conditions.order_value_range.max")]
    [InlineData("""{"strategy":"nearest","conditions":{"order_value_range":{"currency":"EUR"}}}""", "conditions.order_value_range")]
    [InlineData("""{"strategy":"nearest","conditions":{"time_of_day":{"from":"9"}}}""", "conditions.time_of_day.from")]
    [InlineData("""{"strategy":"nearest","conditions":{"time_of_day":{"from":"09:00","time_zone":"Mars/Base"}}}""", "conditions.time_of_day.time_zone")]
    [InlineData("""{"strategy":"nearest","conditions":{"time_of_day":{}}}""", "conditions.time_of_day")]
    [InlineData("""{"strategy":"nearest","strategy_params":{"only_sites":["NOPE"]}}""", "strategy_params.only_sites[0]")]
    [InlineData("""{"strategy":"cheapest","strategy_params":{"site_costs":{"NOPE":1}}}""", "strategy_params.site_costs.NOPE")]
    [InlineData("""{"strategy":"nearest","strategy_params":{"max_distance_km":0}}""", "strategy_params.max_distance_km")]
    [InlineData("""{"strategy":"nearest","strategy_params":{"max_split":0}}""", "strategy_params.max_split")]
    [InlineData("""{"strategy":"load_balanced","strategy_params":{"site_weights":{"WH1":0}}}""", "strategy_params.site_weights.WH1")]
    [InlineData("""{"strategy":"nearest","name":"other"}""", "name")]
    [InlineData("""{"strategy":"nearest","priority":9999999}""", "priority")]
    public async Task What_is_wrong_is_named_and_nothing_is_kept(string body, string field)
    {
        await using var server = await ServerNode.StartAsync();
        using (var site = await server.SendAsync("PUT", "/api/v1/sites/WH1", """{"name":"Belgrade","type":"warehouse"}""")) Assert.Equal(HttpStatusCode.OK, site.StatusCode);
        using var answer = await server.SendAsync("PUT", Rules + "/r", body);
        var problem = await JsonAsync(answer);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (answer.StatusCode, problem.GetProperty("code").GetString()));
        Assert.Contains(field, problem.GetProperty("errors").EnumerateObject().Select(e => e.Name));
        Assert.Empty((await server.GetAsync(Rules)).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task Rules_are_saved_listed_read_and_deleted()
    {
        await using var server = await ServerNode.StartAsync();
        foreach (var (name, body) in new[] { ("late", """{"strategy":"most_stock"}"""), ("first", """{"strategy":"nearest","priority":5,"conditions":{"customer_city":["Belgrade","Novi Sad"],"order_value_range":{"min":1000,"max":50000}}}""") })
        {
            using var saved = await server.SendAsync("PUT", $"{Rules}/{name}", body);
            Assert.Equal(HttpStatusCode.OK, saved.StatusCode);
        }
        var items = (await server.GetAsync(Rules)).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["first", "late"], items.Select(i => i.GetProperty("name").GetString()));
        Assert.Equal(50_000, items[0].GetProperty("conditions").GetProperty("order_value_range").GetProperty("max").GetDecimal());
        Assert.Equal("anonymous", (await server.GetAsync(Rules + "/late")).GetProperty("saved_by").GetString());
        using var deleted = await server.SendAsync("DELETE", Rules + "/late");
        using var gone = await server.SendAsync("GET", Rules + "/late");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NotFound), (deleted.StatusCode, gone.StatusCode));
        Assert.Equal("rule_not_found", (await JsonAsync(gone)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task The_simulator_answers_without_a_body_and_says_what_is_wrong_with_one()
    {
        await using var server = await ServerNode.StartAsync();
        using var empty = await server.SendAsync("POST", "/api/v1/routing/simulate");
        Assert.Equal((HttpStatusCode.OK, 0), (empty.StatusCode, (await JsonAsync(empty)).GetProperty("orders").GetInt32()));
        using var wrong = await server.SendAsync("POST", "/api/v1/routing/simulate", """{"last":0,"rules":[{"name":"x","strategy":"nearest","conditions":{"channel":[""]}}],"since":"2026-01-02T00:00:00Z","until":"2026-01-01T00:00:00Z"}""");
        Assert.Equal(["last", "rules[0].conditions.channel[0]", "until"], (await JsonAsync(wrong)).GetProperty("errors").EnumerateObject().Select(e => e.Name).Order(StringComparer.Ordinal));
    }
}
