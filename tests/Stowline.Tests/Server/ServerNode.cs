using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// <summary>A node behind real Kestrel on a free port, with its pumps running: what a stranger would talk to.</summary>
public sealed class ServerNode : IAsyncDisposable
{
    private readonly Node _node;
    private readonly ServerHost _host;
    private readonly string? _folder;
    private readonly (string Server, string Name)? _postgres;

    private ServerNode(Node node, ServerHost host, string? folder, (string, string)? postgres) => (_node, _host, _folder, _postgres, Http) = (node, host, folder, postgres, new HttpClient { BaseAddress = new Uri(host.Url) });

    public HttpClient Http { get; }
    public Node Node => _node;
    public Uri Url => Http.BaseAddress!;

    public static async Task<ServerNode> StartAsync(string store = "sqlite", Action<Microsoft.AspNetCore.Routing.IEndpointRouteBuilder>? more = null, string auth = "off",
        int liveQueue = 1024, string? web = null, Func<Configuration, Configuration>? configure = null)
    {
        var (database, folder, postgres) = await TestNode.NewDatabaseAsync(store, TimeProvider.System);
        var node = await Node.OpenAsync(database);
        node.Lanes.LongestWait = TestNode.LongestWait;
        var configuration = new Configuration { Port = 0, Auth = auth };
        var host = ServerHost.Build(node, configure?.Invoke(configuration) ?? configuration, more, liveQueue, web);
        await host.StartAsync();
        return new ServerNode(node, host, folder, postgres);
    }

    public Task<HttpResponseMessage> SendAsync(string method, string path, string? body = null, string type = "application/json", params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Http.SendAsync(request);
    }

    public async Task<JsonElement> GetAsync(string path) => JsonDocument.Parse(await Http.GetByteArrayAsync(path)).RootElement;

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.StopAsync();
        await _host.DisposeAsync();
        await _node.DisposeAsync();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
        if (_postgres is { } p) await TestNode.DropAsync(p.Server, p.Name);
    }
}
