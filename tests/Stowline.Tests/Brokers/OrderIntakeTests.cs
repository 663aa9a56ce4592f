using Stowline.Adapters.Brokers;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
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
        public string? Trouble { get; set; }

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

    /// <summary>A broker that gives these messages once.</summary>
    private sealed class Given(params string[] bodies) : IBrokerIn
    {
        private readonly Queue<IncomingMessage> _waiting = new(bodies.Select((b, i) => new IncomingMessage("given", i + 1, $"k{i + 1}", System.Text.Encoding.UTF8.GetBytes(b), i)));
        public string Name => "given";
        public string? Trouble => null;

        public Task<IReadOnlyList<IncomingMessage>> ReceiveAsync(int most, CancellationToken ct) =>
            Task.FromResult<IReadOnlyList<IncomingMessage>>(_waiting.TryDequeue(out var one) ? [one] : []);

        public Task AcknowledgeAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => Task.CompletedTask;
        public Task RewindAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct) => throw new InvalidOperationException("there is nothing to hand back");
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private static Task ProductAsync(BrokerNode running, string sku, string? listing) => BrokerNode.Must(running.Node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx =>
        SaveProducts.DecideAsync([new Product { Sku = sku, Name = sku, ExternalId = listing, Price = new Money(1, "EUR") }], tx)));

    /// F1: what the listings service says is understood by whichever broker it comes, also between orders of others.
    [Fact]
    public async Task Orders_of_the_listings_service_are_taken_and_cancelled_over_any_broker()
    {
        await using var running = await BrokerNode.StartAsync("sqlite");
        await ProductAsync(running, "SEVEN", "7");
        var broker = new Given(
            """{"type":"order.confirmed","order_id":456,"storefront_id":1,"items":[{"listing_id":7,"quantity":2}],"timestamp":1700000000}""",
            """{"channel":"shop","external_id":"1","lines":[{"sku":"A","quantity":1}],"note":"order.cancelled"}""",
            """{"order_id":"456","reason":"buyer","type":"order.cancelled"}""");
        await using var intake = new OrderIntake(running.Node, broker, OrderFormats.Of(running.Node));
        while (await intake.RunOnceAsync(default)) { }
        Assert.Equal(0, await running.ParkedAsync());
        var cancelled = await running.Node.Database.ReadAsync(s => ReadOrders.FindAsync(s, "listings:456"));
        Assert.True(cancelled!.Status is OrderStatus.Cancelling or OrderStatus.Cancelled, cancelled.Status.ToString());
        var other = await running.Node.Database.ReadAsync(s => ReadOrders.FindAsync(s, "shop:1"));
        Assert.False(other!.Status is OrderStatus.Cancelling or OrderStatus.Cancelled);
    }

    [Fact]
    public async Task A_large_message_is_kept_whole_and_taken_after_a_repair()
    {
        await using var running = await BrokerNode.StartAsync("sqlite");
        var lines = string.Join(',', Enumerable.Repeat("""{"sku":"LATER","quantity":1}""", 1_000)) + new string(' ', 200_000);
        await using var intake = new OrderIntake(running.Node, new Given($$"""{"channel":"shop","external_id":"1","lines":[{{lines}}]}"""), OrderFormats.Standard);
        Assert.True(await intake.RunOnceAsync(default));
        Assert.Equal(1, await running.ParkedAsync());
        Assert.Equal("still_refused", (await intake.ReplayAsync("given", "k1", default)).Refusal!.Code);
        await ProductAsync(running, "LATER", null);
        Assert.Equal(1, (await intake.ReplayAsync("given", "k1", default)).Value);
        Assert.Equal((1L, 0L), (await running.OrdersAsync(), await running.ParkedAsync()));
    }

    [Fact]
    public async Task A_broker_that_is_away_is_a_failing_pump_since_it_is_away()
    {
        await using var running = await BrokerNode.StartAsync("sqlite");
        var broker = new Silent(1);
        await using var intake = new OrderIntake(running.Node, broker, OrderFormats.Standard);
        Assert.True(await intake.RunOnceAsync(default));
        Assert.Null(intake.FailingSince);
        broker.Trouble = "nobody answers";
        Assert.False(await intake.RunOnceAsync(default));
        var since = intake.FailingSince;
        Assert.Equal("nobody answers", intake.LastError);
        Assert.NotNull(since);
        Assert.False(await intake.RunOnceAsync(default));
        Assert.Equal(since, intake.FailingSince);
        broker.Trouble = null;
        Assert.False(await intake.RunOnceAsync(default));
        Assert.Equal((null, null), (intake.FailingSince, intake.LastError));
    }
}
