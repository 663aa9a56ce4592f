using Microsoft.AspNetCore.Http.Features;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;

namespace Stowline.Server.Csv;

/// <summary>
/// <c>POST /imports/{products, bins, stock, orders, menu}</c> with a CSV body (a menu may also be JSON) of up to 64 MB. Refusals: <c>invalid_rows</c> with the rows,
/// <c>site_not_found</c>, <c>import_stopped</c>. The answer comes when all is written; a repeat of the same file is harmless, so no
/// Idempotency-Key is needed. Whoever wants to watch
/// finds the import under <c>/imports</c>, and in the answer's <c>Location</c>.
/// </summary>
internal static class CsvEndpoints
{
    public static readonly string[] Kinds = ["products", "bins", "stock", "orders", "menu"];

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        var jobs = new ImportJobs(node);
        jobs.Map(api);
        foreach (var kind in Kinds)
        {
            var route = api.Post("/imports/" + kind, http => RunAsync(http, node, jobs, kind)).WithTags("Imports").WithSummary($"Import {(kind == "menu" ? "a menu from CSV or JSON" : kind + " from CSV")}, all rows checked before any is written")
                .Accepts<string>("text/csv", kind == "menu" ? ["application/json"] : []).Produces<CsvImportResult>()
                .Reads("dry_run", "true: check the file and tell all that is wrong, write nothing.");
            if (IsOfSite(kind)) route.Reads("site", "The site.", required: true);
        }
    }

    public static bool IsOfSite(string kind) => kind is "bins" or "stock";

    /// <param name="site">For bins and stock.</param>
    public static CsvTarget Target(string kind, string site, NodeCalls calls, Caller caller) => kind switch
    {
        "products" => new ProductsCsv(calls, caller),
        "bins" => new BinsCsv(calls, caller, site),
        "stock" => new StockCsv(calls, caller, site),
        "orders" => new OrdersCsv(calls, caller),
        "menu" => new MenuCsv(calls, caller),
        _ => throw new ArgumentException($"there is no import of {kind}", nameof(kind)),
    };

    private static async Task RunAsync(HttpContext http, Node node, ImportJobs jobs, string kind)
    {
        var type = http.Request.ContentType;
        var isJson = kind == "menu" && type?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) == true;
        if (!isJson && type?.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase) != true)
        {
            var types = kind == "menu" ? "text/csv or application/json" : "text/csv";
            await Answers.WriteAsync(http, new Refusal(RefusalKind.UnsupportedMediaType, "unsupported_media_type", $"the body must be {types}, not {type ?? "of no type"}"));
            return;
        }
        var problems = new Problems();
        var dryRun = Requests.Query(http, "dry_run");
        problems.Check(dryRun is null or "true" or "false", "dry_run", "must be true or false");
        var site = IsOfSite(kind) ? problems.Code(Requests.Query(http, "site"), "site") : "";
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        if (site.Length > 0 && !node.Sites.Contains(site)) { await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {site} here")); return; }
        if (http.Request.ContentLength > Requests.BulkLimit)
        {
            await Answers.WriteAsync(http, new Refusal(RefusalKind.TooLarge, "body_too_large", $"the file is larger than {Requests.BulkLimit / 1024 / 1024} MB; cut it, or import it on the command line"));
            return;
        }
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = Requests.BulkLimit;
        var target = Target(kind, site, new NodeCalls(node), new Caller(Requests.Actor(http), System.Diagnostics.Activity.Current?.Id));
        var job = jobs.Begin(kind, site, dryRun == "true", Requests.Actor(http));
        http.Response.Headers.Location = $"/api/v1/imports/{job.View.Id}";
        await Answers.WriteAsync(http, await RunAsync(target, http, dryRun == "true", isJson, job));
    }

    private static async Task<Outcome<CsvImportResult>> RunAsync(CsvTarget target, HttpContext http, bool dryRun, bool isJson, ImportJob job)
    {
        // Unless it ends otherwise: the caller has gone, the database is away.
        Outcome<CsvImportResult> outcome = Refusal.Unavailable("import_broken_off", "it was broken off; what was written before stays, and the same file may be sent again", 1);
        try
        {
            outcome = await CsvImport.RunAsync(target, http.Request.Body, dryRun, job.Wrote, http.RequestAborted, job.Read, isJson);
            if (outcome.IsOk) outcome = outcome.Value with { Id = job.View.Id };
        }
        catch (CommandRefusedException e)
        {
            outcome = Refusal.Conflict("import_stopped", $"{e.Message}; what was written before stays, and the same file may be sent again");
        }
        finally
        {
            job.End(outcome);
        }
        return outcome;
    }
}
