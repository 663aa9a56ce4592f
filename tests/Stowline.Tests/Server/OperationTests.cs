using System.Text.Json;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

public class OperationTests
{
    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task A_running_node_tells_how_it_stands(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        Assert.Equal("alive", (await node.GetAsync("/health/live")).GetProperty("status").GetString());
        Assert.Equal("ready", (await node.GetAsync("/health/ready")).GetProperty("status").GetString());
        await node.SendAsync("POST", "/api/v1/system/erasures", """{"email":"a@b.c"}""");
        var status = await node.GetAsync("/api/v1/system/status");
        var lane = status.GetProperty("lanes").EnumerateArray().Single(l => l.GetProperty("name").GetString() == "hub/all");
        Assert.Equal((1, 1), (lane.GetProperty("head").GetInt64(), lane.GetProperty("incarnation").GetInt32()));
        Assert.True(status.GetProperty("database_bytes").GetInt64() > 0);
        Assert.Contains(status.GetProperty("pumps").EnumerateArray(), p => p.GetProperty("name").GetString()!.StartsWith("writer", StringComparison.Ordinal));
        var verify = await node.GetAsync("/api/v1/system/verify");
        Assert.True(verify.GetProperty("ok").GetBoolean());
        Assert.Equal("ok", verify.GetProperty("checks").GetProperty("lanes").GetString());
    }

    [Fact]
    public async Task A_lane_is_read_as_cloud_events_from_any_position()
    {
        await using var node = await ServerNode.StartAsync();
        for (var i = 0; i < 3; i++)
            await node.SendAsync("POST", "/api/v1/system/erasures", $$"""{"email":"{{i}}@b.c"}""", headers: ("Stowline-Actor", "anna"));
        var page = await node.GetAsync("/api/v1/events?lane=hub/all&after=1&limit=1");
        var e = page.GetProperty("items").EnumerateArray().Single();
        Assert.Equal(2, page.GetProperty("next_after").GetInt64());
        Assert.Equal(("1.0", "person.erased", "anna", 2), (e.GetProperty("specversion").GetString(), e.GetProperty("type").GetString(), e.GetProperty("actor").GetString(), e.GetProperty("position").GetInt32()));
        Assert.True(e.GetProperty("data").TryGetProperty("person_id", out _));
        Assert.Equal(3, (await node.GetAsync("/api/v1/events?lane=hub/all&after=3")).GetProperty("next_after").GetInt64());
        foreach (var (query, status) in new[] { ("lane=nowhere", 404), ("", 400), ("lane=hub&after=-1", 400), ("lane=hub&limit=1001", 400), ("lane=hub&limit=x", 400) })
            Assert.Equal(status, (int)(await node.SendAsync("GET", "/api/v1/events?" + query)).StatusCode);
    }

    [Fact]
    public async Task Metrics_are_text_that_prometheus_reads()
    {
        await using var node = await ServerNode.StartAsync();
        await node.SendAsync("POST", "/api/v1/system/erasures", """{"email":"a@b.c"}""");
        var text = await node.Http.GetStringAsync("/metrics");
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, l => Assert.Matches("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? (\+Inf|-?[0-9.E+-]+))$""", l));
        Assert.Equal(lines.Where(l => l.StartsWith("# TYPE", StringComparison.Ordinal)).Distinct().Count(), lines.Count(l => l.StartsWith("# TYPE", StringComparison.Ordinal)));
        foreach (var name in new[] { "stowline_commands_total ", "stowline_group_seconds_bucket{le=\"+Inf\"} ", "stowline_lane_events_total{lane=\"hub/all\"} 1", "process_cpu_seconds_total " })
            Assert.Contains(lines, l => l.StartsWith(name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_repeated_idempotency_key_is_answered_with_the_first_answer()
    {
        await using var node = await ServerNode.StartAsync();
        async Task<HttpResponseMessage> EraseAsync(string email) =>
            await node.SendAsync("POST", "/api/v1/system/erasures", $$"""{"email":"{{email}}"}""", headers: ("Idempotency-Key", "k1"));
        var (first, again, other) = (await EraseAsync("a@b.c"), await EraseAsync("a@b.c"), await EraseAsync("x@y.z"));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal("true", again.Headers.GetValues("Idempotent-Replayed").Single());
        Assert.Equal(422, (int)other.StatusCode);
    }

    [Fact]
    public async Task Parked_events_are_listed_and_unknown_ones_refused()
    {
        await using var node = await ServerNode.StartAsync();
        Assert.Equal(0, (await node.GetAsync("/api/v1/system/parked")).GetProperty("items").GetArrayLength());
        Assert.Equal(404, (int)(await node.SendAsync("POST", "/api/v1/system/parked/resume", """{"consumer":"x","lane":"hub","subject":"s"}""")).StatusCode);
        Assert.Equal(400, (int)(await node.SendAsync("POST", "/api/v1/system/parked/discard", """{"consumer":"x","lane":"hub","subject":"s"}""")).StatusCode);
        Assert.Equal(400, (int)(await node.SendAsync("GET", "/api/v1/system/parked?cursor=nonsense")).StatusCode);
    }

    [Fact]
    public async Task Stopping_answers_what_was_accepted()
    {
        var node = await ServerNode.StartAsync();
        var requests = Enumerable.Range(0, 200).Select(i => node.SendAsync("POST", "/api/v1/system/erasures", $$"""{"email":"{{i}}@b.c"}""")).ToArray();
        await Task.WhenAny(requests);
        // Those that never reached the server find a closed door; those that did are answered with success, not cut off.
        var statuses = Task.WhenAll(requests.Select(async r => { try { return (int)(await r).StatusCode; } catch (HttpRequestException) { return 0; } }));
        await node.StopAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Subset(new HashSet<int> { 0, 200 }, (await statuses.WaitAsync(TimeSpan.FromMinutes(1))).ToHashSet());
        await node.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
    }
}

public class ConfigurationTests
{
    [Fact]
    public void Flags_win_over_the_environment_which_wins_over_the_file()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        File.WriteAllText(Path.Combine(folder, "stowline.json"), """{"port": 1, "data": "file", "database": "sqlite:file.db"}""");
        var environment = new Dictionary<string, string> { ["STOWLINE__PORT"] = "2", ["STOWLINE__DATA"] = "environment" };
        var configuration = Configuration.Load(new Dictionary<string, string?> { ["port"] = "3" }, environment.GetValueOrDefault, folder);
        Assert.Equal((3, "environment", "file.db"), (configuration.Port, configuration.Data, configuration.SqlitePath));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("""{"prot": 1}""", "prot")]
    [InlineData("""{"port": 99999}""", "port")]
    [InlineData("""{"auth": "maybe"}""", "auth")]
    [InlineData("""{"database": "mysql://x"}""", "database")]
    [InlineData("""{"redis": "localhost"}""", "redis begins with host:port")]
    [InlineData("""{"rabbitmq": "localhost"}""", "rabbitmq begins with amqp")]
    [InlineData("""{"port": """, "JSON")]
    public void What_is_not_understood_is_refused(string json, string names)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        File.WriteAllText(Path.Combine(folder, "stowline.json"), json);
        var refused = Assert.Throws<CommandRefusedException>(() => Configuration.Load(new Dictionary<string, string?>(), _ => null, folder));
        Assert.Contains(names, refused.Message);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Without_keys_it_listens_on_loopback_only()
    {
        await using var node = await TestNode.StartAsync("sqlite");
        Assert.Throws<CommandRefusedException>(() => ServerHost.Build(node.Node, new Configuration { Listen = "0.0.0.0" }));
    }
}
