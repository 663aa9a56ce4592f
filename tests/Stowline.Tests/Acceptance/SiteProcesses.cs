using Stowline.Bench;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a hub and a site's node as two processes, as users run them: the line is cut, both work on, the site's node is killed, and when the line is back everything is
/// equal. Method: the real executable twice, a proxy for the line, HTTP only.
[Trait("Needs", "server")]
public class SiteProcesses
{
    [Theory, EveryDatabase]
    public async Task A_site_works_on_while_it_is_cut_off_and_everything_is_equal_afterwards(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        var (siteFolder, _, dropSite) = await OwnDatabase.MakeAsync("sqlite");
        await using var _1 = drop;
        await using var _2 = dropSite;
        await using var hub = await RunningServer.StartAsync(folder, database);
        foreach (var sku in new[] { "A", "B" }) await hub.SendAsync(HttpMethod.Put, $"products/{sku}", new { name = sku, price = new { amount = "1.00", currency = "EUR" } });
        var key = await JoinAsync(hub);
        await using var line = new LinkLine(hub.Address.Port);
        string[] flags = ["--site", "WH2", "--hub", $"http://127.0.0.1:{line.Port}", "--key", key];

        // Before the first contact the node is ready and its site works.
        line.Cut();
        await using (var early = await RunningServer.StartAsync(siteFolder, null, flags))
        {
            await early.SendAsync(HttpMethod.Put, "sites/WH2/zones/S", new { name = "Shelves", type = "storage" });
            await early.SendAsync(HttpMethod.Put, "sites/WH2/bins/S-1", new { zone = "S" });
            await RefusedAsync(early, HttpMethod.Post, "orders", 404, "not_here");
            line.Heal();
            await UntilAsync(early, async () => (await early.GetAsync("links")).GetProperty("items")[0].GetProperty("state").GetString() == "connected");
            await UntilAsync(early, async () => (await early.GetAsync("products")).GetProperty("items").GetArrayLength() == 2);
            await early.SendAsync(HttpMethod.Post, "sites/WH2/receipts", Receipt(100), expect: 201);
            await UntilAsync(hub, async () => await AvailableAsync(hub, "A") == 100);
            await OrdersAsync(hub, 0, 5);
            await UntilAsync(early, async () => await CountAsync(early, "picking-tasks?site=WH2&limit=200") == 5);

            line.Cut();
            await OrdersAsync(hub, 5, 10); // sold from what it was granted
            await early.SendAsync(HttpMethod.Post, "sites/WH2/receipts", Receipt(10), expect: 201);
            await ShipAsync(early, 3);
            await RefusedAsync(hub, HttpMethod.Post, "sites/WH2/receipts", 409, "site_is_remote");
            await early.KillAsync(); // kill -9 with the line cut
        }

        await using var site = await RunningServer.StartAsync(siteFolder, null, flags);
        await ShipAsync(site, 1);
        line.Heal();
        await UntilAsync(site, async () => await CountAsync(site, "picking-tasks?site=WH2&limit=200") == 15);
        await ShipAsync(site, 11);
        await UntilAsync(hub, async () => await CountAsync(hub, "orders?status=shipped&limit=200") == 15);
        await RestoredProcesses.EqualBooksAsync(hub, site);
        Assert.True((await hub.GetAsync("picking-tasks?site=WH2")).GetProperty("items")[0].TryGetProperty("as_of", out _));
        Assert.Equal(110 - 15, await AvailableAsync(hub, "A"));
        await hub.VerifyAsync();
        await site.VerifyAsync();
        Assert.Equal(0, await site.StopAsync());
        Assert.Equal(0, await hub.StopAsync());
    }

    /// <summary>As the contract says: on the command line, beside the running hub.</summary>
    internal static async Task<string> JoinAsync(RunningServer hub)
    {
        var report = await CommandAsync(null, "sites", "join", "WH2", "--url", hub.Address.ToString());
        Assert.Equal("WH2", report.GetProperty("site").GetString());
        return report.GetProperty("key").GetString()!;
    }

