using Microsoft.AspNetCore.Routing;
using Stowline.Log;

namespace Stowline.Hub.Hooks;

/// <summary>Webhooks: events to whoever asked for them, in order per subject, for days if need be.</summary>
public sealed class HooksModule : Module
{
    public override string Name => "hooks";

    /// <summary>Which addresses may be called.</summary>
    public HookTarget Target { get; } = new();

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        SaveWebhook.Map(api, node, Target);
        Deliveries.Map(api, node);
    }

    public override IEnumerable<Pump> Pumps(Node node) => [new HookFeed(node), new HookSender(node, Target)];
}
