using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: a newer hub and an older site, and the other way round, go on together. Method: what a newer node would say is written into the lanes as bytes: an unknown event, an unknown
/// field, and an event that cannot be read.
public class UpgradeTests
{
    [Theory, EveryDatabase]
    public async Task What_a_newer_hub_says_is_kept_and_passed_over(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 9);
        await nodes.DrainAsync();
        var lane = Lane.HubTo(TwoNodes.Code);
        nodes.Cut();
        var (first, second) = ((await nodes.OrderAsync("1", "A", 2)).Value, (await nodes.OrderAsync("2", "A", 3)).Value);
        await SayAsync(nodes.HubTest, lane, "part.teleported", """{"to":"moon"}""", "moon");
        // An older site has no order 7; the field is of a kind that it cannot read.
        await SayAsync(nodes.HubTest, lane, PartHeld.Type, """{"order_id":7,"part":{"number":1}}""", first.Id);
        await AddFieldAsync(nodes.HubTest, lane, Guid.Parse(second.Id));
        nodes.Connect();
        await nodes.DrainAsync();
        var there = await nodes.Site.Lanes.ReadAsync(lane, 0, 100);
        Assert.Equal((await nodes.HubTest.Lanes.ReadAsync(lane, 0, 100)).Select(e => Convert.ToHexString(e.Payload)), there.Select(e => Convert.ToHexString(e.Payload)));
        Assert.Contains(there, e => e.Type == "part.teleported");
        Assert.Contains("mood", System.Text.Encoding.UTF8.GetString(there[^1].Payload), StringComparison.Ordinal);
        // Only what is about the first order waits for somebody.
        var parked = await nodes.Site.Database.ReadAsync(async s => await LaneReader.ParkedSubjectsAsync(s, 10));
        Assert.Equal([first.Id], parked.Select(p => p.Subject));
        foreach (var consumer in nodes.Site.Node.Consumers) await nodes.Site.PumpUntilAsync(consumer.DiscardAsync(first.Id, null, "of a newer hub", TestNode.Tester, default));
        await nodes.WorkOffAsync();
        Assert.Equal(4, await nodes.Hub.AvailableAsync("A"));
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_a_newer_site_says_is_kept_and_passed_over(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store);
        var lane = Lane.Site(TwoNodes.Code);
        await nodes.ReceiveAsync("A", 5);
        await SayAsync(nodes.Site, lane, "stock.weighed", """{"sku":"A","weight_g":12}""", "stock/WH2/A");
        await SayAsync(nodes.Site, lane, PickingStarted.Type, """{"task_id":"not an id"}""", "nobody");
        await nodes.ReceiveAsync("A", 2);
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal(7, await nodes.Hub.AvailableAsync("A"));
        Assert.Contains(await nodes.HubTest.Lanes.ReadAsync(lane, 0, 100), e => e.Type == "stock.weighed");
        Assert.Equal(["nobody"], (await nodes.HubTest.Database.ReadAsync(async s => await LaneReader.ParkedSubjectsAsync(s, 10))).Select(p => p.Subject));
        // Also what waits for a copy of the site's tasks can be given up.
        foreach (var consumer in nodes.HubTest.Node.Consumers) await nodes.HubTest.PumpUntilAsync(consumer.DiscardAsync("nobody", null, "of a newer site", TestNode.Tester, default));
        await nodes.CompareAsync();
    }

    internal static async Task SayAsync(TestNode node, Lane lane, string type, string payload, string subject)
    {
        await node.RunAsync<Done>(lane, tx =>
        {
            tx.Group.Append(lane, type, System.Text.Encoding.UTF8.GetBytes(payload), subject, null, TestNode.Tester);
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
    }

    /// <summary>Assigns another part of an order, as a newer hub might: with a field more.</summary>
    private static async Task AddFieldAsync(TestNode hub, Lane lane, Guid order)
    {
        var assigned = (await hub.Lanes.ReadAsync(lane, 0, 100)).Single(e => e.Type == PartAssigned.Type && e.OrderId == order);
        var payload = JsonNode.Parse(assigned.Payload)!;
        payload["mood"] = "bright";
        await SayAsync(hub, lane, PartAssigned.Type, payload.ToJsonString(), order.ToString());
    }
}
