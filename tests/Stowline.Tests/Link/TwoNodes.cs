using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Tests.Hub;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// <summary>
/// A hub and the node of its site WH2, each on a database of its own, and between them a network that the test cuts, or that loses, doubles and reorders frames.
/// One clock for both, and no step that the test does not make.
/// </summary>
public sealed class TwoNodes : IAsyncDisposable
{
    public const string Code = "WH2";
    private readonly List<(LinkEnd To, byte[] Frame)> _wire = [];
    private readonly Random _random;
    private (LinkEnd Hub, LinkEnd Site)? _line;
    private int _seed;

    private TwoNodes(TestNode hub, TestNode site, int seed) => (HubTest, Site, _random, _seed) = (hub, site, new Random(seed), seed + 100);

    public TestNode HubTest { get; private set; }
    public TestNode Site { get; private set; }
    public HubNode Hub => new(HubTest);
    public ManualTime Time => HubTest.Time;

    public void Advance(TimeSpan by)
    {
        Time.Advance(by);
        if (Site.Time != Time) Site.Time.Advance(by);
    }

    public bool IsCut => _line is null;

    /// <summary>Whether one of the two has ended the connection.</summary>
    public bool HasEnded => HubEnd.Ended is not null || SiteEnd.Ended is not null;

    /// <summary>How many of a hundred frames are lost, doubled, held back.</summary>
    public int Lost { get; set; }
    public int Doubled { get; set; }
    public int Late { get; set; }

    /// <summary>Whether what the lanes bring is lost, while all that keeps a connection alive gets through.</summary>
    public bool LosesBatches { get; set; }

    /// <summary>As <see cref="LinkEnd"/> has them, for the ends of the connections to come.</summary>
    public (int EventsPerBatch, long MostBehind) Limits { get; set; } = (256, 5_000);

    /// <summary>The version of the protocol that both speak from the next connection on.</summary>
    public int Speaks { get; set; } = LinkFrames.Protocol;

    /// <summary>The lanes of the batches that were put on the wire, in order.</summary>
    public List<string> Batches { get; } = [];

    /// <summary>A hub with the products A and B, and WH2 joined; not connected yet.</summary>
    /// <param name="siteAhead">How much later it is by the site's clock.</param>
    public static async Task<TwoNodes> StartAsync(string hubStore, string siteStore = "sqlite", int seed = 1, TimeSpan siteAhead = default)
    {
        var time = new ManualTime();
        var hub = await TestNode.StartAsync(hubStore, NodeRole.Hub, time, seed);
        await new HubNode(hub).SiteAsync(Code);
        await new HubNode(hub).ProductsAsync("A", "B");
        var joined = (await hub.PumpUntilAsync(JoinSite.RunAsync(hub.Node, Code, TestNode.Tester))).Value;
        var key = SiteKey.Read(joined.Key)!.Value;
        var siteTime = siteAhead == default ? time : new ManualTime(time.GetUtcNow() + siteAhead);
        var site = await TestNode.StartAsync(siteStore, new NodeRole(Code, key.Number), siteTime, seed + 50);
        return new TwoNodes(hub, site, seed);
    }

    /// <summary>A hub that has moved its site WH2 out, and that site's node; not connected yet. The hub is then this object's to dispose.</summary>
    public static async Task<TwoNodes> MoveOutAsync(TestNode hub, string siteStore = "sqlite", int seed = 1)
    {
        Assert.True((await hub.PumpUntilAsync(MoveOutSite.RunAsync(hub.Node, Code, TestNode.Tester))).IsOk);
        return new TwoNodes(hub, await FromHubAsync(hub, siteStore, seed), seed);
    }

