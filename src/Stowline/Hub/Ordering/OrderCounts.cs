using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// How many orders stand where. Counting a million of them takes 50 ms, so the counts are remembered with the position of the hub's lane that they
/// belong to, and brought up to the caller's snapshot by the events since. The position is read in the same snapshot, so the answer is exact whoever
/// wrote, this process or another.
/// </summary>
public sealed class OrderCounts(TimeProvider time)
{
    /// <summary>With more events than this to catch up on, counting anew is as quick.</summary>
    private const int MostEvents = 1_000;

    /// <summary>Archiving takes orders away without an event, so the counts are taken anew now and then.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(10);

    private sealed record Known(int Incarnation, long Position, DateTimeOffset CountedAt, IReadOnlyDictionary<OrderStatus, long> Counts);

    private sealed record CountRow
    {
        public OrderStatus Status { get; init; }
        public long Orders { get; init; }
    }

    private Known? _known;

    /// <summary>The counts of a snapshot's moment: status → orders, without those that are 0.</summary>
    public async Task<IReadOnlyDictionary<string, long>> ReadAsync(SqlSession snapshot)
    {
        var hub = (await LaneReader.LanesAsync(snapshot)).First(l => l.Name == Lane.Hub.Name);
        var now = await CaughtUpAsync(snapshot, hub) ?? await CountedAsync(snapshot, hub);
        // Of two readers at once the later snapshot may lose; the next one catches up on a little more.
        Volatile.Write(ref _known, now);
        return now.Counts.Where(c => c.Value > 0).OrderBy(c => c.Key).ToDictionary(c => SnakeCaseEnum<OrderStatus>.Text(c.Key), c => c.Value);
    }

    private async Task<Known?> CaughtUpAsync(SqlSession snapshot, LaneStatus hub)
    {
        if (Volatile.Read(ref _known) is not { } known || known.Incarnation != hub.Incarnation || hub.Head < known.Position || hub.Head - known.Position > MostEvents
            || time.GetUtcNow() - known.CountedAt > KeptFor) return null;
        var counts = new Dictionary<OrderStatus, long>(known.Counts);
        void Add(OrderStatus status, int orders) => counts[status] = counts.GetValueOrDefault(status) + orders;
        foreach (var e in await LaneReader.AfterAsync(snapshot, Lane.Hub, known.Position, MostEvents))
        {
            if (e.Type == OrderPlaced.Type)
                Add(OrderLifecycle.Of(e.Read<OrderPlaced>().Parts.Select(p => p.Site is null ? OrderStatus.Backorder : OrderStatus.Allocated), cancelling: false), 1);
            else if (e.Type == OrderStatusChanged.Type)
            {
                var changed = e.Read<OrderStatusChanged>();
                if (SnakeCaseEnum<OrderStatus>.TryParse(changed.From, out var from)) Add(from, -1);
                if (SnakeCaseEnum<OrderStatus>.TryParse(changed.To, out var to)) Add(to, 1);
            }
        }
        return known with { Position = hub.Head, Counts = counts };
    }

    private async Task<Known> CountedAsync(SqlSession snapshot, LaneStatus hub)
    {
        var rows = await snapshot.QueryAsync<CountRow>("SELECT status, COUNT(*) AS orders FROM orders GROUP BY status");
        return new Known(hub.Incarnation, hub.Head, time.GetUtcNow(), rows.ToDictionary(r => r.Status, r => r.Orders));
    }
}
