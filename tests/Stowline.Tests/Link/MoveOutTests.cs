using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Access;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Production;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;
using Stowline.Site.Transfers;
using Stowline.Tests.Kitchen;
using Stowline.Tests.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Link;

/// Goal: a site that has worked at the hub goes on at a node of its own with all that it had, and nothing is lost, doubled or known to whom it does not concern (decision 0028). Method: a hub all in one with
/// its sites and work in every state; the site is moved out, and the real link joins the two, with the line cut where it hurts.
public sealed class MoveOutTests
{
    private const string Code = SiteAtHub.Code;
    private const string Other = SiteAtHub.Other;

    [Theory, EveryDatabase]
    public async Task Work_in_every_state_goes_on_at_the_sites_own_node(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        var orders = new Dictionary<string, string>(await before.FillAsync());
        var leaving = await before.TransferAsync(Code, Other, "A", 5);
        var coming = await before.TransferAsync(Other, Code, "B", 6);
        await before.PickAsync(Other, coming.Id);
        await before.PackAsync(Other, coming.Id, ship: true);
        await before.Node.VerifyAsync();
        orders["late"] = await before.DecideUnreadAsync(orders["cancelling"]);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);

        // Not heard yet: the hub shows what was, and takes nothing for the site any more.
        await nodes.HubTest.VerifyAsync();
        await nodes.Site.VerifyAsync();
        Assert.Equal("site_is_remote", (await nodes.HubTest.RunAsync(Lane.Site(Code), tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 1 }]), tx))).Refusal?.Code);
        Assert.Equal(await StockAsync(nodes.Site, "stock"), await StockAsync(nodes.HubTest, "stock_copies"));
        Assert.Equal(0, await CountAsync(nodes.HubTest, $"picking_tasks WHERE site = '{Code}' AND as_of IS NULL"));
        Assert.Equal(0, await CountAsync(nodes.Site, "picking_tasks WHERE as_of IS NOT NULL"));

        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.Equal(0, await CountAsync(nodes.HubTest, $"movements WHERE site = '{Code}'"));
        Assert.NotEqual(0, await CountAsync(nodes.HubTest, $"movements WHERE site = '{Other}'"));

        // Cut off again, both go on: the hub sells what it was granted, the site ships.
        nodes.Cut();
        orders["cut off"] = (await nodes.OrderAsync("cut off", "A", 2)).Value.Id;
        for (var task = 0; task < 2; task++) Assert.True(await nodes.WorkAsync());
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        Assert.True((await nodes.HubTest.RunAsync(Lane.Hub, tx => ChangeOrder.HoldAsync(Guid.Parse(orders["held"]), false, "go", tx))).IsOk);
        await nodes.DrainAsync();
        while (await nodes.WorkAsync()) await nodes.DrainAsync();
        await PutBackAsync(nodes.Site);
        await CountGoodsAsync(nodes.Site);
        Assert.True((await nodes.Site.RunAsync(Lane.Site(Code), tx => ReceiveTransfer.DecideAsync(Code, new TransferReceiptBody(coming.Number, [new ReceiptLine { Sku = "B", Quantity = 6 }], null), tx))).Value.Arrival.Complete);
        Assert.True((await nodes.HubTest.RunAsync(Lane.Site(Other), tx => ReceiveTransfer.DecideAsync(Other, new TransferReceiptBody(leaving.Number, [new ReceiptLine { Sku = "A", Quantity = 5 }], null), tx))).IsOk);
        await nodes.DrainAsync();

        await nodes.CompareAsync();
        foreach (var (state, id) in orders)
            Assert.Equal((state, state is "cancelling" or "given back" ? OrderStatus.Cancelled : OrderStatus.Shipped), (state, (await nodes.Hub.ReadAsync(id)).Status));
        foreach (var transfer in new[] { leaving, coming })
            Assert.Equal(TransferStatus.Received, (await nodes.HubTest.Database.ReadAsync(async s => await TransferRows.FindAsync(s, Guid.Parse(transfer.Id, CultureInfo.InvariantCulture))))!.Status);
        // 122 with the returned ones, less seven orders of four, one of three, one of two, and five that went away; what was not found in the short pick was counted.
        Assert.Equal(122 - 28 - 3 - 2 - 5, (await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT on_hand FROM site_skus WHERE sku = 'A'"))));
        await nodes.AllServedAsync();
        var packing = await nodes.Site.Database.ReadAsync(async s => await s.FindAsync<Guid>("SELECT id FROM packing_tasks WHERE order_id = @id", new { id = Guid.Parse(orders["late"]) }));
        Assert.Contains("Long Street 1", (await nodes.Site.Database.ReadAsync(s => Labels.RenderAsync(s, Code, packing))).Value);
    }

    private static async Task PutBackAsync(TestNode site)
    {
        foreach (var task in await site.Database.ReadAsync(async s => await s.QueryAsync<Guid>("SELECT id FROM put_back_tasks WHERE completed_at IS NULL")))
            Assert.True((await site.RunAsync(Lane.Site(Code), tx => PutBack.DecideAsync(Code, task, null, tx))).IsOk);
    }

    /// <summary>Whoever is sent to count finds what the books say.</summary>
    private static async Task CountGoodsAsync(TestNode site)
    {
        Task<Outcome<StockTask>> DoAsync(Func<LaneTransaction, ValueTask<Outcome<StockTask>>> decide) => site.RunAsync(Lane.Site(Code), decide);
        foreach (var id in await site.Database.ReadAsync(async s => await s.QueryAsync<Guid>("SELECT id FROM stock_tasks WHERE status IN (1, 2, 3)")))
        {
            await DoAsync(tx => StockTaskSteps.AssignAsync(Code, id, "ana", tx));
            await DoAsync(tx => StockTaskSteps.StartAsync(Code, id, tx));
            var task = Assert.Single(await site.Database.ReadAsync(s => StockTasksTable.PageAsync(s, [id])));
            foreach (var line in task.Lines)
            {
                var there = await site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT on_hand FROM stock WHERE sku = @Sku AND bin = @Bin", new { line.Sku, line.Bin }));
                Assert.True((await DoAsync(tx => RecordLine.CountAsync(Code, id, new CountLineBody { Sku = line.Sku, Bin = line.Bin, Counted = there }, tx))).IsOk);
            }
            Assert.True((await DoAsync(tx => StockTaskSteps.CompleteAsync(Code, id, tx))).IsOk);
        }
    }

    [Theory, EveryDatabase]
    public async Task A_kitchen_takes_its_tickets_along(string store)
    {
        var kitchen = new KitchenNode(await TestNode.StartAsync(store, NodeRole.Hub, new ManualTime(), 1));
        await kitchen.SiteAsync(Code);
        await kitchen.MenuAsync();
        await kitchen.PlanAsync(9, Code);
        var (first, second) = ((await kitchen.PlaceAsync(1)).Value, (await kitchen.PlaceAsync(2, "marg-l")).Value);
        var ticket = await kitchen.TicketAsync(first.Id);
        Assert.True((await kitchen.AtAsync(tx => MoveTickets.BumpAsync(Code, ticket.Id, null, tx), Code)).IsOk);
        await using var nodes = await TwoNodes.MoveOutAsync(kitchen.Test, store);
        await nodes.Site.VerifyAsync();
        nodes.Connect();
        await nodes.DrainAsync();
        foreach (var id in await nodes.Site.Database.ReadAsync(async s => await s.QueryAsync<Guid>("SELECT id FROM tickets")))
            for (var bump = 0; bump < 4; bump++) await nodes.Site.RunAsync(Lane.Site(Code), tx => MoveTickets.BumpAsync(Code, id, null, tx));
        await nodes.DrainAsync();
        foreach (var order in new[] { first, second }) Assert.Equal(OrderStatus.Delivered, (await kitchen.ReadAsync(order.Id)).Status);
        Assert.Equal((0, 2), (await CountAsync(nodes.HubTest, "tickets"), await CountAsync(nodes.Site, "tickets")));
        await nodes.HubTest.VerifyAsync();
        await nodes.Site.VerifyAsync();
    }

    /// Goal: nothing but the site's own crosses. Method: every table of the new node is looked at for rows of others, and everything that is the hub's alone must be empty.
    [Theory, EveryDatabase]
    public async Task The_site_is_told_what_is_its_own_and_nothing_else(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        await before.OrderAsync("theirs", 2, "B", "bea@example.com");
        await before.OrderAsync("ours", 2, "A", "ana@example.com");
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        Assert.Equal(["hub/WH2", "hub/all", "site/WH2"], (await nodes.Site.Database.ReadAsync(Replicas.PointsAsync)).Keys.Order(StringComparer.Ordinal));
        foreach (var table in new[] { "orders", "order_parts", "allotments", "access_keys", "transfers", "carrier_secrets", "stock_copies" }) Assert.Equal((table, 0), (table, await CountAsync(nodes.Site, table)));
        Assert.Equal(0, await CountAsync(nodes.Site, "events WHERE lane_id NOT IN (SELECT id FROM lanes)"));
        Assert.Equal(1, await CountAsync(nodes.Site, "people"));
        foreach (var table in nodes.HubTest.Node.Modules.SelectMany(m => m.SiteTables).Where(t => t.Of.StartsWith("site =", StringComparison.Ordinal)))
            Assert.Equal((table.Name, 0), (table.Name, await CountAsync(nodes.Site, $"{table.Name} WHERE site <> '{Code}'")));
        Assert.Equal((1, 1), (await CountAsync(nodes.Site, "picking_tasks"), await CountAsync(nodes.HubTest, $"picking_tasks WHERE site = '{Other}'")));
    }

    /// Goal: whoever adds a table to a site's module says what becomes of it. Method: the migrations of the sites' modules against what the modules tell.
    [Fact]
    public void No_table_of_a_site_is_forgotten()
    {
        var folder = Path.Combine(House.Repository.Find(), "src", "Stowline", "Site");
        var made = Directory.EnumerateFiles(folder, "*.sql", SearchOption.AllDirectories)
            .SelectMany(f => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(f), @"CREATE TABLE (\w+)").Select(m => m.Groups[1].Value));
        Assert.Equal(made.Order(StringComparer.Ordinal), Node.AllModules().SelectMany(m => m.SiteTables).Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [Theory, EveryDatabase]
    public async Task What_was_interrupted_is_done_again_until_the_node_was_heard(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        await before.OrderAsync("1", 2);
        Task<Outcome<MovedOutSite>> MoveAsync(TestNode hub, string site = Code) => hub.PumpUntilAsync(MoveOutSite.RunAsync(hub.Node, site, TestNode.Tester));
        async Task<bool> IsGoodAsync(TestNode hub, string key) =>
            await hub.Node.Modules.OfType<AccessModule>().Single().Ring.FindAsync(hub.Database, SiteKey.Read(key)!.Value.Key, default) is not null;
        Assert.Equal("site_not_found", (await MoveAsync(before.Node, "WH9")).Refusal?.Code);
        Assert.Equal("invalid_request", (await MoveAsync(before.Node, "?")).Refusal?.Code);
        var first = (await MoveAsync(before.Node)).Value;
        // The hub ends before anybody has the file.
        await using var nodes = await TwoNodes.MoveOutAsync(await before.Node.RestartAsync(7), seed: 3);
        await nodes.HubTest.VerifyAsync();
        Assert.Equal("site_is_moving_out", (await nodes.HubTest.PumpUntilAsync(JoinSite.RunAsync(nodes.HubTest.Node, Code, TestNode.Tester))).Refusal?.Code);
        var second = (await MoveAsync(nodes.HubTest)).Value;
        Assert.Equal((false, true, first.MovedAt, first.Number), (await IsGoodAsync(nodes.HubTest, first.Key), await IsGoodAsync(nodes.HubTest, second.Key), second.MovedAt, second.Number));
        await using (var again = await TwoNodes.FromHubAsync(nodes.HubTest, store, 9)) Assert.Equal(await StockAsync(nodes.Site, "stock"), await StockAsync(again, "stock"));
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal("site_is_remote", (await MoveAsync(nodes.HubTest)).Refusal?.Code);
        Assert.Equal("not_moved_out", (await MoveOutSite.WriteAsync(nodes.HubTest.Node, Code, Stream.Null)).Refusal?.Code);
        Assert.True((await nodes.HubTest.PumpUntilAsync(JoinSite.RunAsync(nodes.HubTest.Node, Code, TestNode.Tester))).IsOk); // a lost key is made anew as ever
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
    }

    [Theory, EveryDatabase]
    public async Task Rows_of_stock_go_along_with_all_their_receipts(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        for (var day = 0; day < 3; day++)
        {
            before.Node.Time.Advance(TimeSpan.FromDays(1));
            Assert.True((await before.AtAsync(Code, tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 5 }]), tx))).IsOk);
        }
        static Task<IReadOnlyList<string>> NewerAsync(TestNode node) =>
            node.Database.ReadAsync(async s => await s.QueryAsync<string>($"SELECT sku || bin || ' ' || newer FROM stock WHERE site = '{Code}' AND newer IS NOT NULL ORDER BY 1"));
        var rows = await NewerAsync(before.Node);
        Assert.NotEmpty(rows);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        Assert.Equal(rows, await NewerAsync(nodes.Site));
        await nodes.Site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_archived_beginning_of_the_lanes_stays_at_the_hub(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        var done = await before.OrderAsync("1", 2);
        await before.PickAsync(Code, done);
        await before.PackAsync(Code, done, ship: true);
        before.Node.Time.Advance(TimeSpan.FromDays(30));
        await before.OrderAsync("2", 3);
        // Cursors are written down every two thousand events that nobody wants; here there are fewer.
        await using (var session = await before.Node.Database.OpenAsync(readOnly: false, default))
            foreach (var consumer in before.Node.Node.Consumers)
                await session.ExecuteAsync("""
                    INSERT INTO cursors (consumer, lane_id, position) SELECT @consumer, id, head_position FROM lanes WHERE name = @lane
                    ON CONFLICT (consumer, lane_id) DO UPDATE SET position = excluded.position
                    """, new { consumer = consumer.Consumer.Name, lane = consumer.Source.Name });
        before = new SiteAtHub(await before.Node.RestartAsync(5));
        var folder = Directory.CreateTempSubdirectory("stowline-archive-");
        var archive = new LogArchive(before.Node.Node, folder.FullName);
        foreach (var lane in new[] { "hub/WH2", "site/WH2" })
            Assert.NotEqual(0, await before.Node.PumpUntilAsync(archive.StepAsync(lane, before.Node.Time.GetUtcNow().AddDays(-1), default)));
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        await nodes.Site.VerifyAsync(); // the chain goes on from the checkpoint
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        Assert.Equal(2, await CountAsync(nodes.Site, "shipments"));
        folder.Delete(recursive: true);
    }

    [Theory, EveryDatabase]
    public async Task Numbers_go_on_where_they_stood(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        Task<Outcome<long>> NextAsync(TestNode node, string kind) => node.RunAsync<long>(Lane.Site(Code), async tx => await tx.NextNumberAsync(kind, Lane.Site(Code)) % 10_000_000_000L);
        Assert.Equal(1, (await NextAsync(before.Node, "known")).Value);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node, store);
        // Nothing that the hub gave out is forgotten, so nothing is left out, as after a restore: a carrier's range may be a hundred numbers long.
        Assert.Equal((2L, 1L), ((await NextAsync(nodes.Site, "known")).Value, (await NextAsync(nodes.Site, "new")).Value));
    }

    [Theory, EveryDatabase]
    public async Task Carriers_go_along_without_what_opens_their_doors(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        var carriers = before.Node.Node.Modules.OfType<CarrierModule>().Single();
        carriers.Target.AllowPrivate = true;
        before.Node.Node.Secrets = SecretBox.Of(new byte[32]);
        var body = new CarrierBody
        {
            Profile = "yun_express", Url = "http://127.0.0.1:9", Settings = System.Text.Json.JsonDocument.Parse("""{"method":"HKTHZXR"}""").RootElement,
            Secrets = new Dictionary<string, string?> { ["customer_code"] = "C1", ["api_secret"] = "yun-secret" },
        };
        Assert.True((await before.AtAsync(Code, tx => SaveCarrier.DecideAsync(Code, "yun", body, carriers, tx))).IsOk);
        await before.AtAsync<Done>(Code, async tx =>
        {
            await tx.ExecuteAsync("UPDATE carriers SET failures = 9, failing_since = @now", new { now = tx.Now });
            return new Done();
        });
        Task<IReadOnlyList<(string Site, string Carrier, DateTimeOffset? Since, string? Error)>> SilentAsync(TestNode node) => node.Database.ReadAsync(Bookings.UnavailableAsync);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        Assert.Equal("yun", Assert.Single(await SilentAsync(nodes.HubTest)).Carrier); // its own row, still
        nodes.Connect();
        await nodes.DrainAsync();
        Assert.Equal("yun", Assert.Single(await SilentAsync(nodes.HubTest)).Carrier); // its copy
        Assert.Equal((0, 0, 1), (await CountAsync(nodes.HubTest, "carriers"), await CountAsync(nodes.HubTest, "carrier_secrets"), await CountAsync(nodes.HubTest, "carrier_trouble_copies")));
        Assert.Equal((1, 0), (await CountAsync(nodes.Site, "carriers"), await CountAsync(nodes.Site, "carrier_secrets")));
        await nodes.CompareAsync();
    }

    /// Goal: a command that was given before the hand-over and has its turn after it does nothing. Method: both wait for the same writer.
    [Theory, EveryDatabase]
    public async Task What_waited_during_the_hand_over_is_refused(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        await using var hub = before.Node;
        Task<Outcome<Receipt>> ReceiveAsync() => hub.Lanes.ExecuteAsync(Lane.Site(Code), TestNode.Tester, tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 7 }]), tx));
        Task<Outcome<LabelSettingsView>> SettingsAsync() => hub.Lanes.ExecuteAsync(Lane.Site(Code), TestNode.Tester, tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Sender = ["Shop"] }, tx));
        var early = ReceiveAsync();
        var moving = MoveOutSite.RunAsync(hub.Node, Code, TestNode.Tester);
        var (late, silent) = (ReceiveAsync(), SettingsAsync()); // the second tells no event
        Assert.True((await hub.PumpUntilAsync(moving)).IsOk);
        Assert.Equal((true, "site_is_remote", "site_is_remote"), ((await hub.PumpUntilAsync(early)).IsOk, (await late).Refusal?.Code, (await silent).Refusal?.Code));
        await using var site = await TwoNodes.FromHubAsync(hub, "sqlite", 1);
        Assert.Equal((107L, 0), (await site.Database.ReadAsync(async s => await s.FindAsync<long>("SELECT on_hand FROM site_skus WHERE sku = 'A'")), await CountAsync(site, "label_settings")));
        await site.VerifyAsync();
        await hub.VerifyAsync();
    }

    /// Goal: another process on the hub's database, which has not heard of it, cannot write for the site either; nor do its consumers. Method: two processes, of which the second never looks around.
    [SkippableTheory]
    [InlineData("postgres")] // SQLite has one process at a time
    [Trait("Needs", "server")]
    public async Task A_second_process_is_fenced(string store)
    {
        var before = await SiteAtHub.StartAsync(store);
        var beside = await before.Node.BesideAsync();
        await before.DecideUnreadAsync(await before.OrderAsync("1", 2));
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node);
        var lane = (await nodes.HubTest.Database.ReadAsync(Replicas.PointsAsync))["site/WH2"];
        Assert.False(beside.Node.IsRemote(Code));
        var written = beside.Lanes.ExecuteAsync(Lane.Site(Code), TestNode.Tester, tx => ReceiveStock.DecideAsync(Code, new ReceiptBody("PO", [new ReceiptLine { Sku = "A", Quantity = 7 }]), tx));
        var silent = beside.Lanes.ExecuteAsync(Lane.Site(Code), TestNode.Tester, tx => LabelSettings.DecideAsync(Code, new LabelSettingsBody { Sender = ["Shop"] }, tx)); // tells no event
        foreach (var writer in beside.Lanes.Writers.ToArray()) await writer.RunOnceAsync(default);
        Assert.Equal(("site_is_remote", "site_is_remote"), ((await written).Refusal?.Code, (await silent).Refusal?.Code));
        await Assert.ThrowsAsync<ConsumerStalledException>(beside.DrainAsync); // its consumers try, and are let do nothing
        await beside.Node.Pumps.Single(p => p.Name == "site watch").RunOnceAsync(default);
        Assert.True(beside.Node.IsRemote(Code));
        await beside.DrainAsync();
        Assert.Equal(lane, (await nodes.HubTest.Database.ReadAsync(Replicas.PointsAsync))["site/WH2"] with { Hash = lane.Hash });
        Assert.Equal(0, await CountAsync(nodes.HubTest, "parked_events"));
        nodes.Connect();
        await nodes.DrainAsync();
        await beside.DrainAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await beside.Node.DisposeAsync();
    }

    /// Goal: whatever was going on when the site was moved out, and whatever the line and the power do afterwards. Method: a seed decides; in the end the books of both are compared to the unit.
    [Theory, MemberData(nameof(Seeds))]
    public async Task Anything_may_happen_before_and_after(string store, int seed)
    {
        var before = await SiteAtHub.StartAsync(store, seed);
        var random = new Random(seed);
        var orders = new List<string>();
        for (var i = 0; i < 25; i++)
        {
            switch (random.Next(6))
            {
                case 0 or 1 or 2: if (await before.TryOrderAsync($"b{i}", random.Next(1, 5)) is { } placed) orders.Add(placed); break;
                case 3 when orders.Count > 0: await before.CancelAsync(orders[random.Next(orders.Count)]); break;
                case 4 when await OpenAsync(before.Node) is { } open: await before.PickAsync(Code, open.OrderId.ToString(), random.Next(1, 6), random.Next(2) == 0, open.Part); break;
                case 5: await before.ReceiveAsync(Code, "A", random.Next(1, 5)); break;
            }
        }
        if (orders.Count > 0 && random.Next(2) == 0) await before.DecideUnreadAsync(orders[^1]);
        await using var nodes = await TwoNodes.MoveOutAsync(before.Node, seed: seed);
        (nodes.Lost, nodes.Doubled, nodes.Late) = (random.Next(15), random.Next(15), random.Next(30));
        for (var i = 0; i < 40; i++)
        {
            switch (random.Next(9))
            {
                case 0: await nodes.ReceiveAsync("A", random.Next(1, 8)); break;
                case 1 or 2: await nodes.OrderAsync($"a{i}", "A", random.Next(1, 5)); break;
                case 3: if (orders.Count > 0) await nodes.CancelAsync(orders[random.Next(orders.Count)]); break;
                case 4 or 5: await nodes.WorkAsync(random.Next(4) == 0 ? 0.5 : 1); break;
                case 6: nodes.Cut(); break;
                case 7: nodes.Connect(); break;
                case 8: if (random.Next(2) == 0) await nodes.RestartHubAsync(); else await nodes.RestartSiteAsync(); break;
            }
            for (var step = random.Next(4); step > 0; step--) await nodes.StepAsync();
        }
        (nodes.Lost, nodes.Doubled, nodes.Late) = (0, 0, 0);
        nodes.Connect();
        await nodes.DrainAsync();
        await nodes.CompareAsync();
        await nodes.WorkOffAsync();
        await nodes.CompareAsync();
        await nodes.AllServedAsync();
    }

    public static TheoryData<string, int> Seeds
    {
        get
        {
            var seeds = new TheoryData<string, int>();
            for (var seed = 1; seed <= 12; seed++) seeds.Add("sqlite", seed);
            if (EveryDatabaseAttribute.Postgres is not null) seeds.Add("postgres", 20);
            return seeds;
        }
    }

    // ---- looking

    private sealed record Open { public Guid OrderId { get; init; } public int Part { get; init; } }

    private static Task<Open?> OpenAsync(TestNode node) => node.Database.ReadAsync(async s =>
        await s.FindAsync<Open>($"SELECT order_id, part FROM picking_tasks WHERE site = '{Code}' AND status IN (1, 2, 3) ORDER BY id LIMIT 1"));

    private static Task<int> CountAsync(TestNode node, string where) => node.Database.ReadAsync(async s => (int)await s.FindAsync<long>("SELECT COUNT(*) FROM " + where));

    private sealed record Row { public string Sku { get; init; } = ""; public string Bin { get; init; } = ""; public long OnHand { get; init; } public long Damaged { get; init; } }

    private static Task<IReadOnlyList<Row>> StockAsync(TestNode node, string table) =>
        node.Database.ReadAsync(async s => await s.QueryAsync<Row>($"SELECT sku, bin, on_hand, damaged FROM {table} WHERE site = '{Code}' AND on_hand > 0 ORDER BY sku, bin, lot"));
}
