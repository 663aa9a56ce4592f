using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Stowline.Hub.Access;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Server.Hosting;

/// <summary>
/// How much one caller may ask for (H7): by the tier of the key, or for whoever has none by the address. Every answer to a caller with limits tells of them in <c>RateLimit-Policy</c> and
/// <c>RateLimit</c>; what is too much is refused with <c>rate_limited</c> before anything is read or written.
/// </summary>
internal sealed class RateGate(RateTiers tiers, RateBudgets budgets, RateMetrics metrics)
{
    private const string PolicyHeader = "RateLimit-Policy";
    private const string StateHeader = "RateLimit";

    /// <summary>The gate of a node whose configuration limits somebody, with its pump; else null, and then requests do not see it at all.</summary>
    public static RateGate? Make(Node node, RateTiers tiers)
    {
        if (!tiers.Any) return null;
        var metrics = node.Lanes.Meter.Get<RateMetrics>();
        var budgets = new RateBudgets(node.Database) { OnCredit = () => metrics.OnCredit.Add(1) };
        node.Add(new RateSweep(budgets));
        return new RateGate(tiers, budgets, metrics);
    }

    /// <summary>Null when the call may go on. To be asked when it is known whose key it is.</summary>
    public async ValueTask<Refusal?> CheckAsync(HttpContext http)
    {
        if (KeyRules.IsNeverLimited(http.GetEndpoint() as RouteEndpoint)) return null;
        var holder = http.Features.Get<KeyHolder>();
        var tier = holder is null ? tiers.OfAddress : tiers.OfKey(holder.Tier);
        if (tier.Limits.Count == 0) return null;
        var answer = await budgets.TakeAsync(holder is null ? "address/" + AddressOf(http.Connection.RemoteIpAddress) : "key/" + holder.Id, tier);
        http.Response.Headers[PolicyHeader] = tier.Policy;
        http.Response.Headers[StateHeader] = answer.State;
        if (answer.Broken is not { } broken) return null;
        metrics.Limited.Add(1, new KeyValuePair<string, object?>("caller", holder is null ? "address" : "key"));
        return new Refusal(RefusalKind.TooMany, "rate_limited", $"{(holder is null ? "this address" : "this key")} may ask {broken.Quota} times in {broken.Seconds} s, and has; there is more in {answer.RetryAfterSeconds} s")
        {
            RetryAfterSeconds = (int)answer.RetryAfterSeconds,
            Extra = new Dictionary<string, object?> { ["violated_policies"] = new[] { broken.Name } },
        };
    }

    /// <summary>Takes what was told of the limits over to an answer that begins anew.</summary>
    public static Action Keep(HttpContext http)
    {
        var (policy, state) = (http.Response.Headers[PolicyHeader], http.Response.Headers[StateHeader]);
        return () =>
        {
            if (policy.Count == 0) return;
            http.Response.Headers[PolicyHeader] = policy;
            http.Response.Headers[StateHeader] = state;
        };
    }

    /// <summary>One network of IPv6 is one caller: whoever has it has all of its 2^64 addresses.</summary>
    internal static string AddressOf(IPAddress? address)
    {
        if (address is null) return "unknown";
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4().ToString();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }
}

/// <summary>What is counted of limits: never by key or address, of which there may be any number.</summary>
internal sealed class RateMetrics(Meter meter) : INodeMetrics<RateMetrics>
{
    public Counter<long> Limited { get; } = meter.CreateCounter<long>("stowline_rate_limited", null, "Requests refused because their caller had used up a limit, by kind of caller");
    public Counter<long> OnCredit { get; } = meter.CreateCounter<long>("stowline_rate_credits", null, "Portions of limits that were given on credit because the database did not answer in time");

    public static RateMetrics Create(Meter meter, TimeProvider time) => new(meter);
}
