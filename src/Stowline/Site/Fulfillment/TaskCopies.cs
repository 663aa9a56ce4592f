using System.Text.Json;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The hub's copies of the tasks of a site with a node of its own, as its events tell them. Read-only: a command about them is refused with
/// <c>site_is_remote</c>. What events do not tell (who is on hold, serials, what is in which package) is not in them.
/// </summary>
internal sealed class TaskCopies(string site) : Consumer
{
    public override string Name => "task-copies";
    public override Lane Target(Lane source) => source;
    public override bool Wants(string type) =>
        type.StartsWith("picking.", StringComparison.Ordinal) || type.StartsWith("packing.", StringComparison.Ordinal) || type == PartShipped.Type;

    /// <summary>At the site's own node its tasks are no copies.</summary>
    public static readonly IReadOnlyDictionary<string, string> Owned = new Dictionary<string, string>(StringComparer.Ordinal) { ["as_of"] = "NULL" };

    private static readonly string[] Tables = ["picking_tasks", "packing_tasks"];

    /// <summary>A site is moved out: its tasks as they are now are what the copies go on from.</summary>
    public static async ValueTask BeginAsync(string site, LaneTransaction tx)
    {
        foreach (var table in Tables) await tx.WriteAsync($"UPDATE {table} SET as_of = @now WHERE site = @site", new { site, now = tx.Now });
        await tx.StartAtEndAsync(new TaskCopies(site).Name, Lane.Site(site));
    }

