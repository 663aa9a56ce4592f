using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// What happens to units that a picker did not find: the row they should be in is blocked for a count, and other bins are tried.
/// It cannot loop: each round blocks the row it failed on, and a row that failed for this task is never asked again.
/// </summary>
internal static class ShortPicks
{
    /// <summary>Blocks what was not found and adds items for what other bins give.</summary>
    /// <param name="failed">Items with their unpicked units still reserved.</param>
    public static async ValueTask<IReadOnlyList<PickingItemRow>> RetryAsync(LaneTransaction tx, LoadedPicking task, IReadOnlyList<PickingItemRow> failed)
    {
        var site = task.Task.Site;
        PickingItemRow[] missing = [.. failed.Where(i => i.Remaining > 0)];
        await StockBook.BlockForCountAsync(tx, site, [.. missing.Select(i => new StockUnits(i.Sku, i.Bin, i.LotOrNull, i.Remaining))]);

        (string, string, string?)[] avoid = [.. task.Items.Where(i => i.Status is PickingItemStatus.Short or PickingItemStatus.Skipped).Concat(missing)
            .Select(i => (i.Sku, i.Bin, i.LotOrNull)).Distinct()];
        StockRequest[] requests = [.. missing.GroupBy(i => i.Sku, StringComparer.Ordinal).Select((g, index) => new StockRequest(index, g.Key, g.Sum(i => i.Remaining)))];
        var found = await StockBook.AllocateAsync(tx, site, requests, avoid);
        return found.Count == 0 ? [] : await PickingTasks.AddItemsAsync(tx, task, found);
    }
}
