using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Link;

/// <summary>
/// What a link does when a copy of a hub's lane has another history: the hub was restored and went on without this site (decision 0029). The hub says where its incarnations ended; the site gives what its copy has
/// behind the last of these points that it knows, and nothing else meanwhile; the hub takes it in, event by event, from where the two part. Then it sends what the lane has instead, which the site keeps aside until all of
/// it has come, goes back to that point and takes it over in one step, and the connection ends: at the next one the copy is a beginning of its lane, as ever. Whatever is lost or breaks off is begun again, and what is there
/// already changes nothing.
/// </summary>
public sealed partial class LinkEnd
{
    private const string AreJoined = "since its writer was restored there are two histories; they are being joined";

    /// <summary>At the hub: lanes of which the copy has another history.</summary>
    private readonly Dictionary<string, OldEnd> _forks = new(StringComparer.Ordinal);

    /// <summary>At the site: what the hub has said and was not answered; null when nothing.</summary>
    private IReadOnlyList<LinkPoint>? _asked;
    private LinkJoin? _goBack;
    private bool _givesOld;

    /// <summary>At the site: what the hub has instead of the old ends, as far as it has come.</summary>
    private readonly Dictionary<string, NewEnd> _coming = new(StringComparer.Ordinal);

    /// <summary>Whether the other side knows of this, and whether a site keeps what comes instead before it goes back.</summary>
    private bool _joins;
    private bool _follows;

    /// <summary>How far the site's own lane went when the two met.</summary>
    private long _siteHead;
    private long _forkSaid;
    private bool _isJoined;

    /// <summary>The other history of a lane, as the copy has it.</summary>
    /// <param name="points">Where the lane's incarnations ended, the last first, and before them where it stood when the two met.</param>
    /// <param name="copy">Where the copy ends.</param>
    private sealed class OldEnd(IReadOnlyList<LanePoint> points, LanePoint copy)
    {
        public IReadOnlyList<LanePoint> Points => points;
        public LanePoint Copy => copy;

        /// <summary>How far it is known; null before anything has come.</summary>
        public LanePoint? At { get; set; }

        /// <summary>The last point of both histories; null while all that has come is in both.</summary>
        public LanePoint? Fork { get; set; }
        public bool IsTaken => At?.Position >= copy.Position;

        /// <summary>How far the lane went when all of it was taken in.</summary>
        public LanePoint? Head { get; set; }

        /// <summary>Whether the lane's node was restored since the two parted: else nobody has let it go on.</summary>
        public bool WasRestored => Fork!.Position <= points[1].Position;
    }

    /// <summary>What a lane has instead of an old end, at whoever has a copy of it.</summary>
    private sealed class NewEnd(LanePoint fork, LanePoint at, long head, long given)
    {
        public LanePoint Fork => fork;

        /// <summary>How far the other history was taken in where the lane is written.</summary>
        public long Given => given;
        public LanePoint At { get; set; } = at;
        public bool IsHere => At.Position >= head;

        /// <summary>Whether the copy goes on with it already.</summary>
        public bool IsTaken { get; set; }
    }

    /// <summary>Whether the copy has another history than the lane, whose node was restored before.</summary>
    private async ValueTask<bool> ForkAsync(LanePoint point, LanePoint theirs, CancellationToken ct)
    {
        if (!_role.IsHub || !_joins || point.Incarnation == 1) return false;
        var ends = await _lanes.Database.ReadAsync(async session => await Replicas.HasPointAsync(session, theirs) ? null : await HistoryJoin.EndsAsync(session, point.Name), ct);
        if (ends is null) return false;
        _forks[point.Name] = new OldEnd([point, .. ends], theirs);
        _state.Stands(point.Name, Now, diverged: "since this node was restored there are two histories; they are being joined");
        return true;
    }

    /// <summary>While histories are joined, a lane of which there are two goes nowhere before the old end is in it, and a site tells nothing but the old one.</summary>
    private bool IsWhole(Outgoing own) => own.IsReturn ? _forks.Count == 0 : !_givesOld && (!_forks.ContainsKey(own.Lane.Name) || _isJoined && _follows);

