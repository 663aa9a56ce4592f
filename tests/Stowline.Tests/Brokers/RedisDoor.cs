using System.Text;
using StackExchange.Redis;
using Stowline.Adapters.Brokers;
using Stowline.Adapters.Redis;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Hub;
using Stowline.Tests.Site;
using Stowline.Tests.Support;

namespace Stowline.Tests.Brokers;

/// Goal: a listings service and whoever listens to a WMS, as source 2 §5 describes them, work with Stowline unchanged. Method: entries are written and read with
/// Redis's own commands, field by field; the node between is a real one.
[Trait("Needs", "server")]
[Collection("brokers")]
public sealed class RedisDoor
{
    private static RedisTestBroker? Find(string store)
    {
        var broker = TestBroker.Find("redis") as RedisTestBroker;
        var isHere = broker is not null && (store == "sqlite" || EveryDatabaseAttribute.Postgres is not null);
        if (!isHere) Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing server is a failure
        return isHere ? broker : null;
    }

    private static readonly string[] Out = ["wms:events:picking", "wms:events:packing", "wms:events:shipment", "wms:events:inventory"];

    private static async Task<TestNode> StartAsync(RedisTestBroker broker, string store)
    {
        await broker.RunAsync("DEL", [RedisSettings.ListingsStream, .. Out]);
        var test = await TestNode.StartAsync(store);
        await new HubNode(test).SiteAsync("WH1");
        await ProductAsync(test, "SEVEN", "7");
        var bins = SaveBins.CheckAll([new BinBody { Bin = "A-1", Zone = "Z" }, new BinBody { Bin = "B-2", Zone = "Z" }]).Value;
        Assert.True((await test.RunAsync(Lane.Site("WH1"), tx => SaveZone.DecideAsync("WH1", "Z", new ZoneBody { Type = ZoneType.Picking }, tx))).IsOk);
        Assert.True((await test.RunAsync(Lane.Site("WH1"), tx => SaveBins.DecideAsync("WH1", bins, i => $"items[{i}].", tx))).IsOk);
        foreach (var pump in RedisPumps.Of(test.Node, broker.Settings)) test.Node.Add(pump);
        await test.RunAsync<Receipt>(Lane.Site("WH1"), tx => ReceiveStock.DecideAsync("WH1", new ReceiptBody("r", [new ReceiptLine { Sku = "SEVEN", Quantity = 10, Bin = "A-1" }]), tx));
        await test.DrainAsync();
        return test;
    }

    private static async Task ProductAsync(TestNode test, string sku, string listing) =>
        Assert.True((await test.RunAsync<BulkResult>(Lane.Hub, tx => SaveProducts.DecideAsync([new Product { Sku = sku, Name = sku, ExternalId = listing, Price = new Money(1, "EUR") }], tx))).IsOk);

    private static Task ConfirmAsync(RedisTestBroker broker, object order, string items) => broker.RunAsync("XADD", RedisSettings.ListingsStream, "*",
        "type", "order.confirmed", "order_id", order, "storefront_id", 1, "items", items, "timestamp", 1_700_000_000);

    private static Task<OrderView?> OrderAsync(TestNode test, long order) => test.Database.ReadAsync(s => ReadOrders.FindAsync(s, $"listings:{order}"));

    private static Task<IReadOnlyList<ParkedEvent>> ParkedAsync(TestNode test) => test.Database.ReadAsync(async s => await LaneReader.ParkedAsync(s, "", "", 0, 100));

    /// <summary>What stands in a stream since the last look: each entry's fields as text, without the timestamp, which must be the node's own time.</summary>
    private static async Task<List<string>> ToldAsync(RedisTestBroker broker, TestNode test, string stream)
    {
        var told = new List<string>();
        foreach (var (_, fields) in await broker.EntriesAsync(stream))
        {
            Assert.Equal("timestamp", fields[^1].Key);
            Assert.Equal(test.Time.GetUtcNow().ToUnixTimeSeconds(), long.Parse(Encoding.UTF8.GetString(fields[^1].Value)), 60.0);
            told.Add(string.Join(' ', fields.SkipLast(1).Select(f => $"{f.Key}={Encoding.UTF8.GetString(f.Value)}")));
        }
        await broker.RunAsync("DEL", stream);
        return told;
    }

