using Stowline.Store;

namespace Stowline.Log;

/// <summary>Where a lane stands.</summary>
public sealed record LaneStatus
{
    public string Name { get; init; } = "";
    public int Incarnation { get; init; }
    public long Head { get; init; }
}

/// <summary>An event that a consumer could not handle, or that waits behind one.</summary>
public sealed record ParkedEvent
{
    public string Consumer { get; init; } = "";
    public string Lane { get; init; } = "";
    public long Position { get; init; }
    public string Subject { get; init; } = "";
    public string Type { get; init; } = "";
    public string Error { get; init; } = "";
    public int Attempts { get; init; }
    public DateTimeOffset ParkedAt { get; init; }
}

/// <summary>Reads the log's tables other than by lane and position.</summary>
public static class LaneReader
{
    private sealed record Row
    {
        public string Lane { get; init; } = "";
        public long Position { get; init; }
        public Guid Id { get; init; }
        public string Type { get; init; } = "";
        public string Subject { get; init; } = "";
        public DateTimeOffset At { get; init; }
        public string Actor { get; init; } = "";
        public string? Trace { get; init; }
        public byte[] Payload { get; init; } = [];
    }

    /// <summary>
    /// All events of an order on all lanes of this node, oldest first. Events of one moment are told cause before effect: the hub's, then what
    /// the hub sent, then the site's.
    /// </summary>
    public static async ValueTask<IReadOnlyList<EventRecord>> OfOrderAsync(SqlSession session, Guid order)
    {
        var rows = await session.QueryAsync<Row>("""
            SELECT l.name AS lane, e.position, e.id, e.type, e.subject, e.at, e.actor, e.trace, e.payload
            FROM events e JOIN lanes l ON l.id = e.lane_id WHERE e.order_id = @order ORDER BY e.at, e.id
            """, new { order });
        return [.. rows.Select(r => new EventRecord(new Lane(r.Lane), r.Position, r.Id, r.Type, r.Subject, order, r.At, r.Actor, r.Trace, r.Payload))];
    }

    public static ValueTask<IReadOnlyList<LaneStatus>> LanesAsync(SqlSession session) =>
        session.QueryAsync<LaneStatus>("SELECT name, incarnation, head_position AS head FROM lanes ORDER BY id");

    public static ValueTask<long> ParkedCountAsync(SqlSession session) => session.FindAsync<long>("SELECT (SELECT COUNT(*) FROM parked_events) + (SELECT COUNT(*) FROM parked_messages)");

    /// <summary>Parked events by consumer, lane and position, after the given place in that order.</summary>
    public static ValueTask<IReadOnlyList<ParkedEvent>> ParkedAsync(SqlSession session, string consumer, string lane, long position, int limit) =>
        session.QueryAsync<ParkedEvent>("""
            SELECT p.consumer, p.lane, p.position, p.subject, p.type, p.error, p.attempts, p.parked_at FROM (
                SELECT e.consumer, l.name AS lane, e.position, e.subject, e.type, e.error, e.attempts, e.parked_at FROM parked_events e JOIN lanes l ON l.id = e.lane_id
                UNION ALL SELECT consumer, source, position, subject, 'message', error, 1, parked_at FROM parked_messages) p
            WHERE p.consumer > @consumer OR p.consumer = @consumer AND (p.lane > @lane OR p.lane = @lane AND p.position > @position)
            ORDER BY p.consumer, p.lane, p.position LIMIT @limit
            """, new { consumer, lane, position, limit });
}
