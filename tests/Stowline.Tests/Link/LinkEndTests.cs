using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: copies are beginnings of their lanes, hash for hash, and what is not is recognized. Method: two nodes, and what one would not do done to its tables.
public class LinkEndTests
{
    [Fact]
    public async Task A_newer_connection_ends_the_one_before()
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite");
        var state = nodes.HubTest.Node.Modules.OfType<LinkModule>().Single().StateOf(TwoNodes.Code);
        LinkEnd EndAtHub() => new(nodes.HubTest.Lanes, NodeRole.Hub, TwoNodes.Code, state, "hub", "test");
        using var first = EndAtHub();
        state.Opened(first, "wh2", "test", nodes.Time.GetUtcNow());
        using var second = EndAtHub();
        Assert.Null(first.Ended); // not before the site has introduced itself
        state.Opened(second, "wh2", "test", nodes.Time.GetUtcNow());
        Assert.Contains("newer", first.Ended, StringComparison.Ordinal);
        Assert.Null(second.Ended);
        Assert.True(state.IsConnected);
    }

    [Theory, EveryDatabase]
    public async Task A_site_that_was_set_back_is_recognized_and_waits_for_an_operator(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.Site);
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        await nodes.RestoreSiteAsync(backup);
        // As when the file was put back by hand: nothing in the database says that it is an older one.
        await using (var session = await nodes.Site.Database.OpenAsync(readOnly: false, default))
        {
            await session.ExecuteAsync("DELETE FROM lane_repairs");
            await session.ExecuteAsync("UPDATE lanes SET held = 0");
        }
        await nodes.RestartSiteAsync();
        nodes.Connect();
        await StepsAsync(nodes);
        nodes.Connect(); // the link ended when it was noticed
        await StepsAsync(nodes);
        Assert.Equal(LinkCondition.Diverged, (await ViewAsync(nodes.HubTest)).State);
        Assert.Contains((await ViewAsync(nodes.HubTest)).In.Lanes, l => l.Lane == "site/WH2" && l.Diverged!.Contains("restored", StringComparison.Ordinal));
        Assert.Equal(LinkCondition.Diverged, (await ViewAsync(nodes.Site)).State);
        Assert.Equal((RepairStage.Heard, 1), ((await ViewAsync(nodes.Site)).Repair!.State, (await ViewAsync(nodes.Site)).Repair!.TakenBack));
        // The other lanes go on.
        await nodes.Hub.ProductsAsync("C");
        await StepsAsync(nodes);
        var (all, copy) = ((await nodes.HubTest.Database.ReadAsync(Replicas.PointsAsync))["hub/all"], (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync))["hub/all"]);
        Assert.Equal(all.Position, copy.Position);
        var alerts = (await nodes.Hub.LaneAsync(Lane.Hub)).Where(e => e.Type == LinkAlerted.Type).Select(e => e.Read<LinkAlerted>()).ToList();
        Assert.Equal(["diverged"], alerts.Select(a => a.Alert));
        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(10, await nodes.Hub.AvailableAsync("A"));
        Assert.Equal("C", await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<string>("SELECT sku FROM products WHERE sku = 'C'")));
    }

    [Theory, EveryDatabase]
    public async Task Another_history_of_the_same_length_is_recognized(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.ReceiveAsync("A", 7);
        await nodes.DrainAsync();
        nodes.Cut();
        await ForgetLastGroupAsync(nodes.Site, Lane.Site(TwoNodes.Code));
        await nodes.RestartSiteAsync();
        await nodes.ReceiveAsync("A", 6);
        nodes.Connect();
        await StepsAsync(nodes);
        Assert.Contains((await ViewAsync(nodes.HubTest)).In.Lanes, l => l.Diverged!.Contains("another history", StringComparison.Ordinal));
        Assert.Equal(12, await nodes.Hub.AvailableAsync("A")); // what it was told before
    }

    [Theory, EveryDatabase]
    public async Task Nothing_is_taken_over_that_does_not_follow(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        await nodes.ReceiveAsync("A", 5);
        await nodes.ReceiveAsync("A", 6);
        var lane = Lane.Site(TwoNodes.Code);
        var groups = await nodes.Site.Database.ReadAsync(s => Replicas.ReadAsync(s, lane, 0, 100));
        Task<ImportResult> ImportAsync(params LaneGroup[] some) => nodes.HubTest.PumpUntilAsync(nodes.HubTest.Lanes.ImportAsync(lane, some, []));
        Assert.Equal(new ImportResult(0, null), await ImportAsync(groups[1])); // a gap: nothing, and nothing wrong
        Assert.Equal(groups[0].Last, (await ImportAsync(groups[0])).Position);
        Assert.Equal(groups[0].Last, (await ImportAsync(groups[0])).Position); // a repeat
        var forged = groups[1] with { Events = [.. groups[1].Events.Select(e => e with { Actor = "somebody else" })] };
        var refused = await ImportAsync(forged);
        Assert.Equal(groups[0].Last, refused.Position);
        Assert.Contains("histories differ", refused.Divergence, StringComparison.Ordinal);
        Assert.Equal(groups[^1].Last, (await ImportAsync([.. groups])).Position);
        await nodes.HubTest.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Orders_go_before_bulk(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 5);
        await nodes.DrainAsync();
        nodes.Cut();
        for (var i = 0; i < 20; i++) await nodes.Hub.ProductsAsync($"P{i}");
        await nodes.OrderAsync("1", "A", 1);
        nodes.Batches.Clear();
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(["hub/WH2", "hub/all"], nodes.Batches.Where(l => l.StartsWith("hub", StringComparison.Ordinal)).Distinct());
        await nodes.CompareAsync();
    }

    [Fact]
    public async Task A_site_without_stock_is_joined_and_any_other_is_not()
    {
        await using var nodes = await TwoNodes.StartAsync("sqlite");
        foreach (var site in new[] { "WH1", "WH3" }) await nodes.Hub.SiteAsync(site);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site("WH1"), tx => ReceiveStock.DecideAsync("WH1", new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 1 }]), tx))).IsOk);
        await nodes.HubTest.RunAsync<Done>(Lane.Site("WH3"), tx =>
        {
            tx.Append(Lane.Site("WH3"), new ZoneSaved("A", "storage"), "zone");
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        async Task<Outcome<JoinedSite>> JoinAsync(string site) => await nodes.HubTest.PumpUntilAsync(JoinSite.RunAsync(nodes.HubTest.Node, site, TestNode.Tester));
        Assert.Equal("site_in_use", (await JoinAsync("WH1")).Refusal?.Code);
        // What the lane says already its node must have: the key says so, each time anew.
        foreach (var key in new[] { (await JoinAsync("WH3")).Value.Key, (await JoinAsync("WH3")).Value.Key }) Assert.True(SiteKey.Read(key)!.Value.Begins);
        Assert.Equal(LaneHandedOver.Type, (await nodes.Hub.LaneAsync(Lane.Site("WH3")))[^1].Type);
        var (fresh, again) = ((await JoinAsync("NEW")).Value, (await JoinAsync("NEW")).Value);
        Assert.Equal(fresh.Number, again.Number);
        Assert.NotEqual(fresh.Key, again.Key);
        Assert.False(SiteKey.Read(fresh.Key)!.Value.Begins);
        Assert.Equal(["NEW", "WH1", "WH2", "WH3"], (await nodes.HubTest.Database.ReadAsync(ReadSites.AllAsync)).Select(site => site.Code));
        var outcome = await nodes.HubTest.RunAsync<Done>(Lane.Site("NEW"), _ => throw new InvalidOperationException("a remote site's command was decided here"));
        Assert.Equal("site_is_remote", outcome.Refusal?.Code);
        await nodes.HubTest.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Numbers_of_the_site_are_nobody_elses_from_the_first_moment(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        await nodes.ReceiveAsync("A", 5);
        var number = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT number FROM receipts"));
        Assert.Equal(nodes.Site.Node.Role.Ordinal * 10_000_000_000L + 1, number);
    }

    private static async Task<LinkView> ViewAsync(TestNode node) =>
        Assert.Single(await LinkViews.ReadAsync(node.Database, node.Node.Modules.OfType<LinkModule>().Single()));

    private static async Task StepsAsync(TwoNodes nodes)
    {
        for (var i = 0; i < 5; i++)
        {
            while (await nodes.StepAsync()) { }
            nodes.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Only the log, which is all that the handshake looks at; the node's tables are of no concern here.</summary>
    private static async Task ForgetLastGroupAsync(TestNode node, Lane lane)
    {
        await using var session = await node.Database.OpenAsync(readOnly: false, default);
        var groups = await Replicas.ReadAsync(session, lane, 0, 1_000);
        var before = groups.Count > 1 ? groups[^2].Hash : LaneTable.FirstHash(lane, 1);
        await session.ExecuteAsync("DELETE FROM events WHERE position >= @first AND lane_id = (SELECT id FROM lanes WHERE name = @lane)", new { first = groups[^1].First, lane = lane.Name });
        await session.ExecuteAsync("DELETE FROM event_groups WHERE first_position >= @first AND lane_id = (SELECT id FROM lanes WHERE name = @lane)", new { first = groups[^1].First, lane = lane.Name });
        await session.ExecuteAsync("UPDATE lanes SET head_position = @head, head_hash = @hash WHERE name = @lane", new { head = groups[^1].First - 1, hash = before, lane = lane.Name });
    }
}
