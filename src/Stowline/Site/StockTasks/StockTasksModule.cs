using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.StockTasks;

/// <summary>What people are sent to do with stock: counts, asked for, planned or after short picks; and taking away what has expired (W5).</summary>
internal sealed class StockTasksModule : Module
{
    public StockTasksModule() => HttpJson.Add(StockTasksJson.Default);

    private Node? _node;

    public override string Name => "stock-tasks";

    /// <summary>Which SKUs the catalogue has; null accepts all. Asked for goods that are found where the books know of none.</summary>
    public ProductLookup? KnowsProduct { get; set; }

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        _node = node;
        return Task.CompletedTask;
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        AskForCount.Map(api, node);
        CountSettings.Map(api, node);
        StockTaskEndpoints.Map(api, node, this);
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        [(node.IsRemote(site) ? new StockTaskCopies(site) : new StockTaskConsumer(site), Lane.Site(site))];

    public override IReadOnlyList<SiteTable> SiteTables =>
    [
        new("stock_task_lines") { Stays = true }, new("stock_tasks") { As = TaskCopies.Owned, Stays = true }, new("bin_counts") { Stays = true }, new("count_settings") { Stays = true },
    ];

    public override ValueTask MoveOutAsync(string site, LaneTransaction tx) => StockTaskCopies.BeginAsync(site, tx);

    public override IEnumerable<Pump> Pumps(Node node) => [new CountPlanner(node)];

    public override bool Recovers(string type) => StockTaskCopies.Tells(type);

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        EventRecord[] told = [.. events.Where(e => e.Lane == Lane.Site(site) && StockTaskCopies.Tells(e.Type))];
        if (told.Length > 0) await new StockTaskCopies(site).HandleAsync(told, tx);
    }

    /// <summary>The tasks are the site's own, not copies.</summary>
    public override async ValueTask FinishRecoveryAsync(string site, LaneTransaction tx)
    {
        if (!_node!.Role.IsHub) await tx.WriteAsync("UPDATE stock_tasks SET as_of = NULL WHERE site = @site AND as_of IS NOT NULL", new { site });
    }

    public override async Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) =>
        resource == "stock-tasks" ? (await TaskInput.FindAsync(database, StockTasksTable.Name, key, ct))?.Site : null;

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => [("stock tasks", LinesAsync)];

    /// <summary>Tasks count their lines right, and what has ended has none open.</summary>
    private static async Task<string?> LinesAsync(SqlSession session) => await session.FindAsync<long?>("""
        SELECT t.number FROM stock_tasks t
        WHERE t.total_lines <> (SELECT COUNT(*) FROM stock_task_lines l WHERE l.task_id = t.id)
            OR t.done_lines <> (SELECT COUNT(*) FROM stock_task_lines l WHERE l.task_id = t.id AND l.status NOT IN (@open, @cancelled))
            OR t.status IN (@completed, @ended) AND EXISTS (SELECT 1 FROM stock_task_lines l WHERE l.task_id = t.id AND l.status = @open) LIMIT 1
        """, new
        {
            open = StockTaskLineStatus.Open, cancelled = StockTaskLineStatus.Cancelled, completed = StockTaskStatus.Completed, ended = StockTaskStatus.Cancelled,
        }) is { } wrong ? $"stock task {wrong} counts its lines wrong" : null;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AskForCountBody))]
[JsonSerializable(typeof(CountTasks))]
[JsonSerializable(typeof(CountSettingsBody))]
[JsonSerializable(typeof(CountSettingsView))]
[JsonSerializable(typeof(CountLineBody))]
[JsonSerializable(typeof(RemoveLineBody))]
[JsonSerializable(typeof(StockTask))]
[JsonSerializable(typeof(Page<StockTask>))]
internal sealed partial class StockTasksJson : JsonSerializerContext;
