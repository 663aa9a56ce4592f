using System.Text.Json;
using Stowline.Hub.Access;
using Stowline.Log;
using Stowline.Server;
using Stowline.Server.Hosting;
using Stowline.Tests.House;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: nobody gets past the door without a good key, and who did get past stands in the log. Method: a stranger's calls over real HTTP.
[Trait("Needs", "server")]
public class KeysTests
{
    internal static async Task<string> MakeAsync(Node node, string name, KeyScope[] scopes, params string[] sites)
    {
        var draft = KeyCommands.Prepare(new KeyBody(name, scopes, sites)).Value;
        var ring = node.Modules.OfType<AccessModule>().Single().Ring;
        return (await node.Lanes.ExecuteAsync(Lane.Hub, Caller.System, tx => KeyCommands.CreateAsync(draft, ring, tx))).Value.Key;
    }

    internal static Task<HttpResponseMessage> CallAsync(ServerNode node, string? key, string method, string path, string? body = null, params (string, string)[] headers) =>
        node.SendAsync(method, path, body, "application/json", key is null ? headers : [.. headers, ("Authorization", "Bearer " + key)]);

    internal static async Task<JsonElement> JsonAsync(Task<HttpResponseMessage> call, int status = 200)
    {
        using var answer = await call;
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    [Theory, EveryDatabase]
    public async Task Without_a_good_key_there_is_only_health(string store)
    {
        await using var node = await ServerNode.StartAsync(store, auth: "keys");
        var good = await MakeAsync(node.Node, "reader", [KeyScope.Read]);
        Assert.Equal(200, (int)(await CallAsync(node, null, "GET", "/health/live")).StatusCode);
        Assert.Equal(200, (int)(await CallAsync(node, null, "GET", "/health/ready")).StatusCode);
        var wrongSecret = good[..^1] + (good[^1] == '0' ? '1' : '0');
        foreach (var key in new[] { null, "", "nonsense", wrongSecret, good.ToUpperInvariant(), good + "0", good[..^1] + "_" })
        {
            foreach (var path in new[] { "/api/v1/orders", "/API/V1/keys", "/api/v1/nowhere", "/metrics", "/api/v1/system/status" })
            {
                using var answer = await CallAsync(node, key, "GET", path);
                var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
                Assert.Equal((401, "unauthenticated"), ((int)answer.StatusCode, problem.GetProperty("code").GetString()));
                Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
                Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
            }
        }
        Assert.Equal(401, (int)(await node.SendAsync("GET", "/api/v1/orders", headers: ("Authorization", "Basic " + good))).StatusCode);
        Assert.Equal(200, (int)(await CallAsync(node, good, "GET", "/api/v1/orders")).StatusCode);
        Assert.Equal(200, (int)(await CallAsync(node, good, "GET", "/metrics")).StatusCode);
        Assert.Equal(404, (int)(await CallAsync(node, good, "GET", "/api/v1/nowhere")).StatusCode);
    }

    [Theory, EveryDatabase]
    public async Task The_name_of_the_key_stands_in_events_and_movements(string store)
    {
        await using var node = await ServerNode.StartAsync(store, auth: "keys");
        var key = await MakeAsync(node.Node, "stock robot", [KeyScope.Stock]);
        foreach (var (method, path, body) in new[]
                 {
                     ("PUT", "sites/WH1", """{"name":"W","type":"warehouse"}"""), ("PUT", "sites/WH1/zones/A", """{"type":"storage"}"""),
                     ("PUT", "sites/WH1/bins/A-1", """{"zone":"A"}"""), ("PUT", "products/MUG", """{"name":"Mug","price":{"amount":"1.00","currency":"EUR"}}"""),
                     ("POST", "sites/WH1/receipts", """{"reference":"PO","lines":[{"sku":"MUG","quantity":1,"bin":"A-1"}]}"""),
                 })
            Assert.True((await CallAsync(node, key, method, "/api/v1/" + path, body, ("Stowline-Actor", "somebody else"))).IsSuccessStatusCode, path);
        var movement = (await JsonAsync(CallAsync(node, key, "GET", "/api/v1/sites/WH1/movements"))).GetProperty("items")[0];
        Assert.Equal("stock robot", movement.GetProperty("actor").GetString());
        var events = (await JsonAsync(CallAsync(node, key, "GET", "/api/v1/events?lane=hub/all"))).GetProperty("items").EnumerateArray();
        Assert.All(events, e => Assert.Equal("stock robot", e.GetProperty("actor").GetString()));
    }

    [Theory, EveryDatabase]
    public async Task Keys_are_made_and_revoked_while_the_node_runs_and_a_revoke_counts_at_once(string store)
    {
        await using var node = await ServerNode.StartAsync(store, auth: "keys");
        var boss = await MakeAsync(node.Node, "boss", [KeyScope.Admin]);
        const string wanted = """{"name":"shop/web","scopes":["orders","read"],"sites":[]}""";
        var made = await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/keys", wanted, ("Idempotency-Key", "i1")), 201);
        var key = made.GetProperty("key").GetString()!;
        Assert.Equal("key_name_taken", (await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/keys", wanted, ("Idempotency-Key", "i1")), 409)).GetProperty("code").GetString());
        Assert.Equal(200, (int)(await CallAsync(node, key, "GET", "/api/v1/orders")).StatusCode);

        var revoked = await JsonAsync(CallAsync(node, boss, "DELETE", "/api/v1/keys/shop%2Fweb"));
        Assert.Equal("boss", revoked.GetProperty("revoked_by").GetString());
        Assert.Equal(401, (int)(await CallAsync(node, key, "GET", "/api/v1/orders")).StatusCode);
        Assert.Equal(revoked.ToString(), (await JsonAsync(CallAsync(node, boss, "DELETE", "/api/v1/keys/shop%2Fweb"))).ToString());
        Assert.Equal("key_not_found", (await JsonAsync(CallAsync(node, boss, "DELETE", "/api/v1/keys/nobody"), 404)).GetProperty("code").GetString());

        // The name is free again: that is how a key is exchanged for a new one.
        var next = (await JsonAsync(CallAsync(node, boss, "POST", "/api/v1/keys", wanted), 201)).GetProperty("key").GetString()!;
        Assert.Equal(200, (int)(await CallAsync(node, next, "GET", "/api/v1/orders")).StatusCode);
        Assert.Equal(401, (int)(await CallAsync(node, key, "GET", "/api/v1/orders")).StatusCode);

        // Neither secrets nor their hashes are in lists or in the log.
        var first = await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/keys?limit=2"));
        var rest = await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/keys?limit=2&cursor=" + Uri.EscapeDataString(first.GetProperty("next_cursor").GetString()!)));
        Assert.Equal(["boss", "shop/web", "shop/web"], first.GetProperty("items").EnumerateArray().Concat(rest.GetProperty("items").EnumerateArray()).Select(k => k.GetProperty("name").GetString()));
        var log = await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/events?lane=hub"));
        Assert.Equal(["key.created", "key.created", "key.revoked", "key.created"], log.GetProperty("items").EnumerateArray().Select(e => e.GetProperty("type").GetString()));
        var all = first.ToString() + rest + log;
        foreach (var secret in new[] { key, next })
        {
            KeyText.TryParse(secret, out _, out var hash);
            Assert.DoesNotContain(secret.Split('_')[2], all);
            Assert.DoesNotContain(Convert.ToHexStringLower(hash), all);
            Assert.DoesNotContain(Convert.ToBase64String(hash), all);
        }
        var report = await JsonAsync(CallAsync(node, boss, "GET", "/api/v1/system/verify"));
        Assert.True(report.GetProperty("ok").GetBoolean(), report.ToString());
    }

    [Theory]
    [InlineData("""{"scopes":["read"]}""", "name")]
    [InlineData("""{"name":"x","scopes":[]}""", "scopes")]
    [InlineData("""{"name":"x","scopes":["everything"]}""", "scopes[0]")]
    [InlineData("""{"name":"System","scopes":["read"]}""", "name")]
    [InlineData("""{"name":"x","scopes":["read"],"sites":["a,b"]}""", "sites[0]")]
    [InlineData("""{"name":"x","scopes":["admin"],"sites":["WH1"]}""", "sites")]
    [InlineData("""{"name":"x","scopes":["stock"],"sellers":["Nord"]}""", "sellers")]
    [InlineData("""{"name":"x","scopes":["admin"],"sellers":["Nord"]}""", "sellers")]
    [InlineData("""{"name":"x","scopes":["read"],"sellers":["Nord"," "]}""", "sellers[1]")]
    [InlineData("""{"name":"x","scopes":["read"],"sellers":[null]}""", "sellers[0]")]
    public async Task What_cannot_be_a_key_is_refused_by_field(string body, string field)
    {
        await using var node = await ServerNode.StartAsync();
        var problem = await JsonAsync(CallAsync(node, null, "POST", "/api/v1/keys", body), 400);
        Assert.Equal([field], problem.GetProperty("errors").EnumerateObject().Select(e => e.Name));
    }

    [Theory, EveryDatabase]
    public async Task What_another_process_changes_is_noticed_when_the_memory_is_old(string store)
    {
        await using var test = await TestNode.StartAsync(store);
        var (here, elsewhere) = (new KeyRing(), new KeyRing());
        var draft = KeyCommands.Prepare(new KeyBody("k", [KeyScope.Read], null)).Value;
        await test.RunAsync(Lane.Hub, tx => KeyCommands.CreateAsync(draft, here, tx));
        Assert.Equal("k", (await elsewhere.FindAsync(test.Database, draft.Key))?.Name);
        await test.RunAsync(Lane.Hub, tx => KeyCommands.RevokeAsync("k", here, tx));
        Assert.Null(await here.FindAsync(test.Database, draft.Key));
        Assert.NotNull(await elsewhere.FindAsync(test.Database, draft.Key));
        test.Time.Advance(KeyRing.Lifetime);
        Assert.Null(await elsewhere.FindAsync(test.Database, draft.Key));
    }

    [Fact]
    public void Hashes_are_compared_in_constant_time_and_secrets_come_from_the_system()
    {
        string Source(string file) => File.ReadAllText(Path.Combine(Repository.Find(), "src", "Stowline", "Hub", "Access", file));
        Assert.Contains("CryptographicOperations.FixedTimeEquals(hash, found.Hash ?? Nobody)", Source("KeyRing.cs"));
        Assert.DoesNotContain("SequenceEqual", Source("KeyRing.cs"));
        Assert.Contains("RandomNumberGenerator.GetBytes(SecretLength / 2)", Source("KeyText.cs"));
    }

    [Fact]
    public async Task With_keys_it_may_listen_anywhere()
    {
        await using var test = await TestNode.StartAsync("sqlite");
        await using var host = ServerHost.Build(test.Node, new Configuration { Listen = "0.0.0.0", Port = 0, Auth = "keys" });
    }
}
