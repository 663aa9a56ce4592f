using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Access;

/// <summary>A worker as a caller gives it. The badge is what their card's barcode says. Without sites they work at all of them.</summary>
public sealed record WorkerBody
{
    public string? Name { get; init; }
    public string? Badge { get; init; }
    public IReadOnlyList<string?>? Sites { get; init; }
    public IReadOnlyList<string?>? Roles { get; init; }
    public bool? Active { get; init; }
}

/// <summary>A worker as it is answered. The code is what stands in tasks and events.</summary>
public sealed record WorkerView(string Code, string Name, string? Badge, IReadOnlyList<string> Sites, IReadOnlyList<string> Roles, bool Active);

/// <summary>
/// People who work at the sites. Tasks may be given to anybody by any name; who is registered here can be named by the badge, and once
/// inactive gets no more work (409 <c>worker_inactive</c> at the task). Nobody is deleted, so that a code in an old event can be explained.
/// Refusals: <c>badge_taken</c>, <c>worker_not_found</c>.
/// </summary>
public static class Workers
{
    private const string Columns = "code, name, badge, sites, roles, active";
    private const int MostEntries = 100;

    private sealed record Row
    {
        public string Code { get; init; } = "";
        public string Name { get; init; } = "";
        public string? Badge { get; init; }
        public string Sites { get; init; } = "";
        public string Roles { get; init; } = "";
        public bool Active { get; init; }

        public WorkerView View => new(Code, Name, Badge, Split(Sites), Split(Roles), Active);

