using Stowline.Contracts;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: of two lanes whose histories are joined each goes on when it can. Method: as with the other joins.
public partial class JoinedHistories
{
    [Theory, EveryDatabase]
    public async Task While_one_lane_waits_for_a_parked_event_the_other_goes_on(string store)
    {
        await using var nodes = await StartAsync("sqlite", store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.OrderAsync("1", "A", 3);
        await UpgradeTests.SayAsync(nodes.HubTest, Lane.HubAll, WorkerSaved.Type, """{"worker_id":7}""", "odd");
        await nodes.DrainAsync();
        await GoOnWithoutAsync(nodes, backup);
        await StepForAsync(nodes, 30);
        var (to, all) = (Lane.HubTo(TwoNodes.Code).Name, Lane.HubAll.Name);
        Assert.Equal(to, Assert.Single(await OldEndsAsync(nodes.Site)).Lane);
        Assert.Contains((await ViewAsync(nodes.Site)).In.Lanes, l => l.Lane == all && l.Diverged?.Contains("parked", StringComparison.Ordinal) == true);

        await PolicyAsync(nodes, "A", 2); // told in the lane that goes on
        await StepForAsync(nodes, 10);
        var (hub, site) = (await nodes.HubTest.Database.ReadAsync(Replicas.PointsAsync), await nodes.Site.Database.ReadAsync(Replicas.PointsAsync));
        Assert.Equal((hub[to].Position, Convert.ToHexString(hub[to].Hash)), (site[to].Position, Convert.ToHexString(site[to].Hash)));
        Assert.NotEqual(Convert.ToHexString(hub[all].Hash), Convert.ToHexString(site[all].Hash));

        foreach (var node in new[] { nodes.HubTest, nodes.Site })
            foreach (var consumer in node.Node.Consumers) await node.PumpUntilAsync(consumer.DiscardAsync("odd", null, "nobody knows", TestNode.Tester, default));
        await ComeBackAsync(nodes);
        Assert.All((await ViewAsync(nodes.Site)).In.Lanes, l => Assert.Null(l.Diverged));
        await FinishAsync(nodes);
    }

    /// <summary>So many seconds, over as many connections as it takes.</summary>
    private static async Task StepForAsync(TwoNodes nodes, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            if (nodes.IsCut || nodes.HasEnded) nodes.Connect();
            while (await nodes.StepAsync()) { }
            nodes.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
