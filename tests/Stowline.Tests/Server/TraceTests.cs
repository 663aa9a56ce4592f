using System.Diagnostics;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

/// Goal: one trace shows an order's whole way. Method: a collector in the test's own process takes what a real node sends it.
public class TraceTests
{
    private const string OrderTrace = "0af7651916cd43dd8448eb211c80319c";
    private const string WorkerTrace = "1bf7651916cd43dd8448eb211c80319d";

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task One_trace_shows_an_order_through_every_lane(string store)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await ServerNode.StartAsync(store, configure: c => c with { Otlp = collector.Url, Node = "test-node" });
        var site = new Warehouse(node.Http, "WH1");
        await site.OpenAsync();
        var order = await site.PlaceAsync("1", traceparent: $"00-{OrderTrace}-b7ad6b7169203331-01");
        await site.StartPickingAsync(order, $"00-{WorkerTrace}-00f067aa0ba902b7-01");
        await site.ShipAsync(order, traceparent: $"00-{WorkerTrace}-00f067aa0ba902b8-01");

        string[] wanted =
        [
            "POST /api/v1/orders", "order.placed", "part.assigned", "fulfillment part.assigned", "picking.created", "picking.assigned", "picking.started", "site-books picking.started",
            "order.status_changed", "picking.item_picked", "picking.completed", "packing.created", "packing.started", "packing.package_added", "packing.completed", "part.shipped",
            "site-books part.shipped",
        ];
        var spans = await collector.WaitForAsync(OrderTrace, all => wanted.All(w => all.Any(s => s.Name == w)));
        var intake = spans.Single(s => s.Name == "POST /api/v1/orders");
        Assert.Equal("b7ad6b7169203331", intake.ParentId);
        var others = spans.Where(s => s != intake).ToList();
        Assert.All(others, s => Assert.Equal((intake.SpanId, order), (s.ParentId, s.Attributes["stowline.order_id"])));
        Assert.All(others, s => Assert.True(s.End >= s.Start));
        // What the workers' requests caused is linked to them, and what the order's own request caused needs no link.
        Assert.Contains(WorkerTrace, others.First(s => s.Name == "picking.item_picked").LinkedTraces);
        Assert.Contains(WorkerTrace, others.First(s => s.Name == "site-books part.shipped").LinkedTraces);
        Assert.Empty(others.First(s => s.Name == "fulfillment part.assigned").LinkedTraces);
        Assert.DoesNotContain("Secret", string.Concat(spans.SelectMany(s => s.Attributes.Values)), StringComparison.OrdinalIgnoreCase);
        // The requests themselves stay in the workers' trace.
        await collector.WaitForAsync(WorkerTrace, all => all.Any(s => s.Name == "POST /api/v1/packing-tasks/{key}/ship"));
        await collector.WaitForMetricAsync("picking_task_duration_seconds");
    }

    [Fact]
    [Trait("Needs", "server")]
    public async Task What_is_not_sampled_is_not_sent()
    {
        const string quiet = "2cf7651916cd43dd8448eb211c80319e", loud = "3df7651916cd43dd8448eb211c80319f";
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await ServerNode.StartAsync(configure: c => c with { Otlp = collector.Url });
        var site = new Warehouse(node.Http, "WH1");
        await site.OpenAsync();
        await site.PlaceAsync("1", traceparent: $"00-{quiet}-b7ad6b7169203331-00");
        await site.PlaceAsync("2", traceparent: $"00-{loud}-b7ad6b7169203331-01");
        await collector.WaitForAsync(loud, spans => spans.Any(s => s.Name == "picking.created"));
        Assert.Empty(await collector.WaitForAsync(quiet, _ => true));
    }

    [Fact]
    public async Task A_collector_that_is_away_disturbs_nothing()
    {
        var node = await ServerNode.StartAsync(configure: c => c with { Otlp = "http://127.0.0.1:1" });
        var site = new Warehouse(node.Http, "WH1");
        await site.OpenAsync();
        for (var i = 0; i < 20; i++) await site.PlaceAsync($"{i}");
        var status = await node.GetAsync("/api/v1/system/status");
        Assert.Equal(0, status.GetProperty("pumps").EnumerateArray().Sum(p => p.GetProperty("errors").GetInt64()));
        var clock = Stopwatch.StartNew();
        await node.DisposeAsync();
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), $"stopping took {clock.Elapsed}");
    }
}
