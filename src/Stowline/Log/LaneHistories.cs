using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Old ends of copies. When a lane's writer was restored and has taken in what the copy here knew more, the copy goes back to where the two histories part and follows the new one. The old end is kept with its
/// hashes; and of an event that comes again with the new history, consumers that have read it in the old one take no notice (decision 0029).
/// </summary>
internal static class LaneHistories
{
    public const string Topic = "histories";

    /// <summary>The refusal while an event of the old end is parked.</summary>
    public const string Parked = "parked";

    internal sealed record Row
    {
        public string Lane { get; init; } = "";
        public int History { get; init; }
        public long ForkPosition { get; init; }
        public byte[] ForkHash { get; init; } = [];
        public long LastPosition { get; init; }
        public byte[] LastHash { get; init; } = [];
    }

    /// <summary>Where every history of a lane begins.</summary>
    public static LanePoint Beginning(string lane) => new() { Name = lane, Incarnation = 1, Position = 0, Hash = LaneTable.FirstHash(new Lane(lane), 1) };

    /// <summary>The old ends that are kept, by lane and age.</summary>
    public static ValueTask<IReadOnlyList<Row>> AllAsync(SqlSession session) =>
        session.QueryAsync<Row>("SELECT lane, history, fork_position, fork_hash, last_position, last_hash FROM lane_histories ORDER BY lane, history");

    /// <summary>
    /// Sets a copy back to a point in its past and keeps what stood behind it. Done before, or nothing behind it: nothing happens. Refusals: <c>other_history</c> where the copy does not have that point;
    /// <c>parked</c> while an event of the old end is: its position will be another event's.
    /// </summary>
    public static async ValueTask<Outcome<Done>> SetBackAsync(LaneTransaction tx, LanePoint fork)
    {
        var session = tx.Group.Session;
        var copy = (await Replicas.PointsAsync(session))[fork.Name];
        if (await RefuseAsync(session, fork) is { } refusal) return refusal;
        if (copy.Position <= fork.Position) return Outcome<Done>.AlreadyDone(new Done());
        // A step that is under way ends first, with its cursor and what it parks.
        await tx.ExecuteAsync("UPDATE cursors SET position = position WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane)", new { lane = fork.Name });
        var parked = await tx.FindAsync<long>("SELECT COUNT(*) FROM parked_events WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND position > @fork",
            new { lane = fork.Name, fork = fork.Position });
        if (parked > 0) return Refusal.Conflict(Parked, $"{parked} events of {fork.Name} are parked; they must be resolved before the copy can follow the new history");
        await KeepAsync(tx, fork, copy);
        var args = new { lane = fork.Name, fork = fork.Position, hash = fork.Hash, incarnation = fork.Incarnation };
        await tx.WriteAsync("UPDATE lanes SET head_position = @fork, head_hash = @hash, incarnation = @incarnation WHERE name = @lane", args);
        tx.Announce(Topic);
        return new Done();
    }

    /// <summary>Why a copy cannot go back to a point: it never was there. Null when it can.</summary>
    public static async ValueTask<Refusal?> RefuseAsync(SqlSession session, LanePoint fork) =>
        await Replicas.HasPointAsync(session, fork) ? null : Refusal.Conflict("other_history", $"the copy of {fork.Name} has another history before {fork.Position}, too");

    private static async ValueTask KeepAsync(LaneTransaction tx, LanePoint fork, LanePoint copy)
    {
        const string Behind = "WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane)";
        var history = (int)await tx.FindAsync<long>("SELECT COUNT(*) FROM lane_histories WHERE lane = @lane", new { lane = fork.Name }) + 1;
        var args = new { lane = fork.Name, history, fork = fork.Position, hash = fork.Hash, now = tx.Now, last = copy.Position, lastHash = copy.Hash };
        await tx.ExecuteAsync("""
            INSERT INTO lane_histories (lane, history, fork_position, fork_hash, last_position, last_hash, kept_at) VALUES (@lane, @history, @fork, @hash, @last, @lastHash, @now)
            """, args);
        await tx.ExecuteAsync($"""
            INSERT INTO history_groups (lane, history, first_position, count, incarnation, hash)
            SELECT @lane, @history, first_position, count, incarnation, hash FROM event_groups {Behind} AND first_position > @fork
            """, args);
        await InPagesAsync(tx, fork.Name, history, fork.Position, copy.Position, $"""
            INSERT INTO history_events (lane, history, position, id, type, subject, order_id, at, actor, trace, payload)
            SELECT @lane, @history, position, id, type, subject, order_id, at, actor, trace, payload FROM events {Behind} AND position > @after AND position <= @upto
            """);
        await tx.ExecuteAsync($"DELETE FROM event_groups {Behind} AND first_position > @fork", args);
        await InPagesAsync(tx, fork.Name, history, fork.Position, copy.Position, $"DELETE FROM events {Behind} AND position > @after AND position <= @upto");
        await tx.ExecuteAsync($"INSERT INTO history_cursors (lane, history, consumer, position) SELECT @lane, @history, consumer, position FROM cursors {Behind}", args);
        // New rows for all, so that a consumer's step that waits for the old one finds it gone, also where the consumer was not so far: of a row that is still there PostgreSQL would ask no more than whether
        // its position is the same, and the step would go on with events of the old end.
        await tx.ExecuteAsync($"DELETE FROM cursors {Behind}", args);
        await tx.ExecuteAsync("""
            INSERT INTO cursors (consumer, lane_id, position)
            SELECT h.consumer, l.id, CASE WHEN h.position < @fork THEN h.position ELSE @fork END
            FROM history_cursors h JOIN lanes l ON l.name = h.lane WHERE h.lane = @lane AND h.history = @history AND @fork > 0
            """, args);
        // Relays promise at least once: of the new history, what comes again from the old one is passed on again.
        await tx.ExecuteAsync("UPDATE relays SET position = @fork WHERE lane = @lane AND position > @fork", args);
    }

