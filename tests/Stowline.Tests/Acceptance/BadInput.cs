using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: whatever is sent, the answer is a problem document that names the field, never a 500, and nothing is written. Method: a wall of hostile
/// bodies against the real executable; afterwards the lanes stand where they stood.
[Trait("Needs", "server")]
public class BadInput
{
    private static string Line(string inner) => $$"""{"channel":"web","external_id":"x","lines":[{{inner}}]}""";

    /// path, body, expected status, field that must be named (or null)
    public static readonly (string Method, string Path, string Body, int Status, string? Field)[] Cases =
    [
        ("POST", "orders", "", 400, "body"),
        ("POST", "orders", "{", 400, "body"),
        ("POST", "orders", "[]", 400, "body"),
        ("POST", "orders", "null", 400, "body"),
        ("POST", "orders", "\"text\"", 400, "body"),
        ("POST", "orders", "{}", 400, "lines"),
        ("POST", "orders", """{"lines":[]}""", 400, "lines"),
        ("POST", "orders", """{"lines":[null]}""", 400, "lines[0]"),
        ("POST", "orders", """{"lines":{"sku":"A"}}""", 400, "lines"),
        ("POST", "orders", Line("""{"sku":"A","quantity":"many"}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1.5}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A","quantity":-1}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A","quantity":0}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A","quantity":99999999999}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A","quantity":999999999999999999999999}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"sku":"A"}"""), 400, "lines[0].quantity"),
        ("POST", "orders", Line("""{"quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"","quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"NOPE","quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"A\u0000B","quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"A\r\nX-Evil: 1","quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"'; DROP TABLE orders; --","quantity":1}"""), 400, "lines[0].sku"),
        ("POST", "orders", Line("""{"sku":"\ud800","quantity":1}"""), 400, null),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"-1.00","currency":"EUR"}}"""), 400, "lines[0].unit_price"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"1.00001","currency":"EUR"}}"""), 400, "lines[0].unit_price"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"abc","currency":"EUR"}}"""), 400, "lines[0].unit_price"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"1.00","currency":"euro"}}"""), 400, "lines[0].unit_price"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"1.00","currency":"USD"}},{"sku":"A","quantity":1,"unit_price":{"amount":"1.00","currency":"EUR"}}"""), 400, "lines[1].unit_price.currency"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"1.00","currency":"ZZZ"}}"""), 400, "lines[0].unit_price"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1,"unit_price":{"amount":"1.00","currency":"XXX"}}"""), 400, "lines[0].unit_price"),
        ("PUT", "products/B", """{"name":"x","price":{"amount":"1.00","currency":"EUX"}}""", 400, "price"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"fulfillment_type":"teleport"}""", 400, "fulfillment_type"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"priority":"yesterday"}""", 400, "priority"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"fulfillment_type":"pickup"}""", 400, "pickup_site"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"fulfillment_type":"pickup","pickup_site":"MOON"}""", 400, "pickup_site"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"ship_to":{"country":"Serbia"}}""", 400, "ship_to.country"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"ship_to":{"latitude":200,"longitude":0}}""", 400, "ship_to.latitude"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"customer":{"name":"a\u0007b"}}""", 400, "customer.name"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"channel":"a/b\\c"}""", 400, "channel"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"external_id":" "}""", 400, "external_id"),
        ("POST", "orders/nothing/cancel", "{}", 404, null),
        ("GET", "orders/00000000-0000-0000-0000-000000000000", "", 404, null),
        ("GET", "orders?limit=0", "", 400, "limit"),
        ("GET", "orders?limit=9999", "", 400, "limit"),
        ("GET", "orders?status=lost", "", 400, "status"),
        ("GET", "orders?since=yesterday", "", 400, "since"),
        ("GET", "orders?cursor=%27%20OR%201=1", "", 400, "cursor"),
        ("PUT", "products/A%09B", """{"name":"x","price":{"amount":"1.00","currency":"EUR"}}""", 400, "sku"),
        ("PUT", "products/B", """{"price":{"amount":"1.00","currency":"EUR"}}""", 400, "name"),
        ("PUT", "products/B", """{"name":"x"}""", 400, "price"),
        ("PUT", "products/B", """{"name":"x","price":{"amount":"1.00","currency":"EUR"},"weight_g":-5}""", 400, "weight_g"),
        ("POST", "products/bulk", """{"items":[{"sku":"C","name":"c","price":{"amount":"1.00","currency":"EUR"}},{"sku":"","name":"d"}]}""", 400, "items[1].sku"),
        ("PUT", "sites/W2", """{"name":"x","type":"castle"}""", 400, "type"),
        ("PUT", "sites/W2", """{"name":"x","type":"warehouse","latitude":91,"longitude":1}""", 400, "latitude"),
        ("PUT", "sites/W2", """{"name":"x","type":"warehouse","time_zone":"Mars/Base"}""", 400, "time_zone"),
        ("PUT", "sites/all", """{"name":"x","type":"warehouse"}""", 400, "code"),
        ("PUT", "sites/NOPE/zones/A", """{"type":"storage"}""", 404, null),
        ("PUT", "sites/WH1/bins/B1", """{"zone":"nozone"}""", 404, null),
        ("POST", "sites/WH1/receipts", """{"reference":"r","lines":[{"sku":"A","quantity":-4}]}""", 400, "lines[0].quantity"),
        ("POST", "sites/WH1/receipts", """{"reference":"r","lines":[{"sku":"NOPE","quantity":4}]}""", 404, null),
        ("POST", "sites/WH1/receipts", """{"reference":"r","lines":[{"sku":"A","quantity":4,"bin":"NOBIN"}]}""", 404, null),
        ("POST", "sites/WH1/receipts", """{"reference":"r","lines":[{"sku":"A","quantity":4,"expires_on":"soon"}]}""", 400, "lines[0].expires_on"),
        ("POST", "sites/WH1/receipts", """{"reference":"r","lines":[]}""", 400, "lines"),
        ("POST", "sites/WH1/moves", """{"sku":"A","quantity":1,"from_bin":"RECEIVING","to_bin":"RECEIVING"}""", 400, "to_bin"),
        ("POST", "sites/WH1/moves", """{"sku":"A","quantity":1,"from_bin":"RECEIVING","to_bin":"NOBIN"}""", 404, null),
        ("POST", "sites/WH1/adjustments", """{"sku":"A","bin":"RECEIVING","reason":"x"}""", 400, null),
        ("POST", "sites/WH1/adjustments", """{"sku":"A","bin":"RECEIVING","expected":999,"counted":3,"reason":"x"}""", 409, null),
        ("PUT", "sites/WH1/policies/A", """{"local_share_percent":101}""", 400, "local_share_percent"),
        ("PUT", "sites/WH1/policies/NOPE", """{"safety_stock":1}""", 404, "sku"),
        ("PUT", "sites/WH1/policies/A", """{"safety_stock":-1}""", 400, "safety_stock"),
        ("GET", "orders?channel=%00", "", 400, "channel"),
        ("GET", "orders?site=WH1%00", "", 400, "site"),
        ("GET", "orders?text=a%1fb", "", 400, "text"),
        ("GET", "orders?external_id=%00", "", 400, "external_id"),
        ("GET", "availability?sku=%00", "", 400, "sku"),
        ("GET", "products?barcode=%00", "", 400, "barcode"),
        ("GET", "products?cursor=a%00", "", 400, "cursor"),
        ("GET", "picking-tasks?order=x:%00", "", 400, "order"),
        ("GET", "sites/WH1/slots?date=0001-01-01", "", 400, "date"),
        ("POST", "orders", Line("""{"sku":"A","quantity":1},{"sku":"\u0000","quantity":1}"""), 400, "lines[1].sku"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"note":"a\u0000b"}""", 400, "note"),
        ("POST", "orders", """{"lines":[{"sku":"A","quantity":1}],"ship_to":{"line1":"a\u0000b"}}""", 400, "ship_to.line1"),
        ("POST", "sites/WH1/receipts", """{"reference":"r\u0000","lines":[{"sku":"A","quantity":4}]}""", 400, "reference"),
        ("PUT", "pools", """{"channel":"shop","sku":"A","share_percent":101}""", 400, "share_percent"),
        ("PUT", "pools", """{"channel":"shop","sku":"A"}""", 400, "quantity"),
        ("PUT", "pools", """{"channel":"shop","sku":"*","site":"NOWHERE","quantity":1}""", 400, "site"),
        ("POST", "picking-tasks/123/start", "", 404, null),
        ("GET", "nothing/here", "", 404, null),
        ("DELETE", "orders", "", 405, null),
    ];

    [Theory, EveryDatabase]
    public async Task Everything_wrong_is_refused_by_name_and_writes_nothing(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Warehouse", type = "warehouse" });
        await server.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
        await server.SendAsync(HttpMethod.Post, "sites/WH1/receipts", new { reference = "r", lines = new[] { new { sku = "A", quantity = 5 } } }, expect: 201);
        await server.DrainAsync();
        var before = await HeadsAsync(server);

        var wrong = new List<string>();
        foreach (var (method, path, body, status, field) in Cases)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            if (method != "GET") request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await server.Http.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            if (Judge(answer, text, status, field) is { } fault) wrong.Add($"{method} {path} {body}\n    {fault}\n    {(int)answer.StatusCode} {text}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(before, await HeadsAsync(server));
        await server.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Huge_bodies_and_wrong_content_types_are_refused(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        await using var server = await RunningServer.StartAsync(folder, database);
        await server.SendAsync(HttpMethod.Put, "sites/WH1", new { name = "Warehouse", type = "warehouse" });
        var products = Enumerable.Range(0, 5_000).Select(i => new { sku = $"S{i}", name = $"S{i}", price = new { amount = "1.00", currency = "EUR" } });
        await server.SendAsync(HttpMethod.Post, "products/bulk", new { items = products });

        using var tooMany = await server.Http.PostAsync("orders", Json(JsonSerializer.Serialize(new { lines = Enumerable.Range(0, 5_000).Select(i => new { sku = $"S{i}", quantity = 1 }) })));
        Assert.Contains("too_many_lines", await tooMany.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.BadRequest, tooMany.StatusCode);
        using var big = await server.Http.PostAsync("orders", Json($$"""{"note":"{{new string('x', 11 * 1024 * 1024)}}"}"""));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, big.StatusCode);
        Assert.Contains("body_too_large", await big.Content.ReadAsStringAsync());
        using var xml = await server.Http.PostAsync("orders", new StringContent("<order/>", new MediaTypeHeaderValue("application/xml")));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, xml.StatusCode);
        Assert.Contains("unsupported_media_type", await xml.Content.ReadAsStringAsync());
        await server.VerifyAsync();
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static string? Judge(HttpResponseMessage answer, string text, int status, string? field)
    {
        if ((int)answer.StatusCode != status) return $"expected {status}";
        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json") return "is no problem document";
        var problem = JsonDocument.Parse(text).RootElement;
        foreach (var member in new[] { "type", "title", "status", "detail", "code", "trace_id" })
            if (!problem.TryGetProperty(member, out var _)) return $"has no {member}";
        if (field is null) return null;
        if (!problem.TryGetProperty("errors", out var errors)) return "has no errors";
        return errors.EnumerateObject().Any(e => e.Name == field) ? null : $"does not name {field}";
    }

    private static async Task<string> HeadsAsync(RunningServer server) =>
        string.Join(", ", (await server.GetAsync("system/status")).GetProperty("lanes").EnumerateArray().Select(l => $"{l.GetProperty("name")}={l.GetProperty("head")}"));
}
