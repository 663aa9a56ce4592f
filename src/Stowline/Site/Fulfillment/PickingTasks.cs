using System.Globalization;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>A picking task as the API shows it (F2). Quantities in units; <c>total_items</c> and <c>picked_items</c> count items.</summary>
/// <param name="DistanceM">The way over the items' bins in sequence, in meters; null where a bin's position is not known (W7).</param>
public sealed record PickingTask(
    Guid Id, long Number, Guid OrderId, long OrderNumber, int Part, string Site, PickingStatus Status, Priority Priority, string? Worker, bool OnHold,
    int TotalItems, int PickedItems, double? DistanceM, DateTimeOffset CreatedAt, DateTimeOffset? AssignedAt, DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt, DateTimeOffset? CancelledAt, string? CancellationReason, IReadOnlyList<PickingItem> Items)
{
    /// <summary>In the hub's copy of a task of a site with a node of its own: when the site last said something of it. Absent at the site itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>Units to take from one bin. Its id is the item's number within the task, as text.</summary>
public sealed record PickingItem(
    string Id, int Sequence, string Sku, string Bin, string? Lot, int QuantityRequired, int QuantityPicked, PickingItemStatus Status, string? Note,
    DateTimeOffset? PickedAt);

/// <summary>A row of <c>picking_tasks</c>.</summary>
internal sealed record PickingRow
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Site { get; init; } = "";
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public long OrderNumber { get; init; }
    public PickingStatus Status { get; init; }
    public Priority Priority { get; init; }
    public string? Worker { get; init; }
    public int TotalItems { get; init; }
    public int PickedItems { get; init; }
    public bool OnHold { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? AssignedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    public string? CancellationReason { get; init; }
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>A row of <c>picking_items</c>. No lot is the empty text here.</summary>
internal sealed record PickingItemRow
{
    public Guid TaskId { get; init; }
    public int Item { get; init; }
    public int Sequence { get; init; }
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
    public string Lot { get; init; } = "";
    public int QuantityRequired { get; init; }
    public int QuantityPicked { get; init; }
    public PickingItemStatus Status { get; init; }
    public string? Note { get; init; }
    public DateTimeOffset? PickedAt { get; init; }

    public int Remaining => QuantityRequired - QuantityPicked;
    public string? LotOrNull => Lot.Length == 0 ? null : Lot;
    public PickingItemPlanned Planned => new(Item, Sku, Bin, LotOrNull, QuantityRequired);
    public PickingItem Shown => new(Item.ToString(CultureInfo.InvariantCulture), Sequence, Sku, Bin, LotOrNull, QuantityRequired, QuantityPicked, Status, Note, PickedAt);
}

/// <summary>A task with its items, as the slices decide on it.</summary>
internal sealed record LoadedPicking(PickingRow Task, IReadOnlyList<PickingItemRow> Items)
{
    /// <summary>Where the items' bins stand; null where that was not asked.</summary>
    public IReadOnlyDictionary<string, (double XM, double YM)>? Positions { get; init; }

    public int PickedUnits => Items.Sum(i => i.QuantityPicked);

    /// <summary>The picked units per SKU and lot: they stand in staging.</summary>
    public IReadOnlyList<Stock.StockUnits> Staged =>
        [.. Items.Where(i => i.QuantityPicked > 0).GroupBy(i => (i.Sku, i.Lot))
            .Select(g => new Stock.StockUnits(g.Key.Sku, Stock.StockBook.Staging, g.Key.Lot.Length == 0 ? null : g.Key.Lot, g.Sum(i => i.QuantityPicked)))];

    public string Subject => FulfillmentOrders.Subject(Task.OrderId);

    public PickingTask Shown(double? distance) => new(Task.Id, Task.Number, Task.OrderId, Task.OrderNumber, Task.Part, Task.Site, Task.Status, Task.Priority,
        Task.Worker, Task.OnHold, Task.TotalItems, Task.PickedItems, distance, Task.CreatedAt, Task.AssignedAt, Task.StartedAt, Task.CompletedAt, Task.CancelledAt,
        Task.CancellationReason, [.. Items.Select(i => i.Shown)]) { AsOf = Task.AsOf };
}

/// <summary>Reads of the picking tables that several slices share.</summary>
internal static class PickingTasks
{
    public const string Columns = """
        id, number, site, order_id, part, order_number, status, priority, worker, total_items, picked_items, on_hold, created_at, assigned_at, started_at,
        completed_at, cancelled_at, cancellation_reason, as_of
        """;

    public const string ItemColumns = "task_id, item, sequence, sku, bin, lot, quantity_required, quantity_picked, status, note, picked_at";

    public static Refusal NotFound(string key) => Refusal.NotFound("picking_task_not_found", $"there is no picking task {key}");

    private const string ItemsOf = $"SELECT {ItemColumns} FROM picking_items WHERE task_id = @id ORDER BY sequence, item";

    /// <summary>Loads a task of the site with its items by sequence and where they lie; null when the site has no such task.</summary>
    /// <param name="also">What else the caller wants to know, in the same round trip.</param>
    public static async ValueTask<LoadedPicking?> FindAsync(LaneTransaction tx, string site, Guid id, params Question[] also)
    {
        var task = new Question<PickingRow>($"SELECT {Columns} FROM picking_tasks WHERE id = @id AND site = @site", new { id, site });
        var items = new Question<PickingItemRow>(ItemsOf, new { id });
        var places = BinPositions.About("SELECT i.bin FROM picking_items i WHERE i.task_id = @id", new { id, site });
        await tx.AskAsync([task, items, places, .. also]);
        return task.Rows is [var row] ? new LoadedPicking(row, items.Rows) { Positions = BinPositions.InMeters(places.Rows) } : null;
    }

    public static async ValueTask<LoadedPicking?> FindByPartAsync(LaneTransaction tx, Guid orderId, int part)
    {
        var session = tx.Group.Session;
        var task = await session.FindAsync<PickingRow>($"SELECT {Columns} FROM picking_tasks WHERE order_id = @orderId AND part = @part", new { orderId, part });
        return task is null ? null : await WithItemsAsync(session, task);
    }

    public static async ValueTask<LoadedPicking> WithItemsAsync(SqlSession session, PickingRow task) => new(task,
        await session.QueryAsync<PickingItemRow>(ItemsOf, new { id = task.Id }));

    /// <summary>The task as it is now, for the answer to a command.</summary>
    public static async ValueTask<PickingTask> ShowAsync(LaneTransaction tx, string site, Guid id) =>
        await ShowAsync(tx.Group.Session, (await FindAsync(tx, site, id))!);

    public static async ValueTask<PickingTask> ShowAsync(SqlSession session, LoadedPicking loaded)
    {
        var bins = loaded.Items.Select(i => i.Bin).ToList();
        var positions = loaded.Positions ?? await PickPath.PositionsAsync(session, loaded.Task.Site, bins);
        return loaded.Shown(PickPath.DistanceM(bins, positions));
    }

    /// <summary>Appends items for these allocations behind the ones there are, in the order of the walk (W7).</summary>
    public static async ValueTask<IReadOnlyList<PickingItemRow>> AddItemsAsync(LaneTransaction tx, LoadedPicking task, IReadOnlyList<Stock.Allocation> found)
    {
        var item = task.Items.Max(i => i.Item);
        var sequence = task.Items.Max(i => i.Sequence);
        PickingItemRow[] rows = [.. PickPath.InWalkingOrder(found).Select(a => new PickingItemRow
        {
            TaskId = task.Task.Id, Item = ++item, Sequence = ++sequence, Sku = a.Sku, Bin = a.Bin, Lot = a.Lot ?? "", QuantityRequired = a.Quantity,
            Status = PickingItemStatus.Pending,
        })];
        await InsertItemsAsync(tx, rows);
        await tx.WriteAsync("UPDATE picking_tasks SET total_items = total_items + @count WHERE id = @id", new { id = task.Task.Id, count = rows.Length });
        return rows;
    }

    public static ValueTask InsertItemsAsync(LaneTransaction tx, IReadOnlyList<PickingItemRow> rows) => tx.InsertAsync("picking_items", rows.Count,
        Column.From("task_id", rows, r => r.TaskId), Column.From("item", rows, r => r.Item), Column.From("sequence", rows, r => r.Sequence),
        Column.From("sku", rows, r => r.Sku), Column.From("bin", rows, r => r.Bin), Column.From("lot", rows, r => r.Lot),
        Column.From("quantity_required", rows, r => r.QuantityRequired), Column.Same("quantity_picked", rows.Count, 0),
        Column.Same("status", rows.Count, (int)PickingItemStatus.Pending));
}
