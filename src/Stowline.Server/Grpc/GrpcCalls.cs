using System.Diagnostics.Metrics;
using System.Globalization;
using Google.Protobuf;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Grpc;

/// <summary>
/// gRPC over an HTTP/2 request: reads the message, calls the service, writes the answer and its status. All that a service throws ends here or,
/// when it is a bug or lost infrastructure, in the guard, which then calls <see cref="End"/>.
/// </summary>
internal static class GrpcCalls
{
    /// <summary>Marks the endpoints whose calls last as long as their callers like.</summary>
    public sealed record Streams;

    private static GrpcMetrics Metrics(HttpContext http) => http.RequestServices.GetRequiredService<GrpcMetrics>();

    /// <summary>True for a gRPC request, whatever it is for; gRPC-Web is something else.</summary>
    public static bool Is(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.Ordinal) && (type.Length == 16 || type[16] is '+' or ';');

    public static async Task UnaryAsync<TRequest, TResponse>(HttpContext http, TimeProvider time, MessageParser<TRequest> parser, Func<TRequest, ServerCallContext, Task<TResponse>> method)
        where TRequest : class, IMessage<TRequest> where TResponse : IMessage
    {
        await RunAsync(http, time, async call =>
        {
            var request = await ReadOneAsync(http, parser, call.CancellationToken);
            var response = await method(request, call);
            http.Response.ContentType = "application/grpc";
            Frames.Write(http.Response.BodyWriter, response);
        });
    }

    public static async Task StreamAsync<TRequest, TResponse>(HttpContext http, TimeProvider time, MessageParser<TRequest> parser,
        Func<TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> method) where TRequest : class, IMessage<TRequest> where TResponse : IMessage
    {
        await RunAsync(http, time, async call =>
        {
            var request = await ReadOneAsync(http, parser, call.CancellationToken);
            http.Response.ContentType = "application/grpc";
            var open = Metrics(http).Open;
            open.Add(1);
            try
            {
                await method(request, new StreamWriter<TResponse>(http, call), call);
            }
            finally
            {
                open.Add(-1);
            }
        });
    }

    private static async Task RunAsync(HttpContext http, TimeProvider time, Func<ServerCallContext, Task> body)
    {
        if (!Is(http.Request) || http.Request.Protocol != HttpProtocol.Http2)
        {
            await Answers.WriteAsync(http, new Refusal(RefusalKind.UnsupportedMediaType, "grpc_only", "this address speaks gRPC: HTTP/2 with content type application/grpc"));
            return;
        }
        if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null; // each message has its limit
        http.Response.Headers["grpc-accept-encoding"] = Frames.Encodings;
        ServerCallContext? call = null;
        try
        {
            call = new ServerCallContext(http, time);
            CheckEncoding(http.Request);
            await body(call);
            End(http, new Status(StatusCode.OK, ""));
        }
        catch (RpcException e)
        {
            if (e.Status.StatusCode == StatusCode.ResourceExhausted && e.Refusal is null) await DrainAsync(http);
            End(http, e.Status, e.Refusal);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && (http.RequestAborted.IsCancellationRequested || call is { IsLate: true }))
        {
            // To one who has cancelled nothing can be said any more; one whose deadline has passed is told so.
            End(http, call is { IsLate: true } ? new Status(StatusCode.DeadlineExceeded, "the deadline has passed") : new Status(StatusCode.Cancelled, "the caller has cancelled"));
        }
        finally
        {
            call?.Dispose();
        }
    }

