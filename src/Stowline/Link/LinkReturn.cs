using Stowline.Log;

namespace Stowline.Link;

/// <summary>
/// What a link does when one side was restored from an older backup. The lanes of that side are held (<see cref="Repairs"/>); the other side gives back from its copies what is
/// missing, group by group over the same frames as everything else, and takes nothing new of those lanes before an operator has confirmed. A hub's decisions come before
/// a site's history: what a site has done is brought into its tables by what it was told to do.
/// </summary>
public sealed partial class LinkEnd
{
    /// <summary>Own lanes that are held, with how far the copy goes on the other side.</summary>
    private readonly Dictionary<string, long> _comesBack = new(StringComparer.Ordinal);

    /// <summary>How far the other side's lanes were ever known to go, from before this connection.</summary>
    private readonly Dictionary<string, long> _heads = new(StringComparer.Ordinal);
    private readonly List<LostEvents> _lost = [];
    private bool _isRepairing;
    private bool _peerRepairs;
    private bool _allIsBack;

    private async ValueTask RememberHeadsAsync(CancellationToken ct)
    {
        foreach (var lane in _state.Lanes) _heads[lane.Lane] = lane.Head;
        foreach (var row in await _lanes.Database.ReadAsync(async session => await LinkRow.AllAsync(session), ct))
            if (row.Site == _site)
                foreach (var lane in row.LaneList) _heads[lane.Lane] = Math.Max(lane.Head, _heads.GetValueOrDefault(lane.Lane));
    }

    /// <summary>
    /// The copy of a lane has more than the lane itself, and nobody has said that this database is an older one: it was set back some other way than
    /// by <c>stowline restore</c>. From here on it is treated as if it had been restored.
    /// </summary>
    private async ValueTask HoldAsync(LanePoint point, LanePoint copy)
    {
        if (Ended is not null) return;
        await _lanes.HoldAsync(_role.Home, _site);
        End($"the copy of {point.Name} has {copy.Position} events, the lane itself {point.Position}: this node's database is an older one");
    }

    /// <summary>A lane of this side that is held: what the other side has of it comes back.</summary>
    private async ValueTask ComesBackAsync(Outgoing own, LinkLane? copy, LanePoint point, LanePoint theirs, CancellationToken ct)
    {
        _isRepairing = true;
        _comesBack[point.Name] = theirs.Position;
        var last = Math.Max(point.Position, theirs.Position);
        if (copy is not null && copy.Head > last) _lost.Add(new LostEvents(point.Name, last + 1, copy.Head));
        _state.Stands(point.Name, Now, diverged: "this node was restored from a backup; the lane goes on when an operator has confirmed");
        if (theirs.Position <= point.Position && !await _lanes.Database.ReadAsync(s => Replicas.HasPointAsync(s, theirs), ct))
            Diverge(point.Name, $"the copy at {theirs.Position} has another history than the lane");
    }

    /// <summary>The other side's lane is held: it gets back what the copy here has more, if the copy continues it.</summary>
    private async ValueTask GiveBackAsync(LinkLane lane, LanePoint copy, CancellationToken ct)
    {
        _peerRepairs = true;
        // Kept in what is shown, so that it is known again at the next greeting how far the lane once went.
        _state.Stands(copy.Name, Now, head: _heads.GetValueOrDefault(copy.Name), diverged: "its writer was restored from a backup; the lane goes on when an operator there has confirmed");
        if (lane.Position >= copy.Position) return;
        var theirs = new LanePoint { Name = lane.Name, Position = lane.Position, Hash = lane.Hash, Incarnation = lane.Incarnation };
        if (!await _lanes.Database.ReadAsync(s => Replicas.HasPointAsync(s, theirs), ct))
        {
            Diverge(copy.Name, $"the lane at {lane.Position} has another history than the copy");
            return;
        }
        _sends = [.. _sends, new Outgoing(new Lane(copy.Name), isBulk: true, isReturn: true) { Head = copy.Position, Sent = lane.Position, Acked = lane.Position }];
    }

    /// <summary>While the other side repairs, a hub sends what it has decided first, and a site only what it gives back.</summary>
    private bool MaySend(Outgoing own) => IsWhole(own) && (!_peerRepairs
        || (own.IsReturn ? !_role.IsHub || Array.TrueForAll(_sends, s => s.IsReturn || s.Acked >= s.HeadAtFirst) : _role.IsHub));

    /// <summary>While this node repairs its consumers stand still, and wait for what comes here: waiting for them would never end.</summary>
    private bool IsTooMuch(Lane lane) => !_lanes.IsInRepair(_role.Home) && _lanes.LagOf(lane) > MostBehind;

    private async ValueTask LookWhetherAllIsBackAsync(IReadOnlyDictionary<string, LanePoint> points)
    {
        if (_allIsBack || _diverged.Count > 0 || _forks.Count > 0) return;
        var isExcluded = _role.IsHub && _lanes.IsExcluded(_site);
        if (!_isRepairing && !isExcluded || _comesBack.Any(c => points[c.Key].Position < c.Value)) return;
        if (!_isRepairing && !_lanes.IsReadUpTo(Lane.Site(_site), _siteHead)) return; // nothing is promised there, and nothing decided, before it is known what has left
        await _lanes.HeardAsync(_role.Home, _site, _lost);
        _allIsBack = true; // not before it is stored: else it would never be tried again on this connection
    }

    /// <summary>After the operator's word both sides meet anew, and everything is as ever.</summary>
    private void EndWhenRepaired()
    {
        if (_isRepairing && !_lanes.IsInRepair(_role.Home)) End("the repair is over");
    }
}