    /// <summary>Runs a statement over the positions behind <c>@after</c> up to <c>@upto</c>, page by page: of a long history no statement takes longer than a database waits for one.</summary>
    internal static async ValueTask InPagesAsync(LaneTransaction tx, string lane, int history, long from, long last, string sql)
    {
        const long Page = 50_000;
        for (var after = from; after < last; after += Page) await tx.ExecuteAsync(sql, new { lane, history, after, upto = Math.Min(after + Page, last) });
    }

    /// <summary>Those of the events that the consumer has not read in an old end of the lane.</summary>
    public static async ValueTask<IReadOnlyList<EventRecord>> UnreadAsync(LaneTransaction tx, string consumer, Lane lane, IReadOnlyList<EventRecord> events)
    {
        var read = new HashSet<Guid>();
        await tx.SelectAsync("""
            SELECT e.id FROM history_events e JOIN history_cursors c ON c.lane = e.lane AND c.history = e.history
            WHERE e.lane = k.lane AND e.id = k.id AND c.consumer = k.consumer AND c.position >= e.position
            """, events.Count, [Column.Same("lane", events.Count, lane.Name), Column.From("id", events, e => e.Id), Column.Same("consumer", events.Count, consumer)],
            row => read.Add(row.GetGuid(0)));
        return read.Count == 0 ? events : [.. events.Where(e => !read.Contains(e.Id))];
    }

    /// <summary>Part of <c>stowline verify</c>: each old end chains from the hash at which it parts from its lane, to its last one.</summary>
    public static async Task<string?> CheckAsync(SqlSession session)
    {
        foreach (var row in await AllAsync(session))
        {
            var fork = new LanePoint { Name = row.Lane, Position = row.ForkPosition, Hash = row.ForkHash };
            if (!await Replicas.HasPointAsync(session, fork) && !await HasPointAsync(session, fork)) return $"{row.Lane}: the old end {row.History} parts at {row.ForkPosition}, where neither the lane nor another old end has that hash";
            if (await ChainAsync(session, row) is { } wrong) return $"{row.Lane}, old end {row.History}: {wrong}";
        }
        return null;
    }

    /// <summary>Whether an old end has this point in its past: then another one that parts from there went the same way before.</summary>
    private static async Task<bool> HasPointAsync(SqlSession session, LanePoint point) => (await session.QueryAsync<byte[]>(
        "SELECT hash FROM history_groups WHERE lane = @lane AND history > 0 AND first_position + count - 1 = @position", new { lane = point.Name, position = point.Position }))
        .Any(hash => hash.AsSpan().SequenceEqual(point.Hash));

    private static async Task<string?> ChainAsync(SqlSession session, Row row)
    {
        var (position, hash) = (row.ForkPosition, row.ForkHash);
        while (position < row.LastPosition)
        {
            var group = await session.FindAsync<GroupRow>("""
                SELECT first_position, count, incarnation, hash FROM history_groups WHERE lane = @Lane AND history = @History AND first_position = @next
                """, new { row.Lane, row.History, next = position + 1 });
            if (group is null) return $"a gap after position {position}";
            var events = await session.QueryAsync<StoredEvent>($"""
                SELECT {StoredEvent.Columns} FROM history_events WHERE lane = @Lane AND history = @History AND position > @position AND position <= @last ORDER BY position
                """, new { row.Lane, row.History, position, last = position + group.Count });
            hash = LaneTable.GroupHash(hash, group.Incarnation, [.. events.Select(e => e.ToRecord(new Lane(row.Lane)))]);
            if (events.Count != group.Count || !hash.AsSpan().SequenceEqual(group.Hash)) return $"the group at {group.FirstPosition} was altered: its hash does not match its events";
            position += group.Count;
        }
        return hash.AsSpan().SequenceEqual(row.LastHash) ? null : "its last hash is not that of its last group";
    }
}
