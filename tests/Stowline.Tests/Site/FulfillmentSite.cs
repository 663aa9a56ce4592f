using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>
/// WH1 with bins … 10 m apart. The hub is played by the test: it appends to <c>hub/WH1</c> what a hub would, and reads <c>site/WH1</c>.
/// </summary>
internal sealed class FulfillmentSite : IAsyncDisposable
{
    public const string Code = "WH1";
    private static readonly Lane Down = Lane.HubTo(Code);
    public static readonly Lane Up = Lane.Site(Code);

    private FulfillmentSite(TestNode node) => Node = node;

    public TestNode Node { get; }

    public static async Task<FulfillmentSite> StartAsync(string store)
    {
        var node = await TestNode.StartAsync(store);
        await node.RunAsync<Done>(Lane.Hub, async tx =>
        {
            await tx.OpenLaneAsync(Down, 1);
            await tx.OpenLaneAsync(Up, 1);
            return new Done();
        });
        node.Node.AddSite(Code);
        var site = new FulfillmentSite(node);
        await site.InSiteAsync(tx => SaveZone.DecideAsync(Code, "A", new ZoneBody { Type = ZoneType.Storage }, tx));
        var bins = SaveBins.CheckAll([.. Enumerable.Range(1, 5).Select(i => new BinBody { Bin = $"A-{i}", Zone = "A", XM = i * 10, YM = 0 })]).Value;
        await site.InSiteAsync(tx => SaveBins.DecideAsync(Code, bins, i => $"items[{i}]", tx));
        return site;
    }

    public async Task<T> InSiteAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => (await TryAsync(decide)).Value;
    public Task<Outcome<T>> TryAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => Node.RunAsync(Up, decide);

    /// <summary>Puts good units into a bin, as a return does; each call is an hour younger than the one before.</summary>
    public async Task StockAsync(string sku, int quantity, string bin = "A-1")
    {
        Node.Time.Advance(TimeSpan.FromHours(1));
        await InSiteAsync<Done>(async tx =>
        {
            var movements = await StockBook.ReturnAsync(tx, Code, [(new StockUnits(sku, bin, null, quantity), false)], "test", "seed");
            tx.Append(Up, new StockMoved("seed", movements, await StockBook.SettleAsync(tx, Code, [sku])), "seed");
            return new Done();
        });
    }

