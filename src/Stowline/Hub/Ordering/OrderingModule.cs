using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>Orders: intake, state, timeline, cancellation, and the process that follows what sites report.</summary>
public sealed class OrderingModule : Module
{
    public OrderingModule()
    {
        HttpJson.Add(OrderingJson.Default);
        HttpJson.Add(SimulationJson.Default);
    }

    public override string Name => "ordering";

    /// <summary>A site was given up, and what it had to do must go to others.</summary>
    internal Signal Leaving { get; } = new();
    private Lanes? _lanes;

    /// <summary>Order intake of this node, for every door an order may come through.</summary>
    public AcceptOrders? Intake { get; private set; }

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        IntakeOf(node);
        _lanes = node.Lanes;
        node.Lanes.Meter.Get<OrderMetrics>(); // there from the start, not from the first order on
        return Task.CompletedTask;
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        var intake = IntakeOf(node);
        intake.Map(api);
        StuckOrders.Map(api, node);
        SimulateRouting.Map(api, node);
        ReadOrders.Map(api, node);
        CancelOrder.Map(api, node);
        ChangeOrder.Map(api, node);
        Timeline.Map(api, node);
        SavePool.Map(api, node, intake.Routing);
        GiveUpSite.Map(api, node, Leaving);
        new Throughput(node).Map(api);
    }

    /// <summary>Also for a node that only looks and has not started its modules: it makes routes and consumers all the same, and runs none.</summary>
    private AcceptOrders IntakeOf(Node node) => Intake ??= new AcceptOrders(node);

    public override IEnumerable<Pump> Pumps(Node node) => [new StuckWatch(node), new ReservationExpiry(node), new MeasureSites(node, Intake!.Routing), new GiveUpSweep(node, Intake!.Routing, Leaving), new PartitionsAhead(node.Database, "orders", "SELECT order_partitions(@now, @ahead)")];

    public override async Task<IReadOnlyList<StuckWork>> StuckAsync(SqlSession session, StuckRules rules, DateTimeOffset now, int limit) =>
        [.. await StuckScan.RunAsync(session, rules, now, limit), .. await Reservations.StuckAsync(session, rules, now, limit)];

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) => [(new SiteBooks(site, IntakeOf(node).Routing, node.Lanes), Lane.Site(site))];

    public override bool Recovers(string type) => OrderRecovery.Recovers(type) || type == SiteGivenUp.Type || type == SiteTakenBack.Type;

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        await OrderRecovery.RunAsync(site, events, tx);
        await RecoverGivenUpAsync(site, events, tx);
    }

    private async ValueTask RecoverGivenUpAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site) && (e.Type == SiteGivenUp.Type || e.Type == SiteTakenBack.Type))) await GiveUpSite.RecoverAsync(site, e, tx, _lanes!);
    }

    public override ValueTask LeaveOutAsync(LaneTransaction tx) => RecoveredOrders.RenumberAsync(tx);
    public override ValueTask<string?> FindClashAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => JoinedOrders.FindClashAsync(site, events, tx);
    public override async ValueTask JoinAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        await JoinedOrders.RunAsync(site, events, tx);
        await RecoverGivenUpAsync(site, events, tx);
    }

    public override ValueTask JoinedAsync(string site, LaneTransaction tx) => RecoveredOrders.GoOnAsync(tx, Intake!.Routing, site);
    public override ValueTask GoOnAsync(string site, LaneTransaction tx) => RecoveredOrders.GoOnAsync(tx, Intake!.Routing);

    public override Task<Guid?> FindOrderAsync(SqlSession session, string order, NodeRole role) => ReadOrders.IdOfAsync(session, order);

    public override async Task<Guid?> FindPersonOfOrderAsync(SqlSession session, string order) =>
        await ReadOrders.IdOfAsync(session, order) is not { } id ? null
            : await session.FindAsync<Guid?>("SELECT person_id FROM orders WHERE id = @id", new { id }) ?? (await ArchivedOrders.FindAsync(session, id))?.Order.PersonId;

    public override async Task<IReadOnlyCollection<Guid>> LiveOrdersAsync(SqlSession session, IReadOnlyList<Guid> orders)
    {
        var live = new List<Guid>();
        await session.SelectAsync("SELECT id FROM orders WHERE id = k.id", orders.Count, [Column.From("id", orders, o => o)], row => live.Add(row.GetGuid(0)));
        return live;
    }

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => OrderChecks.All;
}
