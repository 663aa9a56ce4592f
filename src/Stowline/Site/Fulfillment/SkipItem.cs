using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Fulfillment;

/// <summary>Why the item is left: 1–500 characters.</summary>
public sealed record SkipItemBody { public string? Reason { get; init; } }

/// <summary>
/// Leaves an item whose goods are not there (F2): its row is blocked for a count and other bins are tried at once; what they give become new
/// items of the task. Skipping again changes nothing. Refusals: <c>picking_task_not_found</c>, <c>picking_item_not_found</c>, <c>invalid_transition</c>.
/// </summary>
public static class SkipItem
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, int itemNumber, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        var why = problems.Required(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        if (loaded.Items.FirstOrDefault(i => i.Item == itemNumber) is not { } item) return ItemNotFound(task.Number, itemNumber);
        var step = PickingItemLifecycle.Check(item.Status, PickingItemAction.Skip);
        if (step == Transition.AlreadyThere) return Outcome<PickingTask>.AlreadyDone(await PickingTasks.ShowAsync(tx.Group.Session, loaded));
        if (!PickingLifecycle.Allowed(task.Status).Contains(PickingAction.Complete))
            return Transitions.Refuse("picking task", task.Number, SnakeCaseEnum<PickingStatus>.Text(task.Status), "skip",
                PickingLifecycle.Allowed(task.Status).Select(SnakeCaseEnum<PickingAction>.Text));
        if (step == Transition.Wrong) return PickingItemLifecycle.Refuse(item.Item, item.Status, PickingItemAction.Skip);

        await tx.WriteAsync("UPDATE picking_items SET status = @status, note = @why WHERE task_id = @taskId AND item = @itemNumber",
            new { taskId, itemNumber, why, status = PickingItemStatus.Skipped });
        var instead = await ShortPicks.RetryAsync(tx, loaded, [item]);
        var balances = await StockBook.SettleAsync(tx, site, [item.Sku]);
        tx.Append(Lane.Site(site), new ItemSkipped(task.Id, task.Number, task.OrderId, task.Part, item.Item, why, [.. instead.Select(i => i.Planned)], balances),
            loaded.Subject, task.OrderId);
        return await PickingTasks.ShowAsync(tx, site, taskId);
    }

    internal static Refusal ItemNotFound(long task, int item) => Refusal.NotFound("picking_item_not_found", $"picking task {task} has no item {item}");
}
