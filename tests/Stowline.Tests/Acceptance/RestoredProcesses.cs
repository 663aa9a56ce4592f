using Stowline.Bench;
using Stowline.Tests.Support;
using static Stowline.Tests.Acceptance.SiteProcesses;

namespace Stowline.Tests.Acceptance;

/// Goal: a site's node, and then its hub, lose their disks and are restored from a backup that is older than what they have done, as users do it; nothing that the other side knows of is
/// lost, and an operator decides when they go on. Method: the real executable, `kill -9`, `stowline backup` and `restore`, HTTP only.
[Trait("Needs", "server")]
public class RestoredProcesses
{
    [Theory, EveryDatabase]
    public async Task A_site_and_its_hub_come_back_from_older_backups(string store)
    {
        var (hubFolder, hubDatabase, dropHub) = await OwnDatabase.MakeAsync(store);
        var (again, hubAgain, dropAgain) = await OwnDatabase.MakeAsync(store);
        var (siteFolder, _, dropSite) = await OwnDatabase.MakeAsync("sqlite");
        var (siteAgain, _, dropSiteAgain) = await OwnDatabase.MakeAsync("sqlite");
        await using var _1 = dropHub;
        await using var _2 = dropAgain;
        await using var _3 = dropSite;
        await using var _4 = dropSiteAgain;
        var (siteBackup, hubBackup) = (Path.Combine(again, "site.stow"), Path.Combine(again, "hub.stow"));
        var hub = await RunningServer.StartAsync(hubFolder, hubDatabase);
        await hub.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
        var key = await JoinAsync(hub);
        await using var line = new LinkLine(hub.Address.Port);
        string[] flags = ["--site", "WH2", "--hub", $"http://127.0.0.1:{line.Port}", "--key", key];

        await using (var first = await RunningServer.StartAsync(siteFolder, null, flags))
        {
            await first.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
            await first.SendAsync(HttpMethod.Put, "sites/WH2/bins/S-1", new { zone = "S" });
            await first.SendAsync(HttpMethod.Post, "sites/WH2/receipts", Receipt(20), expect: 201);
            await UntilAsync(hub, async () => await AvailableAsync(hub, "A") == 20);
            await CommandAsync(null, "backup", siteBackup, "--data", siteFolder);
            await OrdersAsync(hub, 0, 5);
            await UntilAsync(first, async () => await CountAsync(first, "picking-tasks?site=WH2&limit=200") == 5);
            await ShipAsync(first, 3);
            await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped&limit=200") == 3);
            await first.KillAsync();
        }

        await CommandAsync(null, "restore", siteBackup, "--data", siteAgain);
        await using var site = await RunningServer.StartAsync(siteAgain, null, flags);
        await RefusedAsync(site, HttpMethod.Post, "sites/WH2/receipts", 503, "restored");
        await UntilAsync(site, async () => await StageAsync(site) == "heard");
        await CommandAsync(null, "link", "repair", "WH2", "--url", site.Address.ToString());
        await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2&status=pending&limit=200") == 2);
        await EqualBooksAsync(hub, site);
        Assert.Equal(3, await CountAsync(site, "shipments?site=WH2&limit=200"));

        await CommandAsync(hubDatabase, "backup", hubBackup, "--data", hubFolder);
        await OrdersAsync(hub, 5, 4);
        await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2&limit=200") == 9);
        await ShipAsync(site, 4);
        await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped&limit=200") == 7);
        await hub.KillAsync();
        await hub.DisposeAsync();

        await CommandAsync(hubAgain, "restore", hubBackup, "--data", again);
        await using var second = await RunningServer.StartAsync(again, hubAgain);
        line.Target = second.Address.Port;
        await RefusedAsync(second, HttpMethod.Post, "orders", 503, "restored", new { channel = "web", external_id = "x", lines = new[] { new { sku = "A", quantity = 1 } } });
        await UntilAsync(second, async () => await StageAsync(second) == "heard");
        await second.SendAsync(HttpMethod.Post, "links/WH2/repair");
        await UntilAsync(second, async () => await CountAsync(second, "orders?status=shipped&limit=200") == 7);
        Assert.Equal(9, await CountAsync(second, "orders?limit=200"));
        await ShipAsync(site, 2);
        await UntilAsync(second, async () => await CountAsync(second, "orders?status=shipped&limit=200") == 9);
        await EqualBooksAsync(second, site);
        Assert.Equal(11, await AvailableAsync(second, "A"));
        await second.VerifyAsync();
        await site.VerifyAsync();
        Assert.Equal(0, await site.StopAsync());
        Assert.Equal(0, await second.StopAsync());
    }

    private static async Task<string?> StageAsync(RunningServer node) =>
        (await node.GetAsync("links")).GetProperty("items")[0].GetProperty("repair") is { ValueKind: System.Text.Json.JsonValueKind.Object } repair ? repair.GetProperty("state").GetString() : null;

    /// <summary>When the hub has all that the site has written, and its consumers have read it, its copies are as the site's books are.</summary>
    internal static async Task EqualBooksAsync(RunningServer hub, RunningServer site)
    {
        async Task<bool> HasAllAsync() => (await hub.GetAsync("links")).GetProperty("items")[0] is var link && link.GetProperty("state").GetString() == "connected"
            && link.GetProperty("in").GetProperty("lag_events").GetInt64() == 0 && (await hub.HeadsAsync())["site/WH2"] == (await site.HeadsAsync())["site/WH2"];
        await site.DrainAsync();
        await UntilAsync(hub, HasAllAsync);
        await hub.DrainAsync();
        await EqualAsync(hub, site, "sites/WH2/stock?limit=200", i => $"{i.GetProperty("sku")} {i.GetProperty("bin")} {i.GetProperty("on_hand")} {i.GetProperty("reserved")}");
        await EqualAsync(hub, site, "picking-tasks?site=WH2&limit=200", i => $"{i.GetProperty("number")} {i.GetProperty("status")} {i.GetProperty("picked_items")}");
        await EqualAsync(hub, site, "packing-tasks?site=WH2&limit=200", i => $"{i.GetProperty("number")} {i.GetProperty("status")} {i.GetProperty("tracking_number")}");
    }
}