        private static string[] Split(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/workers/{code}", (HttpContext http, string code) => Commands.RunAsync<WorkerBody, WorkerView>(http, node.Lanes, Lane.Hub, (body, tx) =>
        {
            var worker = Check(code, body);
            return worker.Refusal is { } no ? ValueTask.FromResult<Outcome<WorkerView>>(no) : DecideAsync(worker.Value, tx);
        })).WithTags("Workers").WithSummary("Create or replace a worker; active false takes them off work").Takes<WorkerBody>().Produces<WorkerView>();
        api.MapGet("/workers/{code}", (HttpContext http, string code) => GetAsync(http, node, code))
            .WithTags("Workers").WithSummary("One worker by code").Produces<WorkerView>();
        api.Get("/workers", http => ListAsync(http, node)).WithTags("Workers").WithSummary("Workers, in order of code").Pages<WorkerView>()
            .Reads("badge", "Only who has this badge.").Reads("site", "Only who works at this site, or at all sites.").Reads("active", "true or false.");
    }

    public static Outcome<WorkerView> Check(string code, WorkerBody body)
    {
        var problems = new Problems();
        var name = problems.Text(body.Name?.Trim(), "name", 128);
        problems.Check(!string.IsNullOrEmpty(name), "name", "is required");
        var worker = new WorkerView(problems.Code(code, "code"), name ?? "", body.Badge is null ? null : problems.Code(body.Badge, "badge"),
            Codes(body.Sites, "sites", problems), Codes(body.Roles, "roles", problems), body.Active ?? true);
        return problems.Any ? problems.ToRefusal() : worker;
    }

    private static string[] Codes(IReadOnlyList<string?>? given, string field, Problems problems)
    {
        problems.Check((given?.Count ?? 0) <= MostEntries, field, $"must be at most {MostEntries}");
        return [.. (given ?? []).Take(MostEntries).Select((text, i) => problems.Code(text, $"{field}[{i}]")).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Saves a checked worker and tells every site. One who is so already stays untouched.</summary>
    public static async ValueTask<Outcome<WorkerView>> DecideAsync(WorkerView worker, LaneTransaction tx)
    {
        var known = (await tx.FindAsync<Row>($"SELECT {Columns} FROM access_workers WHERE code = @code", new { code = worker.Code }))?.View;
        if (known is not null && AreEqual(known, worker)) return Outcome<WorkerView>.AlreadyDone(known);
        // Whoever scans a badge where a code is expected must mean one person: no badge is another's code, and no code another's badge.
        if (await tx.FindAsync<string>("SELECT code FROM access_workers WHERE code <> @code AND (badge = @badge OR code = @badge OR badge = @code) ORDER BY code LIMIT 1",
                new { code = worker.Code, badge = worker.Badge ?? worker.Code }) is { } other)
            return Refusal.Conflict("badge_taken", $"{other} has this badge or code");
        await tx.WriteAsync("""
            INSERT INTO access_workers (code, name, badge, sites, roles, active, saved_at) VALUES (@code, @name, @badge, @sites, @roles, @active, @now)
            ON CONFLICT (code) DO UPDATE SET name = excluded.name, badge = excluded.badge, sites = excluded.sites, roles = excluded.roles,
                active = excluded.active, saved_at = excluded.saved_at
            """, new
        {
            code = worker.Code, name = worker.Name, badge = worker.Badge, sites = string.Join(',', worker.Sites), roles = string.Join(',', worker.Roles),
            active = worker.Active, now = tx.Now,
        });
        tx.Append(Lane.HubAll, new WorkerSaved(worker.Code, worker.Badge, worker.Sites, worker.Roles, worker.Active), "worker/" + worker.Code);
        return worker;
    }

    private static bool AreEqual(WorkerView a, WorkerView b) => a == b with { Sites = a.Sites, Roles = a.Roles }
        && a.Sites.SequenceEqual(b.Sites, StringComparer.Ordinal) && a.Roles.SequenceEqual(b.Roles, StringComparer.Ordinal);

    private static async Task GetAsync(HttpContext http, Node node, string code)
    {
        var row = await node.Database.ReadAsync(async s => await s.FindAsync<Row>($"SELECT {Columns} FROM access_workers WHERE code = @code", new { code }), http.RequestAborted);
        Outcome<WorkerView> answer = row is null ? Refusal.NotFound("worker_not_found", $"there is no worker {code}") : row.View;
        if (answer.IsOk && CallLimits.Of(http).Sites is { Count: > 0 } limits && answer.Value.Sites is { Count: > 0 } own && !own.Intersect(limits, StringComparer.Ordinal).Any())
            answer = new Refusal(RefusalKind.Forbidden, "forbidden", $"this key is limited to {string.Join(", ", limits)}, where {code} does not work");
        await Answers.WriteAsync(http, answer);
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var problems = new Problems();
        var (badge, site, active) = (Requests.Query(http, "badge"), Requests.Query(http, "site"), Requests.Query(http, "active"));
        problems.Check(active is null or "true" or "false", "active", "must be true or false");
        if (badge is not null) badge = problems.Code(badge, "badge");
        if (site is not null) site = problems.Code(site, "site");
        if (problems.Any) { await Answers.WriteAsync(http, problems.ToRefusal()); return; }
        var conditions = new List<string> { "code > @cursor" };
        if (badge is not null) conditions.Add("badge = @badge");
        // REPLACE, because LIKE takes the underscore of a code for a wildcard, and SQLite's does not tell capitals from small letters.
        if (site is not null) conditions.Add("(sites = '' OR REPLACE(',' || sites || ',', ',' || @site || ',', '') <> ',' || sites || ',')");
        if (active is not null) conditions.Add("active = @active");
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<Row>(
            $"SELECT {Columns} FROM access_workers WHERE {string.Join(" AND ", conditions)} ORDER BY code LIMIT @more",
            new { cursor = cursor ?? "", badge, site = site ?? "", active = active == "true", more = limit + 1 }), http.RequestAborted);
        await Answers.WriteAsync<Page<WorkerView>>(http, new Page<WorkerView>([.. rows.Take(limit).Select(r => r.View)], rows.Count > limit ? rows[limit - 1].Code : null));
    }
}
