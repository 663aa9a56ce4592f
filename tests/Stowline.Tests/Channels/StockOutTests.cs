using Stowline.Contracts;
using Stowline.Hub.Channels;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Stowline.Tests.Support;
using Xunit.Abstractions;

namespace Stowline.Tests.Channels;

/// Goal: what a marketplace shows is what may be sold through it, whatever it does (S1–S4, S8). Method: a double of Allegro on a real port, virtual time, the real pumps and SQL.
[Trait("Needs", "server")]
public class StockOutTests(ITestOutputHelper output)
{
    [Theory, EveryDatabase]
    public async Task What_may_be_promised_is_shown_there_and_what_was_acknowledged_is_known(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 2);
        await node.Hub.GrantAsync("WH1", "S1", 7);
        await node.Hub.GrantAsync("WH1", "S2", 3);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 7 && node.Allegro.StockOf("offer-S2") == 3, TimeSpan.FromSeconds(15));
        await node.Hub.PlaceAsync("w1", ("S1", 2));
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(5, await node.ReadAsync<long>("SELECT acknowledged FROM channel_offers WHERE offer = 'offer-S1'"));
        var last = (await node.OperationsAsync("offer = 'offer-S1'"))[^1];
        Assert.Equal((OperationType.Deduction, OperationStatus.Completed, 5L, (long?)7L), (last.OperationType, last.Status, last.Quantity, last.Previous));
        var log = await node.Hub.Test.Database.ReadAsync(s => SyncLog.OfAsync(s, last.Id));
        Assert.Equal(["created", "sync_success", "reported", "completed"], log.Select(l => l.Action));
        Assert.NotNull(log[1].ExecutionTimeMs);
        await node.Hub.Test.VerifyAsync();
    }

    /// Method: a fifth of all calls fails, in every way, while stock sinks order by order; then it recovers.
    [Theory, EveryDatabase]
    public async Task A_marketplace_that_fails_a_fifth_of_its_calls_loses_nothing_and_is_right_within_a_minute(string store)
    {
        const int skus = 12;
        await using var node = await ChannelNode.StartAsync(store, skus, new ChannelSettings { Orders = false });
        for (var i = 1; i <= skus; i++) await node.Hub.GrantAsync("WH1", $"S{i}", 100 + i);
        var random = new Random(5);
        node.Allegro.Misbehaves = (_, _) => random.NextDouble() < 0.8 ? Fault.None : (Fault)(1 + random.Next(3));
        var orders = 0;
        await node.PassAsync(TimeSpan.FromMinutes(12), TimeSpan.FromSeconds(6), async () =>
        {
            Assert.True((await node.Hub.PlaceAsync($"o{++orders}", ($"S{1 + random.Next(skus)}", 1), ($"S{1 + random.Next(skus)}", 1))).IsOk);
        });

        node.Allegro.Misbehaves = (_, _) => Fault.None;
        var shares = new Dictionary<string, long>();
        for (var i = 1; i <= skus; i++) shares[$"offer-S{i}"] = await node.Hub.AvailableAsync($"S{i}");
        var took = await node.UntilAsync(() => shares.All(s => node.Allegro.StockOf(s.Key) == s.Value), TimeSpan.FromSeconds(60));
        await node.PassAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(5));

        // Nothing was lost: all that was begun has ended, and what was superseded was by something newer.
        var operations = await node.OperationsAsync();
        Assert.All(operations, o => Assert.True(o.Status == OperationStatus.Completed || o.Status == OperationStatus.Cancelled && o.ErrorMessage!.StartsWith("superseded", StringComparison.Ordinal), $"{o.Offer} {o.Status} {o.ErrorMessage}"));
        Assert.Contains(operations, o => o.FirstFailedAt is not null);
        // Stock only sank, so an older quantity after a newer one would have made it rise.
        foreach (var offer in node.Allegro.Set.GroupBy(s => s.Offer)) Assert.Equal(offer.Select(s => s.Quantity).OrderDescending(), offer.Select(s => s.Quantity));
        var retried = operations.Where(o => o is { FirstFailedAt: not null, CompletedAt: not null }).Select(o => (o.CompletedAt!.Value - o.FirstFailedAt!.Value).TotalSeconds).ToList();
        Assert.True(retried.Average() < 300, $"mean retry {retried.Average()} s");
        output.WriteLine($"{store}: {operations.Count} operations, {retried.Count} retried, mean {retried.Average():0.0} s, right {took.TotalSeconds:0} s after recovery, {node.Allegro.Calls} calls");
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_outage_that_outlasts_every_retry_heals_by_itself(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false });
        node.Allegro.Misbehaves = (_, _) => Fault.Error500;
        await node.Hub.GrantAsync("WH1", "S1", 9);
        await node.PassAsync(TimeSpan.FromHours(3), TimeSpan.FromSeconds(20));
        var failed = Assert.Single(await node.OperationsAsync());
        Assert.True(failed.Status is OperationStatus.Failed or OperationStatus.Pending, $"{failed.Status}");
        Assert.NotNull((await node.ReadAsync<DateTimeOffset?>("SELECT failing_since FROM channel_accounts")));

        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 9, TimeSpan.FromSeconds(60));
        await node.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(OperationStatus.Completed, Assert.Single(await node.OperationsAsync()).Status);
        Assert.Null((await node.ReadAsync<DateTimeOffset?>("SELECT failing_since FROM channel_accounts")));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_command_whose_answer_was_lost_is_asked_about_and_newer_stock_waits_for_it(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false });
        await node.Hub.GrantAsync("WH1", "S1", 5);
        var lost = 0;
        node.Allegro.Misbehaves = (method, _) => method == "PUT" && lost++ == 0 ? Fault.LostAfter : Fault.None;
        await node.UntilAsync(() => node.Allegro.Puts.Count == 1, TimeSpan.FromSeconds(10));
        await node.Hub.PlaceAsync("w1", ("S1", 1));
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 4, TimeSpan.FromMinutes(3));

        Assert.Equal(2, node.Allegro.Puts.Distinct().Count());
        Assert.Equal(2, node.Allegro.Puts.Count); // the first was never given again: it had arrived
        Assert.Equal([5L, 4L], node.Allegro.Set.Select(s => s.Quantity));
        await node.PassAsync(TimeSpan.FromSeconds(5));
        Assert.All(await node.OperationsAsync(), o => Assert.Equal(OperationStatus.Completed, o.Status));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_offer_that_is_refused_fails_alone_by_the_schedule_and_an_operator_can_try_again(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 2, new ChannelSettings { Orders = false });
        node.Allegro.Refuses.Add("offer-S2");
        await node.Hub.GrantAsync("WH1", "S1", 5);
        await node.Hub.GrantAsync("WH1", "S2", 5);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(10));
        var first = Assert.Single(await node.OperationsAsync("offer = 'offer-S2'"));
        Assert.Equal((OperationStatus.Pending, 1, "Allegro says: the offer is frozen"), (first.Status, first.RetryCount, first.ErrorMessage));
        Assert.InRange((first.NextRetryAt - first.UpdatedAt).TotalSeconds, 47, 73);

        // 60, 120, 240, 480 and 960 seconds, each up to a fifth longer, are done within an hour.
        await node.PassAsync(TimeSpan.FromMinutes(60), TimeSpan.FromSeconds(10));
        var failed = Assert.Single(await node.OperationsAsync("offer = 'offer-S2'"));
        Assert.Equal((OperationStatus.Failed, 5), (failed.Status, failed.RetryCount));
        Assert.Equal(5, (await node.Hub.Test.Database.ReadAsync(s => SyncLog.OfAsync(s, failed.Id))).Count(l => l.Action == "retry"));

        node.Allegro.Refuses.Clear();
        Assert.True((await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.RetryAsync(failed.Id.ToString(), node.Module, tx))).IsOk);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S2") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(5));
        var again = await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.RetryAsync(failed.Id.ToString(), node.Module, tx));
        Assert.Equal("invalid_transition", again.Refusal!.Code);
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_is_cancelled_before_it_arrived_is_never_set(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false });
        node.Allegro.Misbehaves = (method, _) => method == "PUT" ? Fault.Error500 : Fault.None;
        await node.Hub.GrantAsync("WH1", "S1", 5);
        await node.UntilAsync(() => node.Allegro.Calls > 2, TimeSpan.FromSeconds(10));
        var waiting = Assert.Single(await node.OperationsAsync("status = 1"));
        Assert.True((await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.CancelAsync(waiting.Id.ToString(), tx))).IsOk);
        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.PassAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(2));
        Assert.Empty(node.Allegro.Set);

        // What changes afterwards is sent as ever.
        await node.Hub.PlaceAsync("w", ("S1", 1));
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 4, TimeSpan.FromSeconds(20));
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Stock_that_changes_before_it_was_sent_is_sent_once_as_it_is_then(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false });
        node.Allegro.Misbehaves = (_, _) => Fault.TooMany; // the marketplace takes nothing for now
        await node.Hub.GrantAsync("WH1", "S1", 50);
        for (var i = 1; i <= 5; i++)
        {
            await node.PassAsync(TimeSpan.FromSeconds(4));
            await node.Hub.PlaceAsync($"w{i}", ("S1", 1));
        }
        await node.PassAsync(TimeSpan.FromSeconds(4));
        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 45, TimeSpan.FromMinutes(3));
        Assert.Equal([45L], node.Allegro.Set.Select(s => s.Quantity));
    }

    [Theory, EveryDatabase]
    public async Task What_is_shown_wrongly_is_found_and_set_right_but_one_stale_look_is_not_believed(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 2, new ChannelSettings { Orders = false });
        await node.Hub.GrantAsync("WH1", "S1", 5);
        await node.Hub.GrantAsync("WH1", "S2", 5);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5 && node.Allegro.StockOf("offer-S2") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(10));
        var set = node.Allegro.Set.Count;

        // A stale look: more is shown than there is, once.
        var looks = 0;
        node.Allegro.Shows = (offer, quantity) => offer == "offer-S1" && looks++ == 0 ? 9 : quantity;
        var asked = (await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.ReconcileAsync(new ReconcileBody(ChannelNode.Code, null), node.Module, tx))).Value;
        await node.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(asked.TaskId, await node.ReadAsync<Guid?>("SELECT reconciled_task FROM channel_accounts"));
        Assert.NotNull(await node.ReadAsync<DateTimeOffset?>("SELECT differs_since FROM channel_offers WHERE offer = 'offer-S1'"));
        await node.PassAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(5));
        Assert.Null(await node.ReadAsync<DateTimeOffset?>("SELECT differs_since FROM channel_offers WHERE offer = 'offer-S1'"));
        Assert.Equal(set, node.Allegro.Set.Count);

        // Somebody raised it there: more is shown than may be sold, and that is set right soon.
        node.Allegro.Offer("offer-S1", "S1", 8);
        // Somebody lowered it there: that costs sales only, and waits for the threshold, or for somebody who asks.
        node.Allegro.Offer("offer-S2", "S2", 2);
        await node.PassAsync(TimeSpan.FromMinutes(40), TimeSpan.FromSeconds(10));
        Assert.Equal((5, 2), (node.Allegro.StockOf("offer-S1"), node.Allegro.StockOf("offer-S2")));
        await node.Hub.Test.RunAsync(Lane.Hub, tx => StockSync.ReconcileAsync(new ReconcileBody(null, Fix: true), node.Module, tx));
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S2") == 5, TimeSpan.FromMinutes(5));
        Assert.Equal(2, (await node.OperationsAsync("operation_type = 3 AND previous IS NOT NULL")).Count);
        await node.Hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Finished_operations_are_deleted_after_thirty_days_and_open_ones_are_not(string store)
    {
        await using var node = await ChannelNode.StartAsync(store, skus: 1, new ChannelSettings { Orders = false });
        await node.Hub.GrantAsync("WH1", "S1", 5);
        await node.UntilAsync(() => node.Allegro.StockOf("offer-S1") == 5, TimeSpan.FromSeconds(15));
        await node.PassAsync(TimeSpan.FromSeconds(5));
        node.Allegro.Misbehaves = (_, _) => Fault.Error500;
        await node.Hub.PlaceAsync("w1", ("S1", 1));
        await node.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(2, (await node.OperationsAsync()).Count);
        await node.PassAsync(TimeSpan.FromDays(32), TimeSpan.FromDays(1));
        Assert.NotEqual(OperationStatus.Completed, Assert.Single(await node.OperationsAsync()).Status);
    }

    /// Method: two processes on one database, both of which believe that the consumers are theirs to run, with faults.
    [Fact]
    public async Task Two_processes_that_both_serve_an_account_send_nothing_twice()
    {
        if (EveryDatabaseAttribute.Postgres is null) return; // one process only on SQLite
        await using var node = await ChannelNode.StartAsync("postgres", skus: 4, new ChannelSettings { Orders = false });
        await using var beside = await node.Hub.BesideAsync(new ChannelsModule());
        beside.Node.Secrets = node.Hub.Node.Secrets;
        beside.Node.Modules.OfType<ChannelsModule>().Single().Target.AllowPrivate = true;
        var random = new Random(9);
        node.Allegro.Misbehaves = (_, _) => random.NextDouble() < 0.8 ? Fault.None : (Fault)(1 + random.Next(3));
        for (var i = 1; i <= 4; i++) await node.Hub.GrantAsync("WH1", $"S{i}", 40);
        var orders = 0;
        async Task BothAsync()
        {
            if (orders < 20) Assert.True((await node.Hub.PlaceAsync($"o{++orders}", ($"S{1 + random.Next(4)}", 1))).IsOk);
            while (await beside.Test.StepAsync()) { }
        }
        await node.PassAsync(TimeSpan.FromMinutes(4), TimeSpan.FromSeconds(4), BothAsync);
        node.Allegro.Misbehaves = (_, _) => Fault.None;
        await node.PassAsync(TimeSpan.FromMinutes(3), TimeSpan.FromSeconds(4), BothAsync);

        for (var i = 1; i <= 4; i++) Assert.Equal(await node.Hub.AvailableAsync($"S{i}"), node.Allegro.StockOf($"offer-S{i}"));
        foreach (var offer in node.Allegro.Set.GroupBy(s => s.Offer)) Assert.Equal(offer.Select(s => s.Quantity).OrderDescending(), offer.Select(s => s.Quantity));
        Assert.Equal(node.Allegro.Set.Count, node.Allegro.Set.Distinct().Count());
        await node.Hub.Test.VerifyAsync();
    }

    [Fact]
    public void The_pool_is_a_share_of_what_is_left_after_the_buffer()
    {
        Assert.Equal(10, new ChannelPool().Of(10));
        Assert.Equal(7, new ChannelPool(Buffer: 3).Of(10));
        Assert.Equal(3, new ChannelPool(Buffer: 3, SharePercent: 50).Of(10));
        Assert.Equal(2, new ChannelPool(Max: 2).Of(10));
        Assert.Equal(0, new ChannelPool(Buffer: 20).Of(10));
        Assert.Equal(0, new ChannelPool(SharePercent: 0).Of(10));
    }

    [Fact]
    public void Retries_wait_as_source_5_says()
    {
        var settings = new StockSyncSettings { RetryJitter = false };
        Assert.Equal([60, 120, 240, 480, 960, 1920, 3600, 3600], Enumerable.Range(1, 8).Select(n => settings.Delay(n, 0.5).TotalSeconds));
        Assert.Equal((2880.0, 3600.0), (new StockSyncSettings().Delay(8, 0).TotalSeconds, new StockSyncSettings().Delay(8, 0.99999).TotalSeconds)); // the jitter goes over no limit
        Assert.Equal((48.0, 72.0), (new StockSyncSettings().Delay(1, 0).TotalSeconds, Math.Round(new StockSyncSettings().Delay(1, 0.99999).TotalSeconds)));
    }

    [Fact]
    public void No_sixty_seconds_have_more_calls_than_the_budget_and_a_tenth_is_kept_for_orders()
    {
        var time = new ManualTime();
        var budget = new CallBudget(time, 100);
        Assert.Equal(90, Taken(stock: true));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(10, Taken(stock: false));
        time.Advance(TimeSpan.FromSeconds(29));
        time.SetWrongBy(TimeSpan.FromHours(3)); // somebody sets the clock, forward and back: neither makes calls
        Assert.Equal(0, Taken(stock: false));
        time.SetWrongBy(TimeSpan.FromHours(-3));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(80, Taken(stock: true));
        time.Advance(TimeSpan.FromSeconds(540));
        Assert.Equal(90, Taken(stock: true));

        int Taken(bool stock) => Enumerable.Range(0, 200).Count(_ => budget.TryTake(stock));
    }

    [Fact]
    public void Accounts_of_one_application_share_its_budget()
    {
        var module = new ChannelsModule();
        var (a, b) = (new AccountRow { Code = "a", Kind = ChannelKind.Allegro }, new AccountRow { Code = "b", Kind = ChannelKind.Allegro });
        var app = new ChannelSecrets { ClientId = "one" };
        Assert.Same(module.BudgetOf(a, app, TimeProvider.System), module.BudgetOf(b, app, TimeProvider.System));
        Assert.NotSame(module.BudgetOf(a, app, TimeProvider.System), module.BudgetOf(b, new ChannelSecrets { ClientId = "two" }, TimeProvider.System));
        Assert.NotSame(module.BudgetOf(new AccountRow { Code = "s", Kind = ChannelKind.Shop }, app, TimeProvider.System), module.BudgetOf(new AccountRow { Code = "t", Kind = ChannelKind.Shop }, app, TimeProvider.System));
    }

    [Theory]
    [InlineData(OperationStatus.Pending, OperationAction.Retry, true)]
    [InlineData(OperationStatus.Pending, OperationAction.Cancel, true)]
    [InlineData(OperationStatus.Processing, OperationAction.Cancel, false)]
    [InlineData(OperationStatus.Processing, OperationAction.Retry, false)]
    [InlineData(OperationStatus.Failed, OperationAction.Retry, true)]
    [InlineData(OperationStatus.Completed, OperationAction.Cancel, false)]
    [InlineData(OperationStatus.Cancelled, OperationAction.Retry, false)]
    public void An_operation_may_become_only_what_the_table_says(OperationStatus from, OperationAction action, bool may) => Assert.Equal(may, OperationLifecycle.May(from, action));
}
