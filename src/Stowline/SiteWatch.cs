using Stowline.Log;

namespace Stowline;

/// <summary>
/// Notices what other processes on the same database have done, without being told: sites that they have made or given to a node of its own, lanes that they have written,
/// consumers that they have moved. The safety net below what they tell (see <see cref="NeighborPump"/>). Where this process is the only one, it
/// has nothing to watch.
/// </summary>
internal sealed class SiteWatch(Node node) : Pump
{
    /// <summary>Announced when a site was made, or got a node of its own.</summary>
    public const string Topic = "sites";

    public override string Name => "site watch";

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (!node.Database.SingleWriter) await LookAsync(ct);
        return false;
    }

    public async Task LookAsync(CancellationToken ct)
    {
        var (lanes, cursors) = await node.Database.ReadAsync(async session => (await LaneReader.LanesAsync(session),
            node.Lanes.Duty.IsOurs ? [] : await LaneReader.CursorsAsync(session)), ct);
        await node.Lanes.LookForReplicasAsync(ct);
        node.FollowMoves();
        foreach (var lane in lanes.Where(l => l.Name.StartsWith("site/", StringComparison.Ordinal))) node.AddSite(lane.Name["site/".Length..]);
        foreach (var lane in lanes) node.Lanes.HeadIs(new Lane(lane.Name), lane.Head);
        if (node.Lanes.Duty.IsOurs) return;
        var positions = cursors.ToDictionary(c => (c.Consumer, c.Lane), c => c.Position);
        foreach (var p in node.Lanes.Progress) p.MovedTo(positions.GetValueOrDefault((p.Consumer, p.Lane.Name)), ConsumerProgress.Elsewhere);
    }
}
