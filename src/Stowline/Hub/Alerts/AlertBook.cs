using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Alerts;

/// <summary>How bad it is. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<AlertSeverity>))]
public enum AlertSeverity { Warning = 1, Critical = 2 }

/// <summary>Something that is wrong now.</summary>
/// <param name="Key">What is wrong where, the same each time: one alert per key is open.</param>
public sealed record AlertFinding(string Key, AlertSeverity Severity, string Summary);

/// <summary>An alert (F12, S6). <see cref="Summary"/> is as it was last seen while open.</summary>
/// <param name="Node">The node whose own trouble it is; null for trouble of the business.</param>
public sealed record AlertView(
    Guid Id, string Key, string? Node, AlertSeverity Severity, string Summary, bool Active, DateTimeOffset RaisedAt, DateTimeOffset? ResolvedAt,
    DateTimeOffset? AcknowledgedAt, string? AcknowledgedBy);

/// <summary>
/// The alerts of this installation: raised once, resolved once, whatever the number of looks, restarts and processes. Refusal: <c>alert_not_found</c>.
/// </summary>
public static class AlertBook
{
    private const string Columns = "id, origin, key, severity, summary, raised_at, resolved_at, acknowledged_at, acknowledged_by";

    private sealed record Row
    {
        public Guid Id { get; init; }
        public string Origin { get; init; } = "";
        public string Key { get; init; } = "";
        public AlertSeverity Severity { get; init; }
        public string Summary { get; init; } = "";
        public DateTimeOffset RaisedAt { get; init; }
        public DateTimeOffset? ResolvedAt { get; init; }
        public DateTimeOffset? AcknowledgedAt { get; init; }
        public string? AcknowledgedBy { get; init; }

        public AlertView View => new(Id, Key, Origin.Length == 0 ? null : Origin, Severity, Summary, ResolvedAt is null, RaisedAt, ResolvedAt, AcknowledgedAt, AcknowledgedBy);
    }

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/alerts", http => ListAsync(http, node)).WithTags("Alerts").WithSummary("Alerts, newest first: what is wrong, and what was").Pages<AlertView>()
            .Reads("active", "true for those that are open, false for those that are over.");
        api.MapPost("/alerts/{id}/acknowledge", (HttpContext http, string id) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => AcknowledgeAsync(id, tx)))
            .WithTags("Alerts").WithSummary("Say that somebody has seen an alert").Produces<AlertView>();
    }

    /// <summary>True when what is open differs from what was found, so that a writer need be asked.</summary>
    public static async Task<bool> DiffersAsync(SqlSession session, string origin, IReadOnlyList<AlertFinding> found, IReadOnlySet<string> kept)
    {
        var open = (await OpenAsync(session, origin)).ToDictionary(r => r.Key, StringComparer.Ordinal);
        return open.Keys.Any(k => !kept.Contains(k)) || found.Any(f => !open.TryGetValue(f.Key, out var row) || row.Summary != f.Summary || row.Severity != f.Severity);
    }

    /// <summary>Raises what is new, resolves what is over, and keeps the summary of the rest up to date without telling anybody.</summary>
    /// <param name="kept">Keys that are not to be resolved, though they may not be among <paramref name="found"/>.</param>
    public static async ValueTask<Outcome<int>> ReconcileAsync(string origin, IReadOnlyList<AlertFinding> found, IReadOnlySet<string> kept, LaneTransaction tx)
    {
        var open = (await OpenAsync(tx.Group.Session, origin)).ToDictionary(r => r.Key, StringComparer.Ordinal);
        var changes = 0;
        foreach (var row in open.Values.Where(r => !kept.Contains(r.Key)))
        {
            await tx.WriteAsync("UPDATE alerts SET resolved_at = @now WHERE id = @id", new { id = row.Id, now = tx.Now });
            tx.Append(Lane.Hub, new AlertResolved(row.Id, row.Key, SnakeCaseEnum<AlertSeverity>.Text(row.Severity), row.Summary), "alert/" + row.Key);
            changes++;
        }
        foreach (var finding in found)
        {
            if (open.TryGetValue(finding.Key, out var known))
            {
                if (known.Summary != finding.Summary || known.Severity != finding.Severity)
                    await tx.WriteAsync("UPDATE alerts SET summary = @summary, severity = @severity WHERE id = @id", new { id = known.Id, summary = finding.Summary, severity = finding.Severity });
                continue;
            }
            var id = tx.NewId();
            await tx.WriteAsync("INSERT INTO alerts (id, origin, key, severity, summary, raised_at, told) VALUES (@id, @origin, @key, @severity, @summary, @now, 0)",
                new { id, origin, key = finding.Key, severity = finding.Severity, summary = finding.Summary, now = tx.Now });
            tx.Append(Lane.Hub, new AlertRaised(id, finding.Key, SnakeCaseEnum<AlertSeverity>.Text(finding.Severity), finding.Summary), "alert/" + finding.Key);
            changes++;
        }
        return changes;
    }

    private static ValueTask<IReadOnlyList<Row>> OpenAsync(SqlSession session, string origin) =>
        session.QueryAsync<Row>($"SELECT {Columns} FROM alerts WHERE origin = @origin AND resolved_at IS NULL", new { origin });

    public static async ValueTask<Outcome<AlertView>> AcknowledgeAsync(string id, LaneTransaction tx)
    {
        if (!Guid.TryParseExact(id, "D", out var key) || await tx.FindAsync<Row>($"SELECT {Columns} FROM alerts WHERE id = @key", new { key }) is not { } row)
            return Refusal.NotFound("alert_not_found", $"there is no alert {id}");
        if (row.AcknowledgedAt is not null) return Outcome<AlertView>.AlreadyDone(row.View);
        await tx.WriteAsync("UPDATE alerts SET acknowledged_at = @now, acknowledged_by = @actor WHERE id = @key", new { key, now = tx.Now, actor = tx.Caller.Actor });
        tx.Append(Lane.Hub, new AlertAcknowledged(row.Id, row.Key), "alert/" + row.Key);
        return (row with { AcknowledgedAt = tx.Now, AcknowledgedBy = tx.Caller.Actor }).View;
    }

    public static async Task<IReadOnlyList<AlertView>> ListAsync(SqlSession session, bool? active, Guid before, int limit)
    {
        var which = active switch { true => "AND resolved_at IS NULL", false => "AND resolved_at IS NOT NULL", null => "" };
        return [.. (await session.QueryAsync<Row>($"SELECT {Columns} FROM alerts WHERE id < @before {which} ORDER BY id DESC LIMIT @limit", new { before, limit })).Select(r => r.View)];
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.PagingById(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, before) = paging.Value;
        if (Requests.Query(http, "active") is not (null or "true" or "false") ) { await Answers.WriteAsync(http, Refusal.Invalid("active", "must be true or false")); return; }
        bool? active = Requests.Query(http, "active") is { } text ? text == "true" : null;
        var rows = await node.Database.ReadAsync(s => ListAsync(s, active, before, limit + 1), http.RequestAborted);
        AlertView[] items = [.. rows.Take(limit)];
        await Answers.WriteAsync<Page<AlertView>>(http, new Page<AlertView>(items, rows.Count > limit ? items[^1].Id.ToString() : null));
    }
}

/// <summary>Alerts: what needs somebody. What is looked at is the server's to say, which knows the node from outside.</summary>
public sealed class AlertsModule : Module
{
    public override string Name => "alerts";

    public override void Map(IEndpointRouteBuilder api, Node node) => AlertBook.Map(api, node);
}
