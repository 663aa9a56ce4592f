using System.Net.Http.Headers;
using System.Text;
using Stowline.Hub.Access;
using Stowline.Log;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// <summary>What an answer said about limits.</summary>
public sealed record LimitAnswer(int Status, string? Policy, string? State, int? RetryAfter, string Body);

/// <summary>A node with <c>auth=keys</c> and limits behind Kestrel, in virtual time; or another process beside it on the same database.</summary>
public sealed class LimitedNode : IAsyncDisposable
{
    private readonly TestNode _test;
    private readonly ServerHost _host;
    private readonly Configuration _configuration;

    private LimitedNode(TestNode test, ServerHost host, Configuration configuration) =>
        (_test, _host, _configuration, Http) = (test, host, configuration, new HttpClient { BaseAddress = new Uri(host.Url) });

    public HttpClient Http { get; }
    public ManualTime Time => _test.Time;
    public Node Node => _test.Node;

    public static async Task<LimitedNode> StartAsync(string store, string? limits, string auth = "keys", string proxies = "") =>
        await StartAsync(await TestNode.StartAsync(store), new Configuration
        {
            Port = 0, Auth = auth, RateLimits = limits is null ? null : RateTiers.Parse(limits).Tiers!, TrustedProxies = TrustedProxies.Parse(proxies),
        });

    private static async Task<LimitedNode> StartAsync(TestNode test, Configuration configuration)
    {
        var host = ServerHost.Build(test.Node, configuration);
        await host.StartAsync();
        return new LimitedNode(test, host, configuration);
    }

    public async Task<LimitedNode> BesideAsync() => await StartAsync(await _test.BesideAsync(), _configuration);

    /// <summary>Ends this process and starts another on its database; this one is not used any more.</summary>
    public async Task<LimitedNode> RestartAsync()
    {
        await StopAsync();
        return await StartAsync(await _test.RestartAsync(seed: 3), _configuration);
    }

    public async Task<string> KeyAsync(string name, KeyScope scope = KeyScope.Admin, string? tier = null)
    {
        var access = Node.Modules.OfType<AccessModule>().Single();
        var draft = KeyCommands.Prepare(new KeyBody(name, [scope], null, null, tier), access.Tiers).Value;
        return (await Node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => KeyCommands.CreateAsync(draft, access.Ring, tx))).Value.Key;
    }

    public async Task<LimitAnswer> CallAsync(string? key, string path = "/api/v1/orders", string method = "GET", string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var answer = await Http.SendAsync(request);
        return new LimitAnswer((int)answer.StatusCode, One("RateLimit-Policy"), One("RateLimit"), (int?)answer.Headers.RetryAfter?.Delta?.TotalSeconds, await answer.Content.ReadAsStringAsync());

        string? One(string name) => answer.Headers.TryGetValues(name, out var values) ? values.Single() : null;
    }

    /// <summary>As often as this; answers how often it was let through.</summary>
    public async Task<int> CountAsync(string? key, int calls, params (string, string)[] headers)
    {
        var passed = 0;
        for (var i = 0; i < calls; i++) passed += (await CallAsync(key, headers: headers)).Status == 429 ? 0 : 1;
        return passed;
    }

    private async Task StopAsync()
    {
        Http.Dispose();
        await _host.StopAsync();
        await _host.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _test.DisposeAsync();
    }
}
