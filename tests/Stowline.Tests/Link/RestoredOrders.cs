using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: after a restore of the hub no order is between its sites: what only some of them have heard of is told to all, and what none of them has is routed anew. Method: orders with a part at
/// WH1, which is the hub's own and as old as its backup, and one at WH2, whose node remembers what it was told since.
public class RestoredOrders
{
    [Theory, EveryDatabase]
    public async Task A_part_is_not_held_for_ever_because_only_another_site_has_heard_of_the_release(string store)
    {
        await using var nodes = await StartAsync(store);
        var order = await OrderAtBothAsync(nodes);
        await HoldAsync(nodes, order, true);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await HoldAsync(nodes, order, false);
        await nodes.DrainAsync();

        await RestoreAsync(nodes, backup);
        Assert.False((await nodes.Hub.ReadAsync(order)).OnHold);
        Assert.Equal((0, 0), (await HeldAsync(nodes.HubTest), await HeldAsync(nodes.Site)));
    }

    [Theory, EveryDatabase]
    public async Task A_hold_of_which_only_one_site_has_heard_holds_at_all_and_can_be_released(string store)
    {
        await using var nodes = await StartAsync(store);
        var order = await OrderAtBothAsync(nodes);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await HoldAsync(nodes, order, true);
        await nodes.DrainAsync();

        await RestoreAsync(nodes, backup);
        Assert.True((await nodes.Hub.ReadAsync(order)).OnHold);
        Assert.Equal((1, 1), (await HeldAsync(nodes.HubTest), await HeldAsync(nodes.Site)));
        await HoldAsync(nodes, order, false);
        await nodes.DrainAsync();
        Assert.Equal((0, 0), (await HeldAsync(nodes.HubTest), await HeldAsync(nodes.Site)));
    }

    /// A part that was assigned on hold says so, too: the hold itself may have been told to nobody who remembers it.
    [Theory, EveryDatabase]
    public async Task A_part_that_came_to_its_site_on_hold_puts_its_order_on_hold_again(string store)
    {
        await using var nodes = await StartAsync(store);
        await ReceiveAtHubAsync(nodes, "A", 2);
        var order = (await nodes.Hub.PlaceAsync(nodes.Hub.Order("1", [("A", 2), ("B", 3)], b => b with { Backorder = true }).Value)).Value.Id;
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await HoldAsync(nodes, order, true);
        await nodes.ReceiveAsync("B", 3);
        await nodes.DrainAsync();

        await RestoreAsync(nodes, backup);
        Assert.True((await nodes.Hub.ReadAsync(order)).OnHold);
        Assert.Equal((1, 1), (await HeldAsync(nodes.HubTest), await HeldAsync(nodes.Site)));
        Assert.Equal(5, await UnitsAsync(nodes, order));
    }

    [Theory, EveryDatabase]
    public async Task A_cancellation_of_which_one_site_has_heard_is_asked_of_the_others(string store)
    {
        await using var nodes = await StartAsync(store);
        var order = await OrderAtBothAsync(nodes);
        await HoldAsync(nodes, order, true); // so that nobody can have shipped it
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await nodes.CancelAsync(order);
        await nodes.DrainAsync();

        await RestoreAsync(nodes, backup);
        Assert.Equal(OrderStatus.Cancelled, (await nodes.Hub.ReadAsync(order)).Status);
        Assert.Equal((10, 10), (await nodes.Hub.AvailableAsync("A"), await nodes.Hub.AvailableAsync("B")));
    }

