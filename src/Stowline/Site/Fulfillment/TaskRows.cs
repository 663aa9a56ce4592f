using Stowline.Contracts;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>The tasks of a page with what belongs to them, in a handful of set-based reads: task by task, a page would be 150 round trips on PostgreSQL.</summary>
internal static class TaskRows
{
    /// <summary>Picking tasks by id, in the order of the ids.</summary>
    public static async Task<IReadOnlyList<PickingTask>> PickingAsync(SqlSession session, IReadOnlyList<Guid> ids)
    {
        var tasks = new Dictionary<Guid, PickingRow>(ids.Count);
        var items = new List<PickingItemRow>(ids.Count * 2);
        Column[] keys = [Column.From("id", ids, i => i)];
        await session.SelectAllAsync(
            new SetSelect($"SELECT {PickingTasks.Columns} FROM picking_tasks t WHERE t.id = k.id", ids.Count, keys, r => tasks[r.GetGuid(0)] = ReadPicking(r)),
            new SetSelect($"SELECT {PickingTasks.ItemColumns} FROM picking_items i WHERE i.task_id = k.id", ids.Count, keys, r => items.Add(ReadItem(r))));
        var byTask = items.ToLookup(i => i.TaskId);
        var positions = new Dictionary<string, IReadOnlyDictionary<string, (double, double)>>(StringComparer.Ordinal);
        foreach (var site in tasks.Values.GroupBy(t => t.Site))
            positions[site.Key] = await BinPositions.OfAsync(session, site.Key, [.. site.SelectMany(t => byTask[t.Id]).Select(i => i.Bin)]);
        return [.. ids.Where(tasks.ContainsKey).Select(id =>
        {
            var loaded = new LoadedPicking(tasks[id], [.. byTask[id].OrderBy(i => i.Sequence).ThenBy(i => i.Item)]);
            return loaded.Shown(PickPath.DistanceM([.. loaded.Items.Select(i => i.Bin)], positions[tasks[id].Site]));
        })];
    }

    /// <summary>Packing tasks by id, in the order of the ids.</summary>
    public static async Task<IReadOnlyList<PackingTask>> PackingAsync(SqlSession session, IReadOnlyList<Guid> ids)
    {
        var tasks = new Dictionary<Guid, PackingRow>(ids.Count);
        var packages = new List<PackageRow>(ids.Count);
        Column[] keys = [Column.From("id", ids, i => i)];
        await session.SelectAllAsync(
            new SetSelect($"SELECT {PackingTasks.Columns} FROM packing_tasks t WHERE t.id = k.id", ids.Count, keys, r => tasks[r.GetGuid(0)] = ReadPacking(r)),
            new SetSelect($"SELECT {PackingTasks.PackageColumns} FROM packages p WHERE p.task_id = k.id", ids.Count, keys, r => packages.Add(ReadPackage(r))));
        var byTask = packages.ToLookup(p => p.TaskId);
        return [.. ids.Where(tasks.ContainsKey).Select(id => new LoadedPacking(tasks[id], [.. byTask[id].OrderBy(p => p.SequenceNumber).Select(p => p.Shown)]).Shown())];
    }

    private static PickingRow ReadPicking(RowReader r) => new()
    {
        Id = r.GetGuid(0), Number = r.GetInt64(1), Site = r.GetString(2), OrderId = r.GetGuid(3), Part = r.GetInt32(4), OrderNumber = r.GetInt64(5),
        Status = (PickingStatus)r.GetInt32(6), Priority = (Priority)r.GetInt32(7), Worker = r.GetStringOrNull(8), TotalItems = r.GetInt32(9), PickedItems = r.GetInt32(10),
        OnHold = r.GetInt64(11) != 0, CreatedAt = r.GetTime(12), AssignedAt = Time(r, 13), StartedAt = Time(r, 14), CompletedAt = Time(r, 15), CancelledAt = Time(r, 16),
        CancellationReason = r.GetStringOrNull(17),
    };

    private static PickingItemRow ReadItem(RowReader r) => new()
    {
        TaskId = r.GetGuid(0), Item = r.GetInt32(1), Sequence = r.GetInt32(2), Sku = r.GetString(3), Bin = r.GetString(4), Lot = r.GetString(5),
        QuantityRequired = r.GetInt32(6), QuantityPicked = r.GetInt32(7), Status = (PickingItemStatus)r.GetInt32(8), Note = r.GetStringOrNull(9), PickedAt = Time(r, 10),
    };

    private static PackingRow ReadPacking(RowReader r) => new()
    {
        Id = r.GetGuid(0), Number = r.GetInt64(1), Site = r.GetString(2), OrderId = r.GetGuid(3), Part = r.GetInt32(4), OrderNumber = r.GetInt64(5),
        PickingTaskId = r.GetGuid(6), Status = (PackingStatus)r.GetInt32(7), Priority = (Priority)r.GetInt32(8), Worker = r.GetStringOrNull(9), OnHold = r.GetInt64(10) != 0,
        Lines = r.GetString(11), Carrier = r.GetStringOrNull(12), TrackingNumber = r.GetStringOrNull(13), CreatedAt = r.GetTime(14), StartedAt = Time(r, 15),
        PackedAt = Time(r, 16), ShippedAt = Time(r, 17), CancelledAt = Time(r, 18), CancellationReason = r.GetStringOrNull(19),
    };

    private static PackageRow ReadPackage(RowReader r) => new()
    {
        TaskId = r.GetGuid(0), SequenceNumber = r.GetInt32(1), PackagingType = (PackagingType)r.GetInt32(2), WeightG = r.GetInt32(3), LengthMm = r.GetInt32(4),
        WidthMm = r.GetInt32(5), HeightMm = r.GetInt32(6), VolumetricWeightG = r.GetInt32(7), ChargeableWeightG = r.GetInt32(8), Barcode = r.GetString(9),
        Lines = r.GetStringOrNull(10), CreatedAt = r.GetTime(11),
    };

    private static DateTimeOffset? Time(RowReader r, int column) => r.IsNull(column) ? null : r.GetTime(column);
}
