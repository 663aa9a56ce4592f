using Stowline.Hub.Access;
using Stowline.Server.Smoke;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: the smoke test passes on what works, fails on what does not, and leaves nothing open behind (H8). Method: real HTTP.
[Trait("Needs", "server")]
public class SmokeTests
{
    private static async Task<SmokeRun> RunAsync(HttpClient http, string run)
    {
        var smoke = new SmokeRun(new SmokeCalls(http, TimeProvider.System) { Run = run }, TimeProvider.System, "SMOKE", _ => { });
        await smoke.RunAsync(default);
        return smoke;
    }

    private static string Problems(SmokeRun run) => string.Join("\n", run.Steps.Where(s => s.Problem is not null).Select(s => $"{s.Name}: {s.Problem}"));

    [Theory, EveryDatabase]
    public async Task An_installation_that_works_passes_again_and_again_and_is_left_clean(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        for (var i = 0; i < 2; i++)
        {
            var run = await RunAsync(node.Http, $"run{i}");
            Assert.True(run.Ok, Problems(run));
            Assert.Equal(11, run.Steps.Count);
        }
        Assert.Empty((await node.GetAsync("/api/v1/sites/SMOKE/stock")).GetProperty("items").EnumerateArray());
        Assert.False((await node.GetAsync("/api/v1/sites/SMOKE")).GetProperty("active").GetBoolean());
        Assert.Equal(["shipped", "cancelled"], (await node.GetAsync("/api/v1/orders")).GetProperty("items").EnumerateArray().Select(o => o.GetProperty("status").GetString()).Distinct().Order().Reverse());
        Assert.True((await node.GetAsync("/api/v1/system/verify")).GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task What_breaks_in_the_middle_is_named_and_what_is_open_is_taken_back()
    {
        await using var node = await ServerNode.StartAsync();
        using var broken = new HttpClient(new Broken(path => path.EndsWith("/complete", StringComparison.Ordinal) && path.Contains("/packing-tasks/"))) { BaseAddress = node.Url };
        var run = await RunAsync(broken, "run");
        Assert.False(run.Ok);
        Assert.Contains("pack and ship", Problems(run));
        Assert.Contains("answered 500", Problems(run));
        // Two units were never picked and one was: all three are out again, and the order is not left open.
        Assert.Equal("clean up", run.Steps[^1].Name);
        Assert.Null(run.Steps[^1].Problem);
        Assert.Equal(["cancelled"], (await node.GetAsync("/api/v1/orders")).GetProperty("items").EnumerateArray().Select(o => o.GetProperty("status").GetString()));
        Assert.Empty((await node.GetAsync("/api/v1/sites/SMOKE/stock")).GetProperty("items").EnumerateArray());
    }

    [Fact]
    public async Task Without_a_key_the_first_call_says_so()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        var run = await RunAsync(node.Http, "run");
        Assert.False(run.Ok);
        Assert.Contains("401", Problems(run));
    }

    [Fact]
    public async Task The_scopes_that_the_command_names_are_enough()
    {
        await using var node = await ServerNode.StartAsync(auth: "keys");
        node.Http.DefaultRequestHeaders.Authorization = new("Bearer", await KeysTests.MakeAsync(node.Node, "smoke", [KeyScope.Orders, KeyScope.Stock, KeyScope.Tasks]));
        var run = await RunAsync(node.Http, "run");
        Assert.True(run.Ok, Problems(run));
    }

    /// Answers some calls with a fault, as an installation would whose disk is full.
    private sealed class Broken(Func<string, bool> fails) : DelegatingHandler(new HttpClientHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct) => fails(request.RequestUri!.AbsolutePath)
            ? Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.InternalServerError) { Content = new StringContent("{}") }) : base.SendAsync(request, ct);
    }
}
