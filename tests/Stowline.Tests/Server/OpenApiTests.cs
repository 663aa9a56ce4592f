using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Tests.House;

namespace Stowline.Tests.Server;

/// Goal: the API's description is whole, true to the routes, and changes only where somebody sees it. Method: the document of a running
/// node, compared with its routes and with the committed copy.
public class OpenApiTests
{
    private const string Update = "STOWLINE_UPDATE_OPENAPI";
    private static readonly string Committed = Path.Combine(Repository.Find(), "docs", "openapi.json");

    [Fact]
    public async Task The_committed_copy_is_what_the_node_serves()
    {
        await using var server = await ServerNode.StartAsync();
        var served = await server.Http.GetStringAsync("/openapi/v1.json");
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            await File.WriteAllTextAsync(Committed, served);
            return;
        }
        var known = File.Exists(Committed) ? await File.ReadAllTextAsync(Committed) : "";
        Assert.True(known == served, $"""
            The API's description has changed: {FirstDifference(known, served)}
            If that was meant, write docs/openapi.json anew and commit it with the change:
              {Update}=1 ./test --fast -- --filter FullyQualifiedName~{nameof(OpenApiTests)}
            """);
    }

    [Fact]
    public async Task Every_endpoint_is_described()
    {
        IEndpointRouteBuilder? routes = null;
        await using var server = await ServerNode.StartAsync(more: api => routes = api);
        var paths = (await server.GetAsync("/openapi/v1.json")).GetProperty("paths");
        var mapped = routes!.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => (Method: m.ToLowerInvariant(), Path: Under(e.RoutePattern.RawText!), Keeps: m != "GET" && e.Metadata.GetMetadata<NotKept>() is null))).ToList();
        Assert.True(mapped.Count > 60, $"only {mapped.Count} endpoints were found: the test does not see them");

        var wrong = new List<string>();
        foreach (var (method, path, keeps) in mapped)
        {
            if (!paths.TryGetProperty(path, out var item) || !item.TryGetProperty(method, out var operation)) wrong.Add($"{method} {path} is missing");
            else wrong.AddRange(Lacks(keeps, operation).Select(lack => $"{method} {path} has no {lack}"));
        }
        Assert.Empty(wrong);
        Assert.Equal(mapped.Count, paths.EnumerateObject().Sum(p => p.Value.EnumerateObject().Count()));
    }

    [Fact]
    public async Task Every_reference_resolves_and_every_id_is_one_operations()
    {
        await using var server = await ServerNode.StartAsync();
        var document = await server.GetAsync("/openapi/v1.json");
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString());
        var references = References(document).Distinct().ToList();
        Assert.NotEmpty(references);
        Assert.DoesNotContain(references, r => !Resolves(document, r));
        var ids = document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()).Select(o => o.Value.GetProperty("operationId").GetString()).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public async Task Schemas_speak_as_the_api_does()
    {
        await using var server = await ServerNode.StartAsync();
        var schemas = (await server.GetAsync("/openapi/v1.json")).GetProperty("components").GetProperty("schemas");
        Assert.Equal("string", schemas.GetProperty("Money").GetProperty("properties").GetProperty("amount").GetProperty("type").GetString());
        Assert.Equal(["low", "normal", "high", "urgent"], schemas.GetProperty("Priority").GetProperty("enum").EnumerateArray().Select(w => w.GetString()));
        Assert.True(schemas.GetProperty("OrderView").GetProperty("properties").TryGetProperty("display_id", out _));
        Assert.Equal(["lines"], schemas.GetProperty("OrderBody").GetProperty("required").EnumerateArray().Select(r => r.GetString()));
        foreach (var member in new[] { "type", "title", "status", "detail", "code", "trace_id", "errors" })
            Assert.True(schemas.GetProperty("Problem").GetProperty("properties").TryGetProperty(member, out _), member);
    }

    [Fact]
    public async Task The_reference_page_needs_nobody_else()
    {
        await using var server = await ServerNode.StartAsync();
        using var answer = await server.Http.GetAsync("/docs");
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("://", page);
        Assert.True(page.Length < 40 * 1024);
        Assert.Contains("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
    }

    /// <summary>The group's own prefix is not in the patterns that its data source shows.</summary>
    private static string Under(string pattern)
    {
        var path = "/" + pattern.Trim('/');
        return path.StartsWith("/api/v1", StringComparison.Ordinal) ? path : "/api/v1" + path;
    }

    private static IEnumerable<string> Lacks(bool keeps, JsonElement operation)
    {
        if (!operation.TryGetProperty("summary", out var summary) || string.IsNullOrEmpty(summary.GetString())) yield return "summary";
        if (!operation.TryGetProperty("tags", out var tags) || tags.GetArrayLength() == 0) yield return "tag";
        var responses = operation.GetProperty("responses").EnumerateObject().ToList();
        var good = responses.Where(r => r.Name.StartsWith('2')).ToList();
        if (good.Count == 0) yield return "success response";
        foreach (var response in good.Where(r => r.Name != "204" && !r.Value.TryGetProperty("content", out _))) yield return $"schema of its {response.Name}";
        if (!responses.Exists(r => r.Value.TryGetProperty("$ref", out _))) yield return "problem response";
        if ((operation.TryGetProperty("parameters", out var parameters) && parameters.GetRawText().Contains("IdempotencyKey", StringComparison.Ordinal)) != keeps) yield return keeps ? "Idempotency-Key" : "answer to keep for an Idempotency-Key";
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => p.Name == "$ref" ? [p.Value.GetString()!] : References(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private static bool Resolves(JsonElement document, string reference)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal)) return false;
        var at = document;
        foreach (var step in reference[2..].Split('/'))
            if (!at.TryGetProperty(step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), out at)) return false;
        return true;
    }

    private static string FirstDifference(string known, string served)
    {
        var (old, now) = (known.Split('\n'), served.Split('\n'));
        var line = 0;
        while (line < old.Length && line < now.Length && old[line] == now[line]) line++;
        return $"line {line + 1} was '{old.ElementAtOrDefault(line)?.Trim()}' and is '{now.ElementAtOrDefault(line)?.Trim()}'";
    }
}
