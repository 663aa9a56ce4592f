using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>Fulfillment at a site: parts of orders, picking, packing, put-back (F2–F4, W6, W7).</summary>
internal sealed class FulfillmentModule : Module
{
    public FulfillmentModule() => HttpJson.Add(FulfillmentJson.Default);

    private Node? _node;

    public override string Name => "fulfillment";

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        _node = node;
        node.Lanes.Meter.Get<FulfillmentMetrics>(); // there from the start, not from the first task on
        return Task.CompletedTask;
    }

    public override Task<IReadOnlyList<StuckWork>> StuckAsync(SqlSession session, StuckRules rules, DateTimeOffset now, int limit) =>
        StuckTasks.RunAsync(session, _node!.Sites, rules, now, limit);

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        PickingEndpoints.Map(api, node);
        PackingEndpoints.Map(api, node);
        PutBack.Map(api, node);
        LabelSettings.Map(api, node);
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [(new TaskCopies(site), Lane.Site(site))] : [(new PartConsumer(site), Lane.HubTo(site))];

    public override IReadOnlyList<SiteTable> SiteTables =>
    [
        new("fulfillment_orders") { Person = "person_id" },
        new("picking_items") { Of = "task_id IN (SELECT id FROM picking_tasks WHERE site = @site)", Stays = true },
        new("picking_tasks") { As = TaskCopies.Owned, Stays = true },
        new("packages") { Of = "task_id IN (SELECT id FROM packing_tasks WHERE site = @site)", Stays = true },
        new("packing_tasks") { As = TaskCopies.Owned, Stays = true },
        new("put_back_tasks"), new("label_settings"),
        new("sscc_stems") { Stays = true }, // nobody else may ever have them
    ];

    public override ValueTask MoveOutAsync(string site, LaneTransaction tx) => TaskCopies.BeginAsync(site, tx);
    public override ValueTask LetGoAsync(string site, LaneTransaction tx) => TaskCopies.LetGoAsync(site, tx);

    public override bool Recovers(string type) => FulfillmentRecovery.Recovers(type);
    public override ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => FulfillmentRecovery.RunAsync(site, events, tx);
    public override async ValueTask FinishRecoveryAsync(string site, LaneTransaction tx)
    {
        if (!_node!.Role.IsHub) await FulfillmentRecovery.FinishAsync(site, tx);
    }

    public override async Task<Guid?> FindOrderAsync(SqlSession session, string order, NodeRole role) =>
        role.IsHub ? null : await OrderNames.FindAsync(session, "fulfillment_orders", order);

    public override async Task<string?> FindHeldAsync(SqlSession session, string site) => await session.FindAsync<string>(
        "SELECT site FROM fulfillment_orders WHERE site = @site LIMIT 1", new { site }) is null ? null : "parts of orders";

    public override async Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) => resource switch
    {
        "picking-tasks" => (await TaskInput.FindAsync(database, PickingEndpoints.Table, key, ct))?.Site,
        "packing-tasks" => (await TaskInput.FindAsync(database, PackingEndpoints.Table, key, ct))?.Site,
        "put-back-tasks" => (await TaskInput.FindAsync(database, "put_back_tasks", key, ct))?.Site,
        _ => null,
    };

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) =>
    [
        ("fulfillment reservations", FulfillmentChecks.ReservationsAsync),
        ("fulfillment tasks", FulfillmentChecks.TasksAsync),
    ];
}
