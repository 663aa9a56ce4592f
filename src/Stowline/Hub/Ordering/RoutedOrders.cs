using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What routing rules look at, of orders that are stored: for routing them again, and for trying rules on them.</summary>
internal static class RoutedOrders
{
    /// <summary>The rule for units of an order that need a new site. By the time of now: it is now that somebody has to pick them.</summary>
    public static async ValueTask<RuleMatch?> MatchAsync(LaneTransaction tx, RoutingNow now, Guid order)
    {
        if (now.Rules.IsEmpty || await tx.FindAsync<OrderRow>($"SELECT {OrderRow.Columns} FROM orders WHERE id = @order", new { order }) is not { } row) return null;
        var key = row.Personal is null ? null : await Personal.KeyAsync(tx.Group.Session, row.PersonId);
        var prices = await new PriceBook().PricesAsync(tx, [.. LinesOf(row).Select(l => l.Sku)]);
        return now.Rules.Match(Facts(row, AddressOf(row, key), tx.Now, sku => prices.TryGetValue(sku, out var p) ? new RoutedGoods(sku, p.Category, p.Seller) : new RoutedGoods(sku, null, null)));
    }

    public static RoutedOrder Facts(OrderRow order, AddressDetails? shipTo, DateTimeOffset at, Func<string, RoutedGoods> goods) =>
        new(shipTo, order.TotalE4, order.Currency, order.Channel, order.Priority, order.FulfillmentType, at, [.. LinesOf(order).Select(l => goods(l.Sku))]);

    public static IReadOnlyList<PlacedLine> LinesOf(OrderRow order) => JsonSerializer.Deserialize(order.Lines, ContractsJson.Default.ListPlacedLine) ?? [];

    /// <summary>Null where there is none, or the person was erased.</summary>
    public static AddressDetails? AddressOf(OrderRow order, byte[]? personKey)
    {
        var plain = order.Personal is null ? null : Personal.Decrypt(personKey, order.Personal);
        return plain is null ? null : JsonSerializer.Deserialize(plain, ContractsJson.Default.PersonalDetails)?.ShipTo;
    }

    private sealed record OpenRow { public string Site { get; init; } = ""; public long Parts { get; init; } }

    /// <summary>Parts that sites still have to pick and pack. Counted from the open orders, of which there are few beside the closed ones.</summary>
    public static async Task<IReadOnlyDictionary<string, int>> OpenPartsAsync(SqlSession session) => (await session.QueryAsync<OpenRow>($"""
        SELECT p.site, COUNT(*) AS parts FROM orders o JOIN order_parts p ON p.order_id = o.id
        WHERE o.status IN ({(int)OrderStatus.Backorder}, {(int)OrderStatus.Allocated}, {(int)OrderStatus.Picking}, {(int)OrderStatus.Packing})
          AND p.status IN ({(int)OrderStatus.Allocated}, {(int)OrderStatus.Picking}, {(int)OrderStatus.Packing}) AND p.site IS NOT NULL GROUP BY p.site
        """)).ToDictionary(r => r.Site, r => (int)Math.Min(int.MaxValue, r.Parts), StringComparer.Ordinal);
}
