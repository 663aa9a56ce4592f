using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>One site, WH1, on a test node: commands in words, and what the books say.</summary>
public sealed class SiteOnTest : IAsyncDisposable
{
    public const string Code = "WH1";
    private TestHttp? _http;

    private SiteOnTest(TestNode node) => Node = node;

    public TestNode Node { get; }

    /// <param name="products">Whether receipts ask the catalogue.</param>
    public static async Task<SiteOnTest> StartAsync(string store, int seed = 1, bool products = false)
    {
        var node = await TestNode.StartAsync(store, seed);
        if (!products) node.Node.Modules.OfType<StockModule>().Single().KnowsProduct = null;
        await node.RunAsync<Done>(Lane.Hub, async tx =>
        {
            await tx.OpenLaneAsync(Lane.HubTo(Code), 1);
            await tx.OpenLaneAsync(Lane.Site(Code), 1);
            return new Done();
        });
        node.Node.AddSite(Code);
        return new SiteOnTest(node);
    }

    public Task<Outcome<T>> RunAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => Node.RunAsync(Lane.Site(Code), decide);

    /// <summary>Something done to the stock book, then settled.</summary>
    public async Task<T> BookAsync<T>(Func<LaneTransaction, ValueTask<T>> act, params string[] skus)
    {
        var done = await RunAsync<T>(async tx =>
        {
            var result = await act(tx);
            var balances = await StockBook.SettleAsync(tx, Code, skus.Length == 0 ? ["A"] : skus);
            tx.Append(Lane.Site(Code), new StockRebalanced("test", balances), "stock/test");
            return result;
        });
        return done.Value;
    }

    public Task BookAsync(Func<LaneTransaction, ValueTask> act, params string[] skus) => BookAsync(async tx => { await act(tx); return true; }, skus);

    public Task<Outcome<ZoneView>> ZoneAsync(string zone, ZoneType type) => RunAsync(tx => SaveZone.DecideAsync(Code, zone, new ZoneBody { Type = type }, tx));

    public async Task<Outcome<BinsAnswer>> BinsAsync(string zone, params string[] bins)
    {
        var items = SaveBins.CheckAll([.. bins.Select(b => new BinBody { Bin = b, Zone = zone })]).Value;
        return await RunAsync(tx => SaveBins.DecideAsync(Code, items, i => $"items[{i}].", tx));
    }

    public Task<Outcome<BinView>> LockAsync(string bin, string? reason) => RunAsync(tx => LockBin.DecideAsync(Code, bin, reason, tx));

    public Task<Outcome<Receipt>> ReceiveAsync(string sku, int quantity, string? bin = null, string? lot = null, DateOnly? expires = null, params string[] serials) =>
        RunAsync(tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO-1",
            [new ReceiptLine { Sku = sku, Quantity = quantity, Bin = bin, Lot = lot, ExpiresOn = expires, Serials = serials }]), tx));

    public Task<Outcome<MovementView>> MoveAsync(string sku, int quantity, string from, string to, string? lot = null) =>
        RunAsync(tx => MoveStock.DecideAsync(Code, new MoveBody(sku, quantity, from, to, lot, null), tx));

    public Task<Outcome<MovementView>> AdjustAsync(string sku, string bin, long delta) =>
        RunAsync(tx => AdjustStock.DecideAsync(Code, new AdjustmentBody(sku, bin, null, delta, null, null, "found"), tx));

    public Task<Outcome<MovementView>> CountAsync(string sku, string bin, long expected, long counted) =>
        RunAsync(tx => AdjustStock.DecideAsync(Code, new AdjustmentBody(sku, bin, null, null, expected, counted, "cycle count"), tx));

    public Task<Outcome<MovementView>> DamageAsync(string sku, string bin, int quantity) =>
        RunAsync(tx => DamageStock.DamageAsync(Code, new DamageBody(sku, bin, null, quantity, "dropped"), tx));

    public Task<Outcome<MovementView>> DisposeOfAsync(string sku, string bin, int quantity) =>
        RunAsync(tx => DamageStock.DisposeAsync(Code, new DamageBody(sku, bin, null, quantity, "scrap"), tx));

    public Task<IReadOnlyList<Allocation>> AllocateAsync(params StockRequest[] requests) =>
        BookAsync(tx => StockBook.AllocateAsync(tx, Code, requests), [.. requests.Select(r => r.Sku)]);

    /// <summary>What the hub would say: an event on its lane to the site, handled by the site.</summary>
    public async Task HubSaysAsync<T>(T word) where T : IEvent
    {
        await Node.RunAsync<Done>(Lane.Hub, tx =>
        {
            tx.Append(Lane.HubTo(Code), word, "hub says");
            return ValueTask.FromResult<Outcome<Done>>(new Done());
        });
        await Node.DrainAsync();
    }

    internal async Task<SkuBooks> BooksAsync(string sku = "A") =>
        (await RunAsync<SkuBooks>(async tx => (await SkuTotals.ReadAsync(tx, Code, [sku])).SingleOrDefault() ?? new SkuBooks { Sku = sku })).Value;

    /// <summary>
    /// The node verifies itself. These tests reserve and ship without orders and tasks, so what other modules say about those is left out.
    /// </summary>
    public async Task VerifyAsync()
    {
        await Node.DrainAsync();
        var report = await Verification.RunAsync(Node.Node);
        var wrong = report.Checks.Where(c => c.Value != "ok" && (c.Key is "lanes" or "parked" || c.Key.StartsWith("stock_", StringComparison.Ordinal)));
        Assert.Empty(wrong.Select(c => $"{c.Key}: {c.Value}"));
    }

    /// <summary>The rows of a SKU, by bin and lot.</summary>
    public Task<IReadOnlyList<StockView>> RowsAsync(string sku = "A") => Node.Database.ReadAsync(async s => await s.QueryAsync<StockView>("""
        SELECT sku, bin, NULLIF(lot, '') AS lot, on_hand, reserved, damaged, blocked, on_hand - reserved - damaged - blocked AS available, pickable,
            expires_on, received_at FROM stock WHERE site = 'WH1' AND sku = @sku ORDER BY bin, lot
        """, new { sku }));

    public async Task<IReadOnlyList<EventRecord>> EventsAsync(string type) =>
        [.. (await Node.Lanes.ReadAsync(Lane.Site(Code), 0, 10_000)).Where(e => e.Type == type)];

    /// <summary>Sends JSON and pumps until it is answered.</summary>
    public async Task<(int Status, System.Text.Json.JsonElement Body)> CallAsync(string method, string path, string? json = null) =>
        await (_http ??= await TestHttp.StartAsync(Node)).CallAsync(method, path, json);

    public async ValueTask DisposeAsync()
    {
        if (_http is not null) await _http.DisposeAsync();
        await Node.DisposeAsync();
    }
}
