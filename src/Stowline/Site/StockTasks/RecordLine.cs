using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>
/// What was counted in a bin, in units, whole and damaged ones together. <see cref="Expected"/> may say what the books said when it was counted, for devices that send it later; where that is not so
/// any more, the count is refused.
/// </summary>
public sealed record CountLineBody
{
    public string? Sku { get; init; }
    public string? Bin { get; init; }
    public string? Lot { get; init; }
    public long? Counted { get; init; }
    public long? Expected { get; init; }
}

/// <summary>What was taken away of an expired lot, in units.</summary>
public sealed record RemoveLineBody
{
    public string? Sku { get; init; }
    public string? Bin { get; init; }
    public string? Lot { get; init; }
    public long? Quantity { get; init; }
}

/// <summary>
/// Records one line of a stock task that was begun (W5). A count is blind: the worker is not told what the books say. What matches is confirmed, a small difference is booked at once as an adjustment, a
/// large one is counted again (<see cref="CountRule"/>), and until then what was not found is blocked. Goods that are not on the list are recorded the same way and become a line. Saying the same
/// again changes nothing. Refusals: <c>stock_task_not_found</c>, <c>invalid_transition</c>, <c>wrong_kind</c>, <c>already_counted</c>, <c>stale_quantity</c>, <c>bin_not_found</c>, <c>product_not_found</c>,
/// <c>line_not_found</c>, <c>insufficient_stock</c>.
/// </summary>
public static class RecordLine
{
    /// <param name="knows">Asked for goods that are not on the list; null accepts all.</param>
    public static async ValueTask<Outcome<StockTask>> CountAsync(string site, Guid id, CountLineBody body, LaneTransaction tx, ProductLookup? knows = null)
    {
        var problems = new Problems();
        var place = PlaceOf(body.Sku, body.Bin, body.Lot, problems);
        problems.Check(body.Counted is not null, "counted", "is required");
        problems.Check(body.Counted is null or (>= 0 and <= Limits.MaxQuantity), "counted", $"must be 0–{Limits.MaxQuantity}");
        problems.Check(body.Expected is null or (>= 0 and <= Limits.MaxQuantity), "expected", $"must be 0–{Limits.MaxQuantity}");
        if (problems.Any) return problems.ToRefusal();
        var found = await FindAsync(site, id, StockTaskKind.Count, tx);
        if (found.Refusal is { } no) return no;
        var loaded = found.Value;
        var counted = body.Counted!.Value;
        var line = loaded.Lines.FirstOrDefault(l => l.Sku == place.Sku && l.Bin == place.Bin && l.LotOrNull == place.Lot);
        if (line is { Status: not StockTaskLineStatus.Open })
            return line.Counted == counted ? Outcome<StockTask>.AlreadyDone(loaded.Shown)
                : Refusal.Conflict("already_counted", $"{line.Sku} in {line.Bin} was counted already; what has changed since is an adjustment, or another count");
        if (line is null && await Posting.UnknownProductAsync(tx, knows, [place.Sku], _ => "sku") is { } unknown) return unknown;

        var onHand = await CountedStock.OnHandAsync(tx, site, place);
        if (body.Expected is { } expected && expected != onHand)
            return Refusal.Conflict("stale_quantity", $"{place.Sku} in {place.Bin} has moved since it was counted; count it again", new Dictionary<string, object?> { ["on_hand"] = onHand });
        var settings = await CountSettings.ReadAsync(tx.Group.Session, site);
        var isNew = line is null;
        line ??= AskForCount.LineOf(place) with { TaskId = id, Line = loaded.Lines.Count + 1 };
        var verdict = CountRule.Decide(onHand, counted, line.Round, line.OffBefore, settings.RecountUnits, settings.RecountPercent);
        var booked = await BookAsync(tx, loaded.Task, place, verdict, onHand, counted);
        if (booked.Refusal is { } not) return not;
        var (_, difference, kept) = booked.Value;
        return await WriteAsync(tx, loaded, line with { Status = verdict, Counted = counted, Expected = onHand, Difference = difference, Kept = kept, DoneAt = tx.Now }, isNew);
    }

    private static async ValueTask<Outcome<BookedCount>> BookAsync(LaneTransaction tx, StockTaskRow task, CountedStock.Place place, StockTaskLineStatus verdict, long onHand, long counted)
    {
        if (verdict != StockTaskLineStatus.Recount) return await CountedStock.BookAsync(tx, task.Site, place, counted, ReasonOf(task.Cause), $"count {task.Number}");
        if (place.Bin == StockBook.Staging) return Refusal.Conflict("bin_built_in", "nothing is counted in staging: what stands there belongs to picking tasks");
        if (counted < onHand) await CountedStock.BlockAsync(tx, task.Site, place, onHand - counted);
        return new BookedCount(onHand, counted - onHand, 0);
    }

