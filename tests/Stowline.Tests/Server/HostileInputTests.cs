using System.Net;
using System.Text;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: no text and no number of any call brings a 500, on either database. Method: the API's own description says which parameters and which members of bodies there are; every one of them is sent
/// what no store takes, and the answer must name it. What the description does not have does not exist (<see cref="OpenApiTests"/>).
public class HostileInputTests
{
    private static readonly string[] Methods = ["get", "post", "put", "patch", "delete"];

    private sealed record Call(string Method, string Path, JsonElement Operation);

    [Theory, EveryDatabase]
    public async Task A_control_character_in_any_parameter_of_any_query_is_refused_by_name(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        var (asked, wrong) = (0, new List<string>());
        foreach (var call in await CallsAsync(server))
        {
            foreach (var parameter in InQuery(call))
            {
                asked++;
                var name = parameter.GetProperty("name").GetString()!;
                if (await FaultAsync(server, call, $"?{name}=a%00b", null, name) is { } fault) wrong.Add(fault);
            }
        }
        Assert.True(asked > 100, $"only {asked} parameters were found");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(HttpStatusCode.BadRequest, (await server.SendAsync("GET", "/api/v1/picking-tasks?order=x:%00")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await server.SendAsync("GET", "/api/v1/availability?sku=A&sku=%07")).StatusCode);
    }

