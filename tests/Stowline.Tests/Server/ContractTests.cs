using System.Text.Json;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: what the public contract says of all calls alike holds for each: names with slashes, pages, filters, kept answers. Method: a stranger's calls over real HTTP.
public class ContractTests
{
    private static async Task<(ServerNode Node, Warehouse House)> StartAsync(string store)
    {
        var node = await ServerNode.StartAsync(store);
        var house = new Warehouse(node.Http, "WH1");
        await house.OpenAsync();
        return (node, house);
    }

    private static async Task<(int Status, JsonElement Body)> CallAsync(ServerNode node, string method, string path, string? body = null)
    {
        using var answer = await node.SendAsync(method, "/api/v1/" + path, body);
        return ((int)answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private static string Texts(JsonElement page, string field) => string.Join(' ', page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(field).ToString()));

    /// <summary>A list page by page, each as the one before says, with its fields of one name.</summary>
    private static async Task<string> PagedAsync(ServerNode node, string path, int limit, string field)
    {
        var (found, cursor) = (new List<string>(), "");
        do
        {
            var page = (await CallAsync(node, "GET", $"{path}{(path.Contains('?') ? '&' : '?')}limit={limit}{cursor}")).Body;
            Assert.InRange(page.GetProperty("items").GetArrayLength(), 1, limit);
            found.Add(Texts(page, field));
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + Uri.EscapeDataString(next) : "";
        } while (cursor.Length > 0);
        return string.Join(" | ", found);
    }

    [Theory, EveryDatabase]
    public async Task Names_may_have_slashes_and_percent_signs_in_them(string store)
    {
        var (node, house) = await StartAsync(store);
        await using var _ = node;
        var made = await CallAsync(node, "PUT", "products/A%2F1", """{"name":"Half","price":{"amount":"1.00","currency":"EUR"}}""");
        Assert.Equal((200, "A/1"), (made.Status, made.Body.GetProperty("sku").GetString()));
        Assert.Equal("A/1", (await CallAsync(node, "GET", "products/A%2f1")).Body.GetProperty("sku").GetString());
        Assert.Equal("A/1", (await CallAsync(node, "PUT", "sites/WH1/policies/A%2F1", """{"safety_stock":1}""")).Body.GetProperty("sku").GetString());

        foreach (var (external, sent) in new[] { ("2024/17", "2024%2F17"), ("50%", "50%25"), ("50%2F1", "50%252F1"), ("a b/\u00e9", "a%20b%2F%C3%A9") })
        {
            var id = await house.PlaceAsync(external);
            foreach (var path in new[] { "", "/timeline", "/decision" }) Assert.Equal(200, (await CallAsync(node, "GET", $"orders/web:{sent}{path}")).Status);
            Assert.Equal(id, (await CallAsync(node, "GET", $"orders/web:{sent}")).Body.GetProperty("id").GetString());
            foreach (var (change, body) in new[] { ("priority", """{"priority":"urgent"}"""), ("hold", "{}"), ("release", "{}"), ("reroute", "{}"), ("cancel", """{"reason":"no"}""") })
            {
                var (status, answer) = await CallAsync(node, "POST", $"orders/web:{sent}/{change}", body);
                Assert.True(change == "reroute" ? status is 200 or 409 : status == 200, $"{change} {answer}");
            }
        }
    }

    [Theory, EveryDatabase]
    public async Task Work_is_found_by_whatever_names_its_order(string store)
    {
        var (node, house) = await StartAsync(store);
        await using var _ = node;
        var (order, other) = (await house.PlaceAsync("2024/17"), await house.PlaceAsync("2"));
        await house.StartPickingAsync(order);
        await house.ShipAsync(order);
        var number = (await CallAsync(node, "GET", "orders/" + order)).Body.GetProperty("number").GetInt64();
        foreach (var list in new[] { "picking-tasks", "packing-tasks", "shipments" })
        {
            foreach (var name in new[] { order, $"{number}", "web:2024/17", "web:2024%2F17" }) Assert.Equal(order, Texts((await CallAsync(node, "GET", $"{list}?order={name}")).Body, "order_id"));
            foreach (var unknown in new[] { "web:none", "4711", Guid.Empty.ToString(), "99999999999999999999" }) Assert.Equal("", Texts((await CallAsync(node, "GET", $"{list}?order={unknown}")).Body, "order_id"));
            Assert.True((await CallAsync(node, "GET", $"{list}?order=nonsense")).Body.GetProperty("errors").TryGetProperty("order", out var _));
        }
        Assert.Equal("", Texts((await CallAsync(node, "GET", "shipments?order=web:2")).Body, "order_id"));
        Assert.Equal(other, Texts((await CallAsync(node, "GET", "picking-tasks?order=web:2")).Body, "order_id"));
    }

    [Theory, EveryDatabase]
    public async Task A_timeline_comes_in_pages_in_its_order_and_at_once_where_nobody_asks_for_less(string store)
    {
        var (node, house) = await StartAsync(store);
        await using var _ = node;
        var order = await house.PlaceAsync("1");
        await house.StartPickingAsync(order);
        await house.ShipAsync(order);
        var whole = (await CallAsync(node, "GET", "orders/web:1/timeline")).Body;
        Assert.Equal(JsonValueKind.Null, whole.GetProperty("next_cursor").ValueKind);
        Assert.Equal("order.placed", whole.GetProperty("items")[0].GetProperty("type").GetString());
        Assert.InRange(whole.GetProperty("items").GetArrayLength(), 10, 200);
        Assert.Equal(Texts(whole, "type"), (await PagedAsync(node, "orders/web:1/timeline", 3, "type")).Replace(" | ", " ", StringComparison.Ordinal));
        foreach (var wrong in new[] { "limit=0", "limit=201", "limit=many", "cursor=nonsense" })
        {
            var (status, problem) = await CallAsync(node, "GET", "orders/web:1/timeline?" + wrong);
            Assert.Equal((400, true), (status, problem.GetProperty("errors").TryGetProperty(wrong.Split('=')[0], out var _)));
        }
    }

    [Theory, EveryDatabase]
    public async Task Every_list_has_pages(string store)
    {
        var (node, _) = await StartAsync(store);
        await using var _n = node;
        foreach (var sku in new[] { "A", "B" }) await node.SendAsync("PUT", "/api/v1/products/" + sku, """{"name":"x","price":{"amount":"1.00","currency":"EUR"}}""");
        foreach (var sku in new[] { "A", "B", "*" }) await node.SendAsync("PUT", "/api/v1/sites/WH1/policies/" + sku, "{}");
        foreach (var host in new[] { "a", "b", "c" })
            Assert.Equal(201, (int)(await node.SendAsync("POST", "/api/v1/webhooks", $$"""{"url":"https://{{host}}.example/h"}""")).StatusCode);
        foreach (var rule in new[] { "a", "b", "c" })
            Assert.Equal(200, (int)(await node.SendAsync("PUT", "/api/v1/routing/rules/" + rule, """{"strategy":"nearest"}""")).StatusCode);
        Assert.Equal("* A | B", await PagedAsync(node, "sites/WH1/policies", 2, "sku"));
        Assert.Equal("https://a.example/h https://b.example/h | https://c.example/h", await PagedAsync(node, "webhooks", 2, "url"));
        Assert.Equal(2, (await PagedAsync(node, "routing/rules", 2, "name")).Split(" | ").Length);
        Assert.Equal("MUG B | A", await PagedAsync(node, "availability?sku=MUG&sku=B&sku=A", 2, "sku"));
        Assert.Equal("MUG B A", Texts((await CallAsync(node, "GET", "availability?sku=MUG&sku=B&sku=A")).Body, "sku"));
        foreach (var list in new[] { "sites/WH1/policies", "webhooks", "routing/rules", "channels", "sites/WH1/stops", "sites/WH1/carriers" }) Assert.Equal(400, (await CallAsync(node, "GET", list + "?limit=201")).Status);
        foreach (var list in new[] { "webhooks", "routing/rules", "availability?sku=A" }) Assert.Equal(400, (await CallAsync(node, "GET", $"{list}{(list.Contains('?') ? '&' : '?')}cursor=nonsense")).Status);
    }

    [Theory, EveryDatabase]
    public async Task Sites_are_filtered_by_the_names_of_their_fields(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        foreach (var (code, body) in new[]
                 {
                     ("W1", """{"name":"W1","type":"warehouse","city":"Novi Sad"}"""), ("W2", """{"name":"W2","type":"warehouse","active":false}"""),
                     ("S1", """{"name":"S1","type":"storefront","city":"Novi Sad","parent":"W1"}"""),
                 })
            Assert.Equal(200, (await CallAsync(node, "PUT", "sites/" + code, body)).Status);
        foreach (var (filter, found) in new[]
                 {
                     ("type=warehouse", "W1 W2"), ("active=true", "S1 W1"), ("active=false", "W2"), ("parent=W1", "S1"), ("city=Novi%20Sad", "S1 W1"), ("city=Novi%20Sad&type=warehouse", "W1"),
                     ("type=kitchen", ""),
                 })
            Assert.Equal(found, Texts((await CallAsync(node, "GET", "sites?" + filter)).Body, "code"));
        foreach (var wrong in new[] { "type", "active" })
            Assert.True((await CallAsync(node, "GET", $"sites?{wrong}=maybe")).Body.GetProperty("errors").TryGetProperty(wrong, out var _));
    }

    /// Goal: an operator's button that is pressed twice does its work once, and says so. Method: parts that their site has had long ago are parked for it once more.
    [Theory, EveryDatabase]
    public async Task What_is_parked_is_resumed_and_given_up_once_by_one_idempotency_key(string store)
    {
        var (node, house) = await StartAsync(store);
        await using var _ = node;
        var (resumed, discarded) = (await house.PlaceAsync("1"), await house.PlaceAsync("2"));
        foreach (var order in new[] { resumed, discarded }) await ParkAsync(node, order);
        var consumer = node.Node.Consumers.Single(c => c.Consumer is PartConsumer).Consumer.Name;
        foreach (var (call, order, reason) in new[] { ("resume", resumed, ""), ("discard", discarded, ""","reason":"done by hand" """) })
        {
            var body = $$"""{"consumer":"{{consumer}}","lane":"hub/WH1","subject":"{{order}}"{{reason}}}""";
            async Task<(int, string, bool)> AskAsync(string? key, string text)
            {
                using var answer = await node.SendAsync("POST", "/api/v1/system/parked/" + call, text, headers: key is null ? [] : [("Idempotency-Key", key)]);
                return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Contains("Idempotent-Replayed"));
            }
            Assert.Equal((200, """{"events":1}""", false), await AskAsync("k", body));
            Assert.Equal((200, """{"events":1}""", true), await AskAsync("k", body));
            Assert.Equal(422, (await AskAsync("k", body.Replace("hub/WH1", "hub/WH2", StringComparison.Ordinal))).Item1);
            Assert.Equal(404, (await AskAsync(null, body)).Item1);
        }
        Assert.True((await CallAsync(node, "GET", "system/verify")).Body.GetProperty("ok").GetBoolean());
    }

    /// <summary>Parks the event that gave an order to its site.</summary>
    private static async Task ParkAsync(ServerNode node, string order)
    {
        var parked = await node.Node.Lanes.ExecuteAsync<Done>(Lane.Site("WH1"), TestNode.Tester, async tx =>
        {
            await tx.ExecuteAsync("""
                INSERT INTO parked_events (consumer, lane_id, position, subject, type, error, attempts, parked_at)
                SELECT @consumer, e.lane_id, e.position, e.subject, e.type, 'broken', 1, @now FROM events e JOIN lanes l ON l.id = e.lane_id
                WHERE l.name = 'hub/WH1' AND e.subject = @order AND e.type = 'part.assigned'
                """, new { consumer = node.Node.Consumers.Single(c => c.Consumer is PartConsumer).Consumer.Name, order, now = tx.Now });
            return new Done();
        });
        Assert.True(parked.IsOk);
    }
}
