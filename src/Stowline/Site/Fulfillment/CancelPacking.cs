using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// A worker gives a packing task up, in any state but shipped (F4): the goods wait for put-back and the part goes back to the hub. Cancelling again
/// changes nothing. Refusals: <c>packing_task_not_found</c>, <c>invalid_transition</c>.
/// </summary>
public static class CancelPacking
{
    /// <param name="reason">1–500 characters; may be missing.</param>
    public static async ValueTask<Outcome<PackingTask>> DecideAsync(string site, Guid taskId, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        var why = problems.Required(reason ?? "packing was cancelled", "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await PackingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PackingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        switch (PackingLifecycle.Check(task.Status, PackingAction.Cancel))
        {
            case Transition.AlreadyThere: return Outcome<PackingTask>.AlreadyDone(loaded.Shown());
            case Transition.Wrong: return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.Cancel);
            case Transition.Go: break;
        }
        var order = await FulfillmentOrders.FindAsync(tx.Group.Session, task.OrderId, task.Part)
                    ?? throw new InvalidOperationException($"packing task {task.Number} has no fulfillment order");

        await GiveBack.AsShortAsync(tx, order, why);
        return await PackingTasks.ShowAsync(tx, site, taskId);
    }
}
