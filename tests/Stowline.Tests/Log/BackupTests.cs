using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

public class BackupTests
{
    private static async Task<(string File, string Folder)> BackUpAsync(TestNode node)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-backup-").FullName;
        var file = Path.Combine(folder, "b.stow");
        await Backup.WriteAsync(node.Database, file, "test");
        Assert.Equal([file], Directory.GetFiles(folder));
        return (file, folder);
    }

    [Theory, EveryDatabase]
    public async Task A_backup_restores_into_the_same_database(string store) => await RestoreAsync(store, store);

    [SkippableTheory]
    [InlineData("sqlite", "postgres")]
    [InlineData("postgres", "sqlite")]
    [Trait("Needs", "server")]
    public async Task A_backup_of_one_database_restores_into_the_other(string from, string into) => await RestoreAsync(from, into);

    private static async Task RestoreAsync(string from, string into)
    {
        var source = await TestNode.StartAsync(from);
        await using var _s = source;
        for (var i = 0; i < 5; i++)
            await source.RunAsync<long>(Lane.Hub, async tx =>
            {
                tx.Append(Lane.Hub, new Stowline.Contracts.OrderHeld(tx.NewId(), "žluťoučký \"kůň\" 🐎"), "s");
                tx.Append(Lane.HubAll, new Stowline.Contracts.PersonErased(tx.NewId()), "p");
                await tx.UpsertAsync("people", "person_id", "", 1, Column.Of("person_id", [tx.NewId()]), Column.Of("key", [new byte[] { 0, 1, 255 }]), Column.Of("created_at", [tx.Now]));
                return await tx.NextNumberAsync("ticket", Lane.Hub);
            });
        await source.VerifyAsync();
        var (file, folder) = await BackUpAsync(source);
        var (database, own, postgres) = await TestNode.NewDatabaseAsync(into, source.Time);
        var manifest = await Node.RestoreAsync(database, file);
        await using (var restored = await Node.OpenAsync(database))
        {
            Assert.Equal(5, manifest.Lanes.Single(l => l.Name == "hub").HeadPosition);
            Assert.True((await Verification.RunAsync(restored)).Ok);
            var before = await source.Lanes.ReadAsync(Lane.Hub, 0, 100);
            var after = await restored.Lanes.ReadAsync(Lane.Hub, 0, 100);
            Assert.Equal(before.Select(e => (e.Position, e.Id, e.At, Convert.ToHexString(e.Payload))), after.Take(5).Select(e => (e.Position, e.Id, e.At, Convert.ToHexString(e.Payload))));
            // The new incarnation says where it comes from, in every lane, and chains on.
            Assert.Equal(NodeRestored.Type, after[5].Type);
            Assert.Equal(manifest.At, after[5].Read<NodeRestored>().BackupAt);
            Assert.Equal(2, await database.ReadAsync(async s => await s.FindAsync<int>("SELECT MIN(incarnation) FROM lanes")));
            restored.Start();
            async Task<long> NumberAsync(string kind) => (await restored.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx => await tx.NextNumberAsync(kind, Lane.Hub))).Value;
            Assert.Equal(1_000_006, await NumberAsync("ticket"));
            Assert.Equal(1_000_001, await NumberAsync("never used before"));
            var again = await Assert.ThrowsAsync<InvalidOperationException>(() => Node.RestoreAsync(database, file));
            Assert.Contains("not empty", again.Message);
        }
        Directory.Delete(folder, recursive: true);
        if (own is not null) Directory.Delete(own, recursive: true);
    }

    [Fact]
    public async Task A_backup_that_was_cut_off_or_altered_is_refused_and_the_database_stays_empty()
    {
        await using var source = await TestNode.StartAsync("sqlite");
        for (var i = 0; i < 50; i++)
            await source.RunAsync<Done>(Lane.HubAll, tx => { tx.Append(Lane.HubAll, new Stowline.Contracts.PersonErased(tx.NewId()), "p"); return ValueTask.FromResult<Outcome<Done>>(new Done()); });
        var (file, folder) = await BackUpAsync(source);
        var bytes = await File.ReadAllBytesAsync(file);
        foreach (var broken in new[] { bytes[..(bytes.Length / 2)], [.. bytes[..200], .. bytes[210..]], "not a backup"u8.ToArray(), [] })
        {
            var path = Path.Combine(folder, "broken.stow");
            await File.WriteAllBytesAsync(path, broken);
            var (database, own, _) = await TestNode.NewDatabaseAsync("sqlite", source.Time);
            await Assert.ThrowsAsync<BackupBrokenException>(() => Node.RestoreAsync(database, path));
            await using (var node = await Node.OpenAsync(database)) Assert.Empty(await node.Lanes.ReadAsync(Lane.Hub, 0, 10));
            Directory.Delete(own!, recursive: true);
        }
        Directory.Delete(folder, recursive: true);
    }
}
