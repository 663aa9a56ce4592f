using System.Net;
using System.Net.Sockets;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

internal enum Cut { No, BeforeCommit, AfterCommit }

/// <summary>
/// Stands between Npgsql and PostgreSQL and cuts a connection at the worst moments: when COMMIT was sent but has not arrived, or when it
/// was done but the answer is still on its way. Cuts once; then it lets everything through.
/// </summary>
internal sealed class CommitProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _host;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private int _cut;

    public CommitProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public int Cuts { get; private set; }
    public void CutNext(Cut cut) => Volatile.Write(ref _cut, (int)cut);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            client.NoDelay = server.NoDelay = true;
            var answers = AnswerAsync(server.GetStream(), client.GetStream());
            var buffer = new byte[1 << 16];
            int read;
            while ((read = await client.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
            {
                var cut = (Cut)Volatile.Read(ref _cut);
                if (cut != Cut.No && buffer.AsSpan(0, read).IndexOf("COMMIT\0"u8) >= 0) // with its end: BEGIN says READ COMMITTED
                {
                    Volatile.Write(ref _cut, (int)Cut.No);
                    Cuts++;
                    if (cut == Cut.AfterCommit)
                    {
                        client.Client.Close(0); // the answer finds nobody
                        await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                        await answers; // it ends when PostgreSQL has answered and nobody is there to take it
                    }
                    return;
                }
                await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // one side has gone
        }
    }

    private async Task AnswerAsync(NetworkStream server, NetworkStream client)
    {
        try
        {
            await server.CopyToAsync(client, _stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // the client has gone
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
    }
}
