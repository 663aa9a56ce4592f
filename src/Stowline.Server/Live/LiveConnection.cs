using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Stowline.Log;

namespace Stowline.Server.Live;

/// <summary>
/// One client and the frames that wait for it. Nobody waits for a client: whoever cannot keep up with a full queue is cut off, and may come
/// back with the last position that it saw.
/// </summary>
/// <param name="capacity">How many events may wait. What waits is shared with the other clients, so a slow one costs little more than its place.</param>
internal sealed class LiveConnection(HubConnectionContext context, int capacity, TimeProvider time, Action onDropped)
{
    /// <summary>Frames that may wait, whatever is in them: the bound for a client that catches up slowly, whose frames are its own.</summary>
    private const int MostFrames = 256;

    private readonly Channel<LiveFrame> _queue = Channel.CreateBounded<LiveFrame>(new BoundedChannelOptions(Math.Min(MostFrames, capacity)) { SingleReader = true });
    private readonly Signal _room = new();
    private int _waiting;
    private int _dropped;

    public CancellationToken Aborted => context.ConnectionAborted;

    /// <summary>From the feed, which must go on at once: a full queue ends the connection.</summary>
    public void Offer(LiveFrame frame)
    {
        if (Aborted.IsCancellationRequested) return;
        var waiting = Interlocked.Add(ref _waiting, frame.Events);
        // A frame alone is never too much: what it holds came at once.
        if ((waiting <= capacity || waiting == frame.Events) && _queue.Writer.TryWrite(frame)) return;
        if (Interlocked.Exchange(ref _dropped, 1) != 0) return;
        onDropped();
        context.Abort();
    }

    /// <summary>
    /// From the client's own catching up, which may take as long as the client does. It leaves half of the queue free: who has caught up must
    /// not be cut off by the first news.
    /// </summary>
    public async ValueTask SendAsync(LiveFrame frame)
    {
        while (Volatile.Read(ref _waiting) > capacity / 2) await _room.WaitAsync(Timeout.InfiniteTimeSpan, time, Aborted);
        Interlocked.Add(ref _waiting, frame.Events);
        await _queue.Writer.WriteAsync(frame, Aborted);
    }

    /// <summary>
    /// Ends it because the server stops. The client is told that it may come back, or its library would take the end for a refusal; another
    /// process may be there for it.
    /// </summary>
    public async Task CloseAsync()
    {
        await context.WriteAsync(new CloseMessage(null, allowReconnect: true), Aborted);
        context.Abort();
    }

    /// <summary>Sends what waits, one after the other, until the client goes.</summary>
    public async Task RunAsync()
    {
        try
        {
            await foreach (var frame in _queue.Reader.ReadAllAsync(Aborted))
            {
                await context.WriteAsync(frame, Aborted);
                Interlocked.Add(ref _waiting, -frame.Events);
                _room.Set();
            }
        }
        catch (OperationCanceledException)
        {
            // it has gone; what it missed it will ask for
        }
    }
}
