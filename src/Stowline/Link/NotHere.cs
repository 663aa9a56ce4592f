using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Link;

/// <summary>What a site's node answers where only the hub can: 404 <c>not_here</c>, with the hub's address.</summary>
internal static class NotHere
{
    private static readonly string[] Hubs =
    [
        "/orders", "/orders/{**rest}", "/availability", "/sites/{code}/policies", "/sites/{code}/policies/{sku}", "/sites/{code}/join", "/sites/{code}/move-out", "/sites/{code}/give-up", "/sites/{code}/take-back", "/system/erasures", "/imports/{**rest}",
        "/workers/{**rest}", "/routing/{**rest}",
    ];

    private static readonly string[] Writes = ["PUT", "POST", "DELETE"];

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        Task AnswerAsync(HttpContext http) => Answers.WriteAsync(http, Refusal.NotFound("not_here", $"this is the node of site {node.Role.Site}; ask the hub{(node.Hub is { } hub ? " at " + hub : "")}") with
        {
            Extra = new Dictionary<string, object?> { ["hub"] = node.Hub?.ToString(), ["site"] = node.Role.Site },
        });
        foreach (var pattern in Hubs) api.Map(pattern, AnswerAsync);
        // Reading them is answered from the site's copy.
        foreach (var pattern in new[] { "/products/{**rest}", "/menu/{**rest}", "/sites/{code}" }) api.MapMethods(pattern, Writes, AnswerAsync);
    }
}
