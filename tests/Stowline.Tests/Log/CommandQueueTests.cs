using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Tests.Log;

/// <summary>The queue before a writer: who is taken into the next group.</summary>
public class CommandQueueTests
{
    [Fact]
    public void A_group_is_no_larger_than_asked_for_and_takes_those_who_came_first()
    {
        var queue = new CommandQueue(capacity: 10);
        PendingCommand[] clients = [.. Enumerable.Range(0, 5).Select(_ => Command())];
        PendingCommand[] consumers = [Command(), Command()];
        foreach (var client in clients) Assert.True(queue.TryAdd(client, isConsumer: false));
        foreach (var consumer in consumers) Assert.True(queue.TryAdd(consumer, isConsumer: true));

        Assert.Equal([.. consumers, .. clients[..3]], queue.Take(most: 3));
        Assert.Equal(2, queue.Waiting);
        Assert.Equal(clients[3..], queue.Take());
        Assert.Empty(queue.Take());
    }

    [Fact]
    public void Who_finds_the_queue_full_is_refused_and_consumers_are_not()
    {
        var queue = new CommandQueue(capacity: 1);
        Assert.True(queue.TryAdd(Command(), isConsumer: false));
        Assert.False(queue.TryAdd(Command(), isConsumer: false));
        Assert.True(queue.TryAdd(Command(), isConsumer: true));
        Assert.Equal(2, queue.Waiting);
    }

    private static PendingCommand<int> Command() => new(Lane.Hub, Caller.System, _ => throw new NotSupportedException(), render: null);
}
