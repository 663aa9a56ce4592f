using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Production;
using Stowline.Tests.Support;

namespace Stowline.Tests.Kitchen;

/// <summary>A whole node with kitchens and a small menu: a margherita (2 of dough) in two sizes, with olives as an extra.</summary>
public sealed class KitchenNode(TestNode test) : IAsyncDisposable
{
    public TestNode Test => test;
    public Node Node => test.Node;
    public AcceptOrders Intake => Node.Modules.OfType<OrderingModule>().Single().Intake!;

    public static Task<KitchenNode> StartAsync(string store) => StartAsync(store, null, null);

    /// <param name="hours">The site's <c>working_hours</c>.</param>
    public static async Task<KitchenNode> StartAsync(string store, string? hours, string? zone)
    {
        var kitchen = new KitchenNode(await TestNode.StartAsync(store));
        await kitchen.SiteAsync("K1", zone, hours: hours);
        await kitchen.MenuAsync();
        return kitchen;
    }

    public async Task SiteAsync(string code, string? zone = null, double? latitude = null, double? longitude = null, SiteType type = SiteType.Kitchen, string? hours = null)
    {
        var body = new SiteBody
        {
            Name = code, Type = type, TimeZone = zone, Latitude = latitude, Longitude = longitude, WorkingHours = hours is null ? null : System.Text.Json.JsonDocument.Parse(hours).RootElement,
        };
        Assert.True((await test.RunAsync(Lane.Hub, tx => SaveSite.DecideAsync(code, body, tx, Node))).IsOk);
        await test.DrainAsync();
    }

    public async Task MenuAsync() => Assert.True((await test.RunAsync(Lane.Hub, tx => SaveMenu.DecideAsync(Menu, tx))).IsOk);

    /// <summary>A kitchen with the menu on a node whose pumps run.</summary>
    public static async Task SetUpAsync(Node node, SlotPlanBody plan)
    {
        Assert.True((await node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => SaveSite.DecideAsync("K1", new SiteBody { Name = "K1", Type = SiteType.Kitchen }, tx, node))).IsOk);
        Assert.True((await node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => SaveMenu.DecideAsync(Menu, tx))).IsOk);
        Assert.True((await node.Lanes.ExecuteAsync(Lane.Hub, TestNode.Tester, tx => SlotPlans.DecideAsync("K1", plan, tx))).IsOk);
    }

    private static readonly List<MenuBody?> Menu = [new MenuBody
    {
        Dish = "margherita", Name = "Margherita", Station = "oven", WorkMinutes = 4, Ingredients = [new DosageBody("Dough", 2), new DosageBody("Mozzarella", 1)],
        Variants = [new VariantBody { Sku = "marg-s", Size = "S", Price = new Money(10, "EUR") }, new VariantBody { Sku = "marg-l", Size = "L", Price = new Money(14, "EUR"), WorkMinutes = 6 }],
        Extras = [new VariantBody { Sku = "olives", Price = new Money(1.5m, "EUR"), Ingredients = [new DosageBody("Olives", 5)] }],
    }];

    public async Task<Outcome<SlotPlanView>> PlanAsync(SlotPlanBody body, string site = "K1") => await test.RunAsync(Lane.Hub, tx => SlotPlans.DecideAsync(site, body, tx));

    /// <summary>Slots of 15 minutes with so many pieces, today only, without a lead.</summary>
    public async Task PlanAsync(long capacity, string site = "K1", OpeningHours? hours = null) =>
        Assert.True((await PlanAsync(new SlotPlanBody { Measure = SlotMeasure.Units, Capacity = capacity, LeadMinutes = 0, VisibleMinutes = 0, Hours = hours }, site)).IsOk);

    public AcceptOrder Order(int quantity, string sku = "marg-s", Func<OrderBody, OrderBody>? more = null)
    {
        var body = new OrderBody { Channel = "web", Lines = [new OrderLineBody(sku, quantity, null)] };
        return AcceptOrder.From(more?.Invoke(body) ?? body, Node.Ids).Value;
    }

    public async Task<Outcome<OrderView>> PlaceAsync(AcceptOrder order) => (await test.PumpUntilAsync(Intake.AcceptAsync(order, TestNode.Tester))).Outcome;
    public Task<Outcome<OrderView>> PlaceAsync(int quantity, string sku = "marg-s", Func<OrderBody, OrderBody>? more = null) => PlaceAsync(Order(quantity, sku, more));
    public async Task<OrderView> ReadAsync(string id) => (await test.Database.ReadAsync(s => ReadOrders.FindAsync(s, id)))!;

    public async Task<Outcome<OrderView>> CancelAsync(string id)
    {
        var answer = await test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(id), "changed their mind", tx));
        await test.DrainAsync();
        return answer;
    }

    public async Task<Outcome<T>> AtAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide, string site = "K1")
    {
        var answer = await test.RunAsync(Lane.Site(site), decide);
        await test.DrainAsync();
        return answer;
    }

    /// <summary>The ticket of an order, whichever kitchen has it.</summary>
    public async Task<TicketRow> TicketAsync(string order)
    {
        await test.DrainAsync();
        return (await test.Database.ReadAsync(async s => await s.FindAsync<TicketRow>("SELECT * FROM tickets WHERE order_id = @id", new { id = Guid.Parse(order) })))!;
    }

    private sealed record UsedRow { public long StartsAt { get; init; } public long Used { get; init; } }

    /// <summary>What is used per slot, by start, without empty ones.</summary>
    public async Task<IReadOnlyDictionary<long, long>> UsedAsync(string site = "K1") => (await test.Database.ReadAsync(async s =>
        await s.QueryAsync<UsedRow>("SELECT starts_at, used FROM slots WHERE site = @site AND used > 0 ORDER BY starts_at", new { site }))).ToDictionary(r => r.StartsAt, r => r.Used);

    public ValueTask DisposeAsync() => test.DisposeAsync();
}
