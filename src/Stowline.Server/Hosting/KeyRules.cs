using Stowline.Hub.Access;
using Stowline.Server.Link;

namespace Stowline.Server.Hosting;

/// <summary>
/// Which scope a call needs: the one place that says so. It goes by the pattern of the matched route, not by the text of the path, so that
/// no way of spelling a path gets around it. What is not in the table needs <c>admin</c> to write, so a forgotten line shuts somebody out
/// instead of letting somebody in.
/// </summary>
internal static class KeyRules
{
    /// <param name="Resource">The first word after <c>/api/v1</c>, or the first two.</param>
    /// <param name="Below">The word after the resource's own key, as in <c>/sites/{code}/returns</c>; null for all others.</param>
    private sealed record Rule(string Resource, string? Below, KeyScope Write, KeyScope Read = KeyScope.Read);

    private static readonly Rule[] Table =
    [
        new("orders", null, KeyScope.Orders),
        new("quotes/price-model", null, KeyScope.Admin),
        new("quotes", null, KeyScope.Orders),
        new("products", null, KeyScope.Stock),
        new("transfers", null, KeyScope.Stock),
        new("pools", null, KeyScope.Stock),
        new("sites", "returns", KeyScope.Tasks),
        new("sites", "sales", KeyScope.Tasks),
        new("sites", "join", KeyScope.Admin),
        new("sites", "epoch", KeyScope.Admin),
        new("sites", "give-up", KeyScope.Admin),
        new("sites", "take-back", KeyScope.Admin),
        // Reading it is having all that the site has, with the keys of its customers' data.
        new("sites", "move-out", KeyScope.Admin, KeyScope.Admin),
        new("sites", "stops", KeyScope.Tasks),
        // Whoever sets up a carrier says where parcels' addresses are sent, and gives credentials.
        new("sites", "carriers", KeyScope.Admin),
        new("sites", "carrier-manifests", KeyScope.Tasks),
        new("sites", null, KeyScope.Stock),
        new("picking-tasks", null, KeyScope.Tasks),
        new("packing-tasks", null, KeyScope.Tasks),
        new("put-back-tasks", null, KeyScope.Tasks),
        new("stock-tasks", null, KeyScope.Tasks),
        new("shipments", null, KeyScope.Tasks),
        new("carrier-bookings", null, KeyScope.Tasks),
        new("carrier-profiles", null, KeyScope.Admin),
        new("tickets", null, KeyScope.Tasks),
        new("erp", null, KeyScope.Tasks),
        new("menu", null, KeyScope.Stock),
        new("returns", null, KeyScope.Tasks),
        // A badge stands for a person at work, so channels need not see it.
        new("workers", null, KeyScope.Admin, KeyScope.Tasks),
        new("imports", null, KeyScope.Admin),
        new("system", null, KeyScope.Admin),
        new("keys", null, KeyScope.Admin, KeyScope.Admin),
        new("links", null, KeyScope.Admin),
        new("alerts", null, KeyScope.Tasks),
        new("webhooks", null, KeyScope.Admin, KeyScope.Admin),
        new("channels", "orders", KeyScope.Orders),
        new("channels", null, KeyScope.Admin),
        new("stock-sync", null, KeyScope.Stock),
        // Rules tell costs and say where every order goes; the simulator tells of every order.
        new("routing", null, KeyScope.Admin, KeyScope.Admin),
    ];

    /// <summary>
    /// What gRPC methods need, by service and the beginning of the method's name. What begins with <c>Get</c>, <c>List</c>, <c>Watch</c> or <c>Print</c>
    /// only reads.
    /// </summary>
    private static readonly (string Service, string Method, KeyScope Scope)[] GrpcTable =
    [
        ("stowline.v1.OrderService", "", KeyScope.Orders),
        ("stowline.v1.WarehouseService", "PlaceInventory", KeyScope.Stock),
        ("stowline.v1.WarehouseService", "MoveInventory", KeyScope.Stock),
        ("stowline.v1.WarehouseService", "RemoveInventory", KeyScope.Stock),
        ("stowline.v1.WarehouseService", "ReserveInventory", KeyScope.Stock),
        ("stowline.v1.WarehouseService", "ReleaseReservation", KeyScope.Stock),
        ("stowline.v1.WarehouseService", "", KeyScope.Tasks),
    ];

    private static readonly string[] GrpcReads = ["Get", "List", "Watch", "Print"];

