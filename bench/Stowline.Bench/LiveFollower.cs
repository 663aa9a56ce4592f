using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Stowline.Bench;

/// <summary>A client of <c>/live</c> that follows one topic. It looks at no more than it must: its time is taken from the server's.</summary>
internal sealed class LiveFollower : IAsyncDisposable
{
    private const string Separator = "\u001e";
    private readonly ClientWebSocket _socket = new();
    private readonly HttpMessageInvoker _invoker;
    private readonly CancellationTokenSource _stop = new();
    private Task _reading = Task.CompletedTask;
    private long _bytes;

    private LiveFollower(bool deaf) => _invoker = new HttpMessageInvoker(new SocketsHttpHandler
    {
        ConnectCallback = async (context, ct) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (deaf) socket.ReceiveBufferSize = 4096; // so that what is not read soon piles up at the server
            await socket.ConnectAsync(context.DnsEndPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    public long Bytes => Volatile.Read(ref _bytes);
    public bool Ended => _reading.IsCompleted;

    /// <param name="onMessage">Gets each whole WebSocket message; null where nobody cares what is in it.</param>
    /// <param name="deaf">Subscribes and never reads.</param>
    public static async Task<LiveFollower> ConnectAsync(Uri server, string topic, Action<ReadOnlySpan<byte>>? onMessage = null, bool deaf = false)
    {
        var follower = new LiveFollower(deaf);
        await follower._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/live" }.Uri, follower._invoker, default);
        await follower.SendAsync("""{"protocol":"json","version":1}""");
        await follower._socket.ReceiveAsync(new byte[1024], default); // the handshake is answered
        await follower.SendAsync($$"""{"type":1,"target":"Subscribe","arguments":["{{topic}}"]}""");
        if (!deaf) follower._reading = Task.Run(() => follower.ReadAsync(onMessage));
        return follower;
    }

    private Task SendAsync(string json) => _socket.SendAsync(Encoding.UTF8.GetBytes(json + Separator), WebSocketMessageType.Text, true, default);

    private async Task ReadAsync(Action<ReadOnlySpan<byte>>? onMessage)
    {
        var buffer = new byte[256 * 1024];
        var have = 0;
        try
        {
            while (true)
            {
                if (have == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                var read = await _socket.ReceiveAsync(buffer.AsMemory(have), _stop.Token);
                if (read.MessageType == WebSocketMessageType.Close) return;
                Interlocked.Add(ref _bytes, read.Count);
                if (onMessage is null) continue;
                have += read.Count;
                if (!read.EndOfMessage) continue;
                // A message ends with a frame, but a large frame may come in several messages.
                var whole = buffer.AsSpan(0, have).LastIndexOf((byte)0x1e) + 1;
                onMessage(buffer.AsSpan(0, whole));
                buffer.AsSpan(whole, have - whole).CopyTo(buffer);
                have -= whole;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // ended, by us or by the server
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _socket.Dispose();
        _invoker.Dispose();
        _stop.Dispose();
    }
}
