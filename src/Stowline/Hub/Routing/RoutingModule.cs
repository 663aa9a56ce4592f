using Microsoft.AspNetCore.Routing;
using Stowline.Http;

namespace Stowline.Hub.Routing;

/// <summary>Which sites serve an order: the rules. What decides by them is asked by order intake.</summary>
public sealed class RoutingModule : Module
{
    public RoutingModule() => HttpJson.Add(RoutingJson.Default);

    public override string Name => "routing";

    public override void Map(IEndpointRouteBuilder api, Node node) => SaveRule.Map(api, node);
}
