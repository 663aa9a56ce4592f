using System.Text.Json;
using Stowline.Bench;
using Stowline.Protocol;
using Stowline.Tests.Server;
using Stowline.Tests.Support;

namespace Stowline.Tests.Kitchen;

/// Goal: a stranger sets a kitchen up, orders, and sees it on a screen that reconnects. Method: real HTTP and WebSocket, a node whose pumps run.
public class KitchenHttpTests
{
    private static async Task<JsonElement> SendAsync(ServerNode node, string method, string path, string? body, int status = 200)
    {
        var answer = await node.SendAsync(method, "/api/v1/" + path, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task From_the_order_to_the_screen(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SendAsync(node, "PUT", "sites/K1", """{"name":"Kitchen","type":"kitchen","time_zone":"Europe/Belgrade"}""");
        await SendAsync(node, "PUT", "menu/margherita", """
            {"name":"Margherita","station":"oven","ingredients":[{"sku":"Dough","quantity":200}],"variants":[{"sku":"marg-l","size":"L","price":{"amount":"9.62","currency":"EUR"}}]}
            """);
        var plan = await SendAsync(node, "PUT", "sites/K1/slot-plan", """{"measure":"units","capacity":5,"lead_minutes":0,"days":2,"visible_minutes":60}""");
        Assert.Equal("Europe/Belgrade", plan.GetProperty("time_zone").GetString());
        await SendAsync(node, "PUT", "sites/K1/slot-plan", """{"measure":"units","capacity":0,"hours":{"monday":["x"]}}""", 400);
        await using var screen = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await screen.CallAsync("Subscribe", "kitchen/K1"));
        Assert.Equal(5, (await screen.NextAsync("snapshot")).GetProperty("data").GetProperty("stages").GetArrayLength());

        var order = await SendAsync(node, "POST", "orders", """{"channel":"web","lines":[{"sku":"marg-l","quantity":2}]}""", 201);
        var (id, slot) = (order.GetProperty("id").GetString()!, order.GetProperty("slot"));
        Assert.Equal("K1", slot.GetProperty("site").GetString());
        var shown = await screen.NextAsync("ticket.shown");
        Assert.Equal(order.GetProperty("display_id").GetString(), shown.GetProperty("data").GetProperty("ticket").GetProperty("display_id").GetString());
        var day = DateTimeOffset.Parse(slot.GetProperty("start").GetString()!).ToOffset(TimeZoneInfo.FindSystemTimeZoneById("Europe/Belgrade").GetUtcOffset(DateTimeOffset.Parse(slot.GetProperty("start").GetString()!)));
        var preview = (await node.GetAsync($"/api/v1/sites/K1/slots?date={day:yyyy-MM-dd}")).GetProperty("items").EnumerateArray().Single(s => s.GetProperty("id").GetString() == slot.GetProperty("id").GetString());
        Assert.Equal((2, 3), (preview.GetProperty("used").GetInt32(), preview.GetProperty("free").GetInt32()));

        Assert.Equal("cooking", (await SendAsync(node, "PUT", $"erp/orders/{id}/status", """{"status":"cooking"}""")).GetProperty("stage").GetString());
        var moved = await screen.NextAsync("ticket.moved");
        Assert.Equal("packing", (await node.GetAsync("/api/v1/orders/" + id)).GetProperty("status").GetString());
        await SendAsync(node, "PUT", $"erp/orders/{id}/status", """{"status":"frying"}""", 400);
        var ticket = (await node.GetAsync("/api/v1/tickets?site=K1&station=oven&status=active")).GetProperty("items").EnumerateArray().Single();
        await SendAsync(node, "POST", $"tickets/{ticket.GetProperty("number").GetInt64()}/bump", null);
        await SendAsync(node, "POST", "sites/K1/stops", """{"sku":"Dough","reason":"the bag broke"}""");
        Assert.Equal("dish_unavailable", (await SendAsync(node, "POST", "orders", """{"lines":[{"sku":"marg-l","quantity":1}]}""", 409)).GetProperty("code").GetString());
        await SendAsync(node, "DELETE", "sites/K1/stops/Dough", null);
        // A screen that was away: from where it was, nothing missed and nothing twice.
        await using var again = await LiveClient.ConnectAsync(node.Url);
        Assert.Null(await again.CallAsync("Subscribe", "kitchen/K1", moved.GetProperty("position").GetInt64()));
        Assert.Equal("ready", (await again.NextAsync()).GetProperty("data").GetProperty("to").GetString());
        Assert.Equal("dish.stopped", (await again.NextAsync()).GetProperty("type").GetString());
        Assert.Equal("dish.resumed", (await again.NextAsync()).GetProperty("type").GetString());
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task A_station_gets_full_pages_of_what_it_has_still_to_do(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SendAsync(node, "PUT", "sites/K1", """{"name":"Kitchen","type":"kitchen"}""");
        foreach (var (dish, station) in new[] { ("pizza", "oven"), ("steak", "grill_1"), ("soup", "grillX1") })
            await SendAsync(node, "PUT", "menu/" + dish, $$"""{"name":"{{dish}}","station":"{{station}}","variants":[{"sku":"{{dish}}","price":{"amount":"9","currency":"EUR"} }]}""");
        Task<JsonElement> OrderAsync(params string[] dishes) =>
            SendAsync(node, "POST", "orders", "{\"lines\":[" + string.Join(',', dishes.Select(d => $$"""{"sku":"{{d}}","quantity":1}""")) + "]}", 201);
        for (var i = 0; i < 5; i++) await OrderAsync("pizza");
        var both = (await OrderAsync("pizza", "steak")).GetProperty("number").GetInt64();
        await OrderAsync("soup");
        await OrderAsync("steak");

        async Task<JsonElement[]> PageAsync(string query) => [.. (await node.GetAsync("/api/v1/tickets?" + query)).GetProperty("items").EnumerateArray()];
        var page = await PageAsync("site=K1&station=grill_1&limit=2"); // both of them, though they are the last of eight
        Assert.Equal(2, page.Length);
        Assert.Equal(both, page[0].GetProperty("order_number").GetInt64());
        await SendAsync(node, "POST", $"tickets/{page[0].GetProperty("id").GetString()}/items/2/bump", null);
        Assert.Single(await PageAsync("station=grill_1"));
        Assert.Equal(6, (await PageAsync("station=oven")).Length);
        await SendAsync(node, "POST", $"tickets/{page[1].GetProperty("id").GetString()}/cancel", """{"reason":"gone"}""");
        Assert.Empty(await PageAsync("station=grill_1"));
    }

    /// Goal: over gRPC a full kitchen says RESOURCE_EXHAUSTED, as in source 4, and nothing is stored. Method: a plan with two slots a day, its clock the real one.
    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task Over_grpc_a_slot_is_wished_for_and_a_full_day_is_resource_exhausted(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await SendAsync(node, "PUT", "sites/K1", """{"name":"Kitchen","type":"kitchen"}""");
        await SendAsync(node, "PUT", "menu/pizza", """{"name":"Pizza","variants":[{"sku":"pizza","price":{"amount":"9","currency":"EUR"} }]}""");
        await SendAsync(node, "PUT", "sites/K1/slot-plan", """{"length_minutes":720,"measure":"units","capacity":2,"lead_minutes":0,"days":3}""");
        using var grpc = new GrpcClient(node.Url);
        Task<GrpcAnswer<OrderResponse>> OrderAsync(string id, int quantity, string wish = "") => grpc.CallAsync("/stowline.v1.OrderService/CreateOrder",
            new CreateOrderRequest { Channel = "app", ExternalId = id, SlotWish = wish, Lines = { new OrderLine { Sku = "pizza", Quantity = quantity } } }, OrderResponse.Parser);

        var today = DateTime.UtcNow.Date;
        var noon = new DateTimeOffset(today.AddDays(1).AddHours(12), TimeSpan.Zero).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        var first = (await OrderAsync("1", 2, noon)).Must();
        Assert.Equal(noon, DateTimeOffset.Parse(first.SlotStartTime).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"));
        var shown = (await grpc.CallAsync("/stowline.v1.OrderService/GetOrder", new GetOrderRequest { Id = first.OrderId }, Order.Parser)).Must();
        var event1 = (await node.GetAsync("/api/v1/events?lane=hub&after=0&limit=1000")).GetProperty("items").EnumerateArray().Single(e => e.GetProperty("type").GetString() == "order.placed");
        var slot = event1.GetProperty("data").GetProperty("slot");
        Assert.Equal((slot.GetProperty("id").GetString(), slot.GetProperty("visible_at").GetDateTimeOffset()), (shown.TargetSlotId, DateTimeOffset.Parse(shown.VisibleAt)));
        Assert.True((await OrderAsync("1", 2, noon)).Must().Existing); // the same again holds nothing twice
        var taken = await OrderAsync("2", 1, noon);
        Assert.Equal((8, "slots_full"), (taken.Status, taken.Code));
        Assert.Equal(3, (await OrderAsync("3", 1, "tomorrow at noon")).Status); // INVALID_ARGUMENT

        var placed = 1;
        GrpcAnswer<OrderResponse> answer;
        for (var i = 10; (answer = await OrderAsync($"{i}", 2)).Status == 0; i++) placed++;
        Assert.Equal((8, "slots_full"), (answer.Status, answer.Code));
        // The rest of today, and the other slots of two days; when midnight has passed meanwhile, one more day.
        Assert.InRange(placed, 4, DateTime.UtcNow.Date == today ? 6 : 8);
        Assert.Equal(placed, (await node.GetAsync("/api/v1/orders?limit=50")).GetProperty("items").GetArrayLength());
        Assert.True((await node.GetAsync("/api/v1/system/verify")).GetProperty("ok").GetBoolean());
    }
}
