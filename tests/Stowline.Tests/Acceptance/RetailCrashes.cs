using System.Diagnostics;
using System.Text.Json;
using Stowline.Adapters;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Retail;
using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// Goal: a replay that is killed at any moment and started again ends in the same books. Method: the real executable, killed when the site's lane
/// has reached a chosen length, until it has ended once; the books are compared with those of a replay that nobody disturbed.
[Trait("Needs", "server")]
public class RetailCrashes
{
    private const int Killed = 128 + 9;

    private static readonly string[] MustBeEqual =
        ["ok", "rows", "orders_placed", "lines", "units_ordered", "orders_shipped", "orders_cancelled", "units_shipped", "units_cancelled", "units_received", "units_returned", "orders", "differences", "verify"];

    [Theory, EveryDatabase]
    public async Task A_replay_killed_again_and_again_ends_in_the_same_books(string store)
    {
        var (calmFolder, calmDatabase, dropCalm) = await OwnDatabase.MakeAsync(store);
        await using var _ = dropCalm;
        var file = SmallFile.Write(calmFolder, days: 12, invoicesPerDay: 60);
        var (status, calm) = await ReplayAsync(file, calmFolder, calmDatabase);
        Assert.True(status == 0, calm);
        var (events, movements) = await CountAsync(store, calmFolder, calmDatabase);
        Assert.True(JsonDocument.Parse(calm).RootElement.GetProperty("orders_cancelled").GetInt32() > 10);

        var (folder, database, drop) = await OwnDatabase.MakeAsync(store);
        await using var __ = drop;
        var random = new Random(4711);
        var killed = 0;
        for (var kill = 1; kill <= 4; kill++)
            if (await KillAtAsync(events * kill / 10 + random.Next((int)events / 20), file, store, folder, database)) killed++; // far from the end: whoever looks may be late
        Assert.True(killed > 0, "no replay was killed before its end");
        var (resumed, report) = await ReplayAsync(file, folder, database);
        Assert.True(resumed == 0, report);
        AssertSame(calm, report);
        Assert.Equal(movements, (await CountAsync(store, folder, database)).Movements);

        var (again, second) = await ReplayAsync(file, folder, database);
        Assert.True(again == 0, second);
        AssertSame(calm, second);
        Assert.Equal(movements, (await CountAsync(store, folder, database)).Movements);
    }

    private static void AssertSame(string expected, string found)
    {
        using var calm = JsonDocument.Parse(expected);
        using var other = JsonDocument.Parse(found);
        Assert.All(MustBeEqual, f => Assert.Equal($"{f}: {calm.RootElement.GetProperty(f).GetRawText()}", $"{f}: {other.RootElement.GetProperty(f).GetRawText()}"));
    }

    private static Process Start(string file, string folder, string? database)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "stowline.dll"), "replay", "online-retail", file, "--data", folder, "--json" })
            start.ArgumentList.Add(argument);
        if (database is not null) start.Environment["STOWLINE__DATABASE"] = database;
        return Process.Start(start)!;
    }

    private static async Task<(int Status, string Report)> ReplayAsync(string file, string folder, string? database)
    {
        using var process = Start(file, folder, database);
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var last = output.TrimEnd().Split('\n')[^1];
        return (process.ExitCode, process.ExitCode == 0 ? last : last + await errors);
    }

    /// <summary>False when the replay had ended before whoever looks saw it there.</summary>
    private static async Task<bool> KillAtAsync(long position, string file, string store, string folder, string? database)
    {
        using var process = Start(file, folder, database);
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        while (!process.HasExited && (await CountAsync(store, folder, database)).Events < position)
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(10), TimeProvider.System, default);
        process.Kill(); // SIGKILL: nothing is finished, nothing is flushed
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode is 0 or Killed, $"a replay ended with {process.ExitCode}");
        return process.ExitCode == Killed;
    }

    /// <summary>Events in the site's lane and movements in the ledger; nothing of both where the database is not made yet.</summary>
    private static async Task<(long Events, long Movements)> CountAsync(string store, string folder, string? database)
    {
        var path = Path.Combine(folder, "stowline.db");
        if (store == "sqlite" && !File.Exists(path)) return (0, 0);
        await using Database reader = store == "sqlite" ? new SqliteDatabase(path, TimeProvider.System) : new PostgresDatabase(database!, TimeProvider.System);
        try
        {
            return await reader.ReadAsync(async session => (
                await session.FindAsync<long>("SELECT head_position FROM lanes WHERE name = 'site/WH1'"), await session.FindAsync<long>("SELECT COUNT(*) FROM movements")));
        }
        catch (System.Data.Common.DbException)
        {
            return (0, 0); // still being made
        }
    }
}
