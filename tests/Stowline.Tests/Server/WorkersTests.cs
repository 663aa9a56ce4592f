using System.Text.Json;
using Stowline.Tests.Support;
using static Stowline.Tests.Server.KeysTests;

namespace Stowline.Tests.Server;

/// Goal: sites know the workers by code and badge, and who has left gets no work. Method: a stranger's calls over real HTTP on both databases.
[Trait("Needs", "server")]
public class WorkersTests
{
    private static Task<JsonElement> PutAsync(ServerNode node, string code, string body, int status = 200) => JsonAsync(node.SendAsync("PUT", "/api/v1/workers/" + code, body), status);

    private static async Task<string> CodesAsync(ServerNode node, string query) =>
        string.Join(' ', (await node.GetAsync("/api/v1/workers?" + query)).GetProperty("items").EnumerateArray().Select(w => w.GetProperty("code").GetString()));

    private static async Task<string?> CodeAsync(Task<JsonElement> problem) => (await problem).GetProperty("code").GetString();

    [Theory, EveryDatabase]
    public async Task Workers_are_kept_found_and_told_to_the_sites_without_their_names(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await PutAsync(node, "mira", """{"name":"Mira Secret","badge":"B_1","sites":["WH1","WH2","WH1"],"roles":["picker"]}""");
        await PutAsync(node, "ben", """{"name":"Ben","badge":"B_2"}""");
        await PutAsync(node, "old%2F1", """{"name":"Old","sites":["WH_1"],"active":false}""");
        var mira = await node.GetAsync("/api/v1/workers/mira");
        Assert.Equal("""{"code":"mira","name":"Mira Secret","badge":"B_1","sites":["WH1","WH2"],"roles":["picker"],"active":true}""", mira.GetRawText());
        Assert.Equal("worker_not_found", await CodeAsync(JsonAsync(node.SendAsync("GET", "/api/v1/workers/nobody"), 404)));

        Assert.Equal("ben mira old/1", await CodesAsync(node, ""));
        Assert.Equal("mira", await CodesAsync(node, "badge=B_1"));
        Assert.Equal("ben mira", await CodesAsync(node, "site=WH1"));
        Assert.Equal("ben", await CodesAsync(node, "site=wh1"));
        Assert.Equal("ben old/1", await CodesAsync(node, "site=WH_1"));
        Assert.Equal("old/1", await CodesAsync(node, "active=false"));
        var first = await node.GetAsync("/api/v1/workers?limit=2");
        Assert.Equal("old/1", await CodesAsync(node, "limit=2&cursor=" + first.GetProperty("next_cursor").GetString()));
        Assert.Equal("code,name,badge,sites,roles,active", (await (await node.SendAsync("GET", "/api/v1/workers?format=csv")).Content.ReadAsStringAsync()).Split('\r', '\n')[0]);

        // Saying the same again is no event.
        await PutAsync(node, "mira", """{"name":"Mira Secret","badge":"B_1","sites":["WH2","WH1"],"roles":["picker"],"active":true}""");
        var told = await node.GetAsync("/api/v1/events?lane=hub/all");
        Assert.Equal(3, told.GetProperty("items").EnumerateArray().Count(e => e.GetProperty("type").GetString() == "worker.saved"));
        Assert.DoesNotContain("Secret", told.GetRawText());
    }

    [Theory, EveryDatabase]
    public async Task A_badge_means_one_person(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        await PutAsync(node, "mira", """{"name":"Mira","badge":"B1"}""");
        Assert.Equal("badge_taken", await CodeAsync(PutAsync(node, "ben", """{"name":"Ben","badge":"B1"}""", 409)));
        Assert.Equal("badge_taken", await CodeAsync(PutAsync(node, "ben", """{"name":"Ben","badge":"mira"}""", 409)));
        Assert.Equal("badge_taken", await CodeAsync(PutAsync(node, "B1", """{"name":"Ben"}""", 409)));
        Assert.Equal("mira", await CodesAsync(node, ""));
        // Given back, it may go to somebody else.
        await PutAsync(node, "mira", """{"name":"Mira"}""");
        await PutAsync(node, "ben", """{"name":"Ben","badge":"B1"}""");
    }

