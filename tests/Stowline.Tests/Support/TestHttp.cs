using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Stowline.Http;

namespace Stowline.Tests.Support;

/// <summary>The endpoints of a test node's modules over real HTTP. The node is pumped until it has answered.</summary>
public sealed class TestHttp : IAsyncDisposable
{
    private readonly TestNode _node;
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private TestHttp(TestNode node, WebApplication app, HttpClient client) => (_node, _app, _client) = (node, app, client);

    public static async Task<TestHttp> StartAsync(TestNode node)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Use(next => http =>
        {
            PathValues.Decode(http);
            return next(http);
        });
        var api = app.MapGroup("/api/v1");
        foreach (var module in node.Node.Modules) module.Map(api, node.Node);
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new TestHttp(node, app, new HttpClient { BaseAddress = new Uri(address + "/api/v1/") });
    }

    /// <summary>Sends JSON to a path below <c>/api/v1/</c>.</summary>
    public async Task<(int Status, JsonElement Body)> CallAsync(string method, string path, string? json = null) => await ReadAsync(await SendAsync(method, path, json));

    public async Task<HttpResponseMessage> SendAsync(string method, string path, string? json = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        request.Headers.Add("Stowline-Actor", "ann");
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await _node.PumpUntilAsync(_client.SendAsync(request));
    }

    private static async Task<(int, JsonElement)> ReadAsync(HttpResponseMessage response)
    {
        using var _ = response;
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }
}
