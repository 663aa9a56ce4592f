using Stowline.Adapters.Brokers;
using Stowline.Log;

namespace Stowline.Tests.Brokers;

/// Goal: what a broker cannot tell about its queue keeps no order out, and loses none. Method: a broker that gives messages once, as RabbitMQ does, and never says how many wait.
public class OrderIntakeTests
{
    private sealed class Silent(int messages) : IBrokerIn
    {
        private bool _given;
        public List<long> Acknowledged { get; } = [];
        public string Name => "silent";
        public string? Trouble => null;

        public Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct)
        {
            if (_given) return Task.FromResult<IReadOnlyList<IncomingMessage>>([]);
            _given = true;
            return Task.FromResult<IReadOnlyList<IncomingMessage>>([.. Enumerable.Range(1, messages).Select(i =>
                new IncomingMessage("silent", i, $"k{i}", """{"lines":[{"sku":"A","quantity":1}]}"""u8.ToArray(), i))]);
        }

        public Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
        {
            Acknowledged.AddRange(messages.Select(m => m.Position));
            return Task.CompletedTask;
        }

        public Task<QueueState?> StateAsync(CancellationToken ct) => throw new TimeoutException("the broker does not say");
        public Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => throw new InvalidOperationException("there is nothing to hand back");
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Orders_come_in_from_a_broker_that_does_not_say_how_many_wait()
    {
        await using var running = await BrokerNode.StartAsync("sqlite");
        var broker = new Silent(20);
        await using var intake = new OrderIntake(running.Node, broker, OrderFormats.Standard);
        Assert.True(await intake.RunOnceAsync(default));
        Assert.False(await intake.RunOnceAsync(default));
        Assert.Equal(20, await running.OrdersAsync());
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), broker.Acknowledged);
    }
}
