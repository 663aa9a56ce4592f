using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Tells the pools what is promised for the orders of their channels. It goes by what a part's row had and has, so that no way in which a part is placed, ends, shrinks or moves
/// is missed.
/// </summary>
internal static class PoolParts
{
    /// <summary>Parts that are being written.</summary>
    public static async ValueTask NoteAsync(LaneTransaction tx, IEnumerable<(string Channel, PartRow Part)> written)
    {
        var changes = new Dictionary<(string Channel, string Site, string Sku), long>();
        foreach (var (channel, part) in written)
        {
            Add(changes, channel, part.Booked, -1);
            Add(changes, channel, part.Promised, 1);
            part.Booked = part.Promised;
        }
        if (changes.Values.All(units => units == 0)) return;
        var pooled = await Pools.ChannelsAsync(tx);
        await Pools.PromisedAsync(tx, [.. changes.Where(c => c.Value != 0 && pooled.Contains(c.Key.Channel)).Select(c => (c.Key.Channel, c.Key.Site, c.Key.Sku, c.Value))]);
    }

    private static void Add(Dictionary<(string, string, string), long> changes, string channel, (string Site, List<SkuUnits> Lines)? promised, int sign)
    {
        if (promised is not var (site, lines)) return;
        foreach (var line in lines) changes[(channel, site, line.Sku)] = changes.GetValueOrDefault((channel, site, line.Sku)) + sign * line.Quantity;
    }

    private sealed record OpenPart
    {
        public string Channel { get; init; } = "";
        public string Site { get; init; } = "";
        public string Lines { get; init; } = "";
    }

    private const string OpenParts = """
        SELECT o.channel, p.site, p.lines FROM order_parts p JOIN orders o ON o.id = p.order_id
        WHERE p.site IS NOT NULL AND NOT p.made AND p.status IN (2, 3, 4, 5, 8)
        """;

    /// <summary>What is promised for a channel's open parts: looked at once, when it gets its first pool.</summary>
    public static async ValueTask<IReadOnlyList<(string Channel, string Site, string Sku, long Units)>> CountAsync(LaneTransaction tx, string channel)
    {
        var open = new Dictionary<(string Channel, string Site, string Sku), long>();
        foreach (var part in await tx.QueryAsync<OpenPart>(OpenParts + " AND o.channel = @channel", new { channel })) Add(open, part);
        return [.. open.Select(o => (o.Key.Channel, o.Key.Site, o.Key.Sku, o.Value))];
    }

    public static async Task<string?> CheckAsync(SqlSession session)
    {
        var channels = (await Pools.AllAsync(session)).Select(p => p.Channel).ToHashSet(StringComparer.Ordinal);
        var open = new Dictionary<(string Channel, string Site, string Sku), long>();
        if (channels.Count > 0)
            await foreach (var part in session.StreamAsync<OpenPart>(OpenParts))
                if (channels.Contains(part.Channel)) Add(open, part);
        return await Pools.CompareAsync(session, open);
    }

    private static void Add(Dictionary<(string Channel, string Site, string Sku), long> open, OpenPart part)
    {
        foreach (var line in JsonSerializer.Deserialize(part.Lines, ContractsJson.Default.ListSkuUnits) ?? [])
            open[(part.Channel, part.Site, line.Sku)] = open.GetValueOrDefault((part.Channel, part.Site, line.Sku)) + line.Quantity;
    }
}
