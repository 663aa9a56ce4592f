using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Stowline.Tests.Support;

/// <summary>Speaks SignalR's JSON protocol over a bare WebSocket: what is asserted is the bytes that any client would see.</summary>
public sealed class LiveClient : IAsyncDisposable
{
    private const byte Separator = 0x1e;
    private readonly ClientWebSocket _socket = new();
    private readonly List<byte> _received = [];
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly Queue<JsonElement> _events = new();
    private HttpMessageInvoker? _invoker;
    private int _calls;

    /// <summary>The server has said that it ends the connection and that the client may connect again.</summary>
    public bool MayReturn { get; private set; }

    /// <param name="smallWindow">Take little from the network, so that what is not read soon piles up at the server.</param>
    public static async Task<LiveClient> ConnectAsync(Uri server, string? origin = null, bool smallWindow = false)
    {
        var client = new LiveClient();
        if (origin is not null) client._socket.Options.SetRequestHeader("Origin", origin);
        client._invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (context, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                if (smallWindow) socket.ReceiveBufferSize = 4096;
                await socket.ConnectAsync(context.DnsEndPoint, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        await client._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/live" }.Uri, client._invoker, client.Limit());
        await client.WriteAsync("""{"protocol":"json","version":1}""");
        await client.ReadAsync(); // {}: the handshake is accepted
        return client;
    }

    /// <summary>Calls a method and waits until it is answered; the error's text when it is refused. Events on the way are kept.</summary>
    public async Task<string?> CallAsync(string method, params object?[] arguments)
    {
        var id = await SendCallAsync(method, arguments);
        while (true)
        {
            var message = await ReadAsync();
            if (message.GetProperty("type").GetInt32() == 3 && message.GetProperty("invocationId").GetString() == id)
                return message.TryGetProperty("error", out var error) ? error.GetString() : null;
            Keep(message);
        }
    }

    public async Task<string> SendCallAsync(string method, params object?[] arguments)
    {
        var id = (++_calls).ToString();
        await WriteAsync(JsonSerializer.Serialize(new { type = 1, invocationId = id, target = method, arguments }));
        return id;
    }

    /// <summary>The next <c>event</c>.</summary>
    public async Task<JsonElement> NextAsync()
    {
        while (_events.Count == 0) Keep(await ReadAsync());
        return _events.Dequeue();
    }

    /// <summary>The next event of a type; those before it are passed over.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        while (true)
            if (await NextAsync() is var e && e.GetProperty("type").GetString() == type) return e;
    }

    private void Keep(JsonElement message)
    {
        if (message.GetProperty("type").GetInt32() == 7) MayReturn |= message.TryGetProperty("allowReconnect", out var may) && may.GetBoolean();
        if (message.GetProperty("type").GetInt32() == 1 && message.GetProperty("target").GetString() == "event") _events.Enqueue(message.GetProperty("arguments")[0]);
    }

    private async Task<JsonElement> ReadAsync()
    {
        int end;
        while ((end = _received.IndexOf(Separator)) < 0)
        {
            var read = await _socket.ReceiveAsync(_buffer, Limit());
            if (read.MessageType == WebSocketMessageType.Close) throw new WebSocketException("the server has closed");
            _received.AddRange(_buffer.AsSpan(0, read.Count));
        }
        var message = JsonDocument.Parse(_received.GetRange(0, end).ToArray()).RootElement;
        _received.RemoveRange(0, end + 1);
        return message;
    }

    private Task WriteAsync(string json) => _socket.SendAsync(Encoding.UTF8.GetBytes(json + (char)Separator), WebSocketMessageType.Text, true, Limit());

    private CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token;

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _invoker?.Dispose();
        return ValueTask.CompletedTask;
    }
}
