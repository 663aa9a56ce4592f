using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Stowline.Bench;

/// <summary>
/// One keep-alive HTTP/1.1 connection over a bare socket. The generator shares the cores with the server, so it must cost next to nothing:
/// HttpClient would take as much CPU per request as the server does.
/// </summary>
internal sealed class BareHttp : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly string _host;
    private readonly byte[] _buffer = new byte[64 * 1024];

    private readonly bool _readsBodies;

    private BareHttp(Socket socket, string host, bool readsBodies) => (_socket, _host, _readsBodies) = (socket, host, readsBodies);

    /// <param name="readsBodies">Hand out the body of an answer also when all is well.</param>
    public static async Task<BareHttp> ConnectAsync(Uri address, bool readsBodies = false)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port);
        return new BareHttp(socket, $"{address.Host}:{address.Port}", readsBodies);
    }

    /// <summary>Sends a request and reads its answer whole. Answers the status and the body.</summary>
    public async Task<(int Status, string Body)> SendAsync(string method, string path, ReadOnlyMemory<byte> body)
    {
        var head = Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: {_host}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        var request = new byte[head.Length + body.Length];
        head.CopyTo(request, 0);
        body.CopyTo(request.AsMemory(head.Length));
        for (var sent = 0; sent < request.Length;) sent += await _socket.SendAsync(request.AsMemory(sent));
        return await ReadAsync();
    }

    private async Task<(int, string)> ReadAsync()
    {
        var have = 0;
        var end = -1;
        while (end < 0)
        {
            have += await ReceiveAsync(have);
            end = _buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8);
        }
        var status = int.Parse(Encoding.ASCII.GetString(_buffer, 9, 3), CultureInfo.InvariantCulture);
        var length = Length(Encoding.ASCII.GetString(_buffer, 0, end));
        var start = end + 4;
        if (start + length > _buffer.Length) return await ReadLargeAsync(status, start, have, length);
        while (have < start + length) have += await ReceiveAsync(have);
        return (status, status is 200 or 201 && !_readsBodies ? "" : Encoding.UTF8.GetString(_buffer, start, length));
    }

    private async Task<(int, string)> ReadLargeAsync(int status, int start, int have, int length)
    {
        for (var left = length - (have - start); left > 0;) left -= await _socket.ReceiveAsync(_buffer.AsMemory(0, Math.Min(left, _buffer.Length)));
        return (status, "");
    }

    private async Task<int> ReceiveAsync(int at)
    {
        var read = await _socket.ReceiveAsync(_buffer.AsMemory(at));
        return read > 0 ? read : throw new IOException("the server closed the connection");
    }

    private static int Length(string head)
    {
        var at = head.IndexOf("content-length:", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return 0;
        var end = head.IndexOf('\r', at);
        return int.Parse(head[(at + 15)..(end < 0 ? head.Length : end)], CultureInfo.InvariantCulture);
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
