using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// <summary>The live feed as a stranger sees it: over a real WebSocket, from a node whose pumps run.</summary>
public class LiveTests
{
    private static async Task<ServerNode> StartAsync(string store = "sqlite", int liveQueue = 1024)
    {
        var node = await ServerNode.StartAsync(store, liveQueue: liveQueue);
        async Task SendAsync(string method, string path, string body) => (await node.SendAsync(method, "/api/v1/" + path, body)).EnsureSuccessStatusCode();
        await SendAsync("PUT", "sites/WH1", """{"name":"One","type":"warehouse"}""");
        await SendAsync("PUT", "sites/WH1/zones/S", """{"type":"storage"}""");
        await SendAsync("PUT", "sites/WH1/bins/A", """{"zone":"S"}""");
        await SendAsync("PUT", "products/MUG", """{"name":"Mug","price":{"amount":"7.50","currency":"EUR"}}""");
        await SendAsync("POST", "sites/WH1/receipts", """{"reference":"r","lines":[{"sku":"MUG","quantity":1000000,"bin":"A"}]}""");
        return node;
    }

    private static async Task<string> PlaceAsync(ServerNode node, string external, int lines = 1)
    {
        var answer = await node.SendAsync("POST", "/api/v1/orders", JsonSerializer.Serialize(new
        {
            external_id = external, channel = "web", fulfillment_type = "ship", customer = new { name = "Ann Secret", email = "ann@secret.example" },
            lines = Enumerable.Repeat(new { sku = "MUG", quantity = 1 }, lines),
        }));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == System.Net.HttpStatusCode.Created, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("id").GetString()!;
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task Orders_begin_with_a_snapshot_and_go_on_with_events(string store)
    {
        await using var node = await StartAsync(store);
        await PlaceAsync(node, "1");
        await using var client = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await client.CallAsync("Subscribe", "orders"));
        var snapshot = await client.NextAsync();
        Assert.Equal("snapshot", snapshot.GetProperty("type").GetString());
        Assert.Equal(1, snapshot.GetProperty("data").GetProperty("counts").EnumerateObject().Sum(c => c.Value.GetInt32()));
        Assert.Equal("1", snapshot.GetProperty("data").GetProperty("newest")[0].GetProperty("external_id").GetString());

        var id = await PlaceAsync(node, "2");
        var placed = await client.NextAsync("order.placed");
        Assert.Equal(("orders", id), (placed.GetProperty("topic").GetString(), placed.GetProperty("data").GetProperty("order_id").GetString()));
        var position = placed.GetProperty("position").GetInt64();
        Assert.True(position > snapshot.GetProperty("position").GetInt64());
        var stored = (await node.GetAsync($"/api/v1/events?lane=hub&after={position - 1}&limit=1")).GetProperty("items")[0];
        Assert.Equal((stored.GetProperty("type").GetString(), stored.GetProperty("time").GetString()), (placed.GetProperty("type").GetString(), placed.GetProperty("at").GetString()));
        Assert.False(placed.GetProperty("data").TryGetProperty("personal", out _));
        Assert.DoesNotContain("Secret", snapshot.ToString() + placed, StringComparison.OrdinalIgnoreCase);
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task After_a_reconnect_exactly_the_missed_events_come(string store)
    {
        await using var node = await StartAsync(store);
        long last;
        await using (var first = await LiveClient.ConnectAsync(node.Url))
        {
            await first.CallAsync("Subscribe", "orders", null);
            await PlaceAsync(node, "0");
            last = (await first.NextAsync("order.placed")).GetProperty("position").GetInt64();
        }
        for (var i = 1; i <= 5; i++) await PlaceAsync(node, $"{i}");
        await using var again = await LiveClient.ConnectAsync(node.Url);
        // Placed while it catches up: some are caught up with, the others arrive live, and nobody can tell which.
        var meanwhile = Task.WhenAll(Enumerable.Range(6, 20).Select(i => PlaceAsync(node, $"{i}")));
        Assert.Null(await again.CallAsync("Subscribe", "orders", last));
        await meanwhile;
        var end = await PlaceAsync(node, "end");
        var seen = new List<long>();
        JsonElement e;
        do
        {
            e = await again.NextAsync();
            Assert.NotEqual("snapshot", e.GetProperty("type").GetString());
            seen.Add(e.GetProperty("position").GetInt64());
        }
        while (e.GetProperty("type").GetString() != "order.placed" || e.GetProperty("data").GetProperty("order_id").GetString() != end);
        var stored = (await node.GetAsync($"/api/v1/events?lane=hub&after={last}&limit=1000")).GetProperty("items").EnumerateArray()
            .Where(s => s.GetProperty("type").GetString()!.StartsWith("order.", StringComparison.Ordinal)).Select(s => s.GetProperty("position").GetInt64());
        Assert.Equal(stored.Where(p => p <= seen[^1]), seen);
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task One_order_is_followed_through_its_lanes_and_resumed(string store)
    {
        await using var node = await StartAsync(store);
        var id = await PlaceAsync(node, "1");
        await using var client = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await client.CallAsync("Subscribe", "order/" + id));
        var snapshot = await client.NextAsync();
        Assert.Equal((id, false), (snapshot.GetProperty("data").GetProperty("id").GetString(), snapshot.GetProperty("data").TryGetProperty("customer", out _)));
        await node.SendAsync("POST", $"/api/v1/orders/{id}/hold", """{"reason":"look"}""");
        await client.NextAsync("order.held");
        // From the beginning: every event of the timeline, once.
        await using var resumed = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await resumed.CallAsync("Subscribe", "order/" + id, ""));
        var timeline = (await node.GetAsync($"/api/v1/orders/{id}/timeline")).GetProperty("items").EnumerateArray().Select(i => i.GetProperty("type").GetString()).Order().ToList();
        var seen = new List<JsonElement>();
        while (seen.Count < timeline.Count) seen.Add(await resumed.NextAsync());
        Assert.Equal(timeline, seen.Select(s => s.GetProperty("type").GetString()).Order());
        // From the middle: the rest.
        await using var middle = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await middle.CallAsync("Subscribe", "order/" + id, seen[^2].GetProperty("position").GetString()));
        Assert.Equal(seen[^1].ToString(), (await middle.NextAsync()).ToString());
    }

    [Fact]
    public async Task A_sites_picking_begins_with_its_open_tasks()
    {
        await using var node = await StartAsync();
        var id = await PlaceAsync(node, "1");
        await using var client = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await client.CallAsync("Subscribe", "picking/WH1", 0));
        Assert.Equal(id, (await client.NextAsync("picking.created")).GetProperty("data").GetProperty("order_id").GetString());
        Assert.Null(await client.CallAsync("Subscribe", "picking/WH1"));
        Assert.Equal(id, (await client.NextAsync("snapshot")).GetProperty("data").GetProperty("tasks")[0].GetProperty("order_id").GetString());
        Assert.Null(await client.CallAsync("Unsubscribe", "picking/WH1"));
        Assert.Null(await client.CallAsync("Subscribe", "alerts"));
        Assert.Equal("alerts", (await client.NextAsync("snapshot")).GetProperty("topic").GetString());
    }

    [Theory]
    [InlineData("kitchen/NOWHERE", null, "unknown_topic")]
    [InlineData("picking/NOWHERE", null, "unknown_topic")]
    [InlineData("order/99999", null, "unknown_topic")]
    [InlineData("", null, "unknown_topic")]
    [InlineData("orders", 999999, "bad_position")]
    [InlineData("orders", "x", "bad_position")]
    public async Task What_is_not_known_is_refused(string topic, object? after, string code)
    {
        await using var node = await StartAsync();
        await using var client = await LiveClient.ConnectAsync(node.Url);
        Assert.Contains(code, await client.CallAsync("Subscribe", topic, after));
        Assert.Null(await client.CallAsync("Subscribe", "orders")); // the connection lives on
    }

    [Fact]
    public async Task Other_web_sites_do_not_get_in()
    {
        await using var node = await ServerNode.StartAsync();
        foreach (var origin in new[] { "https://evil.example", "null", $"http://localhost:1" })
            await Assert.ThrowsAsync<WebSocketException>(() => LiveClient.ConnectAsync(node.Url, origin));
        await using var own = await LiveClient.ConnectAsync(node.Url, node.Url.GetLeftPart(UriPartial.Authority));
        Assert.Null(await own.CallAsync("Subscribe", "orders"));
    }

    [Fact]
    public async Task Who_does_not_read_is_dropped_and_the_others_get_everything()
    {
        await using var node = await StartAsync(liveQueue: 32);
        await using var deaf = await LiveClient.ConnectAsync(node.Url, smallWindow: true);
        await using var good = await LiveClient.ConnectAsync(node.Url);
        await deaf.SendCallAsync("Subscribe", "orders");
        await good.CallAsync("Subscribe", "orders");
        await good.NextAsync("snapshot");
        var dropped = false;
        for (var i = 0; i < 300 && !dropped; i++)
        {
            var id = await PlaceAsync(node, $"{i}", lines: 2000);
            Assert.Equal(id, (await good.NextAsync("order.placed")).GetProperty("data").GetProperty("order_id").GetString());
            if (i % 10 == 9) dropped = Regex.IsMatch(await node.Http.GetStringAsync("/metrics"), "(?m)^stowline_live_dropped_total [1-9]");
        }
        Assert.True(dropped);
    }

    [Fact]
    public async Task Who_comes_late_catches_up_with_more_than_may_wait()
    {
        await using var node = await StartAsync(liveQueue: 16);
        for (var i = 0; i < 120; i++) await PlaceAsync(node, $"{i}");
        await using var late = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await late.CallAsync("Subscribe", "orders", 0));
        for (var i = 0; i < 120; i++) Assert.Equal($"{i}", (await late.NextAsync("order.placed")).GetProperty("data").GetProperty("external_id").GetString());
        // And it follows from there on: it was not cut off for having been behind.
        var id = await PlaceAsync(node, "next");
        Assert.Equal(id, (await late.NextAsync("order.placed")).GetProperty("data").GetProperty("order_id").GetString());
    }

    [Fact]
    public async Task All_followers_of_a_topic_get_each_event_once_and_in_order()
    {
        await using var node = await StartAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => LiveClient.ConnectAsync(node.Url)));
        foreach (var client in clients) Assert.Null(await client.CallAsync("Subscribe", "orders"));
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => PlaceAsync(node, $"{i}")));
        var seen = await Task.WhenAll(clients.Select(async client =>
        {
            var positions = new List<long>();
            while (positions.Count < 100) positions.Add((await client.NextAsync("order.placed")).GetProperty("position").GetInt64());
            return positions;
        }));
        Assert.Equal(seen[0].Order(), seen[0]);
        Assert.Equal(100, seen[0].Distinct().Count());
        Assert.All(seen, s => Assert.Equal(seen[0], s));
        foreach (var client in clients) await client.DisposeAsync();
    }
}
