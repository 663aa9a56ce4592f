using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Acceptance;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: what is gone for good can be said on the command line, at a running node and on the data of a stopped one. Method: the real executable.
[Trait("Needs", "server")]
public class GoneSitesCommandTests
{
    private static async Task<(int Status, JsonElement Report)> RunAsync(string data, params string[] words)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "stowline.dll"), "sites" }.Concat(words).Concat(["--data", data, "--json"])) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var wrong = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        Assert.True(lines.Length > 0, await wrong);
        return (process.ExitCode, JsonDocument.Parse(lines[^1]).RootElement);
    }

    /// <summary>Asks how far the site is given up until it is so; null when it is not given up.</summary>
    private static async Task<bool> UntilAsync(RunningServer server, Func<JsonElement?, bool> isSo)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(2); await Moment.PassAsync())
        {
            using var answer = await server.Http.GetAsync("sites/W1/give-up");
            if (isSo(answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonElement>() : null)) return true;
        }
        return false;
    }

    [Fact]
    public async Task A_site_takes_back_and_is_given_up_on_the_command_line()
    {
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var _ = drop;
        await using (var server = await RunningServer.StartAsync(folder, null))
        {
            await server.Http.PutAsJsonAsync("products/A", new { name = "A", price = new { amount = "1.00", currency = "EUR" } });
            await server.Http.PutAsJsonAsync("sites/W1", new { name = "W1", type = "warehouse" });
            Assert.True((await server.Http.PostAsJsonAsync("sites/W1/receipts", new { reference = "PO", lines = new[] { new { sku = "A", quantity = 10 } } })).IsSuccessStatusCode);
            var url = server.Address.ToString();
            Assert.Contains("--yes", (await RunAsync(folder, "epoch", "W1", "--url", url)).Report.GetProperty("error").GetString());
            var (status, opened) = await RunAsync(folder, "epoch", "W1", "--yes", "--sku", "A", "--url", url);
            Assert.Equal((0, 1, 10), (status, opened.GetProperty("result").GetProperty("opened").GetInt32(), opened.GetProperty("result").GetProperty("disputed").GetInt32()));
            Assert.Equal(1, (await RunAsync(folder, "epoch", "W1", "--yes", "--sku", "NONE", "--url", url)).Status);
            var (given, view) = await RunAsync(folder, "give-up", "W1", "--yes", "--reason", "burnt down", "--url", url);
            Assert.Equal((0, "leaving", "burnt down"), (given, view.GetProperty("result").GetProperty("state").GetString(), view.GetProperty("result").GetProperty("reason").GetString()));
            Assert.True(await UntilAsync(server, s => s is { } known && known.GetProperty("state").GetString() == "gone"));
            await server.StopAsync();
        }
        var (back, returning) = await RunAsync(folder, "take-back", "W1", "--yes", "--trust-books");
        Assert.True(back == 0, returning.ToString());
        Assert.Equal("returning", returning.GetProperty("result").GetProperty("state").GetString());
        Assert.Equal(1, (await RunAsync(folder, "give-up", "NONE", "--yes", "--reason", "x")).Status);
        await using var again = await RunningServer.StartAsync(folder, null);
        var verified = await again.Http.GetFromJsonAsync<JsonElement>("system/verify");
        Assert.True(verified.GetProperty("ok").GetBoolean(), verified.ToString());
        Assert.True(await UntilAsync(again, s => s is null));
        Assert.Equal(10, (await again.Http.GetFromJsonAsync<JsonElement>("availability?sku=A")).GetProperty("items")[0].GetProperty("available").GetInt32());
    }
}
