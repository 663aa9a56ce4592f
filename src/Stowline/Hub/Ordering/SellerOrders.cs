using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Orders for keys that are limited to sellers: those all of whose lines are of products that are these sellers' now. An order of several sellers
/// is for none of them, because each would see what the others sold to the customer.
/// </summary>
public static class SellerOrders
{
    private const int Batch = 200;

    /// <summary>How many batches of orders one page looks through at most; a page may therefore have few items and yet not be the last.</summary>
    private const int MostBatches = 25;

    /// <summary>Whether all lines of an order are of these sellers; null when there is no such order.</summary>
    public static async Task<bool?> CoversAsync(SqlSession session, string order, IReadOnlyCollection<string> sellers)
    {
        if (await ReadOrders.FindAsync(session, order) is not { } view) return null;
        string[] skus = [.. view.Lines!.Select(l => l.Sku).Distinct(StringComparer.Ordinal)];
        return (await ReadProducts.OfSellersAsync(session, skus, sellers)).Count == skus.Length;
    }

    /// <summary>Why an order may not be placed by a key that is limited to these sellers; null when it may. What does not exist is not theirs either.</summary>
    internal static async Task<Refusal?> ForeignAsync(SqlSession session, AcceptOrder order, IReadOnlyCollection<string> sellers)
    {
        string[] skus = [.. order.Needs.Select(n => n.Sku)];
        var own = await ReadProducts.OfSellersAsync(session, skus, sellers);
        return Array.Find(skus, s => !own.Contains(s)) is not { } foreign ? null
            : new Refusal(RefusalKind.Forbidden, "forbidden", $"this key is limited to orders of {string.Join(", ", sellers)}: {foreign} is not a product of theirs")
            {
                Extra = new Dictionary<string, object?> { ["sku"] = foreign },
            };
    }

    /// <summary>The ids of a page, newest first.</summary>
    /// <param name="find">Finds the orders of any seller that fit a filter.</param>
    internal static async Task<(IReadOnlyList<Guid> Ids, Guid? Next)> FindAsync(
        SqlSession session, OrderFilter filter, Func<OrderFilter, Task<(IReadOnlyList<Guid> Ids, Guid? Next)>> find)
    {
        var (found, before) = (new List<Guid>(), filter.Before);
        for (var batch = 0; batch < MostBatches; batch++)
        {
            var (ids, next) = await find(filter with { Before = before, Limit = Batch });
            foreach (var id in await CoveredAsync(session, ids, filter.Sellers))
            {
                found.Add(id);
                if (found.Count == filter.Limit) return (found, id);
            }
            if (next is null) return (found, null);
            before = next;
        }
        return (found, before);
    }

    private static async Task<IReadOnlyList<Guid>> CoveredAsync(SqlSession session, IReadOnlyList<Guid> ids, IReadOnlyCollection<string> sellers)
    {
        var skus = new Dictionary<Guid, string[]>(ids.Count);
        await session.SelectAsync("SELECT id, lines FROM orders WHERE id = k.id", ids.Count, [Column.From("id", ids, i => i)],
            row => skus[row.GetGuid(0)] = [.. (JsonSerializer.Deserialize(row.GetString(1), ContractsJson.Default.ListPlacedLine) ?? []).Select(l => l.Sku)]);
        var own = await ReadProducts.OfSellersAsync(session, [.. skus.Values.SelectMany(s => s).Distinct(StringComparer.Ordinal)], sellers);
        return [.. ids.Where(id => skus.TryGetValue(id, out var its) && Array.TrueForAll(its, own.Contains))];
    }
}