    /// <summary>Whoever watches whether the node is up has no key, and learns nothing else; the description of the API is the same everywhere.
    /// The link asks for the site's key itself, on nodes without keys too; carriers have no key, but a secret address each.</summary>
    private static readonly string[] Open = ["/health/live", "/health/ready", "/openapi/v1.json", "/docs", "/proto", "/proto/{file}", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
        LinkEndpoint.Path, LinkEndpoint.BeginningPath, "/api/v1/carrier-webhooks/{word}"];

    /// <summary>What has no limits: whoever watches must see most of all when there is much to do, and a site's link has a pace of its own.</summary>
    private static readonly string[] NeverLimited = ["/health/live", "/health/ready", "/metrics", "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", LinkEndpoint.Path, LinkEndpoint.BeginningPath];

    /// <summary>The resources outside <c>/sites</c> that belong to sites.</summary>
    private static readonly string[] OfOneSite = ["workers", "picking-tasks", "packing-tasks", "put-back-tasks", "stock-tasks", "shipments", "carrier-bookings", "tickets", "links"];

    /// <summary>The screens are open too: they hold no data, and it is they that ask for the key.</summary>
    public static bool IsOpen(RouteEndpoint? endpoint) => IsScreenOrAmong(Open, endpoint);

    /// <summary>Whether a call counts for nobody's limit. The screens' files come from memory.</summary>
    public static bool IsNeverLimited(RouteEndpoint? endpoint) => IsScreenOrAmong(NeverLimited, endpoint);

    private static bool IsScreenOrAmong(string[] patterns, RouteEndpoint? endpoint) => endpoint is not null &&
        (endpoint.RoutePattern.RawText is { } pattern && patterns.Contains(pattern, StringComparer.Ordinal) || endpoint.Metadata.GetMetadata<Web.WebPage>() is not null);

    /// <summary>The scope that a call needs. Where no route matched, the answer will be 404 or 405 and any key may have it.</summary>
    public static KeyScope ScopeOf(string method, RouteEndpoint? endpoint)
    {
        if (endpoint is null || IsLive(endpoint)) return KeyScope.Read;
        if (GrpcScopeOf(endpoint) is { } grpc) return grpc;
        var reads = HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        var words = Words(endpoint);
        var rule = words.Length == 0 ? null : Table.FirstOrDefault(r => IsOf(r.Resource, words) && (r.Below is null || words.Length > 2 && words[2] == r.Below));
        return reads ? rule?.Read ?? KeyScope.Read : rule?.Write ?? KeyScope.Admin;
    }

    private static bool IsOf(string resource, string[] words) => resource == words[0] || words.Length > 1 && resource == $"{words[0]}/{words[1]}";

    /// <summary>Null for what is no gRPC method.</summary>
    private static KeyScope? GrpcScopeOf(RouteEndpoint endpoint)
    {
        if ((endpoint.RoutePattern.RawText ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries) is not [var service, var method] || !service.Contains('.')) return null;
        var rule = GrpcTable.FirstOrDefault(r => r.Service == service && method.StartsWith(r.Method, StringComparison.Ordinal));
        if (rule.Service is null) return KeyScope.Admin;
        return GrpcReads.Any(r => method.StartsWith(r, StringComparison.Ordinal)) ? KeyScope.Read : rule.Scope;
    }

    /// <summary>The live feed: it only reads, whatever the method of its handshake.</summary>
    public static bool IsLive(RouteEndpoint? endpoint) => endpoint?.RoutePattern.RawText?.TrimStart('/').StartsWith("live", StringComparison.Ordinal) == true;

    /// <summary>The word after <c>/api/v1</c> that says what a call is about; empty elsewhere.</summary>
    public static string ResourceOf(RouteEndpoint? endpoint) => endpoint is not null && Words(endpoint) is [var first, ..] ? first : "";

    /// <summary>The pattern after <c>/api/v1/</c>; the whole pattern elsewhere.</summary>
    public static string PathOf(RouteEndpoint endpoint)
    {
        var pattern = (endpoint.RoutePattern.RawText ?? "").Trim('/');
        return pattern.StartsWith("api/v1/", StringComparison.Ordinal) ? pattern["api/v1/".Length..] : "/" + pattern;
    }

    public static bool IsOfOneSite(string resource) => OfOneSite.Contains(resource, StringComparer.Ordinal);

    private static string[] Words(RouteEndpoint endpoint) =>
        (endpoint.RoutePattern.RawText ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries) is ["api", "v1", .. var words] ? Meant(words) : [];

    /// <summary>An import needs what the calls need that it stands for.</summary>
    private static string[] Meant(string[] words) => words switch
    {
        ["imports", "bins" or "stock"] => ["sites"],
        ["imports", "products" or "orders" or "menu"] => words[1..],
        _ => words,
    };
}
