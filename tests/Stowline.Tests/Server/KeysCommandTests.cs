using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Stowline.Tests.Acceptance;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: the first key comes from the command line. Method: the real executable, on a stopped node and beside a running one.
[Trait("Needs", "server")]
public class KeysCommandTests
{
    private static async Task<(int Status, JsonElement Last)> RunAsync(string data, string? database, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "stowline.dll"), "keys" }.Concat(arguments).Concat(["--data", data, "--json"])) start.ArgumentList.Add(argument);
        start.Environment["STOWLINE__RATE_LIMITS"] = "gold=10/1m";
        if (database is not null) start.Environment["STOWLINE__DATABASE"] = database;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        Assert.True(lines.Length == 1, string.Join('\n', lines) + await errors);
        return (process.ExitCode, JsonDocument.Parse(lines[0]).RootElement);
    }

    [Theory, EveryDatabase]
    public async Task The_first_key_is_made_on_the_command_line(string store)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var _ = drop;
        var (status, made) = await RunAsync(folder, database, "create", "boss", "--scope", "admin");
        Assert.Equal((0, "boss"), (status, made.GetProperty("name").GetString()));
        Assert.Equal(1, (await RunAsync(folder, database, "create", "boss", "--scope", "read")).Status);
        Assert.Equal(1, (await RunAsync(folder, database, "create", "x", "--scope", "everything")).Status);
        var (_, limited) = await RunAsync(folder, database, "create", "picker", "--scope", "tasks", "--scope", "read", "--site", "WH1");
        Assert.Equal("""["read","tasks"] ["WH1"]""", $"{limited.GetProperty("scopes").GetRawText()} {limited.GetProperty("sites").GetRawText()}");

        var (_, seller) = await RunAsync(folder, database, "create", "nord", "--scope", "orders", "--seller", "Nord, Ltd");
        Assert.Equal("""["Nord, Ltd"]""", seller.GetProperty("sellers").GetRawText());
        Assert.Equal(1, (await RunAsync(folder, database, "create", "none", "--scope", "stock", "--seller", "Nord")).Status);

        Assert.Equal("default", seller.GetProperty("tier").GetString());
        Assert.Equal(1, (await RunAsync(folder, database, "create", "rich", "--scope", "read", "--tier", "silver")).Status);
        Assert.Equal("gold", (await RunAsync(folder, database, "tier", "nord", "gold")).Last.GetProperty("tier").GetString());
        Assert.Equal(1, (await RunAsync(folder, database, "tier", "nobody", "gold")).Status);

        await using var server = await RunningServer.StartAsync(folder, database, "--auth", "keys");
        Assert.Equal(401, (int)(await server.Http.GetAsync("orders")).StatusCode);
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", made.GetProperty("key").GetString());
        Assert.Equal(200, (int)(await server.Http.GetAsync("keys")).StatusCode);

        // Beside the running node: reading always, writing only where the database is shared.
        var (_, listed) = await RunAsync(folder, database, "list");
        Assert.Equal(["boss", "nord", "picker"], listed.GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("name").GetString()));
        Assert.Equal(["default", "gold", "default"], listed.GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("tier").GetString()));
        var (later, answer) = await RunAsync(folder, database, "create", "later", "--scope", "read");
        if (store == "sqlite")
        {
            Assert.Equal(1, later);
            Assert.Contains("POST /api/v1/keys", answer.GetProperty("error").GetString());
        }
        else
        {
            server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", answer.GetProperty("key").GetString());
            Assert.Equal(200, (int)(await server.Http.GetAsync("orders")).StatusCode);
        }
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(0, (await RunAsync(folder, database, "revoke", "boss")).Status);
        Assert.Equal(1, (await RunAsync(folder, database, "revoke", "nobody")).Status);
    }
}