    private static string ReasonOf(StockTaskCause cause) => cause switch
    {
        StockTaskCause.ShortPick => "counted after a short pick",
        StockTaskCause.Recount => "counted again",
        StockTaskCause.Plan => "cycle count",
        StockTaskCause.Asked or StockTaskCause.Expired => "count",
    };

    /// <summary>Takes units of an expired lot away: they leave the books as disposal. What is left of them stays damaged.</summary>
    public static async ValueTask<Outcome<StockTask>> RemoveAsync(string site, Guid id, RemoveLineBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var place = PlaceOf(body.Sku, body.Bin, body.Lot, problems);
        var quantity = problems.Quantity(body.Quantity ?? 0, "quantity");
        if (problems.Any) return problems.ToRefusal();
        var found = await FindAsync(site, id, StockTaskKind.Removal, tx);
        if (found.Refusal is { } no) return no;
        var loaded = found.Value;
        if (loaded.Lines.FirstOrDefault(l => l.Sku == place.Sku && l.Bin == place.Bin && l.LotOrNull == place.Lot) is not { } line)
            return Refusal.NotFound("line_not_found", $"stock task {loaded.Task.Number} has no line for {place.Sku} in {place.Bin}");
        if (line.Status != StockTaskLineStatus.Open)
            return line.Counted == quantity ? Outcome<StockTask>.AlreadyDone(loaded.Shown) : Refusal.Conflict("already_counted", $"{line.Sku} in {line.Bin} was taken away already");
        var onHand = await CountedStock.OnHandAsync(tx, site, place);
        var disposed = await DamageStock.DisposeAsync(site, new DamageBody(place.Sku, place.Bin, place.Lot, quantity, $"expired, task {loaded.Task.Number}"), tx);
        if (disposed.Refusal is { } not) return not;
        return await WriteAsync(tx, loaded, line with { Status = StockTaskLineStatus.Removed, Counted = quantity, Expected = onHand, Difference = -quantity, Kept = 0, DoneAt = tx.Now }, isNew: false);
    }

    private static CountedStock.Place PlaceOf(string? sku, string? bin, string? lot, Problems problems) => new()
    {
        Sku = problems.Code(sku, "sku"), Bin = problems.Code(bin, "bin"), Lot = Posting.Lot(lot, "lot", problems) is { Length: > 0 } given ? given : null,
    };

    private static async ValueTask<Outcome<LoadedStockTask>> FindAsync(string site, Guid id, StockTaskKind kind, LaneTransaction tx)
    {
        if (await StockTasksTable.FindAsync(tx.Group.Session, site, id) is not { } loaded) return StockTasksTable.NotFound(id.ToString());
        var task = loaded.Task;
        if (task.Kind != kind)
            return Refusal.Conflict("wrong_kind", $"stock task {task.Number} is a {SnakeCaseEnum<StockTaskKind>.Text(task.Kind)}, not a {SnakeCaseEnum<StockTaskKind>.Text(kind)}");
        return StockTaskLifecycle.Check(task.Status, StockTaskAction.Record) == Transition.Go ? loaded : StockTaskLifecycle.Refuse(task.Number, task.Status, StockTaskAction.Record);
    }

    private static async ValueTask<Outcome<StockTask>> WriteAsync(LaneTransaction tx, LoadedStockTask loaded, StockTaskLineRow line, bool isNew)
    {
        var task = loaded.Task;
        var told = new StockTaskCounted(task.Id, task.Number, line.Told, line.Status, line.Counted!.Value, line.Expected!.Value, line.Difference!.Value, line.Kept!.Value);
        if (isNew) await StockTasksTable.InsertLinesAsync(tx, task.Site, task.Id, [line.Told]);
        await MarkAsync(tx, task.Site, told, tx.Now, isNew);
        tx.Append(Lane.Site(task.Site), told, task.Subject);
        return await StockTasksTable.ShowAsync(tx, task.Site, task.Id);
    }

    /// <summary>Writes what came of a line that has its row.</summary>
    internal static async ValueTask MarkAsync(LaneTransaction tx, string site, StockTaskCounted done, DateTimeOffset at, bool isNew)
    {
        await tx.WriteAsync("""
            UPDATE stock_task_lines SET status = @status, counted = @counted, expected = @expected, difference = @difference, kept = @kept, done_at = @at
            WHERE task_id = @task AND line = @line
            """, new
            {
                task = done.TaskId, line = done.Place.Line, status = done.Status, counted = done.Counted, expected = done.Expected, difference = done.Difference, kept = done.Kept, at,
            });
        await tx.WriteAsync("UPDATE stock_tasks SET done_lines = done_lines + 1, total_lines = total_lines + @more WHERE id = @task", new { task = done.TaskId, more = isNew ? 1 : 0 });
        if (done.Status is StockTaskLineStatus.Matched or StockTaskLineStatus.Adjusted)
            await tx.WriteAsync("INSERT INTO bin_counts (site, bin, counted_at) VALUES (@site, @bin, @at) ON CONFLICT (site, bin) DO UPDATE SET counted_at = excluded.counted_at",
                new { site, bin = done.Place.Bin, at });
    }
}
