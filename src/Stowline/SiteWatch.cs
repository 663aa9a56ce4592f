using Stowline.Log;

namespace Stowline;

/// <summary>
/// Notices sites that another process on the same database has made, and starts their consumers here too. Where this process is the only
/// one, it makes its sites itself and has nothing to watch.
/// </summary>
internal sealed class SiteWatch(Node node) : Pump
{
    private int _seen;

    public override string Name => "site watch";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (node.Database.SingleWriter) return false;
        var lanes = await node.Database.ReadAsync(async session => await LaneReader.LanesAsync(session), ct);
        if (lanes.Count == _seen) return false;
        _seen = lanes.Count;
        foreach (var lane in lanes.Where(l => l.Name.StartsWith("site/", StringComparison.Ordinal))) node.AddSite(lane.Name["site/".Length..]);
        return false;
    }
}
