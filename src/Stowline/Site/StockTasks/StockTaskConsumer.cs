using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.StockTasks;

/// <summary>
/// Reads the site's own lane and sends people where they are needed (W5): to count what a picker did not find, which is blocked until then, and to take away what has expired. What is there now
/// decides, and places that somebody is sent to already are left out: an event that comes twice makes no second task.
/// </summary>
internal sealed class StockTaskConsumer(string site) : Consumer
{
    public override string Name => "stock-tasks";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == ItemSkipped.Type || type == PickingExtended.Type || type == PartShort.Type || type == StockExpired.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        var skus = new HashSet<string>(StringComparer.Ordinal);
        var expired = new List<CountedStock.Place>();
        foreach (var e in events)
        {
            if (e.Type == ItemSkipped.Type) skus.UnionWith(e.Read<ItemSkipped>().Balances.Select(b => b.Sku));
            else if (e.Type == PickingExtended.Type) skus.UnionWith(e.Read<PickingExtended>().Balances.Select(b => b.Sku));
            else if (e.Type == PartShort.Type) skus.UnionWith(e.Read<PartShort>().Lines.Select(l => l.Sku));
            else expired.AddRange(e.Read<StockExpired>().Movements.Select(m => new CountedStock.Place { Sku = m.Sku, Bin = m.FromBin!, Lot = m.Lot }));
        }
        if (skus.Count > 0)
        {
            var blocked = await StockTasksTable.WithoutOpenAsync(tx, site, await CountedStock.BlockedAsync(tx, site, skus));
            if (blocked.Count > 0) await AskForCount.MakeAsync(tx, site, blocked, StockTaskCause.ShortPick);
        }
        if (expired.Count == 0) return;
        var lying = await ExpiredStock.StillThereAsync(tx, site, await StockTasksTable.WithoutOpenAsync(tx, site, [.. expired.Distinct()]));
        foreach (var lots in lying.Chunk(StockTasksTable.MostLines))
            await StockTasksTable.CreateAsync(tx, site, StockTaskKind.Removal, StockTaskCause.Expired, [.. lots.Select(AskForCount.LineOf)]);
    }
}
