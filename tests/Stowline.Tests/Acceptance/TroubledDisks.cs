using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a disk that is full, and a database that takes no writes, are told clearly, at the start and while running; nothing is half done, and work goes on by itself when the trouble is over.
/// Method: the real executable on a disk of its own that the test fills, and on a PostgreSQL database that the test makes read-only.
[Trait("Needs", "server")]
public class TroubledDisks
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [FactWithDisk]
    public async Task A_full_disk_refuses_orders_until_there_is_room_and_keeps_nothing_by_halves()
    {
        using var disk = TinyDisk.Mount(32);
        var answered = new List<string>();
        await using (var server = await RunningServer.StartAsync(disk.Path, null))
        {
            await ServerPair.FillAsync(server);
            await server.DrainAsync();
            disk.Fill();
            // There may be room inside the files: orders are taken until it is used up.
            while (await PlaceAsync(server, answered)) Assert.True(answered.Count < 50_000, "the disk does not get full");
            Assert.False(await PlaceAsync(server, answered));
            Assert.Equal(1_000_000, (await server.GetAsync("availability?sku=S2")).GetProperty("items")[0].GetProperty("on_hand").GetInt32());
            disk.Empty();
            await ServerPair.UntilAsync("orders are taken again", Longest, () => PlaceAsync(server, answered));
            await ServerPair.CheckAsync(server, answered);
            Assert.Equal(answered.Order(StringComparer.Ordinal), (await ServerPair.AllAsync(server, "orders?limit=200", "external_id")).Order(StringComparer.Ordinal));
            await server.KillAsync();
        }
        await using var again = await RunningServer.StartAsync(disk.Path, null);
        await ServerPair.CheckAsync(again, answered);
    }

    [FactWithDisk]
    public async Task A_disk_that_takes_nothing_is_told_in_one_line_at_the_start()
    {
        using (var disk = TinyDisk.Mount(1))
        {
            disk.Fill();
            AssertTold(await ServeAsync(disk.Path), disk.Path);
        }
        using (var disk = TinyDisk.Mount(32))
        {
            await using (var server = await RunningServer.StartAsync(disk.Path, null)) Assert.Equal(0, await server.StopAsync());
            disk.Fill();
            AssertTold(await ServeAsync(disk.Path), disk.Path);
            disk.Empty();
            disk.MakeReadOnly();
            AssertTold(await ServeAsync(disk.Path), disk.Path);
        }
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_told_in_one_line_at_the_start()
    {
        var (folder, _, drop) = await OwnDatabase.MakeAsync("sqlite");
        await using var __ = drop;
        await File.WriteAllTextAsync(Path.Combine(folder, "stowline.db"), new string('x', 10_000));
        AssertTold(await ServeAsync(folder), folder);
    }

    [SkippableTheory]
    [InlineData("default_transaction_read_only = on")]
    public async Task A_database_that_takes_no_writes_refuses_orders_until_it_does(string setting)
    {
        var (folder, database, drop) = await OwnDatabase.MakeAsync("postgres");
        await using var _ = drop;
        var name = new Uri(database!).AbsolutePath.Trim('/');
        await using var server = await RunningServer.StartAsync(folder, database);
        await ServerPair.FillAsync(server);
        var answered = new List<string>();
        Assert.True(await PlaceAsync(server, answered));
        await server.DrainAsync();

        await AlterAsync(name, "SET " + setting);
        for (var i = 0; i < 3; i++) Assert.False(await PlaceAsync(server, answered));
        AssertTold(await ServeAsync(folder, database), name);
        await AlterAsync(name, "RESET default_transaction_read_only");
        await ServerPair.UntilAsync("orders are taken again", Longest, () => PlaceAsync(server, answered));
        await ServerPair.CheckAsync(server, answered);
        Assert.Equal(answered.Order(StringComparer.Ordinal), (await ServerPair.AllAsync(server, "orders?limit=200", "external_id")).Order(StringComparer.Ordinal));
    }

    /// <summary>Places one more order, each under a name of its own. False when it was refused, which is then 503 <c>database_unavailable</c> and nothing else.</summary>
    private static async Task<bool> PlaceAsync(RunningServer server, List<string> answered)
    {
        var external = $"{Guid.NewGuid()}";
        using var answer = await server.Http.PostAsJsonAsync("orders", ServerPair.Order(external));
        if (answer.StatusCode == HttpStatusCode.Created)
        {
            answered.Add(external);
            return true;
        }
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{(int)answer.StatusCode} {text}");
        Assert.Equal("database_unavailable", JsonDocument.Parse(text).RootElement.GetProperty("code").GetString());
        Assert.NotNull(answer.Headers.RetryAfter);
        return false;
    }

    /// <summary>Runs <c>stowline serve</c> that is to fail.</summary>
    private static async Task<(int Status, string Said)> ServeAsync(string folder, string? database = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "stowline.dll"), "serve", "--port", "0", "--data", folder]) { RedirectStandardError = true };
        if (database is not null) start.Environment["STOWLINE__DATABASE"] = database;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Longest);
        await using var end = patience.Token.Register(process.Kill); // one that runs after all would run for ever
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said);
    }

    private static void AssertTold((int Status, string Said) ended, string where)
    {
        Assert.Equal(1, ended.Status);
        var line = Assert.Single(ended.Said.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("stowline: ", line);
        Assert.Contains(where, line);
        Assert.DoesNotContain("in use by another", line);
    }

    private static async Task AlterAsync(string database, string what)
    {
        await using var connection = new Npgsql.NpgsqlConnection(EveryDatabaseAttribute.Postgres);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand(
            $"ALTER DATABASE {database} {what}; SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()", connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }
}
