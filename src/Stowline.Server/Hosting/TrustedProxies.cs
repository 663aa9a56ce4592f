using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Stowline.Server.Hosting;

/// <summary>
/// The proxies before a node. Behind one, all requests come from its address; what it says in <c>X-Forwarded-For</c> counts instead, but only its own word: whoever else sends that header
/// could be anybody they like.
/// </summary>
public sealed class TrustedProxies
{
    private readonly IReadOnlyList<IPNetwork> _networks;

    private TrustedProxies(IReadOnlyList<IPNetwork> networks) => _networks = networks;

    public static TrustedProxies None { get; } = new([]);

    public bool Any => _networks.Count > 0;

    /// <summary>Reads addresses and networks: <c>10.0.0.5,10.1.0.0/16,fd00::/8</c>.</summary>
    /// <exception cref="CommandRefusedException">One of them is neither.</exception>
    public static TrustedProxies Parse(string text)
    {
        var networks = new List<IPNetwork>();
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPNetwork.TryParse(entry, out var network)) networks.Add(network);
            else if (IPAddress.TryParse(entry, out var address)) networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else throw new CommandRefusedException($"trusted_proxies: '{entry}' is no address and no network; write 10.0.0.5 or 10.1.0.0/16");
        }
        return networks.Count == 0 ? None : new TrustedProxies(networks);
    }

    internal ForwardedHeadersOptions Options
    {
        get
        {
            var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
            options.KnownProxies.Clear(); // loopback is among them by default; who stands there says so
            options.KnownIPNetworks.Clear();
            foreach (var network in _networks) options.KnownIPNetworks.Add(network);
            return options;
        }
    }
}
