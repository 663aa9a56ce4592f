using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Site.Transfers;
using Stowline.Tests.Server;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: units go from site to site and are at every moment in exactly one place: promised, on their way, or granted anew (W5). Method: one node with both sites; every check of it runs.
public sealed class TransferTests
{
    private static async Task<HubNode> StartAsync(string store, int units = 10)
    {
        var hub = new HubNode(await TestNode.StartAsync(store));
        await hub.SiteAsync("WH1");
        await hub.SiteAsync("WH2");
        await hub.ProductsAsync("A", "B");
        Assert.True((await ReceiveAsync(hub, "WH1", new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = units, Lot = "L1", ExpiresOn = new DateOnly(2027, 1, 31) }]))).IsOk);
        await hub.Test.DrainAsync();
        return hub;
    }

    private static Task<Outcome<Receipt>> ReceiveAsync(HubNode hub, string site, ReceiptBody body) => hub.Test.RunAsync(Lane.Site(site), tx => ReceiveStock.DecideAsync(site, body, tx));

    private static async Task<Outcome<TransferView>> RequestAsync(HubNode hub, int units, string to = "WH2", string sku = "A")
    {
        var body = new TransferBody("WH1", to, [new TransferLineBody(sku, units)], null, "shop is empty");
        var asked = await hub.Test.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(body, tx));
        await hub.Test.DrainAsync();
        return asked;
    }

    private static async Task<TransferView> ReadAsync(HubNode hub, string id) =>
        (await hub.Test.Database.ReadAsync(async s => await TransferRows.FindAsync(s, Guid.Parse(id, CultureInfo.InvariantCulture))))!.View();

    private static async Task<Outcome<TransferReceipt>> TakeInAsync(HubNode hub, long number, int units, bool? complete = null, string site = "WH2", string? lot = "L1")
    {
        ReceiptLine[] lines = units == 0 ? [] : [new ReceiptLine { Sku = "A", Quantity = units, Lot = lot }];
        var taken = await hub.Test.RunAsync(Lane.Site(site), tx => ReceiveTransfer.DecideAsync(site, new TransferReceiptBody(number, lines, complete), tx));
        await hub.Test.DrainAsync();
        return taken;
    }

    private static async Task DoAsync<T>(HubNode hub, Func<LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        Assert.True((await hub.Test.RunAsync(Lane.Site("WH1"), decide)).IsOk);
        await hub.Test.DrainAsync();
    }

    private static async Task PickAsync(HubNode hub, string transfer, int units)
    {
        var task = await hub.Test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM picking_tasks WHERE order_id = @id", new { id = Guid.Parse(transfer, CultureInfo.InvariantCulture) }));
        await DoAsync(hub, tx => AssignPicking.DecideAsync("WH1", task, "ana", tx));
        await DoAsync(hub, tx => StartPicking.DecideAsync("WH1", task, tx));
        if (units > 0) await DoAsync(hub, tx => PickItem.DecideAsync("WH1", task, 1, new PickItemBody { Quantity = units }, tx));
        await DoAsync(hub, tx => CompletePicking.DecideAsync("WH1", task, tx));
    }

    private static async Task<Guid> PackAsync(HubNode hub, string transfer)
    {
        var packing = await hub.Test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @id", new { id = Guid.Parse(transfer, CultureInfo.InvariantCulture) }));
        await DoAsync(hub, tx => StartPacking.DecideAsync("WH1", packing, "ben", tx));
        await DoAsync(hub, tx => AddPackage.DecideAsync("WH1", packing, FulfillmentSite.Box(), tx));
        await DoAsync(hub, tx => CompletePacking.DecideAsync("WH1", packing, tx));
        return packing;
    }

    private static async Task SendAsync(HubNode hub, string transfer, int units)
    {
        await PickAsync(hub, transfer, units);
        var packing = await PackAsync(hub, transfer);
        await DoAsync(hub, tx => ShipPacking.DecideAsync("WH1", packing, new ShipPackingBody { Carrier = "own van" }, tx));
    }

    /// <summary>On hand, available and incoming at each site.</summary>
    private static async Task<string> StandAsync(HubNode hub)
    {
        await hub.Test.VerifyAsync();
        var item = (await hub.Test.Database.ReadAsync(s => Availability.OfAsync(s, ["A"]))).Items[0];
        Assert.Equal(item.Sites.Sum(s => s.Incoming), item.Incoming);
        return string.Join("; ", item.Sites.Select(s => $"{s.Site} {s.OnHand}/{s.Available}/{s.Incoming}"));
    }

    [Theory, EveryDatabase]
    public async Task Units_leave_one_site_and_are_granted_anew_by_the_other(string store)
    {
        await using var hub = await StartAsync(store);
        var asked = (await RequestAsync(hub, 4)).Value;
        Assert.Equal("WH1 10/6/0", await StandAsync(hub)); // promised to the transfer, so nobody else gets them
        await PickAsync(hub, asked.Id, 4);
        Assert.Equal(TransferStatus.Packing, (await ReadAsync(hub, asked.Id)).Status);
        var packing = await PackAsync(hub, asked.Id);
        var label = (await hub.Test.Database.ReadAsync(s => Labels.RenderAsync(s, "WH1", packing))).Value;
        Assert.Contains("WH2", label);
        Assert.Contains($"{asked.Number}", label);
        await DoAsync(hub, tx => ShipPacking.DecideAsync("WH1", packing, new ShipPackingBody { Carrier = "own van" }, tx));
        Assert.Equal("WH1 6/6/0; WH2 0/0/4", await StandAsync(hub));
        Assert.Equal((TransferStatus.InTransit, 4L), ((await ReadAsync(hub, asked.Id)).Status, (await ReadAsync(hub, asked.Id)).Lines[0].InTransit));

        var taken = (await TakeInAsync(hub, asked.Number, 4)).Value;
        Assert.Equal((true, 4L, new DateOnly(2027, 1, 31)), (taken.Arrival.Complete, taken.Arrival.Lines[0].Received, taken.Arrival.Lines[0].ExpiresOn!.Value));
        Assert.Equal("WH1 6/6/0; WH2 4/4/0", await StandAsync(hub));
        var end = await ReadAsync(hub, asked.Id);
        Assert.Equal((TransferStatus.Received, 0L, 0L), (end.Status, end.Lines[0].InTransit, end.Lines[0].Missing));
        var story = await hub.Test.Database.ReadAsync(s => Stowline.Hub.Ordering.Timeline.ReadAsync(s, Guid.Parse(asked.Id, CultureInfo.InvariantCulture)));
        Assert.Equal(["transfer.requested", "part.assigned", "part.shipped", "transfer.announced", "transfer.received", "transfer.closed"],
            story.Select(e => e.Type).Where(t => t is "part.assigned" or "part.shipped" || t.StartsWith("transfer.", StringComparison.Ordinal) && t != "transfer.status_changed"));
        var row = (await hub.Test.Database.ReadAsync(async s => await s.FindAsync<string>("SELECT lot || ' ' || CAST(expires_on AS text) FROM stock WHERE site = 'WH2'")))!;
        Assert.StartsWith("L1 2027-01-31", row); // the lot came with its date
    }

    [Theory, EveryDatabase, Trait("Needs", "server")]
    public async Task Transfers_are_listed_from_either_end_page_by_page(string store)
    {
        await using var node = await ServerNode.StartAsync(store);
        foreach (var code in new[] { "WH1", "WH2" })
        {
            await DoAsync("PUT", $"sites/{code}", """{"name":"x","type":"warehouse"}""");
            await DoAsync("PUT", $"sites/{code}/zones/S", """{"type":"storage"}""");
            await DoAsync("PUT", $"sites/{code}/bins/A-1", """{"zone":"S"}""");
        }
        await DoAsync("PUT", "products/A", """{"name":"A","price":{"amount":"1.00","currency":"EUR"}}""");
        await DoAsync("POST", "sites/WH1/receipts", """{"reference":"PO","lines":[{"sku":"A","quantity":9,"bin":"A-1"}]}""");
        for (var i = 0; i < 5; i++) await DoAsync("POST", "transfers", """{"from":"WH1","to":"WH2","lines":[{"sku":"A","quantity":1}]}""");
        var oldest = await NumbersAsync("from=WH1&");
        Assert.Equal(5, oldest.Count);
        Assert.Equal(oldest.Order(), oldest);
        Assert.Equal(Enumerable.Reverse(oldest), await NumbersAsync("from=WH1&newest=true&"));

        async Task DoAsync(string method, string path, string body)
        {
            using var answer = await node.SendAsync(method, "/api/v1/" + path, body);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        async Task<List<long>> NumbersAsync(string filter)
        {
            var numbers = new List<long>();
            for (string? cursor = ""; cursor is not null;)
            {
                var page = await node.GetAsync($"/api/v1/transfers?{filter}limit=2{cursor}");
                numbers.AddRange(page.GetProperty("items").EnumerateArray().Select(t => t.GetProperty("number").GetInt64()));
                cursor = page.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : null;
            }
            return numbers;
        }
    }

    [Theory, EveryDatabase]
    public async Task What_is_not_free_is_not_sent(string store)
    {
        await using var hub = await StartAsync(store);
        await hub.PlaceAsync("1", ("A", 8));
        var refused = (await RequestAsync(hub, 3)).Refusal!;
        Assert.Equal("insufficient_stock", refused.Code);
        Assert.Equal([new MissingUnits("A", 3, 2)], (IEnumerable<MissingUnits>)refused.Extra!["missing"]!);
        Assert.Equal("site_not_found", (await RequestAsync(hub, 1, to: "WH9")).Refusal!.Code);
        Assert.Contains("to", (await RequestAsync(hub, 1, to: "WH1")).Refusal!.Errors!.Keys);
        Assert.True((await RequestAsync(hub, 2)).IsOk);
        Assert.Equal("insufficient_stock", (await hub.PlaceAsync("2", ("A", 1))).Refusal!.Code);
        Assert.Equal("WH1 10/0/0", await StandAsync(hub));
    }

    /// Goal: a cancellation gives everything back at whatever stage before it has left. Method: each stage once.
    [Theory, EveryDatabase]
    public async Task Cancelled_before_it_left_nothing_is_missing(string store)
    {
        for (var stage = 0; stage < 3; stage++)
        {
            await using var hub = await StartAsync(store);
            var asked = (await RequestAsync(hub, 4)).Value;
            if (stage >= 1) await PickAsync(hub, asked.Id, 4);
            if (stage >= 2) await PackAsync(hub, asked.Id);
            var id = Guid.Parse(asked.Id, CultureInfo.InvariantCulture);
            Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => CancelTransfer.DecideAsync(id, "not needed", tx))).IsOk);
            await hub.Test.DrainAsync();
            var end = await ReadAsync(hub, asked.Id);
            Assert.Equal((stage, TransferStatus.Cancelled, 4L), (stage, end.Status, end.Lines[0].Short));
            foreach (var task in await hub.Test.Database.ReadAsync(s => PutBack.PendingOfAsync(s, "WH1", id))) await DoAsync(hub, tx => PutBack.DecideAsync("WH1", task, null, tx));
            Assert.Equal("WH1 10/10/0", await StandAsync(hub));
            Assert.True((await hub.Test.RunAsync(Lane.Hub, tx => CancelTransfer.DecideAsync(id, null, tx))).Existing);
        }
    }

    [Theory, EveryDatabase]
    public async Task What_has_left_is_not_cancelled(string store)
    {
        await using var hub = await StartAsync(store);
        var asked = (await RequestAsync(hub, 4)).Value;
        await SendAsync(hub, asked.Id, 4);
        Assert.Equal("already_shipped", (await hub.Test.RunAsync(Lane.Hub, tx => CancelTransfer.DecideAsync(Guid.Parse(asked.Id, CultureInfo.InvariantCulture), null, tx))).Refusal!.Code);
        Assert.Equal("WH1 6/6/0; WH2 0/0/4", await StandAsync(hub));
    }

    [Theory, EveryDatabase]
    public async Task What_the_sending_site_does_not_find_is_not_expected(string store)
    {
        await using var hub = await StartAsync(store);
        var asked = (await RequestAsync(hub, 4)).Value;
        await SendAsync(hub, asked.Id, 3);
        var view = await ReadAsync(hub, asked.Id);
        Assert.Equal((4L, 1L, 3L), (view.Lines[0].Requested, view.Lines[0].Short, view.Lines[0].Shipped));
        Assert.Equal("WH1 7/0/0; WH2 0/0/3", await StandAsync(hub)); // the rest of the bin waits for a count
        await TakeInAsync(hub, asked.Number, 3);
        Assert.Equal(TransferStatus.Received, (await ReadAsync(hub, asked.Id)).Status);

        var none = (await RequestAsync(hub, 1, sku: "B"));
        Assert.Equal("insufficient_stock", none.Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_transfer_of_which_nothing_is_found_is_short(string store)
    {
        await using var hub = await StartAsync(store);
        var asked = (await RequestAsync(hub, 4)).Value;
        await PickAsync(hub, asked.Id, 0);
        Assert.Equal((TransferStatus.Short, 4L), ((await ReadAsync(hub, asked.Id)).Status, (await ReadAsync(hub, asked.Id)).Lines[0].Short));
        Assert.Equal("WH1 10/0/0", await StandAsync(hub));
    }

    [Theory, EveryDatabase]
    public async Task Too_few_and_too_many_are_booked_as_they_come(string store)
    {
        await using var hub = await StartAsync(store);
        var few = (await RequestAsync(hub, 4)).Value;
        await SendAsync(hub, few.Id, 4);
        await TakeInAsync(hub, few.Number, 1);
        Assert.Equal("WH1 6/6/0; WH2 1/1/3", await StandAsync(hub)); // more may come
        Assert.True((await TakeInAsync(hub, few.Number, 2, complete: true)).Value.Arrival.Complete);
        Assert.Equal("WH1 6/6/0; WH2 3/3/0", await StandAsync(hub));
        Assert.Equal((TransferStatus.Received, 1L), ((await ReadAsync(hub, few.Id)).Status, (await ReadAsync(hub, few.Id)).Lines[0].Missing));
        await TakeInAsync(hub, few.Number, 1); // it was behind the seat
        Assert.Equal(0, (await ReadAsync(hub, few.Id)).Lines[0].Missing);

        var many = (await RequestAsync(hub, 2)).Value;
        await SendAsync(hub, many.Id, 2);
        await TakeInAsync(hub, many.Number, 5);
        Assert.Equal("WH1 4/4/0; WH2 9/9/0", await StandAsync(hub));
        Assert.Equal(-3, (await ReadAsync(hub, many.Id)).Lines[0].Missing);
        var closed = (await hub.LaneAsync(Lane.Hub)).Where(e => e.Type == "transfer.closed").Select(e => e.Read<TransferClosed>()).ToList();
        Assert.Equal([new SkuUnits("A", 1)], closed[0].Missing);
        Assert.Equal([new SkuUnits("A", 3)], closed[1].Surplus);
        Assert.Equal("invalid_request", (await TakeInAsync(hub, many.Number, 0)).Refusal!.Code); // nothing is said
    }

    [Theory, EveryDatabase]
    public async Task Goods_under_a_number_that_is_no_transfer_are_goods_all_the_same(string store)
    {
        await using var hub = await StartAsync(store);
        Assert.True((await TakeInAsync(hub, 4711, 2)).IsOk);
        Assert.Equal("WH1 10/10/0; WH2 2/2/0", await StandAsync(hub));
        Assert.Equal((4711L, "WH2"), (await hub.LaneAsync(Lane.Hub)).Where(e => e.Type == "transfer.unknown").Select(e => e.Read<TransferUnknown>()).Select(u => (u.Number, u.Site)).Single());
    }

    [Theory, EveryDatabase]
    public async Task Verify_finds_units_that_vanish_on_the_way(string store)
    {
        await using var hub = await StartAsync(store);
        var asked = (await RequestAsync(hub, 4)).Value;
        await SendAsync(hub, asked.Id, 4);
        await using (var session = await hub.Test.Database.OpenAsync(readOnly: false, default)) await session.ExecuteAsync("UPDATE allotments SET incoming = 3 WHERE site = 'WH2'");
        Assert.Contains("3 units are expected, 4 are on their way", (await Verification.RunAsync(hub.Node)).Checks["in_transit"], StringComparison.Ordinal);
        await using (var session = await hub.Test.Database.OpenAsync(readOnly: false, default)) await session.ExecuteAsync("UPDATE transfer_lines SET requested = 5, shipped = 5");
        Assert.Contains("WH1 has shipped 4", (await Verification.RunAsync(hub.Node)).Checks["in_transit"], StringComparison.Ordinal);
    }
}
