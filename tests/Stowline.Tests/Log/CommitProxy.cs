using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;
using Stowline.Adapters;
using Stowline.Tests.Support;

namespace Stowline.Tests.Log;

internal enum Cut { No, BeforeCommit, AfterCommit }

/// <summary>
/// Stands between Npgsql and PostgreSQL and cuts a connection at the worst moments: when the last writes with their COMMIT were sent but
/// have not arrived, or when the COMMIT was done but the answer is still on its way. Cuts once; then it lets everything through.
/// COMMIT itself is a prepared statement and not to be seen on its way there; the events before it and the answer to it are.
/// </summary>
internal sealed class CommitProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _host;
    private readonly int _port;
    private readonly byte[] _written;
    private readonly CancellationTokenSource _stop = new();
    private int _cut;

    /// <param name="written">The type of an event by which the writes before a COMMIT are known.</param>
    public CommitProxy(string host, int port, string written = "order.held")
    {
        (_host, _port, _written) = (host, port, Encoding.ASCII.GetBytes(written));
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>One before a database, and what to connect with to go through it.</summary>
    public static (CommitProxy Proxy, string Connection) Before(PostgresDatabase direct, string written = "order.held")
    {
        var there = new NpgsqlConnectionStringBuilder(direct.Source.ConnectionString);
        if (EveryDatabaseAttribute.Postgres is { } server) there.Password = new NpgsqlConnectionStringBuilder(server).Password;
        var proxy = new CommitProxy(there.Host!, there.Port, written);
        there.Host = "127.0.0.1";
        there.Port = proxy.Port;
        there.SslMode = SslMode.Disable;
        return (proxy, there.ToString());
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public int Cuts { get; private set; }
    public void CutNext(Cut cut) => Volatile.Write(ref _cut, (int)cut);

    private bool TakeCut(Cut cut, ReadOnlySpan<byte> passing, ReadOnlySpan<byte> sign)
    {
        if (Volatile.Read(ref _cut) != (int)cut || passing.IndexOf(sign) < 0) return false;
        if (Interlocked.CompareExchange(ref _cut, (int)Cut.No, (int)cut) != (int)cut) return false;
        Cuts++;
        return true;
    }

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
        using var closing = client;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            client.NoDelay = server.NoDelay = true;
            _ = AnswerAsync(server.GetStream(), client);
            var buffer = new byte[1 << 16];
            int read;
            while ((read = await client.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
            {
                if (TakeCut(Cut.BeforeCommit, buffer.AsSpan(0, read), _written)) return;
                await server.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // one side has gone
        }
    }

    private async Task AnswerAsync(NetworkStream server, TcpClient client)
    {
        try
        {
            var buffer = new byte[1 << 16];
            int read;
            while ((read = await server.ReadAsync(buffer, _stop.Token)) > 0)
            {
                if (TakeCut(Cut.AfterCommit, buffer.AsSpan(0, read), "COMMIT\0"u8)) client.Client.Close(0); // PostgreSQL has done it, and nobody hears so
                else await client.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
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