    private async ValueTask TakeOldAsync(OldEnd old, LinkBatch batch)
    {
        var at = old.At ?? old.Points.FirstOrDefault(p => p.Position == batch.Groups[0].First - 1 && ReplicaGrowth.Refuse(p, batch.Groups[0]) is null);
        if (at is null) return; // a later batch has overtaken the first one, which will come again
        var groups = ReplicaGrowth.Following(at, batch.Groups, out var wrong);
        if (wrong is not null)
        {
            Diverge(batch.Lane.Name, wrong);
            return;
        }
        foreach (var next in groups.Select(g => g.EndIn(at.Name)))
        {
            if (old.Fork is null && !await _lanes.Database.ReadAsync(s => Replicas.HasPointAsync(s, next))) old.Fork = at;
            at = next;
        }
        var follows = groups.FindAll(g => g.First > old.Fork?.Position);
        if (follows.Count > 0 && await TakeInAsync(old, follows, batch.Keys) is { } problem)
        {
            Diverge(batch.Lane.Name, problem);
            return;
        }
        if (old.At?.Position != at.Position) (old.At, _forkSaid) = (at, _lanes.Time.GetTimestamp());
        if (Ended is null) Say(LinkFrames.Write(new LinkAck(batch.Lane.Name, at.Position)));
    }

    /// <returns>Why it cannot be; null when it is.</returns>
    private async ValueTask<string?> TakeInAsync(OldEnd old, List<LaneGroup> groups, IReadOnlyList<PersonKey> keys)
    {
        if (old.WasRestored) return await _lanes.JoinAsync(old.Fork!, _site, groups, keys);
        if (old.Copy.Position <= old.Points[0].Position) return $"the copy at {old.Copy.Position} has another history than the lane";
        await HoldAsync(old.Points[0], old.Copy);
        return null;
    }

    private ValueTask<bool> JoinStepAsync(CancellationToken ct) => Ended is not null || !_greeted ? ValueTask.FromResult(false) : _role.IsHub ? AskForOldEndsAsync() : AnswerAsync(ct);

    private async ValueTask<bool> AskForOldEndsAsync()
    {
        if (_forks.Count == 0 || _forks.Keys.Any(_diverged.Contains)) return false;
        var isTaken = _forks.Values.All(f => f.IsTaken);
        if (isTaken && !_isJoined)
        {
            var lanes = _forks.Values.ToDictionary(f => f.Copy.Name, f => f.Fork!.Position, StringComparer.Ordinal);
            await _lanes.TellAsync(_role.Home, new LinkJoined(_site, lanes), "link/" + _site);
            await SendFromForksAsync();
            (_isJoined, _forkSaid) = (true, 0);
        }
        if (!IsSince(_forkSaid, ResendAfter)) return false;
        _forkSaid = _lanes.Time.GetTimestamp();
        Say(isTaken ? LinkFrames.Write(Joined()) : LinkFrames.Write(new LinkFork([.. _forks.Values.SelectMany(f => f.Points).Select(PointOf)])));
        return true;
    }

    private LinkJoin Joined()
    {
        IReadOnlyList<LinkPoint> forks = [.. _forks.Values.Select(f => PointOf(f.Fork!))];
        return _follows ? new LinkJoin(forks, [.. _forks.Values.Select(f => PointOf(f.Head!))], [.. _forks.Values.Select(f => new LinkHead(f.Copy.Name, f.At!.Position))]) : new LinkJoin(forks);
    }

    private async ValueTask SendFromForksAsync()
    {
        var points = await _lanes.Database.ReadAsync(Replicas.PointsAsync);
        foreach (var own in _sends)
        {
            if (!_forks.TryGetValue(own.Lane.Name, out var old)) continue;
            (old.Head, own.Sent, own.Acked) = (points[own.Lane.Name], old.Fork!.Position, old.Fork.Position);
            own.InFlight.Clear();
        }
    }

    private static LinkPoint PointOf(LanePoint point) => new(point.Name, point.Incarnation, point.Position, point.Hash);

