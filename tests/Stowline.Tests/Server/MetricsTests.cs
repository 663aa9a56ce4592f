using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using System.Text.RegularExpressions;
using Stowline.Adapters.Brokers;
using Stowline.Server.Telemetry;
using Stowline.Tests.Brokers;
using Stowline.Tests.House;
using Stowline.Tests.Support;

namespace Stowline.Tests.Server;

public partial class MetricsTests
{
    /// The names that the user's own document gives (sources/2 §12.1).
    private static readonly string[] Named =
    [
        "picking_task_duration_seconds", "picking_items_per_hour", "picking_shortage_rate", "packing_task_duration_seconds", "packing_tasks_per_hour",
        "average_package_weight", "order_to_shipment_duration_seconds", "fulfillment_success_rate",
    ];

    private static string Rules => Path.Combine(Repository.Find(), "deploy", "prometheus", "stowline.rules.yml");

    private static async Task<string> BusyAsync(ServerNode node)
    {
        var site = new Warehouse(node.Http, "WH1");
        await site.OpenAsync();
        var order = await site.PlaceAsync("1");
        await site.StartPickingAsync(order);
        await site.ShipAsync(order);
        var cancelled = await site.PlaceAsync("2");
        await site.PostAsync($"orders/{cancelled}/cancel", new { reason = "changed their mind" });
        await node.SendAsync("GET", "/nowhere");
        return await node.Http.GetStringAsync("/metrics");
    }

    [Theory, EveryDatabase]
    [Trait("Needs", "server")]
    public async Task A_busy_node_tells_what_the_document_asks_for(string store)
    {
        await using var node = await ServerNode.StartAsync(store, configure: c => c with { Data = Path.GetTempPath() });
        var lines = (await BusyAsync(node)).Split('\n');
        foreach (var name in Named) Assert.Contains(lines, l => l.StartsWith($"# TYPE {name} ", StringComparison.Ordinal));
        foreach (var line in new[]
        {
            """picking_task_duration_seconds_count{site="WH1"} 1""", """packing_task_duration_seconds_count{site="WH1"} 1""", """picking_shortage_rate{site="WH1"} 0""",
            """packing_tasks_per_hour{site="WH1"} 1""", """average_package_weight{site="WH1"} 1500""", "order_to_shipment_duration_seconds_count 1", "fulfillment_success_rate 0.5",
            """stowline_orders{status="shipped"} 1""", """stowline_orders{status="cancelled"} 1""", """stowline_orders{status="picking"} 0""", "stowline_orders_placed_total 2",
            """stowline_orders_finished_total{result="shipped"} 1""", """stowline_orders_stuck{reason="not_picked"} 0""", "stowline_parked_events 0", "stowline_database_up 1",
            """stowline_http_request_seconds_count{method="POST",route="/api/v1/orders",status="201"} 2""", """stowline_http_request_seconds_count{method="GET",route="unmatched",status="404"} 1""",
            """stowline_consumer_lag_events{consumer="site-books",lane="site/WH1"} 0""", """stowline_pump_failing{pump="stuck orders"} 0""", "stowline_live_clients 0",
        }) Assert.Contains(line, lines);
        foreach (var start in new[] { """picking_items_per_hour{site="WH1",worker="mira"} """, "stowline_disk_free_bytes ", "stowline_group_commands_bucket{le=\"256\"} ", "stowline_build_info{version=" })
            Assert.Contains(lines, l => l.StartsWith(start, StringComparison.Ordinal));
    }

    /// <summary>Gives the node brokers that take nothing and tell how much waits in them, and waits until it has asked them.</summary>
    private static async Task BrokersAsync(ServerNode node)
    {
        node.Node.Add(new OrderRelay(node.Node.Lanes, new BrokerDouble("out"), new HashSet<string>()));
        node.Node.Add(new OrderIntake(node.Node, new BrokerDouble("in"), OrderFormats.Standard));
        node.Node.Add(new QueueWatch(node.Node, new BrokerDouble("b")));
        string[] last = ["stowline_relay_lag_events{", "stowline_intake_parked_messages{", "stowline_broker_group_age_seconds{"];
        await BrokerNode.UntilAsync(async () => await node.Http.GetStringAsync("/metrics") is var text && last.All(l => text.Contains('\n' + l, StringComparison.Ordinal)), "the brokers are not told of");
    }

