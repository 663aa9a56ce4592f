using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>The picking tasks of a site that are not over, oldest first: what a screen on the floor begins with.</summary>
public static class OpenPicking
{
    private const int MaxShown = 200;

    public static async Task<IReadOnlyList<PickingTask>> ReadAsync(SqlSession session, string site)
    {
        var rows = await session.QueryAsync<PickingRow>(
            $"SELECT {PickingTasks.Columns} FROM picking_tasks WHERE site = @site AND status IN (@pending, @assigned, @started) ORDER BY id LIMIT @limit", new
            {
                site, pending = (int)PickingStatus.Pending, assigned = (int)PickingStatus.Assigned, started = (int)PickingStatus.InProgress, limit = MaxShown,
            });
        var shown = new List<PickingTask>();
        foreach (var row in rows) shown.Add(await PickingTasks.ShowAsync(session, await PickingTasks.WithItemsAsync(session, row)));
        return shown;
    }
}
