using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Link;

/// <summary>One direction of a link. Behind by so many events and since so many seconds; both 0 when the copy has all that is known of.</summary>
public sealed record LinkDirection(long LagEvents, long LagSeconds, IReadOnlyList<LinkedLane> Lanes);

/// <summary>
/// A link as it is answered, seen from the node that is asked. <see cref="Peer"/> is the node at the other end, as it last named itself. While the link is cut, what the other
/// side has done meanwhile is not known: <see cref="In"/> then counts from the last contact.
/// </summary>
/// <param name="Alerts"><c>cut</c>, <c>lag</c> or <c>diverged</c>, where they last for long enough; <c>given_up</c> where a site that was given up is heard.</param>
/// <param name="Refused">Why the other side will not talk, where it said so.</param>
public sealed record LinkView(
    string Site, LinkCondition State, DateTimeOffset Since, DateTimeOffset? LastContact, string? Peer, string? PeerVersion,
    [property: JsonPropertyName("in")] LinkDirection In, [property: JsonPropertyName("out")] LinkDirection Out, IReadOnlyList<string> Alerts, string? Refused)
{
    /// <summary>At the hub: when the site was given up and nobody has taken it back since; else null.</summary>
    public DateTimeOffset? GivenUpAt { get; init; }

    /// <summary>After a restore of the node that is asked, until an operator has confirmed: how far the repair is, and what was lost. Else null.</summary>
    public RepairView? Repair { get; init; }
}

/// <summary>A row of <c>link_states</c>.</summary>
internal sealed record LinkRow
{
    public string Site { get; init; } = "";
    public LinkCondition State { get; init; }
    public DateTimeOffset Since { get; init; }
    public DateTimeOffset? LastContact { get; init; }
    public string? Peer { get; init; }
    public string? PeerVersion { get; init; }
    public string Lanes { get; init; } = "[]";
    public string Alerts { get; init; } = "";

    public IReadOnlyList<LinkedLane> LaneList => JsonSerializer.Deserialize(Lanes, LinkJson.Default.IReadOnlyListLinkedLane) ?? [];
    public IReadOnlyList<string> AlertList => Alerts.Split(',', StringSplitOptions.RemoveEmptyEntries);

    public static ValueTask<IReadOnlyList<LinkRow>> AllAsync(SqlSession session) =>
        session.QueryAsync<LinkRow>("SELECT site, state, since, last_contact, peer, peer_version, lanes, alerts FROM link_states ORDER BY site");
}

