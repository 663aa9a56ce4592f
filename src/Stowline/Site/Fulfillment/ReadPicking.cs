using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>The picking endpoints (contract, Fulfillment at a site), and the reads among them.</summary>
internal static class PickingEndpoints
{
    public const string Table = "picking_tasks";

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        var tasks = api.MapGroup("/picking-tasks").WithTags("Picking");
        tasks.Get("", http => ListAsync(http, node)).WithSummary("Picking tasks, oldest first").Pages<PickingTask>()
            .Reads("site", "Only at this site.").Reads("status", "Only in this state.", typeof(PickingStatus))
            .Reads("order", "Only of this order, by id, number or channel:external_id.").Reads("worker", "Only of this worker.");
        tasks.MapGet("/{key}", (HttpContext http, string key) => GetAsync(http, node.Database, key)).WithSummary("One picking task by id or number").Produces<PickingTask>();
        tasks.MapGet("/{key}/next-item", (HttpContext http, string key) => NextItemAsync(http, node.Database, key))
            .WithSummary("The next item on the path; 204 when nothing is left").Produces<PickingItem>().Produces(StatusCodes.Status204NoContent);
        MapLifecycle(tasks, node);
        MapItems(tasks, node);
    }

    private static void MapLifecycle(RouteGroupBuilder tasks, Node node)
    {
        tasks.MapPost("/{key}/assign", (HttpContext http, string key) => TaskInput.RunAsync<AssignPickingBody, PickingTask>(http, node, Table, key, PickingTasks.NotFound,
            (site, id, body, tx) => AssignPicking.DecideAsync(site, id, body.Worker, tx))).WithSummary("Give a task to a worker").Takes<AssignPickingBody>().Produces<PickingTask>();
        tasks.MapPost("/{key}/start", (HttpContext http, string key) => TaskInput.RunAsync(http, node, Table, key, PickingTasks.NotFound, StartPicking.DecideAsync))
            .WithSummary("Start an assigned task").Produces<PickingTask>();
        tasks.MapPost("/{key}/complete", (HttpContext http, string key) => TaskInput.RunAsync(http, node, Table, key, PickingTasks.NotFound, CompletePicking.DecideAsync))
            .WithSummary("Complete a task; what was not picked is short and routed again").Produces<PickingTask>();
        tasks.MapPost("/{key}/cancel", (HttpContext http, string key) => TaskInput.RunAsync<CancelTaskBody, PickingTask>(http, node, Table, key, PickingTasks.NotFound,
            (site, id, body, tx) => CancelPicking.DecideAsync(site, id, body.Reason, tx)))
            .WithSummary("Cancel a task and give its part of the order back").Takes<CancelTaskBody>().Produces<PickingTask>();
    }

    private static void MapItems(RouteGroupBuilder tasks, Node node)
    {
        tasks.MapPost("/{key}/items/{item}/pick", (HttpContext http, string key, string item) => TaskInput.RunAsync<PickItemBody, PickingTask>(http, node, Table, key,
            PickingTasks.NotFound, (site, id, body, tx) => PickItem.DecideAsync(site, id, ItemNumber(item), body, tx)))
            .WithSummary("Pick units of one item").Takes<PickItemBody>().Produces<PickingTask>();
        tasks.MapPost("/{key}/items/pick", (HttpContext http, string key) => TaskInput.RunAsync<PickItemsBody, PickingTask>(http, node, Table, key,
            PickingTasks.NotFound, (site, id, body, tx) => PickItem.DecideAsync(site, id, body, tx)))
            .WithSummary("Pick several items at once, all or none").Takes<PickItemsBody>().Produces<PickingTask>();
        tasks.MapPost("/{key}/items/{item}/skip", (HttpContext http, string key, string item) => TaskInput.RunAsync<SkipItemBody, PickingTask>(http, node, Table, key,
            PickingTasks.NotFound, (site, id, body, tx) => SkipItem.DecideAsync(site, id, ItemNumber(item), body.Reason, tx)))
            .WithSummary("Skip an item with a reason").Takes<SkipItemBody>().Produces<PickingTask>();
    }

    /// <summary>Items count from 1, so what is no number is an item that the task does not have.</summary>
    private static int ItemNumber(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var item) ? item : 0;

    private static async Task GetAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, PickingTasks.NotFound(key)); return; }
        var task = await database.ReadAsync(async session => await PickingTasks.ShowAsync(session, await LoadAsync(session, found.Id)), http.RequestAborted);
        await Answers.WriteAsync<PickingTask>(http, task);
    }

    private static async Task NextItemAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, PickingTasks.NotFound(key)); return; }
        var loaded = await database.ReadAsync(async session => await LoadAsync(session, found.Id), http.RequestAborted);
        if (NextOf(loaded) is not { } next) http.Response.StatusCode = StatusCodes.Status204NoContent;
        else await Answers.WriteAsync<PickingItem>(http, next.Shown);
    }

    /// <summary>The next item on the path; null when nothing is left.</summary>
    public static PickingItemRow? NextOf(LoadedPicking loaded) =>
        // The items of a task that has ended are no work any more, whatever they say.
        PickingLifecycle.Allowed(loaded.Task.Status).Count == 0 ? null : loaded.Items.FirstOrDefault(i => i.Status == PickingItemStatus.Pending);

    public static async Task<LoadedPicking> LoadAsync(SqlSession session, Guid id) => await PickingTasks.WithItemsAsync(session,
        (await session.FindAsync<PickingRow>($"SELECT {PickingTasks.Columns} FROM picking_tasks WHERE id = @id", new { id }))!);

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var filter = await TaskFilter.ReadAsync<PickingStatus>(http, node, withWorker: true);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        await Answers.WriteAsync<Page<PickingTask>>(http, await PageAsync(node.Database, filter.Value, http.RequestAborted));
    }

    public static Task<Page<PickingTask>> PageAsync(Database database, TaskFilter f, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var (ids, next) = f.Cut(await TaskPage.IdsAsync<PickingStatus>(session, Table, f), id => id);
        return new Page<PickingTask>(await TaskRows.PickingAsync(session, ids), next);
    }, ct);
}