    [Theory, EveryDatabase]
    public async Task What_no_site_has_a_part_for_is_routed_anew(string store)
    {
        await using var nodes = await StartAsync(store);
        await ReceiveAtHubAsync(nodes, "A", 10);
        await nodes.ReceiveAsync("B", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var order = (await nodes.Hub.PlaceAsync("1", ("A", 2), ("B", 3))).Value.Id;
        await nodes.DrainAsync();

        await RestoreAsync(nodes, backup);
        var parts = (await nodes.Hub.ReadAsync(order)).Parts;
        Assert.Equal(["WH1 A 2", "WH2 B 3"], parts.Select(p => $"{p.Site} {p.Lines.Single().Sku} {p.Lines.Single().Quantity}").Order());
        Assert.Equal((8, 7), (await nodes.Hub.AvailableAsync("A"), await nodes.Hub.AvailableAsync("B")));
        Assert.Equal(1, await nodes.HubTest.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT COUNT(*) FROM picking_tasks WHERE site = 'WH1'")));
    }

    /// Goal: an order whose placing was lost is answered like any other, and why it came to its site is no error but not known. Method: the operator's and a stranger's calls over HTTP.
    [Theory, EveryDatabase]
    public async Task An_order_that_its_site_gave_back_has_a_timeline_and_no_decision(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var order = (await nodes.OrderAsync("2024/17", "A", 2)).Value.Id;
        await nodes.DrainAsync();
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();

        await using var http = await TestHttp.StartAsync(nodes.HubTest);
        async Task<(int, string, bool)> ConfirmAsync(string body)
        {
            using var answer = await http.SendAsync("POST", $"links/{TwoNodes.Code}/repair", body, "once");
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers.Contains("Idempotent-Replayed"));
        }
        var confirmed = await ConfirmAsync("{}");
        Assert.Equal((200, false), (confirmed.Item1, confirmed.Item3));
        Assert.Equal(confirmed with { Item3 = true }, await ConfirmAsync("{}"));
        Assert.Equal(422, (await ConfirmAsync("""{"exclude":true}""")).Item1);
        await nodes.DrainAsync();

        foreach (var name in new[] { order, $"web:2024%2F17" })
        {
            Assert.Equal(order, (await http.CallAsync("GET", $"orders/{name}")).Body.GetProperty("id").GetString());
            Assert.NotEmpty((await http.CallAsync("GET", $"orders/{name}/timeline")).Body.GetProperty("items").EnumerateArray());
            var (status, problem) = await http.CallAsync("GET", $"orders/{name}/decision");
            Assert.Equal((404, "decision_not_found"), (status, problem.GetProperty("code").GetString()));
        }
    }

    /// Goal: at a site, work is found by the order's names too, though the order itself is the hub's.
    [Theory, EveryDatabase]
    public async Task The_node_of_a_site_knows_orders_by_the_names_of_their_parts(string store)
    {
        await using var nodes = await TwoNodes.StartAsync(store, store);
        nodes.Connect();
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var order = (await nodes.OrderAsync("2024/17", "A", 2)).Value;
        await nodes.OrderAsync("2", "A", 1);
        await nodes.DrainAsync();
        foreach (var node in new[] { nodes.Site, nodes.HubTest })
        {
            await using var http = await TestHttp.StartAsync(node);
            foreach (var name in new[] { order.Id, $"{order.Number}", $"{order.Channel}:2024/17" })
                Assert.Equal(order.Id, Assert.Single((await http.CallAsync("GET", "picking-tasks?order=" + name)).Body.GetProperty("items").EnumerateArray()).GetProperty("order_id").GetString());
            foreach (var unknown in new[] { $"{order.Channel}:none", "none:2024/17", "4711" })
                Assert.Empty((await http.CallAsync("GET", "picking-tasks?order=" + unknown)).Body.GetProperty("items").EnumerateArray());
        }
    }

    [Theory, EveryDatabase]
    public async Task What_waited_for_stock_and_came_from_two_sites_is_neither_doubled_nor_lost(string store)
    {
        await using var nodes = await StartAsync(store);
        var order = (await nodes.Hub.PlaceAsync(nodes.Hub.Order("1", [("A", 4)], b => b with { Backorder = true }).Value)).Value.Id;
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        await ReceiveAtHubAsync(nodes, "A", 2);
        await nodes.ReceiveAsync("A", 2);
        await nodes.DrainAsync();
        Assert.Equal(2, (await nodes.Hub.ReadAsync(order)).Parts.Count);

        await RestoreAsync(nodes, backup);
        Assert.Equal(4, await UnitsAsync(nodes, order));
        Assert.Equal(2, (await nodes.Hub.ReadAsync(order)).Parts.Where(p => p is { Site: null, Status: OrderStatus.Backorder }).Sum(p => p.Lines.Sum(l => l.Quantity)));
        await ReceiveAtHubAsync(nodes, "A", 2);
        await nodes.DrainAsync();
        Assert.Equal(4, await UnitsAsync(nodes, order));
        Assert.DoesNotContain((await nodes.Hub.ReadAsync(order)).Parts, p => p.Status == OrderStatus.Backorder);
        await nodes.HubTest.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_task_that_comes_back_to_its_restored_site_is_on_hold_as_its_part_is(string store)
    {
        await using var nodes = await StartAsync(store);
        var order = (await nodes.OrderAsync("1", "A", 2, b => b with { Backorder = true })).Value.Id;
        await HoldAsync(nodes, order, true);
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.Site);
        await nodes.ReceiveAsync("A", 2);
        await nodes.DrainAsync();
        Assert.Equal(1, await HeldAsync(nodes.Site));

        await nodes.RestoreSiteAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.Site)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(1, await HeldAsync(nodes.Site));
        await nodes.CompareAsync();
    }

