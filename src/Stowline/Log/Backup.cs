using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Copies a node's whole database into one file, from one snapshot, beside the running node. The file is only given its name after it
/// has been restored into a scratch database and every lane's hash chain was replayed there: an unproven backup is none.
/// </summary>
public static class Backup
{
    /// <summary>
    /// What is not worth keeping – which migrations ran stands in the manifest, writers are of processes that will be gone – and what a file that lies about should not hold: carriers' credentials.
    /// </summary>
    internal static readonly HashSet<string> LeftOut = new(StringComparer.Ordinal) { "schema_migrations", "lane_writers", "carrier_secrets" };

    private sealed record LaneRow
    {
        public string Name { get; init; } = "";
        public int Incarnation { get; init; }
        public long HeadPosition { get; init; }
        public byte[] HeadHash { get; init; } = [];
    }

    /// <exception cref="IOException">The file is there already, or cannot be written.</exception>
    public static async Task<(BackupManifest Manifest, long Rows)> WriteAsync(Database database, string path, string version, Action<string>? progress = null, CancellationToken ct = default)
    {
        path = Path.GetFullPath(path);
        if (File.Exists(path)) throw new IOException($"{path} is there already; a backup is never overwritten");
        var part = path + ".part";
        try
        {
            BackupManifest manifest;
            long rows;
            await using (var file = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                (manifest, rows) = await database.SnapshotAsync(session => WriteAsync(session, database, file, version, progress, ct), ct);
                file.Flush(flushToDisk: true);
            }
            progress?.Invoke("checking the backup by restoring it into a scratch database");
            await CheckAsync(part, database.Time, ct);
            File.Move(part, path);
            return (manifest, rows);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static async Task<(BackupManifest, long)> WriteAsync(SqlSession session, Database database, Stream file, string version, Action<string>? progress, CancellationToken ct)
    {
        var migrations = await session.QueryAsync<string>("SELECT name FROM schema_migrations ORDER BY name");
        if (migrations.Contains(Migrator.RestoreMark)) throw new InvalidOperationException("a restore into this database was not finished; there is nothing to back up");
        var lanes = await session.QueryAsync<LaneRow>("SELECT name, incarnation, head_position, head_hash FROM lanes ORDER BY id");
        var manifest = new BackupManifest(1, version, database.Time.GetUtcNow(), database.Engine, migrations,
            [.. lanes.Select(l => new BackupLane(l.Name, l.Incarnation, l.HeadPosition, Convert.ToHexStringLower(l.HeadHash)))]);
        await using var writer = new BackupWriter(file);
        await writer.ManifestAsync(manifest);
        foreach (var table in (await session.TablesAsync()).Where(t => !LeftOut.Contains(t)))
        {
            progress?.Invoke(table);
            var columns = await session.ColumnsAsync(table);
            await writer.TableAsync(new BackupTable(table, columns));
            await foreach (var row in session.ReadTableAsync(table, columns))
            {
                ct.ThrowIfCancellationRequested();
                await writer.RowAsync(row);
            }
        }
        await writer.EndAsync();
        return (manifest, writer.Rows);
    }

    /// <summary>Restores the file into a scratch database, which shows that it can be, and replays the chains there.</summary>
    private static async Task CheckAsync(string path, TimeProvider time, CancellationToken ct)
    {
        var scratch = path + ".check";
        string[] files = [scratch, scratch + "-wal", scratch + "-shm"];
        foreach (var file in files) File.Delete(file);
        try
        {
            await using var database = new SqliteDatabase(scratch, time);
            var manifest = await Restore.LoadAsync(database, path, ct);
            if (await database.SnapshotAsync(Verification.LaneChainsAsync, ct) is { } wrong) throw new BackupBrokenException($"the backup does not verify: {wrong}");
            var lanes = await database.ReadAsync(async s => await s.QueryAsync<LaneRow>("SELECT name, incarnation, head_position, head_hash FROM lanes ORDER BY id"), ct);
            if (!lanes.Select(l => (l.Name, l.HeadPosition, Convert.ToHexStringLower(l.HeadHash))).SequenceEqual(manifest.Lanes.Select(l => (l.Name, l.HeadPosition, l.HeadHash))))
                throw new BackupBrokenException("the lanes in the backup are not those of its manifest");
        }
        finally
        {
            foreach (var file in files) File.Delete(file);
        }
    }
}
