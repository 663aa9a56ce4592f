using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.StockTasks;

/// <summary>The endpoints of stock tasks, and the reads among them.</summary>
internal static class StockTaskEndpoints
{
    public static void Map(IEndpointRouteBuilder api, Node node, StockTasksModule module)
    {
        var tasks = api.MapGroup("/stock-tasks").WithTags("Stock tasks");
        tasks.Get("", http => ListAsync(http, node)).WithSummary("Stock tasks, oldest first unless the newest are asked for").Pages<StockTask>()
            .Reads("site", "Only at this site.").Reads("status", "Only in this state.", typeof(StockTaskStatus)).Reads("worker", "Only of this worker.")
            .Reads("newest", "true for the newest first.");
        tasks.MapGet("/{key}", (HttpContext http, string key) => GetAsync(http, node, key)).WithSummary("One stock task by id or number").Produces<StockTask>();
        tasks.MapPost("/{key}/assign", (HttpContext http, string key) => RunAsync<AssignPickingBody>(http, node, key, (site, id, body, tx) => StockTaskSteps.AssignAsync(site, id, body.Worker, tx)))
            .WithSummary("Give a task to a worker").Takes<AssignPickingBody>().Produces<StockTask>();
        tasks.MapPost("/{key}/start", (HttpContext http, string key) => TaskInput.RunAsync(http, node, StockTasksTable.Name, key, StockTasksTable.NotFound, StockTaskSteps.StartAsync))
            .WithSummary("Start an assigned task").Produces<StockTask>();
        tasks.MapPost("/{key}/count", (HttpContext http, string key) => RunAsync<CountLineBody>(http, node, key, (site, id, body, tx) => RecordLine.CountAsync(site, id, body, tx, module.KnowsProduct)))
            .WithSummary("Record what was counted of one SKU and lot in a bin").Takes<CountLineBody>().Produces<StockTask>();
        tasks.MapPost("/{key}/remove", (HttpContext http, string key) => RunAsync<RemoveLineBody>(http, node, key, (site, id, body, tx) => RecordLine.RemoveAsync(site, id, body, tx)))
            .WithSummary("Take units of an expired lot away").Takes<RemoveLineBody>().Produces<StockTask>();
        tasks.MapPost("/{key}/complete", (HttpContext http, string key) => TaskInput.RunAsync(http, node, StockTasksTable.Name, key, StockTasksTable.NotFound, StockTaskSteps.CompleteAsync))
            .WithSummary("Complete a task; what was far from the books becomes a task to count it again").Produces<StockTask>();
        tasks.MapPost("/{key}/cancel", (HttpContext http, string key) => RunAsync<CancelTaskBody>(http, node, key, (site, id, body, tx) => StockTaskSteps.CancelAsync(site, id, body.Reason, tx)))
            .WithSummary("Give a task up").Takes<CancelTaskBody>().Produces<StockTask>();
    }

    private static Task RunAsync<TBody>(HttpContext http, Node node, string key, Func<string, Guid, TBody, Log.LaneTransaction, ValueTask<Outcome<StockTask>>> decide) where TBody : class, new() =>
        TaskInput.RunAsync(http, node, StockTasksTable.Name, key, StockTasksTable.NotFound, decide);

    private static async Task GetAsync(HttpContext http, Node node, string key)
    {
        if (await TaskInput.FindAsync(node.Database, StockTasksTable.Name, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, StockTasksTable.NotFound(key)); return; }
        var task = await node.Database.ReadAsync(async session => await StockTasksTable.FindAsync(session, found.Site, found.Id), http.RequestAborted);
        await Answers.WriteAsync<StockTask>(http, task!.Shown);
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var filter = TaskFilter.Of<StockTaskStatus>(paging.Value.Limit, paging.Value.Cursor, Requests.Query(http, "site"), Requests.Query(http, "status"), null, Requests.Query(http, "worker"),
            newest: Requests.Query(http, "newest") == "true");
        if (filter.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        await Answers.WriteAsync<Page<StockTask>>(http, await node.Database.ReadAsync(async session =>
        {
            var (ids, next) = filter.Value.Cut(await TaskPage.IdsAsync<StockTaskStatus>(session, StockTasksTable.Name, filter.Value), id => id);
            return new Page<StockTask>(await StockTasksTable.PageAsync(session, ids), next);
        }, http.RequestAborted));
    }
}
