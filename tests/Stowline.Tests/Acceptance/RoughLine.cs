using System.Net;
using System.Net.Http.Json;
using Stowline.Bench;
using Stowline.Tests.Support;
using static Stowline.Tests.Acceptance.SiteProcesses;

namespace Stowline.Tests.Acceptance;

/// Goal: whatever the line does, and whoever dies on the way, nothing is lost, doubled or oversold. Method: the real executable twice, with a line between them that is slow, resets its connections, stands
/// still and is cut (a proxy, and where the machine lets us a cable between network namespaces), while orders come in at the hub and goods at the site; `kill -9` of each of them in the middle; then it is healed, and both are compared to the unit.
[Trait("Needs", "server")]
public class RoughLine
{
    private const int Orders = 120;
    private const int Receipts = 60;
    private const int FirstUnits = 200;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(3);

    /// <summary>Where it takes place: how the two are started, and what can happen to the line between them.</summary>
    private sealed record Scene(Func<Task<RunningServer>> StartHub, Func<RunningServer, Task<string>> Join, Func<string, Task<RunningServer>> StartSite, Action<RunningServer> HubMoved,
        Action Hiccup, Action Stall, Action Resume, Action Cut, Action Heal);

    [Theory, EveryDatabase]
    public async Task Load_on_both_sides_of_a_rough_line_with_kills_comes_out_even(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        var (siteFolder, _, dropSite) = await OwnDatabase.MakeAsync("sqlite");
        await using var _1 = drop;
        await using var _2 = dropSite;
        await using var line = new LinkLine(0) { Delay = TimeSpan.FromMilliseconds(40) };
        await PlayAsync(new Scene(() => RunningServer.StartAsync(folder, database), JoinAsync,
            key => RunningServer.StartAsync(siteFolder, null, "--site", "WH2", "--hub", $"http://127.0.0.1:{line.Port}", "--key", key), hub => line.Target = hub.Address.Port,
            () => { if (OneIn(4)) line.Reset(); }, line.Stall, line.Resume, line.Cut, line.Heal));
    }

    /// <summary>
    /// The same between two network namespaces, with a cable that is pulled; where the kernel has netem it delays every packet by 80 ms and loses one in twenty, and TCP itself has to cope.
    /// </summary>
    [FactWithNamespaces]
    public async Task Load_on_both_sides_of_a_cable_between_two_networks_comes_out_even()
    {
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        var (siteFolder, _, dropSite) = await OwnDatabase.MakeAsync("sqlite");
        await using var _1 = drop;
        await using var _2 = dropSite;
        using var network = NamespacePair.Make();
        // Only with keys does a node listen to more than its own machine.
        var admin = (await CommandAsync(null, "keys", "create", "tester", "--scope", "admin", "--data", folder)).GetProperty("key").GetString()!;
        await PlayAsync(new Scene(async () =>
            {
                var hub = await RunningServer.StartInAsync(network.One, folder, "--listen", "0.0.0.0", "--auth", "keys");
                hub.Http.DefaultRequestHeaders.Authorization = new("Bearer", admin);
                return hub;
            },
            async hub => (await hub.SendAsync(HttpMethod.Post, "sites/WH2/join")).GetProperty("key").GetString()!,
            key => RunningServer.StartInAsync(network.Other, siteFolder, "--site", "WH2", "--hub", $"http://{NamespacePair.AddressOfOne}:5080", "--key", key), _ => { },
            () => { }, network.LoseAll, network.LoseAFew, network.Pull, network.PlugIn));
    }

