using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.People;

namespace Stowline.Site.Fulfillment;

/// <summary>Who is to pick: a registered worker's code or badge, or any other name of 1–64 characters.</summary>
public sealed record AssignPickingBody { public string? Worker { get; init; } }

/// <summary>
/// Gives a pending picking task to a worker (F2). Assigning to the same worker again changes nothing. Refusals: <c>picking_task_not_found</c>,
/// <c>invalid_transition</c>, <c>order_on_hold</c>, <c>worker_inactive</c>.
/// </summary>
public static class AssignPicking
{
    public static async ValueTask<Outcome<PickingTask>> DecideAsync(string site, Guid taskId, string? worker, LaneTransaction tx)
    {
        var problems = new Problems();
        var given = problems.Required(worker, "worker", 64);
        if (problems.Any) return problems.ToRefusal();
        var who = WorkerBook.Ask(site, given);
        if (await PickingTasks.FindAsync(tx, site, taskId, who) is not { } loaded) return PickingTasks.NotFound(taskId.ToString());
        var (name, isActive) = WorkerBook.Who(who, given);
        var task = loaded.Task;
        switch (PickingLifecycle.Check(task.Status, PickingAction.Assign))
        {
            case Transition.AlreadyThere when task.Worker == name: return Outcome<PickingTask>.AlreadyDone(await PickingTasks.ShowAsync(tx.Group.Session, loaded));
            case Transition.AlreadyThere or Transition.Wrong: return PickingLifecycle.Refuse(task.Number, task.Status, PickingAction.Assign);
            case Transition.Go: break;
        }
        if (task.OnHold) return Transitions.OnHold("picking task", task.Number);
        if (!isActive) return WorkerBook.Inactive(name);

        await tx.WriteAsync("UPDATE picking_tasks SET status = @status, worker = @name, assigned_at = @now WHERE id = @taskId",
            new { taskId, name, now = tx.Now, status = PickingStatus.Assigned });
        tx.Append(Lane.Site(site), new PickingAssigned(task.Id, task.Number, task.OrderId, task.Part, name), loaded.Subject, task.OrderId);
        return await PickingTasks.ShowAsync(tx.Group.Session, loaded with { Task = task with { Status = PickingStatus.Assigned, Worker = name, AssignedAt = tx.Now } });
    }
}
