using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Stowline.Bench;

/// <summary>
/// The line between a site and its hub, as a proxy on a free port that can be cut: what is connected is dropped, and nobody gets through. It can also be slow, stand still with its connections open, and
/// reset them. Single packets it cannot lose: below TCP that shows as standing still, and if it lasts as a reset. Also the tests' line.
/// </summary>
internal sealed class LinkLine : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private readonly Task _accepting;
    private volatile bool _isCut;
    private volatile TaskCompletionSource _moving = Moving();

    public LinkLine(int target)
    {
        Target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The port that the line leads to: another one after the other end has been started anew.</summary>
    public int Target { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _open.Keys) socket.Dispose();
    }

    public void Heal() => _isCut = false;

    /// <summary>How long everything is on its way, in each direction.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Nothing gets through until <see cref="Resume"/>, and neither side is told: a cable that was pulled.</summary>
    public void Stall()
    {
        if (_moving.Task.IsCompleted) _moving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public void Resume() => _moving.TrySetResult();

    /// <summary>Ends all connections with a reset, whatever was under way; new ones get through at once.</summary>
    public void Reset()
    {
        foreach (var socket in _open.Keys)
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // it has ended by itself
            }
            socket.Dispose();
        }
    }

    private static TaskCompletionSource Moving()
    {
        var moving = new TaskCompletionSource();
        moving.SetResult();
        return moving;
    }

    private async Task AcceptAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync();
                if (_isCut) socket.Dispose();
                else carried.Add(CarryAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(carried); // the listener was stopped
        }
    }

    private async Task CarryAsync(Socket site)
    {
        using var hub = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        site.NoDelay = true;
        _open[site] = _open[hub] = true;
        try
        {
            await hub.ConnectAsync(IPAddress.Loopback, Target);
            await await Task.WhenAny(CopyAsync(site, hub), CopyAsync(hub, site));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // cut
        }
        finally
        {
            _open.TryRemove(site, out _);
            _open.TryRemove(hub, out _);
            site.Dispose();
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer.AsMemory()) is > 0 and var got)
        {
            if (Delay > TimeSpan.Zero) await Task.Delay(Delay, TimeProvider.System);
            await _moving.Task;
            for (var sent = 0; sent < got;) sent += await to.SendAsync(buffer.AsMemory(sent, got - sent));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Cut();
        Resume();
        await _accepting;
    }
}
