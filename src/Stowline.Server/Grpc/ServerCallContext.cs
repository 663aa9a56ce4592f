using System.Globalization;
using Google.Protobuf;
using Stowline.Hub.Access;

namespace Stowline.Server.Grpc;

/// <summary>One call, as its service sees it. Shaped like Grpc.Core's, so that the services need not change when that carries them.</summary>
public sealed class ServerCallContext : IDisposable
{
    private readonly HttpContext _http;
    private readonly CancellationTokenSource _ends;
    private readonly TimeProvider _time;

    internal ServerCallContext(HttpContext http, TimeProvider time)
    {
        (_http, _time) = (http, time);
        if (ParseTimeout(http.Request.Headers["grpc-timeout"]) is { } timeout)
        {
            Deadline = time.GetUtcNow() + timeout;
            // Not a timer of our own that cancels: one that fires while the call ends would find its source disposed, and end the process.
            _late = new CancellationTokenSource(timeout, time);
        }
        _ends = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _late?.Token ?? CancellationToken.None);
    }

    private readonly CancellationTokenSource? _late;

    /// <summary>When the caller stops waiting; null when it never does.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>Ends with the deadline, with the caller's cancellation, and with the connection.</summary>
    public CancellationToken CancellationToken => _ends.Token;

    /// <summary>The timer may be a moment ahead of the clock, so both are asked.</summary>
    internal bool IsLate => _late is { IsCancellationRequested: true } || Deadline is { } deadline && _time.GetUtcNow() >= deadline;
    public string Method => _http.Request.Path;
    public HttpContext GetHttpContext() => _http;

    /// <summary>Whose key it is; null on a node without keys.</summary>
    internal KeyHolder? Holder => _http.Features.Get<KeyHolder>();

    public void AddTrailer(string name, string value) => _http.Response.AppendTrailer(name, value);

    /// <summary>Sends the headers now, so that the caller of a stream knows that it has begun.</summary>
    public async Task WriteResponseHeadersAsync(params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers) _http.Response.Headers[name] = value;
        await _http.Response.StartAsync(CancellationToken);
        await _http.Response.BodyWriter.FlushAsync(CancellationToken);
    }

    /// <summary>grpc-timeout: at most eight digits and a unit.</summary>
    /// <exception cref="RpcException">It is something else.</exception>
    internal static TimeSpan? ParseTimeout(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n))
            throw new RpcException(new Status(StatusCode.Internal, $"grpc-timeout is malformed: {text}"));
        TimeSpan? timeout = text[^1] switch
        {
            'H' => TimeSpan.FromHours(n), 'M' => TimeSpan.FromMinutes(n), 'S' => TimeSpan.FromSeconds(n), 'm' => TimeSpan.FromMilliseconds(n),
            'u' => TimeSpan.FromMicroseconds(n), 'n' => TimeSpan.FromMicroseconds(n / 1000.0), _ => null,
        };
        if (timeout is null) throw new RpcException(new Status(StatusCode.Internal, $"grpc-timeout has an unknown unit: {text}"));
        return timeout > LongestTimer ? LongestTimer : timeout; // what timers can count
    }

    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    public void Dispose()
    {
        _ends.Dispose();
        _late?.Dispose();
    }
}

/// <summary>Where a service writes the messages of a stream. Waits while the reader is slow. Shaped like Grpc.Core's.</summary>
public interface IServerStreamWriter<in T> where T : IMessage
{
    Task WriteAsync(T message, CancellationToken cancellationToken = default);
}
