using Stowline.Adapters.Brokers;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: of a broker's queues only what is so now is told, and a broker that is away is a failure though nothing goes out. Method: a broker that is away when it is told to; virtual time.
public class QueueWatchTests
{
    [Fact]
    public async Task Nothing_is_told_of_a_broker_that_does_not_answer_until_it_does()
    {
        await using var test = await TestNode.StartAsync("sqlite");
        var broker = new BrokerDouble("double");
        await using var watch = new QueueWatch(test.Node, broker);
        Assert.False(await watch.RunOnceAsync(default));
        Assert.Equal(["q", "q.dead"], watch.Queues.Select(q => q.Name));
        broker.Queues = null;
        Assert.False(await watch.RunOnceAsync(default)); // not asked again so soon
        Assert.Equal(2, watch.Queues.Count);
        test.Time.Advance(TimeSpan.FromSeconds(11));
        // It goes on failing as long as it is asked: a step that only rests would look like a recovery.
        await Assert.ThrowsAsync<IOException>(() => watch.RunOnceAsync(default).AsTask());
        await Assert.ThrowsAsync<IOException>(() => watch.RunOnceAsync(default).AsTask());
        Assert.Empty(watch.Queues);
        broker.Queues = [new BrokerQueue("q", QueueKind.In, 0, [])];
        Assert.False(await watch.RunOnceAsync(default));
        Assert.Single(watch.Queues);
        // Of several processes only the one on duty asks.
        test.Lanes.Duty.Lose();
        test.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.False(await watch.RunOnceAsync(default));
        Assert.Empty(watch.Queues);
    }
}
