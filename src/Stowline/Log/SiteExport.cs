using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Writes what the node of a site that was moved out begins with, in the form of a backup, so that either database can be filled from it: the site's rows as the modules tell them, the three
/// lanes of the site whole, with their hashes, and where its consumers stand. Nothing else of this node is in it: no orders, no other site, no key that opens a door. All from one snapshot, in which the
/// site's own rows have not moved since the hand-over.
/// </summary>
public static class SiteExport
{
    private const int PeopleAtOnce = 500;
    private const string OfSite = "SELECT id FROM lanes WHERE name IN ('hub/all', 'hub/' || @site, 'site/' || @site)";

    /// <summary>The log's own tables, as a site's node keeps them.</summary>
    private static readonly SiteTable[] LogTables =
    [
        new("lanes")
        {
            Of = $"id IN ({OfSite})",
            As = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["scope"] = "name", ["replica"] = "CASE WHEN name = 'site/' || @site THEN 0 ELSE 1 END", ["held"] = "0", ["version"] = "0",
            },
        },
        new("event_groups") { Of = $"lane_id IN ({OfSite})" },
        new("events") { Of = $"lane_id IN ({OfSite})" },
        new("lane_archives") { Of = $"lane_id IN ({OfSite})" },
        new("lane_sequences") { Of = "lane_id = (SELECT id FROM lanes WHERE name = 'site/' || @site)" },
        new("parked_events") { Of = OfConsumers("parked_events") },
        new("idempotency_keys") { Of = "scope = 'site/' || @site" },
    ];

    private sealed record LaneRow { public string Name { get; init; } = ""; public int Incarnation { get; init; } public long HeadPosition { get; init; } public byte[] HeadHash { get; init; } = []; }

    /// <summary>SQL: the rows of a table by consumer and lane that belong to consumers which go along with <c>@site</c>.</summary>
    internal static string OfConsumers(string table) =>
        $"EXISTS (SELECT 1 FROM moved_consumers m JOIN lanes l ON l.name = m.lane WHERE m.site = @site AND m.consumer = {table}.consumer AND l.id = {table}.lane_id)";

    /// <param name="peopleOf">Of events that the site has not read yet: the persons whose keys it will need for them.</param>
    /// <returns>How many rows were written.</returns>
    public static Task<long> WriteAsync(Node node, MovedSite moved, Stream file, string version, Func<IReadOnlyList<EventRecord>, IEnumerable<Guid>> peopleOf, CancellationToken ct = default) =>
        node.Database.SnapshotAsync(async session =>
        {
            var args = new { site = moved.Site };
            var lanes = await session.QueryAsync<LaneRow>($"SELECT name, incarnation, head_position, head_hash FROM lanes WHERE id IN ({OfSite}) ORDER BY id", args);
            var manifest = new BackupManifest(1, version, node.Time.GetUtcNow(), node.Database.Engine, await session.QueryAsync<string>("SELECT name FROM schema_migrations ORDER BY name"),
                [.. lanes.Select(l => new BackupLane(l.Name, l.Incarnation, l.HeadPosition, Convert.ToHexStringLower(l.HeadHash)))], new BackupSite(moved.Site, moved.MovedAt, moved.Position));
            await using var writer = new BackupWriter(file);
            await writer.ManifestAsync(manifest);
            SiteTable[] tables = [.. node.Modules.SelectMany(m => m.SiteTables).Where(t => t.Moves)];
            foreach (var table in LogTables.Concat(tables))
            {
                var columns = await session.ColumnsAsync(table.Name);
                var select = string.Join(", ", columns.Select(c => table.As.TryGetValue(c, out var there) ? $"{there} AS {c}" : c));
                await writer.TableAsync(new BackupTable(table.Name, columns));
                await WriteRowsAsync(writer, session.ReadRowsAsync($"SELECT {select} FROM {table.Name} WHERE {table.Of}", args), ct);
            }
            await writer.TableAsync(new BackupTable("cursors", ["consumer", "lane_id", "position"]));
            await WriteRowsAsync(writer, session.ReadRowsAsync("""
                SELECT m.consumer, l.id, COALESCE(m.starts_at, c.position) FROM moved_consumers m JOIN lanes l ON l.name = m.lane
                LEFT JOIN cursors c ON c.consumer = m.consumer AND c.lane_id = l.id WHERE m.site = @site AND COALESCE(m.starts_at, c.position) IS NOT NULL
                """, args), ct);
            await WritePeopleAsync(session, writer, moved.Site, tables, peopleOf, ct);
            await writer.EndAsync();
            return writer.Rows;
        }, ct);

    private static async Task WriteRowsAsync(BackupWriter writer, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        await foreach (var row in rows.WithCancellation(ct)) await writer.RowAsync(row);
    }

    /// <summary>The keys of those whom the site serves or has served, unless they were erased.</summary>
    private static async Task WritePeopleAsync(SqlSession session, BackupWriter writer, string site, IReadOnlyList<SiteTable> tables, Func<IReadOnlyList<EventRecord>, IEnumerable<Guid>> peopleOf,
        CancellationToken ct)
    {
        var people = new HashSet<Guid>();
        foreach (var table in tables.Where(t => t.Person is not null))
            await foreach (var person in session.StreamAsync<Guid>($"SELECT DISTINCT {table.Person} FROM {table.Name} WHERE {table.Of}", new { site }).WithCancellation(ct)) people.Add(person);
        var lane = Lane.HubTo(site);
        for (var after = await ReadUpToAsync(session, site, lane); ;)
        {
            var groups = await Replicas.ReadAsync(session, lane, after, PeopleAtOnce);
            if (groups.Count == 0) break;
            foreach (var group in groups) people.UnionWith(peopleOf(group.Events));
            after = groups[^1].Last;
        }
        await writer.TableAsync(new BackupTable("people", ["person_id", "key", "created_at"]));
        foreach (var some in people.Chunk(PeopleAtOnce))
            foreach (var key in await Personal.GiveAsync(session, some)) await writer.RowAsync([key.Person.ToString(), key.Key, RowTypes.Text(key.CreatedAt)]);
    }

    /// <summary>The end of a group up to which all of the site's consumers have read a lane for sure.</summary>
    private static ValueTask<long> ReadUpToAsync(SqlSession session, string site, Lane lane) => session.FindAsync<long>("""
        SELECT COALESCE(MAX(g.first_position + g.count - 1), 0) FROM event_groups g WHERE g.lane_id = (SELECT id FROM lanes WHERE name = @lane) AND g.first_position + g.count - 1 <= (
            SELECT COALESCE(MIN(COALESCE(c.position, 0)), 0) FROM moved_consumers m JOIN lanes l ON l.name = m.lane
            LEFT JOIN cursors c ON c.consumer = m.consumer AND c.lane_id = l.id WHERE m.site = @site AND m.lane = @lane)
        """, new { site, lane = lane.Name });
}
