using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.People;

namespace Stowline.Site.Fulfillment;

/// <summary>Who packs: a registered worker's code or badge, or any other name of 1–64 characters.</summary>
public sealed record StartPackingBody { public string? Worker { get; init; } }

/// <summary>
/// A worker begins to pack (F4). The same worker starting again changes nothing. Refusals: <c>packing_task_not_found</c>, <c>invalid_transition</c>,
/// <c>order_on_hold</c>, <c>worker_inactive</c>.
/// </summary>
public static class StartPacking
{
    public static async ValueTask<Outcome<PackingTask>> DecideAsync(string site, Guid taskId, string? worker, LaneTransaction tx)
    {
        var problems = new Problems();
        var given = problems.Required(worker, "worker", 64);
        if (problems.Any) return problems.ToRefusal();
        var who = WorkerBook.Ask(site, given);
        if (await PackingTasks.FindAsync(tx, site, taskId, who) is not { } loaded) return PackingTasks.NotFound(taskId.ToString());
        var (name, isActive) = WorkerBook.Who(who, given);
        var task = loaded.Task;
        switch (PackingLifecycle.Check(task.Status, PackingAction.Start))
        {
            case Transition.AlreadyThere when task.Worker == name: return Outcome<PackingTask>.AlreadyDone(loaded.Shown());
            case Transition.AlreadyThere or Transition.Wrong: return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.Start);
            case Transition.Go: break;
        }
        if (task.OnHold) return Transitions.OnHold("packing task", task.Number);
        if (!isActive) return WorkerBook.Inactive(name);

        await tx.WriteAsync("UPDATE packing_tasks SET status = @status, worker = @name, started_at = @now WHERE id = @taskId",
            new { taskId, name, now = tx.Now, status = PackingStatus.InProgress });
        tx.Append(Lane.Site(site), new PackingStarted(task.Id, task.Number, task.OrderId, task.Part, name), loaded.Subject, task.OrderId);
        return (loaded with { Task = task with { Status = PackingStatus.InProgress, Worker = name, StartedAt = tx.Now } }).Shown();
    }
}
