using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Http;

/// <summary>A page of a list: <c>{"items":[…],"next_cursor":null}</c>.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor) : IPage
{
    System.Collections.IEnumerable IPage.Items => Items;
}

/// <summary>Pages of what is read whole because it is short.</summary>
internal static class Pages
{
    /// <summary>The page that the request asks for, up to 200 items where it does not say.</summary>
    /// <param name="key">What tells an item from all others; the last one's is the cursor.</param>
    public static Outcome<Page<T>> Of<T>(HttpContext http, IReadOnlyList<T> all, Func<T, string> key)
    {
        var paging = Requests.Paging(http, Limits.MaxListLimit);
        if (paging.Refusal is { } bad) return bad;
        var (limit, cursor) = paging.Value;
        var first = 0;
        if (cursor is not null)
        {
            while (first < all.Count && key(all[first]) != cursor) first++;
            if (first++ == all.Count) return Refusal.Invalid("cursor", "is not one that this list gave");
        }
        T[] items = [.. all.Skip(first).Take(limit)];
        return new Page<T>(items, first + items.Length < all.Count ? key(items[^1]) : null);
    }
}

/// <summary>A page whose items are of whatever kind.</summary>
internal interface IPage
{
    System.Collections.IEnumerable Items { get; }
    string? NextCursor { get; }
}

/// <summary>Takes the answers of a list instead of the client: set as a feature of the request by whoever writes them in another form.</summary>
internal interface IPageSink
{
    void Take(IPage page);
}

/// <summary>
/// How outcomes become HTTP answers: the one place that maps refusals to status codes and problem documents (RFC 9457, F11).
/// </summary>
public static class Answers
{
    public const string ProblemBase = "https://stowline.dev/problems/";

    public static int StatusOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Invalid => 400,
        RefusalKind.Unauthenticated => 401,
        RefusalKind.Forbidden => 403,
        RefusalKind.NotFound => 404,
        RefusalKind.Conflict => 409,
        RefusalKind.TooLarge => 413,
        RefusalKind.UnsupportedMediaType => 415,
        RefusalKind.Unprocessable => 422,
        RefusalKind.TooMany => 429,
        RefusalKind.Unavailable => 503,
    };

    /// <summary>Writes a refusal as a problem document.</summary>
    public static Task WriteAsync(HttpContext http, Refusal refusal)
    {
        if (refusal.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return WriteBytesAsync(http, StatusOf(refusal.Kind), null, Problem(refusal, StatusOf(refusal.Kind)), "application/problem+json");
    }

    /// <summary>200 with the value, or the problem.</summary>
    public static Task WriteAsync<T>(HttpContext http, Outcome<T> outcome, int status = 200, Func<T, string>? location = null)
    {
        if (outcome.Refusal is { } no) return WriteAsync(http, no);
        if (outcome.Value is IPage page && http.Features.Get<IPageSink>() is { } sink)
        {
            sink.Take(page);
            return Task.CompletedTask;
        }
        return WriteBytesAsync(http, status, location?.Invoke(outcome.Value), JsonSerializer.SerializeToUtf8Bytes(outcome.Value, HttpJson.Info<T>()), "application/json");
    }

    /// <summary>Writes what came of a command; a rendered or replayed answer is written as it was kept.</summary>
    public static Task WriteAsync<T>(HttpContext http, CommandResult<T> result, Func<Outcome<T>, StoredAnswer> render)
    {
        if (result.Pending) http.Response.Headers["Stowline-Pending"] = "true";
        if (result.Replayed) http.Response.Headers["Idempotent-Replayed"] = "true";
        if (result.Answer is { } kept) return WriteBytesAsync(http, kept.Status, kept.Location, kept.Body, kept.Status < 400 ? "application/json" : "application/problem+json");
        if (result.Outcome.Refusal is { } no) return WriteAsync(http, no);
        var answer = render(result.Outcome);
        return WriteBytesAsync(http, answer.Status, answer.Location, answer.Body, "application/json");
    }

    /// <summary>Renders an outcome for keeping with an idempotency key; null for what is not to be kept (400, 429, 5xx).</summary>
    public static StoredAnswer? Keep<T>(Outcome<T> outcome, Func<Outcome<T>, StoredAnswer> render)
    {
        if (outcome.IsOk) return render(outcome);
        return outcome.Refusal!.Kind == RefusalKind.Conflict ? new StoredAnswer(409, null, Problem(outcome.Refusal, 409)) : null;
    }

    /// <summary>The usual rendering: the value as JSON.</summary>
    public static Func<Outcome<T>, StoredAnswer> Json<T>(int status = 200, Func<T, string>? location = null) => outcome =>
        new StoredAnswer(outcome.Existing && status == 201 ? 200 : status, location?.Invoke(outcome.Value),
            JsonSerializer.SerializeToUtf8Bytes(outcome.Value, HttpJson.Info<T>()));

    public static async Task WriteBytesAsync(HttpContext http, int status, string? location, byte[] body, string type)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        http.Response.ContentLength = body.Length;
        if (location is not null) http.Response.Headers.Location = location;
        await http.Response.Body.WriteAsync(body);
    }

    /// <summary>The problem document's bytes. <c>trace_id</c> is the request's, so that a user can quote it and an operator find it.</summary>
    public static byte[] Problem(Refusal refusal, int status)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = HttpJson.Options.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, ProblemBase + refusal.Code);
            writer.WriteString("title"u8, Title(refusal.Code));
            writer.WriteNumber("status"u8, status);
            writer.WriteString("detail"u8, refusal.Detail);
            writer.WriteString("code"u8, refusal.Code);
            writer.WriteString("trace_id"u8, Activity.Current?.TraceId.ToHexString() ?? "");
            if (refusal.Errors is { } errors)
            {
                writer.WriteStartObject("errors"u8);
                foreach (var (field, messages) in errors)
                {
                    writer.WriteStartArray(field);
                    foreach (var message in messages) writer.WriteStringValue(message);
                    writer.WriteEndArray();
                }
                writer.WriteEndObject();
            }
            if (refusal.Extra is { } extra)
            {
                foreach (var (name, value) in extra)
                {
                    writer.WritePropertyName(name);
                    JsonSerializer.Serialize(writer, value, HttpJson.Options);
                }
            }
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static string Title(string code) => char.ToUpperInvariant(code[0]) + code[1..].Replace('_', ' ');
}
