using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Ends picking (F2). What was not picked is short: other bins are tried, and while they give units the task stays in progress with new items.
/// Otherwise it is completed, the missing units go back to the hub, and what was picked gets a packing task in the same transaction.
/// Completing again changes nothing. Refusals: <c>picking_task_not_found</c>, <c>invalid_transition</c>.
/// </summary>
public static class CompletePicking
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, LaneTransaction tx)
    {
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        switch (PickingLifecycle.Check(task.Status, PickingAction.Complete))
        {
            case Transition.AlreadyThere: return Outcome<PickingTask>.AlreadyDone(await PickingTasks.ShowAsync(tx.Group.Session, loaded));
            case Transition.Wrong: return PickingLifecycle.Refuse(task.Number, task.Status, PickingAction.Complete);
            case Transition.Go: break;
        }
        var order = await FulfillmentOrders.FindAsync(tx.Group.Session, task.OrderId, task.Part)
                    ?? throw new InvalidOperationException($"picking task {task.Number} has no fulfillment order");

        if (!await ExtendAsync(tx, loaded)) await FinishAsync(tx, loaded, order);
        // Where nothing was short, only the task itself has changed.
        return loaded.Items.Any(i => i.Status == PickingItemStatus.Pending) ? await PickingTasks.ShowAsync(tx, site, taskId)
            : await PickingTasks.ShowAsync(tx.Group.Session, loaded with { Task = task with { Status = PickingStatus.Completed, CompletedAt = tx.Now } });
    }

    /// <summary>True when there is more to pick: other bins gave units for what was short.</summary>
    private static async ValueTask<bool> ExtendAsync(LaneTransaction tx, LoadedPicking loaded)
    {
        PickingItemRow[] open = [.. loaded.Items.Where(i => i.Status == PickingItemStatus.Pending)];
        if (open.Length == 0) return false;
        await tx.UpdateAsync("picking_items", "status = k.status", open.Length,
            [Column.From("task_id", open, i => i.TaskId), Column.From("item", open, i => i.Item)],
            Column.Same("status", open.Length, (int)PickingItemLifecycle.Target(PickingItemAction.RunShort)));
        var more = await ShortPicks.RetryAsync(tx, loaded, open);
        if (more.Count == 0) return false;
        var task = loaded.Task;
        var balances = await StockBook.SettleAsync(tx, task.Site, [.. open.Select(i => i.Sku).Distinct(StringComparer.Ordinal)]);
        tx.Append(Lane.Site(task.Site), new PickingExtended(task.Id, task.Number, task.OrderId, task.Part, [.. more.Select(i => i.Planned)], balances),
            loaded.Subject, task.OrderId);
        return true;
    }

    private static async ValueTask FinishAsync(LaneTransaction tx, LoadedPicking loaded, FulfillmentOrder order)
    {
        var task = loaded.Task;
        var lane = Lane.Site(task.Site);
        SkuUnits[] picked = [.. loaded.Items.Where(i => i.QuantityPicked > 0).GroupBy(i => i.Sku, StringComparer.Ordinal)
            .Select(g => new SkuUnits(g.Key, g.Sum(i => i.QuantityPicked)))];
        var missing = FulfillmentOrders.Less(order.LiveUnits, picked);
        var ended = picked.Length == 0;

        await tx.WriteAsync("UPDATE picking_tasks SET status = @status, completed_at = @now WHERE id = @id",
            new { id = task.Id, now = tx.Now, status = PickingStatus.Completed });
        tx.Append(lane, new PickingCompleted(task.Id, task.Number, task.OrderId, task.Part, picked.Sum(u => u.Quantity), missing.Sum(u => u.Quantity)),
            loaded.Subject, task.OrderId);
        var now = tx.Now;
        tx.Measure<FulfillmentMetrics>(m => m.Picked(task, loaded.Items, now));
        if (missing.Count > 0)
        {
            var balances = await StockBook.SettleAsync(tx, task.Site, [.. missing.Select(m => m.Sku)]);
            tx.Append(lane, new PartShort(task.OrderId, task.Part, missing, ended, "not found in its bins", balances), loaded.Subject, task.OrderId);
        }
        if (ended)
        {
            await FulfillmentOrders.EndAsync(tx, task.OrderId, task.Part, FulfillmentStatus.Short, []);
            return;
        }
        await FulfillmentOrders.ReduceAsync(tx, task.OrderId, task.Part, FulfillmentStatus.Packing, picked);
        await PackingTasks.CreateAsync(tx, loaded);
    }
}