    [Theory, EveryDatabase]
    public async Task A_listings_order_goes_all_the_way_and_is_told_of_field_by_field(string store)
    {
        if (Find(store) is not { } broker) return;
        await using var test = await StartAsync(broker, store);
        Assert.Equal(["type=inventory.placed listing_id=7 warehouse_id=1 quantity=10 location=A-1"], await ToldAsync(broker, test, Out[3]));
        await ConfirmAsync(broker, 456, """[{"listing_id":7,"quantity":2}]""");
        await ConfirmAsync(broker, 456, """[{"listing_id":7,"quantity":2}]"""); // twice: one order
        await test.DrainAsync();
        var order = (await OrderAsync(test, 456))!;
        Assert.Equal(("listings", "456", 1L), (order.Channel, order.ExternalId, order.Number));
        Assert.Null(order.ShipTo);
        Assert.Equal(["type=inventory.reserved listing_id=7 warehouse_id=1 quantity=2 order_id=456"], await ToldAsync(broker, test, Out[3]));
        Assert.Equal(["type=picking.created task_id=10000000001 order_id=456 warehouse_id=1"], await ToldAsync(broker, test, Out[0]));

        await ShipAsync(test, Guid.Parse(order.Id));
        Assert.Equal(["type=picking.assigned task_id=10000000001 order_id=456 worker_id=17", "type=picking.completed task_id=10000000001 order_id=456"], await ToldAsync(broker, test, Out[0]));
        Assert.Equal(["type=packing.started task_id=10000000001 order_id=456", "type=packing.completed task_id=10000000001 order_id=456"], await ToldAsync(broker, test, Out[1]));
        Assert.Equal(["type=shipment.created shipment_id=10000000001 order_id=456 tracking_number=RS1"], await ToldAsync(broker, test, Out[2]));
        Assert.Empty(await ToldAsync(broker, test, Out[3]));

        await test.RunAsync(Lane.Site("WH1"), tx => MoveStock.DecideAsync("WH1", new MoveBody("SEVEN", 3, "A-1", "B-2", null, null), tx));
        await test.DrainAsync();
        Assert.Equal(["type=inventory.moved listing_id=7 warehouse_id=1 from_location=A-1 to_location=B-2"], await ToldAsync(broker, test, Out[3]));
        Assert.Empty(await ParkedAsync(test));
        await test.VerifyAsync();
    }

