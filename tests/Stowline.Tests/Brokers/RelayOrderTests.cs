using Stowline.Adapters.Brokers;
using Stowline.Tests.Hub;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: what is sent while the batch before waits for its confirmation never overtakes it, also when that is not given. Method: a broker that takes messages as they come and fails when it is told to.
public class RelayOrderTests
{
    private const int Batches = 4, EachBatch = 2;

    /// <summary>Stands for a client that sends by itself, on a connection that ends with the first failure.</summary>
    private sealed class Eager(int failing) : IBrokerOut
    {
        private readonly Lock _gate = new();
        private readonly int _failing = failing;
        private int _confirmations;

        public List<string> Sent { get; } = [];
        public int Confirmed { get; private set; }
        public string Name => $"eager {_failing}"; // with a cursor of its own
        public int BatchSize => EachBatch;
        public string? Trouble => null;
        public IOutgoingBatch Begin() => new Batch(this, new Connection());
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private sealed class Connection
        {
            public bool IsClosed { get; set; }
        }

        private sealed class Batch(Eager broker, Connection connection) : IOutgoingBatch
        {
            private int _added;

            public void Add(string key, string type, ReadOnlySpan<byte> body)
            {
                lock (broker._gate)
                {
                    _added++;
                    if (!connection.IsClosed) broker.Sent.Add(key);
                }
            }

            public Task<IReadOnlyList<(int Index, string Reason)>> ConfirmAsync(CancellationToken ct)
            {
                lock (broker._gate)
                {
                    connection.IsClosed |= ++broker._confirmations == broker._failing;
                    if (connection.IsClosed) throw new IOException("away");
                    broker.Confirmed += _added;
                    return Task.FromResult<IReadOnlyList<(int, string)>>([]);
                }
            }

            public IOutgoingBatch Next() => new Batch(broker, connection);
        }
    }

    [Theory, EveryDatabase]
    public async Task A_batch_that_fails_is_not_overtaken_by_the_one_behind_it(string store)
    {
        await using var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", Batches * EachBatch);
        var placed = new List<string>();
        for (var i = 0; i < Batches * EachBatch; i++) placed.Add((await hub.PlaceAsync(null, ("A", 1))).Value.Id);
        for (var failing = 1; failing <= Batches; failing++)
        {
            var broker = new Eager(failing);
            await using var relay = new OrderRelay(hub.Test.Lanes, broker, new HashSet<string> { "order.placed" });
            await Assert.ThrowsAsync<IOException>(() => RelayAsync(hub.Test, relay));
            await RelayAsync(hub.Test, relay);
            Assert.Equal(placed, broker.Sent.Distinct());
            Assert.Equal((placed.Count, 0), (broker.Confirmed, relay.Lag));
        }
    }

    private static async Task RelayAsync(TestNode test, OrderRelay relay)
    {
        while (await test.PumpUntilAsync(relay.RunOnceAsync(default).AsTask())) { }
    }
}
