using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Support;

namespace Stowline.Tests.Hub;

/// Goal: what a process remembers of free units never lets it promise what is gone. Method: real SQL; the memory is filled, then the table changes behind it.
public class RememberedStock
{
    private static async Task<HubNode> WithTenAsync(string store)
    {
        var hub = await HubNode.StartAsync(store);
        await hub.SiteAsync("WH1");
        await hub.ProductsAsync("A");
        await hub.GrantAsync("WH1", "A", 10);
        Assert.True((await hub.PlaceAsync("1", ("A", 4))).IsOk); // now it remembers 6
        return hub;
    }

    [Theory, EveryDatabase]
    public async Task What_another_process_promised_is_gone_for_this_one(string store)
    {
        await using var hub = await WithTenAsync(store);
        await using (var other = await hub.BesideAsync())
        {
            Assert.True((await other.PlaceAsync("2", ("A", 5))).IsOk);
            Assert.Equal("insufficient_stock", (await hub.PlaceAsync("3", ("A", 2))).Refusal?.Code);
            Assert.True((await hub.PlaceAsync("4", ("A", 1))).IsOk);
            Assert.Equal("insufficient_stock", (await other.PlaceAsync("5", ("A", 1))).Refusal?.Code);
        }
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_loss_that_a_site_reports_is_seen_at_once(string store)
    {
        await using var hub = await WithTenAsync(store);
        await hub.SayAsync("WH1", "A", b => b with { Withdrawn = b.Withdrawn + 5 }, b => new StockRebalanced("damaged", [b]));
        Assert.Equal("insufficient_stock", (await hub.PlaceAsync("2", ("A", 2))).Refusal?.Code);
        Assert.True((await hub.PlaceAsync("3", ("A", 1))).IsOk);
    }

    /// Losses explain as much of a shortage as was lost, and no more.
    [Theory, EveryDatabase]
    public async Task Verify_finds_what_was_promised_beyond_all_losses(string store)
    {
        await using var hub = await WithTenAsync(store);
        await hub.SayAsync("WH1", "A", b => b with { Withdrawn = b.Withdrawn + 8 }, b => new StockRebalanced("damaged", [b]));
        Assert.Equal("ok", (await Verification.RunAsync(hub.Node)).Checks["promises"]);
        await using (var session = await hub.Test.Database.OpenAsync(readOnly: false, default)) await session.ExecuteAsync("UPDATE allotments SET promised = 11");
        Assert.Equal("over-promised: A at WH1", (await Verification.RunAsync(hub.Node)).Checks["promises"]);
    }

    [Theory, EveryDatabase]
    public async Task A_group_that_is_rolled_back_leaves_no_memory_of_it(string store)
    {
        await using var hub = await WithTenAsync(store);
        var failed = hub.Node.Lanes.ExecuteAsync<Done>(Lane.Hub, TestNode.Tester, async tx =>
        {
            await Allotments.ReleaseAsync(tx, "WH1", [new SkuUnits("A", 4)]);
            var free = (await Allotments.LoadAsync(tx, ["A"])).At("A", "WH1")!;
            Assert.Equal(10, free.Free); // its own writes are seen
            throw new InvalidOperationException("on purpose");
        });
        await Assert.ThrowsAsync<InvalidOperationException>(() => hub.Test.PumpUntilAsync(failed));
        Assert.Equal("insufficient_stock", (await hub.PlaceAsync("2", ("A", 7))).Refusal?.Code);
        Assert.True((await hub.PlaceAsync("3", ("A", 6))).IsOk);
        await hub.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Promises_and_releases_in_one_group_add_up(string store)
    {
        await using var hub = await WithTenAsync(store);
        // All three wait for the same group: an order takes 5 of 6, a release gives 4 back, a second load must see 5.
        var order = hub.Intake.AcceptAsync(hub.Order("2", [("A", 5)]).Value, TestNode.Tester);
        var seen = hub.Node.Lanes.ExecuteAsync<long>(Lane.Hub, TestNode.Tester, async tx =>
        {
            await Allotments.ReleaseAsync(tx, "WH1", [new SkuUnits("A", 4)]);
            return (await Allotments.LoadAsync(tx, ["A"])).At("A", "WH1")!.Free;
        });
        Assert.Equal(5, (await hub.Test.PumpUntilAsync(seen)).Value);
        Assert.True((await hub.Test.PumpUntilAsync(order)).Outcome.IsOk);
        Assert.Equal("insufficient_stock", (await hub.PlaceAsync("3", ("A", 6))).Refusal?.Code);
        Assert.True((await hub.PlaceAsync("4", ("A", 5))).IsOk);
    }
}
