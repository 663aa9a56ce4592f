using System.Threading.Channels;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Link;

/// <summary>
/// One end of one connection between a hub and a site: frames in, frames out, and steps in between. It knows nothing of sockets, so that what carries the frames
/// may be a WebSocket or a test's network that loses, doubles and reorders them. Whatever happens to frames costs time only: a lane is taken
/// over group by group, each checked against the hash of what is there, and where something is missing the writer sends again from where it
/// was acknowledged. After a connection has ended a new end is made for the next one, and nothing is remembered but the lanes.
/// </summary>
public sealed partial class LinkEnd : Pump, IDisposable
{
    private const int MostBatches = 4;

    /// <summary>Bulk may fill half of the window, so that an order never waits behind more than that.</summary>
    private const int MostBulkBatches = 2;
    private const long MostBytes = 1024 * 1024;

    private const int MostWaiting = 64;
    private static readonly TimeSpan HelloEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(3);

    /// <summary>After so long without a word the connection is taken for dead, whatever the network says.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private readonly Channel<byte[]> _in = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly Channel<byte[]> _out = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly Lanes _lanes;
    private readonly NodeRole _role;
    private readonly string _site;
    private readonly LinkState _state;
    private readonly (string Name, string Version) _self;
    private volatile Outgoing[] _sends;
    private readonly HashSet<Lane> _takes;
    private readonly Queue<LinkBatch> _waiting = new();
    private readonly HashSet<string> _diverged = new(StringComparer.Ordinal);
    private bool _greeted;
    private long _heard;
    private long _beat;
    private long _helloSaid;
    private long _progress;
    private int _resends;

    /// <summary>A lane that this node writes, as far as the other side has it.</summary>
    private sealed class Outgoing(Lane lane, bool isBulk, bool isReturn = false)
    {
        public long Head;

        /// <summary>The other side's own lane, of which it lost the end: it gets it back from the copy here.</summary>
        public bool IsReturn => isReturn;

        /// <summary>The head when the sides met.</summary>
        public long HeadAtFirst { get; set; }
        public Lane Lane => lane;
        public bool IsBulk => isBulk;
        public long Sent { get; set; }
        public long Acked { get; set; }
        public Queue<(long Upto, int Bytes)> InFlight { get; } = new();
    }

    /// <param name="role">Of this node.</param>
    /// <param name="site">The site at the one end or the other.</param>
    /// <param name="state">Where this end tells how the link stands.</param>
    /// <param name="name">The node's name, and <paramref name="version"/> its version: shown on the other side.</param>
    public LinkEnd(Lanes lanes, NodeRole role, string site, LinkState state, string name, string version)
    {
        (_lanes, _role, _site, _state, _self) = (lanes, role, site, state, (name, version));
        // In order of urgency: what a site must do comes before what all must know.
        _sends = role.IsHub ? [new Outgoing(Lane.HubTo(site), false), new Outgoing(Lane.HubAll, true)] : [new Outgoing(Lane.Site(site), false)];
        _takes = role.IsHub ? [Lane.Site(site)] : [Lane.HubTo(site), Lane.HubAll];
        _heard = lanes.Time.GetTimestamp();
        lanes.Committed += OnCommitted;
        lanes.GrewElsewhere += OnGrew;
    }

    /// <summary>How many events go in one batch at most; a larger group goes alone.</summary>
    internal int EventsPerBatch { get; init; } = 256;

    /// <summary>How far local consumers may be behind before no more is taken over: a backlog must not keep orders out.</summary>
    internal long MostBehind { get; init; } = 5_000;

    /// <summary>The highest version of the protocol that this end speaks.</summary>
    internal int Speaks { get; init; } = LinkFrames.Protocol;

    public override string Name => "link " + _site;
    public override TimeSpan Idle => TimeSpan.FromMilliseconds(500);

    /// <summary>Frames for the other side, in order. Completes when this end has ended.</summary>
    public ChannelReader<byte[]> Frames => _out.Reader;

    /// <summary>Why this end has ended; null while it has not.</summary>
    public string? Ended { get; private set; }

