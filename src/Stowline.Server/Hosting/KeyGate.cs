using System.Security.Claims;
using System.Security.Principal;
using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Kernel;
using Stowline.Server.Grpc;

namespace Stowline.Server.Hosting;

/// <summary>
/// The door of a node with <c>auth=keys</c>: no call without a key that is good, none beyond its scopes (see <see cref="KeyRules"/>) and its
/// limits (see <see cref="KeyLimits"/>). Whoever passes stands in <see cref="HttpContext.User"/> and so, by the key's name, in every event of the call.
/// </summary>
internal sealed class KeyGate(Node node, KeyRing ring)
{
    private readonly KeyLimits _limits = new(node);

    /// <summary>Finds out whose key it is. Null when it is a good one, or none is needed.</summary>
    public async ValueTask<Refusal?> RecognizeAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint() as RouteEndpoint;
        if (KeyRules.IsOpen(endpoint)) return null;
        var given = Given(http.Request, KeyRules.IsLive(endpoint));
        if (given is null && endpoint?.Metadata.GetMetadata<SignedDoor>() is not null)
        {
            http.Features.Set(new WithoutKey());
            return null;
        }
        if (given is not { } key) return Unauthenticated("this node needs a key: send it as 'Authorization: Bearer KEY'");
        if (await ring.FindAsync(node.Database, key, http.RequestAborted) is not { } holder) return Unauthenticated("this key is not known or was revoked");
        http.User = new ClaimsPrincipal(new GenericIdentity(holder.Name, "key"));
        http.Features.Set(holder); // gRPC names the site in the message, so its services ask themselves
        return null;
    }

    /// <summary>Null when whoever was recognized may do this.</summary>
    public async ValueTask<Refusal?> AllowAsync(HttpContext http)
    {
        if (http.Features.Get<KeyHolder>() is not { } holder) return null; // it needs no key
        var endpoint = http.GetEndpoint() as RouteEndpoint;
        var scope = KeyRules.ScopeOf(http.Request.Method, endpoint);
        if (!holder.May(scope)) return NoScope(holder, scope);
        if (!holder.IsLimited) return null;
        http.Features.Set(new CallLimits(holder.Sites, holder.Sellers));
        return await _limits.CheckAsync(http, endpoint, holder);
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

    private static Refusal Unauthenticated(string detail) => new(RefusalKind.Unauthenticated, "unauthenticated", detail);

    private static Refusal NoScope(KeyHolder holder, KeyScope scope)
    {
        var name = Contracts.SnakeCaseEnum<KeyScope>.Text(scope);
        return new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} does not have the scope {name}") { Extra = new Dictionary<string, object?> { ["scope"] = name } };
    }
}
