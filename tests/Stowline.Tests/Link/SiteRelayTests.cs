using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// <summary>Stands for a broker that takes everything: the positions of what was handed over, in order.</summary>
internal sealed class RelayDouble(Lanes lanes, Lane lane) : LaneRelay(lanes, lane)
{
    public List<long> Taken { get; } = [];
    public override string Name => "double " + Lane.Name;
    protected override bool Wants(string type) => true;
    protected override IOutgoing Begin() => new Batch(this);

    /// <summary>Hands over all that the node has.</summary>
    public async Task RunAsync(TestNode node)
    {
        while (await node.PumpUntilAsync(RunOnceAsync(default).AsTask())) { }
    }

    private sealed class Batch(RelayDouble relay) : IOutgoing
    {
        private readonly List<long> _positions = [];

        public void Add(EventView e) => _positions.Add(e.Position);
        public IOutgoing Next() => new Batch(relay);

        public Task<IReadOnlyList<(int Index, string Reason)>> HandOverAsync(CancellationToken ct)
        {
            relay.Taken.AddRange(_positions);
            return Task.FromResult<IReadOnlyList<(int, string)>>([]);
        }
    }
}

/// Goal: whoever listens to the sites at the hub hears also those that have a node of their own, each event once and in order (F7). Method: a relay that reads the hub's copy of such a site's lane.
public class SiteRelayTests
{
    private static readonly Lane Site = Lane.Site(TwoNodes.Code);

    private static async Task<IEnumerable<long>> AllAsync(TestNode hub) =>
        Enumerable.Range(1, (int)(await hub.Database.ReadAsync(Replicas.PointsAsync))[Site.Name].Position).Select(p => (long)p);

    [Theory, EveryDatabase]
    public async Task What_a_sites_own_node_says_is_passed_on_at_the_hub(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        await using var relay = new RelayDouble(nodes.HubTest.Lanes, Site);
        await relay.RunAsync(nodes.HubTest); // nothing was heard yet
        Assert.Empty(relay.Taken);
        nodes.Connect();
        for (var receipt = 0; receipt < 2; receipt++)
        {
            await nodes.ReceiveAsync("A", 5);
            await nodes.DrainAsync();
            await relay.RunAsync(nodes.HubTest);
            Assert.NotEmpty(relay.Taken);
            Assert.Equal(await AllAsync(nodes.HubTest), relay.Taken);
        }
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task It_goes_on_where_it_stood_when_the_site_is_moved_out(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        await using var relay = new RelayDouble(before.Node.Lanes, Site);
        await relay.RunAsync(before.Node);
        var passed = relay.Taken.Count;
        Assert.NotEqual(0, passed);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        await relay.RunAsync(nodes.HubTest);
        Assert.True(relay.Taken.Count > passed);
        Assert.Equal(await AllAsync(nodes.HubTest), relay.Taken);
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task It_goes_back_with_the_copy_and_passes_on_what_stands_there_then(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        await using var relay = new RelayDouble(nodes.HubTest.Lanes, Site);
        nodes.Connect();
        for (var receipt = 0; receipt < 2; receipt++) await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        await relay.RunAsync(nodes.HubTest);
        Assert.Equal(await AllAsync(nodes.HubTest), relay.Taken);
        nodes.Cut();
        var first = (await nodes.HubTest.Database.ReadAsync(s => Replicas.ReadAsync(s, Site, 0, 1)))[0];
        var fork = new LanePoint { Name = Site.Name, Incarnation = first.Incarnation, Position = first.Last, Hash = first.Hash };
        Assert.True(fork.Position < relay.Taken[^1]);
        Assert.Null(await nodes.HubTest.PumpUntilAsync(nodes.HubTest.Lanes.SetBackAsync(fork)));
        relay.Taken.Clear();
        await nodes.ReceiveAsync("A", 5);
        nodes.Connect();
        await nodes.DrainAsync();
        await relay.RunAsync(nodes.HubTest);
        Assert.Equal((await AllAsync(nodes.HubTest)).Where(p => p > fork.Position), relay.Taken);
        await nodes.CompareAsync();
    }
}
