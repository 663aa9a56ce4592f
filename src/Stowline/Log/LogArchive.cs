using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Moves the beginning of a lane, whole groups of it, into compressed files. A file is complete, on disk and under its name before a row is
/// deleted, so a crash at any moment leaves either the rows or both; the next run writes the same file again. The hash of the last archived group is kept:
/// the chain goes on from there.
/// </summary>
/// <param name="at">Called before each step with its name: for tests that end the process there.</param>
internal sealed class LogArchive(Node node, string folder, Action<string>? at = null)
{
    private const int GroupsPerFile = 5_000;
    private const int EventsPerFile = 20_000;

    private sealed record LaneRow { public int Id { get; init; } public string Scope { get; init; } = ""; public long Last { get; init; } public long Bound { get; init; } }

    /// <summary>Archives the next events of a lane that are older. Answers how many; 0 when there is nothing more to archive.</summary>
    public async Task<long> StepAsync(string lane, DateTimeOffset before, CancellationToken ct)
    {
        var consumers = node.Consumers.Where(c => c.Source.Name == lane).Select(c => c.Consumer.Name).ToList();
        var (row, chunk) = await node.Database.SnapshotAsync(async session => await ReadAsync(session, lane, consumers, before), ct);
        if (chunk.Groups.Count == 0) return 0;
        var (name, sha256) = Write(row, chunk);
        at?.Invoke("delete");
        var moved = await node.Lanes.ExecuteAsync<long>(new Lane(row.Scope), new Caller("archive"), tx => DeleteAsync(row, chunk, name, sha256, tx), ct);
        return moved.IsOk ? moved.Value : throw new InvalidOperationException(moved.Refusal!.Detail);
    }

    private sealed record Chunk(List<GroupRow> Groups, List<StoredEvent> Events)
    {
        public long First => Groups[0].FirstPosition;
        public long Last => Groups[^1].FirstPosition + Groups[^1].Count - 1;
    }

    /// <summary>The next whole groups whose events are old enough, seen by every consumer, and not parked.</summary>
    private static async Task<(LaneRow, Chunk)> ReadAsync(SqlSession session, string lane, List<string> consumers, DateTimeOffset before)
    {
        var row = await session.FindAsync<LaneRow>("""
            SELECT l.id, l.scope, COALESCE((SELECT MAX(a.last_position) FROM lane_archives a WHERE a.lane_id = l.id), 0) AS last,
                COALESCE((SELECT MIN(p.position) - 1 FROM parked_events p WHERE p.lane_id = l.id), l.head_position) AS bound
            FROM lanes l WHERE l.name = @lane
            """, new { lane }) ?? throw new UnknownLaneException(lane);
        var limit = row.Bound;
        foreach (var consumer in consumers)
            limit = Math.Min(limit, await session.FindAsync<long>("SELECT position FROM cursors WHERE consumer = @consumer AND lane_id = @id", new { consumer, id = row.Id }));
        var chunk = new Chunk([], []);
        var groups = await session.QueryAsync<GroupRow>($"""
            SELECT first_position, count, incarnation, hash FROM event_groups WHERE lane_id = @id AND first_position > @last ORDER BY first_position LIMIT {GroupsPerFile}
            """, new { id = row.Id, last = row.Last });
        foreach (var group in groups)
        {
            var end = group.FirstPosition + group.Count - 1;
            if (end > limit || chunk.Events.Count >= EventsPerFile) break;
            var events = await session.QueryAsync<StoredEvent>($"SELECT {StoredEvent.Columns} FROM events WHERE lane_id = @id AND position >= @first AND position <= @end ORDER BY position",
                new { id = row.Id, first = group.FirstPosition, end });
            if (events.Count != group.Count) throw new InvalidOperationException($"{lane} lacks events of the group at {group.FirstPosition}; see stowline verify");
            if (events.Any(e => e.At >= before)) break;
            chunk.Groups.Add(group);
            chunk.Events.AddRange(events);
        }
        return (row, chunk);
    }

