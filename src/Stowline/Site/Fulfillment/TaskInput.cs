using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Fulfillment;

/// <summary>How the endpoints of tasks read what they are given: a task's id or number, text that must be there, bodies that may be missing.</summary>
internal static class TaskInput
{
    /// <summary>Text that must be there: trimmed, 1 to <paramref name="max"/> characters, no control characters.</summary>
    public static string Required(this Problems problems, string? text, string field, int max)
    {
        var trimmed = text?.Trim() ?? "";
        if (trimmed.Length == 0) problems.Add(field, "is required");
        else if (trimmed.Any(char.IsControl)) problems.Add(field, "must not contain control characters");
        else problems.Text(trimmed, field, max);
        return trimmed;
    }

    private sealed record Key { public Guid Id { get; init; } public string Site { get; init; } = ""; }

    /// <summary>Finds a row by id or number, and with it the site whose lane decides about it.</summary>
    /// <param name="table">A table with columns id, number and site. Never text from outside.</param>
    public static async Task<(Guid Id, string Site)?> FindAsync(Database database, string table, string text, CancellationToken ct)
    {
        var key = await database.ReadAsync(async session =>
            Guid.TryParse(text, out var id) ? await session.FindAsync<Key>($"SELECT id, site FROM {table} WHERE id = @id", new { id })
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? await session.FindAsync<Key>($"SELECT id, site FROM {table} WHERE number = @number", new { number })
                : null, ct);
        return key is null ? null : (key.Id, key.Site);
    }

    public static bool HasBody(HttpContext http) =>
        http.Request.ContentLength is > 0 || http.Request.ContentLength is null && http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    /// <summary>Runs a command about a task in the lane of the task's site.</summary>
    public static async Task RunAsync<TBody, T>(HttpContext http, Node node, string table, string key, Func<string, Refusal> notFound,
        Func<string, Guid, TBody, LaneTransaction, ValueTask<Outcome<T>>> decide, int status = 200, bool optionalBody = false) where TBody : class, new()
    {
        if (await FindAsync(node.Database, table, key, http.RequestAborted) is not { } task)
        {
            await Answers.WriteAsync(http, notFound(key));
            return;
        }
        var lane = Lane.Site(task.Site);
        if (optionalBody && !HasBody(http)) await Commands.RunAsync(http, node.Lanes, lane, tx => decide(task.Site, task.Id, new TBody(), tx), status);
        else await Commands.RunAsync<TBody, T>(http, node.Lanes, lane, (body, tx) => decide(task.Site, task.Id, body, tx), status);
    }

    /// <summary>As above, for a command that needs no body.</summary>
    public static async Task RunAsync<T>(HttpContext http, Node node, string table, string key, Func<string, Refusal> notFound,
        Func<string, Guid, LaneTransaction, ValueTask<Outcome<T>>> decide, int status = 200)
    {
        if (await FindAsync(node.Database, table, key, http.RequestAborted) is not { } task) await Answers.WriteAsync(http, notFound(key));
        else await Commands.RunAsync(http, node.Lanes, Lane.Site(task.Site), tx => decide(task.Site, task.Id, tx), status);
    }
}
