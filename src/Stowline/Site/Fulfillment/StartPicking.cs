using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The assigned worker begins to pick (F2). Only an assigned task can start, so there always is a worker. Starting again changes nothing.
/// Refusals: <c>picking_task_not_found</c>, <c>invalid_transition</c>, <c>order_on_hold</c>.
/// </summary>
public static class StartPicking
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, LaneTransaction tx)
    {
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        switch (PickingLifecycle.Check(task.Status, PickingAction.Start))
        {
            case Transition.AlreadyThere: return Outcome<PickingTask>.AlreadyDone(await PickingTasks.ShowAsync(tx.Group.Session, loaded));
            case Transition.Wrong: return PickingLifecycle.Refuse(task.Number, task.Status, PickingAction.Start);
            case Transition.Go: break;
        }
        if (task.OnHold) return Transitions.OnHold("picking task", task.Number);

        await tx.WriteAsync("UPDATE picking_tasks SET status = @status, started_at = @now WHERE id = @taskId",
            new { taskId, now = tx.Now, status = PickingStatus.InProgress });
        await FulfillmentOrders.MoveAsync(tx, task.OrderId, task.Part, FulfillmentStatus.Picking);
        tx.Append(Lane.Site(site), new PickingStarted(task.Id, task.Number, task.OrderId, task.Part, task.Worker), loaded.Subject, task.OrderId);
        return await PickingTasks.ShowAsync(tx.Group.Session, loaded with { Task = task with { Status = PickingStatus.InProgress, StartedAt = tx.Now } });
    }
}