    /// <summary>Who is on hold is told by no event of the site, so the copies do not say it.</summary>
    public static async ValueTask LetGoAsync(string site, LaneTransaction tx)
    {
        foreach (var table in Tables) await tx.WriteAsync($"UPDATE {table} SET on_hold = @no WHERE site = @site AND on_hold = @yes", new { site, no = false, yes = true });
    }

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            if (e.Type.StartsWith("picking.", StringComparison.Ordinal)) await PickingAsync(e, tx);
            else await PackingAsync(e, tx);
        }
    }

    private async ValueTask PickingAsync(EventRecord e, LaneTransaction tx)
    {
        switch (e.Type)
        {
            case "picking.created":
                await CreatedAsync(e.Read<PickingCreated>(), e.At, tx);
                break;
            case "picking.assigned":
                var assigned = e.Read<PickingAssigned>();
                await MoveAsync(tx, assigned.TaskId, PickingStatus.Assigned, "assigned_at", e.At, assigned.Worker);
                break;
            case "picking.started":
                var started = e.Read<PickingStarted>();
                await MoveAsync(tx, started.TaskId, PickingStatus.InProgress, "started_at", e.At, started.Worker);
                break;
            case "picking.item_picked":
                await PickedAsync(e.Read<ItemPicked>(), e.At, tx);
                break;
            case "picking.item_skipped":
                var skipped = e.Read<ItemSkipped>();
                await tx.WriteAsync("UPDATE picking_items SET status = @status, note = @reason WHERE task_id = @task AND item = @item",
                    new { status = PickingItemStatus.Skipped, reason = skipped.Reason, task = skipped.TaskId, item = skipped.Item });
                await AddItemsAsync(tx, skipped.TaskId, skipped.Instead, e.At);
                break;
            case "picking.extended":
                var extended = e.Read<PickingExtended>();
                await RunShortAsync(tx, extended.TaskId);
                await AddItemsAsync(tx, extended.TaskId, extended.Items, e.At);
                break;
            case "picking.completed":
                var completed = e.Read<PickingCompleted>();
                await RunShortAsync(tx, completed.TaskId);
                await MoveAsync(tx, completed.TaskId, PickingStatus.Completed, "completed_at", e.At, null);
                break;
            case "picking.cancelled":
                var cancelled = e.Read<PickingCancelled>();
                await MoveAsync(tx, cancelled.TaskId, PickingStatus.Cancelled, "cancelled_at", e.At, null);
                await tx.WriteAsync("UPDATE picking_tasks SET cancellation_reason = @reason WHERE id = @id", new { reason = cancelled.Reason, id = cancelled.TaskId });
                break;
        }
    }

    private async ValueTask CreatedAsync(PickingCreated created, DateTimeOffset at, LaneTransaction tx)
    {
        await tx.WriteAsync("""
            INSERT INTO picking_tasks (id, number, site, order_id, part, order_number, status, priority, total_items, picked_items, on_hold, created_at, as_of)
            VALUES (@id, @number, @site, @order, @part, @orderNumber, @status, @priority, 0, 0, @onHold, @at, @at)
            """, new
            {
                id = created.TaskId, number = created.Number, site, order = created.OrderId, part = created.Part, orderNumber = created.OrderNumber,
                status = PickingStatus.Pending, priority = created.Priority, onHold = false, at,
            });
        await AddItemsAsync(tx, created.TaskId, created.Items, at);
    }

    private static async ValueTask AddItemsAsync(LaneTransaction tx, Guid task, IReadOnlyList<PickingItemPlanned> items, DateTimeOffset at)
    {
        PickingItemRow[] rows = [.. items.Select(i => new PickingItemRow
        {
            TaskId = task, Item = i.Item, Sequence = i.Item, Sku = i.Sku, Bin = i.Bin, Lot = i.Lot ?? "", QuantityRequired = i.Quantity, Status = PickingItemStatus.Pending,
        })];
        await PickingTasks.InsertItemsAsync(tx, rows);
        await tx.WriteAsync("UPDATE picking_tasks SET total_items = total_items + @count, as_of = @at WHERE id = @task", new { count = rows.Length, at, task });
    }

    private static async ValueTask PickedAsync(ItemPicked picked, DateTimeOffset at, LaneTransaction tx)
    {
        await tx.WriteAsync("""
            UPDATE picking_items SET quantity_picked = quantity_picked + @units, picked_at = @at,
                status = CASE WHEN quantity_picked + @units >= quantity_required THEN @picked ELSE status END
            WHERE task_id = @task AND item = @item
            """, new { units = picked.Quantity, at, picked = (int)PickingItemStatus.Picked, task = picked.TaskId, item = picked.Item });
        await tx.WriteAsync("""
            UPDATE picking_tasks SET as_of = @at, picked_items = (SELECT COUNT(*) FROM picking_items i WHERE i.task_id = @task AND i.status = @picked) WHERE id = @task
            """, new { at, task = picked.TaskId, picked = (int)PickingItemStatus.Picked });
    }

    private static ValueTask RunShortAsync(LaneTransaction tx, Guid task) => tx.WriteAsync(
        "UPDATE picking_items SET status = @missing WHERE task_id = @task AND status = @open", new { missing = PickingItemStatus.Short, task, open = PickingItemStatus.Pending });

    /// <param name="moment">The column that keeps when. Never text from outside.</param>
    private static ValueTask MoveAsync(LaneTransaction tx, Guid id, PickingStatus status, string moment, DateTimeOffset at, string? worker) => tx.WriteAsync(
        $"UPDATE picking_tasks SET status = @status, {moment} = @at, as_of = @at, worker = COALESCE(@worker, worker) WHERE id = @id", new { status, at, worker, id });

    private async ValueTask PackingAsync(EventRecord e, LaneTransaction tx)
    {
        switch (e.Type)
        {
            case "packing.created":
                await CreatedAsync(e.Read<PackingCreated>(), e.At, tx);
                break;
            case "packing.started":
                var started = e.Read<PackingStarted>();
                await MoveAsync(tx, started.TaskId, PackingStatus.InProgress, "started_at", e.At);
                await tx.WriteAsync("UPDATE packing_tasks SET worker = @worker WHERE id = @id", new { worker = started.Worker, id = started.TaskId });
                break;
            case "packing.package_added":
                await PackedAsync(e.Read<PackageAdded>(), e.At, tx);
                break;
            case "packing.package_changed":
                await ChangedAsync(e.Read<PackageChanged>(), e.At, tx);
                break;
            case "packing.completed":
                await MoveAsync(tx, e.Read<PackingCompleted>().TaskId, PackingStatus.Packed, "packed_at", e.At);
                break;
            case "packing.cancelled":
                var cancelled = e.Read<PackingCancelled>();
                await MoveAsync(tx, cancelled.TaskId, PackingStatus.Cancelled, "cancelled_at", e.At);
                await tx.WriteAsync("UPDATE packing_tasks SET cancellation_reason = @reason WHERE id = @id", new { reason = cancelled.Reason, id = cancelled.TaskId });
                break;
            case "part.shipped":
                var shipped = e.Read<PartShipped>();
                await tx.WriteAsync("""
                    UPDATE packing_tasks SET status = @status, shipped_at = @at, as_of = @at, carrier = @carrier, tracking_number = @tracking WHERE order_id = @order AND part = @part
                    """, new { status = PackingStatus.Shipped, at = e.At, carrier = shipped.Carrier, tracking = shipped.TrackingNumber, order = shipped.OrderId, part = shipped.Part });
                break;
        }
    }

    private async ValueTask CreatedAsync(PackingCreated created, DateTimeOffset at, LaneTransaction tx)
    {
        if (await PickingTasks.FindAsync(tx, site, created.PickingTaskId) is not { } picking) throw new InvalidOperationException($"packing task {created.Number} has no picking task");
        await tx.WriteAsync("""
            INSERT INTO packing_tasks (id, number, site, order_id, part, order_number, picking_task_id, status, priority, on_hold, lines, created_at, as_of)
            VALUES (@id, @number, @site, @order, @part, @orderNumber, @picking, @status, @priority, @onHold, @lines, @at, @at)
            """, new
            {
                id = created.TaskId, number = created.Number, site, order = created.OrderId, part = created.Part, orderNumber = picking.Task.OrderNumber,
                picking = created.PickingTaskId, status = PackingStatus.Pending, priority = picking.Task.Priority, onHold = false, at,
                lines = JsonSerializer.Serialize([.. picking.Staged], FulfillmentJson.Default.ListStockUnits),
            });
    }

    private static async ValueTask PackedAsync(PackageAdded added, DateTimeOffset at, LaneTransaction tx)
    {
        var type = TypeOf(added.PackagingType);
        var volumetric = AddPackage.VolumetricWeightG(added.LengthMm, added.WidthMm, added.HeightMm);
        await tx.WriteAsync("""
            INSERT INTO packages (task_id, sequence_number, packaging_type, weight_g, length_mm, width_mm, height_mm, volumetric_weight_g, chargeable_weight_g, barcode, sscc, created_at)
            VALUES (@task, @sequence, @type, @weight, @length, @width, @height, @volumetric, @chargeable, @barcode, @sscc, @at)
            """, new
            {
                task = added.TaskId, sequence = added.Package, type, weight = added.WeightG, length = added.LengthMm, width = added.WidthMm, height = added.HeightMm,
                volumetric, chargeable = Math.Max(added.WeightG, volumetric), barcode = AddPackage.BarcodeOf(added.Number, added.Package), sscc = added.Sscc, at,
            });
        await tx.WriteAsync("UPDATE packing_tasks SET as_of = @at WHERE id = @id", new { at, id = added.TaskId });
    }

    private static PackagingType TypeOf(string text) => SnakeCaseEnum<PackagingType>.TryParse(text, out var type) ? type : PackagingType.Custom; // of a newer site

    private static async ValueTask ChangedAsync(PackageChanged changed, DateTimeOffset at, LaneTransaction tx)
    {
        var volumetric = AddPackage.VolumetricWeightG(changed.LengthMm, changed.WidthMm, changed.HeightMm);
        await tx.WriteAsync("""
            UPDATE packages SET packaging_type = @type, weight_g = @weight, length_mm = @length, width_mm = @width, height_mm = @height,
                volumetric_weight_g = @volumetric, chargeable_weight_g = @chargeable
            WHERE task_id = @task AND sequence_number = @sequence
            """, new
            {
                task = changed.TaskId, sequence = changed.Package, type = TypeOf(changed.PackagingType), weight = changed.WeightG, length = changed.LengthMm,
                width = changed.WidthMm, height = changed.HeightMm, volumetric, chargeable = Math.Max(changed.WeightG, volumetric),
            });
        await tx.WriteAsync("UPDATE packing_tasks SET as_of = @at WHERE id = @id", new { at, id = changed.TaskId });
    }

    private static ValueTask MoveAsync(LaneTransaction tx, Guid id, PackingStatus status, string moment, DateTimeOffset at) => tx.WriteAsync(
        $"UPDATE packing_tasks SET status = @status, {moment} = @at, as_of = @at WHERE id = @id", new { status, at, id });

    private sealed record Held { public string Sku { get; init; } = ""; public string Bin { get; init; } = ""; public string Lot { get; init; } = ""; public long Units { get; init; } }

    /// <summary>What open tasks of a site hold: units still to be picked in their bins, picked ones in staging until they leave or are given back.</summary>
    public static async Task<IReadOnlyDictionary<(string Sku, string Bin, string Lot), long>> ReservedAsync(SqlSession session, string site, IReadOnlyCollection<string> skus)
    {
        var held = new Dictionary<(string, string, string), long>();
        foreach (var row in await session.QueryAsync<Held>("""
            SELECT i.sku, i.bin, i.lot, CAST(SUM(i.quantity_required - i.quantity_picked) AS bigint) AS units
            FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id
            WHERE t.site = @site AND t.status IN (@pending, @assigned, @inProgress) AND i.status = @open GROUP BY i.sku, i.bin, i.lot
            UNION ALL
            SELECT i.sku, @staging AS bin, i.lot, CAST(SUM(i.quantity_picked) AS bigint) AS units
            FROM picking_items i JOIN picking_tasks t ON t.id = i.task_id LEFT JOIN packing_tasks p ON p.order_id = t.order_id AND p.part = t.part
            WHERE t.site = @site AND t.status IN (@inProgress, @completed) AND i.quantity_picked > 0 AND (p.id IS NULL OR p.status NOT IN (@shipped, @cancelled))
            GROUP BY i.sku, i.lot
            """, new
            {
                site, open = PickingItemStatus.Pending, pending = PickingStatus.Pending, assigned = PickingStatus.Assigned, inProgress = PickingStatus.InProgress,
                completed = PickingStatus.Completed, staging = StockBook.Staging, shipped = PackingStatus.Shipped, cancelled = PackingStatus.Cancelled,
            }))
            if (skus.Contains(row.Sku)) held[(row.Sku, row.Bin, row.Lot)] = held.GetValueOrDefault((row.Sku, row.Bin, row.Lot)) + row.Units;
        return held;
    }
}