    private static async Task ShipAsync(TestNode test, Guid order)
    {
        var site = Lane.Site("WH1");
        var picking = await test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM picking_tasks WHERE order_id = @order", new { order }));
        Assert.True((await test.RunAsync(site, tx => AssignPicking.DecideAsync("WH1", picking, "17", tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => StartPicking.DecideAsync("WH1", picking, tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => PickItem.DecideAsync("WH1", picking, 1, new PickItemBody { Quantity = 2 }, tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => CompletePicking.DecideAsync("WH1", picking, tx))).IsOk);
        await test.DrainAsync();
        var packing = await test.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @order", new { order }));
        Assert.True((await test.RunAsync(site, tx => StartPacking.DecideAsync("WH1", packing, "17", tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => AddPackage.DecideAsync("WH1", packing, FulfillmentSite.Box(), tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => CompletePacking.DecideAsync("WH1", packing, tx))).IsOk);
        Assert.True((await test.RunAsync(site, tx => ShipPacking.DecideAsync("WH1", packing, new ShipPackingBody { Carrier = "post", TrackingNumber = "RS1" }, tx))).IsOk);
        await test.DrainAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_cancellation_releases_and_poison_is_parked_acknowledged_and_tried_again(string store)
    {
        if (Find(store) is not { } broker) return;
        await using var test = await StartAsync(broker, store);
        await ConfirmAsync(broker, 1, """[{"listing_id":7,"quantity":2}]""");
        await broker.RunAsync("XADD", RedisSettings.ListingsStream, "*", "type", "order.cancelled", "order_id", 1, "reason", "buyer", "timestamp", 1_700_000_000);
        await ConfirmAsync(broker, 2, """[{"listing_id":8,"quantity":1}]""");    // no such product
        await ConfirmAsync(broker, 3, "nonsense");
        await ConfirmAsync(broker, "four", """[{"listing_id":7,"quantity":1}]""");
        await ConfirmAsync(broker, 5, """[{"listing_id":7,"quantity":0}]""");
        await broker.RunAsync("XADD", RedisSettings.ListingsStream, "*", "what", "ever");
        await broker.RunAsync("XADD", RedisSettings.ListingsStream, "*", "type", "order.cancelled", "order_id", 99);
        await broker.RunAsync("XADD", RedisSettings.ListingsStream, "*", "type", "order.viewed", "order_id", 1); // not our business
        await ConfirmAsync(broker, 6, """[{"listing_id":7,"quantity":100}]""");   // waits for stock: nobody could be told no
        await test.DrainAsync();
        Assert.Equal(OrderStatus.Cancelled, (await OrderAsync(test, 1))!.Status);
        Assert.Equal(OrderStatus.Backorder, (await OrderAsync(test, 6))!.Status);
        Assert.Contains("type=inventory.released listing_id=7 warehouse_id=1 quantity=2 reason=buyer", await ToldAsync(broker, test, Out[3]));
        var parked = await ParkedAsync(test);
        Assert.True(parked.Count == 6, string.Join('\n', parked.Select(p => $"{p.Consumer} {p.Lane} {p.Position} {p.Subject}: {p.Error}")));
        Assert.All(parked, p => Assert.Equal(("redis intake listings:events:orders", "redis:listings:events:orders"), (p.Consumer, p.Lane)));
        Assert.Contains(parked, p => p.Subject == "2" && p.Error.StartsWith("unknown_listing", StringComparison.Ordinal));
        Assert.Contains(parked, p => p.Subject == "99" && p.Error.StartsWith("order_not_found", StringComparison.Ordinal));
        Assert.Equal(0, (long)((RedisResult[])(await broker.RunAsync("XPENDING", RedisSettings.ListingsStream, RedisSettings.ListingsGroup))!)[0]);

        // The product is made known, and the message is tried again.
        var intake = test.Node.Pumps.OfType<OrderIntake>().Single();
        Assert.Equal("still_refused", (await test.PumpUntilAsync(intake.ReplayAsync("redis:listings:events:orders", "2", default))).Refusal!.Code);
        await ProductAsync(test, "EIGHT", "8");
        Assert.Equal(1, (await test.PumpUntilAsync(intake.ReplayAsync("redis:listings:events:orders", "2", default))).Value);
        Assert.NotNull(await OrderAsync(test, 2));
        Assert.Equal(5, (await ParkedAsync(test)).Count);
    }

    /// Goal: an answer that was lost on its way to us loses no order of messages. Method: the wait for it is given up when the command is under way already.
    [Fact]
    public async Task What_was_given_and_never_arrived_comes_before_what_is_new()
    {
        if (Find("sqlite") is not { } broker) return;
        var stream = "t" + Guid.NewGuid().ToString("N")[..12];
        await using var link = new RedisLink(broker.Settings, TimeProvider.System);
        await using var intake = new RedisIn(link, broker.Settings, stream, "g", "key", new ManualTime(), () => true);
        async Task<string> ReceiveAsync() => string.Join(",", (await intake.ReceiveAsync(1, default)).Select(m => m.Key));
        for (var i = 1; i <= 3; i++) await broker.RunAsync("XADD", stream, "*", "key", i, "body", "x");
        Assert.Equal("1", await ReceiveAsync());
        await intake.AcknowledgeAsync([new IncomingMessage(stream, 0, "1", [], (string)((RedisResult[])(await broker.RunAsync("XPENDING", stream, "g"))!)[1]!)], default);
        using var given = new CancellationTokenSource();
        given.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => intake.ReceiveAsync(1, given.Token));
        Assert.Equal("2", await ReceiveAsync());
    }

    [Theory, InlineData("sqlite")]
    public async Task What_another_consumer_abandoned_is_taken_over(string store)
    {
        if (Find(store) is not { } broker) return;
        await using var test = await StartAsync(broker, store);
        await ConfirmAsync(broker, 1, """[{"listing_id":7,"quantity":1}]""");
        await broker.RunAsync("XREADGROUP", "GROUP", RedisSettings.ListingsGroup, "old", "COUNT", 1, "STREAMS", RedisSettings.ListingsStream, ">");
        await test.DrainAsync();
        Assert.Null(await OrderAsync(test, 1)); // somebody is still at it
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await OrderAsync(test, 1) is null)
        {
            Assert.False(limit.IsCancellationRequested, "nobody took it over");
            test.Time.Advance(TimeSpan.FromSeconds(1));
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(100), TimeProvider.System, default);
            await test.DrainAsync();
        }
        Assert.Equal(0, (long)((RedisResult[])(await broker.RunAsync("XPENDING", RedisSettings.ListingsStream, RedisSettings.ListingsGroup))!)[0]);
    }

    [Fact]
    public async Task Trimming_never_drops_what_a_known_group_has_not_read_or_acknowledged()
    {
        if (Find("sqlite") is not { } broker) return;
        var stream = "t" + Guid.NewGuid().ToString("N");
        await using var link = new RedisLink(broker.Settings, TimeProvider.System);
        var streams = new RedisStreams(link, broker.Settings with { Keep = 10 });
        IReadOnlyList<StreamEntry> Some(int count) => [.. Enumerable.Range(0, count).Select(i => new StreamEntry(stream, [("n", i)]))];
        await new RedisStreams(link, broker.Settings).AppendAsync(Some(500), default);
        await link.RunAsync("XGROUP", default, "CREATE", stream, "reader", "0");
        await link.RunAsync("XGROUP", default, "CREATE", stream, "ahead", "$");
        var read = (RedisResult[])((RedisResult[])((RedisResult[])(await link.RunAsync("XREADGROUP", default, "GROUP", "reader", "me", "COUNT", 300, "STREAMS", stream, ">"))!)[0]!)[1]!;
        Assert.Equal(300, read.Length);
        await link.RunAsync("XACK", default, [stream, "reader", .. read.Take(200).Select(e => (object)(string)((RedisResult[])e!)[0]!)]);
        await streams.AppendAsync(Some(2_500), default);
        Assert.Equal(2_800, (long)await link.RunAsync("XLEN", default, stream)); // what was acknowledged is gone, nothing else
        await link.RunAsync("XGROUP", default, "DESTROY", stream, "reader");
        await link.RunAsync("XGROUP", default, "SETID", stream, "ahead", "$");
        await streams.AppendAsync(Some(1_000), default);
        Assert.Equal(1_000 + 1, (long)await link.RunAsync("XLEN", default, stream)); // up to the last that the other one was given
        await link.RunAsync("DEL", default, stream);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("h:1;keep=x")]
    [InlineData("h:1;kep=1")]
    public void A_wrong_setting_is_refused(string text) => Assert.Throws<FormatException>(() => RedisSettings.Parse(text));

    [Fact]
    public void The_setting_is_read()
    {
        var settings = RedisSettings.Parse("h:6379,password=x;claim=5;keep=7");
        Assert.Equal(("h:6379,password=x", 5.0, 7), (settings.Server, settings.Claim.TotalSeconds, settings.Keep));
    }
}