/// <summary><c>GET /links</c>: how the links stand. At the hub one per site with a node of its own; at a site its own.</summary>
public static class LinkViews
{
    internal static void Map(IEndpointRouteBuilder api, Node node, LinkModule links) => api.Get("/links", async http =>
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, cursor) = paging.Value;
        var only = Requests.Query(http, "site");
        var all = await ReadAsync(node.Database, links, http.RequestAborted);
        LinkView[] found = [.. all.Where(l => (only is null || l.Site == only) && string.CompareOrdinal(l.Site, cursor ?? "") > 0).Take(limit + 1)];
        await Answers.WriteAsync(http, (Outcome<Page<LinkView>>)new Page<LinkView>([.. found.Take(limit)], found.Length > limit ? found[limit - 1].Site : null));
    }).WithTags("Links").WithSummary("How the links to sites with nodes of their own stand").Pages<LinkView>().Reads("site", "Only of this site.");

    /// <summary>All links, in order of site: as stored, and fresher where a session of this process knows more.</summary>
    /// <param name="links">Null for a process without sessions, as the command line's.</param>
    public static Task<IReadOnlyList<LinkView>> ReadAsync(Database database, LinkModule? links, CancellationToken ct = default) => database.SnapshotAsync(async session =>
    {
        var now = database.Time.GetUtcNow();
        var role = await NodeRole.OfAsync(session) ?? NodeRole.Hub;
        var points = await Replicas.PointsAsync(session);
        var rows = (await LinkRow.AllAsync(session)).ToDictionary(r => r.Site, StringComparer.Ordinal);
        var repairs = (await Repairs.AllAsync(session)).ToDictionary(r => r.Site, StringComparer.Ordinal);
        var givenUp = (await GivenUpSites.AllAsync(session)).ToDictionary(g => g.Site, g => g.GivenUpAt, StringComparer.Ordinal);
        var views = new List<LinkView>();
        foreach (var site in await SitesAsync(session, role))
        {
            var row = rows.GetValueOrDefault(site) ?? new LinkRow { Site = site, State = LinkCondition.Cut, Since = now };
            var live = links?.StateOf(site) is { IsConnected: true } state ? state : null;
            var elsewhere = links is null || !database.SingleWriter;
            var view = await ViewAsync(session, role, row, live, links?.StateOf(site).Refused, points, now, elsewhere);
            view = view with { Repair = RepairView.Of(repairs.GetValueOrDefault(site)) };
            views.Add(givenUp.TryGetValue(site, out var at) ? view with { State = LinkCondition.GivenUp, Since = at, GivenUpAt = at } : view);
        }
        return (IReadOnlyList<LinkView>)views;
    }, ct);

    /// <summary>The sites whose links this node has an end of.</summary>
    internal static async Task<IReadOnlyList<string>> SitesAsync(SqlSession session, NodeRole role) => role.Site is { } own ? [own]
        : [.. (await Replicas.NamesAsync(session)).Where(n => n.StartsWith("site/", StringComparison.Ordinal)).Select(n => n["site/".Length..])];

    /// <param name="elsewhere">Whether another process may have the session.</param>
    private static async Task<LinkView> ViewAsync(SqlSession session, NodeRole role, LinkRow row, LinkState? live, string? refused,
        IReadOnlyDictionary<string, LanePoint> points, DateTimeOffset now, bool elsewhere)
    {
        var known = (live?.Lanes ?? row.LaneList).ToDictionary(l => l.Lane, StringComparer.Ordinal);
        LinkedLane LaneOf(Lane lane) => known.GetValueOrDefault(lane.Name) ?? new LinkedLane { Lane = lane.Name };
        Lane[] own = role.IsHub ? [Lane.HubTo(row.Site), Lane.HubAll] : [Lane.Site(row.Site)];
        Lane[] copies = role.IsHub ? [Lane.Site(row.Site)] : [Lane.HubTo(row.Site), Lane.HubAll];
        var (outgoing, incoming) = (new List<LinkedLane>(), new List<LinkedLane>());
        foreach (var lane in own)
        {
            var there = LaneOf(lane);
            var behind = there.Position < points[lane.Name].Position ? await Replicas.NextAtAsync(session, lane.Name, there.Position) : null;
            outgoing.Add(there with { Head = points[lane.Name].Position, BehindSince = behind });
        }
        foreach (var lane in copies)
        {
            var here = LaneOf(lane);
            incoming.Add(here with { Position = points[lane.Name].Position, Head = Math.Max(here.Head, points[lane.Name].Position), BehindSince = here.Head > points[lane.Name].Position ? here.BehindSince : null });
        }
        var contact = live?.LastContact ?? row.LastContact;
        var state = live is null ? LinkCondition.Cut : known.Values.Any(l => l.Diverged is not null) ? LinkCondition.Diverged : LinkCondition.Connected;
        if (live is null && elsewhere && row.State is not (LinkCondition.Cut or LinkCondition.GivenUp) && contact is { } recent && now - recent <= LinkWatch.Stale) state = row.State; // another process has it
        var deaf = state == LinkCondition.Cut ? (long)(now - (contact ?? row.Since)).TotalSeconds : 0;
        var toSite = Direction(outgoing, now);
        var fromSite = Direction(incoming, now);
        return new LinkView(row.Site, state, row.State == state ? row.Since : now, contact, live?.Peer ?? row.Peer, live?.PeerVersion ?? row.PeerVersion,
            fromSite with { LagSeconds = Math.Max(deaf, fromSite.LagSeconds) }, toSite, row.AlertList, state == LinkCondition.Cut ? refused : null);
    }

    private static LinkDirection Direction(List<LinkedLane> lanes, DateTimeOffset now) => new(lanes.Sum(l => Math.Max(0, l.Head - l.Position)),
        lanes.Max(l => l.BehindSince is { } since ? Math.Max(0, (long)(now - since).TotalSeconds) : 0), lanes);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Page<LinkView>))]
[JsonSerializable(typeof(RepairBody))]
[JsonSerializable(typeof(RepairView))]
[JsonSerializable(typeof(IReadOnlyList<LinkedLane>))]
internal sealed partial class LinkJson : JsonSerializerContext;
