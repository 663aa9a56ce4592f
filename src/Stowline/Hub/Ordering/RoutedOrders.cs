using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>Where an order goes, as far as it is known, and the rule that decides about it; null where there are no rules.</summary>
internal sealed record RoutedPlace(double? Latitude, double? Longitude, RuleMatch? Match);

/// <summary>What routing rules look at, of orders that are stored: for routing them again, and for trying rules on them.</summary>
internal static class RoutedOrders
{
    /// <summary>
    /// Where orders go and which rule is theirs, for units of them that need a new site; many at once. By the time of now: it is now that somebody has to pick them. Without rules nothing
    /// but the place is read.
    /// </summary>
    public static async ValueTask<IReadOnlyDictionary<Guid, RoutedPlace>> LoadAsync(LaneTransaction tx, RoutingNow now, Guid[] orders)
    {
        var places = new Dictionary<Guid, RoutedPlace>(orders.Length);
        if (now.Rules.IsEmpty)
        {
            await tx.SelectAsync("SELECT id, latitude, longitude FROM orders WHERE id = k.id", orders.Length, [Column.Of("id", orders)],
                row => places[row.GetGuid(0)] = new RoutedPlace(row.GetDoubleOrNull(1), row.GetDoubleOrNull(2), null));
            return places;
        }
        var rows = new List<OrderRow>(orders.Length);
        await tx.SelectAsync("SELECT id, latitude, longitude, channel, fulfillment_type, priority, currency, total_e4, lines, person_id, personal FROM orders WHERE id = k.id", orders.Length,
            [Column.Of("id", orders)], row => rows.Add(new OrderRow
            {
                Id = row.GetGuid(0), Latitude = row.GetDoubleOrNull(1), Longitude = row.GetDoubleOrNull(2), Channel = row.GetString(3), FulfillmentType = (FulfillmentType)row.GetInt32(4),
                Priority = (Priority)row.GetInt32(5), Currency = row.GetString(6), TotalE4 = row.GetInt64(7), Lines = row.GetString(8), PersonId = row.GetGuid(9),
                Personal = row.IsNull(10) ? null : row.GetBytes(10),
            }));
        var keys = new Dictionary<Guid, byte[]>();
        await tx.SelectAllAsync(Personal.Select([.. rows.Where(r => r.Personal is not null).Select(r => r.PersonId)], keys));
        var prices = await new PriceBook().PricesAsync(tx, [.. rows.SelectMany(LinesOf).Select(l => l.Sku).Distinct(StringComparer.Ordinal)]);
        foreach (var row in rows)
        {
            var facts = Facts(row, AddressOf(row, keys.GetValueOrDefault(row.PersonId)), tx.Now,
                sku => prices.TryGetValue(sku, out var p) ? new RoutedGoods(sku, p.Category, p.Seller) : new RoutedGoods(sku, null, null));
            places[row.Id] = new RoutedPlace(row.Latitude, row.Longitude, now.Rules.Match(facts));
        }
        return places;
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
