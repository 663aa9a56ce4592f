using System.Net;
using System.Text.Json;
using Stowline.Bench;
using Stowline.Hub.Access;
using Stowline.Protocol;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: nobody keeps the others waiting by asking too much, and everybody is told how much is left (H7). Method: calls over real HTTP in virtual time, counted to the one.
[Trait("Needs", "server")]
public class RateLimitTests
{
    private static string Code(LimitAnswer answer) => JsonDocument.Parse(answer.Body).RootElement.GetProperty("code").GetString()!;

    [Theory, EveryDatabase]
    public async Task Who_asks_too_much_is_refused_until_the_window_is_over(string store)
    {
        await using var node = await LimitedNode.StartAsync(store, "default=3/1m");
        var key = await node.KeyAsync("shop");
        const string policy = "\"default\";q=3;w=60";
        node.Time.Advance(TimeSpan.FromSeconds(10));
        foreach (var left in new[] { 2, 1, 0 })
            Assert.Equal((200, policy, $"\"default\";r={left};t=50"), Said(await node.CallAsync(key)));
        var refused = await node.CallAsync(key);
        Assert.Equal((429, policy, "\"default\";r=0;t=50"), Said(refused));
        Assert.Equal(50, refused.RetryAfter);
        var problem = JsonDocument.Parse(refused.Body).RootElement;
        Assert.Equal(("rate_limited", 429, "default"),
            (problem.GetProperty("code").GetString(), problem.GetProperty("status").GetInt32(), problem.GetProperty("violated_policies")[0].GetString()));
        Assert.Equal(32, problem.GetProperty("trace_id").GetString()!.Length);

        // Each key has its own; whoever only watches has none.
        Assert.Equal(200, (await node.CallAsync(await node.KeyAsync("other"))).Status);
        foreach (var path in new[] { "/health/live", "/health/ready", "/metrics" }) Assert.Equal((200, null, null), Said(await node.CallAsync(key, path)));
        Assert.Contains("\nstowline_rate_limited_total{caller=\"key\"} 1\n", (await node.CallAsync(key, "/metrics")).Body);

        node.Time.Advance(TimeSpan.FromSeconds(49));
        Assert.Equal((429, 1), ((await node.CallAsync(key)).Status, (await node.CallAsync(key)).RetryAfter));
        node.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((200, policy, "\"default\";r=2;t=60"), Said(await node.CallAsync(key)));
        // What is refused for another reason, or fails, was asked all the same and is told the same.
        Assert.Equal((404, policy, "\"default\";r=1;t=60"), Said(await node.CallAsync(key, "/api/v1/orders/1")));
        Assert.Equal((400, policy, "\"default\";r=0;t=60"), Said(await node.CallAsync(key, "/api/v1/orders", "POST", "{")));

        static (int, string?, string?) Said(LimitAnswer answer) => (answer.Status, answer.Policy, answer.State);
    }

    [Theory, EveryDatabase]
    public async Task A_refused_call_writes_nothing_and_may_be_repeated_with_its_idempotency_key(string store)
    {
        await using var node = await LimitedNode.StartAsync(store, "default=1/1m");
        var key = await node.KeyAsync("buyer");
        const string site = """{"name":"W","type":"warehouse"}""";
        Assert.Equal(200, (await node.CallAsync(key, "/api/v1/sites/WH1", "PUT", site)).Status);
        const string receipt = """{"reference":"PO","lines":[{"sku":"MUG","quantity":1}]}""";
        var refused = await node.CallAsync(key, "/api/v1/sites/WH1/receipts", "POST", receipt, ("Idempotency-Key", "r1"));
        Assert.Equal("rate_limited", Code(refused));
        node.Time.Advance(TimeSpan.FromMinutes(1));
        // The kept answer would be 429 again; this one says what is really wrong with it: the product is missing.
        var again = await node.CallAsync(key, "/api/v1/sites/WH1/receipts", "POST", receipt, ("Idempotency-Key", "r1"));
        Assert.NotEqual("rate_limited", Code(again));
        Assert.NotEqual(429, again.Status);
        node.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("""{"items":[],"next_cursor":null}""", (await node.CallAsync(key, "/api/v1/sites/WH1/movements")).Body);
    }

