using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>Events of one lane that were committed together, as another node may take them over: with the hash that chains them to those before.</summary>
public sealed record LaneGroup(long First, int Incarnation, byte[] Hash, IReadOnlyList<EventRecord> Events)
{
    public long Last => First + Events.Count - 1;

    /// <summary>Where the lane stands behind them.</summary>
    public LanePoint EndIn(string lane) => new() { Name = lane, Incarnation = Incarnation, Position = Last, Hash = Hash };
}

/// <summary>A person's key on its way to a node that needs it. Travels beside the lane, never in it, so that erasing it erases it.</summary>
public sealed record PersonKey(Guid Person, byte[] Key, DateTimeOffset CreatedAt);

/// <summary>Where a lane stands, by the stored hash too: what nodes compare when they meet.</summary>
public sealed record LanePoint
{
    public string Name { get; init; } = "";
    public int Ordinal { get; init; }
    public int Incarnation { get; init; }
    public long Position { get; init; }
    public byte[] Hash { get; init; } = [];

    /// <summary>1 while the lane waits for its repair after a restore.</summary>
    public int Held { get; init; }
}

/// <summary>What came of groups that were to be taken over.</summary>
/// <param name="Position">Where the replica stands now.</param>
/// <param name="Divergence">Why they can never follow on it; null when they did, or were here before, or others are missing in between.</param>
public sealed record ImportResult(long Position, string? Divergence);

/// <summary>The lane is written by another node; here is a copy.</summary>
public sealed class ReplicaLaneException(string lane) : Exception($"{lane} is written by another node")
{
    public string Lane => lane;
}

/// <summary>Reading lanes whole groups at a time, and taking them over on another node, hash-checked and without gaps.</summary>
public static class Replicas
{
    /// <summary>409 <c>site_is_remote</c>: only the node that writes a lane decides what happens there.</summary>
    public static Refusal Refuse(Lane lane)
    {
        var site = lane.Name[(lane.Name.IndexOf('/') + 1)..];
        return Refusal.Conflict("site_is_remote", $"{site} has a node of its own; ask that one", new Dictionary<string, object?> { ["site"] = site });
    }

    /// <summary>Where all lanes of this node stand.</summary>
    public static async Task<IReadOnlyDictionary<string, LanePoint>> PointsAsync(SqlSession session) =>
        (await session.QueryAsync<LanePoint>("SELECT name, ordinal, incarnation, head_position AS position, head_hash AS hash, held FROM lanes")).ToDictionary(p => p.Name, StringComparer.Ordinal);

    /// <summary>The lanes that are copies here, in order of name.</summary>
    public static ValueTask<IReadOnlyList<string>> NamesAsync(SqlSession session) => session.QueryAsync<string>("SELECT name FROM lanes WHERE replica = 1 ORDER BY name");

    /// <summary>Whether this node's own lane has exactly this point in its past, or is there now.</summary>
    public static async Task<bool> HasPointAsync(SqlSession session, LanePoint point)
    {
        if (point.Position == 0) return true; // nothing is a beginning of everything
        var group = await session.FindAsync<GroupRow>("""
            SELECT first_position, count, incarnation, hash FROM event_groups
            WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND first_position <= @position ORDER BY first_position DESC LIMIT 1
            """, new { lane = point.Name, position = point.Position });
        return group is not null && group.FirstPosition + group.Count - 1 == point.Position && group.Hash.AsSpan().SequenceEqual(point.Hash);
    }

    /// <summary>The groups after a position, in order: as many as hold so many events, and at least one. The position must be the end of a group.</summary>
    public static async Task<IReadOnlyList<LaneGroup>> ReadAsync(SqlSession session, Lane lane, long after, int events)
    {
        var groups = await session.QueryAsync<GroupRow>("""
            SELECT first_position, count, incarnation, hash FROM event_groups
            WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND first_position > @after ORDER BY first_position LIMIT @events
            """, new { lane = lane.Name, after, events });
        var sum = 0;
        groups = [.. groups.TakeWhile((g, i) => (sum += g.Count) <= events || i == 0)];
        if (groups.Count == 0) return [];
        var last = groups[^1].FirstPosition + groups[^1].Count - 1;
        var rows = await session.QueryAsync<StoredEvent>($"""
            SELECT {StoredEvent.Columns} FROM events
            WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND position >= @first AND position <= @last ORDER BY position
            """, new { lane = lane.Name, first = groups[0].FirstPosition, last = last });
        var found = rows.Select(e => e.ToRecord(lane)).ToList();
        return [.. groups.Select(g => new LaneGroup(g.FirstPosition, g.Incarnation, g.Hash, found.GetRange((int)(g.FirstPosition - groups[0].FirstPosition), g.Count)))];
    }