    /// <summary>Whether both sides have introduced themselves.</summary>
    public bool IsGreeted => _greeted;

    /// <summary>Takes a frame of the other side; waits while too many are waiting, so that the other side is slowed down.</summary>
    public async ValueTask TakeAsync(byte[] frame, CancellationToken ct)
    {
        await _in.Writer.WriteAsync(frame, ct);
        Wake.Set();
    }

    /// <summary>Takes a frame, or lets it go where too many are waiting.</summary>
    public bool TryTake(byte[] frame)
    {
        var taken = _in.Writer.TryWrite(frame);
        if (taken) Wake.Set();
        return taken;
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (Ended is not null) return false;
        try
        {
            var worked = await ListenAsync(ct);
            EndWhenRepaired();
            if (Ended is not null) return true;
            worked |= await TakeOverAsync();
            worked |= await JoinStepAsync(ct);
            if (Ended is not null) return true;
            worked |= await SpeakAsync(ct);
            return worked;
        }
        catch (LinkBrokenException e)
        {
            Refuse("broken", e.Message);
            return true;
        }
    }

    /// <summary>The connection is over.</summary>
    public void End(string why)
    {
        if (Ended is not null) return;
        Ended = why;
        IsRetired = true;
        _lanes.Committed -= OnCommitted;
        _lanes.GrewElsewhere -= OnGrew;
        _state.Closed(this);
        _out.Writer.TryComplete();
        _in.Writer.TryComplete();
        Wake.Set();
    }

    public void Dispose() => End("closed");

    /// <summary>Says why, then ends.</summary>
    private void Refuse(string code, string detail)
    {
        Say(LinkFrames.Write(new LinkBye(code, detail)));
        _state.Refused = detail;
        End(detail);
    }

    private DateTimeOffset Now => _lanes.Time.GetUtcNow();
    private bool IsSince(long at, TimeSpan span) => at == 0 || _lanes.Time.GetElapsedTime(at) >= span;
    private void Say(byte[] frame) => _out.Writer.TryWrite(frame);

