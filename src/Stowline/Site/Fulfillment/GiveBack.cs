using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Takes a part that has not left apart again: reservations end, open tasks are cancelled, and picked units wait in staging for somebody to
/// put them back. What it says to the hub, and the part's status, is the caller's.
/// </summary>
internal static class GiveBack
{
    /// <returns>The task for putting picked units back, where any were picked, and every SKU whose stock changed.</returns>
    public static async ValueTask<(Guid? PutBackTaskId, IReadOnlyCollection<string> Skus)> RunAsync(LaneTransaction tx, FulfillmentOrder order, string reason, Caller? caller = null)
    {
        if (await PickingTasks.FindByPartAsync(tx, order.OrderId, order.Part) is not { } loaded) return (null, []);
        await CancelPickingAsync(tx, loaded, reason, caller);
        await PackingTasks.CancelOpenAsync(tx, order.OrderId, order.Part, reason, caller);

        PickingItemRow[] open = PickingLifecycle.Allowed(loaded.Task.Status).Count == 0 ? []
            : [.. loaded.Items.Where(i => i.Status == PickingItemStatus.Pending && i.Remaining > 0)];
        if (open.Length > 0)
            await StockBook.UnreserveAsync(tx, order.Site, [.. open.Select(i => new StockUnits(i.Sku, i.Bin, i.LotOrNull, i.Remaining))]);
        Guid? putBack = null;
        if (loaded.PickedUnits > 0)
        {
            await StockBook.ReleaseStagedAsync(tx, order.Site, loaded.Staged);
            putBack = await PutBack.CreateAsync(tx, loaded);
        }
        return (putBack, [.. loaded.Items.Select(i => i.Sku).Distinct(StringComparer.Ordinal)]);
    }

    private static async ValueTask CancelPickingAsync(LaneTransaction tx, LoadedPicking loaded, string reason, Caller? caller)
    {
        var task = loaded.Task;
        if (PickingLifecycle.Check(task.Status, PickingAction.Cancel) != Transition.Go) return;
        await tx.WriteAsync("UPDATE picking_tasks SET status = @status, cancelled_at = @now, cancellation_reason = @reason WHERE id = @id",
            new { id = task.Id, now = tx.Now, reason, status = PickingStatus.Cancelled });
        tx.Append(Lane.Site(task.Site), new PickingCancelled(task.Id, task.Number, task.OrderId, task.Part, reason), loaded.Subject, task.OrderId, caller);
    }

    /// <summary>A worker gave the part up: the hub hears of it as short, so that it promises the units elsewhere.</summary>
    public static async ValueTask AsShortAsync(LaneTransaction tx, FulfillmentOrder order, string reason)
    {
        var (_, skus) = await RunAsync(tx, order, reason);
        await FulfillmentOrders.EndAsync(tx, order.OrderId, order.Part, FulfillmentStatus.Short, []);
        var balances = await StockBook.SettleAsync(tx, order.Site, skus);
        tx.Append(Lane.Site(order.Site), new PartShort(order.OrderId, order.Part, order.LiveUnits, true, reason, balances),
            FulfillmentOrders.Subject(order.OrderId), order.OrderId);
    }
}
