using System.Globalization;
using Stowline.Store;

namespace Stowline.Site;

/// <summary>Orders as people and shops name them, looked up in what a site was given of them.</summary>
internal static class OrderNames
{
    /// <summary>The id of the order with this number or <c>channel:external_id</c>; null where no part of it was ever given to a site of this node.</summary>
    /// <param name="table">Has a part's order with its names. Never text from outside.</param>
    public static async Task<Guid?> FindAsync(SqlSession session, string table, string text)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return await session.FindAsync<Guid?>($"SELECT order_id FROM {table} WHERE order_number = @number LIMIT 1", new { number });
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : await session.FindAsync<Guid?>($"SELECT order_id FROM {table} WHERE external_id = @external AND channel = @channel LIMIT 1",
            new { external = text[(colon + 1)..], channel = text[..colon] });
    }
}
