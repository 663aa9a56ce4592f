using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.People;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>
/// What happens to a stock task as a whole (W5). Doing it again changes nothing. Refusals: <c>stock_task_not_found</c>, <c>invalid_transition</c>, <c>worker_inactive</c>, <c>not_counted</c>.
/// </summary>
public static class StockTaskSteps
{
    /// <summary>Gives a task to a worker, or one that is not begun to another.</summary>
    public static async ValueTask<Outcome<StockTask>> AssignAsync(string site, Guid id, string? worker, LaneTransaction tx)
    {
        var problems = new Problems();
        var given = problems.Required(worker, "worker", 64);
        if (problems.Any) return problems.ToRefusal();
        if (await StockTasksTable.FindAsync(tx.Group.Session, site, id) is not { } loaded) return StockTasksTable.NotFound(id.ToString());
        var task = loaded.Task;
        if (StockTaskLifecycle.Check(task.Status, StockTaskAction.Assign) != Transition.Go) return StockTaskLifecycle.Refuse(task.Number, task.Status, StockTaskAction.Assign);
        var (name, isActive) = await WorkerBook.WhoAsync(tx, site, given);
        if (task.Status == StockTaskStatus.Assigned && task.Worker == name) return Outcome<StockTask>.AlreadyDone(loaded.Shown);
        if (!isActive) return WorkerBook.Inactive(name);
        await tx.WriteAsync("UPDATE stock_tasks SET status = @status, worker = @name, assigned_at = @now WHERE id = @id", new { id, name, now = tx.Now, status = StockTaskStatus.Assigned });
        tx.Append(Lane.Site(site), new StockTaskAssigned(id, task.Number, name), task.Subject);
        return await StockTasksTable.ShowAsync(tx, site, id);
    }

    public static async ValueTask<Outcome<StockTask>> StartAsync(string site, Guid id, LaneTransaction tx)
    {
        if (await StockTasksTable.FindAsync(tx.Group.Session, site, id) is not { } loaded) return StockTasksTable.NotFound(id.ToString());
        var task = loaded.Task;
        switch (StockTaskLifecycle.Check(task.Status, StockTaskAction.Start))
        {
            case Transition.AlreadyThere: return Outcome<StockTask>.AlreadyDone(loaded.Shown);
            case Transition.Wrong: return StockTaskLifecycle.Refuse(task.Number, task.Status, StockTaskAction.Start);
            case Transition.Go: break;
        }
        await tx.WriteAsync("UPDATE stock_tasks SET status = @status, started_at = @now WHERE id = @id", new { id, now = tx.Now, status = StockTaskStatus.InProgress });
        tx.Append(Lane.Site(site), new StockTaskStarted(id, task.Number, task.Worker), task.Subject);
        return await StockTasksTable.ShowAsync(tx, site, id);
    }

    /// <summary>Ends a task whose lines are all done. What is to be counted again becomes a task of its own, for whoever takes it.</summary>
    public static async ValueTask<Outcome<StockTask>> CompleteAsync(string site, Guid id, LaneTransaction tx)
    {
        if (await StockTasksTable.FindAsync(tx.Group.Session, site, id) is not { } loaded) return StockTasksTable.NotFound(id.ToString());
        var task = loaded.Task;
        switch (StockTaskLifecycle.Check(task.Status, StockTaskAction.Complete))
        {
            case Transition.AlreadyThere: return Outcome<StockTask>.AlreadyDone(loaded.Shown);
            case Transition.Wrong: return StockTaskLifecycle.Refuse(task.Number, task.Status, StockTaskAction.Complete);
            case Transition.Go: break;
        }
        var open = loaded.Open.Count();
        if (open > 0)
            return Refusal.Conflict("not_counted", $"{open} of {loaded.Lines.Count} lines of stock task {task.Number} are open", new Dictionary<string, object?> { ["open_lines"] = open });
        await tx.WriteAsync("UPDATE stock_tasks SET status = @status, completed_at = @now WHERE id = @id", new { id, now = tx.Now, status = StockTaskStatus.Completed });
        tx.Append(Lane.Site(site), new StockTaskCompleted(id, task.Number), task.Subject);
        await CountAgainAsync(tx, site, loaded);
        return await StockTasksTable.ShowAsync(tx, site, id);
    }

    /// <summary>Gives a task up. What was counted far from the books is counted again all the same.</summary>
    public static async ValueTask<Outcome<StockTask>> CancelAsync(string site, Guid id, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        var why = problems.Required(reason, "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await StockTasksTable.FindAsync(tx.Group.Session, site, id) is not { } loaded) return StockTasksTable.NotFound(id.ToString());
        var task = loaded.Task;
        switch (StockTaskLifecycle.Check(task.Status, StockTaskAction.Cancel))
        {
            case Transition.AlreadyThere: return Outcome<StockTask>.AlreadyDone(loaded.Shown);
            case Transition.Wrong: return StockTaskLifecycle.Refuse(task.Number, task.Status, StockTaskAction.Cancel);
            case Transition.Go: break;
        }
        await CancelRowsAsync(tx, id, why, tx.Now);
        tx.Append(Lane.Site(site), new StockTaskCancelled(id, task.Number, why), task.Subject);
        await CountAgainAsync(tx, site, loaded);
        return await StockTasksTable.ShowAsync(tx, site, id);
    }

    internal static async ValueTask CancelRowsAsync(LaneTransaction tx, Guid id, string reason, DateTimeOffset at)
    {
        await tx.WriteAsync("UPDATE stock_tasks SET status = @status, cancelled_at = @at, cancellation_reason = @reason WHERE id = @id",
            new { id, at, reason, status = StockTaskStatus.Cancelled });
        await tx.WriteAsync("UPDATE stock_task_lines SET status = @cancelled WHERE task_id = @id AND status = @open",
            new { id, cancelled = StockTaskLineStatus.Cancelled, open = StockTaskLineStatus.Open });
    }

    private static async ValueTask CountAgainAsync(LaneTransaction tx, string site, LoadedStockTask loaded)
    {
        StockTaskLineRow[] again = [.. loaded.Lines.Where(l => l.Status == StockTaskLineStatus.Recount)];
        if (again.Length == 0) return;
        await StockTasksTable.CreateAsync(tx, site, StockTaskKind.Count, StockTaskCause.Recount,
            [.. again.Select(l => new StockTaskLineRow { Sku = l.Sku, Bin = l.Bin, Lot = l.Lot, Round = l.Round + 1, OffBefore = l.Difference })], firstTask: loaded.Task.FirstTaskId ?? loaded.Task.Id);
    }
}
