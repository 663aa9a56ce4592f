using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Fills an empty database from a backup and opens a new incarnation of every lane, because what was written after the backup is known to
/// others but not to this database: the same position may hold two different events in the world, and the incarnation tells them apart. A lane that other nodes copy is held
/// instead, until they have given back what they have of it (<see cref="Repairs"/>). A file of a site that was moved out is loaded the same way. A copy of another node's lane stays as it was: its writer continues it.
/// </summary>
internal static class Restore
{
    /// <summary>How far numbers jump ahead.</summary>
    internal const long NumberGap = 1_000_000;

    /// <exception cref="BackupBrokenException">The file is not a whole backup.</exception>
    /// <exception cref="InvalidOperationException">The database is not empty.</exception>
    public static async Task<BackupManifest> RunAsync(Database database, string path, IdSource ids, CancellationToken ct = default)
    {
        var manifest = await LoadAsync(database, path, ct);
        await Migrator.RunAsync(database, ct: ct, restoring: true);
        if (manifest.MovedOut is { } moved) await TakeOverAsync(database, moved, ids, ct);
        else await OpenIncarnationAsync(database, manifest, ids, ct);
        return manifest;
    }

    /// <summary>
    /// The node of a site that was moved out takes its lane over. Nothing is waited for: the hub can have written nothing after it, and cannot take the site back. A second database from the same file
    /// would write another event at this position, by which the hub knows that the two are not one.
    /// </summary>
    private static async Task TakeOverAsync(Database database, BackupSite moved, IdSource ids, CancellationToken ct)
    {
        var lane = Lane.Site(moved.Site);
        await using var session = await database.OpenAsync(readOnly: false, ct);
        await session.BeginAsync(snapshot: false, ct);
        var before = await session.FindAsync<int>("SELECT incarnation FROM lanes WHERE name = @lane", new { lane = lane.Name });
        await session.ExecuteAsync("UPDATE lanes SET incarnation = incarnation + 1, moves = moves + 1 WHERE name = @lane", new { lane = lane.Name });
        var group = new GroupTransaction(session, ids, database.Time.GetUtcNow(), []);
        await group.LockScopeAsync(lane.Scope);
        new LaneTransaction(group, lane.Scope, new Caller("restore")).Append(lane, new LaneTakenOver(before, moved.MovedAt), "node");
        await group.WriteLogAsync();
        await session.ExecuteAsync("DELETE FROM schema_migrations WHERE name = @name", new { name = Migrator.RestoreMark });
        await session.CommitAsync();
    }

    /// <summary>Makes the tables that the backup stands on and fills them, in one transaction. Marks the database as not finished.</summary>
    internal static async Task<BackupManifest> LoadAsync(Database database, string path, CancellationToken ct)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        using var reader = new BackupReader(file);
        var manifest = await reader.ManifestAsync();
        var unknown = manifest.Migrations.Except(Migrator.Files().Select(f => f.Name)).FirstOrDefault();
        if (unknown is not null) throw new BackupBrokenException($"the backup was made by a newer Stowline ({manifest.Version}): this one does not know {unknown}");
        await RefuseIfUsedAsync(database, ct);
        await Migrator.RunAsync(database, manifest.Migrations.ToHashSet(StringComparer.Ordinal), ct: ct);
        await using var session = await database.OpenAsync(readOnly: false, ct);
        await session.BeginAsync(snapshot: false, ct);
        try
        {
            // A node that was only started once has made its first two lanes; the backup brings them.
            await session.ExecuteAsync("DELETE FROM lanes");
            while (await reader.NextTableAsync() is { } table)
            {
                ct.ThrowIfCancellationRequested();
                await session.WriteTableAsync(table.Table, table.Columns, reader.RowsAsync(table.Columns.Count));
            }
            await session.ExecuteAsync("INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (@name, '', @now)",
                new { name = Migrator.RestoreMark, now = database.Time.GetUtcNow() });
            await session.CommitAsync();
        }
        catch
        {
            await session.RollbackAsync();
            throw;
        }
        return manifest;
    }

    private static async Task RefuseIfUsedAsync(Database database, CancellationToken ct)
    {
        await using var session = await database.OpenAsync(readOnly: false, ct);
        foreach (var table in (await session.TablesAsync()).Except(Backup.LeftOut))
        {
            var where = table == "lanes" ? " WHERE head_position > 0" : "";
            if (await session.FindAsync<long>($"SELECT COUNT(*) FROM (SELECT 1 FROM {table}{where} LIMIT 1) AS t") > 0)
                throw new InvalidOperationException($"the database is not empty (there is something in {table}); a backup is restored into an empty one only");
        }
    }

    private sealed record LaneRow { public string Name { get; init; } = ""; public string Scope { get; init; } = ""; public int Incarnation { get; init; } }

    /// <summary>What comes after the tables are filled: lanes that others copy are held, the others go on in a new incarnation.</summary>
    internal static async Task OpenIncarnationAsync(Database database, BackupManifest manifest, IdSource ids, CancellationToken ct)
    {
        await using var session = await database.OpenAsync(readOnly: false, ct);
        await session.BeginAsync(snapshot: false, ct);
        foreach (var site in await Repairs.LinksAsync(session)) await Repairs.HoldAsync(session, site, manifest.At);
        var lanes = await session.QueryAsync<LaneRow>("SELECT name, scope, incarnation FROM lanes WHERE replica = 0 AND held = 0 ORDER BY id");
        await session.ExecuteAsync("UPDATE lanes SET incarnation = incarnation + 1 WHERE replica = 0 AND held = 0");
        await Repairs.JumpAsync(session);
        var group = new GroupTransaction(session, ids, database.Time.GetUtcNow(), []);
        foreach (var scope in lanes.Select(l => l.Scope).Distinct().Order(StringComparer.Ordinal).ToArray())
        {
            await group.LockScopeAsync(scope);
            var tx = new LaneTransaction(group, scope, new Caller("restore"));
            foreach (var lane in lanes.Where(l => l.Scope == scope))
                tx.Append(new Lane(lane.Name), new NodeRestored(lane.Incarnation, manifest.At), "node");
        }
        await group.WriteLogAsync();
        await session.ExecuteAsync("DELETE FROM schema_migrations WHERE name = @name", new { name = Migrator.RestoreMark });
        await session.CommitAsync();
    }
}
