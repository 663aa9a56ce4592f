using System.Text.Json;
using Stowline.Contracts;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>An order of a channel in figures: what it asked for, and what has become of it.</summary>
public sealed class ChannelOrder
{
    public required Guid Id { get; init; }
    public required string ExternalId { get; init; }
    public required OrderStatus Status { get; init; }
    public required int Lines { get; init; }
    public required long Units { get; init; }
    public long UnitsShipped { get; internal set; }
    public long UnitsCancelled { get; internal set; }

    /// <summary>Its parts at sites. What is on backorder has none.</summary>
    public IReadOnlyList<(int Part, string Site)> Parts => PartList;

    internal List<(int Part, string Site)> PartList { get; } = new(1);
}

/// <summary>
/// All orders of one channel at once: for imports, which must know what is there already and in the end compare books. A list of pages would
/// read each of them whole.
/// </summary>
public static class ReadChannel
{
    private const int Together = 500;

    private sealed record Row
    {
        public Guid Id { get; init; }
        public string ExternalId { get; init; } = "";
        public OrderStatus Status { get; init; }
        public string Lines { get; init; } = "[]";
    }

    public static async Task<IReadOnlyList<ChannelOrder>> OrdersAsync(SqlSession session, string channel)
    {
        var orders = new List<ChannelOrder>();
        await foreach (var row in session.StreamAsync<Row>("SELECT id, external_id, status, lines FROM orders WHERE channel = @channel ORDER BY id", new { channel }))
        {
            var lines = JsonSerializer.Deserialize(row.Lines, ContractsJson.Default.ListPlacedLine) ?? [];
            orders.Add(new ChannelOrder { Id = row.Id, ExternalId = row.ExternalId, Status = row.Status, Lines = lines.Count, Units = lines.Sum(l => (long)l.Quantity) });
        }
        foreach (var chunk in orders.Chunk(Together))
        {
            var parts = await OrderRows.PartsAsync(session, [.. chunk.Select(o => o.Id)]);
            foreach (var order in chunk)
                foreach (var part in parts[order.Id].OrderBy(p => p.Part)) Add(order, part);
        }
        return orders;
    }

    /// <summary>The external ids of a channel's newest orders, newest first: where somebody who numbers them goes on.</summary>
    public static async Task<IReadOnlyList<string>> NewestAsync(SqlSession session, string channel, int limit) => await session.QueryAsync<string>(
        "SELECT external_id FROM orders WHERE channel = @channel ORDER BY id DESC LIMIT @limit", new { channel, limit });

    /// <summary>Where orders come from: their channels and their ids there. Orders that are not known, or archived, are missing.</summary>
    public static async Task<IReadOnlyDictionary<Guid, (string Channel, string ExternalId)>> OriginsAsync(SqlSession session, Guid[] orders)
    {
        var found = new Dictionary<Guid, (string, string)>(orders.Length);
        await session.SelectAsync("SELECT o.id, o.channel, o.external_id FROM orders o WHERE o.id = k.id", orders.Length, [Column.Of("id", orders)],
            row => found[row.GetGuid(0)] = (row.GetString(1), row.GetString(2)));
        return found;
    }

    private static void Add(ChannelOrder order, PartRow part)
    {
        if (part.Site is { } site) order.PartList.Add((part.Part, site));
        var units = part.Lines.Sum(l => (long)l.Quantity);
        switch (part.Status)
        {
            case OrderStatus.Shipped or OrderStatus.Delivered: order.UnitsShipped += units; break;
            case OrderStatus.Cancelled: order.UnitsCancelled += units; break;
            // A short part's units are in another part, and all others are still on their way.
            case OrderStatus.Short or OrderStatus.Backorder or OrderStatus.Allocated or OrderStatus.Picking or OrderStatus.Packing or OrderStatus.Ready or OrderStatus.Cancelling: break;
        }
    }
}
