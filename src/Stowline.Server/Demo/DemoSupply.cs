using System.Globalization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;

namespace Stowline.Server.Demo;

/// <summary>
/// Keeps one site's shelves filled: every now and then a lorry brings what has run low, up to what sells in ten minutes; and what a picker did
/// not find is counted, and what has expired is taken away. All of it looks at the books as they are and remember nothing.
/// </summary>
internal sealed class DemoSupply(DemoDesk desk, DemoPlace place, DemoOrders orders, DemoOptions options)
{
    private const string Who = "goods-in";
    private const string Counter = "stock-count";
    private const int CountsAtOnce = 20;

    /// <summary>Units per order on the average, over its lines: what b2b takes is most of it.</summary>
    private const double UnitsPerOrder = 5;
    private static readonly TimeSpan Lorry = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ScarceLorry = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CoverFor = TimeSpan.FromMinutes(10);

    private readonly DemoDice _dice = new(options.Seed);
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private DateTimeOffset? _nextScarce;

    /// <summary>How many units of a product the site wants to have.</summary>
    public int TargetOf(DemoProduct product)
    {
        if (product.Scarce) return ScarceUnits;
        return 20 + (int)Math.Ceiling(orders.ShareOf(product.Rank) * options.Rate * UnitsPerOrder * CoverFor.TotalSeconds);
    }

    /// <summary>A little more than is asked of a scarce product while the lorry is away: orders wait for it, but not for ever.</summary>
    private int ScarceUnits { get; } = 1 + (int)(options.Rate * DemoOrders.ScarceShare / DemoCatalog.ScarceCount * ScarceLorry.TotalSeconds * 1.2);

    public async Task<bool> StepAsync(DateTimeOffset now, CancellationToken ct)
    {
        if (now < _next) return false;
        _nextScarce ??= now + ScarceLorry / 2; // nothing of it is there in the beginning
        var withScarce = now >= _nextScarce;
        await ReceiveAsync(now, withScarce, ct);
        await CountAsync(ct);
        _next = now + Lorry;
        if (withScarce) _nextScarce = now + ScarceLorry;
        return true;
    }

    private async Task ReceiveAsync(DateTimeOffset now, bool withScarce, CancellationToken ct)
    {
        var levels = await desk.ReadAsync(s => StockLevels.ReadAsync(s, place.Code), ct);
        var lines = new List<ReceiptLine?>();
        foreach (var product in place.Products)
        {
            if (product.Scarce && !(withScarce && place == DemoPlaces.All[0])) continue;
            var free = levels.TryGetValue(product.Sku, out var level) ? level.Free : 0;
            var target = TargetOf(product);
            if (free <= target / 2) lines.Add(Line(product, (int)(target - Math.Max(0, free)), now));
        }
        if (lines.Count == 0) return;
        var reference = string.Create(CultureInfo.InvariantCulture, $"PO-{place.Code}-{now.UtcDateTime:yyyyMMdd-HHmmss}");
        await desk.MustAsync<Receipt>($"receipt {reference}", Lane.Site(place.Code), Who, tx => ReceiveStock.DecideAsync(place.Code, new ReceiptBody(reference, lines), tx), ct);
    }

    /// <summary>One lot a week of what goes off: its rows go as they are sold, so there are never many.</summary>
    private ReceiptLine Line(DemoProduct product, int quantity, DateTimeOffset now)
    {
        var line = new ReceiptLine { Sku = product.Sku, Quantity = quantity, Bin = place.Homes[product.Sku] };
        if (product.ShelfDays == 0) return line;
        var day = DateOnly.FromDateTime(now.UtcDateTime);
        var monday = day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
        return line with { Lot = string.Create(CultureInfo.InvariantCulture, $"L{monday:yyyyMMdd}"), ExpiresOn = monday.AddDays(product.ShelfDays) };
    }

    /// <summary>Mostly it is all there after all; now and then a unit is not.</summary>
    private async Task CountAsync(CancellationToken ct)
    {
        foreach (var task in await desk.ReadAsync(s => StockTasksTable.PendingAsync(s, place.Code, CountsAtOnce), ct))
            await desk.AskAsync<StockTask>(Lane.Site(place.Code), Counter, tx => WorkAsync(task, tx), ct);
    }

    private async ValueTask<Outcome<StockTask>> WorkAsync(StockTask task, LaneTransaction tx)
    {
        var site = place.Code;
        var taken = await StockTaskSteps.AssignAsync(site, task.Id, Counter, tx);
        if (taken.Refusal is not null) return taken; // somebody with a handheld was quicker
        await StockTaskSteps.StartAsync(site, task.Id, tx);
        foreach (var line in task.Lines)
        {
            var at = new CountedStock.Place { Sku = line.Sku, Bin = line.Bin, Lot = line.Lot };
            var units = task.Kind == StockTaskKind.Removal ? await CountedStock.DamagedAsync(tx, site, at) : await CountedStock.OnHandAsync(tx, site, at);
            if (task.Kind == StockTaskKind.Removal)
            {
                if (units == 0) return await StockTaskSteps.CancelAsync(site, task.Id, "is gone already", tx);
                await RecordLine.RemoveAsync(site, task.Id, new RemoveLineBody { Sku = line.Sku, Bin = line.Bin, Lot = line.Lot, Quantity = units }, tx);
                continue;
            }
            var lost = units > 0 && _dice.Throw(DemoDice.For.Count, units, line.Sku.Length) < 0.3 ? 1 : 0;
            await RecordLine.CountAsync(site, task.Id, new CountLineBody { Sku = line.Sku, Bin = line.Bin, Lot = line.Lot, Counted = units - lost }, tx);
        }
        return await StockTaskSteps.CompleteAsync(site, task.Id, tx);
    }
}
