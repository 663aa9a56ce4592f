using Stowline.Store;

namespace Stowline.Log;

/// <summary>What <c>stowline verify</c> found: each check is <c>ok</c> or says what is wrong.</summary>
public sealed record VerificationReport(bool Ok, IReadOnlyDictionary<string, string> Checks);

/// <summary>
/// Checks a node against itself: replays every lane's hash chain and runs the modules' checks, all on one snapshot, so a running node can be
/// verified.
/// </summary>
public static class Verification
{
    private const int EventsPerPage = 4_000;

    public static Task<VerificationReport> RunAsync(Node node, CancellationToken ct = default) => node.Database.SnapshotAsync(async session =>
    {
        var checks = new Dictionary<string, string>(StringComparer.Ordinal);
        checks["lanes"] = await LaneChainsAsync(session) ?? "ok";
        checks["histories"] = await LaneHistories.CheckAsync(session) ?? "ok";
        checks["parked"] = await ParkedAsync(session) ?? "ok";
        foreach (var (name, run) in node.Modules.SelectMany(m => m.Checks(node))) checks[name] = await run(session) ?? "ok";
        return new VerificationReport(checks.Values.All(v => v == "ok"), checks);
    }, ct);

    private sealed record LaneRow
    {
        public int Id { get; init; }
        public string Name { get; init; } = "";
        public long HeadPosition { get; init; }
        public byte[] HeadHash { get; init; } = [];
    }

    private sealed record Checkpoint
    {
        public long Position { get; init; }
        public int Incarnation { get; init; }
        public byte[] Hash { get; init; } = [];
    }

    internal static async Task<string?> LaneChainsAsync(SqlSession session)
    {
        foreach (var lane in await session.QueryAsync<LaneRow>("SELECT id, name, head_position, head_hash FROM lanes ORDER BY id"))
            if (await ChainAsync(session, lane) is { } wrong) return $"{lane.Name}: {wrong}";
        return null;
    }

    private static async Task<string?> ChainAsync(SqlSession session, LaneRow lane)
    {
        // What was archived is vouched for by the hash of its last group; the chain goes on from there.
        var archived = await session.FindAsync<Checkpoint>("""
            SELECT last_position AS position, incarnation, hash FROM lane_archives WHERE lane_id = @lane ORDER BY first_position DESC LIMIT 1
            """, new { lane = lane.Id });
        var hash = archived?.Hash;
        var incarnation = archived?.Incarnation ?? 0;
        var position = archived?.Position ?? 0;
        // Groups and events are walked in step, a page at a time, so that memory stays flat however long the lane is and however large its groups.
        for (var after = position; ;)
        {
            var groups = await session.QueryAsync<GroupRow>("""
                SELECT first_position, count, incarnation, hash FROM event_groups WHERE lane_id = @lane AND first_position > @after ORDER BY first_position LIMIT 500
                """, new { lane = lane.Id, after });
            if (groups.Count == 0) break;
            groups = Page(groups);
            var last = groups[^1].FirstPosition + groups[^1].Count - 1;
            var events = await session.QueryAsync<StoredEvent>($"""
                SELECT {StoredEvent.Columns} FROM events
                WHERE lane_id = @lane AND position >= @first AND position <= @last ORDER BY position
                """, new { lane = lane.Id, first = groups[0].FirstPosition, last });
            var index = 0;
            foreach (var group in groups)
            {
                if (group.FirstPosition != position + 1) return $"a gap before position {group.FirstPosition}";
                if (events.Count - index < group.Count) return $"events are missing in the group at {group.FirstPosition}";
                if (hash is null || group.Incarnation != incarnation)
                {
                    // A new incarnation chains on from where the lane stood when it was restored.
                    hash ??= LaneTable.FirstHash(new Lane(lane.Name), 1);
                    incarnation = group.Incarnation;
                }
                var records = new EventRecord[group.Count];
                for (var i = 0; i < records.Length; i++)
                {
                    var e = events[index++];
                    if (e.Position != group.FirstPosition + i) return $"the event at {group.FirstPosition + i} is missing";
                    records[i] = e.ToRecord(new Lane(lane.Name));
                }
                hash = LaneTable.GroupHash(hash, group.Incarnation, records);
                if (!hash.AsSpan().SequenceEqual(group.Hash)) return $"the group at {group.FirstPosition} was altered: its hash does not match its events";
                position = group.FirstPosition + group.Count - 1;
            }
            after = groups[^1].FirstPosition;
        }
        if (position != lane.HeadPosition) return $"the head says {lane.HeadPosition}, the events end at {position}";
        if (hash is not null && !hash.AsSpan().SequenceEqual(lane.HeadHash)) return "the head's hash is not that of the last group";
        return null;
    }

    /// <summary>As many of the groups as hold a page of events, and at least one.</summary>
    private static IReadOnlyList<GroupRow> Page(IReadOnlyList<GroupRow> groups)
    {
        var events = 0;
        return [.. groups.TakeWhile((g, i) => (events += g.Count) <= EventsPerPage || i == 0)];
    }

    private static async Task<string?> ParkedAsync(SqlSession session)
    {
        var parked = await session.FindAsync<long>("SELECT COUNT(*) FROM parked_events");
        return parked == 0 ? null : $"{parked} events are parked; see GET /api/v1/system/parked";
    }
}
