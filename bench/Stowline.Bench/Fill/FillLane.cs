using System.Text.Json;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Bench.Fill;

/// <summary>A lane that is being written in bulk: positions, groups and the hash chain are those that a writer would have made.</summary>
internal sealed class FillLane(Lane lane, int id, int ordinal, int incarnation, long position, byte[] hash, FillTable events, FillTable groups)
{
    /// <summary>Its consumers, who have nothing left to do when it is filled.</summary>
    public IReadOnlyList<string> Consumers { get; init; } = [];

    private const int GroupSize = 128;
    private readonly List<EventRecord> _pending = new(GroupSize);
    private readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private long _position = position;
    private byte[] _hash = hash;

    public Lane Lane => lane;
    public Dictionary<string, long> Numbers => _numbers;

    /// <summary>The next number of a kind, as <c>LaneTransaction.NextNumberAsync</c> gives it.</summary>
    public long Next(string kind) => ordinal * 10_000_000_000L + (_numbers[kind] = _numbers.GetValueOrDefault(kind) + 1);

    public void Append<T>(T e, Guid eventId, Guid order, DateTimeOffset at) where T : IEvent
    {
        var at6 = RowTypes.ToMicroseconds(at);
        var payload = JsonSerializer.SerializeToUtf8Bytes(e, EventJson.Info<T>());
        _pending.Add(new EventRecord(lane, _position + _pending.Count + 1, eventId, T.Type, order.ToString(), order, at6, "fill", null, payload));
        if (_pending.Count == GroupSize) EndGroup();
    }

    public void EndGroup()
    {
        if (_pending.Count == 0) return;
        _hash = LaneTable.GroupHash(_hash, incarnation, _pending);
        groups.Add(id, _position + 1, _pending.Count, incarnation, _hash);
        foreach (var e in _pending) events.Add(id, e.Position, e.Id, e.Type, e.Subject, e.OrderId, e.At, e.Actor, null, e.Payload);
        _position += _pending.Count;
        _pending.Clear();
    }

    /// <summary>Where the lane stands after the groups that were ended: its head, its numbers, and its consumers, who have nothing left to do.</summary>
    public Func<SqlSession, Task> Heads()
    {
        var (position, hash, numbers) = (_position, _hash, _numbers.ToArray());
        return async session =>
        {
            await session.ExecuteAsync("UPDATE lanes SET head_position = @position, head_hash = @hash WHERE id = @id", new { position, hash, id });
            foreach (var consumer in Consumers)
                await session.ExecuteAsync("INSERT INTO cursors (consumer, lane_id, position) VALUES (@consumer, @id, @position) ON CONFLICT (consumer, lane_id) DO UPDATE SET position = excluded.position",
                    new { consumer, id, position });
            foreach (var (kind, last) in numbers)
                await session.ExecuteAsync("INSERT INTO lane_sequences (lane_id, kind, last) VALUES (@id, @kind, @last) ON CONFLICT (lane_id, kind) DO UPDATE SET last = excluded.last",
                    new { id, kind, last });
        };
    }
}
