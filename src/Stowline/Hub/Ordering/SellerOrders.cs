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

    /// <summary>How many orders one page looks through at most; a page may therefore have few items and yet not be the last.</summary>
    private const int MostLookedAt = 25 * Batch;

    /// <summary>Whether all lines of an order are of these sellers; null when there is no such order.</summary>
    public static async Task<bool?> CoversAsync(SqlSession session, string order, IReadOnlyCollection<string> sellers)
    {
        if (await ReadOrders.IdOfAsync(session, order) is not { } id) return null;
        var lines = await session.FindAsync<string>("SELECT lines FROM orders WHERE id = @id", new { id });
        return lines is null ? null : (await ReadProducts.OfSellersAsync(session, Skus(lines), sellers)).IsSupersetOf(Skus(lines));
    }

    /// <summary>Why an order may not be placed by a key that is limited to these sellers; null when it may. Unknown SKUs are for the order's own checks.</summary>
    internal static async Task<Refusal?> ForeignAsync(SqlSession session, AcceptOrder order, IReadOnlyCollection<string> sellers)
    {
        string[] skus = [.. order.Needs.Select(n => n.Sku)];
        var own = await ReadProducts.OfSellersAsync(session, skus, sellers);
        if (own.Count == skus.Length) return null;
        var known = await ReadProducts.FindAllAsync(session, skus);
        if (Array.Find(skus, s => !own.Contains(s) && known.ContainsKey(s)) is not { } foreign) return null;
        return new Refusal(RefusalKind.Forbidden, "forbidden", $"this key is limited to orders of {string.Join(", ", sellers)}: {foreign} is not sold by them")
        {
            Extra = new Dictionary<string, object?> { ["sku"] = foreign },
        };
    }

    /// <summary>A page of a list, newest first.</summary>
    /// <param name="read">Reads the orders before one, so many.</param>
    internal static async Task<(IReadOnlyList<OrderRow> Orders, Guid? Next)> PageAsync(
        SqlSession session, IReadOnlyCollection<string> sellers, Guid? before, int limit, Func<Guid?, int, Task<IReadOnlyList<OrderRow>>> read)
    {
        var found = new List<OrderRow>();
        for (var looked = 0; looked < MostLookedAt; looked += Batch)
        {
            var rows = await read(before, Batch);
            var own = await ReadProducts.OfSellersAsync(session, [.. rows.SelectMany(r => Skus(r.Lines)).Distinct(StringComparer.Ordinal)], sellers);
            foreach (var row in rows.Where(r => own.IsSupersetOf(Skus(r.Lines))))
            {
                found.Add(row);
                if (found.Count == limit) return (found, row.Id);
            }
            if (rows.Count < Batch) return (found, null);
            before = rows[^1].Id;
        }
        return (found, before);
    }

    private static IReadOnlyCollection<string> Skus(string lines) =>
        [.. (JsonSerializer.Deserialize(lines, ContractsJson.Default.ListPlacedLine) ?? []).Select(l => l.Sku).Distinct(StringComparer.Ordinal)];
}
