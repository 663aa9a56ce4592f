using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Access;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Catalog;

/// <summary>The answer to joining a site: all that its node must be told, beside where the hub is. Shown this once.</summary>
/// <param name="Number">The site's number: it keeps the numbers that the site gives out apart from everybody else's.</param>
public sealed record JoinedSite(string Site, int Number, string Key);

/// <summary>
/// Gives a site to a node of its own: from here on that node writes the site's lane, and this one keeps a copy. Refused with <c>site_in_use</c> while the site has stock or tasks here
/// (<see cref="MoveOutSite"/> hands them over), and with <c>site_is_moving_out</c> until the node of a site that has was heard. What else there is, such as zones and bins, is handed over as when a site is moved out, and the node
/// fetches it when it starts for the first time. Again, for a site that has joined: a new key, and the old one is good for nothing.
/// </summary>
public static class JoinSite
{
    internal static void Map(IEndpointRouteBuilder api, Node node) => api.MapPost("/sites/{code}/join", async (HttpContext http, string code) =>
    {
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
        http.Response.Headers.CacheControl = "no-store";
        // As for keys: an answer with a secret is not kept for an idempotency key.
        await Answers.WriteAsync(http, await RunAsync(node, code, caller.Value with { Idempotency = null }, http.RequestAborted), 201);
    }).WithTags("Sites").WithSummary("Give a site to a node of its own; the answer is the only place where its key is shown").Produces<JoinedSite>(201).KeepsNoAnswer();

    /// <summary>Joins a site, which is made as a warehouse where there is none of that code.</summary>
    public static async Task<Outcome<JoinedSite>> RunAsync(Node node, string code, Caller caller, CancellationToken ct = default)
    {
        if (!CodeRule.TryNormalize(code, out var site)) return Refusal.Invalid("code", CodeRule.Description);
        if (!await node.KnowsSiteAsync(site, ct))
        {
            var body = new SiteBody { Name = site, Type = SiteType.Warehouse };
            var made = await node.Lanes.ExecuteAsync(Lane.Hub, caller, tx => SaveSite.DecideAsync(site, body, tx, node), ct);
            if (made.Refusal is { } no) return no;
        }
        if (node.IsRemote(site) && await IsAwaitedAsync(node, site, ct) && await node.Database.ReadAsync(session => FindHeldAsync(session, site, node), ct) is not null)
            return Refusal.Conflict("site_is_moving_out", $"{site} was moved out and its own node was not heard yet; 'sites move-out' gives its key and its data again");
        // In the site's own scope: nothing can be done at the site between looking and letting go of it.
        var freed = node.IsRemote(site) ? new Done() : await node.Lanes.ExecuteAsync(Lane.Site(site), caller, tx => FreeAsync(site, tx, node), ct);
        if (freed.Refusal is { } used) return used;
        return await GiveKeyAsync(node, site, caller, begins: await IsAwaitedAsync(node, site, ct), ct);
    }

    /// <summary>Whether what the site had here waits for its node.</summary>
    private static async Task<bool> IsAwaitedAsync(Node node, string site, CancellationToken ct) =>
        await node.Database.ReadAsync(session => MovedSites.FindAsync(session, site), ct) is { HeardAt: null };

    private static async Task<string?> FindHeldAsync(Store.SqlSession session, string site, Node node)
    {
        foreach (var module in node.Modules)
            if (await module.FindHeldAsync(session, site) is { } held) return held;
        return null;
    }

    /// <summary>Makes the key of a site's node, in place of the one before.</summary>
    /// <param name="begins">Whether the node fetches at the hub what it begins with; else that is brought there, or is nothing.</param>
    internal static async Task<Outcome<JoinedSite>> GiveKeyAsync(Node node, string site, Caller caller, bool begins, CancellationToken ct)
    {
        var ring = node.Modules.OfType<AccessModule>().Single().Ring;
        var draft = KeyCommands.PrepareForSite(site);
        return await node.Lanes.ExecuteAsync<JoinedSite>(Lane.Hub, caller, async tx =>
        {
            var number = await tx.FindAsync<int>("SELECT ordinal FROM sites WHERE code = @site", new { site });
            await KeyCommands.RevokeAsync(draft.Name, ring, tx); // there may be none
            var key = await KeyCommands.CreateAsync(draft, ring, tx);
            if (key.Refusal is { } no) return no;
            tx.Append(Lane.Hub, new SiteJoined(site, number), "site/" + site);
            return new JoinedSite(site, number, SiteKey.Write(key.Value.Key, number, begins));
        }, ct);
    }

    /// <summary>Lets go of the site's lane, in the site's own scope.</summary>
    internal static async ValueTask<Outcome<Done>> FreeAsync(string site, LaneTransaction tx, Node node)
    {
        if (await FindHeldAsync(tx.Group.Session, site, node) is { } held)
            return Refusal.Conflict("site_in_use", $"{site} has {held} on this node; 'sites move-out' hands over what there is");
        if (await tx.SettledHeadAsync(Lane.Site(site)) is not 0) return await MoveOutSite.HandOverAsync(site, tx, node); // its writer must have what the lane says already
        await Replicas.GiveUpAsync(tx, Lane.Site(site));
        IsRemoteNow(site, tx, node);
        return new Done();
    }

    /// <summary>All processes hear, when it is committed, that the site's lane is another node's.</summary>
    internal static void IsRemoteNow(string site, LaneTransaction tx, Node node)
    {
        tx.Group.HandOver(Lane.Site(site));
        tx.OnCommitted(() =>
        {
            node.Lanes.IsReplicaNow(Lane.Site(site));
            node.FollowMoves();
        });
        tx.Announce(SiteWatch.Topic);
    }
}

/// <summary>
/// What a site's node is given as its key: the key for the link with the site's number behind it. The number is in everything that the node numbers, so it must know it
/// before it has ever reached the hub. A letter behind the number says that there is something at the hub that it begins with, and without which it cannot begin.
/// </summary>
public static class SiteKey
{
    private const char Begins = 'b';

    public static string Write(string key, int number, bool begins = false) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{key}_{number}{(begins ? Begins : "")}");

    /// <summary>Takes it apart; null when it is none.</summary>
    public static (string Key, int Number, bool Begins)? Read(string text)
    {
        var at = text.LastIndexOf('_');
        if (at <= 0) return null;
        var begins = text.EndsWith(Begins);
        return int.TryParse(begins ? text[(at + 1)..^1] : text[(at + 1)..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number)
            && number > 0 && KeyText.TryParse(text[..at], out _, out _) ? (text[..at], number, begins) : null;
    }
}
