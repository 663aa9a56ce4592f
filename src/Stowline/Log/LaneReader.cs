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

    /// <summary>A lane's events after a position, as a session sees them.</summary>
    public static async ValueTask<IReadOnlyList<EventRecord>> AfterAsync(SqlSession session, Lane lane, long after, int limit)
    {
        var rows = await session.QueryAsync<StoredEvent>($"""
            SELECT {StoredEvent.Columns} FROM events WHERE lane_id = (SELECT id FROM lanes WHERE name = @lane) AND position > @after ORDER BY position LIMIT @limit
            """, new { lane = lane.Name, after, limit });
        return [.. rows.Select(r => r.ToRecord(lane))];
    }

    public static ValueTask<IReadOnlyList<LaneStatus>> LanesAsync(SqlSession session) =>
        session.QueryAsync<LaneStatus>("SELECT name, incarnation, head_position AS head FROM lanes ORDER BY id");

    /// <summary>The last position of a lane that was archived; 0 when none was.</summary>
    public static ValueTask<long> ArchivedUpToAsync(SqlSession session, string lane) => session.FindAsync<long>(
        "SELECT COALESCE(MAX(a.last_position), 0) FROM lane_archives a JOIN lanes l ON l.id = a.lane_id WHERE l.name = @lane", new { lane });

    public static ValueTask<long> ParkedCountAsync(SqlSession session) => session.FindAsync<long>("SELECT COUNT(*) FROM parked_events");

    /// <summary>Parked events by consumer, lane and position, after the given place in that order.</summary>
    public static ValueTask<IReadOnlyList<ParkedEvent>> ParkedAsync(SqlSession session, string consumer, string lane, long position, int limit) =>
        session.QueryAsync<ParkedEvent>("""
            SELECT p.consumer, l.name AS lane, p.position, p.subject, p.type, p.error, p.attempts, p.parked_at
            FROM parked_events p JOIN lanes l ON l.id = p.lane_id
            WHERE p.consumer > @consumer OR p.consumer = @consumer AND (l.name > @lane OR l.name = @lane AND p.position > @position)
            ORDER BY p.consumer, l.name, p.position LIMIT @limit
            """, new { consumer, lane, position, limit });
}
