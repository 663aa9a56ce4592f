using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// A packing task as the API shows it (F4). Weights in grams, lengths in millimeters; the task's own dimensions are those of its only package,
/// and its weights the sums over all of them.
/// </summary>
public sealed record PackingTask(
    Guid Id, long Number, Guid OrderId, long OrderNumber, int Part, Guid PickingTaskId, string Site, PackingStatus Status, Priority Priority, string? Worker,
    bool OnHold, PackagingType? PackagingType, long WeightG, int? LengthMm, int? WidthMm, int? HeightMm, long VolumetricWeightG, long ChargeableWeightG,
    string? Carrier, string? TrackingNumber, string? LabelUrl, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? PackedAt,
    DateTimeOffset? ShippedAt, DateTimeOffset? CancelledAt, string? CancellationReason, IReadOnlyList<PackingLine> Lines, IReadOnlyList<Package> Packages)
{
    /// <summary>In the hub's copy of a task of a site with a node of its own: when the site last said something of it. Absent at the site itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>Units of one SKU to pack, and how many of them the packages name.</summary>
public sealed record PackingLine(string Sku, string? Lot, int Quantity, int PackedQuantity, PackingLineStatus Status);

/// <summary>Where a line of a packing task stands (F4).</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(SnakeCaseEnum<PackingLineStatus>))]
public enum PackingLineStatus { Pending = 1, FullyPacked = 2 }

/// <summary>A package (F4). Volumetric weight is L×W×H / 5000, with millimeters and grams; the carrier charges the greater of it and the weight.</summary>
public sealed record Package(
    int SequenceNumber, PackagingType PackagingType, int WeightG, int LengthMm, int WidthMm, int HeightMm, int VolumetricWeightG, int ChargeableWeightG,
    string Barcode, IReadOnlyList<SkuUnits>? Lines, DateTimeOffset CreatedAt)
{
    /// <summary>The package's SSCC, 18 digits with its check digit; null where the site has no GS1 company prefix.</summary>
    public string? Sscc { get; init; }
}

internal sealed record PackingRow
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Site { get; init; } = "";
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public long OrderNumber { get; init; }
    public Guid PickingTaskId { get; init; }
    public PackingStatus Status { get; init; }
    public Priority Priority { get; init; }
    public string? Worker { get; init; }
    public bool OnHold { get; init; }
    public string Lines { get; init; } = "[]";
    public string? Carrier { get; init; }
    public string? TrackingNumber { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? PackedAt { get; init; }
    public DateTimeOffset? ShippedAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    public string? CancellationReason { get; init; }
    public DateTimeOffset? AsOf { get; init; }
}

internal sealed record PackageRow
{
    public Guid TaskId { get; init; }
    public int SequenceNumber { get; init; }
    public PackagingType PackagingType { get; init; }
    public int WeightG { get; init; }
    public int LengthMm { get; init; }
    public int WidthMm { get; init; }
    public int HeightMm { get; init; }
    public int VolumetricWeightG { get; init; }
    public int ChargeableWeightG { get; init; }
    public string Barcode { get; init; } = "";
    public string? Lines { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public string? Sscc { get; init; }

    public Package Shown => new(SequenceNumber, PackagingType, WeightG, LengthMm, WidthMm, HeightMm, VolumetricWeightG, ChargeableWeightG, Barcode,
        Lines is null ? null : FulfillmentOrders.ReadUnits(Lines), CreatedAt) { Sscc = Sscc };
}

/// <summary>A packing task with its packages, as the slices decide on it.</summary>
internal sealed record LoadedPacking(PackingRow Task, IReadOnlyList<Package> Packages)
{
    /// <summary>What stands in staging for it.</summary>
    public IReadOnlyList<StockUnits> Staged { get; } = JsonSerializer.Deserialize(Task.Lines, FulfillmentJson.Default.ListStockUnits) ?? [];

    /// <summary>Units that packages name, per SKU; empty when none of them says what is in it.</summary>
    public IReadOnlyDictionary<string, int> Named { get; } = Packages.Where(p => p.Lines is not null).SelectMany(p => p.Lines!)
        .GroupBy(l => l.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(l => l.Quantity), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> Picked => Staged.GroupBy(l => l.Sku, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.Sum(l => l.Quantity), StringComparer.Ordinal);

    public string Subject => FulfillmentOrders.Subject(Task.OrderId);

    public PackingTask Shown()
    {
        var t = Task;
        var only = Packages.Count == 1 ? Packages[0] : null;
        return new PackingTask(t.Id, t.Number, t.OrderId, t.OrderNumber, t.Part, t.PickingTaskId, t.Site, t.Status, t.Priority, t.Worker, t.OnHold,
            only?.PackagingType, Packages.Sum(p => (long)p.WeightG), only?.LengthMm, only?.WidthMm, only?.HeightMm, Packages.Sum(p => (long)p.VolumetricWeightG),
            Packages.Sum(p => (long)p.ChargeableWeightG), t.Carrier, t.TrackingNumber, HasLabel && t.AsOf is null ? PackingTasks.LabelUrl(t.Id) : null, t.CreatedAt, t.StartedAt,
            t.PackedAt, t.ShippedAt, t.CancelledAt, t.CancellationReason, Lines(), Packages) { AsOf = t.AsOf };
    }

    public bool HasLabel => Task.Status switch
    {
        PackingStatus.Packed or PackingStatus.Shipped => true,
        PackingStatus.Pending or PackingStatus.InProgress or PackingStatus.Cancelled => false,
    };

    /// <summary>Lots of one SKU are filled in order: a package names units, not lots. Without any names, packed means all of it.</summary>
    private List<PackingLine> Lines()
    {
        var left = new Dictionary<string, int>(Named, StringComparer.Ordinal);
        var lines = new List<PackingLine>(Staged.Count);
        foreach (var line in Staged)
        {
            var packed = Named.Count == 0 ? HasLabel ? line.Quantity : 0 : Math.Min(line.Quantity, left.GetValueOrDefault(line.Sku));
            if (Named.Count > 0) left[line.Sku] = left.GetValueOrDefault(line.Sku) - packed;
            lines.Add(new PackingLine(line.Sku, line.Lot, line.Quantity, packed, packed == line.Quantity ? PackingLineStatus.FullyPacked : PackingLineStatus.Pending));
        }
        return lines;
    }
}

/// <summary>Reads and moves of the packing tables that several slices share.</summary>
internal static class PackingTasks
{
    public const string Columns = """
        id, number, site, order_id, part, order_number, picking_task_id, status, priority, worker, on_hold, lines, carrier, tracking_number, created_at,
        started_at, packed_at, shipped_at, cancelled_at, cancellation_reason, as_of
        """;

    public const string PackageColumns =
        "task_id, sequence_number, packaging_type, weight_g, length_mm, width_mm, height_mm, volumetric_weight_g, chargeable_weight_g, barcode, lines, created_at, sscc";

    public static Refusal NotFound(string key) => Refusal.NotFound("packing_task_not_found", $"there is no packing task {key}");
    public static string LabelUrl(Guid id) => $"/api/v1/packing-tasks/{id}/label?format=zpl";

    private const string PackagesOf = $"SELECT {PackageColumns} FROM packages WHERE task_id = @id ORDER BY sequence_number";

    public static ValueTask<LoadedPacking?> FindAsync(LaneTransaction tx, string site, Guid id, params Question[] also) => FindAsync(tx.Group.Session, site, id, also);

    /// <summary>A task of the site with its packages; null when the site has no such task.</summary>
    /// <param name="also">What else the caller wants to know, in the same round trip.</param>
    public static async ValueTask<LoadedPacking?> FindAsync(SqlSession session, string site, Guid id, params Question[] also)
    {
        var task = new Question<PackingRow>($"SELECT {Columns} FROM packing_tasks WHERE id = @id AND site = @site", new { id, site });
        var packages = new Question<PackageRow>(PackagesOf, new { id });
        await session.AskAsync([task, packages, .. also]);
        return task.Rows is [var row] ? new LoadedPacking(row, [.. packages.Rows.Select(p => p.Shown)]) : null;
    }

    public static async ValueTask<LoadedPacking> WithPackagesAsync(SqlSession session, PackingRow task)
    {
        var rows = await session.QueryAsync<PackageRow>(PackagesOf, new { id = task.Id });
        return new LoadedPacking(task, [.. rows.Select(r => r.Shown)]);
    }

    public static async ValueTask<PackingTask> ShowAsync(LaneTransaction tx, string site, Guid id) => (await FindAsync(tx, site, id))!.Shown();

    /// <summary>Makes the packing task of a picking task that was completed with something picked. In the same transaction, so none is ever missing.</summary>
    public static async ValueTask CreateAsync(LaneTransaction tx, LoadedPicking picking)
    {
        var from = picking.Task;
        var id = tx.NewId();
        var number = await tx.NextNumberAsync("packing", Lane.Site(from.Site));
        await tx.WriteAsync("""
            INSERT INTO packing_tasks (id, number, site, order_id, part, order_number, picking_task_id, status, priority, on_hold, lines, created_at)
            VALUES (@id, @number, @site, @orderId, @part, @orderNumber, @pickingId, @status, @priority, @onHold, @lines, @now)
            """, new
            {
                id, number, site = from.Site, orderId = from.OrderId, part = from.Part, orderNumber = from.OrderNumber, pickingId = from.Id,
                status = PackingStatus.Pending, priority = from.Priority, onHold = from.OnHold,
                lines = JsonSerializer.Serialize([.. picking.Staged], FulfillmentJson.Default.ListStockUnits), now = tx.Now,
            });
        tx.Append(Lane.Site(from.Site), new PackingCreated(id, number, from.OrderId, from.Part, from.Id), picking.Subject, from.OrderId);
    }

    /// <summary>Cancels the part's packing task, if it has one that may be cancelled.</summary>
    public static async ValueTask CancelOpenAsync(LaneTransaction tx, Guid orderId, int part, string reason, Caller? caller)
    {
        var task = await tx.FindAsync<PackingRow>($"SELECT {Columns} FROM packing_tasks WHERE order_id = @orderId AND part = @part", new { orderId, part });
        if (task is null || PackingLifecycle.Check(task.Status, PackingAction.Cancel) != Transition.Go) return;
        await tx.WriteAsync("UPDATE packing_tasks SET status = @status, cancelled_at = @now, cancellation_reason = @reason WHERE id = @id",
            new { id = task.Id, now = tx.Now, reason, status = PackingStatus.Cancelled });
        tx.Append(Lane.Site(task.Site), new PackingCancelled(task.Id, task.Number, orderId, part, reason), FulfillmentOrders.Subject(orderId), orderId, caller);
    }
}
