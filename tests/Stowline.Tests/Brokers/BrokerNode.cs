using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// <summary>A node in real time beside a real broker: its pumps run by themselves, because the broker does too.</summary>
internal sealed record BrokerNode(Node Node, string? Folder, (string Server, string Name)? Postgres) : IAsyncDisposable
{
    public static async Task<BrokerNode> StartAsync(string store, int units = 1_000_000)
    {
        var (database, folder, postgres) = await TestNode.NewDatabaseAsync(store, TimeProvider.System);
        var node = await Node.OpenAsync(database);
        node.Lanes.LongestWait = TestNode.LongestWait;
        node.Start();
        await Must(node.Lanes.ExecuteAsync<SiteView>(Lane.Hub, Caller.System, tx => SaveSite.DecideAsync("WH1", new SiteBody { Name = "W", Type = SiteType.Warehouse }, tx, node)));
        await Must(node.Lanes.ExecuteAsync<BulkResult>(Lane.Hub, Caller.System, tx => SaveProducts.DecideAsync(
            [new Product { Sku = "A", Name = "A", Price = new Money(1, "EUR") }], tx)));
        await Must(node.Lanes.ExecuteAsync<Receipt>(Lane.Site("WH1"), Caller.System, tx => ReceiveStock.DecideAsync("WH1", new ReceiptBody("r", [new ReceiptLine { Sku = "A", Quantity = units }]), tx)));
        return new BrokerNode(node, folder, postgres);
    }

    public AcceptOrders Intake => Node.Modules.OfType<OrderingModule>().Single().Intake!;

    public async Task<IReadOnlyList<OrderView>> PlaceAsync(int count)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => Intake.AcceptAsync(AcceptOrder.From(new OrderBody { Lines = [new OrderLineBody("A", 1, null)] }, Node.Ids).Value, Caller.System)));
        return [.. results.Select(r => r.Outcome.Value)];
    }

    public Task<long> OrdersAsync() => CountAsync("SELECT COUNT(*) FROM orders");
    public Task<long> ParkedAsync() => CountAsync("SELECT COUNT(*) FROM parked_messages");
    public Task<long> CountAsync(string sql) => Node.Database.ReadAsync(async s => await s.FindAsync<long>(sql));

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        if (Folder is not null) Directory.Delete(Folder, recursive: true);
        if (Postgres is { } p) await TestNode.DropAsync(p.Server, p.Name);
    }

    public static async Task Must<T>(Task<Outcome<T>> task) => Assert.True((await task).IsOk);

    /// <summary>Waits for a state that others bring about, and fails after two minutes.</summary>
    public static async Task UntilAsync(Func<Task<bool>> reached, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await reached())
        {
            Assert.False(limit.IsCancellationRequested, what);
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(50), TimeProvider.System, default);
        }
    }
}