    /// <summary>When the event after a position was written; null where there is none yet.</summary>
    public static ValueTask<DateTimeOffset?> NextAtAsync(SqlSession session, string lane, long after) => session.FindAsync<DateTimeOffset?>(
        "SELECT at FROM events WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND position = @next", new { lane, next = after + 1 });

    /// <summary>Ceases to write a lane: from here on another node does, and this one keeps a copy. It must be empty.</summary>
    internal static ValueTask GiveUpAsync(LaneTransaction tx, Lane lane) =>
        tx.WriteAsync("UPDATE lanes SET replica = 1 WHERE name = @lane AND head_position = 0", new { lane = lane.Name });

    /// <summary>Takes groups over. Those that are here already are passed over; if any is missing before them, nothing is done.</summary>
    internal static async ValueTask<ImportResult> ImportAsync(LaneTransaction tx, Lane lane, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys)
    {
        var growth = await tx.Group.GrowAsync(lane);
        foreach (var group in groups)
        {
            if (group.Last <= growth.Position) continue;
            if (group.First > growth.Position + 1) break;
            if (growth.Refuse(group) is { } divergence) return new ImportResult(growth.Position, divergence);
            await growth.AddAsync(tx.Group.Session, group);
        }
        if (growth.Events.Count > 0) await Personal.TakeAsync(tx, keys, both: !growth.From.IsReplica);
        return new ImportResult(growth.Position, null);
    }
}

/// <summary>A replica as it grows within one transaction.</summary>
internal sealed class ReplicaGrowth(LaneHead from)
{
    private int _incarnation = from.Incarnation;

    public LaneHead From => from;
    public long Position { get; private set; } = from.Position;
    public byte[] Hash { get; private set; } = from.Hash;
    public List<EventRecord> Events { get; } = [];

    /// <summary>Whether the lane's writer has begun anew in what was taken over: it was restored, or is another node than before.</summary>
    public bool OpensIncarnation => _incarnation > from.Incarnation;

    /// <summary>Why a group can never follow here; null when it does.</summary>
    public string? Refuse(LaneGroup group) => Refuse(new LanePoint { Position = Position, Hash = Hash, Incarnation = _incarnation }, group);

    /// <summary>Why a group can never follow on a point of a lane; null when it does.</summary>
    public static string? Refuse(LanePoint at, LaneGroup group)
    {
        if (group.First != at.Position + 1) return $"its group at {group.First} begins before the end of the copy at {at.Position}: the histories differ";
        if (group.Incarnation < at.Incarnation) return $"incarnation {group.Incarnation} at position {group.First} came after incarnation {at.Incarnation}";
        return LaneTable.GroupHash(at.Hash, group.Incarnation, group.Events).AsSpan().SequenceEqual(group.Hash) ? null
            : $"the hash at position {group.Last} is not the one that follows on the copy at {at.Position}: the histories differ";
    }

    /// <summary>Those of the groups that follow on a point of a lane: without what is before it, and as far as nothing is missing in between.</summary>
    /// <param name="wrong">Why one of them can never follow; null when all can.</param>
    public static List<LaneGroup> Following(LanePoint at, IReadOnlyList<LaneGroup> groups, out string? wrong)
    {
        wrong = null;
        var follows = new List<LaneGroup>();
        foreach (var group in groups.Where(g => g.Last > at.Position))
        {
            if (group.First > at.Position + 1) break;
            wrong = Refuse(at, group);
            if (wrong is not null) break;
            follows.Add(group);
            at = group.EndIn(at.Name);
        }
        return follows;
    }

    public async ValueTask AddAsync(SqlSession session, LaneGroup group)
    {
        await LaneTable.InsertAsync(session, [new NewGroup(from.Id, group.First, group.Incarnation, group.Hash, group.Events)]);
        (Position, Hash, _incarnation) = (group.Last, group.Hash, group.Incarnation);
        Events.AddRange(group.Events);
    }

    public ValueTask WriteHeadAsync(SqlSession session) => session.WriteAsync(
        "UPDATE lanes SET head_position = @position, head_hash = @hash, incarnation = @incarnation WHERE id = @id",
        new { id = from.Id, position = Position, hash = Hash, incarnation = _incarnation });
}
