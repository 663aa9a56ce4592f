using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// The other history of a lane while it comes: what its writer has instead of the old end, group by group, kept beside the copy until all of it is here. Only then the copy goes back and takes it over, in one
/// transaction. So whatever the old end alone has said is at every moment either in the copy or in what the writer has taken in of it, also when the writer loses that again (decision 0029).
/// </summary>
internal static class ComingHistory
{
    /// <summary>Where it stands among the kept histories, which count from one.</summary>
    private const int Number = 0;

    /// <summary>Makes room for what follows a point. Whatever had come before, over an earlier connection, comes again. Refusal: <c>other_history</c> where the copy does not have that point.</summary>
    public static async ValueTask<Outcome<Done>> BeginAsync(LaneTransaction tx, LanePoint fork)
    {
        if (await LaneHistories.RefuseAsync(tx.Group.Session, fork) is { } refusal) return refusal;
        await ClearAsync(tx, fork.Name);
        return new Done();
    }

    /// <summary>Keeps groups that are known to follow what has come before.</summary>
    public static async ValueTask<Outcome<Done>> KeepAsync(LaneTransaction tx, Lane lane, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys)
    {
        await Personal.TakeAsync(tx, keys);
        await tx.InsertAsync("history_groups", groups.Count, Column.Same("lane", groups.Count, lane.Name), Column.Same("history", groups.Count, Number),
            Column.From("first_position", groups, g => g.First), Column.From("count", groups, g => g.Events.Count), Column.From("incarnation", groups, g => g.Incarnation), Column.From("hash", groups, g => g.Hash));
        var events = groups.SelectMany(g => g.Events).ToList();
        await tx.InsertAsync("history_events", events.Count, Column.Same("lane", events.Count, lane.Name), Column.Same("history", events.Count, Number),
            Column.From("position", events, e => e.Position), Column.From("id", events, e => e.Id), Column.From("type", events, e => e.Type), Column.From("subject", events, e => e.Subject),
            Column.From("order_id", events, e => e.OrderId), Column.From("at", events, e => e.At), Column.From("actor", events, e => e.Actor), Column.From("trace", events, e => e.Trace),
            Column.From("payload", events, e => e.Payload));
        return new Done();
    }

    /// <summary>The copy goes back to where the two part (<see cref="LaneHistories.SetBackAsync"/>) and on to the end of what has come. Refusals: those of setting back; <c>not_here</c> when another one has come meanwhile.</summary>
    public static async ValueTask<Outcome<Done>> FollowAsync(LaneTransaction tx, LanePoint fork, LanePoint last)
    {
        var args = new { lane = fork.Name, history = Number, last = last.Position, hash = last.Hash, incarnation = last.Incarnation };
        var here = await tx.FindAsync<long>("SELECT COALESCE(SUM(count), 0) FROM history_groups WHERE lane = @lane AND history = @history", args);
        var isIt = last.Position == fork.Position || await tx.FindAsync<byte[]>(
            "SELECT hash FROM history_groups WHERE lane = @lane AND history = @history ORDER BY first_position DESC LIMIT 1", args) is { } hash && hash.AsSpan().SequenceEqual(last.Hash);
        if (here != last.Position - fork.Position || !isIt) return Refusal.Conflict("not_here", $"the new history of {fork.Name} has come over another connection, too; it comes again");
        if (await LaneHistories.SetBackAsync(tx, fork) is { Refusal: { } refusal }) return refusal;
        await tx.ExecuteAsync("""
            INSERT INTO event_groups (lane_id, first_position, count, incarnation, hash)
            SELECT l.id, h.first_position, h.count, h.incarnation, h.hash FROM history_groups h JOIN lanes l ON l.name = h.lane WHERE h.lane = @lane AND h.history = @history
            """, args);
        await tx.ExecuteAsync("""
            INSERT INTO events (lane_id, position, id, type, subject, order_id, at, actor, trace, payload)
            SELECT l.id, h.position, h.id, h.type, h.subject, h.order_id, h.at, h.actor, h.trace, h.payload FROM history_events h JOIN lanes l ON l.name = h.lane WHERE h.lane = @lane AND h.history = @history
            """, args);
        await tx.WriteAsync("UPDATE lanes SET head_position = @last, head_hash = @hash, incarnation = @incarnation WHERE name = @lane", args);
        await ClearAsync(tx, fork.Name);
        return new Done();
    }

    private static async ValueTask ClearAsync(LaneTransaction tx, string lane)
    {
        await tx.WriteAsync("DELETE FROM history_groups WHERE lane = @lane AND history = @history", new { lane, history = Number });
        await tx.WriteAsync("DELETE FROM history_events WHERE lane = @lane AND history = @history", new { lane, history = Number });
    }
}
