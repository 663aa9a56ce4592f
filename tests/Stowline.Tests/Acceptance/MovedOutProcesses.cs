using System.Net.Http.Json;
using Stowline.Bench;
using Stowline.Tests.Support;
using static Stowline.Tests.Acceptance.SiteProcesses;

namespace Stowline.Tests.Acceptance;

/// Goal: a hub that has served a warehouse gives it to a node of its own, as users do it: the command beside the running hub, the folder that it makes, a process on that. What was begun at the hub ends at the
/// site, also what was asked twice. Method: the real executable, `kill -9` of the hub right after the hand-over, HTTP only.
[Trait("Needs", "server")]
public class MovedOutProcesses
{
    [Theory, EveryDatabase]
    public async Task A_warehouse_moves_out_of_a_running_hub(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _1 = drop;
        var (parent, _, dropSite) = await OwnDatabase.MakeAsync("sqlite");
        await using var _2 = dropSite;
        var siteFolder = Path.Combine(parent, "wh2");
        var first = await RunningServer.StartAsync(folder, database);
        await first.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
        await first.SendAsync(HttpMethod.Put, "sites/WH2", new { name = "WH2", type = "warehouse" });
        await first.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
        await first.SendAsync(HttpMethod.Put, "sites/WH2/bins/S-1", new { zone = "S" });
        Assert.Equal((201, false), await ReceiveOnceAsync(first));
        await OrdersAsync(first, 0, 5);
        await first.DrainAsync();
        await ShipAsync(first, 2);

        string[] command = ["sites", "move-out", "WH2", "--url", first.Address.ToString(), "--to", siteFolder];
        var moved = await CommandAsync(null, command);
        Assert.True(moved.GetProperty("ok").GetBoolean());
        await RefusedAsync(first, HttpMethod.Post, "sites/WH2/receipts", 409, "site_is_remote");
        Assert.Equal(3, (await first.GetAsync("picking-tasks?site=WH2&status=pending")).GetProperty("items").EnumerateArray().Count(t => t.TryGetProperty("as_of", out _)));
        Assert.Equal(98, (await first.GetAsync("sites/WH2/stock")).GetProperty("items").EnumerateArray().Sum(i => i.GetProperty("on_hand").GetInt64()));
        await first.KillAsync();
        await first.DisposeAsync();

        // The hub does not run: the same on its data. The folder of before is good for nothing now, since its key is not.
        Directory.Delete(siteFolder, recursive: true);
        string[] again = [.. command[..4], "http://127.0.0.1:9", .. command[5..], "--data", folder];
        var key = (await CommandAsync(database, again)).GetProperty("key").GetString()!;

        await using var hub = await RunningServer.StartAsync(folder, database);
        await using var line = new LinkLine(hub.Address.Port);
        line.Cut();
        await using var site = await RunningServer.StartAsync(siteFolder, null, "--site", "WH2", "--hub", $"http://127.0.0.1:{line.Port}", "--key", key);
        Assert.Equal((201, true), await ReceiveOnceAsync(site)); // asked again at the new door: answered as before, and not received twice
        await ShipAsync(site, 1);
        await OrdersAsync(hub, 5, 4); // sold from what it was granted
        line.Heal();
        await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2&limit=200") == 9);
        await ShipAsync(site, 6);
        await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped&limit=200") == 9);
        await RestoredProcesses.EqualBooksAsync(hub, site);
        Assert.Equal((91L, 9), (await AvailableAsync(hub, "A"), await CountAsync(site, "shipments?site=WH2&limit=200")));
        await hub.VerifyAsync();
        await site.VerifyAsync();
        Assert.Equal(0, await site.StopAsync());
        Assert.Equal(0, await hub.StopAsync());
    }

    [Fact]
    public async Task A_code_is_enough_to_move_a_warehouse_out()
    {
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var __ = drop;
        var data = Path.Combine(folder, "hub");
        await using (var hub = await RunningServer.StartAsync(data, null))
        {
            await hub.SendAsync(HttpMethod.Put, "sites/WH2", new { name = "WH2", type = "warehouse" });
            await hub.StopAsync();
        }
        // Port 9 discards what it gets, and nobody listens there: so it is done on the data.
        var moved = await CommandInAsync(folder, new Dictionary<string, string> { ["STOWLINE__PORT"] = "9" }, "sites", "move-out", "WH2", "--data", data);
        Assert.Equal("http://127.0.0.1:9/", moved.GetProperty("hub").GetString());
        await using var site = await RunningServer.StartAsync(Path.Combine(folder, "WH2"), null, "--site", "WH2", "--hub", "http://127.0.0.1:9", "--key", moved.GetProperty("key").GetString()!);
        await site.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
        await site.VerifyAsync();
    }

    /// Zones and bins that were drawn at the hub come along with a site that is joined; without its hub such a node does not begin.
    [Theory, EveryDatabase]
    public async Task A_site_whose_bins_were_made_at_the_hub_joins_with_them(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var _1 = drop;
        var (siteFolder, siteDatabase, dropSite) = await OwnDatabase.MakeAsync(store);
        await using var _2 = dropSite;
        await using var hub = await RunningServer.StartAsync(folder, database);
        await hub.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
        await hub.SendAsync(HttpMethod.Put, "sites/WH2", new { name = "WH2", type = "warehouse" });
        await hub.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
        await hub.SendAsync(HttpMethod.Put, "sites/WH2/bins/S-1", new { zone = "S" });
        var key = await JoinAsync(hub);
        await using var line = new LinkLine(hub.Address.Port);
        string[] flags = ["--site", "WH2", "--hub", $"http://127.0.0.1:{line.Port}", "--key", key];
        line.Cut();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => RunningServer.StartAsync(siteFolder, siteDatabase, flags));
        Assert.Contains("cannot be reached", refused.Message, StringComparison.Ordinal);
        line.Heal();
        await using (var site = await RunningServer.StartAsync(siteFolder, siteDatabase, flags))
        {
            Assert.Contains("S-1", (await site.GetAsync("sites/WH2/bins")).GetProperty("items").EnumerateArray().Select(b => b.GetProperty("bin").GetString()));
            await UntilAsync(site, async () => await CountAsync(site, "products") == 1);
            await site.SendAsync(HttpMethod.Post, "sites/WH2/receipts", new { reference = "PO", lines = new[] { new { sku = "A", quantity = 5, bin = "S-1" } } }, expect: 201);
            await UntilAsync(hub, async () => await AvailableAsync(hub, "A") == 5);
            await OrdersAsync(hub, 0, 2);
            await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2") == 2);
            await ShipAsync(site, 2);
            await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped") == 2);
            await site.VerifyAsync();
        }
        // Begun once, it needs no hub to begin again.
        line.Cut();
        await using var later = await RunningServer.StartAsync(siteFolder, siteDatabase, flags);
        Assert.Equal(3, (await later.GetAsync("sites/WH2/stock")).GetProperty("items")[0].GetProperty("on_hand").GetInt64());
        await hub.VerifyAsync();
    }

    /// <summary>The status, and whether it was the answer to an earlier request.</summary>
    private static async Task<(int Status, bool Replayed)> ReceiveOnceAsync(RunningServer node)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "sites/WH2/receipts") { Content = JsonContent.Create(Receipt(100)) };
        request.Headers.Add("Idempotency-Key", "po-1");
        using var answer = await node.Http.SendAsync(request);
        return ((int)answer.StatusCode, answer.Headers.Contains("Idempotent-Replayed"));
    }
}