    private async ValueTask<bool> AnswerAsync(CancellationToken ct)
    {
        if (_asked is { } asked)
        {
            _asked = null;
            foreach (var lane in asked.GroupBy(p => new Lane(p.Lane)).Where(g => _takes.Contains(g.Key) && !Array.Exists(_sends, s => s.Lane == g.Key)))
                await GiveOldAsync(lane.Key, [.. lane.Select(p => p.Point).OrderByDescending(p => p.Position)], ct);
            return true;
        }
        if (_goBack is not { } join) return false;
        _goBack = null;
        foreach (var point in join.Points.Where(p => _takes.Contains(new Lane(p.Lane))))
        {
            var problem = join.Heads is null ? await _lanes.SetBackAsync(point.Point) : await ExpectAsync(point.Point, join);
            _state.Stands(point.Lane, Now, diverged: problem ?? AreJoined);
            if (problem is not null) return true; // it will be asked again
        }
        if (join.Heads is null) End("the histories are joined");
        else await FollowWhenHereAsync();
        return true;
    }

    private async ValueTask<string?> ExpectAsync(LanePoint fork, LinkJoin join)
    {
        if (_coming.ContainsKey(fork.Name)) return null; // said again
        if (join.Heads!.FirstOrDefault(h => h.Lane == fork.Name)?.Point is not { } head) return "it was not said how far it goes";
        var (at, problem) = await _lanes.ExpectAsync(fork, head);
        if (at is null) return problem!.Detail;
        _coming[fork.Name] = new NewEnd(fork, at, head.Position, join.Taken?.FirstOrDefault(t => t.Lane == fork.Name)?.Position ?? 0);
        if (at.Position > fork.Position) Say(LinkFrames.Write(new LinkAck(fork.Name, at.Position))); // of an earlier connection
        return null;
    }

    /// <summary>Whether a batch belongs to a history that comes instead of an old end: then it is kept, or comes again when it is known where the two part.</summary>
    private async ValueTask<bool> IsKeptAsync(LinkBatch batch)
    {
        if (!_coming.TryGetValue(batch.Lane.Name, out var coming)) return _givesOld && Array.Exists(_sends, s => s.IsReturn && s.Lane == batch.Lane);
        if (coming.IsTaken) return true; // it comes again over the next connection
        var follows = ReplicaGrowth.Following(coming.At, batch.Groups, out var wrong);
        if (wrong is not null)
        {
            await _lanes.ForgetComingAsync(coming.Fork); // what came over an earlier connection is no part of this
            End(wrong);
            return true;
        }
        if (follows.Count > 0)
        {
            if (await _lanes.KeepComingAsync(coming.Fork, coming.At, follows, batch.Keys) is { } problem)
            {
                End(problem.Detail);
                return true;
            }
            coming.At = follows[^1].EndIn(coming.Fork.Name);
        }
        Say(LinkFrames.Write(new LinkAck(batch.Lane.Name, coming.At.Position)));
        if (follows.Count > 0) await FollowWhenHereAsync();
        return true;
    }

    private async ValueTask FollowWhenHereAsync()
    {
        if (!_coming.Values.All(c => c.IsHere)) return;
        foreach (var coming in _coming.Values.Where(c => !c.IsTaken))
        {
            var problem = await _lanes.FollowAsync(coming.Fork, coming.At, coming.Given);
            coming.IsTaken = problem is null;
            if (problem is null) continue;
            _state.Stands(coming.Fork.Name, Now, diverged: problem.Detail);
            // Where only a parked event is in the way it will be asked again, but not while another lane goes on already: that comes over the next connection.
            if (problem.Code != LaneHistories.Parked || _coming.Values.Any(c => c.IsTaken)) End(problem.Detail);
            return;
        }
        End("the histories are joined");
    }

    private async ValueTask GiveOldAsync(Lane lane, IReadOnlyList<LanePoint> points, CancellationToken ct)
    {
        var (known, copy) = await _lanes.Database.ReadAsync(async session =>
        {
            foreach (var point in points)
                if (await Replicas.HasPointAsync(session, point)) return (point, (await Replicas.PointsAsync(session))[lane.Name]);
            return (LaneHistories.Beginning(lane.Name), (await Replicas.PointsAsync(session))[lane.Name]);
        }, ct);
        _givesOld = true;
        _state.Stands(lane.Name, Now, diverged: AreJoined);
        _sends = [.. _sends, new Outgoing(lane, isBulk: true, isReturn: true) { Head = copy.Position, Sent = known.Position, Acked = known.Position }];
    }
}
