using System.Buffers;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Stowline.Server.Grpc;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS. Without TLS nobody negotiates, and Kestrel then speaks HTTP/1.1 only; a gRPC client begins
/// with the preface of HTTP/2. So the first bytes of a connection are looked at, not taken, and a connection that begins with the preface
/// is given to a second Kestrel endpoint that speaks HTTP/2 and has no port of its own: its listener gets its connections from here. Nothing
/// is copied, and an HTTP/1.1 connection pays one comparison of one byte (decision 0014).
/// </summary>
internal sealed class Http2Door(TimeProvider time) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <summary>How long a connection may say nothing: Kestrel's own limit for idle HTTP/1.1 connections.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(130);

    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>Listens on the port with HTTP/1.1, and behind the door with HTTP/2.</summary>
    public void Listen(KestrelServerOptions kestrel, IPAddress address, int port)
    {
        kestrel.Listen(address, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(Route);
        });
        kestrel.Listen(Inside.Instance, listen => listen.Protocols = HttpProtocols.Http2);
    }

    private ConnectionDelegate Route(ConnectionDelegate http1) => async connection =>
    {
        if (await BeginsWithPrefaceAsync(connection) is not { } http2) return; // it went, or said nothing for too long
        if (!http2) await http1(connection);
        else await HandOverAsync(connection);
    };

    private async Task HandOverAsync(ConnectionContext connection)
    {
        var handed = new Handed(connection);
        // After the inner listener has closed, the server is stopping and takes nobody in.
        if (_handed.Writer.TryWrite(handed)) await handed.Done;
        else connection.Abort();
    }

    /// <summary>Null when the connection ended before it could be told.</summary>
    private async ValueTask<bool?> BeginsWithPrefaceAsync(ConnectionContext connection)
    {
        using var limit = new CancellationTokenSource(LongestSilence, time);
        using var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .Register(static l => ((CancellationTokenSource)l!).Cancel(), limit);
        var input = connection.Transport.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(limit.Token);
                var verdict = Compare(read.Buffer);
                if (verdict is null && !read.IsCompleted)
                {
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    continue;
                }
                // Neither consumed nor examined: whoever takes the connection reads the same bytes again, at once.
                input.AdvanceTo(read.Buffer.Start);
                return read.Buffer.IsEmpty ? null : verdict ?? false;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Null while the bytes are too few to tell.</summary>
    internal static bool? Compare(in ReadOnlySequence<byte> bytes)
    {
        var length = (int)Math.Min(bytes.Length, Preface.Length);
        Span<byte> begin = stackalloc byte[Preface.Length];
        bytes.Slice(0, length).CopyTo(begin);
        return !begin[..length].SequenceEqual(Preface[..length]) ? false : length == Preface.Length ? true : null;
    }

    public bool CanBind(EndPoint endpoint) => endpoint is Inside;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken ct = default) => ValueTask.FromResult<IConnectionListener>(new Listener(_handed, endpoint));

    /// <summary>The address of the endpoint that has none.</summary>
    private sealed class Inside : EndPoint
    {
        public static readonly Inside Instance = new();
        public override string ToString() => "behind-the-door";
    }

    private sealed class Listener(Channel<ConnectionContext> handed, EndPoint endpoint) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken ct = default)
        {
            while (await handed.Reader.WaitToReadAsync(ct))
                if (handed.Reader.TryRead(out var connection)) return connection;
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken ct = default)
        {
            handed.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    /// <summary>
    /// The same connection for its second owner. What that one sets among its features is its own, and when it is done the first owner goes on
    /// and closes.
    /// </summary>
    private sealed class Handed(ConnectionContext inner) : ConnectionContext
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public override string ConnectionId { get => inner.ConnectionId; set => inner.ConnectionId = value; }
        public override IFeatureCollection Features { get; } = new FeatureCollection(inner.Features);
        public override IDictionary<object, object?> Items { get => inner.Items; set => inner.Items = value; }
        public override System.IO.Pipelines.IDuplexPipe Transport { get => inner.Transport; set => inner.Transport = value; }
        public override CancellationToken ConnectionClosed { get => inner.ConnectionClosed; set => inner.ConnectionClosed = value; }
        public override EndPoint? LocalEndPoint { get => inner.LocalEndPoint; set => inner.LocalEndPoint = value; }
        public override EndPoint? RemoteEndPoint { get => inner.RemoteEndPoint; set => inner.RemoteEndPoint = value; }
        public override void Abort(ConnectionAbortedException reason) => inner.Abort(reason);
        public override void Abort() => inner.Abort();

        public override ValueTask DisposeAsync()
        {
            _done.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