    /// <summary>Runs a command that must succeed, and answers its report.</summary>
    /// <param name="database">A PostgreSQL address, where the command is for one.</param>
    internal static Task<JsonElement> CommandAsync(string? database, params string[] words) =>
        CommandInAsync("", database is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["STOWLINE__DATABASE"] = database }, words);

    /// <param name="folder">Where it is run; empty for where we are.</param>
    /// <param name="settings">Environment variables.</param>
    internal static async Task<JsonElement> CommandInAsync(string folder, Dictionary<string, string> settings, params string[] words)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var argument in words.Prepend(Path.Combine(AppContext.BaseDirectory, "stowline.dll")).Append("--json")) start.ArgumentList.Add(argument);
        foreach (var (name, value) in settings) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await wrong);
        return JsonDocument.Parse((await said).Trim().Split('\n')[^1]).RootElement;
    }

    internal static object Receipt(int units) => new { reference = "PO", lines = new[] { new { sku = "A", quantity = units, bin = "S-1" } } };

    internal static async Task OrdersAsync(RunningServer hub, int first, int count)
    {
        for (var i = first; i < first + count; i++)
            await hub.SendAsync(HttpMethod.Post, "orders", new { channel = "web", external_id = $"{i}", lines = new[] { new { sku = "A", quantity = 1 } } }, expect: 201);
    }

    internal static async Task ShipAsync(RunningServer site, int count)
    {
        for (var n = 0; n < count; n++)
        {
            var open = (await site.GetAsync("picking-tasks?site=WH2&status=pending")).GetProperty("items")[0];
            var task = "picking-tasks/" + open.GetProperty("id").GetString();
            await site.SendAsync(HttpMethod.Post, task + "/assign", new { worker = "ana" });
            await site.SendAsync(HttpMethod.Post, task + "/start");
            await site.SendAsync(HttpMethod.Post, task + "/items/1/pick", new { quantity = 1 });
            await site.SendAsync(HttpMethod.Post, task + "/complete");
            var packing = (await site.GetAsync("packing-tasks?site=WH2&status=pending")).GetProperty("items")[0].GetProperty("id").GetString();
            await site.SendAsync(HttpMethod.Post, $"packing-tasks/{packing}/start", new { worker = "ben" });
            await site.SendAsync(HttpMethod.Post, $"packing-tasks/{packing}/packages", new { packaging_type = "box", weight_g = 500, length_mm = 100, width_mm = 100, height_mm = 100 });
            await site.SendAsync(HttpMethod.Post, $"packing-tasks/{packing}/complete");
            await site.SendAsync(HttpMethod.Post, $"packing-tasks/{packing}/ship", new { carrier = "post" });
        }
    }

    internal static async Task<long> AvailableAsync(RunningServer hub, string sku) =>
        (await hub.GetAsync($"availability?sku={sku}")).GetProperty("items")[0].GetProperty("available").GetInt64();

    internal static async Task<int> CountAsync(RunningServer node, string path) => (await node.GetAsync(path)).GetProperty("items").GetArrayLength();

    internal static async Task RefusedAsync(RunningServer node, HttpMethod method, string path, int status, string code, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body ?? Receipt(1)) };
        using var answer = await node.Http.SendAsync(request);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(code, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
    }

    internal static async Task EqualAsync(RunningServer hub, RunningServer site, string path, Func<JsonElement, string> line)
    {
        async Task<IEnumerable<string>> LinesAsync(RunningServer node) => [.. (await node.GetAsync(path)).GetProperty("items").EnumerateArray().Select(line).Order(StringComparer.Ordinal)];
        Assert.Equal(await LinesAsync(site), await LinesAsync(hub));
    }

    /// <summary>Asks until it is so. What it waits for comes over the line, so there is nothing to be told by; each question is a round trip, and a minute is a failure.</summary>
    internal static async Task UntilAsync(RunningServer node, Func<Task<bool>> holds)
    {
        var watch = Stopwatch.StartNew();
        for (; !await holds(); await Moment.PassAsync())
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"it does not come about: {(await node.GetAsync("links")).ToString()}");
    }
}
