using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;

namespace Stowline.Simulation;

/// <summary>The people of one site who are sent to count, and to take away what has expired: who sends them, and how they do it.</summary>
internal sealed class Counting(World world, SimNode site)
{
    private readonly Lane _lane = Lane.Site(site.Name);
    private IReadOnlyList<StockRowView> _seen = [];

    /// <summary>Somebody wants a zone, a bin or a SKU counted.</summary>
    public void Ask()
    {
        var body = world.Random.Next(3) switch
        {
            0 => new AskForCountBody(null, "A", null, "looks wrong"),
            1 => new AskForCountBody([world.Chance(50) ? "A-1" : "A-2"], null, null, null),
            _ => new AskForCountBody(null, null, world.AnySku(), null),
        };
        world.Go(() => AskAsync(tx => AskForCount.DecideAsync(site.Name, body, tx)));
    }

    /// <summary>Somebody plans cycle counts, or plans none any more, and says which counts are to be believed.</summary>
    public void Plan()
    {
        var body = new CountSettingsBody(world.Chance(70) ? world.Random.Next(1, 3) : null, world.Random.Next(1, 4), world.Random.Next(3), world.Random.Next(2) * 20);
        world.Go(() => AskAsync(tx => CountSettings.DecideAsync(site.Name, body, tx)));
    }

    /// <summary>A round of a stock task, or the rest of one that somebody has left.</summary>
    /// <param name="finishing">It is done to the end, and all is found as the books say.</param>
    public async Task DoAsync(Guid task, bool finishing)
    {
        await AskAsync(tx => StockTaskSteps.AssignAsync(site.Name, task, "cora", tx));
        if (await AskAsync(tx => StockTaskSteps.StartAsync(site.Name, task, tx)) is not { IsOk: true } started) return;
        if (world.Chance(60)) _seen = await StockAsync();
        foreach (var line in started.Value.Lines.Where(l => l.Status == StockTaskLineStatus.Open))
        {
            if (!finishing && world.Chance(4))
            {
                if ((await GiveUpAsync(task, "called away")).IsOk) world.Counters.Add("counts given up");
                return;
            }
            if (!finishing && world.Chance(4)) return; // the shift is over; somebody else goes on
            if (started.Value.Kind == StockTaskKind.Count) await CountAsync(task, line, finishing ? await StockAsync() : _seen, finishing);
            else if (!await RemoveAsync(task, line, finishing)) return;
        }
        if (!finishing && started.Value.Kind == StockTaskKind.Count && world.Chance(10)) await FindAsync(task);
        await AskAsync(tx => StockTaskSteps.CompleteAsync(site.Name, task, tx));
    }

    /// <summary>By a device that knows what the books said when it was last asked, or by one that does not; where something has moved meanwhile the first is told so.</summary>
    private async Task CountAsync(Guid task, StockTaskLine line, IReadOnlyList<StockRowView> seen, bool finishing)
    {
        var onHand = RowOf(line, seen)?.OnHand ?? 0;
        var body = new CountLineBody
        {
            Sku = line.Sku, Bin = line.Bin, Lot = line.Lot, Expected = !finishing && world.Chance(40) ? onHand : null,
            Counted = finishing || world.Chance(65) ? onHand : Math.Max(0, onHand + world.Random.Next(-6, 4)),
        };
        if ((await AskAsync(tx => RecordLine.CountAsync(site.Name, task, body, tx))).Refusal?.Code == "stale_quantity") world.Counters.Add("counts refused as stale");
    }

    /// <summary>Goods where the books know of none.</summary>
    private Task FindAsync(Guid task)
    {
        var body = new CountLineBody { Sku = world.AnySku(), Bin = world.Chance(50) ? "A-1" : "A-2", Lot = "found", Counted = world.Random.Next(1, 3) };
        return AskAsync(tx => RecordLine.CountAsync(site.Name, task, body, tx));
    }

    /// <summary>False when nothing is there any more, and the task with it.</summary>
    private async Task<bool> RemoveAsync(Guid task, StockTaskLine line, bool finishing)
    {
        var there = (int)(RowOf(line, await StockAsync())?.Damaged ?? 0);
        if (there == 0)
        {
            await GiveUpAsync(task, "nothing is there");
            return false;
        }
        var body = new RemoveLineBody { Sku = line.Sku, Bin = line.Bin, Lot = line.Lot, Quantity = finishing ? there : world.Random.Next(1, there + 1) };
        await AskAsync(tx => RecordLine.RemoveAsync(site.Name, task, body, tx));
        return true;
    }

    private Task<Outcome<StockTask>> GiveUpAsync(Guid task, string reason) => AskAsync(tx => StockTaskSteps.CancelAsync(site.Name, task, reason, tx));

    private Task<IReadOnlyList<StockRowView>> StockAsync() => site.AskAsync(node => node.Database.ReadAsync(session => Books.StockAsync(session, site.Name)));

    private static StockRowView? RowOf(StockTaskLine line, IReadOnlyList<StockRowView> rows) => rows.FirstOrDefault(r => r.Sku == line.Sku && r.Bin == line.Bin && r.Lot == line.Lot);

    private Task<Outcome<T>> AskAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => site.AskAsync(node => node.Lanes.ExecuteAsync(_lane, new Caller("counter"), decide));
}