    // ---- what is written here

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events) => OnGrew(lane, 0, events[^1].Position);

    /// <summary>On the writer's thread: marks and wakes, nothing else.</summary>
    private void OnGrew(Lane lane, long from, long to)
    {
        foreach (var own in _sends)
        {
            if (own.Lane != lane) continue;
            Volatile.Write(ref own.Head, Math.Max(to, Volatile.Read(ref own.Head)));
            if (_greeted) _state.Stands(lane.Name, Now, head: to);
            Wake.Set();
        }
    }

    // ---- listening

    private async ValueTask<bool> ListenAsync(CancellationToken ct)
    {
        if (!_in.Reader.TryRead(out var frame))
        {
            if (IsSince(_heard, Silence)) End("nothing was heard for too long");
            return false;
        }
        _heard = _lanes.Time.GetTimestamp();
        var kind = LinkFrames.KindOf(frame);
        if (kind == FrameKind.Hello) await GreetAsync(LinkFrames.Hello(frame), ct);
        else if (kind == FrameKind.Bye) ByeWith(LinkFrames.Bye(frame));
        else if (_greeted) Hear(kind, frame); // what is said before the greeting is said again
        if (_greeted) _state.Heard(Now);
        return true;
    }

    private void ByeWith(LinkBye bye)
    {
        _state.Refused = bye.Detail;
        End(bye.Detail);
    }

    private void Hear(FrameKind kind, byte[] frame)
    {
        switch (kind)
        {
            case FrameKind.Batch:
                var batch = LinkFrames.Batch(frame);
                if (!_takes.Contains(batch.Lane) && !_comesBack.ContainsKey(batch.Lane.Name) && !_forks.ContainsKey(batch.Lane.Name)) throw new LinkBrokenException($"{batch.Lane} does not come this way");
                if (_waiting.Count < MostWaiting) _waiting.Enqueue(batch); // else it will come again
                break;
            case FrameKind.Ack:
                var ack = LinkFrames.Ack(frame);
                if (Array.Find(_sends, s => s.Lane.Name == ack.Lane) is { } own) Acknowledge(own, ack.Position);
                break;
            case FrameKind.Beat:
                foreach (var head in LinkFrames.Beat(frame).Heads)
                    if (_takes.Contains(new Lane(head.Lane))) _state.Stands(head.Lane, Now, head: head.Position);
                break;
            case FrameKind.Diverged:
                var diverged = LinkFrames.Diverged(frame);
                if (_takes.Contains(new Lane(diverged.Lane)) || Array.Exists(_sends, s => s.Lane.Name == diverged.Lane)) Diverge(diverged.Lane, diverged.Reason, tell: false);
                break;
            case FrameKind.Fork:
                _asked = LinkFrames.Fork(frame).Points;
                break;
            case FrameKind.Joined:
                _goBack = LinkFrames.Join(frame);
                break;
            case FrameKind.Hello or FrameKind.Bye:
            default:
                break;
        }
    }

    private void Acknowledge(Outgoing own, long position)
    {
        var head = Volatile.Read(ref own.Head);
        if (position > head && !own.IsReturn) throw new LinkBrokenException($"{own.Lane} was acknowledged up to {position}, which was never sent");
        position = Math.Min(position, head); // what comes back to its writer may have come from a longer copy, too
        if (position > own.Acked) (own.Acked, _progress, _resends) = (position, _lanes.Time.GetTimestamp(), 0);
        while (own.InFlight.TryPeek(out var first) && first.Upto <= position) own.InFlight.Dequeue();
        if (own.Sent < own.Acked) own.Sent = own.Acked;
        _state.Stands(own.Lane.Name, Now, position: position);
    }

    // ---- the greeting

    private async ValueTask GreetAsync(LinkHello hello, CancellationToken ct)
    {
        var points = await _lanes.Database.ReadAsync(Replicas.PointsAsync, ct);
        if (hello.Site != _site) { Refuse("wrong_site", $"the key is for {_site}, the node says that it is {hello.Site}"); return; }
        if (hello.Ordinal != points[Lane.Site(_site).Name].Ordinal) { Refuse("wrong_number", $"{_site} has another number here than there: the two are not hub and site of each other"); return; }
        if (hello.Protocol < 1) { Refuse("protocol", "no protocol version is spoken on both sides"); return; }
        if (!_greeted)
        {
            await RememberHeadsAsync(ct);
            if (!_role.IsHub) await _lanes.LookForHistoriesAsync(ct); // the last look may have failed
            _state.Opened(this, hello.Node, hello.Version, Now);
            (_joins, _follows) = (hello.Protocol >= LinkFrames.JoinProtocol, hello.Protocol >= LinkFrames.FollowProtocol);
            _siteHead = hello.Lanes.FirstOrDefault(l => l.Name == Lane.Site(_site).Name && l.Writes)?.Position ?? 0;
            foreach (var own in _sends) await CompareAsync(own, hello.Lanes.FirstOrDefault(l => l.Name == own.Lane.Name && !l.Writes), points[own.Lane.Name], ct);
            foreach (var lane in _takes) await CompareAsync(hello.Lanes.FirstOrDefault(l => l.Name == lane.Name && l.Writes), points[lane.Name], ct);
            if (Ended is not null) return; // this side's database is an older one: the next greeting will say so
            _greeted = true;
            await LookWhetherAllIsBackAsync(points);
            _progress = _lanes.Time.GetTimestamp();
        }
        if (_role.IsHub) Say(Introduction(points)); // also the second time: the first answer may have been lost
    }

    private byte[] Introduction(IReadOnlyDictionary<string, LanePoint> points) => LinkFrames.Write(new LinkHello(Speaks, _self.Name, _self.Version, _site,
        points[Lane.Site(_site).Name].Ordinal, [.. _sends.Where(s => !s.IsReturn).Select(s => Of(points[s.Lane.Name], true)), .. _takes.Select(t => Of(points[t.Name], false))]));

    private LinkLane Of(LanePoint point, bool writes) =>
        new(point.Name, point.Incarnation, point.Position, point.Hash, writes, writes && point.Held == 1, writes ? 0 : Math.Max(point.Position, _heads.GetValueOrDefault(point.Name)));

    /// <summary>A lane that is written here: the other side's copy must be a beginning of it, hash for hash.</summary>
    private async ValueTask CompareAsync(Outgoing own, LinkLane? copy, LanePoint point, CancellationToken ct)
    {
        Volatile.Write(ref own.Head, Math.Max(point.Position, Volatile.Read(ref own.Head)));
        own.HeadAtFirst = own.Head;
        var theirs = new LanePoint { Name = point.Name, Position = copy?.Position ?? 0, Hash = copy?.Hash ?? [], Incarnation = copy?.Incarnation ?? 1 };
        own.Sent = own.Acked = theirs.Position;
        _state.Stands(point.Name, Now, head: point.Position);
        if (point.Held == 1) await ComesBackAsync(own, copy, point, theirs, ct);
        else if (await ForkAsync(point, theirs, ct)) return;
        else if (theirs.Position > point.Position) await HoldAsync(point, theirs);
        else if (theirs.Incarnation > point.Incarnation || !await _lanes.Database.ReadAsync(s => Replicas.HasPointAsync(s, theirs), ct))
            Diverge(point.Name, $"the copy at {theirs.Position} has another history than the lane");
        else _state.Stands(point.Name, Now, position: theirs.Position);
    }

    /// <summary>A lane that the other side writes: what can be seen from here. The writer looks closer.</summary>
    private async ValueTask CompareAsync(LinkLane? lane, LanePoint copy, CancellationToken ct)
    {
        _state.Stands(copy.Name, Now, position: copy.Position, head: lane?.Position ?? 0);
        if (lane is null) return;
        if (lane.Held) await GiveBackAsync(lane, copy, ct);
        else if (_joins && !_role.IsHub) return; // the hub looks closer, and has the two histories joined where it can
        else if (lane.Position < copy.Position)
            Diverge(copy.Name, $"the copy has {copy.Position} events, the lane itself {lane.Position}: its writer has lost some, as after a restore");
        else if (lane.Position == copy.Position && lane.Position > 0 && !lane.Hash.AsSpan().SequenceEqual(copy.Hash))
            Diverge(copy.Name, $"the copy at {copy.Position} has another history than the lane");
    }

    /// <summary>Stops a lane for as long as this connection lasts. The others go on.</summary>
    private void Diverge(string lane, string reason, bool tell = true)
    {
        if (!_diverged.Add(lane)) return;
        _state.Stands(lane, Now, diverged: reason);
        if (tell) Say(LinkFrames.Write(new LinkDiverged(lane, reason)));
    }

    // ---- taking over

    private async ValueTask<bool> TakeOverAsync()
    {
        if (!_waiting.TryPeek(out var batch) || IsTooMuch(batch.Lane)) return false;
        _waiting.Dequeue();
        if (_diverged.Contains(batch.Lane.Name)) return true;
        if (_forks.TryGetValue(batch.Lane.Name, out var fork))
        {
            await TakeOldAsync(fork, batch);
            return true;
        }
        if (_forks.Count > 0 && batch.Lane == Lane.Site(_site)) return true; // it will come again: what it tells of is not known here yet
        if (await IsKeptAsync(batch)) return true;
        var isBack = _comesBack.ContainsKey(batch.Lane.Name);
        var taken = isBack ? await _lanes.TakeBackAsync(batch.Lane, _site, batch.Groups, batch.Keys) : await _lanes.ImportAsync(batch.Lane, batch.Groups, batch.Keys);
        if (taken.Divergence is { } reason) Diverge(batch.Lane.Name, reason);
        _state.Stands(batch.Lane.Name, Now, position: taken.Position);
        Say(LinkFrames.Write(new LinkAck(batch.Lane.Name, taken.Position)));
        if (isBack) await LookWhetherAllIsBackAsync(await _lanes.Database.ReadAsync(Replicas.PointsAsync));
        return true;
    }
}