    private static async Task PlayAsync(Scene scene)
    {
        var hub = await scene.StartHub();
        scene.HubMoved(hub);
        RunningServer? site = null;
        try
        {
            await hub.SendAsync(HttpMethod.Put, "products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
            var key = await scene.Join(hub);
            site = await scene.StartSite(key);
            await site.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
            await site.SendAsync(HttpMethod.Put, "sites/WH2/bins/S-1", new { zone = "S" });
            await UntilAsync(site, async () => await CountAsync(site, "products") == 1);
            await site.SendAsync(HttpMethod.Post, "sites/WH2/receipts", Receipt(FirstUnits), expect: 201);
            await UntilAsync(hub, async () => await AvailableAsync(hub, "A") == FirstUnits);

            // Over a line that is slow and breaks, then one that stands still, then none. Whoever asks is told nothing of it: each side answers for itself.
            await BothAsync(0, scene.Hiccup);
            await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2") > 0); // something to work on while it is cut off
            scene.Stall();
            await BothAsync(1, () => { });
            scene.Resume();
            scene.Cut();
            var (answered, inTheMiddle) = (0, new TaskCompletionSource());
            var load = BothAsync(2, () => { if (Interlocked.Increment(ref answered) == 10) inTheMiddle.SetResult(); });
            await Task.WhenAny(inTheMiddle.Task, load);
            await site.KillAsync();
            site = await AgainAsync(site, () => scene.StartSite(key));
            await hub.KillAsync();
            hub = await AgainAsync(hub, scene.StartHub);
            scene.HubMoved(hub);
            await load;
            await ShipAsync(site, 1); // cut off, from what it knew before

            scene.Heal();
            await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2&limit=200") == Orders);
            await ShipAsync(site, Orders - 1);
            await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped&limit=200") == Orders);
            await UntilAsync(hub, async () => await AvailableAsync(hub, "A") == FirstUnits + Receipts - Orders);
            await CompareAsync(hub, site);
        }
        finally
        {
            if (site is not null) await site.DisposeAsync();
            await hub.DisposeAsync();
        }

        // A third of the orders and of the receipts, side by side; each is asked for again until it is done, through deaths and restarts.
        Task BothAsync(int third, Action after) => Task.WhenAll(
            EachAsync(third, Orders, n => ("orders", new { channel = "web", external_id = $"{n}", lines = new[] { new { sku = "A", quantity = 1 } } }), () => hub, after),
            EachAsync(third, Receipts, n => ("sites/WH2/receipts", Receipt(1)), () => site!, after));
    }

    /// <summary>To the unit.</summary>
    private static async Task CompareAsync(RunningServer hub, RunningServer site)
    {
        await EqualAsync(hub, site, "sites/WH2/stock?limit=200", i => $"{i.GetProperty("sku")} {i.GetProperty("bin")} {i.GetProperty("on_hand")} {i.GetProperty("reserved")}");
        await EqualAsync(hub, site, "picking-tasks?site=WH2&limit=200", i => $"{i.GetProperty("number")} {i.GetProperty("status")} {i.GetProperty("picked_items")}");
        await EqualAsync(hub, site, "packing-tasks?site=WH2&limit=200", i => $"{i.GetProperty("number")} {i.GetProperty("status")} {i.GetProperty("tracking_number")}");
        Assert.Equal(Orders, await CountAsync(site, "shipments?site=WH2&limit=200"));
        await hub.VerifyAsync();
        await site.VerifyAsync();
    }

    private static readonly Random Dice = new(20261122);

    private static bool OneIn(int sides)
    {
        lock (Dice) return Dice.Next(sides) == 0;
    }

    private static Task EachAsync(int third, int all, Func<int, (string Path, object Body)> what, Func<RunningServer> server, Action after) =>
        Parallel.ForEachAsync(Enumerable.Range(third * all / 3, all / 3), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (n, _) =>
        {
            var (path, body) = what(n);
            await ServerPair.UntilAsync($"POST {path} {n}", Longest, () => AskAsync(server(), path, body, $"{path}-{n}"));
            after();
        });

    private static async Task<bool> AskAsync(RunningServer server, string path, object body, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Idempotency-Key", key);
        try
        {
            using var answer = await server.Http.SendAsync(request);
            if (answer.IsSuccessStatusCode) return true;
            Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false; // the process that it asked is no more
        }
    }

    private static async Task<RunningServer> AgainAsync(RunningServer dead, Func<Task<RunningServer>> start)
    {
        var alive = await start();
        await dead.DisposeAsync();
        return alive;
    }
}
