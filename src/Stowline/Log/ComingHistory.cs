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

    /// <summary>
    /// How far it has come before, over an earlier connection: up to <paramref name="head"/>, or not so far. What its writer wrote in another incarnation is deleted: it may have been lost since, and it comes again.
    /// Refusal: <c>other_history</c> where the copy does not have the point <paramref name="fork"/>.
    /// </summary>
    public static async ValueTask<Outcome<LanePoint>> BeginAsync(LaneTransaction tx, LanePoint fork, LanePoint head)
    {
        if (await LaneHistories.RefuseAsync(tx.Group.Session, fork) is { } refusal) return refusal;
        var first = await tx.FindAsync<long>("SELECT COALESCE(MIN(first_position), 0) FROM history_groups WHERE lane = @lane AND history = @history", new { lane = fork.Name, history = Number });
        var last = await LastAsync(tx, fork.Name);
        if (last?.Incarnation == head.Incarnation && first == fork.Position + 1 && (last.Position < head.Position || IsSame(last, head))) return last;
        await ForgetAsync(tx, fork.Name);
        return fork;
    }

    private static async ValueTask<LanePoint?> LastAsync(LaneTransaction tx, string lane) => await tx.FindAsync<LanePoint>("""
        SELECT lane AS name, incarnation, first_position + count - 1 AS position, hash FROM history_groups WHERE lane = @lane AND history = @history ORDER BY first_position DESC LIMIT 1
        """, new { lane, history = Number });

    /// <summary>Keeps groups that are known to follow on <paramref name="at"/>. Refusal: <c>not_here</c> where something else has come last, over another connection.</summary>
    public static async ValueTask<Outcome<Done>> KeepAsync(LaneTransaction tx, LanePoint fork, LanePoint at, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys)
    {
        if (!IsSame(await LastAsync(tx, fork.Name) ?? fork, at)) return Elsewhere(fork);
        var lane = new Lane(fork.Name);
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

    /// <summary>
    /// The copy goes back to where the two part (<see cref="LaneHistories.SetBackAsync"/>) and on to the end of what has come. Refusals: those of setting back; <c>not_here</c> when something else has come meanwhile, or the
    /// copy knows more than was given.
    /// </summary>
    /// <param name="given">How far the old end was taken in where the lane is written.</param>
    public static async ValueTask<Outcome<Done>> FollowAsync(LaneTransaction tx, LanePoint fork, LanePoint last, long given)
    {
        if (!IsSame(await LastAsync(tx, fork.Name) ?? fork, last) || (await Replicas.PointsAsync(tx.Group.Session))[fork.Name].Position > given) return Elsewhere(fork);
        if (await LaneHistories.SetBackAsync(tx, fork) is { Refusal: { } refusal }) return refusal;
        var args = new { lane = fork.Name, history = Number, last = last.Position, hash = last.Hash, incarnation = last.Incarnation };
        await tx.ExecuteAsync("""
            INSERT INTO event_groups (lane_id, first_position, count, incarnation, hash)
            SELECT l.id, h.first_position, h.count, h.incarnation, h.hash FROM history_groups h JOIN lanes l ON l.name = h.lane WHERE h.lane = @lane AND h.history = @history
            """, args);
        await LaneHistories.InPagesAsync(tx, fork.Name, Number, fork.Position, last.Position, """
            INSERT INTO events (lane_id, position, id, type, subject, order_id, at, actor, trace, payload)
            SELECT l.id, h.position, h.id, h.type, h.subject, h.order_id, h.at, h.actor, h.trace, h.payload FROM history_events h JOIN lanes l ON l.name = h.lane
            WHERE h.lane = @lane AND h.history = @history AND h.position > @after AND h.position <= @upto
            """);
        await tx.WriteAsync("UPDATE lanes SET head_position = @last, head_hash = @hash, incarnation = @incarnation WHERE name = @lane", args);
        await ForgetAsync(tx, fork.Name);
        return new Done();
    }

    private static bool IsSame(LanePoint one, LanePoint other) => one.Position == other.Position && one.Hash.AsSpan().SequenceEqual(other.Hash);
    private static Refusal Elsewhere(LanePoint fork) => Refusal.Conflict("not_here", $"{fork.Name} went on over another connection; what is new of it comes again");

    /// <summary>Deletes what has come.</summary>
    public static async ValueTask ForgetAsync(LaneTransaction tx, string lane)
    {
        var last = await LastAsync(tx, lane);
        if (last is null) return;
        await LaneHistories.InPagesAsync(tx, lane, Number, 0, last.Position, "DELETE FROM history_events WHERE lane = @lane AND history = @history AND position > @after AND position <= @upto");
        await tx.WriteAsync("DELETE FROM history_groups WHERE lane = @lane AND history = @history", new { lane, history = Number });
    }
}
