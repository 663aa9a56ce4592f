using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// Takes into a lane what another history of it says: a copy knows more of an earlier incarnation than its writer, which was restored and went on without waiting for that copy. The
/// events come as new groups, each once, whichever copies bring them, and into the modules' tables in the same transaction (decision 0029).
/// </summary>
internal static class HistoryJoin
{
    /// <summary>What tells of a lane itself stays in its own history.</summary>
    private static bool IsOfTheLog(string type) => type == NodeRestored.Type || type == LaneJoined.Type;

    private sealed record End { public long FirstPosition { get; init; } public int Incarnation { get; init; } }

    /// <summary>Where a lane of this node ended its incarnations before the present one, the last first, and at last where it began.</summary>
    public static async Task<IReadOnlyList<LanePoint>> EndsAsync(SqlSession session, string lane)
    {
        var ends = new List<LanePoint>();
        foreach (var last in (await session.QueryAsync<End>("""
            SELECT MAX(first_position) AS first_position, incarnation FROM event_groups WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) GROUP BY incarnation ORDER BY incarnation DESC
            """, new { lane })).Skip(1))
        {
            var group = (await session.FindAsync<GroupRow>("""
                SELECT first_position, count, incarnation, hash FROM event_groups WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND first_position = @first
                """, new { lane, first = last.FirstPosition }))!;
            ends.Add(new LanePoint { Name = lane, Incarnation = group.Incarnation, Position = group.FirstPosition + group.Count - 1, Hash = group.Hash });
        }
        return [.. ends, LaneHistories.Beginning(lane)];
    }

    /// <summary>Takes groups of the old end, which are known to chain from <paramref name="fork"/>. Refusal: <c>histories_clash</c>.</summary>
    public static async ValueTask<Outcome<Done>> TakeAsync(LaneTransaction tx, LanePoint fork, string site, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys, IRecovery recovery)
    {
        var lane = new Lane(fork.Name);
        var fresh = await FreshAsync(tx, fork, [.. groups.SelectMany(g => g.Events)]);
        if (fresh.Count == 0) return Outcome<Done>.AlreadyDone(new Done());
        if (await recovery.FindClashAsync(site, fresh, tx) is { } clash) return Refusal.Conflict("histories_clash", clash);
        var newer = await NewerAsync(tx, fork, fresh, recovery);
        await Personal.TakeAsync(tx, keys, both: true);
        var unapplied = fresh.Where(e => !recovery.Recovers(e.Type)).GroupBy(e => e.Type, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.LongCount(), StringComparer.Ordinal);
        tx.Append(lane, new LaneJoined(site, fork.Position, fresh[0].Position, fresh[^1].Position, fresh.Count, unapplied), "node");
        foreach (var e in fresh) tx.AppendAgain(e);
        await RememberAsync(tx, lane, fresh);
        await recovery.JoinAsync(site, fresh, tx);
        if (newer.Count == 0) return new Done();
        await recovery.RecoverAsync(site, newer, tx);
        foreach (var e in newer) tx.AppendCopy(e);
        return new Done();
    }

    private static async ValueTask<List<EventRecord>> FreshAsync(LaneTransaction tx, LanePoint fork, List<EventRecord> old)
    {
        var events = old.FindAll(e => !IsOfTheLog(e.Type));
        if (events.Count == 0) return events;
        var known = new HashSet<Guid>();
        // What was joined there may stand here in the lane's own history: a copy that had it at first has given it back.
        if (old.Exists(e => e.Type == LaneJoined.Type))
            known.UnionWith(await tx.QueryAsync<Guid>("SELECT id FROM events WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND position > @fork", new { lane = fork.Name, fork = fork.Position }));
        await tx.SelectAsync("SELECT id FROM joined_events WHERE lane = k.lane AND id = k.id", events.Count,
            [Column.Same("lane", events.Count, fork.Name), Column.From("id", events, e => e.Id)], row => known.Add(row.GetGuid(0)));
        return events.FindAll(e => !known.Contains(e.Id));
    }

    private static ValueTask RememberAsync(LaneTransaction tx, Lane lane, IReadOnlyList<EventRecord> events) => tx.UpsertAsync("joined_events", "lane, id", "", events.Count,
        Column.Same("lane", events.Count, lane.Name), Column.From("id", events, e => e.Id));

    /// <summary>
    /// What this node has said itself, since the histories parted, of things of which the old end speaks, too: it has the last word. Only the last of each thing is told again, which after earlier groups of the old end is a
    /// copy: with all of them there would be twice as many after each group. An event may speak of several things; then what was said of the others since must follow it again.
    /// </summary>
    private static async ValueTask<IReadOnlyList<EventRecord>> NewerAsync(LaneTransaction tx, LanePoint fork, IReadOnlyList<EventRecord> old, IRecovery recovery)
    {
        var open = new Queue<string>();
        var types = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (e, thing) in old.SelectMany(e => recovery.Settles(e).Select(thing => (e, thing))))
        {
            open.Enqueue(thing);
            types.Add(e.Type);
        }
        var last = new Dictionary<string, EventRecord>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            var said = await tx.QueryAsync<StoredEvent>($"""
                SELECT {StoredEvent.Columns} FROM events e WHERE e.lane_id = (SELECT id FROM lanes WHERE name = @lane) AND e.position > @fork AND e.type = @type
                AND NOT EXISTS (SELECT 1 FROM joined_events j WHERE j.lane = @lane AND j.id = e.id) ORDER BY e.position
                """, new { lane = fork.Name, fork = fork.Position, type });
            foreach (var e in said.Select(e => e.ToRecord(new Lane(fork.Name))))
                foreach (var thing in recovery.Settles(e)) last[thing] = e; // no two types speak of one thing
        }
        var newer = new SortedDictionary<long, EventRecord>();
        while (open.TryDequeue(out var thing))
        {
            if (!last.TryGetValue(thing, out var e) || !newer.TryAdd(e.Position, e)) continue;
            foreach (var besides in recovery.Settles(e)) open.Enqueue(besides);
        }
        return [.. newer.Values];
    }

    /// <summary>Of groups that come back after a restore: what had been joined before it is known again.</summary>
    public static async ValueTask RememberAsync(LaneTransaction tx, IReadOnlyList<EventRecord> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Type != LaneJoined.Type) continue;
            var joined = events.Skip(i + 1).Take(events[i].Read<LaneJoined>().Count).ToList();
            if (joined.Count > 0) await RememberAsync(tx, events[i].Lane, joined);
        }
    }
}
