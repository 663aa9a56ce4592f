using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>What an operator can do about the events that the outside has refused for good.</summary>
public abstract partial class LaneRelay
{
    private const int MostResumed = 1_000;

    /// <summary>
    /// Hands the parked events of a subject over again, in order, after a repair (a larger limit at the broker, say). They come behind later events of the
    /// subject that went out meanwhile; their position tells. Any process may do it: nothing that is parked is under way.
    /// </summary>
    /// <returns>How many were taken; the reason of the first where none was, and 409 <c>broker_away</c> where the outside does not answer.</returns>
    public async Task<Outcome<int>> ResumeAsync(string subject, CancellationToken ct)
    {
        var positions = await _lanes.Database.ReadAsync(async session => await session.QueryAsync<long>("""
            SELECT p.position FROM parked_events p JOIN lanes l ON l.id = p.lane_id
            WHERE p.consumer = @name AND l.name = @lane AND p.subject = @subject ORDER BY p.position LIMIT @most
            """, new { name = Name, lane = _lane.Name, subject, most = MostResumed }), ct);
        if (positions.Count == 0) return Refusal.NotFound("not_parked", $"nothing of {subject} is parked for {Name}");
        var events = new List<EventRecord>(positions.Count);
        foreach (var position in positions) events.AddRange(await _lanes.ReadAsync(_lane, position - 1, 1, ct));
        var handed = await TryAgainAsync(events, ct);
        if (handed.Refusal is { } away) return away;
        var refused = handed.Value;
        var outcome = await SettleAsync(subject, [.. positions.Except(refused.Select(r => r.Event.Position))], refused);
        if (outcome.Refusal is { } stalled) return stalled;
        return refused.Count < positions.Count ? positions.Count - refused.Count : Refusal.Conflict("still_refused", refused[0].Reason);
    }

    /// <summary>One at a time with the relay's own work: the client of a broker has one connection. While the broker is away, that work is what holds it.</summary>
    private async Task<Outcome<List<(EventRecord Event, string Reason)>>> TryAgainAsync(IReadOnlyList<EventRecord> events, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Patience, _lanes.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var refused = await AloneAsync(() =>
            {
                var outgoing = Begin();
                foreach (var e in events) outgoing.Add(e.View);
                return outgoing.HandOverAsync(either.Token);
            }, either.Token);
            return refused.Select(r => (events[r.Index], r.Reason)).ToList();
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            return Refusal.Conflict("broker_away", limit.IsCancellationRequested ? "the broker does not answer; they stay parked" : e.Message);
        }
    }

    /// <summary>What was taken is forgotten; of what was refused again the attempt is counted.</summary>
    private async Task<Outcome<Done>> SettleAsync(string subject, IReadOnlyList<long> taken, IReadOnlyList<(EventRecord Event, string Reason)> refused)
    {
        var (outcome, _) = await WriteAsync<Done>(async tx =>
        {
            foreach (var position in taken)
                await tx.ExecuteAsync("""
                    DELETE FROM parked_events WHERE consumer = @name AND subject = @subject AND position = @position AND lane_id = (SELECT id FROM lanes WHERE name = @lane)
                    """, new { name = Name, subject, position, lane = _lane.Name });
            foreach (var (e, reason) in refused)
                await tx.ExecuteAsync("""
                    UPDATE parked_events SET attempts = attempts + 1, error = @reason
                    WHERE consumer = @name AND subject = @subject AND position = @position AND lane_id = (SELECT id FROM lanes WHERE name = @lane)
                    """, new { name = Name, subject, position = e.Position, reason, lane = _lane.Name });
            return new Done();
        });
        return outcome;
    }

    /// <summary>Gives parked events up: one position, or all of the subject. That, and why, stands in the lane.</summary>
    public Task<Outcome<int>> DiscardAsync(string subject, long? position, string reason, Caller caller, CancellationToken ct) =>
        ParkedEvents.DiscardAsync(_lanes, Name, _lane, _lane, subject, position, reason, caller, ct);
}