    /// <summary>What the hub tells the site, in one transaction, hence in one batch of the consumer.</summary>
    public async Task TellAsync(params Action<LaneTransaction>[] events)
    {
        await Node.RunAsync<Done>(Lane.Hub, tx =>
        {
            foreach (var append in events) append(tx);
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await Node.DrainAsync();
    }

    public static PartAssigned Part(Guid order, params SkuUnits[] lines) =>
        new(order, 1, 42, "web", "x-42", "ship", Priority.Normal, lines, order, null, null, OnHold: false);

    public static Action<LaneTransaction> Assign(PartAssigned part) => tx => tx.Append(Down, part, part.OrderId.ToString(), part.OrderId);
    public static Action<LaneTransaction> Cancel(Guid order) =>
        tx => tx.Append(Down, new PartCancelRequested(order, 1, "cancel", "changed their mind"), order.ToString(), order);
    public static Action<LaneTransaction> Hold(Guid order) => tx => tx.Append(Down, new PartHeld(order, 1), order.ToString(), order);
    public static Action<LaneTransaction> Release(Guid order) => tx => tx.Append(Down, new PartReleased(order, 1), order.ToString(), order);

    /// <summary>A new order of one line, assigned; answers its picking task.</summary>
    public async Task<PickingTask> OrderAsync(string sku, int quantity)
    {
        var order = Node.Node.Ids.Next();
        await TellAsync(Assign(Part(order, new SkuUnits(sku, quantity))));
        return await PickingOfAsync(order);
    }

    public async Task<PickingTask> PickingOfAsync(Guid order) => await InSiteAsync<PickingTask>(async tx =>
        await PickingTasks.FindByPartAsync(tx, order, 1) is { } loaded ? await PickingTasks.ShowAsync(tx.Group.Session, loaded) : Refusal.NotFound("none", "none"));

    public async Task<Guid> PackingOfAsync(Guid order) => await Node.Database.ReadAsync(async s =>
        await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @order", new { order }));

    public async Task<PickingTask> StartAsync(PickingTask task)
    {
        await InSiteAsync(tx => AssignPicking.DecideAsync(Code, task.Id, "ana", tx));
        return await InSiteAsync(tx => StartPicking.DecideAsync(Code, task.Id, tx));
    }

    public Task<Outcome<PickingTask>> PickAsync(Guid task, int item, int quantity, string? bin = null) =>
        TryAsync(tx => PickItem.DecideAsync(Code, task, item, new PickItemBody { Quantity = quantity, Bin = bin }, tx));

    public Task<Outcome<PickingTask>> SkipAsync(Guid task, int item) => TryAsync(tx => SkipItem.DecideAsync(Code, task, item, "not there", tx));
    public Task<Outcome<PickingTask>> CompleteAsync(Guid task) => TryAsync(tx => CompletePicking.DecideAsync(Code, task, tx));

    /// <summary>Picks all there is and completes; answers the packing task's id.</summary>
    public async Task<Guid> PickAllAsync(PickingTask task)
    {
        await StartAsync(task);
        foreach (var item in task.Items) Assert.True((await PickAsync(task.Id, int.Parse(item.Id), item.QuantityRequired)).IsOk);
        Assert.True((await CompleteAsync(task.Id)).IsOk);
        return await PackingOfAsync(task.OrderId);
    }

    public static AddPackageBody Box(params PackageLineBody[] lines) =>
        new() { PackagingType = "box", WeightG = 500, LengthMm = 300, WidthMm = 200, HeightMm = 100, Lines = lines.Length == 0 ? null : lines };

    public async Task PackAsync(Guid packing)
    {
        await InSiteAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
        await InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, Box(), tx));
        await InSiteAsync(tx => CompletePacking.DecideAsync(Code, packing, tx));
    }

    public Task<Outcome<Shipment>> ShipAsync(Guid packing, string? tracking = null) =>
        TryAsync(tx => ShipPacking.DecideAsync(Code, packing, new ShipPackingBody { Carrier = "post", TrackingNumber = tracking }, tx));

    public async Task PutBackAsync(Guid order)
    {
        var task = await Node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM put_back_tasks WHERE order_id = @order", new { order }));
        await InSiteAsync(tx => PutBack.DecideAsync(Code, task, null, tx));
    }

    /// <summary>The types of the site's events about an order, in order.</summary>
    public async Task<string> StoryAsync(Guid order) =>
        string.Join(" ", (await Node.Lanes.ReadAsync(Up, 0, 1000)).Where(e => e.OrderId == order).Select(e => e.Type));

    public async Task<IReadOnlyList<T>> EventsAsync<T>(Guid? order = null) where T : IEvent =>
        [.. (await Node.Lanes.ReadAsync(Up, 0, 1000)).Where(e => e.Type == T.Type && (order is null || e.OrderId == order)).Select(e => e.Read<T>())];

    /// <summary>Where the books stand for a SKU by the site's last word on it, which is all that the hub knows.</summary>
    public async Task<Balance> BalanceAsync(string sku)
    {
        Balance? last = null;
        foreach (var e in await Node.Lanes.ReadAsync(Up, 0, 1000))
        {
            using var document = JsonDocument.Parse(e.Payload);
            if (!document.RootElement.TryGetProperty("balances", out var balances)) continue;
            foreach (var b in balances.EnumerateArray())
                if (b.GetProperty("sku").GetString() == sku)
                    last = new Balance(sku, b.GetProperty("epoch").GetInt32(), b.GetProperty("granted").GetInt64(), b.GetProperty("consumed").GetInt64(),
                        b.GetProperty("withdrawn").GetInt64(), b.GetProperty("on_hand").GetInt64(), b.GetProperty("reserved").GetInt64(), b.GetProperty("damaged").GetInt64());
        }
        return last ?? throw new InvalidOperationException($"nothing was said of {sku}");
    }

    /// <summary>What stands at the site for the hub.</summary>
    public async Task<long> HeldAsync(string sku)
    {
        var b = await BalanceAsync(sku);
        return b.Granted - b.Withdrawn - b.Consumed;
    }

    /// <summary>All checks but the hub's: there is no hub here that promised what the site delivers.</summary>
    public async Task VerifyAsync()
    {
        await Node.DrainAsync();
        var report = await Verification.RunAsync(Node.Node);
        var wrong = report.Checks.Where(c => c.Value != "ok" && c.Key is not ("counters" or "promises" or "open_promises")).Select(c => $"{c.Key}: {c.Value}");
        Assert.Empty(wrong);
    }

    public ValueTask DisposeAsync() => Node.DisposeAsync();
}
