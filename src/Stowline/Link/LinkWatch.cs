using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>
/// Keeps what is known of links, for other processes and for after a restart, and tells when one has been cut or behind for too long, or has diverged. Each process
/// speaks for the sessions that it has; of links without any speaks the one on duty.
/// </summary>
internal sealed class LinkWatch(Node node, LinkModule links) : Pump
{
    /// <summary>After so long a stored contact says nothing any more.</summary>
    public static readonly TimeSpan Stale = TimeSpan.FromSeconds(30);

    /// <summary>A link that is cut for no longer is a hiccup.</summary>
    private static readonly TimeSpan CutTooLong = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BehindTooLong = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, (LinkCondition State, DateTimeOffset At)> _kept = new(StringComparer.Ordinal);

    public override string Name => "link watch";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var sites = await node.Database.ReadAsync(session => LinkViews.SitesAsync(session, node.Role), ct);
        if (sites.Count == 0) return false;
        var views = await LinkViews.ReadAsync(node.Database, links, ct);
        var worked = false;
        foreach (var view in views)
        {
            var live = links.StateOf(view.Site) is { IsConnected: true } state ? state : null;
            if (live is not null || node.Lanes.Duty.IsOurs) worked |= await KeepAsync(view, live, ct);
        }
        return worked;
    }

    private async ValueTask<bool> KeepAsync(LinkView view, LinkState? live, CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        var alerts = AlertsOf(view, now);
        var isNews = !_kept.TryGetValue(view.Site, out var kept) || kept.State != view.State || live is not null && now - kept.At >= Keep || !alerts.Keys.Order().SequenceEqual(view.Alerts.Order());
        if (!isNews) return false;
        var lanes = view.In.Lanes.Concat(view.Out.Lanes).ToList();
        await node.Lanes.ExecuteAsync<Done>(node.Role.Home, Caller.System, async tx =>
        {
            await tx.WriteAsync("""
                INSERT INTO link_states (site, state, since, last_contact, peer, peer_version, lanes, alerts)
                VALUES (@Site, @State, @Since, @LastContact, @Peer, @PeerVersion, @lanes, @alerts)
                ON CONFLICT (site) DO UPDATE SET state = excluded.state, since = excluded.since, last_contact = excluded.last_contact, peer = excluded.peer,
                    peer_version = excluded.peer_version, lanes = excluded.lanes, alerts = excluded.alerts
                """, new
                {
                    view.Site, view.State, view.Since, view.LastContact, view.Peer, view.PeerVersion,
                    lanes = JsonSerializer.Serialize(lanes, LinkJson.Default.IReadOnlyListLinkedLane), alerts = string.Join(',', alerts.Keys.Order()),
                });
            if (!node.Role.IsHub) return new Done(); // a site tells nobody but those who ask it: who could be told is behind the link
            foreach (var (alert, (detail, since)) in alerts)
                if (!view.Alerts.Contains(alert)) tx.Append(Lane.Hub, new LinkAlerted(view.Site, alert, detail, since), "link/" + view.Site);
            foreach (var over in view.Alerts.Where(a => !alerts.ContainsKey(a))) tx.Append(Lane.Hub, new LinkCleared(view.Site, over), "link/" + view.Site);
            return new Done();
        }, ct);
        _kept[view.Site] = (view.State, now);
        return true;
    }

    private static Dictionary<string, (string Detail, DateTimeOffset Since)> AlertsOf(LinkView view, DateTimeOffset now)
    {
        var alerts = new Dictionary<string, (string, DateTimeOffset)>(StringComparer.Ordinal);
        // Nobody waits for such a site, but it must not go unnoticed that it is there: somebody takes it back, or sees to it that it stops.
        if (view.GivenUpAt is { } givenUp)
        {
            if (view.LastContact is { } heard && heard > givenUp) alerts["given_up"] = ("it was given up, and is heard all the same", heard);
            return alerts;
        }
        var lanes = view.In.Lanes.Concat(view.Out.Lanes).ToList();
        if (lanes.Find(l => l.Diverged is not null) is { } diverged) alerts["diverged"] = ($"{diverged.Lane}: {diverged.Diverged}", view.Since);
        // A site that has never been heard has not been cut off.
        if (view.State == LinkCondition.Cut && view.LastContact is { } contact && now - contact > CutTooLong) alerts["cut"] = ("nothing is heard", contact);
        if (view.State != LinkCondition.Cut && lanes.Find(l => l.Diverged is null && l.BehindSince is { } since && now - since > BehindTooLong) is { } slow)
            alerts["lag"] = ($"{slow.Lane} is {slow.Head - slow.Position} events behind", slow.BehindSince!.Value);
        return alerts;
    }
}
