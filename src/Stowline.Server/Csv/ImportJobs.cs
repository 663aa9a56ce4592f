using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Server.Csv;

/// <summary>Where an import stands. Of one that has failed, nothing is written (<c>invalid_rows</c>) or what was written stays (all else).</summary>
[JsonConverter(typeof(SnakeCaseEnum<ImportStatus>))]
public enum ImportStatus { Reading = 1, Writing = 2, Done = 3, Failed = 4 }

/// <summary>An import over HTTP, while it runs and afterwards. Rows are the file's; done, created and so on count things (products, bins, receipts, orders).</summary>
/// <param name="Code">Why it failed.</param>
public sealed record ImportView(
    Guid Id, string Kind, string? Site, bool DryRun, ImportStatus Status, int Rows, int Done, int? Total, int Created, int Updated, int Unchanged, int Refused,
    string? Code, string? Detail, string Actor, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <summary>One import. Its own request writes it, others read whole views of it.</summary>
internal sealed class ImportJob(ImportView begun, TimeProvider time)
{
    private ImportView _view = begun;

    public ImportView View => Volatile.Read(ref _view);

    public void Read(int rows) => Volatile.Write(ref _view, _view with { Rows = rows });

    public void Wrote(int done, int total) => Volatile.Write(ref _view, _view with { Status = ImportStatus.Writing, Done = done, Total = total });

    public void End(Outcome<CsvImportResult> outcome)
    {
        var ended = _view with { EndedAt = time.GetUtcNow() };
        Volatile.Write(ref _view, outcome.Refusal is { } no ? ended with { Status = ImportStatus.Failed, Code = no.Code, Detail = no.Detail }
            : ended with
            {
                Status = ImportStatus.Done, Rows = outcome.Value.Rows, Created = outcome.Value.Created, Updated = outcome.Value.Updated,
                Unchanged = outcome.Value.Unchanged, Refused = outcome.Value.Refused.Count,
            });
    }
}

/// <summary>
/// The imports of this process, in its memory: the last hundred. They are for watching only; what an import did is in the log, and after a
/// restart the same file is simply sent again. So nothing is stored.
/// </summary>
internal sealed class ImportJobs(Node node)
{
    private const int Kept = 100;
    private readonly Lock _gate = new();
    private readonly List<ImportJob> _jobs = [];

    public void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/imports/{id}", (HttpContext http, string id) =>
        {
            var job = Guid.TryParse(id, out var known) ? Visible(http).FirstOrDefault(j => j.Id == known) : null;
            return Answers.WriteAsync<ImportView>(http, job is null ? Refusal.NotFound("import_not_found", $"this process has no import {id}: it remembers its own last {Kept}") : job);
        }).WithTags("Imports").WithSummary("One import of this process, while it runs and afterwards").Produces<ImportView>();
        api.Get("/imports", http =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) return Answers.WriteAsync(http, bad);
            var (limit, cursor) = paging.Value;
            Guid before = default;
            if (cursor is not null && !Guid.TryParse(cursor, out before)) return Answers.WriteAsync(http, Refusal.Invalid("cursor", "is not one that this list gave"));
            ImportView[] found = [.. Visible(http).SkipWhile(j => cursor is not null && j.Id != before).Skip(cursor is null ? 0 : 1).Take(limit + 1)];
            return Answers.WriteAsync<Page<ImportView>>(http, new Page<ImportView>([.. found.Take(limit)], found.Length > limit ? found[limit - 1].Id.ToString() : null));
        }).WithTags("Imports").WithSummary("The imports of this process, newest first").Pages<ImportView>();
    }

    public ImportJob Begin(string kind, string site, bool dryRun, string actor)
    {
        var job = new ImportJob(new ImportView(node.Ids.Next(), kind, site.Length == 0 ? null : site, dryRun, ImportStatus.Reading, 0, 0, null, 0, 0, 0, 0, null, null,
            actor, node.Time.GetUtcNow(), null), node.Time);
        lock (_gate)
        {
            _jobs.Add(job);
            // Those that still run stay: somebody is waiting for them.
            if (_jobs.Count > Kept && _jobs.FindIndex(j => j.View.EndedAt is not null) is var oldest and >= 0) _jobs.RemoveAt(oldest);
        }
        return job;
    }

    /// <summary>Newest first. A key with limits sees what it has sent itself.</summary>
    private List<ImportView> Visible(HttpContext http)
    {
        var own = CallLimits.Of(http).Any ? Requests.Actor(http) : null;
        lock (_gate) return [.. _jobs.Select(j => j.View).Where(v => own is null || v.Actor == own).Reverse()];
    }
}
