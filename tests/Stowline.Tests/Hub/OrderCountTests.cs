using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: the remembered counts are those of the moment, whoever wrote. Method: after each change they are compared with counting anew.
public class OrderCountTests
{
    [Theory, EveryDatabase]
    public async Task Counts_follow_the_log_and_equal_a_new_count(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("W1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("W1", "A", 10);
        var counts = new OrderCounts(hub.Test.Time);
        async Task<string> NowAsync()
        {
            var (remembered, anew) = await hub.Node.Database.SnapshotAsync(async s => (await counts.ReadAsync(s), await new OrderCounts(hub.Test.Time).ReadAsync(s)));
            Assert.Equal(anew, remembered);
            return string.Join(", ", remembered.Select(c => $"{c.Key} {c.Value}"));
        }

        Assert.Equal("", await NowAsync());
        var order = (await hub.PlaceAsync("1", ("A", 4))).Value;
        await hub.PlaceAsync("2", ("A", 4));
        Assert.Equal("allocated 2", await NowAsync());
        await hub.PlaceAsync(hub.Order("3", [("A", 9)], b => b with { Backorder = true }).Value);
        Assert.Equal("backorder 1, allocated 2", await NowAsync());
        await hub.Test.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(order.Id), null, tx));
        Assert.Equal("backorder 1, allocated 1, cancelling 1", await NowAsync());
    }
}
