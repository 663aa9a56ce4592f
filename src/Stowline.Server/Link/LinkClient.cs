using System.Net.WebSockets;
using Stowline.Hub.Catalog;
using Stowline.Link;
using Stowline.Log;

namespace Stowline.Server.Link;

/// <summary>
/// A site's way to its hub: one outgoing WebSocket, made again whenever it ends. The pauses between tries double up to five seconds, with jitter, so that many
/// sites do not come back in the same moment. Of several processes on one database the one on duty holds it.
/// </summary>
internal sealed class LinkClient(Node node, Uri address, string key, string name, ILogger log) : Pump
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);
    private const double LongestPauseMs = 5_000;
    private int _failures;
    private string? _said;

    /// <summary>Null where the node was not told where its hub is: it works on by itself.</summary>
    public static LinkClient? Make(Node node, Configuration configuration, ILogger log)
    {
        if (configuration.Hub.Length == 0 || SiteKey.Read(configuration.Key) is not { } key) return null;
        var hub = new UriBuilder(LinkEndpoint.AddressAt(new Uri(configuration.Hub), LinkEndpoint.Path));
        hub.Scheme = hub.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
        return new LinkClient(node, hub.Uri, key.Key, configuration.Node, log);
    }

    public override string Name => "link to the hub";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!node.Lanes.Duty.IsOurs) return false;
        var site = node.Role.Site!;
        var state = node.Modules.OfType<LinkModule>().Single().StateOf(site);
        var greeted = false;
        string why;
        try
        {
            using var socket = new ClientWebSocket();
            socket.Options.SetRequestHeader("Authorization", "Bearer " + key);
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(ct))
            await using (node.Time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), limit, ConnectWithin, Timeout.InfiniteTimeSpan))
                await socket.ConnectAsync(address, limit.Token);
            using var end = new LinkEnd(node.Lanes, node.Role, site, state, name, Configuration.Version);
            why = await LinkSocket.RunAsync(socket, end, node.Time, ct);
            greeted = end.IsGreeted;
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            why = e.Message;
        }
        ct.ThrowIfCancellationRequested();
        _failures = greeted ? 0 : _failures + 1;
        Say(why);
        await PauseAsync(ct);
        return true;
    }

    /// <summary>Once per reason: a line that is cut for days is no news every five seconds.</summary>
    private void Say(string why)
    {
        if (why == _said) return;
        _said = why;
        log.LogWarning("the link to the hub at {Hub} is cut: {Reason}; this site works on, and it will be tried again", address.GetLeftPart(UriPartial.Authority), why);
    }

    private async Task PauseAsync(CancellationToken ct)
    {
        var ceiling = Math.Min(LongestPauseMs, 100 * Math.Pow(2, Math.Min(_failures, 10)));
        await new Signal().WaitAsync(TimeSpan.FromMilliseconds(ceiling * (0.5 + node.Ids.NextDouble() / 2)), node.Time, ct);
    }
}
