using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

public class DiskTests
{
    /// <summary>Goal: a full disk refuses clearly, keeps nothing by halves, and work goes on. Method: SQLite's own limit of pages, set on the writer's connection.</summary>
    [Fact]
    public async Task A_full_disk_refuses_and_keeps_nothing_by_halves()
    {
        var (node, _) = await NotesNode.StartAsync("sqlite");
        await using var _n = node;
        await node.AddAsync("before");
        await node.RunAsync<long>(Lane.Hub, async tx => await tx.FindAsync<long>("PRAGMA max_page_count = 1"));
        // The writer's pump throws so that the host backs off; the caller has its answer.
        var given = node.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx =>
        {
            for (var i = 0; i < 1000; i++) await tx.ExecuteAsync("INSERT INTO notes (name, value) VALUES (@name, 1)", new { name = $"{i} {new string('x', 4000)}" });
            return 1;
        });
        await Assert.ThrowsAnyAsync<Exception>(async () => { while (!given.IsCompleted) await node.StepAsync(); });
        Assert.Equal((RefusalKind.Unavailable, "database_unavailable"), ((await given).Refusal!.Kind, (await given).Refusal!.Code));
        Assert.Equal(1, await node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM notes")));
        Assert.True((await node.AddAsync("after")).IsOk);
        await node.VerifyAsync();
    }

    [Fact]
    public async Task A_read_only_database_refuses_and_keeps_nothing_by_halves()
    {
        var (node, _) = await NotesNode.StartAsync("sqlite");
        await using var _n = node;
        await node.AddAsync("before");
        var given = node.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx =>
        {
            await NotesModule.Add("half")(tx);
            await tx.FindAsync<long>("PRAGMA query_only = 1"); // from here on the connection refuses as a read-only file would
            await NotesModule.Add("other half")(tx);
            return 1;
        });
        await Assert.ThrowsAnyAsync<Exception>(async () => { while (!given.IsCompleted) await node.StepAsync(); });
        Assert.Equal("database_unavailable", (await given).Refusal!.Code);
        Assert.Equal(0, await NotesModule.ValueAsync(node.Database, "half"));
        Assert.True((await node.AddAsync("after")).IsOk);
        await node.VerifyAsync();
    }

    [Fact]
    public async Task A_folder_is_for_one_process_and_is_given_back()
    {
        var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
        try
        {
            var configuration = new Configuration { Data = folder };
            await using (await NodeOpener.OpenAsync(configuration))
            {
                var refused = await Assert.ThrowsAsync<CommandRefusedException>(() => NodeOpener.OpenAsync(configuration));
                Assert.Contains("in use by another Stowline process", refused.Message);
            }
            await using var again = await NodeOpener.OpenAsync(configuration);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