    /// <summary>Reads what is too large to its end, within reason: a caller that is still sending may not look for an answer.</summary>
    private static async Task DrainAsync(HttpContext http)
    {
        try
        {
            for (long read = 0; read < Requests.BulkLimit;)
            {
                var part = await http.Request.BodyReader.ReadAsync(http.RequestAborted);
                read += part.Buffer.Length;
                http.Request.BodyReader.AdvanceTo(part.Buffer.End);
                if (part.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // it has gone
        }
    }

    private static void CheckEncoding(HttpRequest request)
    {
        if (request.Headers["grpc-encoding"].ToString() is not ("" or "identity" or "gzip"))
            throw new RpcException(new Status(StatusCode.Unimplemented, $"grpc-encoding must be one of {Frames.Encodings}"));
    }

    private static async ValueTask<T> ReadOneAsync<T>(HttpContext http, MessageParser<T> parser, CancellationToken ct) where T : class, IMessage<T>
    {
        var encoding = http.Request.Headers["grpc-encoding"].ToString();
        var request = await Frames.ReadAsync(http.Request.BodyReader, parser, encoding, ct) ?? throw new RpcException(new Status(StatusCode.Internal, "the call brought no message"));
        return await Frames.ReadAsync(http.Request.BodyReader, parser, encoding, ct) is null ? request
            : throw new RpcException(new Status(StatusCode.Internal, "the call brought more than one message"));
    }

    /// <summary>A refusal before any service was called, such as a missing key.</summary>
    public static void Refuse(HttpContext http, Refusal refusal) => End(http, GrpcStatus.Of(refusal), refusal);

    /// <summary>Says how the call ended: in the trailers or, where nothing was written yet, in the headers, as gRPC wants it then.</summary>
    public static void End(HttpContext http, Status status, Refusal? refusal = null)
    {
        // The method is named only where there is one: whoever calls what does not exist must not make new time series.
        Metrics(http).Calls.Add(1, new KeyValuePair<string, object?>("method", http.GetEndpoint() is RouteEndpoint known ? known.RoutePattern.RawText : "unknown"),
            new KeyValuePair<string, object?>("status", status.StatusCode.ToString()));
        var response = http.Response;
        if (http.RequestAborted.IsCancellationRequested) return;
        var isAlone = !response.HasStarted && response.BodyWriter is { CanGetUnflushedBytes: true, UnflushedBytes: 0 };
        if (isAlone)
        {
            response.StatusCode = StatusCodes.Status200OK;
            response.ContentType = "application/grpc";
        }
        Say("grpc-status", ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture));
        if (status.Detail.Length > 0) Say("grpc-message", GrpcStatus.Encode(status.Detail));
        if (refusal is null) return;
        Say("stowline-code", refusal.Code);
        if (refusal.RetryAfterSeconds is { } seconds) Say("retry-after", seconds.ToString(CultureInfo.InvariantCulture));
        // The whole problem document, as REST answers it, unless it is too long for headers.
        var problem = Answers.Problem(refusal, Answers.StatusOf(refusal.Kind));
        if (problem.Length <= 4096) Say("stowline-problem-bin", Convert.ToBase64String(problem));

        void Say(string name, string value)
        {
            if (isAlone) response.Headers[name] = value;
            else response.AppendTrailer(name, value);
        }
    }

    private sealed class StreamWriter<T>(HttpContext http, ServerCallContext call) : IServerStreamWriter<T> where T : IMessage
    {
        public async Task WriteAsync(T message, CancellationToken cancellationToken = default)
        {
            call.CancellationToken.ThrowIfCancellationRequested();
            Frames.Write(http.Response.BodyWriter, message);
            // Comes back when the reader has room: HTTP/2 counts what it has taken.
            await http.Response.BodyWriter.FlushAsync(call.CancellationToken);
        }
    }
}

/// <summary>What is counted of gRPC.</summary>
internal sealed class GrpcMetrics(Meter meter) : INodeMetrics<GrpcMetrics>
{
    public Counter<long> Calls { get; } = meter.CreateCounter<long>("stowline_grpc_calls", description: "gRPC calls by method and status");
    public UpDownCounter<long> Open { get; } = meter.CreateUpDownCounter<long>("stowline_grpc_streams", description: "Streams that are open now");

    public static GrpcMetrics Create(Meter meter, TimeProvider time) => new(meter);
}
