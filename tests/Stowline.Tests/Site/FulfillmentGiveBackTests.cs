using Stowline.Contracts;
using Stowline.Site.Fulfillment;
using Stowline.Tests.Support;
using static Stowline.Tests.Site.FulfillmentSite;

namespace Stowline.Tests.Site;

/// Goal: what a part took is given back to the unit, at whatever stage it ends, and short picks end. Method: sum the counters and the reports.
public sealed class FulfillmentGiveBackTests
{
    [Theory, EveryDatabase]
    public async Task Cancellation_at_every_stage_gives_back_exactly_what_was_taken(string store)
    {
        for (var stage = 0; stage <= 5; stage++)
        {
            await using var site = await StartAsync(store);
            await site.StockAsync("S", 10);
            var task = await site.OrderAsync("S", 4);
            if (stage >= 1) await site.StartAsync(task);
            if (stage >= 2) await site.PickAsync(task.Id, 1, 3);
            Guid packing = default;
            if (stage >= 3)
            {
                await site.PickAsync(task.Id, 1, 1);
                await site.CompleteAsync(task.Id);
                packing = await site.PackingOfAsync(task.OrderId);
            }
            if (stage >= 4) await site.InSiteAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
            if (stage >= 5)
            {
                await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, Box(), tx));
                await site.InSiteAsync(tx => CompletePacking.DecideAsync(Code, packing, tx));
            }
            await site.TellAsync(Cancel(task.OrderId), Cancel(task.OrderId));

            var picked = stage < 2 ? 0 : stage == 2 ? 3 : 4;
            var cancelled = Assert.Single(await site.EventsAsync<PartCancelled>());
            Assert.Equal([new SkuUnits("S", 4)], cancelled.Lines);
            Assert.Equal(picked > 0, cancelled.PutBackTaskId is not null);
            Assert.Equal((stage, 10 - picked), (stage, await site.HeldAsync("S"))); // picked units are withdrawn until they are in a bin again
            await site.VerifyAsync();
            if (picked > 0) await site.PutBackAsync(task.OrderId);
            var books = await site.BalanceAsync("S");
            Assert.Equal((stage, 10L, 10L, 0L), (stage, await site.HeldAsync("S"), books.OnHand, books.Reserved));
            await site.VerifyAsync();
        }
    }

    [Theory, EveryDatabase]
    public async Task A_part_that_is_assigned_and_cancelled_in_one_batch_is_gone(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var (a, b) = (Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 4)), Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 10)));
        await site.TellAsync(Assign(a), Cancel(a.OrderId), Assign(b));
        Assert.Equal("picking.created picking.cancelled part.cancelled", await site.StoryAsync(a.OrderId));
        Assert.Equal("picking.created", await site.StoryAsync(b.OrderId)); // it could take what the first gave back
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_has_left_is_not_cancelled(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var task = await site.OrderAsync("S", 4);
        var packing = await site.PickAllAsync(task);
        await site.PackAsync(packing);
        await site.ShipAsync(packing);
        await site.TellAsync(Cancel(task.OrderId));
        Assert.EndsWith("part.shipped part.cancel_refused", await site.StoryAsync(task.OrderId));
        Assert.Equal(6, await site.HeldAsync("S"));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_cancellation_of_an_unknown_part_is_answered_and_takes_nothing(string store)
    {
        await using var site = await StartAsync(store);
        await site.TellAsync(Cancel(site.Node.Node.Ids.Next()));
        Assert.Empty(Assert.Single(await site.EventsAsync<PartCancelled>()).Lines);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_short_pick_tries_the_other_bins_and_then_ends(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 3, "A-1");
        await site.StockAsync("S", 3, "A-2");
        await site.StockAsync("S", 3, "A-3");
        var task = await site.StartAsync(await site.OrderAsync("S", 3));

        // Nothing in any of the bins: each round blocks one row, so there are as many rounds as rows.
        var rounds = 0;
        for (; task.Status == PickingStatus.InProgress; rounds++) task = (await site.CompleteAsync(task.Id)).Value;

        Assert.Equal(3, rounds);
        Assert.Equal(["A-1", "A-2", "A-3"], task.Items.Select(i => i.Bin));
        Assert.All(task.Items, i => Assert.Equal(PickingItemStatus.Short, i.Status));
        var report = Assert.Single(await site.EventsAsync<PartShort>());
        Assert.Equal((true, 3), (report.PartEnded, report.Lines.Single().Quantity));
        Assert.Equal(0, await site.HeldAsync("S"));
        Assert.Equal(default, await site.PackingOfAsync(task.OrderId));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task What_was_found_is_packed_and_the_rest_reported_short(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 4, "A-1");
        await site.StockAsync("S", 1, "A-2");
        var task = await site.StartAsync(await site.OrderAsync("S", 4));
        await site.PickAsync(task.Id, 1, 2);
        var skipped = (await site.SkipAsync(task.Id, 1)).Value;
        Assert.Equal(["A-1:skipped:2/4", "A-2:pending:0/1"], skipped.Items.Select(i => $"{i.Bin}:{SnakeCaseEnum<PickingItemStatus>.Text(i.Status)}:{i.QuantityPicked}/{i.QuantityRequired}"));
        Assert.True((await site.SkipAsync(task.Id, 1)).Existing);
        await site.PickAsync(task.Id, 2, 1);
        Assert.Equal(PickingStatus.Completed, (await site.CompleteAsync(task.Id)).Value.Status);

        var report = Assert.Single(await site.EventsAsync<PartShort>());
        Assert.Equal((false, 1), (report.PartEnded, report.Lines.Single().Quantity));
        var packing = await site.PackingOfAsync(task.OrderId);
        await site.PackAsync(packing);
        await site.ShipAsync(packing);
        Assert.Equal(3, Assert.Single(await site.EventsAsync<PartShipped>()).Lines.Single().Quantity);
        Assert.Equal(0, await site.HeldAsync("S"));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_skip_then_a_cancellation_gives_all_live_units_back(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 4, "A-1");
        var task = await site.StartAsync(await site.OrderAsync("S", 4));
        await site.PickAsync(task.Id, 1, 1);
        await site.SkipAsync(task.Id, 1);
        await site.TellAsync(Cancel(task.OrderId));
        Assert.Equal(4, Assert.Single(await site.EventsAsync<PartCancelled>()).Lines.Single().Quantity);
        await site.PutBackAsync(task.OrderId);
        Assert.Equal(1, await site.HeldAsync("S"));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_worker_gives_a_task_up_and_the_part_goes_back_to_the_hub(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var task = await site.StartAsync(await site.OrderAsync("S", 4));
        await site.PickAsync(task.Id, 1, 1);
        await site.InSiteAsync(tx => CancelPicking.DecideAsync(Code, task.Id, "forklift is broken", tx));
        Assert.True((await site.TryAsync(tx => CancelPicking.DecideAsync(Code, task.Id, "again", tx))).Existing);
        var report = Assert.Single(await site.EventsAsync<PartShort>());
        Assert.Equal((true, 4, "forklift is broken"), (report.PartEnded, report.Lines.Single().Quantity, report.Reason));
        Assert.Equal(9, await site.HeldAsync("S"));
        await site.PutBackAsync(task.OrderId);
        Assert.Equal(10, await site.HeldAsync("S"));

        var second = await site.OrderAsync("S", 2);
        var packing = await site.PickAllAsync(second);
        await site.InSiteAsync(tx => CancelPacking.DecideAsync(Code, packing, null, tx));
        Assert.EndsWith("packing.cancelled part.short", await site.StoryAsync(second.OrderId));
        await site.VerifyAsync();
    }
}