    [Fact]
    public async Task What_waits_for_brokers_and_in_them_is_told_in_metrics_and_in_the_status()
    {
        await using var node = await ServerNode.StartAsync();
        await BrokersAsync(node);
        await BusyAsync(node);
        string[] lines = [];
        // The relay reads what was committed and finds that nobody takes it.
        await BrokerNode.UntilAsync(async () => (lines = (await node.Http.GetStringAsync("/metrics")).Split('\n')).Any(l => Regex.IsMatch(l, "^stowline_relay_lag_events\\{relay=\"out\"\\} [1-9]")
            && lines.Any(s => Regex.IsMatch(s, "^stowline_relay_lag_seconds\\{relay=\"out\"\\} (?!0$)"))), "what waits for the broker is not told");
        foreach (var line in new[]
        {
            """stowline_intake_queue_messages{intake="in"} 3""", """stowline_intake_queue_unacknowledged{intake="in"} 1""", """stowline_intake_queue_age_seconds{intake="in"} 7""",
            """stowline_intake_parked_messages{intake="in"} 0""", """stowline_broker_queue_messages{broker="b",queue="q",kind="out"} 5""",
            """stowline_broker_queue_messages{broker="b",queue="q.dead",kind="dead"} 2""", """stowline_broker_group_lag_messages{broker="b",queue="q",group="g"} 4""",
            """stowline_broker_group_unacknowledged_messages{broker="b",queue="q",group="g"} 1""", """stowline_broker_group_age_seconds{broker="b",queue="q",group="g"} 9""",
        }) Assert.Contains(line, lines);
        var status = await node.GetAsync("/api/v1/system/status");
        var brokers = status.GetProperty("brokers");
        Assert.Equal("dead", brokers.GetProperty("brokers")[0].GetProperty("queues")[1].GetProperty("kind").GetString());
        Assert.Equal("out", brokers.GetProperty("relays")[0].GetProperty("name").GetString());
        Assert.Equal(7, brokers.GetProperty("intakes")[0].GetProperty("oldest_seconds").GetDouble());
        Assert.Contains(status.GetProperty("reasons").EnumerateArray(), r => r.GetProperty("code").GetString() == "dead_letters");
    }

    [Fact]
    public async Task Nodes_in_one_process_do_not_mix()
    {
        await using var busy = await ServerNode.StartAsync();
        await using var idle = await ServerNode.StartAsync();
        Assert.Contains("\nstowline_orders_placed_total 2\n", await BusyAsync(busy));
        Assert.DoesNotContain("\nstowline_orders_placed_total ", await idle.Http.GetStringAsync("/metrics"));
    }

    /// Goal: Prometheus itself finds nothing to complain about. Method: its own checker, on what a busy node answers and on the rules that come with it.
    [Fact]
    [Trait("Needs", "server")]
    public async Task Promtool_likes_the_metrics_and_the_rules()
    {
        if (!File.Exists("/usr/bin/promtool"))
        {
            Assert.NotEqual("1", Environment.GetEnvironmentVariable("STOWLINE_TEST_REQUIRE")); // in CI a missing tool is a failure
            return;
        }
        await using var node = await ServerNode.StartAsync();
        await BrokersAsync(node);
        var (status, said) = await PromtoolAsync(await BusyAsync(node), "check", "metrics");
        Assert.True(status == 0 && said.Length == 0, said);
        (status, said) = await PromtoolAsync("", "check", "rules", Rules);
        Assert.True(status == 0, said);
        (status, said) = await PromtoolAsync("", "test", "rules", Path.Combine(Repository.Find(), "tests", "Stowline.Tests", "Server", "stowline.rules.test.yml"));
        Assert.True(status == 0, said);
    }

    [Fact]
    public async Task The_rules_ask_only_for_what_a_node_tells()
    {
        await using var node = await ServerNode.StartAsync();
        await BrokersAsync(node);
        var told = Types().Matches(await BusyAsync(node)).Select(m => m.Groups[1].Value).ToHashSet();
        var asked = Expressions().Matches(await File.ReadAllTextAsync(Rules)).SelectMany(e => Metrics().Matches(e.Groups[1].Value)).Select(m => Suffix().Replace(m.Value, "")).Distinct().ToList();
        Assert.NotEmpty(asked);
        Assert.Subset(told, asked.ToHashSet());
    }

    [Fact]
    public void Series_are_bounded_and_what_is_over_is_counted_together()
    {
        using var meter = new Meter("Stowline.Test");
        var family = new Family(meter.CreateCounter<long>("many"));
        for (var i = 0; i < 5_000; i++) family.Record(1, [new("who", i.ToString())]);
        family.Record(1, [new("who", "0")]);
        var text = new StringBuilder();
        family.Write(text);
        var lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2 + 2_000 + 1, lines.Length);
        Assert.Contains("many_total{overflow=\"true\"} 3000", lines);
        Assert.Contains("many_total{who=\"0\"} 2", lines);
    }

    private static async Task<(int Status, string Said)> PromtoolAsync(string input, params string[] arguments)
    {
        using var tool = Process.Start(new ProcessStartInfo("promtool", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = Task.WhenAll(tool.StandardOutput.ReadToEndAsync(), tool.StandardError.ReadToEndAsync());
        await tool.StandardInput.WriteAsync(input);
        tool.StandardInput.Close();
        await tool.WaitForExitAsync();
        return (tool.ExitCode, string.Concat(await said));
    }

    [GeneratedRegex("(?m)^# TYPE ([a-z_]+) ")]
    private static partial Regex Types();

    [GeneratedRegex("(?m)^ +expr: (.+)$")]
    private static partial Regex Expressions();

    [GeneratedRegex(@"\b(?:stowline|picking|packing|order|fulfillment|average)_[a-z_]+\b(?![""|])")]
    private static partial Regex Metrics();

    [GeneratedRegex("_(count|bucket|sum)$")]
    private static partial Regex Suffix();
}
