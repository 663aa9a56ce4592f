using Stowline.Link;

namespace Stowline.Simulation;

/// <summary>How a network treats frames, in percent.</summary>
internal readonly record struct Weather(int Lost, int Doubled, int Late);

/// <summary>
/// The line between a site and its hub: it carries frames, loses, doubles, delays and overtakes them, and is cut in one direction or both. The site dials, as
/// its node does; a connection that nobody closes is found dead by silence alone.
/// </summary>
internal sealed class SimLine(World world, SimNode hub, SimNode site)
{
    private sealed class Connection(LinkEnd hub, LinkEnd site)
    {
        public LinkEnd Hub => hub;
        public LinkEnd Site => site;
        public bool HubTold { get; set; }
        public bool SiteTold { get; set; }
        public Dictionary<string, long> Sent { get; } = new(StringComparer.Ordinal);
    }

    /// <param name="Bytes">Null: the other side has closed.</param>
    private sealed record Flight(LinkEnd To, bool ToHub, byte[]? Bytes, TimeSpan At, bool Again);

    private readonly List<Connection> _connections = [];
    private readonly List<Flight> _flying = [];
    private TimeSpan _dialAt;
    private int _failures;

    public string Site => site.Name;
    public SimNode SiteNode => site;
    public bool CutToHub { get; set; }
    public bool CutToSite { get; set; }
    public Weather Weather { get; set; }
    public bool IsCut => CutToHub || CutToSite;

    public bool WantsToDial(TimeSpan now) => site.IsUp && now >= _dialAt && !_connections.Exists(c => c.Site.Ended is null);
    public TimeSpan DialAt => site.IsUp && !_connections.Exists(c => c.Site.Ended is null) ? _dialAt : TimeSpan.MaxValue;
    public bool HasArrivals(TimeSpan now) => _flying.Exists(f => f.At <= now);
    public TimeSpan NextArrival => _flying.Count == 0 ? TimeSpan.MaxValue : _flying.Min(f => f.At);

    public void Dial(TimeSpan now)
    {
        if (IsCut || !hub.IsUp)
        {
            _dialAt = now + TimeSpan.FromMilliseconds(Math.Min(5_000, 100 << Math.Min(_failures++, 10)));
            return;
        }
        _failures = 0;
        var connection = new Connection(hub.NewEnd(site.Name), site.NewEnd(site.Name));
        _connections.Add(connection);
        hub.Run(connection.Hub);
        site.Run(connection.Site);
        world.Counters.Add("connections");
    }

    /// <summary>Takes what the ends have said since the last step.</summary>
    public void Collect(TimeSpan now)
    {
        foreach (var connection in _connections)
        {
            Collect(connection, connection.Site, connection.Hub, toHub: true, now);
            Collect(connection, connection.Hub, connection.Site, toHub: false, now);
            if (connection.Site.Ended is { } siteWhy && !connection.SiteTold) connection.SiteTold = Close(connection.Hub, toHub: true, siteWhy, now);
            if (connection.Hub.Ended is { } hubWhy && !connection.HubTold) connection.HubTold = Close(connection.Site, toHub: false, hubWhy, now);
        }
        if (_connections.RemoveAll(c => c.Site.Ended is not null && c.Hub.Ended is not null) > 0) _dialAt = Later(_dialAt, now + TimeSpan.FromMilliseconds(world.Random.Next(50, 1_000)));
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private bool Close(LinkEnd other, bool toHub, string why, TimeSpan now)
    {
        if (why.StartsWith("nothing was heard", StringComparison.Ordinal)) world.Counters.Add("connections gone silent");
        if (other.Ended is null && !(toHub ? CutToHub : CutToSite)) _flying.Add(new Flight(other, toHub, null, now + Delay(), false));
        return true;
    }

    private void Collect(Connection connection, LinkEnd from, LinkEnd to, bool toHub, TimeSpan now)
    {
        while (from.Frames.TryRead(out var frame))
        {
            if (LinkFrames.KindOf(frame) == FrameKind.Batch)
            {
                var batch = LinkFrames.Batch(frame);
                var last = batch.Groups[^1].Last;
                if (last <= connection.Sent.GetValueOrDefault(batch.Lane.Name)) world.Counters.Add("batches sent again");
                else connection.Sent[batch.Lane.Name] = last;
            }
            if (toHub ? CutToHub : CutToSite)
            {
                // What was said into a cut line is lost, or comes when it is whole again.
                if (world.Chance(50)) world.Counters.Add("frames lost");
                else _flying.Add(new Flight(to, toHub, frame, now + TimeSpan.FromSeconds(world.Random.Next(5, 60)), false));
                continue;
            }
            if (world.Chance(Weather.Lost))
            {
                world.Counters.Add("frames lost");
                continue;
            }
            _flying.Add(new Flight(to, toHub, frame, now + Delay(), false));
            if (!world.Chance(Weather.Doubled)) continue;
            world.Counters.Add("frames doubled");
            _flying.Add(new Flight(to, toHub, frame, now + Delay(), true));
        }
    }

    private TimeSpan Delay() => TimeSpan.FromMilliseconds(world.Chance(Weather.Late) ? world.Random.Next(100, 8_000) : world.Random.Next(1, 30));

    /// <summary>Brings the frame that has been there longest.</summary>
    public void Deliver(TimeSpan now)
    {
        var first = _flying.Where(f => f.At <= now).MinBy(f => f.At)!;
        if (_flying.IndexOf(first) > 0 && _flying.TakeWhile(f => f != first).Any(f => f.To == first.To)) world.Counters.Add("frames overtaken");
        _flying.Remove(first);
        if (first.To.Ended is not null) return;
        if (first.Bytes is null) first.To.End("the other side has closed");
        else if (!first.To.TryTake(first.Bytes)) world.Counters.Add("frames let go");
        else if (first.Again && LinkFrames.KindOf(first.Bytes) == FrameKind.Batch) world.Counters.Add("duplicates dropped");
    }

    /// <summary>A node has gone: its ends with it. The other side hears so, or nothing.</summary>
    public void Gone(SimNode node, TimeSpan now)
    {
        foreach (var connection in _connections)
        {
            var (dead, other) = node == site ? (connection.Site, connection.Hub) : (connection.Hub, connection.Site);
            dead.End("the power has gone");
            (connection.SiteTold, connection.HubTold) = (connection.SiteTold || node == site, connection.HubTold || node != site);
            if (other.Ended is null && world.Chance(50)) _flying.Add(new Flight(other, node == site, null, now + Delay(), false));
        }
        _flying.RemoveAll(f => f.To.Ended is not null);
        _dialAt = Later(_dialAt, now + TimeSpan.FromMilliseconds(world.Random.Next(50, 1_000)));
    }

    public void Heal() => (CutToHub, CutToSite, Weather) = (false, false, default);
}