    [Theory]
    [InlineData("x", """{}""", "name")]
    [InlineData("x", """{"name":"X","badge":""}""", "badge")]
    [InlineData("x", """{"name":"X","sites":["a,b"]}""", "sites[0]")]
    [InlineData("x", """{"name":"X","roles":[null]}""", "roles[0]")]
    [InlineData("x", """{"name":"X","active":"no"}""", "active")]
    [InlineData("%7E", """{"name":"X"}""", "code")]
    public async Task What_cannot_be_a_worker_is_refused_by_field(string code, string body, string field)
    {
        await using var node = await ServerNode.StartAsync();
        Assert.Equal([field], (await PutAsync(node, code, body, 400)).GetProperty("errors").EnumerateObject().Select(e => e.Name));
        Assert.Equal("", await CodesAsync(node, ""));
    }

    [Theory, EveryDatabase]
    public async Task A_task_takes_a_name_a_code_or_a_badge_but_nobody_who_is_inactive(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        // One is known before the site is, one after.
        await PutAsync(node, "mira", """{"name":"Mira","badge":"B1"}""");
        var shop = new Warehouse(node.Http, "WH1");
        await shop.OpenAsync();
        await PutAsync(node, "left", """{"name":"Left","badge":"B9","active":false}""");
        foreach (var (given, worker) in new[] { ("B1", "mira"), ("mira", "mira"), ("Some Body ~ 1", "Some Body ~ 1") })
        {
            var order = await shop.PlaceAsync(given);
            var picking = await shop.PickingOfAsync(order);
            foreach (var gone in new[] { "left", "B9" })
                Assert.Equal("worker_inactive", await CodeAsync(JsonAsync(node.SendAsync("POST", $"/api/v1/picking-tasks/{picking}/assign", $$"""{"worker":"{{gone}}"}"""), 409)));
            Assert.Equal(worker, (await shop.PostAsync($"picking-tasks/{picking}/assign", new { worker = given })).GetProperty("worker").GetString());
            Assert.Equal(worker, (await shop.PostAsync($"picking-tasks/{picking}/assign", new { worker })).GetProperty("worker").GetString()); // the same person again
            await shop.PostAsync($"picking-tasks/{picking}/start");
            await shop.PostAsync($"picking-tasks/{picking}/items/1/pick", new { quantity = 2 });
            await shop.PostAsync($"picking-tasks/{picking}/complete");
            var packing = (await shop.GetAsync($"packing-tasks?order={order}")).GetProperty("items")[0].GetProperty("id").GetString();
            Assert.Equal("worker_inactive", await CodeAsync(JsonAsync(node.SendAsync("POST", $"/api/v1/packing-tasks/{packing}/start", """{"worker":"B9"}"""), 409)));
            Assert.Equal(worker, (await shop.PostAsync($"packing-tasks/{packing}/start", new { worker = given })).GetProperty("worker").GetString());
        }
        // Somebody leaves: no new work from the answer on. Somebody comes back.
        var next = await shop.PickingOfAsync(await shop.PlaceAsync("next"));
        await PutAsync(node, "mira", """{"name":"Mira","badge":"B1","active":false}""");
        Assert.Equal("worker_inactive", await CodeAsync(JsonAsync(node.SendAsync("POST", $"/api/v1/picking-tasks/{next}/assign", """{"worker":"mira"}"""), 409)));
        await PutAsync(node, "left", """{"name":"Left","badge":"B9"}""");
        Assert.Equal("left", (await shop.PostAsync($"picking-tasks/{next}/assign", new { worker = "B9" })).GetProperty("worker").GetString());
        Assert.True((await node.GetAsync("/api/v1/system/verify")).GetProperty("ok").GetBoolean());
    }
}
