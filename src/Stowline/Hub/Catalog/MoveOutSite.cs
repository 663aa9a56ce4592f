using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Catalog;

/// <summary>The answer to moving a site out: the key of its node, shown this once, and when the hub let go of the site.</summary>
/// <param name="Number">The site's number, which it keeps.</param>
public sealed record MovedOutSite(string Site, int Number, string Key, DateTimeOffset MovedAt);

/// <summary>
/// Gives a site that has worked here to a node of its own, with all that it has (decision 0028). <c>POST /sites/{code}/move-out</c> hands its lane over and makes the node's key; <c>GET</c> on the same is what
/// the node begins with. Both may be asked again until that node was heard: the key is then another one, the data are the same. Refusals: <c>site_not_found</c>; <c>site_is_remote</c> for a site that has
/// a node of its own; <c>not_moved_out</c> where there is nothing to hand out.
/// </summary>
public static class MoveOutSite
{
    private static readonly string Version = typeof(MoveOutSite).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPost("/sites/{code}/move-out", async (HttpContext http, string code) =>
        {
            var caller = Requests.CallerOf(http);
            if (caller.Refusal is { } wrong) { await Answers.WriteAsync(http, wrong); return; }
            http.Response.Headers.CacheControl = "no-store";
            // As for keys: an answer with a secret is not kept for an idempotency key.
            await Answers.WriteAsync(http, await RunAsync(node, code, caller.Value with { Idempotency = null }, http.RequestAborted), 201);
        }).WithTags("Sites").WithSummary("Move a site out to a node of its own; the answer is the only place where its key is shown").Produces<MovedOutSite>(201).KeepsNoAnswer();
        api.MapGet("/sites/{code}/move-out", (HttpContext http, string code) => SendAsync(http, node, code)).WithTags("Sites")
            .WithSummary("What the node of a site that was moved out begins with, as a file for 'stowline restore'").Produces<string>(contentType: "application/gzip");
    }

    /// <summary>Hands a site over, or, where that was done and its node not heard yet, makes that node another key.</summary>
    public static async Task<Outcome<MovedOutSite>> RunAsync(Node node, string code, Caller caller, CancellationToken ct = default)
    {
        if (!CodeRule.TryNormalize(code, out var site)) return Refusal.Invalid("code", CodeRule.Description);
        if (!await node.KnowsSiteAsync(site, ct)) return Refusal.NotFound("site_not_found", $"there is no site {site}");
        // A hub that waits for its repair could give no key: not after it has let go of the site.
        if (node.Lanes.RefuseInRepair(Lane.Hub) is { } restored) return restored;
        var handed = await node.Lanes.ExecuteAsync(Lane.Site(site), caller, tx => HandOverAsync(site, tx, node), ct);
        if (handed.Refusal is { Code: not "site_is_remote" } no) return no;
        var moved = await FindAsync(node, site, ct);
        if (moved.Refusal is not null) return Replicas.Refuse(Lane.Site(site));
        var key = await JoinSite.GiveKeyAsync(node, site, caller, begins: false, ct);
        return key.Refusal is { } none ? none : new MovedOutSite(site, key.Value.Number, key.Value.Key, moved.Value.MovedAt);
    }

    /// <summary>The moment of hand-over, in the site's own scope: before it this node has done all that was ever done at the site, after it nothing more.</summary>
    internal static async ValueTask<Outcome<Done>> HandOverAsync(string site, LaneTransaction tx, Node node)
    {
        var lane = Lane.Site(site);
        await MovedSites.HandOverAsync(tx, site, [.. node.Modules.SelectMany(m => m.ConsumersFor(site, node)).Where(c => c.Consumer.Target(c.Source) == lane).Select(c => (c.Consumer.Name, c.Source))]);
        foreach (var module in node.Modules) await module.MoveOutAsync(site, tx);
        JoinSite.IsRemoteNow(site, tx, node);
        return new Done();
    }

    /// <summary>A site that was moved out and whose node was not heard yet; <c>not_moved_out</c> for all others.</summary>
    private static async Task<Outcome<MovedSite>> FindAsync(Node node, string site, CancellationToken ct) =>
        await node.Database.ReadAsync(session => MovedSites.FindAsync(session, site), ct) is { HeardAt: null } moved ? moved
            : Refusal.Conflict("not_moved_out", $"there is nothing of {site} to hand out: it was not moved out, or its own node was heard since");

    /// <summary>Writes what the site's node begins with into a stream.</summary>
    public static async Task<Outcome<long>> WriteAsync(Node node, string site, Stream file, CancellationToken ct = default)
    {
        var moved = await FindAsync(node, site, ct);
        return moved.Refusal is { } no ? no : await SiteExport.WriteAsync(node, moved.Value, file, Version, PeopleOf, ct);
    }

    /// <summary>As on the link: whoever has a parcel from the site, so that it can print the address.</summary>
    private static IEnumerable<Guid> PeopleOf(IReadOnlyList<EventRecord> events) =>
        events.Where(e => e.Type == PartAssigned.Type).Select(e => e.Read<PartAssigned>()).Where(p => p.Personal is not null).Select(p => p.PersonId);

    /// <summary>By way of a file of its own: a caller on a slow line must not hold the database's snapshot for as long as that takes.</summary>
    internal static async Task SendAsync(HttpContext http, Node node, string code)
    {
        if (!CodeRule.TryNormalize(code, out var site) || !await node.KnowsSiteAsync(site, http.RequestAborted))
        {
            await Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {code}"));
            return;
        }
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(Path.Combine(node.DataFolder ?? Path.GetTempPath(), $"move-out-{node.Ids.Next():N}.tmp"), options);
        var written = await WriteAsync(node, site, file, http.RequestAborted);
        if (written.Refusal is { } no) { await Answers.WriteAsync(http, no); return; }
        file.Position = 0;
        http.Response.Headers.CacheControl = "no-store";
        (http.Response.ContentType, http.Response.ContentLength) = ("application/gzip", file.Length);
        await file.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
