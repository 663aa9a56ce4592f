using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Stowline.Tests.Server;

/// <summary>Goal: what <c>GET /events</c> gives is CloudEvents 1.0. Method: the rules of its JSON schema and of the attribute names, by hand.</summary>
public class CloudEventTests
{
    [Fact]
    public async Task Each_event_has_the_attributes_of_a_cloud_event()
    {
        await using var node = await ServerNode.StartAsync();
        await node.SendAsync("PUT", "/api/v1/products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        await node.SendAsync("PUT", "/api/v1/sites/W%201", """{"name":"One","type":"warehouse"}""");
        await node.SendAsync("POST", "/api/v1/system/erasures", """{"email":"a@b.c"}""");
        var items = (await node.GetAsync("/api/v1/events?lane=hub/all")).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(3, items.Count);
        foreach (var e in items)
        {
            foreach (var name in new[] { "specversion", "id", "source", "type", "time", "datacontenttype", "subject" })
                Assert.False(string.IsNullOrEmpty(e.GetProperty(name).GetString()), name);
            Assert.Equal(("1.0", "application/json"), (e.GetProperty("specversion").GetString(), e.GetProperty("datacontenttype").GetString()));
            Assert.True(Uri.IsWellFormedUriString(e.GetProperty("source").GetString(), UriKind.RelativeOrAbsolute));
            Assert.True(DateTimeOffset.TryParseExact(e.GetProperty("time").GetString(), "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture, DateTimeStyles.None, out _));
            Assert.Equal(JsonValueKind.Object, e.GetProperty("data").ValueKind);
            // Attribute names are lower-case letters and digits; values are text, booleans or 32-bit integers.
            foreach (var member in e.EnumerateObject().Where(m => m.Name != "data"))
            {
                Assert.Matches(new Regex("^[a-z0-9]{1,20}$"), member.Name);
                Assert.True(member.Value.ValueKind == JsonValueKind.String || member.Value.TryGetInt32(out _), member.Name);
            }
        }
        Assert.Equal(items.Count, items.Select(e => (e.GetProperty("source").GetString(), e.GetProperty("id").GetString())).Distinct().Count());
    }

    /// <summary>An event of the HTTP binding's structured mode, read as its specification says: all members but the data are attributes.</summary>
    private static (Dictionary<string, string> Attributes, JsonElement Data) ReadStructured(string contentType, string body)
    {
        Assert.StartsWith("application/cloudevents+json", contentType);
        var members = JsonDocument.Parse(body).RootElement.EnumerateObject().ToList();
        var data = members.Single(m => m.Name is "data" or "data_base64");
        return (members.Where(m => m.Name != data.Name).ToDictionary(m => m.Name, m => m.Value.ToString()), data.Value);
    }

    private static (string ContentType, string Body) ParseRequest(string text)
    {
        var blank = text.IndexOf("\n\n", StringComparison.Ordinal);
        var type = text[..blank].Split('\n').Single(l => l.StartsWith("Content-Type:", StringComparison.Ordinal));
        return (type[(type.IndexOf(':') + 1)..].Trim(), text[(blank + 2)..]);
    }

    /// Goal: whoever passes the project's structured-mode scenarios reads our events too. Method: the reader is proved on the scenarios, then
    /// the same reader gets the items of GET /events as bodies, and must find the attributes that the scenarios' events have.
    [CloudEventFact]
    public async Task A_reader_that_passes_the_conformance_scenarios_reads_our_events()
    {
        var scenarios = CloudEventFiles.HttpScenarios().Where(s => s.Name.StartsWith("Structured", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, scenarios.Count);
        await using var node = await ServerNode.StartAsync();
        await node.SendAsync("PUT", "/api/v1/products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        await node.SendAsync("PUT", "/api/v1/sites/WH1", """{"name":"One","type":"warehouse"}""");
        var items = (await node.GetAsync("/api/v1/events?lane=hub/all")).GetProperty("items").EnumerateArray().ToList();
        Assert.NotEmpty(items);
        foreach (var scenario in scenarios)
        {
            var (type, body) = ParseRequest(scenario.StepOf("an HTTP request").Block);
            var (attributes, data) = ReadStructured(type, body);
            var wanted = scenario.StepOf("the attributes are").Rows.Skip(1).ToDictionary(r => r[0], r => r[1]);
            Assert.Equal(wanted.OrderBy(a => a.Key), attributes.OrderBy(a => a.Key));
            Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(scenario.StepOf("equal to the following JSON").Block).RootElement, data));

            foreach (var item in items)
            {
                var (ours, payload) = ReadStructured(type, item.GetRawText());
                Assert.Empty(wanted.Keys.Except(ours.Keys));
                Assert.Equal((wanted["specversion"], wanted["datacontenttype"]), (ours["specversion"], ours["datacontenttype"]));
                Assert.Equal(JsonValueKind.Object, payload.ValueKind);
            }
        }
    }

    /// Goal: our events are valid by the project's own JSON schema. Method: the schema's types, lengths and formats, applied to each member.
    [CloudEventFact]
    public async Task Our_events_are_valid_by_the_schema()
    {
        var schema = CloudEventFiles.Schema();
        await using var node = await ServerNode.StartAsync();
        await node.SendAsync("PUT", "/api/v1/products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        await node.SendAsync("PUT", "/api/v1/sites/W%201%2B%C3%A4", """{"name":"One","type":"warehouse"}""");
        await node.SendAsync("POST", "/api/v1/orders", """{"external_id":"1","channel":"w","backorder":true,"customer":{"name":"Ann"},"lines":[{"sku":"A","quantity":1}]}""");
        foreach (var lane in new[] { "hub/all", "hub", "site/W%201%2B%C3%A4" })
            foreach (var e in (await node.GetAsync($"/api/v1/events?lane={lane}")).GetProperty("items").EnumerateArray())
            {
                foreach (var required in schema.GetProperty("required").EnumerateArray()) Assert.True(e.TryGetProperty(required.GetString()!, out _), required.GetString());
                foreach (var member in e.EnumerateObject()) Assert.Null(Wrong(schema, member));
            }
    }

    private static string? Wrong(JsonElement schema, JsonProperty member)
    {
        if (!schema.GetProperty("properties").TryGetProperty(member.Name, out var property))
        {
            if (!Regex.IsMatch(member.Name, "^[a-z0-9]{1,20}$")) return $"{member.Name} is no name of an attribute";
            return member.Value.ValueKind is JsonValueKind.String or JsonValueKind.True or JsonValueKind.False || member.Value.TryGetInt32(out _) ? null : $"{member.Name} has no type of an attribute";
        }
        var rule = schema.GetProperty("definitions").GetProperty(property.GetProperty("$ref").GetString()!["#/definitions/".Length..]);
        var kind = member.Value.ValueKind switch { JsonValueKind.True or JsonValueKind.False => "boolean", var k => k.ToString().ToLowerInvariant() };
        var types = rule.GetProperty("type");
        if (!(types.ValueKind == JsonValueKind.String ? [types] : types.EnumerateArray().ToArray()).Select(t => t.GetString()).Contains(kind)) return $"{member.Name} is {kind}";
        if (kind != "string") return null;
        var text = member.Value.GetString()!;
        if (rule.TryGetProperty("minLength", out var least) && text.Length < least.GetInt32()) return $"{member.Name} is too short";
        return !rule.TryGetProperty("format", out var format) || format.GetString() switch
        {
            "uri-reference" => Uri.IsWellFormedUriString(text, UriKind.RelativeOrAbsolute),
            "uri" => Uri.IsWellFormedUriString(text, UriKind.Absolute),
            "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) && text.Contains('T'),
            _ => false,
        } ? null : $"{member.Name} is no {format}";
    }
}
