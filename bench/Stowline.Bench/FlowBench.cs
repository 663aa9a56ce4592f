using System.Diagnostics;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;

namespace Stowline.Bench;

/// <summary>
/// From accepting to shipped, in process: every order is placed, and a worker assigns, starts, picks each item by a command of its own,
/// completes, packs and ships it. Each client carries one order through and then takes the next.
/// </summary>
internal static class FlowBench
{
    public static async Task<BenchReport> RunAsync(BenchOptions options, Action<string> say)
    {
        await using var place = await BenchDatabase.MakeAsync(options);
        await using var node = await Node.OpenAsync(place.Open(TimeProvider.System));
        node.Start((pump, e) => say($"{pump.Name}: {e.Message}"));
        await BenchStock.FillAsync(node);
        var workload = new Workload(options.Hot);
        var intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
        var next = 0;

        async Task<double> OneAsync()
        {
            var started = Stopwatch.GetTimestamp();
            var order = AcceptOrder.From(workload.Order(Interlocked.Increment(ref next)), node.Ids);
            var placed = (await intake.AcceptAsync(order.Value, Caller.System)).Outcome.Value;
            await WorkOffAsync(node, Guid.Parse(placed.Id));
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        var total = options.Orders > 0 ? options.Orders : 6_000;
        await ClosedLoop.RunAsync(options.Clients, Math.Max(options.Clients * 4, total / 6), 0, OneAsync);
        await AcceptBench.DrainAsync(node);
        say("warm");
        var cpu = new CpuClock(null, place.Admin, countSelf: true);
        await cpu.StartAsync();
        var clock = Stopwatch.StartNew();
        var latencies = await ClosedLoop.RunAsync(options.Clients, total, options.Seconds, OneAsync);
        var done = clock.Elapsed;
        await AcceptBench.DrainAsync(node);
        return AcceptBench.Report(options with { InProcess = true }, latencies, done, clock.Elapsed, await cpu.StopAsync());
    }

    private static async Task WorkOffAsync(Node node, Guid order)
    {
        const string site = "WH1";
        var picking = await node.Database.ReadAsync(s => TaskLookup.PickingOfAsync(s, order));
        await SiteAsync(node, tx => AssignPicking.DecideAsync(site, picking.Id, "bench", tx));
        var task = await SiteAsync(node, tx => StartPicking.DecideAsync(site, picking.Id, tx));
        foreach (var item in task.Items)
            await SiteAsync(node, tx => PickItem.DecideAsync(site, picking.Id, int.Parse(item.Id, System.Globalization.CultureInfo.InvariantCulture),
                new PickItemBody { Quantity = item.QuantityRequired, Bin = item.Bin }, tx));
        await SiteAsync(node, tx => CompletePicking.DecideAsync(site, picking.Id, tx));
        var packing = await node.Database.ReadAsync(s => TaskLookup.PackingOfAsync(s, order));
        await SiteAsync(node, tx => StartPacking.DecideAsync(site, packing, "bench", tx));
        await SiteAsync(node, tx => AddPackage.DecideAsync(site, packing, new AddPackageBody { PackagingType = "box", WeightG = 900, LengthMm = 300, WidthMm = 200, HeightMm = 100 }, tx));
        await SiteAsync(node, tx => CompletePacking.DecideAsync(site, packing, tx));
        await SiteAsync(node, tx => ShipPacking.DecideAsync(site, packing, new ShipPackingBody { Carrier = "bench" }, tx));
    }

    /// <summary>A site's command. It does not wait for the hub's consumers: the next step at the site does not need them.</summary>
    private static async Task<T> SiteAsync<T>(Node node, Func<LaneTransaction, ValueTask<Outcome<T>>> decide) =>
        (await node.Lanes.ExecuteAsync(Lane.Site("WH1"), Caller.System, decide, render: null, hops: 0, default)).Outcome.Value;
}
