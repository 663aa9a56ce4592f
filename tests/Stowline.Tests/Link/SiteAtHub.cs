using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Tests.Hub;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// <summary>A hub that is all in one with its sites WH1 and WH2, before WH2 is moved out: with A at WH2 and B at WH1, and work in every state.</summary>
internal sealed class SiteAtHub(TestNode node)
{
    public const string Code = TwoNodes.Code;
    public const string Other = "WH1";
    private static readonly AddressDetails Address = new(null, "Long Street 1", null, "Belgrade", null, "11000", "RS", null, null);

    public TestNode Node => node;
    public HubNode Hub => new(node);

    public static async Task<SiteAtHub> StartAsync(string store, int seed = 1)
    {
        var site = new SiteAtHub(await TestNode.StartAsync(store, NodeRole.Hub, new ManualTime(), seed));
        await site.Hub.SiteAsync(Code);
        await site.Hub.SiteAsync(Other);
        await site.Hub.ProductsAsync("A", "B");
        await site.ReceiveAsync(Code, "A", 100);
        await site.ReceiveAsync(Other, "B", 20);
        return site;
    }

    // ---- what people do

    public Task<Outcome<T>> AtAsync<T>(string site, Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => node.RunAsync(Lane.Site(site), decide);

    public async Task ReceiveAsync(string site, string sku, int units) =>
        Assert.True((await AtAsync(site, tx => ReceiveStock.DecideAsync(site, new ReceiptBody("PO", [new ReceiptLine { Sku = sku, Quantity = units }]), tx))).IsOk);

    public async Task<string> OrderAsync(string external, int units, string sku = "A", string? email = null) => (await TryOrderAsync(external, units, sku, email))!;

    /// <summary>Null where the hub has not so many to promise.</summary>
    public async Task<string?> TryOrderAsync(string external, int units, string sku = "A", string? email = null)
    {
        var placed = await Hub.PlaceAsync(Hub.Order(external, [(sku, units)], b => email is null ? b : b with { Customer = new CustomerDetails("Ana", email, null), ShipTo = Address }).Value);
        await node.DrainAsync();
        return placed.IsOk ? placed.Value.Id : null;
    }

    /// <param name="units">How many of each item; all where nothing is said.</param>
    public async Task PickAsync(string site, string order, int units = int.MaxValue, bool complete = true, int part = 1)
    {
        Assert.True((await AtAsync<Done>(site, async tx =>
        {
            var picking = (await PickingTasks.FindByPartAsync(tx, Guid.Parse(order), part))!;
            await AssignPicking.DecideAsync(site, picking.Task.Id, "ana", tx);
            await StartPicking.DecideAsync(site, picking.Task.Id, tx);
            foreach (var item in picking.Items) await PickItem.DecideAsync(site, picking.Task.Id, item.Item, new PickItemBody { Quantity = Math.Min(units, item.QuantityRequired) }, tx);
            if (complete) await CompletePicking.DecideAsync(site, picking.Task.Id, tx);
            return new Done();
        })).IsOk);
        await node.DrainAsync();
    }

    public async Task PackAsync(string site, string order, bool ship)
    {
        var id = await node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @id", new { id = Guid.Parse(order) }));
        Assert.True((await AtAsync<Done>(site, async tx =>
        {
            await StartPacking.DecideAsync(site, id, "ben", tx);
            await AddPackage.DecideAsync(site, id, FulfillmentSite.Box(), tx);
            await CompletePacking.DecideAsync(site, id, tx);
            if (ship) await ShipPacking.DecideAsync(site, id, new ShipPackingBody { Carrier = "post" }, tx);
            return new Done();
        })).IsOk);
        await node.DrainAsync();
    }

    public async Task<TransferView> TransferAsync(string from, string to, string sku, int units)
    {
        var asked = (await node.RunAsync(Lane.Hub, tx => RequestTransfer.DecideAsync(new TransferBody(from, to, [new TransferLineBody(sku, units)], null, null), tx))).Value;
        await node.DrainAsync();
        return asked;
    }

    // ---- work in every state

    /// <summary>Orders by what state they are in.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FillAsync()
    {
        var orders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var state in new[] { "allocated", "picking", "short", "picked", "packed", "shipped", "held", "given back", "cancelling" }) orders[state] = await OrderAsync(state, 4);
        await PickAsync(Code, orders["picking"], 2, complete: false);
        await PickAsync(Code, orders["short"], 1);
        foreach (var state in new[] { "picked", "packed", "shipped", "given back" }) await PickAsync(Code, orders[state]);
        await PackAsync(Code, orders["packed"], ship: false);
        await PackAsync(Code, orders["shipped"], ship: true);
        Assert.True((await node.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(Guid.Parse(orders["held"]), true, "wait", tx))).IsOk);
        await CancelAsync(orders["given back"]);
        var body = new ReceiveReturnBody { Reference = "R1", Reason = "broken", Lines = [new ReturnLineBody { Sku = "A", Quantity = 1 }, new ReturnLineBody { Sku = "A", Quantity = 1, Condition = "damaged" }] };
        Assert.True((await AtAsync(Code, tx => ReceiveReturn.DecideAsync(Code, body, tx))).IsOk);
        await ReceiveAsync(Code, "A", 20); // where the short pick was, all that is left waits for a count
        await node.DrainAsync();
        return orders;
    }

    public async Task CancelAsync(string order)
    {
        await node.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(order), "no more", tx));
        await node.DrainAsync();
    }

    /// <summary>What the hub has decided and the site has not read: an order with an address, where there is stock for it, and a cancellation.</summary>
    public async Task<string> DecideUnreadAsync(string cancelled)
    {
        var late = Hub.Order("late", [("A", 3)], b => b with { Customer = new CustomerDetails("Ana", "ana@example.com", null), ShipTo = Address }).Value;
        _ = Hub.Intake.AcceptAsync(late, TestNode.Tester); // not waited for: that would be waiting for the site
        _ = node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => CancelOrder.DecideAsync(Guid.Parse(cancelled), "no more", tx));
        foreach (var writer in node.Lanes.Writers.ToArray())
            while (await writer.RunOnceAsync(default)) { }
        Assert.Equal(0, await node.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM fulfillment_orders f JOIN orders o ON o.id = f.order_id WHERE o.external_id = 'late'")));
        return (await node.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM orders WHERE external_id = 'late'"))).ToString("D", CultureInfo.InvariantCulture);
    }
}
