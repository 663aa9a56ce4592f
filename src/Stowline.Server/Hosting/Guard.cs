using System.Diagnostics;
using System.Net;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Server.Grpc;
using Stowline.Server.Live;
using Stowline.Server.Telemetry;

namespace Stowline.Server.Hosting;

/// <summary>
/// Stands around every request: the one middleware. It answers with the trace, makes problem documents of what the framework refuses and
/// of what fails, asks for keys where they are needed, counts how much each caller asks for, and keeps other web sites out of a node without keys.
/// </summary>
internal sealed class Guard(Node node, NodeMetrics metrics, KeyGate? gate, RateGate? rates, ILogger log)
{
    /// <summary>Worth a line in the log.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var started = node.Time.GetTimestamp();
        SetTrace(http);
        PathValues.Decode(http);
        try
        {
            var refusal = await ReceiveAsync(http);
            if (refusal is not null) await RefuseAsync(http, refusal);
            else await next(http);
            if (http.Response is { StatusCode: StatusCodes.Status404NotFound, HasStarted: false } && GrpcCalls.Is(http.Request))
                GrpcCalls.End(http, new Status(StatusCode.Unimplemented, $"there is no method {http.Request.Path}"));
            else if (http.Response is { StatusCode: >= 400, HasStarted: false, ContentType: null, ContentLength: null or 0 } bare && !HttpMethods.IsHead(http.Request.Method))
                await WriteAsync(http, bare.StatusCode, OfFramework(bare.StatusCode));
        }
        catch (Exception e)
        {
            await FailAsync(http, e);
        }
        // A WebSocket lasts as long as its client likes, a stream too: that is no duration of an answer.
        if (http.Response.StatusCode != StatusCodes.Status101SwitchingProtocols && http.GetEndpoint()?.Metadata.GetMetadata<GrpcCalls.Streams>() is null)
            Measure(http, node.Time.GetElapsedTime(started));
    }

    /// <summary>Null when the request may go on. Wrong keys count as their sender's requests too, so that nobody guesses without end.</summary>
    private async ValueTask<Refusal?> ReceiveAsync(HttpContext http)
    {
        var stranger = gate is null ? Stranger(http.Request) : await gate.RecognizeAsync(http);
        if (rates is not null && await rates.CheckAsync(http) is { } tooMany) return tooMany;
        // Before the gate, which looks for what the query names.
        return stranger ?? HostileText.InQuery(http) ?? (gate is null ? null : await gate.AllowAsync(http));
    }

    private void Measure(HttpContext http, TimeSpan elapsed)
    {
        var (status, route) = (http.Response.StatusCode, (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "unmatched");
        metrics.Request(http.Request.Method, route, status, elapsed);
        if (Activity.Current is { IsAllDataRequested: true } span)
        {
            span.DisplayName = $"{http.Request.Method} {route}";
            span.SetTag("http.request.method", http.Request.Method).SetTag("http.route", route).SetTag("http.response.status_code", status);
            if (status >= 500) span.SetStatus(ActivityStatusCode.Error);
        }
        // What the caller did wrong is the caller's to know. The path is not logged: it may name a person's things; the route does for finding the code.
        if (status < 500 && elapsed < Slow || !log.IsEnabled(LogLevel.Information)) return;
        using (OrderLog.Scope(log, OrderOf(http, route), Activity.Current?.TraceId.ToHexString()))
            log.LogInformation("{method} {route} was answered with {status} in {milliseconds} ms", http.Request.Method, route, status, Math.Round(elapsed.TotalMilliseconds, 1));
    }

    /// <summary>The order that a request names, as far as it names it by id.</summary>
    private static string? OrderOf(HttpContext http, string route) =>
        route.StartsWith("/api/v1/orders/{id}", StringComparison.Ordinal) && Guid.TryParse(http.Request.RouteValues["id"] as string, out var id) ? id.ToString() : null;

    /// <summary>The id is made by us from checked hexadecimal digits, so nothing that a caller sent is echoed into a header.</summary>
    private static void SetTrace(HttpContext http)
    {
        if (Activity.Current?.Id is { } id) http.Response.Headers.TraceParent = id;
    }

    /// <summary>
    /// A node without keys trusts whoever reaches its loopback address. A web page in a browser on the same machine does: by a form or
    /// fetch across sites, or by a name that it lets resolve to 127.0.0.1. Both show.
    /// </summary>
    private static Refusal? Stranger(HttpRequest request)
    {
        var host = request.Host.Host;
        if (host.Length > 0 && host is not ("localhost" or "127.0.0.1" or "::1" or "[::1]") && !(IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip)))
            return new Refusal(RefusalKind.Forbidden, "unknown_host", "with auth=off this node answers only to localhost");
        if (!HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Site"] is ["cross-site" or "same-site"])
            return new Refusal(RefusalKind.Forbidden, "cross_site", "with auth=off this node takes no changes from other web sites");
        // Browsers let any page open a WebSocket to anywhere and read from it, by GET; they only say from where.
        if (request.Path.StartsWithSegments(LiveEndpoint.Path) && request.Headers.Origin is { Count: > 0 } origin &&
            !(Uri.TryCreate(origin.ToString(), UriKind.Absolute, out var from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)))
            return new Refusal(RefusalKind.Forbidden, "cross_site", "with auth=off this node is not read live from other web sites");
        return null;
    }

    private static Task RefuseAsync(HttpContext http, Refusal refusal)
    {
        if (refusal.Kind == RefusalKind.Unauthenticated) http.Response.Headers.WWWAuthenticate = "Bearer";
        if (!GrpcCalls.Is(http.Request)) return Answers.WriteAsync(http, refusal);
        GrpcCalls.Refuse(http, refusal);
        return Task.CompletedTask;
    }

    private async Task FailAsync(HttpContext http, Exception e)
    {
        if (http.RequestAborted.IsCancellationRequested) // the caller has gone: nobody reads an answer, and nothing is wrong here
        {
            if (!http.Response.HasStarted) http.Response.StatusCode = 499;
            return;
        }
        if (GrpcCalls.Is(http.Request))
        {
            var (code, no) = OfException(e);
            if (code == 500) log.LogError(e, "a call failed: {Path}", http.Request.Path.Value);
            GrpcCalls.Refuse(http, no);
            return;
        }
        if (http.Response.HasStarted)
        {
            LogFailure(http, e, "a request failed after its answer had begun");
            http.Abort();
            return;
        }
        var (status, refusal) = OfException(e);
        if (status == 500) LogFailure(http, e, "a request failed");
        var tellLimits = RateGate.Keep(http);
        http.Response.Clear();
        SetTrace(http);
        tellLimits();
        await WriteAsync(http, status, refusal);
    }

    private void LogFailure(HttpContext http, Exception e, string what)
    {
        var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "unmatched";
        using (OrderLog.Scope(log, OrderOf(http, route), Activity.Current?.TraceId.ToHexString()))
            log.LogError(e, "{what}: {method} {route}", what, http.Request.Method, route);
    }

    private (int Status, Refusal Refusal) OfException(Exception e)
    {
        if (e is BadHttpRequestException bad) return (bad.StatusCode, OfFramework(bad.StatusCode));
        if (node.Database.IsInfrastructure(e)) return (503, Refusal.Unavailable("database_unavailable", "the database cannot be reached now; try again", 2));
        // Given up while stopping: the command may have been done or not, and an honest answer says so.
        if (e is OperationCanceledException or ObjectDisposedException)
            return (503, Refusal.Unavailable("shutting_down", "this node is stopping; whether the request was done is not known, ask again with the same Idempotency-Key", 2));
        return (500, new Refusal(RefusalKind.Unavailable, "internal_error", "something went wrong here; the trace id finds it in the log"));
    }

    /// <summary>What the framework refuses with a bare status gets a document like every other refusal.</summary>
    private static Refusal OfFramework(int status) => status switch
    {
        400 => Of("bad_request", "the request is malformed"),
        401 => Of("unauthenticated", "credentials are missing or wrong"),
        403 => Of("forbidden", "this is not allowed"),
        404 => Of("not_found", "there is nothing at this address"),
        405 => Of("method_not_allowed", "this address does not take this method; see the Allow header"),
        408 => Of("request_timeout", "the request came too slowly"),
        413 => Of("body_too_large", $"the body is larger than {Requests.BodyLimit / 1024 / 1024} MB"),
        414 => Of("address_too_long", "the address is too long"),
        415 => Of("unsupported_media_type", "the body must be application/json"),
        429 => Of("too_many_requests", "slow down"),
        431 => Of("headers_too_large", "the headers are too large"),
        >= 500 => Of("internal_error", "something went wrong here; the trace id finds it in the log"),
        _ => Of("refused", $"refused with status {status}"),
    };

    private static Refusal Of(string code, string detail) => new(RefusalKind.Invalid, code, detail);

    private static Task WriteAsync(HttpContext http, int status, Refusal refusal)
    {
        if (refusal.RetryAfterSeconds is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Answers.WriteBytesAsync(http, status, null, Answers.Problem(refusal, status), "application/problem+json");
    }
}