    /// Method: two nodes on one PostgreSQL, asked in turn and then all at once. What is let through is summed over both.
    [Theory]
    [InlineData(1)]
    [InlineData(97)]
    [InlineData(250)]
    public async Task Two_processes_share_one_budget(int quota)
    {
        if (EveryDatabaseAttribute.Postgres is null && Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") != "1") return;
        await using var one = await LimitedNode.StartAsync("postgres", $"default={quota}/1h");
        var key = await one.KeyAsync("shop");
        await using var other = await one.BesideAsync();
        async Task<int> InTurnAsync()
        {
            var passed = 0;
            for (var i = 0; i < quota + 20; i++) passed += await one.CountAsync(key, 1) + await other.CountAsync(key, 1);
            return passed;
        }
        Assert.Equal(quota, await InTurnAsync());
        Assert.Equal("\"default\";r=0;t=3600", (await other.CallAsync(key)).State);

        one.Time.Advance(TimeSpan.FromHours(1));
        var sums = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => (i % 2 == 0 ? one : other).CountAsync(key, quota / 4 + 4)));
        Assert.Equal(quota, sums.Sum() + await InTurnAsync());
    }

    [Theory, EveryDatabase]
    public async Task A_quota_of_a_day_counts_beside_the_limit_of_a_minute_and_outlives_the_process(string store)
    {
        var node = await LimitedNode.StartAsync(store, "default=5/1m+8/1d");
        try
        {
            var key = await node.KeyAsync("b2b");
            Assert.Equal(5, await node.CountAsync(key, 9));
            Assert.Equal("\"default\";q=5;w=60, \"default/1d\";q=8;w=86400", (await node.CallAsync(key)).Policy);
            node.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(2, await node.CountAsync(key, 2));

            // Of so small a quota portions are single requests, so none is lost with the process that had it in hand.
            node = await node.RestartAsync();
            Assert.Equal(1, await node.CountAsync(key, 5));
            node.Time.Advance(TimeSpan.FromMinutes(1));
            var refused = await node.CallAsync(key);
            Assert.Equal((429, "\"default\";r=5;t=60, \"default/1d\";r=0;t=57480"), (refused.Status, refused.State));
            Assert.Equal(57_480, refused.RetryAfter); // from 08:02 to midnight
            Assert.Contains("\"violated_policies\":[\"default/1d\"]", refused.Body);
            node.Time.Advance(TimeSpan.FromSeconds(57_480));
            Assert.Equal(5, await node.CountAsync(key, 9));
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    [Theory, EveryDatabase]
    public async Task A_key_has_the_limits_of_its_tier_and_may_get_another(string store)
    {
        await using var node = await LimitedNode.StartAsync(store, "default=2/1m,partner=5/1m,free=off");
        var boss = await node.KeyAsync("boss", tier: "free");
        async Task<JsonElement> AskAsync(string method, string path, string body, int status)
        {
            var answer = await node.CallAsync(boss, "/api/v1/keys" + path, method, body);
            Assert.True(answer.Status == status, answer.Body);
            Assert.Null(answer.Policy);
            return JsonDocument.Parse(answer.Body).RootElement;
        }
        var made = await AskAsync("POST", "", """{"name":"acme","scopes":["read"],"tier":"partner"}""", 201);
        Assert.Equal("partner", made.GetProperty("tier").GetString());
        Assert.Equal("default", (await AskAsync("POST", "", """{"name":"plain","scopes":["read"]}""", 201)).GetProperty("tier").GetString());
        foreach (var wrong in new[] { "gold", "address", "" })
            Assert.Equal(["tier"], (await AskAsync("POST", "", $$"""{"name":"x","scopes":["read"],"tier":"{{wrong}}"}""", 400)).GetProperty("errors").EnumerateObject().Select(e => e.Name));
        var key = made.GetProperty("key").GetString();
        Assert.Equal(5, await node.CountAsync(key, 8));

        Assert.Equal("default", (await AskAsync("PUT", "/acme/tier", """{"tier":"default"}""", 200)).GetProperty("tier").GetString());
        await AskAsync("PUT", "/acme/tier", """{"tier":"default"}""", 200);
        node.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, await node.CountAsync(key, 8));
        Assert.Equal(["tier"], (await AskAsync("PUT", "/acme/tier", """{"tier":"gold"}""", 400)).GetProperty("errors").EnumerateObject().Select(e => e.Name));
        Assert.Equal(["tier"], (await AskAsync("PUT", "/acme/tier", "{}", 400)).GetProperty("errors").EnumerateObject().Select(e => e.Name));
        Assert.Equal("key_not_found", (await AskAsync("PUT", "/nobody/tier", """{"tier":"default"}""", 404)).GetProperty("code").GetString());
        var log = JsonDocument.Parse((await node.CallAsync(boss, "/api/v1/events?lane=hub")).Body).RootElement.GetProperty("items").EnumerateArray().ToArray();
        Assert.Equal("""{"key_id":"ID","name":"acme","from":"partner","to":"default"}""",
            Assert.Single(log, e => e.GetProperty("type").GetString() == "key.tier_changed").GetProperty("data").GetRawText().Replace(made.GetProperty("id").GetString()!, "ID"));
    }

    [Theory, EveryDatabase]
    public async Task Callers_without_a_key_are_limited_by_their_address_and_keys_are_not_by_theirs(string store)
    {
        await using var node = await LimitedNode.StartAsync(store, "address=3/1m");
        var key = await node.KeyAsync("shop");
        Assert.Equal(401, (await node.CallAsync(null)).Status);
        Assert.Equal(401, (await node.CallAsync("stow_0123456789abcdef_" + new string('0', 64))).Status);
        Assert.Equal("\"address\";r=0;t=60", (await node.CallAsync(null, "/api/v1/carrier-webhooks/guess", "POST", "{}")).State);
        var refused = await node.CallAsync("stow_0123456789abcdef_" + new string('1', 64));
        Assert.Equal((429, "rate_limited", 60), (refused.Status, Code(refused), refused.RetryAfter));
        Assert.Equal("\"default\";q=600000;w=60", (await node.CallAsync(key)).Policy);
        Assert.Equal(200, (await node.CallAsync(null, "/health/ready")).Status);
        Assert.Contains("\nstowline_rate_limited_total{caller=\"address\"} 1\n", (await node.CallAsync(key, "/metrics")).Body);
    }

    [Fact]
    public async Task A_caller_behind_a_proxy_is_who_the_proxy_says_if_it_is_trusted()
    {
        (string, string) From(string address) => ("X-Forwarded-For", address);
        await using (var open = await LimitedNode.StartAsync("sqlite", "address=3/1m"))
        {
            Assert.Equal(2, await open.CountAsync(null, 2, From("192.0.2.1")));
            Assert.Equal(1, await open.CountAsync(null, 2, From("192.0.2.2"))); // anybody may say that
        }
        await using var node = await LimitedNode.StartAsync("sqlite", "address=3/1m", proxies: "127.0.0.0/8,10.0.0.7");
        Assert.Equal(3, await node.CountAsync(null, 5, From("192.0.2.1")));
        Assert.Equal(3, await node.CountAsync(null, 5, From("192.0.2.2, 10.0.0.7"))); // through two of ours
        Assert.Equal(0, await node.CountAsync(null, 2, From("192.0.2.9, 192.0.2.1"))); // what a caller says of itself comes first and does not count
        Assert.Equal(3, await node.CountAsync(null, 5, From("2001:db8::1")));
        Assert.Equal(0, await node.CountAsync(null, 2, From("2001:db8::ffff:2"))); // the same network
    }

    [Fact]
    public async Task Without_keys_nobody_is_limited_unless_it_was_said()
    {
        await using (var node = await LimitedNode.StartAsync("sqlite", limits: null, auth: "off"))
        {
            Assert.Equal((200, null, null), ((await node.CallAsync(null)).Status, (await node.CallAsync(null)).Policy, (await node.CallAsync(null)).State));
            Assert.DoesNotContain(node.Node.Pumps, p => p is RateSweep);
        }
        await using var said = await LimitedNode.StartAsync("sqlite", "address=2/1m", auth: "off");
        Assert.Equal(2, await said.CountAsync(null, 4));
    }

    [Fact]
    public async Task Over_gRPC_it_is_RESOURCE_EXHAUSTED()
    {
        await using var node = await LimitedNode.StartAsync("sqlite", "default=1/1m");
        var metadata = ("x-api-key", await node.KeyAsync("shop"));
        using var grpc = new GrpcClient(node.Http.BaseAddress!);
        Assert.Equal("order_not_found", (await grpc.CallAsync("/stowline.v1.OrderService/GetOrder", new GetOrderRequest { Id = "1" }, Order.Parser, default, metadata)).Code);
        var refused = await grpc.CallAsync("/stowline.v1.OrderService/GetOrder", new GetOrderRequest { Id = "1" }, Order.Parser, default, metadata);
        Assert.Equal((8, "rate_limited"), (refused.Status, refused.Code));
    }

    /// Method: the table is locked by somebody else, so that the database takes the question and does not answer.
    [Fact]
    public async Task While_the_database_does_not_answer_calls_go_on_by_credit_which_is_told_later()
    {
        if (EveryDatabaseAttribute.Postgres is null && Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE") != "1") return;
        await using var node = await LimitedNode.StartAsync("postgres", "default=20/31d");
        var key = await node.KeyAsync("shop");
        await using var other = await node.BesideAsync();
        Assert.Equal(2, await node.CountAsync(key, 2)); // its first portion
        await using var locker = await node.Node.Database.OpenAsync(readOnly: false, default);
        await locker.BeginAsync(snapshot: false, default);
        await locker.ExecuteAsync("LOCK TABLE access_budgets IN EXCLUSIVE MODE");
        for (var i = 0; i < 3; i++)
        {
            var call = node.CallAsync(key);
            while (!call.IsCompleted)
            {
                node.Time.Advance(TimeSpan.FromMilliseconds(250));
                await Task.WhenAny(call, new Stowline.Log.Signal().WaitAsync(TimeSpan.FromMilliseconds(20), TimeProvider.System, default));
            }
            Assert.Equal(200, (await call).Status);
        }
        await locker.RollbackAsync();
        Assert.Equal(20 - 5, await node.CountAsync(key, 20) + await other.CountAsync(key, 20));
        Assert.Matches("\nstowline_rate_credits_total [1-9]", (await node.CallAsync(key, "/metrics")).Body);
    }

    [Theory]
    [InlineData("default", "'default' is not of the form")]
    [InlineData("default=10", "'10' is no limit")]
    [InlineData("default=0/1m", "'0/1m' is no limit")]
    [InlineData("default=-1/1m", "'-1/1m' is no limit")]
    [InlineData("default=10/0s", "'0s' is no window")]
    [InlineData("default=10/32d", "'32d' is no window")]
    [InlineData("default=10/1m+20/60s", "two limits")]
    [InlineData("Gold=10/1m", "'Gold' is no name")]
    [InlineData("gold\"=10/1m", "is no name")]
    [InlineData("default=1/1s+1/2s+1/3s+1/4s+1/5s", "more than 4")]
    public void What_is_no_limit_is_refused_at_the_start(string text, string why)
    {
        var refused = Assert.Throws<CommandRefusedException>(() => Configuration.Load(new Dictionary<string, string?> { ["rate_limits"] = text }, _ => null, Path.GetTempPath()));
        Assert.Contains("rate_limits: ", refused.Message);
        Assert.Contains(why, refused.Message);
    }

    [Fact]
    public void Settings_change_what_they_name_and_off_is_off()
    {
        var tiers = RateTiers.Parse("partner=10/1s+1000/1d, address=off").Tiers!;
        Assert.Equal("\"partner\";q=10;w=1, \"partner/1d\";q=1000;w=86400", tiers.OfKey("partner").Policy);
        Assert.Equal("\"default\";q=600000;w=60", tiers.OfKey("gone").Policy);
        Assert.Empty(tiers.OfAddress.Limits);
        Assert.Equal(["default", "partner"], tiers.OfKeys);
        Assert.False(RateTiers.Parse("off").Tiers!.Any);
        Assert.Throws<CommandRefusedException>(() => TrustedProxies.Parse("10.0.0.0/8,proxy"));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData(null, "unknown")]
    public void A_network_of_IPv6_is_one_caller(string? address, string caller) => Assert.Equal(caller, RateGate.AddressOf(address is null ? null : IPAddress.Parse(address)));
}
