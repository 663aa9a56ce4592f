using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>A closed order of the past as it is kept: its row, its parts, its timeline. Personal details stay encrypted with the person's key.</summary>
internal sealed record ArchivedOrder(OrderRow Order, List<PartRow> Parts, List<ArchivedEvent> Events);

/// <summary>An event of an archived order's timeline.</summary>
internal sealed record ArchivedEvent(string Lane, long Position, Guid Id, string Type, string Subject, DateTimeOffset At, string Actor, string? Trace, byte[] Payload)
{
    public EventRecord ToRecord(Guid order) => new(new Lane(Lane), Position, Id, Type, Subject, order, At, Actor, Trace, Payload);
}

/// <summary>
/// Moves closed orders out of the tables that every order shares, and answers for them afterwards: by id, number and external id, with their
/// timeline. Lists leave them out, and they cannot be changed any more.
/// </summary>
public static class ArchivedOrders
{
    private const int Step = 500;
    private static readonly int[] Closed = [(int)OrderStatus.Shipped, (int)OrderStatus.Delivered, (int)OrderStatus.Cancelled];

    /// <summary>How many orders are closed and older.</summary>
    public static async Task<long> CountAsync(SqlSession session, DateTimeOffset before) => await session.FindAsync<long>($"""
        SELECT COUNT(*) FROM orders WHERE id < @end AND placed_at < @before AND status IN ({string.Join(", ", Closed)})
        """, new { before, end = OrderList.FirstIdOf(before.AddMinutes(2)) });

    /// <summary>Archives the next closed orders, oldest first, in one transaction. Answers how many, and where to go on; null when there are no more.</summary>
    public static async Task<(int Orders, Guid? Next)> StepAsync(Node node, DateTimeOffset before, Guid? after, CancellationToken ct)
    {
        var found = await node.Database.SnapshotAsync(async session =>
        {
            var rows = await session.QueryAsync<OrderRow>($"""
                SELECT {OrderRow.Columns} FROM orders WHERE id > @after AND id < @end AND placed_at < @before AND status IN ({string.Join(", ", Closed)}) ORDER BY id LIMIT {Step}
                """, new { after = after ?? Guid.Empty, before, end = OrderList.FirstIdOf(before.AddMinutes(2)) });
            var parts = await OrderRows.PartsAsync(session, [.. rows.Select(r => r.Id)]);
            var orders = new List<ArchivedOrder>(rows.Count);
            foreach (var row in rows)
            {
                var events = await LaneReader.OfOrderAsync(session, row.Id);
                orders.Add(new ArchivedOrder(row, parts[row.Id],
                    [.. events.Select(e => new ArchivedEvent(e.Lane.Name, e.Position, e.Id, e.Type, e.Subject, e.At, e.Actor, e.Trace, e.Payload))]));
            }
            return orders;
        }, ct);
        if (found.Count == 0) return (0, null);
        var moved = await node.Lanes.ExecuteAsync<int>(Lane.Hub, new Caller("archive"), tx => MoveAsync(found, tx), ct);
        return moved.IsOk ? (moved.Value, found[^1].Order.Id) : throw new InvalidOperationException(moved.Refusal!.Detail);
    }

    private static async ValueTask<Outcome<int>> MoveAsync(List<ArchivedOrder> orders, LaneTransaction tx)
    {
        // What has changed since it was read stays for the next time.
        var now = new Dictionary<Guid, int>(orders.Count);
        await tx.SelectAsync("SELECT id, status FROM orders WHERE id = k.id", orders.Count, [Column.From("id", orders, o => o.Order.Id)], r => now[r.GetGuid(0)] = r.GetInt32(1));
        var same = orders.Where(o => now.TryGetValue(o.Order.Id, out var status) && status == (int)o.Order.Status).ToList();
        await tx.InsertAsync("archived_orders", same.Count, Column.From("id", same, o => o.Order.Id), Column.From("number", same, o => o.Order.Number),
            Column.Same("archived_at", same.Count, tx.Now), Column.From("body", same, Pack));
        await OrderCounts.RemoveAsync(tx, same.Select(o => o.Order.Status));
        foreach (var o in same)
        {
            await tx.WriteAsync("DELETE FROM order_parts WHERE order_id = @id", new { id = o.Order.Id });
            await tx.WriteAsync("DELETE FROM orders WHERE id = @id", new { id = o.Order.Id });
        }
        return same.Count;
    }

    internal static async Task<ArchivedOrder?> FindAsync(SqlSession session, Guid id) =>
        await session.FindAsync<byte[]>("SELECT body FROM archived_orders WHERE id = @id", new { id }) is { } body ? Unpack(body) : null;

    /// <summary>Everything that happened to an order: what was archived with it, and what the log still has.</summary>
    internal static async Task<IReadOnlyList<EventRecord>> EventsAsync(SqlSession session, Guid order)
    {
        var inLog = await LaneReader.OfOrderAsync(session, order);
        if (await FindAsync(session, order) is not { } archived) return inLog;
        return [.. archived.Events.Select(e => e.ToRecord(order)).Concat(inLog).DistinctBy(e => e.Id)];
    }

    /// <summary>Why an order that was found cannot be changed: it is archived, or it has gone this moment.</summary>
    internal static async ValueTask<Refusal> UnchangeableAsync(LaneTransaction tx, Guid id) =>
        await tx.FindAsync<long?>("SELECT number FROM archived_orders WHERE id = @id", new { id }) is { } number
            ? Refusal.Conflict("order_archived", $"order {number} is closed and archived") : OrderCommands.NotFound(id.ToString());

    private static byte[] Pack(ArchivedOrder order)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest)) JsonSerializer.Serialize(brotli, order, ArchiveJson.Default.ArchivedOrder);
        return packed.ToArray();
    }

    private static ArchivedOrder Unpack(byte[] body)
    {
        using var brotli = new BrotliStream(new MemoryStream(body), CompressionMode.Decompress);
        return JsonSerializer.Deserialize(brotli, ArchiveJson.Default.ArchivedOrder) ?? throw new InvalidDataException("an archived order is empty");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(ArchivedOrder))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
