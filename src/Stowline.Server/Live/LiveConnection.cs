using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Stowline.Server.Live;

/// <summary>
/// One client and the frames that wait for it. Nobody waits for a client: whoever cannot keep up with a full queue is cut off, and may come
/// back with the last position that it saw.
/// </summary>
internal sealed class LiveConnection(HubConnectionContext context, int capacity, Action onDropped)
{
    private readonly Channel<SerializedHubMessage> _queue = Channel.CreateBounded<SerializedHubMessage>(new BoundedChannelOptions(capacity) { SingleReader = true });
    private int _dropped;

    public CancellationToken Aborted => context.ConnectionAborted;

    /// <summary>From the feed, which must go on at once: a full queue ends the connection.</summary>
    public void Offer(SerializedHubMessage frame)
    {
        if (_queue.Writer.TryWrite(frame) || Aborted.IsCancellationRequested || Interlocked.Exchange(ref _dropped, 1) != 0) return;
        onDropped();
        context.Abort();
    }

    /// <summary>From the client's own catching up, which may take as long as the client does.</summary>
    public ValueTask SendAsync(SerializedHubMessage frame) => _queue.Writer.WriteAsync(frame, Aborted);

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
            await foreach (var frame in _queue.Reader.ReadAllAsync(Aborted)) await context.WriteAsync(frame, Aborted);
        }
        catch (OperationCanceledException)
        {
            // it has gone; what it missed it will ask for
        }
    }
}
