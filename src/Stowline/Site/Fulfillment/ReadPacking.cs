using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>The packing endpoints (contract, Fulfillment at a site), and the reads among them.</summary>
internal static class PackingEndpoints
{
    public const string Table = "packing_tasks";

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        var tasks = api.MapGroup("/packing-tasks").WithTags("Packing");
        tasks.Get("", http => ListAsync(http, node)).WithSummary("Packing tasks, oldest first").Pages<PackingTask>()
            .Reads("site", "Only at this site.").Reads("status", "Only in this state.", typeof(PackingStatus))
            .Reads("order", "Only of this order, by id, number or channel:external_id.").Reads("worker", "Only of this worker.");
        tasks.MapGet("/{key}", (HttpContext http, string key) => GetAsync(http, node.Database, key)).WithSummary("One packing task by id or number").Produces<PackingTask>();
        tasks.MapPost("/{key}/start", (HttpContext http, string key) => TaskInput.RunAsync<StartPackingBody, PackingTask>(http, node, Table, key, PackingTasks.NotFound,
            (site, id, body, tx) => StartPacking.DecideAsync(site, id, body.Worker, tx))).WithSummary("Start packing").Takes<StartPackingBody>().Produces<PackingTask>();
        tasks.MapPost("/{key}/packages", (HttpContext http, string key) => TaskInput.RunAsync<AddPackageBody, Package>(http, node, Table, key, PackingTasks.NotFound,
            AddPackage.DecideAsync, StatusCodes.Status201Created)).WithSummary("Add a package; each call is a new one").Takes<AddPackageBody>().Produces<Package>(StatusCodes.Status201Created);
        tasks.MapPost("/{key}/complete", (HttpContext http, string key) => TaskInput.RunAsync(http, node, Table, key, PackingTasks.NotFound, CompletePacking.DecideAsync))
            .WithSummary("Complete packing; it needs at least one package").Produces<PackingTask>();
        tasks.MapPost("/{key}/cancel", (HttpContext http, string key) => TaskInput.RunAsync<CancelTaskBody, PackingTask>(http, node, Table, key, PackingTasks.NotFound,
            (site, id, body, tx) => CancelPacking.DecideAsync(site, id, body.Reason, tx), optionalBody: true))
            .WithSummary("Cancel packing").Takes<CancelTaskBody>(optional: true).Produces<PackingTask>();
    }

    private static async Task GetAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, PackingTasks.NotFound(key)); return; }
        var loaded = await database.ReadAsync(async session => await PackingTasks.FindAsync(session, found.Site, found.Id), http.RequestAborted);
        await Answers.WriteAsync<PackingTask>(http, loaded!.Shown());
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var filter = await TaskFilter.ReadAsync<PackingStatus>(http, node, withWorker: true);
        if (filter.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        await Answers.WriteAsync<Page<PackingTask>>(http, await PageAsync(node.Database, filter.Value, http.RequestAborted));
    }

    public static Task<Page<PackingTask>> PageAsync(Database database, TaskFilter f, CancellationToken ct) => database.ReadAsync(async session =>
    {
        var (ids, next) = f.Cut(await TaskPage.IdsAsync<PackingStatus>(session, Table, f), id => id);
        return new Page<PackingTask>(await TaskRows.PackingAsync(session, ids), next);
    }, ct);
}
