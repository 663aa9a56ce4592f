using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>Why a task is given up: 1–500 characters.</summary>
public sealed record CancelTaskBody : Http.IOptionalBody { public string? Reason { get; init; } }

/// <summary>
/// A worker gives a picking task up, in any state but completed (F2): nothing is missing, so no bin is blocked, and the part goes back to the hub.
/// Cancelling again changes nothing. Refusals: <c>picking_task_not_found</c>, <c>invalid_transition</c>.
/// </summary>
public static class CancelPicking
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        var why = problems.Required(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await PickingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        switch (PickingLifecycle.Check(task.Status, PickingAction.Cancel))
        {
            case Transition.AlreadyThere: return Outcome<PickingTask>.AlreadyDone(await PickingTasks.ShowAsync(tx.Group.Session, loaded));
            case Transition.Wrong: return PickingLifecycle.Refuse(task.Number, task.Status, PickingAction.Cancel);
            case Transition.Go: break;
        }
        var order = await FulfillmentOrders.FindAsync(tx.Group.Session, task.OrderId, task.Part)
                    ?? throw new InvalidOperationException($"picking task {task.Number} has no fulfillment order");

        await GiveBack.AsShortAsync(tx, order, why);
        return await PickingTasks.ShowAsync(tx, site, taskId);
    }
}