    /// The simulator found this as parts that never end (seeds 50215, 50254 and 50397 of its time): a release asked for during the repair was answered "it is not on hold", or "there is no such order",
    /// as the backup had it; then the hold came back, and nobody asked again.
    [Theory, EveryDatabase]
    public async Task Nothing_is_answered_from_the_backup_while_a_restored_node_waits(string store)
    {
        await using var nodes = await StartAsync(store);
        await nodes.ReceiveAsync("A", 10);
        await nodes.DrainAsync();
        var known = (await nodes.OrderAsync("1", "A", 2)).Value.Id;
        await nodes.DrainAsync();
        var backup = await nodes.BackUpAsync(nodes.HubTest);
        var forgotten = (await nodes.OrderAsync("2", "A", 3)).Value.Id;
        foreach (var order in new[] { known, forgotten }) await HoldAsync(nodes, order, true);
        await nodes.DrainAsync();

        await nodes.RestoreHubAsync(backup);
        Task<Outcome<OrderView>> ReleaseAsync(string order) => nodes.HubTest.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(Guid.Parse(order), false, null, tx));
        foreach (var order in new[] { known, forgotten }) Assert.Equal("restored", (await ReleaseAsync(order)).Refusal?.Code);
        nodes.Connect();
        await nodes.HearAsync();
        foreach (var order in new[] { known, forgotten }) Assert.Equal("restored", (await ReleaseAsync(order)).Refusal?.Code);
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(2, await HeldAsync(nodes.Site));
        foreach (var order in new[] { known, forgotten }) Assert.True((await ReleaseAsync(order)).IsOk);
        await nodes.DrainAsync();
        Assert.Equal(0, await HeldAsync(nodes.Site));
        await nodes.CompareAsync();
    }

    // ---- what they share

    private static async Task<TwoNodes> StartAsync(string store)
    {
        var nodes = await TwoNodes.StartAsync(store);
        await nodes.Hub.SiteAsync("WH1");
        nodes.Connect();
        await nodes.DrainAsync();
        return nodes;
    }

    /// <summary>An order of which A is at WH1 and B at WH2.</summary>
    private static async Task<string> OrderAtBothAsync(TwoNodes nodes)
    {
        await ReceiveAtHubAsync(nodes, "A", 10);
        await nodes.ReceiveAsync("B", 10);
        await nodes.DrainAsync();
        return (await nodes.Hub.PlaceAsync("1", ("A", 2), ("B", 3))).Value.Id;
    }

    private static async Task ReceiveAtHubAsync(TwoNodes nodes, string sku, int quantity)
    {
        var receipt = new ReceiptBody("PO", [new ReceiptLine { Sku = sku, Quantity = quantity }]);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site("WH1"), tx => ReceiveStock.DecideAsync("WH1", receipt, tx))).IsOk);
    }

    private static async Task HoldAsync(TwoNodes nodes, string order, bool hold) =>
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(Guid.Parse(order), hold, null, tx))).IsOk);

    /// <summary>The hub comes back from its backup, hears its site, and goes on; then both rest.</summary>
    private static async Task RestoreAsync(TwoNodes nodes, string backup)
    {
        await nodes.RestoreHubAsync(backup);
        nodes.Connect();
        await nodes.HearAsync();
        Assert.True((await TwoNodes.ConfirmAsync(nodes.HubTest)).IsOk);
        await nodes.DrainAsync();
        await nodes.HubTest.VerifyAsync();
        await nodes.Site.VerifyAsync();
    }

    /// <summary>The picking tasks at a node's own site that are on hold.</summary>
    private static Task<long> HeldAsync(TestNode node) => node.Database.ReadAsync(async s => await s.FindAsync<long>(
        "SELECT COUNT(*) FROM picking_tasks t JOIN fulfillment_orders f ON f.order_id = t.order_id AND f.part = t.part WHERE t.on_hold = @yes AND f.on_hold = @yes", new { yes = true }));

    /// <summary>The units of an order's live parts.</summary>
    private static async Task<int> UnitsAsync(TwoNodes nodes, string order) =>
        (await nodes.Hub.ReadAsync(order)).Parts.Where(p => p.Status is not (OrderStatus.Cancelled or OrderStatus.Short)).Sum(p => p.Lines.Sum(l => l.Quantity));
}