    private (string Name, byte[] Sha256) Write(LaneRow row, Chunk chunk)
    {
        Directory.CreateDirectory(folder);
        var name = $"lane-{row.Id}-{chunk.First:D12}-{chunk.Last:D12}.ndjson.gz";
        var path = Path.Combine(folder, name);
        at?.Invoke("write");
        using (var file = new FileStream(path + ".part", FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
        {
            using (var gzip = new GZipStream(file, CompressionLevel.Optimal, leaveOpen: true)) WriteLines(gzip, chunk);
            file.Flush(flushToDisk: true);
        }
        at?.Invoke("rename");
        File.Move(path + ".part", path, overwrite: true);
        using var written = File.OpenRead(path);
        return (name, SHA256.HashData(written));
    }

    /// <summary>One JSON object a line: each group, followed by its events.</summary>
    private static void WriteLines(Stream stream, Chunk chunk)
    {
        var next = 0;
        foreach (var group in chunk.Groups)
        {
            JsonSerializer.Serialize(stream, group, LogArchiveJson.Default.GroupRow);
            stream.WriteByte((byte)'\n');
            for (var i = 0; i < group.Count; i++)
            {
                JsonSerializer.Serialize(stream, chunk.Events[next++], LogArchiveJson.Default.StoredEvent);
                stream.WriteByte((byte)'\n');
            }
        }
    }

    private async ValueTask<Outcome<long>> DeleteAsync(LaneRow row, Chunk chunk, string name, byte[] sha256, LaneTransaction tx)
    {
        if ((await tx.FindAsync<long?>("SELECT MAX(last_position) FROM lane_archives WHERE lane_id = @id", new { id = row.Id }) ?? 0) != row.Last)
            return Refusal.Conflict("archived_meanwhile", "another process archives this lane");
        await tx.WriteAsync("""
            INSERT INTO lane_archives (lane_id, first_position, last_position, incarnation, hash, file, sha256, archived_at)
            VALUES (@id, @first, @last, @incarnation, @hash, @name, @sha256, @now)
            """, new { id = row.Id, first = chunk.First, last = chunk.Last, incarnation = chunk.Groups[^1].Incarnation, hash = chunk.Groups[^1].Hash, name, sha256, now = tx.Now });
        // An order that is still under way keeps its timeline: its events stay where they are, though the chain has passed them.
        var live = new HashSet<Guid>();
        foreach (var module in node.Modules)
            live.UnionWith(await module.LiveOrdersAsync(tx.Group.Session, [.. chunk.Events.Select(e => e.OrderId).OfType<Guid>().Distinct()]));
        var from = chunk.First;
        foreach (var kept in chunk.Events.Where(e => e.OrderId is { } order && live.Contains(order)).Select(e => e.Position).Append(chunk.Last + 1))
        {
            if (kept > from)
                await tx.WriteAsync("DELETE FROM events WHERE lane_id = @id AND position >= @from AND position < @kept", new { id = row.Id, from, kept });
            from = kept + 1;
        }
        await tx.WriteAsync("DELETE FROM event_groups WHERE lane_id = @id AND first_position <= @last", new { id = row.Id, last = chunk.Last });
        return chunk.Last - chunk.First + 1;
    }

    private sealed record FileRow
    {
        public string Lane { get; init; } = "";
        public long FirstPosition { get; init; }
        public long LastPosition { get; init; }
        public byte[] Hash { get; init; } = [];
        public string File { get; init; } = "";
        public byte[] Sha256 { get; init; } = [];
    }

    /// <summary>Checks the archive: that its ranges follow on each other, and of the files at hand that they are as written and that their chains hold.</summary>
    /// <returns>What is wrong, or null; and how many files were not at hand.</returns>
    public static async Task<(string? Wrong, int Absent)> VerifyAsync(SqlSession session, string folder)
    {
        var absent = 0;
        FileRow? last = null;
        foreach (var row in await session.QueryAsync<FileRow>("""
            SELECT l.name AS lane, a.first_position, a.last_position, a.hash, a.file, a.sha256 FROM lane_archives a JOIN lanes l ON l.id = a.lane_id ORDER BY a.lane_id, a.first_position
            """))
        {
            var before = last?.Lane == row.Lane ? last : null;
            if (row.FirstPosition != (before?.LastPosition ?? 0) + 1) return ($"{row.Lane}: no archive file reaches up to position {row.FirstPosition}", absent);
            var path = Path.Combine(folder, row.File);
            if (!File.Exists(path)) absent++;
            else if (CheckFile(path, row, before?.Hash ?? LaneTable.FirstHash(new Lane(row.Lane), 1)) is { } wrong) return ($"{row.File}: {wrong}", absent);
            last = row;
        }
        return (null, absent);
    }

    private static string? CheckFile(string path, FileRow row, byte[] hash)
    {
        using var file = File.OpenRead(path);
        if (!SHA256.HashData(file).AsSpan().SequenceEqual(row.Sha256)) return "is not the file that was written";
        file.Position = 0;
        using var lines = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        var lane = new Lane(row.Lane);
        while (lines.ReadLine() is { } line)
        {
            var group = JsonSerializer.Deserialize(line, LogArchiveJson.Default.GroupRow)!;
            var events = new List<EventRecord>(group.Count);
            while (events.Count < group.Count && lines.ReadLine() is { } one) events.Add(JsonSerializer.Deserialize(one, LogArchiveJson.Default.StoredEvent)!.ToRecord(lane));
            hash = LaneTable.GroupHash(hash, group.Incarnation, events);
            if (!hash.AsSpan().SequenceEqual(group.Hash)) return $"the chain breaks at position {group.FirstPosition}";
        }
        return hash.AsSpan().SequenceEqual(row.Hash) ? null : "does not end with the hash of its checkpoint";
    }
}

/// <summary>A committed group as it is stored.</summary>
internal sealed record GroupRow
{
    public long FirstPosition { get; init; }
    public int Count { get; init; }
    public int Incarnation { get; init; }
    public byte[] Hash { get; init; } = [];
}

/// <summary>An event as it is stored, byte for byte.</summary>
internal sealed record StoredEvent
{
    public const string Columns = "position, id, type, subject, order_id, at, actor, trace, payload";

    public long Position { get; init; }
    public Guid Id { get; init; }
    public string Type { get; init; } = "";
    public string Subject { get; init; } = "";
    public Guid? OrderId { get; init; }
    public DateTimeOffset At { get; init; }
    public string Actor { get; init; } = "";
    public string? Trace { get; init; }
    public byte[] Payload { get; init; } = [];

    public EventRecord ToRecord(Lane lane) => new(lane, Position, Id, Type, Subject, OrderId, At, Actor, Trace, Payload);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GroupRow))]
[JsonSerializable(typeof(StoredEvent))]
internal sealed partial class LogArchiveJson : JsonSerializerContext;
