using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Link;

namespace Stowline.Server.Link;

/// <summary>
/// <c>/link</c>: where the nodes of sites come to their hub, by WebSocket. They bring their site's key, also to a hub that asks nobody else for one: by it
/// the hub knows which site's lane it may take over from them.
/// </summary>
internal static class LinkEndpoint
{
    public const string Path = "/link";

    /// <summary>What a site's node begins with, where it had something at its hub when it was joined.</summary>
    public const string BeginningPath = "/link/beginning";
    private const string Scheme = "Bearer ";

    /// <summary>Where that is of a hub, which may stand behind a path of somebody else's.</summary>
    public static Uri AddressAt(Uri hub, string path) => new UriBuilder(hub) { Path = hub.AbsolutePath.TrimEnd('/') + path }.Uri;

    public static void Map(WebApplication app, Node node, string name)
    {
        app.UseWebSockets();
        app.MapGet(Path, (Delegate)(Func<HttpContext, Task>)(http => RunAsync(http, node, name, app.Lifetime.ApplicationStopping))).ExcludeFromDescription();
        app.MapGet(BeginningPath, (Delegate)(Func<HttpContext, Task>)(http => SendBeginningAsync(http, node))).ExcludeFromDescription();
    }

    private static async Task RunAsync(HttpContext http, Node node, string name, CancellationToken stopping)
    {
        var site = await SiteOfAsync(http, node);
        if (site.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        if (!http.WebSockets.IsWebSocketRequest) { await Answers.WriteAsync(http, Refusal.Invalid("upgrade", "must be a WebSocket's: this is where sites' nodes come in")); return; }
        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        var state = node.Modules.OfType<LinkModule>().Single().StateOf(site.Value);
        using var end = new LinkEnd(node.Lanes, node.Role, site.Value, state, name, Configuration.Version);
        await LinkSocket.RunAsync(socket, end, node.Time, stopping);
    }

    private static async Task SendBeginningAsync(HttpContext http, Node node)
    {
        var site = await SiteOfAsync(http, node);
        if (site.Refusal is { } no) await Answers.WriteAsync(http, no);
        else await MoveOutSite.SendAsync(http, node, site.Value);
    }

    private static async Task<Outcome<string>> SiteOfAsync(HttpContext http, Node node)
    {
        var ring = node.Modules.OfType<AccessModule>().Single().Ring;
        var holder = http.Request.Headers.Authorization is [{ } text] && text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? await ring.FindAsync(node.Database, text[Scheme.Length..].Trim(), http.RequestAborted) : null;
        if (holder is null) return new Refusal(RefusalKind.Unauthenticated, "unauthenticated", "the link needs the key that joining the site has given");
        if (!holder.May(KeyScope.Site) || holder.Sites is not [var site] || !node.IsRemote(site))
            return new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} is not that of a site with a node of its own");
        return site;
    }
}
