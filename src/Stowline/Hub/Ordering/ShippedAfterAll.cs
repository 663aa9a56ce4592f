using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>
/// A site has shipped a part that was taken from it when it was given up: it was there after all. What has left counts, the order shows it, and what was promised elsewhere instead is asked back. Where that
/// has left, too, it is told: the customer gets something twice, and somebody must write to them.
/// </summary>
internal static class ShippedAfterAll
{
    /// <summary>Whether what is shipped was nobody's to ship by the hub's books. A part that ended on the site's own word is never shipped.</summary>
    public static bool Is(PartRow? part, string site) => part is { Made: false, Status: OrderStatus.Short or OrderStatus.Cancelled } && part.Site == site;

    /// <summary>Books the shipment. The caller saves the order, and has written the site's balances.</summary>
    public static async ValueTask RunAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, PartRow part, PartShipped shipped, Caller caller)
    {
        await AllotmentEpochs.ShippedAsync(tx, part.Site!, shipped.Lines);
        (part.Status, part.Lines, part.Changed) = (OrderStatus.Shipped, [.. shipped.Lines], true);
        var asked = order.Cancelling ? [] : await TakeBackAsync(tx, order, parts, $"{part.Site} has shipped it after all", caller);
        tx.Append(Lane.Hub, new OrderShippedAfterAll(order.Id, part.Part, part.Site!, shipped.Lines, asked), order.Id.ToString(), order.Id, caller);
    }

    /// <summary>Asks back what the order now has too much of: first what only waits for stock, then the newest parts at sites. What it lacks by that is promised anew when they answer.</summary>
    private static async ValueTask<List<int>> TakeBackAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, string why, Caller caller)
    {
        var surplus = await Rerouting.SurplusAsync(tx, order, parts);
        var asked = new List<int>();
        foreach (var other in parts.Where(p => !p.Made && OrderLifecycle.IsOpen(p.Status) && p.Status != OrderStatus.Cancelling).OrderBy(p => p.Site is not null).ThenByDescending(p => p.Part))
        {
            if (!other.Lines.Exists(l => surplus.GetValueOrDefault(l.Sku) > 0)) continue;
            asked.Add(other.Part);
            var left = new List<SkuUnits>();
            foreach (var line in other.Lines)
            {
                var spare = Math.Clamp(surplus.GetValueOrDefault(line.Sku), 0, line.Quantity);
                if (spare > 0) surplus[line.Sku] -= spare;
                if (spare < line.Quantity) left.Add(line with { Quantity = line.Quantity - spare });
            }
            if (other.Site is { } site) tx.Append(Lane.HubTo(site), new PartCancelRequested(order.Id, other.Part, "reroute", why), order.Id.ToString(), order.Id, caller);
            else await WaitAsync(tx, other, left);
        }
        return asked;
    }

    private static async ValueTask WaitAsync(LaneTransaction tx, PartRow part, List<SkuUnits> left)
    {
        await Backorders.RemoveAsync(tx, part.OrderId, part.Part);
        (part.Lines, part.Changed) = (left, true);
        if (left.Count > 0) await Backorders.AddAsync(tx, [part]);
        else part.Status = OrderStatus.Cancelled;
    }

    /// <summary>A part has left: tells where more units of an order have left than it wants. Asked only where the same SKU left in another part, too.</summary>
    public static async ValueTask TellDoubledAsync(LaneTransaction tx, OrderRow order, List<PartRow> parts, PartRow part, Caller caller)
    {
        var left = parts.FindAll(p => !p.Made && p.Status is OrderStatus.Shipped or OrderStatus.Delivered);
        if (!left.Exists(p => p != part && p.Lines.Exists(l => part.Lines.Exists(own => own.Sku == l.Sku)))) return;
        var ordered = JsonSerializer.Deserialize(await tx.FindAsync<string>("SELECT lines FROM orders WHERE id = @id", new { id = order.Id }) ?? "[]", ContractsJson.Default.ListPlacedLine) ?? [];
        var twice = new List<SkuUnits>();
        foreach (var line in part.Lines)
        {
            var units = left.SelectMany(p => p.Lines).Where(l => l.Sku == line.Sku).Sum(l => l.Quantity) - ordered.Where(l => l.Sku == line.Sku).Sum(l => l.Quantity);
            if (units > 0) twice.Add(line with { Quantity = Math.Min(units, line.Quantity) });
        }
        if (twice.Count > 0) tx.Append(Lane.Hub, new OrderDoubled(order.Id, twice), order.Id.ToString(), order.Id, caller);
    }
}
