using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// <summary>Whatever a stranger sends, the answer is a problem document with a code and a trace, and never a stack trace.</summary>
public class RefusalTests
{
    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer, int status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal((status, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal("https://stowline.dev/problems/" + code, problem.GetProperty("type").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Contains(problem.GetProperty("trace_id").GetString()!, answer.Headers.GetValues("traceparent").Single());
        Assert.DoesNotContain("   at ", text);
        return problem;
    }

    [Fact]
    public async Task The_framework_refuses_with_problem_documents()
    {
        await using var node = await ServerNode.StartAsync();
        await ProblemAsync(await node.SendAsync("GET", "/nowhere"), 404, "not_found");
        await ProblemAsync(await node.SendAsync("GET", "/api/v1/nowhere"), 404, "not_found");
        var method = await node.SendAsync("DELETE", "/health/live");
        await ProblemAsync(method, 405, "method_not_allowed");
        Assert.Equal(["GET"], method.Content.Headers.Allow);
    }

    [Fact]
    public async Task Where_nothing_in_a_body_is_required_none_is_needed()
    {
        await using var node = await ServerNode.StartAsync();
        await node.SendAsync("PUT", "/api/v1/products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        await node.SendAsync("POST", "/api/v1/orders", """{"external_id":"1","channel":"web","fulfillment_type":"ship","backorder":true,"lines":[{"sku":"A","quantity":1}]}""");
        foreach (var call in new[] { "hold", "release", "cancel" })
            Assert.Equal(HttpStatusCode.OK, (await node.SendAsync("POST", $"/api/v1/orders/web:1/{call}")).StatusCode);
        await ProblemAsync(await node.SendAsync("POST", "/api/v1/orders/web:1/priority"), 400, "invalid_request");
    }

    [Theory]
    [InlineData("{\"email\":", "application/json", 400, "invalid_request")]
    [InlineData("", "application/json", 400, "invalid_request")]
    [InlineData("null", "application/json", 400, "invalid_request")]
    [InlineData("[]", "application/json", 400, "invalid_request")]
    [InlineData("{\"email\":5}", "application/json", 400, "invalid_request")]
    [InlineData("{\"email\":\"\\ud800\"}", "application/json", 400, "invalid_request")]
    [InlineData("{}", "application/json", 400, "invalid_request")]
    [InlineData("email=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type")]
    [InlineData("{\"order_id\":\"'; DROP TABLE lanes; --\"}", "application/json", 404, "order_not_found")]
    public async Task Bad_bodies_are_named(string body, string type, int status, string code)
    {
        await using var node = await ServerNode.StartAsync();
        await ProblemAsync(await node.SendAsync("POST", "/api/v1/system/erasures", body, type), status, code);
        Assert.Equal(0, (await node.GetAsync("/api/v1/events?lane=hub/all")).GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_beyond_the_limit_is_refused(bool saysItsLength)
    {
        await using var node = await ServerNode.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/system/erasures") { Content = new ByteArrayContent(new byte[10 * 1024 * 1024 + 1]) };
        request.Content.Headers.ContentType = new("application/json");
        if (!saysItsLength) request.Headers.TransferEncodingChunked = true;
        request.Headers.ExpectContinue = saysItsLength; // else the connection may break while the client still sends
        await ProblemAsync(await node.Http.SendAsync(request), 413, "body_too_large");
    }

    [Fact]
    public async Task A_bug_is_answered_with_500_and_its_trace_only()
    {
        await using var node = await ServerNode.StartAsync(more: api =>
        {
            api.MapGet("/boom", (HttpContext _) => Task.FromException(new FormatException("secret detail")));
            api.MapGet("/lost", (HttpContext _) => Task.FromException(new SqliteException("disk", 10)));
        });
        var problem = await ProblemAsync(await node.SendAsync("GET", "/api/v1/boom"), 500, "internal_error");
        Assert.DoesNotContain("secret", problem.ToString());
        var lost = await node.SendAsync("GET", "/api/v1/lost");
        await ProblemAsync(lost, 503, "database_unavailable");
        Assert.Equal("2", lost.Headers.GetValues("Retry-After").Single());
    }

    [Fact]
    public async Task The_trace_that_comes_in_goes_on_and_a_forged_one_is_replaced()
    {
        await using var node = await ServerNode.StartAsync();
        var known = await node.SendAsync("GET", "/health/live", headers: ("traceparent", "00-4cf7651916cd43dd8448eb211c8031a0-b7ad6b7169203331-01"));
        Assert.StartsWith("00-4cf7651916cd43dd8448eb211c8031a0-", known.Headers.GetValues("traceparent").Single());
        var forged = await node.SendAsync("GET", "/health/live", headers: ("traceparent", "00-nonsense-x"));
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", forged.Headers.GetValues("traceparent").Single());
    }

    [Fact]
    public async Task A_line_break_in_a_path_or_header_never_becomes_a_header()
    {
        await using var node = await ServerNode.StartAsync();
        await ProblemAsync(await node.SendAsync("GET", "/api/v1/orders/x%0d%0aSet-Cookie:%20a=b%0d%0a"), 404, "order_not_found");
        using var socket = new System.Net.Sockets.TcpClient("127.0.0.1", node.Url.Port);
        await socket.GetStream().WriteAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\nStowline-Actor: a\rb\r\n\r\n"u8.ToArray());
        var buffer = new byte[4096];
        var read = await socket.GetStream().ReadAsync(buffer);
        Assert.StartsWith("HTTP/1.1 400", Encoding.ASCII.GetString(buffer, 0, read));
    }

    [Fact]
    public async Task Without_keys_other_web_sites_are_kept_out()
    {
        await using var node = await ServerNode.StartAsync();
        await ProblemAsync(await node.SendAsync("GET", "/health/live", headers: ("Host", "evil.example")), 403, "unknown_host");
        await ProblemAsync(await node.SendAsync("POST", "/api/v1/system/erasures", "{}", headers: ("Sec-Fetch-Site", "cross-site")), 403, "cross_site");
        Assert.Equal(HttpStatusCode.OK, (await node.SendAsync("GET", "/health/live", headers: ("Host", "localhost:5080"))).StatusCode);
    }
}
