using System.Net;
using System.Net.Sockets;

namespace Stowline.Http;

/// <summary>An address may not be called from here.</summary>
public sealed class ForbiddenTargetException(string message) : Exception(message);

/// <summary>
/// Which addresses may be called. Whoever may make a webhook or a carrier chooses a URL that this node then calls from within its own network, so an address is
/// checked where it is connected to: a name that resolves to something else later (DNS rebinding) gains nothing, and redirects are not followed.
/// </summary>
public class OutboundTarget
{
    private static readonly string[] Never =
    [
        // "This network", link-local (with the clouds' metadata services), multicast, reserved: not even in an intranet.
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8",
    ];

    private static readonly string[] Private =
    [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "::1/128", "fc00::/7", "fec0::/10", "100::/64", "2001:db8::/32",
        // Tunnels: what is inside could be any IPv4 address.
        "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16",
    ];

    private static readonly IPNetwork[] NeverNetworks = [.. Never.Select(n => IPNetwork.Parse(n))];
    private static readonly IPNetwork[] PrivateNetworks = [.. Private.Select(n => IPNetwork.Parse(n))];

    /// <summary>Endpoints in the own network are allowed, and plain http: for intranets.</summary>
    public bool AllowPrivate { get; set; }

    /// <summary>How names are looked up.</summary>
    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; set; } = Dns.GetHostAddressesAsync;

    public bool Allows(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (NeverNetworks.Any(n => n.Contains(address))) return false;
        return AllowPrivate || !PrivateNetworks.Any(n => n.Contains(address));
    }

    /// <summary>What is wrong with a URL as far as it shows without looking anything up; null when nothing is.</summary>
    public string? Problem(string? text)
    {
        if (text is null || text.Length > 2_000 || !Uri.TryCreate(text, UriKind.Absolute, out var url)) return "must be an absolute URL of at most 2000 characters";
        if (url.Scheme != Uri.UriSchemeHttps && !(AllowPrivate && url.Scheme == Uri.UriSchemeHttp)) return "must begin with https://";
        if (url.UserInfo.Length > 0) return "must not contain a user or a password";
        if (url.Fragment.Length > 0) return "must not have a fragment";
        if (!AllowPrivate && (url.IdnHost is "localhost" || url.IdnHost.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))) return "must not be in the node's own network";
        return IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out var address) && !Allows(address) ? "must not be in the node's own network" : null;
    }

    /// <summary>A client that connects to allowed addresses only. No proxy: it would look names up by itself.</summary>
    public HttpClient Client()
    {
#pragma warning disable CA2000 // the client disposes of its handler
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = ConnectAsync,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 32,
            MaxResponseHeadersLength = 32,
        };
#pragma warning restore CA2000
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await Resolve(host, ct);
        if (addresses.Length == 0) throw new ForbiddenTargetException($"{host} has no address");
        // One forbidden address among good ones is no accident.
        if (addresses.Any(a => !Allows(a))) throw new ForbiddenTargetException($"{host} is in the node's own network");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
