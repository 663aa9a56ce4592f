using Microsoft.AspNetCore.Routing;
using Stowline.Http;

namespace Stowline.Hub.Access;

/// <summary>
/// API keys: who may call with <c>auth=keys</c>, and what they may do. What a call needs is the server's to decide. And the people who work
/// at the sites.
/// </summary>
public sealed class AccessModule : Module
{
    public AccessModule() => HttpJson.Add(AccessJson.Default);

    public override string Name => "access";

    /// <summary>The keys of this node that are good now.</summary>
    public KeyRing Ring { get; } = new();

    /// <summary>How much keys and strangers may call; whoever stands around the node says it and counts.</summary>
    public RateTiers Tiers { get; set; } = RateTiers.Standard;

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        node.Lanes.WhenAnnounced(KeyRing.Topic, _ =>
        {
            Ring.Changed();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        KeyEndpoints.Map(api, node, this);
        if (node.Role.IsHub) Workers.Map(api, node); // a site goes by its copy, in its own tables
    }
}
