using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>Kitchen and workshop: tickets, their stages and what they use up.</summary>
internal sealed class ProductionModule : Module
{
    public ProductionModule() => HttpJson.Add(ProductionJson.Default);

    public override string Name => "production";

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        TicketEndpoints.Map(api, node);
        ProductionPlans.Map(api, node);
        StopDish.Map(api, node);
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [] : [(new TicketConsumer(site), Lane.HubTo(site)), (new IngredientWatch(site), Lane.Site(site))];

    public override IReadOnlyList<SiteTable> SiteTables => [new("production_plans"), new("tickets"), new("stage_times"), new("ingredient_needs"), new("dish_stops")];

    public override IEnumerable<Pump> Pumps(Node node) => [new TicketRelease(node)];

    public override async Task<Guid?> FindOrderAsync(SqlSession session, string order, NodeRole role) => role.IsHub ? null : await OrderNames.FindAsync(session, Tickets.Table, order);

    public override async Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) =>
        resource == "tickets" ? (await TaskInput.FindAsync(database, Tickets.Table, key, ct))?.Site : null;

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) =>
    [
        ("ticket_status", async s => await s.FindAsync<string>("""
            SELECT 'ticket ' || number || ' stands in a stage that its status denies' FROM tickets
            WHERE (status = 3) <> (phase = 5) AND status <> 4 OR (status IN (3, 4)) <> (ended_at IS NOT NULL) LIMIT 1
            """)),
        ("ingredient_needs", NeedsAsync),
    ];

    private sealed record Need { public string Site { get; init; } = ""; public string Sku { get; init; } = ""; public long Needed { get; init; } }

    /// <summary>What is needed must be what open tickets that are not cooked yet will use.</summary>
    private static async Task<string?> NeedsAsync(SqlSession session)
    {
        var needed = new Dictionary<(string, string), long>();
        await foreach (var ticket in session.StreamAsync<TicketRow>($"SELECT {TicketRow.Columns} FROM tickets WHERE NOT used AND status IN (1, 2, 3)"))
            foreach (var use in ticket.ItemList.SelectMany(i => i.Uses)) needed[(ticket.Site, use.Sku)] = needed.GetValueOrDefault((ticket.Site, use.Sku)) + use.Quantity;
        await foreach (var row in session.StreamAsync<Need>("SELECT site, sku, needed FROM ingredient_needs"))
        {
            needed.Remove((row.Site, row.Sku), out var wanted);
            if (wanted != row.Needed) return $"{row.Sku} at {row.Site}: {row.Needed} are counted as needed, open tickets need {wanted}";
        }
        return needed.Count == 0 ? null : $"{needed.First().Key} is needed and not counted";
    }
}
