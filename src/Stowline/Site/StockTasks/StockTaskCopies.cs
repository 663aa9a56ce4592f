using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.StockTasks;

/// <summary>
/// The hub's copies of the stock tasks of a site with a node of its own, as its events tell them; and how a restored site brings its own back. Read-only: a command about them is refused with
/// <c>site_is_remote</c>.
/// </summary>
internal sealed class StockTaskCopies(string site) : Consumer
{
    public override string Name => "stock-task-copies";
    public override Lane Target(Lane source) => source;
    public override bool Wants(string type) => Tells(type);

    public static bool Tells(string type) => type.StartsWith("stock_task.", StringComparison.Ordinal) || type == CountSettingsSaved.Type;

    /// <summary>A site is moved out: its tasks as they are now are what the copies go on from.</summary>
    public static async ValueTask BeginAsync(string site, LaneTransaction tx)
    {
        await tx.WriteAsync("UPDATE stock_tasks SET as_of = @now WHERE site = @site", new { site, now = tx.Now });
        await tx.StartAtEndAsync(new StockTaskCopies(site).Name, Lane.Site(site));
    }

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events) await ApplyAsync(tx, site, e);
    }

    private static async ValueTask ApplyAsync(LaneTransaction tx, string site, EventRecord e)
    {
        switch (e.Type)
        {
            case "stock_task.created":
                await StockTasksTable.InsertAsync(tx, site, e.Read<StockTaskCreated>(), e.At, e.At);
                break;
            case "stock_task.assigned":
                var assigned = e.Read<StockTaskAssigned>();
                await MoveAsync(tx, assigned.TaskId, StockTaskStatus.Assigned, "assigned_at", e.At);
                await tx.WriteAsync("UPDATE stock_tasks SET worker = @worker WHERE id = @id", new { worker = assigned.Worker, id = assigned.TaskId });
                break;
            case "stock_task.started":
                await MoveAsync(tx, e.Read<StockTaskStarted>().TaskId, StockTaskStatus.InProgress, "started_at", e.At);
                break;
            case "stock_task.counted":
                await CountedAsync(tx, site, e.Read<StockTaskCounted>(), e.At);
                break;
            case "stock_task.completed":
                await MoveAsync(tx, e.Read<StockTaskCompleted>().TaskId, StockTaskStatus.Completed, "completed_at", e.At);
                break;
            case "stock_task.cancelled":
                var cancelled = e.Read<StockTaskCancelled>();
                await StockTaskSteps.CancelRowsAsync(tx, cancelled.TaskId, cancelled.Reason, e.At);
                await TouchAsync(tx, cancelled.TaskId, e.At);
                break;
            case "count_settings.saved":
                await CountSettings.WriteAsync(tx, site, e.Read<CountSettingsSaved>());
                break;
        }
    }

    private static async ValueTask CountedAsync(LaneTransaction tx, string site, StockTaskCounted done, DateTimeOffset at)
    {
        var isNew = await tx.FindAsync<int?>("SELECT line FROM stock_task_lines WHERE task_id = @task AND line = @line", new { task = done.TaskId, line = done.Place.Line }) is null;
        if (isNew) await StockTasksTable.InsertLinesAsync(tx, site, done.TaskId, [done.Place]);
        await RecordLine.MarkAsync(tx, site, done, at, isNew);
        await TouchAsync(tx, done.TaskId, at);
    }

    /// <param name="moment">The column that keeps when. Never text from outside.</param>
    private static ValueTask MoveAsync(LaneTransaction tx, Guid id, StockTaskStatus status, string moment, DateTimeOffset at) =>
        tx.WriteAsync($"UPDATE stock_tasks SET status = @status, {moment} = @at, as_of = @at WHERE id = @id", new { status, at, id });

    private static ValueTask TouchAsync(LaneTransaction tx, Guid id, DateTimeOffset at) => tx.WriteAsync("UPDATE stock_tasks SET as_of = @at WHERE id = @id", new { at, id });
}
