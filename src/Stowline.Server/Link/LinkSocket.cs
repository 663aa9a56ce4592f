using System.Buffers;
using System.Net.WebSockets;
using Stowline.Link;
using Stowline.Log;

namespace Stowline.Server.Link;

/// <summary>Carries the frames of a <see cref="LinkEnd"/> over a WebSocket, one message each, and runs its steps, until either has ended.</summary>
internal static class LinkSocket
{
    private static readonly TimeSpan CloseWithin = TimeSpan.FromSeconds(2);

    /// <returns>Why it has ended.</returns>
    public static async Task<string> RunAsync(WebSocket socket, LinkEnd end, TimeProvider time, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task[] loops = [ReceiveAsync(socket, end, stop.Token), SendAsync(socket, end, stop.Token), StepAsync(end, time, stop.Token)];
        var why = "closed";
        try
        {
            await await Task.WhenAny(loops);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            why = e is OperationCanceledException ? "stopping" : e.Message;
        }
        finally
        {
            end.End(why);
            await CloseAsync(socket, loops[1], time);
            await stop.CancelAsync();
            foreach (var loop in loops) await loop.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        return end.Ended ?? why;
    }

    /// <summary>What was said last, such as why this end refuses to go on, is sent before the socket closes; but nobody waits long for it.</summary>
    private static async Task CloseAsync(WebSocket socket, Task sending, TimeProvider time)
    {
        try
        {
            await sending.WaitAsync(CloseWithin, time);
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(CloseWithin, time);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
        {
            // It is gone already.
        }
        socket.Abort();
    }

    private static async Task StepAsync(LinkEnd end, TimeProvider time, CancellationToken ct)
    {
        while (end.Ended is null)
            if (!await end.RunOnceAsync(ct)) await end.Wake.WaitAsync(end.Idle, time, ct);
    }

    private static async Task SendAsync(WebSocket socket, LinkEnd end, CancellationToken ct)
    {
        await foreach (var frame in end.Frames.ReadAllAsync(ct)) await socket.SendAsync(frame, WebSocketMessageType.Binary, endOfMessage: true, ct);
    }

    private static async Task ReceiveAsync(WebSocket socket, LinkEnd end, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer.AsMemory(), ct);
                if (got.MessageType != WebSocketMessageType.Binary) return; // a close, or nothing of ours
                if (got.EndOfMessage)
                {
                    await end.TakeAsync(buffer.AsSpan(0, got.Count).ToArray(), ct);
                    continue;
                }
                using var whole = new MemoryStream();
                whole.Write(buffer, 0, got.Count);
                while (!got.EndOfMessage)
                {
                    got = await socket.ReceiveAsync(buffer.AsMemory(), ct);
                    whole.Write(buffer, 0, got.Count);
                    if (whole.Length > LinkFrames.Largest) return;
                }
                await end.TakeAsync(whole.ToArray(), ct);
            }
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            // This end has ended meanwhile.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
