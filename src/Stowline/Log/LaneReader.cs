using Stowline.Store;

namespace Stowline.Log;

/// <summary>Reads events other than by lane and position.</summary>
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
}
