using System.Diagnostics;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Bench;

/// <summary>What a site has said, and how far its hub has worked it off: read from the two databases beside the nodes, so that looking costs the nodes nothing.</summary>
internal sealed class LinkWatcher(Database hub, Database site, string code)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);
    private readonly string _lane = Lane.Site(code).Name;
    private readonly List<(long At, long Said, long Applied)> _seen = [];

    /// <summary>The end of the site's lane.</summary>
    public Task<long> SaidAsync() => site.ReadAsync(async s => (await Replicas.PointsAsync(s))[_lane].Position);

    /// <summary>Up to where both of the hub's books that follow the site's stock are: the counters it promises by, and its copy of the bins.</summary>
    public Task<long> AppliedAsync() => hub.ReadAsync(async s =>
        (await LaneReader.CursorsAsync(s)).Where(c => c.Lane == _lane && c.Consumer is "site-books" or "stock-copy").Select(c => c.Position).DefaultIfEmpty(0).Min());

    /// <summary>Waits until the hub has worked off all that the site had said when this was called.</summary>
    /// <param name="meanwhile">Called some hundred times a second.</param>
    public async Task<TimeSpan> SettleAsync(Action? meanwhile = null)
    {
        var clock = Stopwatch.StartNew();
        var said = await SaidAsync();
        using var beat = new PeriodicTimer(Beat);
        while (await AppliedAsync() < said)
        {
            if (clock.Elapsed > TimeSpan.FromMinutes(30)) throw new InvalidOperationException("the hub does not come to the end of the site's lane");
            meanwhile?.Invoke();
            await beat.WaitForNextTickAsync();
        }
        return clock.Elapsed;
    }

    /// <summary>Looks at both until it is told to stop.</summary>
    public async Task WatchAsync(CancellationToken stop)
    {
        using var beat = new PeriodicTimer(Beat);
        while (!stop.IsCancellationRequested)
        {
            // The time first: what is said after it is not counted as older than it is.
            var at = Stopwatch.GetTimestamp();
            var said = await SaidAsync();
            _seen.Add((at, said, await AppliedAsync()));
            await beat.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    /// <summary>
    /// Milliseconds from an event's commit at the site until the hub had worked it off, for each event that was said and worked off while it was watched. Rounded up: from the last look at
    /// which the event was not there, to the first at which its effects were.
    /// </summary>
    public List<double> Delays()
    {
        var delays = new List<double>();
        var done = 0;
        for (var i = 1; i < _seen.Count; i++)
        {
            for (var position = _seen[i - 1].Said + 1; position <= _seen[i].Said; position++)
            {
                while (done < _seen.Count && _seen[done].Applied < position) done++;
                if (done == _seen.Count) return delays;
                var end = done + 1 < _seen.Count ? _seen[done + 1].At : _seen[done].At;
                delays.Add(Stopwatch.GetElapsedTime(_seen[i - 1].At, end).TotalMilliseconds);
            }
        }
        return delays;
    }
}