    [Theory, EveryDatabase]
    public async Task The_ends_of_time_and_of_numbers_in_a_query_are_no_accident(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        string[] extremes = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "0001-01-01", "9999-12-31", "0", "-1", "2147483648", "9223372036854775807", "9223372036854775808",
            "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "'", "%25", "%F0%9F%98%80", "%EF%BF%BF", "~", "~~~"];
        var wrong = new List<string>();
        foreach (var call in (await CallsAsync(server)).Where(c => c.Method == "get" && !c.Path.EndsWith("/stream", StringComparison.Ordinal)))
        {
            foreach (var parameter in InQuery(call))
            {
                foreach (var value in extremes)
                {
                    using var answer = await server.SendAsync("GET", $"{Filled(call.Path)}?{parameter.GetProperty("name").GetString()}={value}");
                    if ((int)answer.StatusCode >= 500) wrong.Add($"{call.Path} {parameter.GetProperty("name")}={value}: {await answer.Content.ReadAsStringAsync()}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory, EveryDatabase]
    public async Task A_list_from_the_beginning_of_time_to_its_end_is_the_whole_list(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        var warehouse = new Warehouse(server.Http, "WH1");
        await warehouse.OpenAsync();
        await warehouse.PlaceAsync("1");
        foreach (var query in new[] { "since=0001-01-01T00:00:00Z", "until=9999-12-31T23:59:59Z", "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.9999999Z" })
            Assert.Single((await server.GetAsync($"/api/v1/orders?{query}")).GetProperty("items").EnumerateArray());
        foreach (var query in new[] { "until=0001-01-01T00:00:00Z", "since=9999-12-31T23:59:59Z" })
            Assert.Empty((await server.GetAsync($"/api/v1/orders?{query}")).GetProperty("items").EnumerateArray());
        using var tried = await server.SendAsync("POST", "/api/v1/routing/simulate", """{"since":"0001-01-01T00:00:00Z","until":"9999-12-31T23:59:59Z"}""");
        Assert.Equal(1, JsonDocument.Parse(await tried.Content.ReadAsStringAsync()).RootElement.GetProperty("orders").GetInt32());
    }

    [Theory, EveryDatabase]
    public async Task What_no_store_takes_is_refused_by_name_in_every_text_of_every_body(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        var schemas = (await server.GetAsync("/openapi/v1.json")).GetProperty("components").GetProperty("schemas");
        var (asked, wrong) = (0, new List<string>());
        foreach (var call in (await CallsAsync(server)).Where(c => c.Operation.TryGetProperty("requestBody", out _)))
        {
            if (!call.Operation.GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out var content)) continue;
            foreach (var (field, make) in Texts(schemas, content.GetProperty("schema"), "", 0))
            {
                foreach (var text in new[] { "\"a\\u0000b\"", "\"a\\ud800b\"" })
                {
                    asked++;
                    if (await FaultAsync(server, call, "", make(text), field) is { } fault) wrong.Add(fault);
                }
            }
        }
        Assert.True(asked > 300, $"only {asked} texts were found");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory, EveryDatabase]
    public async Task Escapes_that_only_look_dangerous_are_taken(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        using var answer = await server.SendAsync("PUT", "/api/v1/products/A", """{"name":"\\u0000 \ud83d\ude00 \uD55C","price":{"amount":"1.00","currency":"EUR"}}""");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        Assert.Equal("""\u0000 😀 한""", (await server.GetAsync("/api/v1/products/A")).GetProperty("name").GetString());
    }

    [Theory, EveryDatabase]
    public async Task Odd_headers_are_refused_or_overlooked(string store)
    {
        await using var server = await ServerNode.StartAsync(store);
        // A client that takes any byte for a character, as careless ones do.
        using var http = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 }) { BaseAddress = server.Url };
        foreach (var key in new[] { "a\tb", "naïve", "\u0080", new string('k', 256), " ", "a\u00a0b" })
        {
            using var answer = await SendAsync(http, HttpMethod.Post, "/api/v1/orders", """{"lines":[{"sku":"A","quantity":1}]}""", "Idempotency-Key", key);
            Assert.True((int)answer.StatusCode is 400, $"{key}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
        foreach (var (name, value) in new[] { ("Stowline-Actor", "a\tb"), ("Stowline-Actor", new string('x', 5_000)), ("traceparent", "00-zz"), ("tracestate", "\u0080=,,="), ("Accept", ";;"), ("If-None-Match", "\t\"") })
        {
            using var answer = await SendAsync(http, HttpMethod.Put, "/api/v1/products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""", name, value);
            Assert.True((int)answer.StatusCode < 500, $"{name}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, HttpMethod method, string path, string body, string name, string value)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }

    private static async Task<IReadOnlyList<Call>> CallsAsync(ServerNode server) =>
        [.. (await server.GetAsync("/openapi/v1.json")).GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Where(o => Methods.Contains(o.Name)).Select(o => new Call(o.Name, p.Name, o.Value)))];

    private static IEnumerable<JsonElement> InQuery(Call call) => call.Operation.TryGetProperty("parameters", out var all)
        ? all.EnumerateArray().Where(p => p.TryGetProperty("in", out var place) && place.GetString() == "query") : [];

    /// <summary>Anything for the parts of a path: what is sent is refused before they are looked at, or they are not found.</summary>
    private static string Filled(string path) => string.Join('/', path.Split('/').Select(p => p.StartsWith('{') ? "X" : p));

    private static async Task<string?> FaultAsync(ServerNode server, Call call, string query, string? body, string field)
    {
        using var answer = await server.SendAsync(call.Method.ToUpperInvariant(), Filled(call.Path) + query, body);
        var text = await answer.Content.ReadAsStringAsync();
        var isNamed = answer.StatusCode == HttpStatusCode.BadRequest && Named(JsonDocument.Parse(text).RootElement).Contains(field);
        // A body is not read where the thing that it is for is not there.
        return isNamed || body is not null && answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized ? null : $"{call.Method} {call.Path}{query} {body}\n    should name {field}: {(int)answer.StatusCode} {text}";
    }

    /// <summary>The fields that a problem document names; those of a file stand with their rows.</summary>
    private static IEnumerable<string?> Named(JsonElement problem) => problem.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().Select(e => e.Name)
        : problem.TryGetProperty("rows", out var rows) ? rows.EnumerateArray().Select(r => r.GetProperty("field").GetString()) : [];

    /// <summary>Every text of a schema: the name of its field, and a body that has only this.</summary>
    private static IEnumerable<(string Field, Func<string, string> Make)> Texts(JsonElement schemas, JsonElement schema, string at, int depth)
    {
        if (depth > 6) yield break;
        if (schema.TryGetProperty("$ref", out var reference)) schema = schemas.GetProperty(reference.GetString()!.Split('/')[^1]);
        if (schema.TryGetProperty("oneOf", out var some) || schema.TryGetProperty("anyOf", out some))
        {
            foreach (var found in some.EnumerateArray().SelectMany(one => Texts(schemas, one, at, depth + 1))) yield return found;
            yield break;
        }
        var types = !schema.TryGetProperty("type", out var type) ? [] : type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.GetString()).ToArray() : [type.GetString()];
        if (types.Contains("string") || types.Length == 0) yield return (at.Length == 0 ? "body" : at, text => text);
        if (schema.TryGetProperty("items", out var items))
            foreach (var (field, make) in Texts(schemas, items, at + "[0]", depth + 1)) yield return (field, text => $"[{make(text)}]");
        if (schema.TryGetProperty("properties", out var members))
            foreach (var member in members.EnumerateObject())
                foreach (var (field, make) in Texts(schemas, member.Value, at.Length == 0 ? member.Name : $"{at}.{member.Name}", depth + 1))
                    yield return (field, text => $"{{{JsonSerializer.Serialize(member.Name)}:{make(text)}}}");
    }
}
