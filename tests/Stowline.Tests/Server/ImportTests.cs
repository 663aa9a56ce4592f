using System.Net;
using System.Text;
using System.Text.Json;
using Stowline.Hub.Access;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: an import can be watched while it runs and looked up afterwards. Method: a body that stops half way until it has been looked at.
[Trait("Needs", "server")]
public class ImportTests
{
    private const string Header = "sku,name,price,price_currency\n";

    private sealed class SlowFile(string first, Task go, string rest) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(first));
            await stream.FlushAsync();
            await go;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(rest));
        }

        protected override bool TryComputeLength(out long length) => (length = 0) < 0;
    }

    private static string Rows(int from, int count) => string.Concat(Enumerable.Range(from, count).Select(i => $"S{i},Mug {i},1.50,EUR\n"));

    [Fact]
    public async Task An_import_is_seen_while_it_runs_and_afterwards()
    {
        await using var node = await ServerNode.StartAsync();
        var go = new TaskCompletionSource();
        using var file = new SlowFile(Header + Rows(0, 2_500), go.Task, Rows(2_500, 100)) { Headers = { ContentType = new("text/csv") } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/imports/products") { Content = file };
        request.Headers.TryAddWithoutValidation("Stowline-Actor", "buyer");
        var running = node.Http.SendAsync(request);
        JsonElement seen;
        do seen = await node.GetAsync("/api/v1/imports");
        while (seen.GetProperty("items").EnumerateArray().FirstOrDefault() is not { ValueKind: JsonValueKind.Object } one || one.GetProperty("rows").GetInt32() < 1_000);
        var import = seen.GetProperty("items")[0];
        Assert.Equal(("reading", "buyer", "products", 0), (import.GetProperty("status").GetString(), import.GetProperty("actor").GetString(), import.GetProperty("kind").GetString(), import.GetProperty("done").GetInt32()));
        go.SetResult();

        using var answer = await running;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var id = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString();
        Assert.Equal(import.GetProperty("id").GetString(), id);
        Assert.Equal("/api/v1/imports/" + id, answer.Headers.Location!.ToString());
        var done = await node.GetAsync("/api/v1/imports/" + id);
        Assert.Equal("done 2600 2600 2600 2600 0", string.Join(' ', new[] { "status", "rows", "done", "total", "created", "unchanged" }.Select(f => done.GetProperty(f).ToString())));
        Assert.NotEqual(JsonValueKind.Null, done.GetProperty("ended_at").ValueKind);
    }

    [Fact]
    public async Task What_failed_says_why_and_the_list_goes_back_page_by_page()
    {
        await using var node = await ServerNode.StartAsync();
        async Task<HttpResponseMessage> SendAsync(string csv) => await node.SendAsync("POST", "/api/v1/imports/products", csv, "text/csv");
        using var wrong = await SendAsync(Header + "A,Mug,x,EUR\n");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        var failed = await node.GetAsync(wrong.Headers.Location!.ToString());
        Assert.Equal(("failed", "invalid_rows", 1), (failed.GetProperty("status").GetString(), failed.GetProperty("code").GetString(), failed.GetProperty("rows").GetInt32()));
        for (var i = 0; i < 110; i++) Assert.Equal(HttpStatusCode.OK, (await SendAsync(Header + Rows(i, 1))).StatusCode);

        var (ids, cursor) = (new List<string?>(), "");
        do
        {
            var page = await node.GetAsync("/api/v1/imports?limit=40" + cursor);
            ids.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()));
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : "";
        } while (cursor.Length > 0);
        Assert.Equal(100, ids.Distinct().Count());
        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), ids);
        Assert.Equal("import_not_found", (await JsonAsync(node.SendAsync("GET", wrong.Headers.Location.ToString()), 404)).GetProperty("code").GetString());
        Assert.Equal("import_not_found", (await JsonAsync(node.SendAsync("GET", "/api/v1/imports/x"), 404)).GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_key_with_limits_sees_its_own_imports_only()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var boss = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        var limited = await MakeAsync(node.Node, "one", [KeyScope.Stock], "WH1");
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/WH1", """{"name":"W","type":"warehouse"}"""));
        await JsonAsync(CallAsync(node, boss, "PUT", "/api/v1/sites/WH1/zones/A", """{"type":"storage"}"""));
        async Task<string> ImportAsync(string key, string bin) =>
            (await JsonAsync(node.SendAsync("POST", "/api/v1/imports/bins?site=WH1", $"bin,zone\n{bin},A\n", "text/csv", ("Authorization", "Bearer " + key)))).GetProperty("id").GetString()!;
        var (other, own) = (await ImportAsync(boss, "B1"), await ImportAsync(limited, "B2"));
        await JsonAsync(CallAsync(node, limited, "GET", "/api/v1/imports/" + own));
        await JsonAsync(CallAsync(node, limited, "GET", "/api/v1/imports/" + other), 404);
        Assert.Equal(1, (await JsonAsync(CallAsync(node, limited, "GET", "/api/v1/imports"))).GetProperty("items").GetArrayLength());
        Assert.Equal(2, (await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/imports"))).GetProperty("items").GetArrayLength());
    }
}
