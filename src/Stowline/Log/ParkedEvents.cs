using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>Events of a lane that a consumer could not handle or a relay could not get rid of.</summary>
internal static class ParkedEvents
{
    /// <summary>
    /// An operator gives parked events up: one position, or all of the subject. They are gone for this consumer or relay for good, so the act is itself an
    /// event, with its reason and who did it.
    /// </summary>
    /// <param name="target">The lane in which that stands.</param>
    public static async Task<Outcome<int>> DiscardAsync(Lanes lanes, string consumer, Lane source, Lane target, string subject, long? position, string reason, Caller caller, CancellationToken ct)
    {
        ValueTask<IReadOnlyList<long>> ParkedAsync(LaneTransaction tx) => tx.QueryAsync<long>("""
            SELECT p.position FROM parked_events p JOIN lanes l ON l.id = p.lane_id
            WHERE p.consumer = @consumer AND l.name = @lane AND p.subject = @subject AND p.position BETWEEN @first AND @last ORDER BY p.position
            """, new { consumer, lane = source.Name, subject, first = position ?? 0, last = position ?? long.MaxValue });
        void Tell(LaneTransaction tx, Lane lane, IReadOnlyList<long> positions) => tx.Append(lane, new ParkedDiscarded(consumer, source.Name, subject, positions, reason), subject);
        Refusal none = Refusal.NotFound("not_parked", $"nothing of {subject} is parked for {consumer}");
        async ValueTask<Outcome<int>> DeleteAsync(LaneTransaction tx, Lane? tell)
        {
            var positions = await ParkedAsync(tx);
            if (positions.Count == 0) return none;
            await tx.ExecuteAsync("""
                DELETE FROM parked_events WHERE consumer = @consumer AND subject = @subject AND lane_id = (SELECT id FROM lanes WHERE name = @lane)
                AND position BETWEEN @first AND @last
                """, new { consumer, subject, lane = source.Name, first = positions[0], last = positions[^1] });
            if (tell is { } lane) Tell(tx, lane, positions);
            return positions.Count;
        }
        if (!lanes.IsReplica(target)) return await lanes.ExecuteAsync(target, caller, tx => DeleteAsync(tx, target), ct);
        // A copy is a scope of its own that takes no events: the act is told in the hub's lane first, and may at worst be told twice.
        var told = await lanes.ExecuteAsync<int>(Lane.Hub, caller, async tx =>
        {
            var positions = await ParkedAsync(tx);
            if (positions.Count == 0) return none;
            Tell(tx, Lane.Hub, positions);
            return positions.Count;
        }, ct);
        return told.IsOk ? (await lanes.ExecuteAsConsumerAsync(target, caller, tx => DeleteAsync(tx, tell: null), onCopy: true)).Outcome : told;
    }
}
