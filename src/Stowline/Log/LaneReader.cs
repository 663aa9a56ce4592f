using Stowline.Store;

namespace Stowline.Log;

/// <summary>Where a lane stands.</summary>
public sealed record LaneStatus
{
    public string Name { get; init; } = "";
    public int Incarnation { get; init; }
    public long Head { get; init; }
}

/// <summary>Where a consumer stands by the database.</summary>
internal sealed record CursorStatus
{
    public string Consumer { get; init; } = "";
    public string Lane { get; init; } = "";
    public long Position { get; init; }
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

/// <summary>What parked events are about, and since when.</summary>
public sealed record ParkedSubject
{
    public string Subject { get; init; } = "";
    public string Lane { get; init; } = "";
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

    /// <summary>The events of a lane after a position, at most so many.</summary>
    internal static async Task<IReadOnlyList<EventRecord>> AfterAsync(SqlSession session, Lane lane, long after, int limit)
    {
        var events = new List<EventRecord>(Math.Min(limit, 1_000));
        await EachAfterAsync(session, lane, after, limit, e => events.Add(e.Keep()));
        return events;
    }

    /// <summary>Shows the events of a lane after a position, at most so many. Read by column, because relays and consumers that are behind read nothing else, and a lot of it.</summary>
    internal static async Task EachAfterAsync(SqlSession session, Lane lane, long after, int limit, Action<EventView> each)
    {
        var (type, actor) = ("", ""); // the same for many events in a row
        await session.SelectAsync("""
            SELECT e.position, e.id, e.type, e.subject, e.order_id, e.at, e.actor, e.trace, e.payload
            FROM events e WHERE e.lane_id = (SELECT l.id FROM lanes l WHERE l.name = k.lane) AND e.position > k.behind ORDER BY e.position LIMIT k.most
            """, 1, [Column.Of("lane", new[] { lane.Name }), Column.Of("behind", new[] { after }), Column.Of("most", new[] { limit })],
            row => each(new EventView(lane, row.GetInt64(0), row.GetGuid(1), type = row.GetString(2, type), row.GetString(3), row.IsNull(4) ? null : row.GetGuid(4), row.GetTime(5),
                actor = row.GetString(6, actor), row.GetStringOrNull(7), row.GetSpan(8))));
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

    /// <summary>The orders of the last events of a type among the last <paramref name="window"/> positions of a lane, newest first, with when that was.</summary>
    public static async ValueTask<IReadOnlyList<(Guid OrderId, DateTimeOffset At)>> LastOrdersAsync(SqlSession session, string lane, string type, int window, int limit)
    {
        var found = new List<(Guid, DateTimeOffset)>();
        await session.SelectAsync($"""
            SELECT e.order_id, e.at FROM lanes l JOIN events e ON e.lane_id = l.id AND e.position > l.head_position - {window}
            WHERE l.name = k.lane AND e.type = k.type AND e.order_id IS NOT NULL ORDER BY e.position DESC LIMIT {limit}
            """, 1, [Column.Of("lane", new[] { lane }), Column.Of("type", new[] { type })], row => found.Add((row.GetGuid(0), row.GetTime(1))));
        return found;
    }

    /// <summary>The payload of the first event of a type of each of these orders; orders without one are missing.</summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, byte[]>> FirstPayloadsAsync(SqlSession session, IReadOnlyList<Guid> orders, string type)
    {
        var found = new Dictionary<Guid, byte[]>(orders.Count);
        await session.SelectAsync("SELECT e.order_id, e.payload FROM events e WHERE e.order_id = k.order_id AND e.type = k.type ORDER BY e.at, e.id LIMIT 1", orders.Count,
            [Column.Of("order_id", [.. orders]), Column.Same("type", orders.Count, type)], row => found[row.GetGuid(0)] = row.GetBytes(1));
        return found;
    }

    /// <summary>When the last event of a type was told of each of these orders; orders without one are missing.</summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, DateTimeOffset>> LastOfTypeAsync(SqlSession session, IReadOnlyList<Guid> orders, string type)
    {
        var found = new Dictionary<Guid, DateTimeOffset>(orders.Count);
        await session.SelectAsync("SELECT e.order_id, e.at FROM events e WHERE e.order_id = k.order_id AND e.type = k.type ORDER BY e.at DESC LIMIT 1", orders.Count,
            [Column.Of("order_id", [.. orders]), Column.Same("type", orders.Count, type)], row => found[row.GetGuid(0)] = row.GetTime(1));
        return found;
    }

    /// <summary>The trace that each of these orders came with: that of its first event here. Orders without one are missing.</summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, string>> OriginsAsync(SqlSession session, IReadOnlyList<Guid> orders)
    {
        var found = new Dictionary<Guid, string>(orders.Count);
        await session.SelectAsync("SELECT e.order_id, e.trace FROM events e WHERE e.order_id = k.order_id ORDER BY e.at, e.id LIMIT 1", orders.Count,
            [Column.Of("order_id", [.. orders])], row =>
            {
                if (row.GetStringOrNull(1) is { } trace) found[row.GetGuid(0)] = trace;
            });
        return found;
    }

    /// <summary>The subjects that wait in the park, with when the first of their events came there: at most so many.</summary>
    public static ValueTask<IReadOnlyList<ParkedSubject>> ParkedSubjectsAsync(SqlSession session, int limit) => session.QueryAsync<ParkedSubject>("""
        SELECT p.subject, MIN(l.name) AS lane, MIN(p.parked_at) AS parked_at FROM parked_events p JOIN lanes l ON l.id = p.lane_id GROUP BY p.subject ORDER BY p.subject LIMIT @limit
        """, new { limit });

    public static ValueTask<IReadOnlyList<LaneStatus>> LanesAsync(SqlSession session) =>
        session.QueryAsync<LaneStatus>("SELECT name, incarnation, head_position AS head FROM lanes ORDER BY id");

    public static async Task<bool> ExistsAsync(SqlSession session, Lane lane) =>
        await session.FindAsync<string>("SELECT name FROM lanes WHERE name = @name", new { name = lane.Name }) is not null;

    /// <summary>Where the consumers stand that have ever moved.</summary>
    internal static ValueTask<IReadOnlyList<CursorStatus>> CursorsAsync(SqlSession session) =>
        session.QueryAsync<CursorStatus>("SELECT c.consumer, l.name AS lane, c.position FROM cursors c JOIN lanes l ON l.id = c.lane_id");

    /// <summary>The last position of a lane that was archived; 0 when none was.</summary>
    public static ValueTask<long> ArchivedUpToAsync(SqlSession session, string lane) => session.FindAsync<long>(
        "SELECT COALESCE(MAX(a.last_position), 0) FROM lane_archives a JOIN lanes l ON l.id = a.lane_id WHERE l.name = @lane", new { lane });

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
