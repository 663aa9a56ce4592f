using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: each order counts in the minute in which it was placed, shipped or cancelled, whoever asks how often. Method: virtual time over real lanes.
public class ThroughputTests
{
    private static readonly (string, string, OrderStatus) Shipped = ("1", "ready", OrderStatus.Shipped), Cancelled = ("2", "cancelling", OrderStatus.Cancelled);

    [Theory, EveryDatabase]
    public async Task Orders_count_in_their_minute(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await StockedAsync(hub);
        var throughput = new Throughput(hub.Node);
        await hub.PlaceAsync("1", ("A", 1));
        await hub.PlaceAsync("2", ("A", 1));
        Assert.Equal([(0, 0, 0), (2, 0, 0)], await LastAsync(throughput, 2));
        hub.Test.Time.Advance(TimeSpan.FromMinutes(1));
        await hub.PlaceAsync("3", ("A", 1));
        foreach (var (order, from, to) in new[] { Shipped, Cancelled }) await BecomesAsync(hub, order, from, to);
        Assert.Equal([(2, 0, 0), (1, 1, 1)], await LastAsync(throughput, 2));
        Assert.Equal([(2, 0, 0), (1, 1, 1)], await LastAsync(new Throughput(hub.Node), 2)); // from the lane alone
        hub.Test.Time.Advance(TimeSpan.FromMinutes(Throughput.MaxMinutes));
        Assert.All(await LastAsync(throughput, Throughput.MaxMinutes), m => Assert.Equal((0, 0, 0), m));
    }

    [Theory, EveryDatabase]
    public async Task Where_the_lane_is_too_long_the_answer_says_from_when_it_is_complete(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await StockedAsync(hub);
        await hub.PlaceAsync("1", ("A", 1));
        hub.Test.Time.Advance(TimeSpan.FromMinutes(5));
        for (var i = 2; i < 6; i++) await hub.PlaceAsync(i.ToString(), ("A", 1));
        var view = await new Throughput(hub.Node, mostEvents: 3).ReadAsync(60);
        Assert.Equal(3, view.Minutes.Sum(m => m.Placed));
        Assert.Equal(hub.Test.Time.GetUtcNow(), view.CompleteSince);
        Assert.Equal(5, (await new Throughput(hub.Node).ReadAsync(60)).Minutes.Sum(m => m.Placed));
        // Minutes that are over do not bring events of before the window back.
        hub.Test.Time.Advance(TimeSpan.FromMinutes(Throughput.MaxMinutes - 3));
        Assert.Equal(4, (await new Throughput(hub.Node).ReadAsync(Throughput.MaxMinutes)).Minutes.Sum(m => m.Placed));
    }

    private static async Task StockedAsync(HubNode hub)
    {
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 100);
    }

    private static async Task<IReadOnlyList<(int, int, int)>> LastAsync(Throughput throughput, int minutes) =>
        [.. (await throughput.ReadAsync(minutes)).Minutes.Select(m => (m.Placed, m.Shipped, m.Cancelled))];

    private static async Task BecomesAsync(HubNode hub, string external, string from, OrderStatus to)
    {
        var order = Guid.Parse((await hub.ReadAsync("web:" + external)).Id);
        await hub.Test.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.Hub, new OrderStatusChanged(order, from, SnakeCaseEnum<OrderStatus>.Text(to)), order.ToString(), order);
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
    }
}
