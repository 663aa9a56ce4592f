using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// <summary>The steps that these tests share.</summary>
public partial class JoinedHistories
{
    private static async Task<TwoNodes> StartAsync(string store, string siteStore = "sqlite", int seed = 1)
    {
        var nodes = await TwoNodes.StartAsync(store, siteStore, seed);
        await nodes.Hub.SiteAsync("WH1");
        nodes.Connect();
        await nodes.DrainAsync();
        return nodes;
    }

    /// <summary>An order of four A that waits for stock, and the hub's backup of then.</summary>
    private static async Task<(string Order, string Backup)> WaitingOrderAsync(TwoNodes nodes)
    {
        var order = (await nodes.OrderAsync("1", "A", 4, b => b with { Backorder = true })).Value.Id;
        await nodes.DrainAsync();
        return (order, await nodes.BackUpAsync(nodes.HubTest));
    }

    /// <summary>The hub comes back from its backup, and an operator lets it go on without WH2.</summary>
    private static async Task GoOnWithoutAsync(TwoNodes nodes, string backup)
    {
        await nodes.RestoreHubAsync(backup);
        Assert.Equal(RepairStage.Excluded, (await TwoNodes.ConfirmAsync(nodes.HubTest, exclude: true)).Value.State);
        await nodes.HubTest.DrainAsync();
    }

    /// <summary>WH2 comes back; then both rest.</summary>
    private static async Task ComeBackAsync(TwoNodes nodes)
    {
        nodes.Connect();
        for (var i = 0; await TwoNodes.RepairOfAsync(nodes.HubTest) is not null; i++)
        {
            Assert.True(i < 60, "the site is still left out");
            await nodes.DrainAsync();
            nodes.Advance(TimeSpan.FromSeconds(2));
            while (await nodes.StepAsync()) { }
            if (nodes.HasEnded) nodes.Connect(); // the histories are joined, and the two meet anew
        }
        await nodes.DrainAsync();
        await nodes.CompareAsync();
    }

    private static async Task FinishAsync(TwoNodes nodes)
    {
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
    }

    private static async Task ReceiveAtHubAsync(TwoNodes nodes, string sku, int quantity)
    {
        var receipt = new ReceiptBody("PO", [new ReceiptLine { Sku = sku, Quantity = quantity }]);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site("WH1"), tx => ReceiveStock.DecideAsync("WH1", receipt, tx))).IsOk);
        await nodes.HubTest.DrainAsync();
    }

    private static async Task NameAsync(TwoNodes nodes, params (string Sku, string Name)[] products)
    {
        var items = SaveProducts.CheckAll([.. products.Select(p => new ProductBody { Sku = p.Sku, Name = p.Name, Price = new Money(1m, "EUR") })]);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => SaveProducts.DecideAsync(items.Value, tx))).IsOk);
    }

    private static async Task PolicyAsync(TwoNodes nodes, string sku, int safety) =>
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => Policies.DecideAsync(TwoNodes.Code, sku, new PolicyBody(safety, 0), tx))).IsOk);

    private static async Task HoldAsync(TwoNodes nodes, string order, bool hold) =>
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(Guid.Parse(order), hold, null, tx))).IsOk);

    private static async Task<List<EventRecord>> OfTypeAsync(TwoNodes nodes, string type) => [.. (await nodes.Hub.LaneAsync(Lane.Hub)).Where(e => e.Type == type)];

    private static Task<IReadOnlyList<LaneHistories.Row>> OldEndsAsync(TestNode node) => node.Database.ReadAsync(async s => await LaneHistories.AllAsync(s));

    private static async Task<LinkView> ViewAsync(TestNode node) => Assert.Single(await LinkViews.ReadAsync(node.Database, node.Node.Modules.OfType<LinkModule>().Single()));

    private static Task<long> CountAsync(TestNode node, string sql) => node.Database.ReadAsync(async s => await s.FindAsync<long>(sql, new { yes = true }));

    /// <summary>The units of an order's live parts.</summary>
    private static int UnitsOf(OrderView order) => order.Parts.Where(p => p.Status is not (OrderStatus.Cancelled or OrderStatus.Short)).Sum(p => p.Lines.Sum(l => l.Quantity));
}