    /// <summary>A node of the site from what the hub hands out.</summary>
    public static async Task<TestNode> FromHubAsync(TestNode hub, string siteStore, int seed)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("stowline-moved-").FullName, "site.stow");
        await using (var file = File.Create(path)) Assert.True((await MoveOutSite.WriteAsync(hub.Node, Code, file)).IsOk);
        var site = await TestNode.FromFileAsync(siteStore, path, hub.Time, seed + 50);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        return site;
    }

    // ---- the network

    public void Connect()
    {
        Cut();
        var (hub, site) = (EndOf(HubTest, "hub"), EndOf(Site, "wh2"));
        HubTest.Node.Add(hub);
        Site.Node.Add(site);
        _line = (hub, site);
    }

    private LinkEnd EndOf(TestNode node, string name) => new(node.Lanes, node.Node.Role, Code, node.Node.Modules.OfType<LinkModule>().Single().StateOf(Code), name, "test")
    {
        EventsPerBatch = Limits.EventsPerBatch, MostBehind = Limits.MostBehind, Speaks = Speaks,
    };

    public void Cut()
    {
        if (_line is not var (hub, site)) return;
        hub.End("cut");
        site.End("cut");
        _wire.Clear();
        _line = null;
    }

    public LinkEnd HubEnd => _line!.Value.Hub;
    public LinkEnd SiteEnd => _line!.Value.Site;

    private bool Carry()
    {
        if (_line is not var (hub, site)) return false;
        Take(hub, site);
        Take(site, hub);
        if (_wire.Count == 0) return false;
        for (var left = _wire.Count; left > 0; left--)
        {
            var next = _random.Next(100) < Late ? _random.Next(_wire.Count) : 0;
            var (to, frame) = _wire[next];
            _wire.RemoveAt(next);
            if (_random.Next(100) < Lost) continue;
            to.TryTake(frame);
            if (_random.Next(100) < Doubled) _wire.Add((to, frame));
        }
        return true;
    }

    private void Take(LinkEnd from, LinkEnd to)
    {
        while (from.Frames.TryRead(out var frame))
        {
            var isBatch = LinkFrames.KindOf(frame) == FrameKind.Batch;
            if (isBatch && LosesBatches) continue;
            if (isBatch) Batches.Add(LinkFrames.Batch(frame).Lane.Name);
            _wire.Add((to, frame));
        }
    }

    public async Task<bool> StepAsync() => await HubTest.StepAsync() | await Site.StepAsync() | Carry();

    /// <summary>Steps until both have everything. What was lost is sent again only after a while, so the clock moves when nothing else does.</summary>
    public async Task DrainAsync()
    {
        for (var idle = 0; idle < 120; idle++)
        {
            while (await StepAsync()) { }
            if (IsCut || await IsEqualAsync()) return;
            Advance(TimeSpan.FromSeconds(1));
            if (HasEnded) Connect();
        }
        Assert.Fail("the nodes do not come together: " + (HubEnd.Ended ?? SiteEnd.Ended ?? "no reason"));
    }

    private async Task<bool> IsEqualAsync()
    {
        var (hub, site) = (await HubTest.Database.ReadAsync(Replicas.PointsAsync), await Site.Database.ReadAsync(Replicas.PointsAsync));
        return HubTest.Node.IsDrained && Site.Node.IsDrained && site.Values.All(s => hub[s.Name].Position == s.Position && hub[s.Name].Hash.AsSpan().SequenceEqual(s.Hash));
    }

    public async Task RestartHubAsync()
    {
        Cut();
        HubTest = await HubTest.RestartAsync(++_seed);
    }

    public async Task RestartSiteAsync()
    {
        Cut();
        Site = await Site.RestartAsync(++_seed);
    }

    // ---- backups

    private readonly string _backups = Directory.CreateTempSubdirectory("stowline-backups-").FullName;

    /// <summary>Backs a node up, and answers the file.</summary>
    public async Task<string> BackUpAsync(TestNode node)
    {
        var file = Path.Combine(_backups, $"{++_seed}.stow");
        await Backup.WriteAsync(node.Database, file, "test");
        return file;
    }

    public async Task RestoreHubAsync(string backup)
    {
        Cut();
        HubTest = await HubTest.RestoreAsync(backup, ++_seed);
    }

    public async Task RestoreSiteAsync(string backup)
    {
        Cut();
        Site = await Site.RestoreAsync(backup, ++_seed);
    }

    /// <summary>How the repair of the link stands at one of the nodes; null where none is under way.</summary>
    public static async Task<Repair?> RepairOfAsync(TestNode node, string site = Code) => (await node.Database.ReadAsync(Repairs.AllAsync)).SingleOrDefault(r => r.Site == site);

    /// <summary>Steps until whoever was restored has been given back what the other side has.</summary>
    public async Task HearAsync()
    {
        for (var idle = 0; idle < 120; idle++)
        {
            while (await StepAsync()) { }
            if (await RepairOfAsync(HubTest) is not { State: RepairState.Waiting } && await RepairOfAsync(Site) is not { State: RepairState.Waiting }) return;
            Advance(TimeSpan.FromSeconds(1));
            if (HasEnded) Connect();
        }
        Assert.Fail("what was lost does not come back: " + (HubEnd.Ended ?? SiteEnd.Ended ?? "no reason"));
    }

    /// <summary>An operator looks at what was lost, and lets the node go on.</summary>
    public static async Task<Outcome<RepairView>> ConfirmAsync(TestNode node, bool exclude = false, string site = Code) =>
        await node.PumpUntilAsync(RepairLink.RunAsync(node.Node, site, exclude, TestNode.Tester));

    // ---- what people do

    public async Task ReceiveAsync(string sku, int quantity) => Assert.True((await TryReceiveAsync(sku, quantity)).IsOk);

    public Task<Outcome<Receipt>> TryReceiveAsync(string sku, int quantity, string? bin = null) =>
        Site.RunAsync(Lane.Site(Code), tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO", [new ReceiptLine { Sku = sku, Quantity = quantity, Bin = bin }]), tx));

    public Task<Outcome<MovementView>> AdjustAsync(string sku, int delta) =>
        Site.RunAsync(Lane.Site(Code), tx => AdjustStock.DecideAsync(Code, new AdjustmentBody(sku, "RECEIVING", null, delta, null, null, "found"), tx));

    public Task<Outcome<OrderView>> OrderAsync(string external, string sku, int quantity, Func<OrderBody, OrderBody>? more = null) =>
        Hub.PlaceAsync(Hub.Order(external, [(sku, quantity)], more).Value);

    public Task<Outcome<OrderView>> CancelAsync(string order) => HubTest.RunAsync(Lane.Hub, tx => CancelOrder.DecideAsync(Guid.Parse(order), "no more", tx));

    private sealed record Task0 { public Guid Id { get; init; } public int Status { get; init; } public int TotalItems { get; init; } }

    /// <summary>The site does one thing with its oldest open task: picking or packing, one step further. False when there is nothing to do.</summary>
    /// <param name="found">What share of an item is found in its bin.</param>
    /// <param name="at">Another node, with the <paramref name="code"/> of a site of its own.</param>
    public async Task<bool> WorkAsync(double found = 1, TestNode? at = null, string code = Code)
    {
        at ??= Site;
        Task<Outcome<T>> DoAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => at.RunAsync(Lane.Site(code), decide); // done or refused
        await at.DrainAsync();
        var picking = await at.Database.ReadAsync(async s => await s.FindAsync<Task0>("SELECT id, status, total_items FROM picking_tasks WHERE site = @code AND status IN (1, 2, 3) ORDER BY id LIMIT 1", new { code }));
        if (picking is not null)
        {
            await PickAsync(at, code, picking, found);
            return true;
        }
        var packing = await at.Database.ReadAsync(async s => await s.FindAsync<Task0>("SELECT id, status, 0 AS total_items FROM packing_tasks WHERE site = @code AND status IN (1, 2, 3) ORDER BY id LIMIT 1", new { code }));
        if (packing is null) return false;
        await DoAsync(tx => StartPacking.DecideAsync(code, packing.Id, "ben", tx));
        await DoAsync(tx => AddPackage.DecideAsync(code, packing.Id, FulfillmentSite.Box(), tx));
        await DoAsync(tx => CompletePacking.DecideAsync(code, packing.Id, tx));
        await DoAsync(tx => ShipPacking.DecideAsync(code, packing.Id, new ShipPackingBody { Carrier = "post" }, tx));
        return true;
    }

    /// <summary>People do all that there is to do, and what comes of it, until there is no more.</summary>
    public async Task WorkOffAsync()
    {
        while (await WorkAsync()) await DrainAsync();
        await DrainAsync();
    }

    private static async Task PickAsync(TestNode at, string code, Task0 task, double found)
    {
        Task<Outcome<T>> DoAsync<T>(Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => at.RunAsync(Lane.Site(code), decide);
        await DoAsync(tx => AssignPicking.DecideAsync(code, task.Id, "ana", tx));
        await DoAsync(tx => StartPicking.DecideAsync(code, task.Id, tx));
        var items = await at.Database.ReadAsync(async s => await s.QueryAsync<PickingItemRow>($"SELECT {PickingTasks.ItemColumns} FROM picking_items WHERE task_id = @id AND status = 1", new { id = task.Id }));
        foreach (var item in items)
        {
            var units = (int)Math.Floor(item.Remaining * found);
            if (units > 0) await DoAsync(tx => PickItem.DecideAsync(code, task.Id, item.Item, new PickItemBody { Quantity = units }, tx));
        }
        await DoAsync(tx => CompletePicking.DecideAsync(code, task.Id, tx));
    }

    // ---- what must hold

    private sealed record Counters
    {
        public string Sku { get; init; } = "";
        public long Granted { get; init; }
        public long Consumed { get; init; }
        public long Withdrawn { get; init; }
        public long OnHand { get; init; }
        public int Epoch { get; init; }
        public long Returned { get; init; }
        public long Disputed { get; init; }
    }

    private sealed record Line { public string What { get; init; } = ""; public long A { get; init; } public long B { get; init; } }

    /// <summary>Both verify, the copies are the lanes, and the hub's view of the site is the site's own books: to the last unit.</summary>
    public async Task CompareAsync()
    {
        await HubTest.VerifyAsync();
        await Site.VerifyAsync();
        Assert.True(await IsEqualAsync(), "a copy is not its lane");
        var books = await Site.Database.ReadAsync(async s => await s.QueryAsync<Counters>("SELECT sku, granted, consumed, withdrawn, on_hand, epoch, returned, disputed FROM site_skus ORDER BY sku"));
        var view = await HubTest.Database.ReadAsync(async s => await s.QueryAsync<Counters>($"SELECT sku, granted, consumed, withdrawn, on_hand, epoch, returned, disputed FROM allotments WHERE site = '{Code}' ORDER BY sku"));
        Assert.Equal(books, view.Where(v => v != new Counters { Sku = v.Sku, Epoch = 1 })); // what is only on its way there has a row at the hub alone
        await SameAsync("SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, damaged AS b FROM stock ORDER BY 1",
            "SELECT sku || '/' || bin || '/' || lot AS what, on_hand AS a, damaged AS b FROM stock_copies WHERE on_hand > 0 ORDER BY 1");
        foreach (var table in new[] { "picking_tasks", "packing_tasks", "stock_tasks" })
            await SameAsync($"SELECT CAST(id AS text) AS what, number AS a, status AS b FROM {table} WHERE site = '{Code}' ORDER BY id");
        await SameAsync($"""
            SELECT CAST(task_id AS text) || '/' || item AS what, quantity_required AS a, quantity_picked AS b FROM picking_items
            WHERE task_id IN (SELECT id FROM picking_tasks WHERE site = '{Code}') ORDER BY task_id, item
            """);
        await SameAsync($"SELECT CAST(task_id AS text) || '/' || line AS what, status AS a, COALESCE(difference, 0) AS b FROM stock_task_lines WHERE site = '{Code}' ORDER BY task_id, line");
    }

    /// <summary>No part of an order is open at a site: what lives was served.</summary>
    public async Task AllServedAsync() =>
        Assert.Equal(0, await HubTest.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM order_parts WHERE site IS NOT NULL AND status IN (2, 3, 4, 5, 8)")));

    /// <summary>The same question has the same answer on both nodes.</summary>
    private Task SameAsync(string question) => SameAsync(question, question);

    private async Task SameAsync(string atSite, string atHub) => Assert.Equal(
        await Site.Database.ReadAsync(async s => await s.QueryAsync<Line>(atSite)), await HubTest.Database.ReadAsync(async s => await s.QueryAsync<Line>(atHub)));

    public async ValueTask DisposeAsync()
    {
        Cut();
        await HubTest.DisposeAsync();
        await Site.DisposeAsync();
        Directory.Delete(_backups, recursive: true);
    }
}
