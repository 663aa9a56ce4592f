using System.Security.Claims;
using System.Security.Principal;
using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Kernel;
using Stowline.Server.Grpc;

namespace Stowline.Server.Hosting;

/// <summary>
/// The door of a node with <c>auth=keys</c>: no call without a key that is good, none beyond its scopes (see <see cref="KeyRules"/>) and its
/// sites. Whoever passes stands in <see cref="HttpContext.User"/> and so, by the key's name, in every event of the call.
/// </summary>
internal sealed class KeyGate(Node node, KeyRing ring)
{
    /// <summary>Null when the call may go on.</summary>
    public async ValueTask<Refusal?> CheckAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint() as RouteEndpoint;
        if (KeyRules.IsOpen(endpoint)) return null;
        if (Given(http.Request, KeyRules.IsLive(endpoint)) is not { } key) return Unauthenticated(http, "this node needs a key: send it as 'Authorization: Bearer KEY'");
        if (await ring.FindAsync(node.Database, key, http.RequestAborted) is not { } holder) return Unauthenticated(http, "this key is not known or was revoked");
        http.User = new ClaimsPrincipal(new GenericIdentity(holder.Name, "key"));
        http.Features.Set(holder); // gRPC names the site in the message, so its services ask themselves
        var scope = KeyRules.ScopeOf(http.Request.Method, endpoint);
        if (!holder.May(scope)) return NoScope(holder, scope);
        return holder.IsLimited ? await OutsideAsync(http, endpoint, holder) : null;
    }

    private static string? Given(HttpRequest request, bool live)
    {
        const string scheme = "Bearer ";
        // A browser cannot give a WebSocket a header; SignalR's clients then send the key as this parameter, there only.
        if (live && request.Query["access_token"].ToString() is { Length: > 0 } token) return token;
        // gRPC clients often give a key as metadata of this name.
        if (GrpcCalls.Is(request) && request.Headers["x-api-key"].ToString() is { Length: > 0 } plain) return plain;
        return request.Headers.Authorization is [{ } text] && text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? text[scheme.Length..].Trim() : null;
    }

    private static Refusal Unauthenticated(HttpContext http, string detail)
    {
        http.Response.Headers.WWWAuthenticate = "Bearer";
        return new Refusal(RefusalKind.Unauthenticated, "unauthenticated", detail);
    }

    private static Refusal NoScope(KeyHolder holder, KeyScope scope)
    {
        var name = Contracts.SnakeCaseEnum<KeyScope>.Text(scope);
        return new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} does not have the scope {name}") { Extra = new Dictionary<string, object?> { ["scope"] = name } };
    }

    /// <summary>What a key that is limited to sites may not have: other sites, their tasks and lanes, and changes that reach every site.</summary>
    private async ValueTask<Refusal?> OutsideAsync(HttpContext http, RouteEndpoint? endpoint, KeyHolder holder)
    {
        if (KeyRules.IsLive(endpoint)) return Limited(holder, "the live feed tells of every site");
        var resource = KeyRules.ResourceOf(endpoint);
        if (resource == "sites") return (http.Request.RouteValues["code"] as string ?? Requests.Query(http, "site")) is { } code ? Other(holder, code) : null;
        if (resource == "events") return OfLane(holder, Requests.Query(http, "lane") ?? "");
        // The catalogue is one for all.
        if (resource is "products" or "menu" && !HttpMethods.IsGet(http.Request.Method)) return Limited(holder, "products are the same for every site");
        if (resource == "erp") return Limited(holder, "use /tickets, which say where they are");
        if (!KeyRules.IsOfOneSite(resource)) return null;
        if (http.Request.RouteValues["key"] is not string key)
            return Requests.Query(http, "site") is { } site ? Other(holder, site) : Limited(holder, "ask for one of them with ?site=");
        return await node.FindSiteOfAsync(resource, key, http.RequestAborted) is { } owner ? Other(holder, owner) : null;
    }

    private static Refusal? OfLane(KeyHolder holder, string lane)
    {
        if (lane == Log.Lane.HubAll.Name) return null;
        return lane.StartsWith("site/", StringComparison.Ordinal) || lane.StartsWith("hub/", StringComparison.Ordinal) ? Other(holder, lane[(lane.IndexOf('/') + 1)..]) : null;
    }

    /// <summary>Codes are compared as the modules read them: trimmed, and with an encoded slash for a slash.</summary>
    private static Refusal? Other(KeyHolder holder, string site) =>
        CodeRule.TryNormalize(site.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase), out var code) && holder.Covers(code) ? null
            : Limited(holder, $"not to {site}") with { Extra = new Dictionary<string, object?> { ["site"] = site } };

    private static Refusal Limited(KeyHolder holder, string detail) =>
        new(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} is limited to {string.Join(", ", holder.Sites)}: {detail}");
}
