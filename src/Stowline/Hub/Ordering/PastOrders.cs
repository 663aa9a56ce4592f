using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>Which orders of the past rules are tried on: the newest that fit.</summary>
internal sealed record PastFilter(int Last, DateTimeOffset? Since, DateTimeOffset? Until, string? Channel);

/// <summary>An order of the past with the decision that was made when it came, and what can be said of the stock of that moment.</summary>
/// <param name="IsSure">False where the stock is known only in part: a site had some of several SKUs, and not of which.</param>
internal sealed record PastOrder(OrderRow Row, OrderPlaced Placed, RoutedOrder Facts, IReadOnlyList<SkuUnits> Needs, Allotments Stock, IReadOnlySet<string> Inactive, bool IsSure);

/// <summary>What orders cannot be tried again.</summary>
/// <param name="Pickup">The site was given.</param>
/// <param name="Made">Made to order: which slots were free then is not kept.</param>
/// <param name="NoStock">No site had anything.</param>
/// <param name="Unknown">Their decision is no longer in the log.</param>
public sealed record LeftOut(int Pickup, int Made, int NoStock, int Unknown);

/// <summary>
/// Reads orders of the past for <see cref="SimulateRouting"/>. The stock of their moment is not kept, but the decision is, and it says of every site that had any of it how many of the
/// order's units it could have served. That is what counts here; what is free today says nothing of then, because these very orders have taken it.
/// </summary>
internal static class PastOrders
{
    public static async Task<(IReadOnlyList<PastOrder> Orders, LeftOut LeftOut)> ReadAsync(SqlSession session, PastFilter filter)
    {
        var rows = await RowsAsync(session, filter);
        Guid[] ids = [.. rows.Select(r => r.Id)];
        var payloads = await LaneReader.FirstPayloadsAsync(session, ids, OrderPlaced.Type);
        var parts = await OrderRows.PartsAsync(session, ids);
        var keys = new Dictionary<Guid, byte[]>();
        await session.SelectAllAsync(Personal.Select([.. rows.Where(r => r.Personal is not null).Select(r => r.PersonId)], keys));
        var kinds = await ReadProducts.KindsAsync(session, [.. rows.SelectMany(r => RoutedOrders.LinesOf(r).Select(l => l.Sku)).Distinct(StringComparer.Ordinal)]);
        var (orders, pickup, made, none, unknown) = (new List<PastOrder>(rows.Count), 0, 0, 0, 0);
        foreach (var row in rows)
        {
            if (!payloads.TryGetValue(row.Id, out var payload)) { unknown++; continue; }
            var placed = JsonSerializer.Deserialize(payload, ContractsJson.Default.OrderPlaced)!;
            if (row.FulfillmentType == FulfillmentType.Pickup || placed.Decision.Strategy is "pickup_site" or "wished_site") pickup++;
            else if (parts[row.Id].Exists(p => p.Made)) made++;
            else if (placed.Decision.Candidates.Count == 0) none++;
            else orders.Add(Of(row, placed, keys.GetValueOrDefault(row.PersonId), kinds));
        }
        return (orders, new LeftOut(pickup, made, none, unknown));
    }

    private static async Task<IReadOnlyList<OrderRow>> RowsAsync(SqlSession session, PastFilter filter)
    {
        List<string> conditions = [];
        if (filter.Since is not null) conditions.Add("id >= @sinceId AND placed_at >= @since");
        if (filter.Until is not null) conditions.Add("id < @untilId AND placed_at < @until");
        if (filter.Channel is not null) conditions.Add("channel = @channel");
        return await session.QueryAsync<OrderRow>(
            $"SELECT {OrderRow.Columns} FROM orders {(conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", conditions))} ORDER BY id DESC LIMIT {filter.Last}", new
            {
                since = filter.Since, until = filter.Until, channel = filter.Channel, sinceId = filter.Since is { } since ? OrderList.FirstIdOf(since) : (Guid?)null,
                untilId = filter.Until is { } until ? OrderList.EndOf(until) : (Guid?)null,
            });
    }

    private static PastOrder Of(OrderRow row, OrderPlaced placed, byte[]? key, IReadOnlyDictionary<string, (string? Category, string? Seller)> kinds)
    {
        var needs = placed.Lines.SelectMany(l => (l.Extras ?? []).Select(e => new SkuUnits(e.Sku, e.Quantity * l.Quantity)).Prepend(new SkuUnits(l.Sku, l.Quantity)))
            .GroupBy(l => l.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, g.Sum(l => l.Quantity))).ToList();
        var isSure = true;
        var stock = new List<Allotment>();
        foreach (var candidate in placed.Decision.Candidates)
        {
            var (had, known) = StockOf(candidate, placed, needs);
            stock.AddRange(had);
            isSure &= known;
        }
        var inactive = placed.Decision.Candidates.Where(c => c.Rejection == Router.NotActive).Select(c => c.Site).ToHashSet(StringComparer.Ordinal);
        var facts = RoutedOrders.Facts(row, RoutedOrders.AddressOf(row, key), row.PlacedAt, sku => kinds.TryGetValue(sku, out var kind) ? new RoutedGoods(sku, kind.Category, kind.Seller) : new RoutedGoods(sku, null, null));
        return new PastOrder(row, placed, facts, needs, Allotments.From(stock), inactive, isSure);
    }

    /// <summary>What a site had of the order. All of it, or of its one SKU so many, is known exactly; of several SKUs first what it then served, the rest in the order of the lines.</summary>
    private static (IReadOnlyList<Allotment> Stock, bool IsKnown) StockOf(RoutingCandidate candidate, OrderPlaced placed, List<SkuUnits> needs)
    {
        var total = needs.Sum(n => (long)n.Quantity);
        var served = placed.Parts.FirstOrDefault(p => p.Site == candidate.Site)?.Lines.ToDictionary(l => l.Sku, l => (long)l.Quantity, StringComparer.Ordinal) ?? [];
        var rest = candidate.UnitsAvailable - served.Values.Sum();
        // For most_stock all that was free is known, beyond the need too.
        var beyond = placed.Decision.Strategy == "most_stock" && candidate.Score is { } score ? Math.Max(0, (long)score - candidate.UnitsAvailable) : 0;
        var stock = new List<Allotment>(needs.Count);
        foreach (var need in needs)
        {
            var own = served.GetValueOrDefault(need.Sku);
            var more = Math.Clamp(rest, 0, need.Quantity - own);
            rest -= more;
            // Where it had all of a SKU, more of it changes nothing that it can serve.
            var isWhole = own + more == need.Quantity;
            var free = own + more + (isWhole ? beyond : 0);
            stock.Add(new Allotment(need.Sku, candidate.Site, free, free));
            if (isWhole) beyond = 0;
        }
        return (stock, candidate.UnitsAvailable == total || candidate.UnitsAvailable == 0 || needs.Count == 1 || served.Values.Sum() == candidate.UnitsAvailable);
    }
}
