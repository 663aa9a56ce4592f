using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline;

/// <summary>Looks every minute at each site of this node whether something is due, and does it by a command of the site, as often as there is more. A second process finds what the first has done gone.</summary>
internal abstract class SiteRounds(Node node) : Pump
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);
    private readonly Rest _rest = new(node.Time);

    public override TimeSpan Idle => TimeSpan.FromSeconds(10);

    /// <summary>Asked often, so it must cost little.</summary>
    protected abstract Task<bool> IsDueAsync(SqlSession session, string site, DateTimeOffset now);

    /// <summary>Does a bounded piece of it, after which less is due.</summary>
    protected abstract ValueTask<Outcome<int>> DecideAsync(string site, LaneTransaction tx);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!_rest.IsOver) return false;
        var now = node.Time.GetUtcNow();
        var any = false;
        foreach (var site in node.Sites.Where(s => !node.IsRemote(s) && !node.Lanes.IsInRepair(Lane.Site(s))))
        {
            if (!await node.Database.ReadAsync(session => IsDueAsync(session, site, now), ct)) continue;
            var done = await node.Lanes.ExecuteAsync(Lane.Site(site), Caller.System, tx => DecideAsync(site, tx), render: null, hops: 0, ct);
            if (!done.Outcome.IsOk) return false; // the queue is full or the node stops: the next round finds the same again
            any = true;
        }
        if (!any) _rest.For(Between);
        return any;
    }
}
