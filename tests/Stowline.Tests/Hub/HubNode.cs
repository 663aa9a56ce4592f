using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Hooks;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// <summary>A node seen from the hub: the tests play the sites by writing what a site would say.</summary>
public sealed class HubNode(TestNode node) : IAsyncDisposable
{
    private readonly Dictionary<(string, string), Balance> _books = [];

    public TestNode Test => node;
    public Node Node => node.Node;
    public AcceptOrders Intake => Node.Modules.OfType<OrderingModule>().Single().Intake!;

    /// <param name="more">Modules beside those that every test of the hub needs.</param>
    public static async Task<HubNode> StartAsync(string store, params Module[] more) => new(await TestNode.StartAsync(store, modules: [.. Modules(), .. more]));

    /// <param name="sqlite">Another kind of SQLite database than the ordinary one.</param>
    internal static async Task<HubNode> StartAsync(string store, Func<string, TimeProvider, SqliteDatabase> sqlite) => new(await TestNode.StartAsync(store, modules: Modules(), sqlite: sqlite));

    /// <summary>Another process on the same database.</summary>
    public async Task<HubNode> BesideAsync(params Module[] more) => new(await node.BesideAsync([.. Modules(), .. more]));

    private static Module[] Modules() => [new CatalogModule(), new PromisingModule(), new OrderingModule(), new HooksModule()];

    public async Task SiteAsync(string code, double? latitude = null, double? longitude = null, SiteType type = SiteType.Warehouse, bool active = true)
    {
        var body = new SiteBody { Name = code, Type = type, Latitude = latitude, Longitude = longitude, Active = active };
        Assert.True((await node.RunAsync(Lane.Hub, tx => SaveSite.DecideAsync(code, body, tx, Node))).IsOk);
    }

    public async Task ProductsAsync(params string[] skus)
    {
        var items = SaveProducts.CheckAll([.. skus.Select(s => new ProductBody { Sku = s, Name = s, Price = new Money(2.5m, "EUR") })]);
        Assert.True((await node.RunAsync(Lane.Hub, tx => SaveProducts.DecideAsync(items.Value, tx))).IsOk);
    }

    /// <summary>The site says that it grants more (and has it on hand).</summary>
    public Task GrantAsync(string site, string sku, int units) => SayAsync(site, sku, b => b with { Granted = b.Granted + units, OnHand = b.OnHand + units },
        b => new StockMoved("receipt", [], [b]));

    public Task SayAsync<T>(string site, string sku, Func<Balance, Balance> change, Func<Balance, T> tell, Guid? order = null) where T : IEvent
    {
        var balance = change(_books.GetValueOrDefault((site, sku)) ?? new Balance(sku, 1, 0, 0, 0, 0, 0, 0));
        _books[(site, sku)] = balance;
        return TellAsync(site, tell(balance), order);
    }

    public async Task TellAsync<T>(string site, T what, Guid? order = null) where T : IEvent
    {
        await node.RunAsync<Done>(Lane.Site(site), tx =>
        {
            tx.Append(Lane.Site(site), what, order?.ToString() ?? "stock", order);
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await node.DrainAsync();
    }

    public Outcome<AcceptOrder> Order(string? external, (string Sku, int Quantity)[] lines, Func<OrderBody, OrderBody>? more = null)
    {
        var body = new OrderBody { Channel = "web", ExternalId = external, Lines = [.. lines.Select(l => (OrderLineBody?)new OrderLineBody(l.Sku, l.Quantity, null))] };
        return AcceptOrder.From(more?.Invoke(body) ?? body, Node.Ids);
    }

    public async Task<Outcome<OrderView>> PlaceAsync(string? external, params (string Sku, int Quantity)[] lines) => await PlaceAsync(Order(external, lines).Value);

    public async Task<Outcome<OrderView>> PlaceAsync(AcceptOrder order) =>
        (await node.PumpUntilAsync(Intake.AcceptAsync(order, TestNode.Tester))).Outcome;

    public async Task<OrderView> ReadAsync(string id) => (await node.Database.ReadAsync(s => ReadOrders.FindAsync(s, id)))!;

    public async Task<long> AvailableAsync(string sku) =>
        (await node.Database.ReadAsync(s => Stowline.Hub.Promising.Availability.OfAsync(s, [sku]))).Items[0].Available;

    public async Task<IReadOnlyList<EventRecord>> LaneAsync(Lane lane) => await node.Lanes.ReadAsync(lane, 0, 10_000);

    public ValueTask DisposeAsync() => node.DisposeAsync();
}
