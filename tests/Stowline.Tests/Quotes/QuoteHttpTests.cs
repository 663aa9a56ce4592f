using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Stowline.Tests.Server;
using Stowline.Tests.Support;

namespace Stowline.Tests.Quotes;

/// Goal: a stranger gets a price and an order with nothing but HTTP. Method: a running node, its own workers, real time; waiting is the API's own.
[Trait("Needs", "server")]
public sealed class QuoteHttpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stowline-http-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<ServerNode> StartAsync(string store)
    {
        var server = await ServerNode.StartAsync(store, configure: c => c with { Data = _folder });
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("PUT", "/api/v1/products/MADE-PART", """{"name":"Part","price":{"amount":"1.00","currency":"EUR"}}""")).StatusCode);
        var model = await server.GetAsync("/openapi/v1.json");
        var example = model.GetProperty("paths").GetProperty("/api/v1/quotes/price-model").GetProperty("put").GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("PUT", "/api/v1/quotes/price-model", example.GetRawText())).StatusCode);
        return server;
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer, HttpStatusCode expected)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"{(int)answer.StatusCode} instead of {(int)expected}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    private static Task<HttpResponseMessage> UploadAsync(ServerNode server, byte[] file, string query = "material=PLA&quantity=2", string type = "model/stl", string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/quotes?" + query) { Content = new ByteArrayContent(file) { Headers = { ContentType = new MediaTypeHeaderValue(type) } } };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return server.Http.SendAsync(request);
    }

    [Theory, EveryDatabase]
    public async Task A_file_becomes_a_price_and_the_price_an_order(string store)
    {
        await using var server = await StartAsync(store);
        using var taken = await UploadAsync(server, Solids.Stl(Solids.Cube(20)), key: "k1");
        var asked = await JsonAsync(taken, HttpStatusCode.Accepted);
        Assert.Equal(("calculating", asked.GetProperty("links").GetProperty("self").GetString()), (asked.GetProperty("status").GetString(), taken.Headers.Location!.ToString()));
        var quote = await server.GetAsync(taken.Headers.Location + "?wait=60");
        Assert.Equal(("calculated", 8_000.0), (quote.GetProperty("status").GetString(), quote.GetProperty("measures").GetProperty("volume_mm3").GetDouble()));
        var total = quote.GetProperty("price").GetProperty("total").GetProperty("amount").GetString();

        using var again = await UploadAsync(server, Solids.Stl(Solids.Cube(20)), key: "k1");
        Assert.Equal(asked.GetProperty("id").GetString(), (await JsonAsync(again, HttpStatusCode.Accepted)).GetProperty("id").GetString());
        Assert.True(again.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await UploadAsync(server, Solids.Stl(Solids.Cube(21)), key: "k1")).StatusCode);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(_folder, "models"), "*.stl"));

        var order = await JsonAsync(await server.SendAsync("POST", taken.Headers.Location + "/order", """{"external_id":"PO-1","channel":"b2b","backorder":true}"""), HttpStatusCode.Created);
        Assert.Equal(total, order.GetProperty("total").GetProperty("amount").GetString());
        var listed = (await server.GetAsync("/api/v1/quotes?status=ordered&limit=1")).GetProperty("items")[0];
        Assert.Equal(order.GetProperty("id").GetString(), listed.GetProperty("order_id").GetString());
        Assert.Equal(listed.GetProperty("id").GetString(), (await server.GetAsync($"/api/v1/quotes/{listed.GetProperty("number")}")).GetProperty("id").GetString());
    }

    [Theory, EveryDatabase]
    public async Task Multipart_and_json_are_taken_too(string store)
    {
        await using var server = await StartAsync(store);
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(Encoding.ASCII.GetBytes(Solids.StlText(Solids.Cube(20)))), "file", "cube.STL" },
            { new StringContent("""{"material":"PLA","quantity":3,"units":"mm","client":"4711"}""", null, "application/json"), "request" },
        };
        var asked = await JsonAsync(await server.Http.PostAsync("/api/v1/quotes", form), HttpStatusCode.Accepted);
        Assert.Equal((3, "4711", "stl"), (asked.GetProperty("quantity").GetInt32(), asked.GetProperty("client").GetString(), asked.GetProperty("model").GetProperty("format").GetString()));
        var json = await JsonAsync(await server.SendAsync("POST", "/api/v1/quotes", """{"material":"PLA","volume_mm3":1000,"box_mm":{"x":10,"y":10,"z":10}}"""), HttpStatusCode.Accepted);
        foreach (var quote in new[] { asked, json })
            Assert.Equal("calculated", (await server.GetAsync($"/api/v1/quotes/{quote.GetProperty("id").GetString()}?wait=60")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Wrong_uploads_are_refused_clearly_and_leave_no_file()
    {
        await using var server = await StartAsync("sqlite");
        var cube = Solids.Stl(Solids.Cube(20));
        async Task RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code) => Assert.Equal(code, (await JsonAsync(answer, status)).GetProperty("code").GetString());

        await RefusedAsync(await UploadAsync(server, cube[..^7]), HttpStatusCode.BadRequest, "invalid_model");
        await RefusedAsync(await UploadAsync(server, []), HttpStatusCode.BadRequest, "invalid_model");
        await RefusedAsync(await UploadAsync(server, cube, "material=WOOD"), HttpStatusCode.BadRequest, "invalid_request");
        await RefusedAsync(await UploadAsync(server, cube, "material=PLA&quantity=many"), HttpStatusCode.BadRequest, "invalid_request");
        await RefusedAsync(await UploadAsync(server, cube, type: "image/png"), HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        using var form = new MultipartFormDataContent { { new ByteArrayContent(cube), "file", "cube.stl" } };
        await RefusedAsync(await server.Http.PostAsync("/api/v1/quotes", form), HttpStatusCode.BadRequest, "invalid_request");
        using var torn = new ByteArrayContent("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.stl\"\r\n\r\nsolid"u8.ToArray())
            { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b") } };
        await RefusedAsync(await server.Http.PostAsync("/api/v1/quotes", torn), HttpStatusCode.BadRequest, "broken_request");
        Assert.Empty((await server.GetAsync("/api/v1/quotes")).GetProperty("items").EnumerateArray());
        Assert.Equal(["folder.id"], Directory.EnumerateFiles(Path.Combine(_folder, "models")).Select(Path.GetFileName));
        foreach (var (path, status) in new[] { ("quotes/17", 404), ("quotes/x", 404), ("quotes?status=lost", 400), ("quotes?cursor=x", 400) })
            Assert.Equal(status, (int)(await server.Http.GetAsync("/api/v1/" + path)).StatusCode);
    }
}
