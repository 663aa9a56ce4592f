using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Http;

/// <summary>A body of which nothing is required: a call without a body is as one with an empty object.</summary>
public interface IOptionalBody;

/// <summary>How requests are read: bodies with named errors, callers, idempotency keys, paging.</summary>
public static class Requests
{
    public const int BodyLimit = 10 * 1024 * 1024;
    public const int BulkLimit = 64 * 1024 * 1024;

    private static readonly object BodyKey = new();

    /// <summary>Reads a JSON body. What is wrong with it is a refusal that names the field by its path (<c>lines[0].quantity</c>).</summary>
    public static async ValueTask<Outcome<T>> ReadAsync<T>(HttpContext http, int limit = BodyLimit) where T : class
    {
        var type = http.Request.ContentType;
        if (type is not null && !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) && !type.Contains("+json", StringComparison.OrdinalIgnoreCase))
            return new Refusal(RefusalKind.UnsupportedMediaType, "unsupported_media_type", $"the body must be application/json, not {type}");
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = limit;
        if (http.Request.ContentLength > limit)
        {
            // Read to the end, within reason: a caller that is still sending would see a broken connection instead of the answer.
            if (http.Request.ContentLength <= BulkLimit) await DrainAsync(http);
            return TooLarge(limit);
        }
        byte[] body;
        try
        {
            body = await BytesAsync(http.Request, limit, http.RequestAborted);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(limit);
        }
        catch (BadHttpRequestException e)
        {
            return new Refusal(RefusalKind.Invalid, "broken_request", e.Message);
        }
        http.Items[BodyKey] = body;
        return Parse<T>(body);
    }

    private static Refusal TooLarge(int limit) => new(RefusalKind.TooLarge, "body_too_large", $"the body is larger than {limit / 1024 / 1024} MB");

    /// <summary>Parses a body; also for other doors than HTTP that take the same documents.</summary>
    public static Outcome<T> Parse<T>(byte[] body) where T : class
    {
        if (body.Length == 0)
        {
            if (!typeof(T).IsAssignableTo(typeof(IOptionalBody))) return Refusal.Invalid("body", "is required");
            body = "{}"u8.ToArray();
        }
        if (HostileText.InJson(body) is { } hostile) return hostile;
        try
        {
            return JsonSerializer.Deserialize(body, HttpJson.Info<T>()) is { } value ? value : Refusal.Invalid("body", "must not be null");
        }
        catch (JsonException e)
        {
            var field = FieldOf(e.Path);
            if (UnknownIn(e) is { } unknown) return Refusal.Invalid(field == "body" ? unknown : field.EndsWith(unknown, StringComparison.Ordinal) ? field : $"{field}.{unknown}", "is not known here");
            return Refusal.Invalid(field, Explain(e, field));
        }
        catch (InvalidOperationException e) // text that is not valid UTF-16, for example a lone surrogate escape
        {
            return Refusal.Invalid("body", "contains text that is not well-formed Unicode: " + e.Message);
        }
    }

    private static async Task DrainAsync(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = BulkLimit;
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (await http.Request.Body.ReadAsync(buffer, http.RequestAborted) > 0) { }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string FieldOf(string? path) => path is null or "$" or "" ? "body" : path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path.TrimStart('$');

    /// <summary>The member that a body has and its type has not, where the type allows no others; null for all other mistakes.</summary>
    private static string? UnknownIn(JsonException e)
    {
        if (!e.Message.Contains("could not be mapped to any .NET member", StringComparison.Ordinal)) return null;
        var words = e.Message.Split('\'');
        return words.Length > 1 ? words[1] : null;
    }

    private static string Explain(JsonException e, string field)
    {
        // The framework's own text names .NET types; a caller is helped by what was expected.
        if (e.Message.StartsWith("The JSON value could not be converted to", StringComparison.Ordinal)) return "has the wrong type" + Where(e);
        if (e.Message.Contains("is an invalid", StringComparison.Ordinal) || e.Message.Contains("depth", StringComparison.Ordinal) || field == "body")
            return "is not valid JSON" + Where(e);
        var end = e.Message.IndexOf(" Path:", StringComparison.Ordinal);
        return end > 0 ? e.Message[..end].TrimEnd('.') : e.Message;
    }

    private static string Where(JsonException e) => e.LineNumber is { } line ? $" (line {line + 1}, byte {e.BytePositionInLine})" : "";

    private static async Task<byte[]> BytesAsync(HttpRequest request, int limit, CancellationToken ct)
    {
        if (request.ContentLength is { } length and <= 1024 * 1024)
        {
            var exact = new byte[length];
            var read = await request.Body.ReadAtLeastAsync(exact, exact.Length, throwOnEndOfStream: false, ct);
            return read == exact.Length ? exact : exact[..read];
        }
        using var stream = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(buffer, ct)) > 0)
            {
                stream.Write(buffer, 0, read);
                if (stream.Length > limit) throw new BadHttpRequestException("too large", StatusCodes.Status413PayloadTooLarge);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return stream.ToArray();
    }

    /// <summary>Says what an idempotency key stands for where the body was read by other means than <see cref="ReadAsync{T}"/>.</summary>
    public static void Remember(HttpContext http, byte[] body) => http.Items[BodyKey] = body;

    /// <summary>The bytes that <see cref="ReadAsync{T}"/> has read, for checking a signature.</summary>
    public static byte[] BodyOf(HttpContext http) => http.Items[BodyKey] as byte[] ?? [];

    /// <summary>Who calls, on which trace; with the idempotency key when the call has one (after the body was read).</summary>
    public static Outcome<Caller> CallerOf(HttpContext http) => CallerOf(http, () => BodyOf(http));

    /// <summary>As above for a door that reads bodies in its own way.</summary>
    /// <param name="body">The request's bytes, asked for only where there is an idempotency key.</param>
    public static Outcome<Caller> CallerOf(HttpContext http, Func<byte[]> body)
    {
        var actor = Actor(http);
        var trace = Activity.Current is { } activity ? activity.Id : null;
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values) || HttpMethods.IsGet(http.Request.Method)) return new Caller(actor, trace);
        var key = values.ToString();
        if (key.Length is 0 or > 255 || key.Any(c => c is < ' ' or > '~')) return Refusal.Invalid("Idempotency-Key", "must be 1–255 printable ASCII characters");
        return new Caller(actor, trace, IdempotencyKey.Of(actor, http.Request.Method, http.Request.Path, key, body()));
    }

    /// <summary>The API key's name, or with <c>auth=off</c> the Stowline-Actor header.</summary>
    public static string Actor(HttpContext http)
    {
        if (http.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name }) return name;
        var header = http.Request.Headers["Stowline-Actor"].ToString().Trim();
        return header.Length is > 0 and <= 64 && header.All(c => !char.IsControl(c)) ? header : "anonymous";
    }

    /// <summary>Reads <c>?limit=</c> (1–200) and <c>?cursor=</c>.</summary>
    /// <param name="otherwise">How many items a page has where the caller does not say.</param>
    public static Outcome<(int Limit, string? Cursor)> Paging(HttpContext http, int otherwise = Limits.UsualListLimit)
    {
        var limit = otherwise;
        var text = http.Request.Query["limit"].ToString();
        if (text.Length > 0 && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > Limits.MaxListLimit))
            return Refusal.Invalid("limit", $"must be 1–{Limits.MaxListLimit}");
        var cursor = http.Request.Query["cursor"].ToString();
        return (limit, cursor.Length == 0 ? null : cursor);
    }

    /// <summary>The same for a list of which the newest ids come first: the cursor is the last id that was shown.</summary>
    public static Outcome<(int Limit, Guid Before)> PagingById(HttpContext http)
    {
        var paging = Paging(http);
        if (paging.Refusal is { } bad) return bad;
        var before = Guid.AllBitsSet;
        return paging.Value.Cursor is not { } cursor || Guid.TryParseExact(cursor, "D", out before) ? (paging.Value.Limit, before) : Refusal.Invalid("cursor", "is not one that this list gave");
    }

    /// <summary>A query parameter that must be a code where it is given.</summary>
    public static string? Query(HttpContext http, string name)
    {
        var text = http.Request.Query[name].ToString();
        return text.Length == 0 ? null : text;
    }

    /// <summary>A time in a query: RFC 3339.</summary>
    public static Outcome<DateTimeOffset?> QueryTime(HttpContext http, string name)
    {
        var text = Query(http, name);
        if (text is null) return (DateTimeOffset?)null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time : Refusal.Invalid(name, "must be an RFC 3339 time");
    }
}
