using System.Collections.Concurrent;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>
/// Sites with nodes of their own: the links to them, how they stand, and what is told when they do not. What carries the frames is the server's.
/// </summary>
public sealed class LinkModule : Module
{
    private readonly ConcurrentDictionary<string, LinkState> _states = new(StringComparer.Ordinal);

    public LinkModule() => HttpJson.Add(LinkJson.Default);

    public override string Name => "link";

    /// <summary>How the link of a site stands, as far as this process knows.</summary>
    public LinkState StateOf(string site) => _states.GetOrAdd(site, s => new LinkState(s));

    /// <summary>The states of this process's links.</summary>
    internal IEnumerable<LinkState> States => _states.Values;

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        node.Lanes.Meter.Get<LinkMetrics>().Watch(this);
        return Task.CompletedTask;
    }

    public override bool Recovers(string type) => type == PersonErased.Type;

    /// <summary>A restored hub has the keys again of persons who were erased after the backup: they are deleted again.</summary>
    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Type == PersonErased.Type))
            if (e.Read<PersonErased>() is { KeyHash: { } erased } person) await Personal.FollowErasureAsync(tx, person.PersonId, erased, e.At);
    }

    /// <summary>Of somebody who was erased since, a site may have brought an older key: it is told to delete that one, too.</summary>
    public override async ValueTask JoinAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        await RecoverAsync(site, events, tx);
        foreach (var person in LinkKeys.PeopleIn(events))
            if (await Personal.ErasedAsync(tx, person) is { } erased) tx.Append(Lane.HubAll, new PersonErased(person, erased), person.ToString());
    }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        LinkViews.Map(api, node, this);
        RepairLink.Map(api, node);
        if (!node.Role.IsHub) NotHere.Map(api, node);
    }

    public override IEnumerable<Pump> Pumps(Node node) => [new LinkWatch(node, this)];

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.Role.Site == site ? [(new FollowErasures(site), Lane.HubAll)] : [];

    /// <summary>Deletes at a site the keys of persons whom the hub has erased.</summary>
    private sealed class FollowErasures(string site) : Consumer
    {
        public override string Name => "erasures";
        public override Lane Target(Lane source) => Lane.Site(site);
        public override bool Wants(string type) => type == PersonErased.Type;

        public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
        {
            foreach (var e in events)
                if (e.Read<PersonErased>() is { KeyHash: { } erased } person) await Personal.FollowErasureAsync(tx, person.PersonId, erased, e.At);
        }
    }
}
