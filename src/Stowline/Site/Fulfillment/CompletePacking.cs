using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// Ends packing (F4): at least one package with dimensions, and where packages name what is in them, exactly what was picked. Completing again changes
/// nothing. Refusals: <c>packing_task_not_found</c>, <c>invalid_transition</c>, <c>dimensions_missing</c>, <c>not_fully_packed</c>.
/// </summary>
public static class CompletePacking
{
    public static async ValueTask<Outcome<PackingTask>> DecideAsync(string site, Guid taskId, LaneTransaction tx)
    {
        if (await PackingTasks.FindAsync(tx, site, taskId) is not { } loaded) return PackingTasks.NotFound(taskId.ToString());
        var task = loaded.Task;
        switch (PackingLifecycle.Check(task.Status, PackingAction.Complete))
        {
            case Transition.AlreadyThere: return Outcome<PackingTask>.AlreadyDone(loaded.Shown());
            case Transition.Wrong: return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.Complete);
            case Transition.Go: break;
        }
        if (loaded.Packages.Count == 0) return Refusal.Conflict("dimensions_missing", $"packing task {task.Number} has no package with weight and dimensions");
        if (loaded.Named.Count > 0)
        {
            string[] open = [.. loaded.Picked.Where(p => loaded.Named.GetValueOrDefault(p.Key) != p.Value)
                .Select(p => $"{loaded.Named.GetValueOrDefault(p.Key)} of {p.Value} {p.Key}")];
            if (open.Length > 0) return Refusal.Conflict("not_fully_packed", "packed so far: " + string.Join(", ", open.Take(20)));
        }

        await tx.WriteAsync("UPDATE packing_tasks SET status = @status, packed_at = @now WHERE id = @taskId", new { taskId, now = tx.Now, status = PackingStatus.Packed });
        await FulfillmentOrders.MoveAsync(tx, task.OrderId, task.Part, FulfillmentStatus.Ready);
        tx.Append(Lane.Site(site), new PackingCompleted(task.Id, task.Number, task.OrderId, task.Part, loaded.Packages.Count), loaded.Subject, task.OrderId);
        var now = tx.Now;
        tx.Measure<FulfillmentMetrics>(m => m.Packed(task, now));
        return (loaded with { Task = task with { Status = PackingStatus.Packed, PackedAt = tx.Now } }).Shown();
    }
}
