using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Tasks as other doors than REST find them: by number, and by order and site.</summary>
internal static class TaskReads
{
    public static async Task<LoadedPicking?> PickingByNumberAsync(SqlSession session, long number) =>
        await WithItemsAsync(session, await session.FindAsync<PickingRow>($"SELECT {PickingTasks.Columns} FROM picking_tasks WHERE number = @number", new { number }));

    /// <param name="site">Null: at the first site that has a part of it.</param>
    public static async Task<LoadedPicking?> PickingOfOrderAsync(SqlSession session, Guid order, string? site) =>
        await WithItemsAsync(session, await session.FindAsync<PickingRow>(
            $"SELECT {PickingTasks.Columns} FROM picking_tasks WHERE order_id = @order{(site is null ? "" : " AND site = @site")} ORDER BY part LIMIT 1", new { order, site }));

    public static async Task<PackingTask?> PackingByNumberAsync(SqlSession session, long number) =>
        await WithPackagesAsync(session, await session.FindAsync<PackingRow>($"SELECT {PackingTasks.Columns} FROM packing_tasks WHERE number = @number", new { number }));

    /// <summary>The packing task that came of a picking task; null until picking is completed.</summary>
    public static async Task<PackingTask?> PackingOfPickingAsync(SqlSession session, PickingRow picking) => await WithPackagesAsync(session,
        await session.FindAsync<PackingRow>($"SELECT {PackingTasks.Columns} FROM packing_tasks WHERE order_id = @order AND part = @part",
            new { order = picking.OrderId, part = picking.Part }));

    /// <summary>Where orders came from, as their sites keep it: by order, its channel, its id there, and its number here.</summary>
    public static async Task<IReadOnlyDictionary<Guid, (string Channel, string ExternalId, long Number)>> OriginsAsync(SqlSession session, IReadOnlyCollection<Guid> orders)
    {
        Guid[] wanted = [.. orders.Distinct()];
        var found = new Dictionary<Guid, (string, string, long)>();
        await session.SelectAsync("SELECT f.order_id, f.channel, f.external_id, f.order_number FROM fulfillment_orders f WHERE f.order_id = k.order_id", wanted.Length,
            [Column.Of("order_id", wanted)], row => found[row.GetGuid(0)] = (row.GetString(1), row.GetString(2), row.GetInt64(3)));
        return found;
    }

    /// <summary>The numbers of picking tasks by id.</summary>
    public static async Task<IReadOnlyDictionary<Guid, long>> PickingNumbersAsync(SqlSession session, IReadOnlyCollection<Guid> tasks)
    {
        Guid[] wanted = [.. tasks.Distinct()];
        var found = new Dictionary<Guid, long>();
        await session.SelectAsync("SELECT p.id, p.number FROM picking_tasks p WHERE p.id = k.task_id", wanted.Length, [Column.Of("task_id", wanted)],
            row => found[row.GetGuid(0)] = row.GetInt64(1));
        return found;
    }

    public static ValueTask<PickingTask> ShowAsync(SqlSession session, LoadedPicking loaded) => PickingTasks.ShowAsync(session, loaded);

    private static async Task<LoadedPicking?> WithItemsAsync(SqlSession session, PickingRow? row) => row is null ? null : await PickingTasks.WithItemsAsync(session, row);

    private static async Task<PackingTask?> WithPackagesAsync(SqlSession session, PackingRow? row) => row is null ? null : (await PackingTasks.WithPackagesAsync(session, row)).Shown();
}
