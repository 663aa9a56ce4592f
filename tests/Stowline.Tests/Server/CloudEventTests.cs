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
}
