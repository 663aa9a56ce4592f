using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;
using Stowline.Site.Transfers;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: transfers and counts need no line (W1, W5): what is taken in before it was announced, and what is counted cut off, is right in the end. Method: hub and site with a database each; the line is
/// cut where it hurts.
public sealed class TransferLinkTests
{
    private const string Hubs = "WH1";

    /// <summary>The hub has a site of its own, with ten of A.</summary>
    private static async Task<TwoNodes> StartAsync(string store)
    {
        var nodes = await TwoNodes.StartAsync(store);
        await nodes.Hub.SiteAsync(Hubs);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site(Hubs), tx => ReceiveStock.DecideAsync(Hubs, new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 10 }]), tx))).IsOk);
        return nodes;
    }

    private static async Task<TransferView> RequestAsync(TwoNodes nodes, string from, string to, int units)
    {
        var asked = (await nodes.HubTest.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody(from, to, [new TransferLineBody("A", units)], null, null), tx))).Value;
        await nodes.DrainAsync();
        return asked;
    }

    private static async Task<TransferView> ReadAsync(TwoNodes nodes, string id) =>
        (await nodes.HubTest.Database.ReadAsync(async s => await TransferRows.FindAsync(s, Guid.Parse(id, CultureInfo.InvariantCulture))))!.View();

    private static Task<Outcome<TransferReceipt>> TakeInAsync(TestNode node, string site, long number, int units) =>
        node.RunAsync(Lane.Site(site), tx => ReceiveTransfer.DecideAsync(site, new TransferReceiptBody(number, [new ReceiptLine { Sku = "A", Quantity = units }], null), tx));

    private static async Task<(long Available, long Incoming)> StandAsync(TwoNodes nodes)
    {
        await nodes.CompareAsync();
        var item = (await nodes.HubTest.Database.ReadAsync(s => Availability.OfAsync(s, ["A"]))).Items[0];
        return (item.Available, item.Incoming);
    }

    [Theory, EveryDatabase]
    public async Task Goods_arrive_before_the_site_was_told_of_them(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Connect();
        await nodes.DrainAsync();
        var asked = await RequestAsync(nodes, Hubs, TwoNodes.Code, 4);
        nodes.Cut();
        await ShipFromHubAsync(nodes, asked);
        Assert.Equal((6L, 4L), await StandHereAsync(nodes));
        var taken = (await TakeInAsync(nodes.Site, TwoNodes.Code, asked.Number, 3)).Value; // by the label: nobody has announced it
        Assert.Equal((null, false), (taken.Arrival.From, taken.Arrival.Complete));
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal((9L, 1L), await StandAsync(nodes));
        Assert.Equal((TransferStatus.InTransit, 1L), ((await ReadAsync(nodes, asked.Id)).Status, (await ReadAsync(nodes, asked.Id)).Lines[0].InTransit));
        nodes.Cut();
        Assert.True((await TakeInAsync(nodes.Site, TwoNodes.Code, asked.Number, 1)).Value.Arrival.Complete);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal((10L, 0L), await StandAsync(nodes));
        Assert.Equal(TransferStatus.Received, (await ReadAsync(nodes, asked.Id)).Status);
    }

    /// Goal: what is taken in by the number on its label, before anybody said when it expires, is not kept for good. Method: one lot with a date, sent to a site that is cut off.
    [Theory, EveryDatabase]
    public async Task Lots_that_overtook_the_news_get_their_dates_when_it_comes(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Connect();
        var expires = new DateOnly(2026, 1, 5);
        var lot = new ReceiptBody("PO", [new ReceiptLine { Sku = "B", Quantity = 4, Lot = "L", ExpiresOn = expires }]);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site(Hubs), tx => ReceiveStock.DecideAsync(Hubs, lot, tx))).IsOk);
        await nodes.DrainAsync();
        var body = new TransferBody(Hubs, TwoNodes.Code, [new TransferLineBody("B", 4)], null, null);
        var asked = (await nodes.HubTest.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(body, tx))).Value;
        await nodes.DrainAsync();
        nodes.Cut();
        await ShipFromHubAsync(nodes, asked);
        var taken = new TransferReceiptBody(asked.Number, [new ReceiptLine { Sku = "B", Quantity = 4, Lot = "L" }], null);
        Assert.True((await nodes.Site.RunAsync(Lane.Site(TwoNodes.Code), tx => ReceiveTransfer.DecideAsync(TwoNodes.Code, taken, tx))).IsOk);
        Task<DateOnly?> DateAsync() => nodes.Site.Database.ReadAsync(async s => await s.FindAsync<DateOnly?>("SELECT expires_on FROM stock WHERE sku = 'B'"));
        Assert.Null(await DateAsync());
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(expires, await DateAsync());
        nodes.Advance(TimeSpan.FromHours(16)); // midnight
        await nodes.DrainAsync();
        Assert.Equal(0, await nodes.Hub.AvailableAsync("B"));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_site_that_is_cut_off_sends_and_the_goods_overtake_the_news(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var asked = await RequestAsync(nodes, TwoNodes.Code, Hubs, 3);
        nodes.Cut();
        while (await nodes.WorkAsync()) { } // picked, packed and shipped
        Assert.True((await TakeInAsync(nodes.HubTest, Hubs, asked.Number, 3)).IsOk);
        await nodes.HubTest.DrainAsync();
        var view = await ReadAsync(nodes, asked.Id);
        Assert.Equal((TransferStatus.Requested, 0L, 3L), (view.Status, view.Lines[0].Shipped, view.Lines[0].Received)); // the hub has not heard that it left
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal((15L, 0L), await StandAsync(nodes));
        Assert.Equal((TransferStatus.Received, 0L), ((await ReadAsync(nodes, asked.Id)).Status, (await ReadAsync(nodes, asked.Id)).Lines[0].Missing));
    }

    [Theory, EveryDatabase]
    public async Task A_cancellation_that_comes_too_late_is_refused_by_the_site(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var (early, late) = (await RequestAsync(nodes, TwoNodes.Code, Hubs, 2), await RequestAsync(nodes, TwoNodes.Code, Hubs, 1));
        nodes.Cut();
        while (await nodes.WorkAsync() && await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM shipments")) == 0) { }
        foreach (var transfer in new[] { early, late })
            Assert.Equal(TransferStatus.Cancelling, (await nodes.HubTest.RunAsync(Lane.Hub, tx => CancelTransfer.DecideAsync(Guid.Parse(transfer.Id, CultureInfo.InvariantCulture), null, tx))).Value.Status);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal((TransferStatus.InTransit, TransferStatus.Cancelled), ((await ReadAsync(nodes, early.Id)).Status, (await ReadAsync(nodes, late.Id)).Status));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_restored_hub_knows_of_the_transfers_that_its_sites_were_told_of(string store)
    {
        await using var nodes = await StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var (sent, open) = (await RequestAsync(nodes, TwoNodes.Code, Hubs, 2), await RequestAsync(nodes, TwoNodes.Code, Hubs, 1));
        do
        {
            await nodes.WorkAsync();
            await nodes.DrainAsync();
        }
        while ((await ReadAsync(nodes, sent.Id)).Status != TransferStatus.InTransit); // the other one is picked by then
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal((TransferStatus.InTransit, TransferStatus.Packing), ((await ReadAsync(nodes, sent.Id)).Status, (await ReadAsync(nodes, open.Id)).Status));
        Assert.Equal((12L, 2L), await StandAsync(nodes)); // ten there, two free here of three
    }

    [Theory, EveryDatabase]
    public async Task Cut_off_a_short_pick_is_counted_and_the_hub_hears_of_it_later(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        await nodes.OrderAsync("1", "A", 4);
        await nodes.DrainAsync();
        nodes.Cut();
        await nodes.WorkAsync(0.5);
        await nodes.Site.DrainAsync();
        var id = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM stock_tasks"));
        Task<Outcome<StockTask>> DoAsync(Func<LaneTransaction, ValueTask<Outcome<StockTask>>> decide) => nodes.Site.RunAsync(Lane.Site(TwoNodes.Code), decide);
        await DoAsync(tx => StockTaskSteps.AssignAsync(TwoNodes.Code, id, "ana", tx));
        await DoAsync(tx => StockTaskSteps.StartAsync(TwoNodes.Code, id, tx));
        Assert.True((await DoAsync(tx => RecordLine.CountAsync(TwoNodes.Code, id, new CountLineBody { Sku = "A", Bin = "RECEIVING", Counted = 7 }, tx))).IsOk);
        Assert.True((await DoAsync(tx => StockTaskSteps.CompleteAsync(TwoNodes.Code, id, tx))).IsOk);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(5, await nodes.Hub.AvailableAsync("A")); // seven there, and the two that were short are promised again
        var copy = Assert.Single(await nodes.HubTest.Database.ReadAsync(s => StockTasksTable.PageAsync(s, [id])));
        Assert.Equal((StockTaskStatus.Completed, "ana", -1L), (copy.Status, copy.Worker!, copy.Lines[0].Difference!.Value));
        Assert.NotNull(copy.AsOf);
        Assert.Equal("site_is_remote", (await nodes.HubTest.RunAsync(Lane.Site(TwoNodes.Code), tx => StockTaskSteps.StartAsync(TwoNodes.Code, id, tx))).Refusal!.Code);
    }

    /// Goal: whatever the line and the power do, no unit of a transfer is lost, doubled or promised twice. Method: a seed decides; transfers in both directions with orders, short picks, counts and
    /// cancellations between them; in the end every unit is at one of the sites, with a customer, or corrected by a count.
    [Theory, MemberData(nameof(Seeds))]
    public async Task Anything_may_happen_to_transfers(int seed)
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite", seed: seed);
        await nodes.Hub.SiteAsync(Hubs);
        var random = new Random(seed);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (random.Next(15), random.Next(15), random.Next(30));
        var transfers = new List<(TransferView View, bool ToHub)>();
        for (var i = 0; i < 70; i++)
        {
            switch (random.Next(12))
            {
                case 0: await nodes.ReceiveAsync("A", random.Next(1, 8)); break;
                case 1:
                    var goods = new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = random.Next(1, 8) }]);
                    Assert.True((await nodes.HubTest.RunAsync(Lane.Site(Hubs), tx => ReceiveStock.DecideAsync(Hubs, goods, tx))).IsOk);
                    break;
                case 2 or 3:
                    var toHub = random.Next(2) == 0;
                    var body = new TransferBody(toHub ? TwoNodes.Code : Hubs, toHub ? Hubs : TwoNodes.Code, [new TransferLineBody("A", random.Next(1, 5))], null, null);
                    if ((await nodes.HubTest.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(body, tx))) is { IsOk: true } asked) transfers.Add((asked.Value, toHub));
                    break;
                case 4: await nodes.OrderAsync($"o{i}", "A", random.Next(1, 4)); break;
                case 5 or 6: await nodes.WorkAsync(random.Next(4) == 0 ? 0.5 : 1); break;
                case 7: foreach (var (view, _) in transfers.Where(t => !t.ToHub)) await TryShipFromHubAsync(nodes, view); break;
                case 8:
                    if (transfers.Count == 0) break;
                    var (arriving, atHub) = transfers[random.Next(transfers.Count)]; // maybe nothing of it has left: then a stranger's parcel has its number
                    if (random.Next(3) > 0) await TakeInAsync(atHub ? nodes.HubTest : nodes.Site, atHub ? Hubs : TwoNodes.Code, arriving.Number, random.Next(1, 4));
                    break;
                case 9:
                    if (transfers.Count > 0 && transfers[random.Next(transfers.Count)].View.Id is var id)
                        await nodes.HubTest.RunAsync(Lane.Hub, tx => CancelTransfer.DecideAsync(Guid.Parse(id, CultureInfo.InvariantCulture), null, tx));
                    break;
                case 10: if (random.Next(2) == 0) nodes.Cut(); else nodes.Connect(); break;
                case 11: if (random.Next(2) == 0) await nodes.RestartHubAsync(); else await nodes.RestartSiteAsync(); break;
            }
            for (var step = random.Next(4); step > 0; step--) await nodes.StepAsync();
        }
        (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        while (await nodes.WorkAsync()) await nodes.DrainAsync();
        foreach (var (view, _) in transfers.Where(t => !t.ToHub)) await TryShipFromHubAsync(nodes, view);
        await nodes.DrainAsync();
        foreach (var (view, toHub) in transfers)
            if (await ReadAsync(nodes, view.Id) is { Status: TransferStatus.InTransit } left)
                Assert.True((await TakeInAsync(toHub ? nodes.HubTest : nodes.Site, toHub ? Hubs : TwoNodes.Code, view.Number, (int)left.Lines[0].InTransit)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.NotEmpty(transfers);
        foreach (var (view, _) in transfers)
            Assert.False((await ReadAsync(nodes, view.Id)).Status is TransferStatus.InTransit or TransferStatus.Cancelling);
        Assert.Equal(0, (await StandAsync(nodes)).Incoming);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 10)];

    /// <summary>Ships a transfer's part at the hub's own site, where it is there to be picked.</summary>
    private static async Task TryShipFromHubAsync(TwoNodes nodes, TransferView asked)
    {
        await nodes.HubTest.DrainAsync();
        var id = Guid.Parse(asked.Id, CultureInfo.InvariantCulture);
        if (await nodes.HubTest.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM picking_tasks WHERE order_id = @id AND site = @site AND status = 1", new { id, site = Hubs })) > 0)
            await ShipFromHubAsync(nodes, asked);
    }

    private static async Task ShipFromHubAsync(TwoNodes nodes, TransferView asked)
    {
        var id = Guid.Parse(asked.Id, CultureInfo.InvariantCulture);
        await nodes.HubTest.RunAsync<Done>(Lane.Site(Hubs), async tx =>
        {
            var picking = (await Stowline.Site.Fulfillment.PickingTasks.FindByPartAsync(tx, id, 1))!;
            await Stowline.Site.Fulfillment.AssignPicking.DecideAsync(Hubs, picking.Task.Id, "ana", tx);
            await Stowline.Site.Fulfillment.StartPicking.DecideAsync(Hubs, picking.Task.Id, tx);
            foreach (var item in picking.Items) await Stowline.Site.Fulfillment.PickItem.DecideAsync(Hubs, picking.Task.Id, item.Item, new() { Quantity = item.QuantityRequired }, tx);
            await Stowline.Site.Fulfillment.CompletePicking.DecideAsync(Hubs, picking.Task.Id, tx);
            return new Done();
        });
        var packing = await nodes.HubTest.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @id", new { id }));
        await nodes.HubTest.RunAsync<Done>(Lane.Site(Hubs), async tx =>
        {
            await Stowline.Site.Fulfillment.StartPacking.DecideAsync(Hubs, packing, "ben", tx);
            await Stowline.Site.Fulfillment.AddPackage.DecideAsync(Hubs, packing, Site.FulfillmentSite.Box(), tx);
            await Stowline.Site.Fulfillment.CompletePacking.DecideAsync(Hubs, packing, tx);
            await Stowline.Site.Shipping.ShipPacking.DecideAsync(Hubs, packing, new() { Carrier = "own van" }, tx);
            return new Done();
        });
        await nodes.HubTest.DrainAsync();
    }

    /// <summary>As the hub sees it while the line is cut.</summary>
    private static async Task<(long Available, long Incoming)> StandHereAsync(TwoNodes nodes)
    {
        var item = (await nodes.HubTest.Database.ReadAsync(s => Availability.OfAsync(s, ["A"]))).Items[0];
        return (item.Available, item.Incoming);
    }
}
