using System.Globalization;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>Places to count, or lots to take away, for one worker (W5). Lines follow the walk.</summary>
/// <param name="Reason">What whoever asked for it wrote.</param>
/// <param name="FirstTaskId">The task whose counts are checked by this one; null for all others.</param>
public sealed record StockTask(
    Guid Id, long Number, string Site, StockTaskKind Kind, StockTaskCause Cause, StockTaskStatus Status, string? Worker, string? Reason, Guid? FirstTaskId, int TotalLines, int DoneLines,
    DateTimeOffset CreatedAt, DateTimeOffset? AssignedAt, DateTimeOffset? StartedAt, DateTimeOffset? CompletedAt, DateTimeOffset? CancelledAt, string? CancellationReason,
    IReadOnlyList<StockTaskLine> Lines)
{
    /// <summary>In the hub's copy of a task of a site with a node of its own: when the site last said something of it. Absent at the site itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>A row of stock to count or take away. What the books say is not told before it is counted. Units.</summary>
/// <param name="Id">The line's number within the task, as text.</param>
/// <param name="Round">The how-manieth count of the place this is.</param>
/// <param name="Difference">By how much the books were corrected; of a line that is to be counted again, by how much it was off.</param>
/// <param name="Kept">Not found, but held by picking tasks, which will find them short.</param>
public sealed record StockTaskLine(
    string Id, string Sku, string Bin, string? Lot, int Round, StockTaskLineStatus Status, long? Counted, long? Expected, long? Difference, long? Kept, DateTimeOffset? DoneAt);

/// <summary>A row of <c>stock_tasks</c>.</summary>
internal sealed record StockTaskRow
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Site { get; init; } = "";
    public StockTaskKind Kind { get; init; }
    public StockTaskCause Cause { get; init; }
    public StockTaskStatus Status { get; init; }
    public string? Worker { get; init; }
    public string? Reason { get; init; }
    public Guid? FirstTaskId { get; init; }
    public int TotalLines { get; init; }
    public int DoneLines { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? AssignedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    public string? CancellationReason { get; init; }
    public DateTimeOffset? AsOf { get; init; }

    public string Subject => StockTasksTable.Subject(Id);
}

/// <summary>A row of <c>stock_task_lines</c>. No lot is the empty text here.</summary>
internal sealed record StockTaskLineRow
{
    public Guid TaskId { get; init; }
    public int Line { get; init; }
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
    public string Lot { get; init; } = "";
    public int Round { get; init; } = 1;
    public long? OffBefore { get; init; }
    public StockTaskLineStatus Status { get; init; } = StockTaskLineStatus.Open;
    public long? Counted { get; init; }
    public long? Expected { get; init; }
    public long? Difference { get; init; }
    public long? Kept { get; init; }
    public DateTimeOffset? DoneAt { get; init; }

    public string? LotOrNull => Lot.Length == 0 ? null : Lot;
    public CountedStock.Place Place => new() { Sku = Sku, Bin = Bin, Lot = LotOrNull };
    public StockTaskPlace Told => new(Line, Sku, Bin, LotOrNull) { Round = Round, Before = OffBefore };

    public StockTaskLine Shown => new(Line.ToString(CultureInfo.InvariantCulture), Sku, Bin, LotOrNull, Round, Status, Counted, Expected, Difference, Kept, DoneAt);
}

/// <summary>A task with its lines, as the slices decide on it.</summary>
internal sealed record LoadedStockTask(StockTaskRow Task, IReadOnlyList<StockTaskLineRow> Lines)
{
    public StockTask Shown => new(Task.Id, Task.Number, Task.Site, Task.Kind, Task.Cause, Task.Status, Task.Worker, Task.Reason, Task.FirstTaskId, Task.TotalLines, Task.DoneLines,
        Task.CreatedAt, Task.AssignedAt, Task.StartedAt, Task.CompletedAt, Task.CancelledAt, Task.CancellationReason, [.. Lines.Select(l => l.Shown)]) { AsOf = Task.AsOf };

    public IEnumerable<StockTaskLineRow> Open => Lines.Where(l => l.Status == StockTaskLineStatus.Open);
}

/// <summary>Reads and writes of the tables that several slices share.</summary>
internal static class StockTasksTable
{
    public const string Name = "stock_tasks";

    /// <summary>Most lines of one task: a round that one person can walk.</summary>
    public const int MostLines = 50;

    private const string Columns = """
        id, number, site, kind, cause, status, worker, reason, first_task_id, total_lines, done_lines, created_at, assigned_at, started_at, completed_at, cancelled_at, cancellation_reason, as_of
        """;

    private const string LineColumns = "task_id, line, sku, bin, lot, round, off_before, status, counted, expected, difference, kept, done_at";

    public static string Subject(Guid task) => "stock-task/" + task;

    public static Refusal NotFound(string key) => Refusal.NotFound("stock_task_not_found", $"there is no stock task {key}");

    public static async ValueTask<LoadedStockTask?> FindAsync(SqlSession session, string site, Guid id)
    {
        var task = new Question<StockTaskRow>($"SELECT {Columns} FROM stock_tasks WHERE id = @id AND site = @site", new { id, site });
        var lines = new Question<StockTaskLineRow>($"SELECT {LineColumns} FROM stock_task_lines WHERE task_id = @id ORDER BY line", new { id });
        await session.AskAsync(task, lines);
        return task.Rows is [var row] ? new LoadedStockTask(row, lines.Rows) : null;
    }

    /// <summary>The task as it is now, for the answer to a command.</summary>
    public static async ValueTask<StockTask> ShowAsync(LaneTransaction tx, string site, Guid id) => (await FindAsync(tx.Group.Session, site, id))!.Shown;

    /// <summary>Tasks by id, in the order of the ids.</summary>
    public static async Task<IReadOnlyList<StockTask>> PageAsync(SqlSession session, IReadOnlyList<Guid> ids)
    {
        var tasks = new Dictionary<Guid, StockTaskRow>(ids.Count);
        var lines = new List<StockTaskLineRow>(ids.Count * 2);
        Column[] keys = [Column.From("id", ids, i => i)];
        await session.SelectAllAsync(
            new SetSelect($"SELECT {Columns} FROM stock_tasks t WHERE t.id = k.id", ids.Count, keys, r => tasks[r.GetGuid(0)] = ReadTask(r)),
            new SetSelect($"SELECT {LineColumns} FROM stock_task_lines l WHERE l.task_id = k.id", ids.Count, keys, r => lines.Add(ReadLine(r))));
        var byTask = lines.ToLookup(l => l.TaskId);
        return [.. ids.Where(tasks.ContainsKey).Select(id => new LoadedStockTask(tasks[id], [.. byTask[id].OrderBy(l => l.Line)]).Shown)];
    }

    /// <summary>Tasks that nobody has, oldest first.</summary>
    public static async Task<IReadOnlyList<StockTask>> PendingAsync(SqlSession session, string site, int limit) => await PageAsync(session,
        await session.QueryAsync<Guid>("SELECT id FROM stock_tasks WHERE site = @site AND status = @pending ORDER BY id LIMIT @limit", new { site, pending = StockTaskStatus.Pending, limit }));

    /// <summary>Makes a task of these lines, whose numbers are set here, and tells of it.</summary>
    public static async ValueTask<Guid> CreateAsync(LaneTransaction tx, string site, StockTaskKind kind, StockTaskCause cause, IReadOnlyList<StockTaskLineRow> places, string? reason = null,
        Guid? firstTask = null)
    {
        var id = tx.NewId();
        var number = await tx.NextNumberAsync("stock_task", Lane.Site(site));
        var created = new StockTaskCreated(id, number, kind, cause, [.. places.Select((p, i) => (p with { Line = i + 1 }).Told)], reason, firstTask);
        await InsertAsync(tx, site, created, tx.Now, asOf: null);
        tx.Append(Lane.Site(site), created, Subject(id));
        return id;
    }

    internal static async ValueTask InsertAsync(LaneTransaction tx, string site, StockTaskCreated task, DateTimeOffset at, DateTimeOffset? asOf)
    {
        await tx.WriteAsync("""
            INSERT INTO stock_tasks (id, number, site, kind, cause, status, reason, first_task_id, total_lines, done_lines, created_at, as_of)
            VALUES (@id, @number, @site, @kind, @cause, @status, @reason, @first, @lines, 0, @at, @asOf)
            """, new
            {
                id = task.TaskId, number = task.Number, site, kind = task.Kind, cause = task.Cause, status = StockTaskStatus.Pending, reason = task.Reason, first = task.FirstTaskId,
                lines = task.Places.Count, at, asOf,
            });
        await InsertLinesAsync(tx, site, task.TaskId, task.Places);
    }

    internal static ValueTask InsertLinesAsync(LaneTransaction tx, string site, Guid task, IReadOnlyList<StockTaskPlace> places) => tx.InsertAsync("stock_task_lines", places.Count,
        Column.Same("task_id", places.Count, task), Column.From("line", places, p => p.Line), Column.Same("site", places.Count, site), Column.From("sku", places, p => p.Sku),
        Column.From("bin", places, p => p.Bin), Column.From("lot", places, p => p.Lot ?? ""), Column.From("round", places, p => p.Round),
        Column.From("off_before", places, p => p.Before), Column.Same("status", places.Count, (int)StockTaskLineStatus.Open));

    /// <summary>Leaves out places that somebody is sent to already.</summary>
    public static async ValueTask<IReadOnlyList<CountedStock.Place>> WithoutOpenAsync(LaneTransaction tx, string site, IReadOnlyList<CountedStock.Place> places)
    {
        var open = new HashSet<(string, string, string)>();
        string[] bins = [.. places.Select(p => p.Bin).Distinct(StringComparer.Ordinal)];
        await tx.SelectAsync("SELECT l.sku, l.bin, l.lot FROM stock_task_lines l WHERE l.site = k.site AND l.bin = k.bin AND l.status = 1", bins.Length,
            [Column.Same("site", bins.Length, site), Column.Of("bin", bins)], row => open.Add((row.GetString(0), row.GetString(1), row.GetString(2))));
        return [.. places.Where(p => !open.Contains((p.Sku, p.Bin, p.Lot ?? "")))];
    }

    private static StockTaskRow ReadTask(RowReader r) => new()
    {
        Id = r.GetGuid(0), Number = r.GetInt64(1), Site = r.GetString(2), Kind = (StockTaskKind)r.GetInt32(3), Cause = (StockTaskCause)r.GetInt32(4), Status = (StockTaskStatus)r.GetInt32(5),
        Worker = r.GetStringOrNull(6), Reason = r.GetStringOrNull(7), FirstTaskId = r.IsNull(8) ? null : r.GetGuid(8), TotalLines = r.GetInt32(9), DoneLines = r.GetInt32(10),
        CreatedAt = r.GetTime(11), AssignedAt = Time(r, 12), StartedAt = Time(r, 13), CompletedAt = Time(r, 14), CancelledAt = Time(r, 15), CancellationReason = r.GetStringOrNull(16),
        AsOf = Time(r, 17),
    };

    private static StockTaskLineRow ReadLine(RowReader r) => new()
    {
        TaskId = r.GetGuid(0), Line = r.GetInt32(1), Sku = r.GetString(2), Bin = r.GetString(3), Lot = r.GetString(4), Round = r.GetInt32(5), OffBefore = Number(r, 6),
        Status = (StockTaskLineStatus)r.GetInt32(7), Counted = Number(r, 8), Expected = Number(r, 9), Difference = Number(r, 10), Kept = Number(r, 11), DoneAt = Time(r, 12),
    };

    private static DateTimeOffset? Time(RowReader r, int column) => r.IsNull(column) ? null : r.GetTime(column);
    private static long? Number(RowReader r, int column) => r.IsNull(column) ? null : r.GetInt64(column);
}
