using Stowline.Contracts;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Tests.Support;

namespace Stowline.Tests.Site;

/// <summary>Commands on stock (W3–W5): every change is a movement, and stock is the sum of them.</summary>
public sealed class StockTests
{
    [Theory, EveryDatabase]
    public async Task Received_goods_stand_in_receiving_and_are_granted_to_the_hub(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        var receipt = (await site.ReceiveAsync("A", 10)).Value;

        var movement = Assert.Single(receipt.Movements);
        Assert.Equal((MovementKind.Receiving, "A", 10L, "RECEIVING", "PO-1", "tester"),
            (movement.Kind, movement.Sku, movement.Quantity, movement.ToBin!, movement.Reference!, movement.Actor));
        var balance = Assert.Single((await site.EventsAsync("stock.moved"))[0].Read<StockMoved>().Balances);
        Assert.Equal(new Balance("A", 1, Granted: 10, Consumed: 0, Withdrawn: 0, OnHand: 10, Reserved: 0, Damaged: 0), balance);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_receipt_is_all_lines_or_none(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        var answer = await site.RunAsync(tx => ReceiveStock.DecideAsync("WH1", new ReceiptBody("PO-2",
            [new ReceiptLine { Sku = "A", Quantity = 5 }, new ReceiptLine { Sku = "B", Quantity = 1, Bin = "NOWHERE" }]), tx));

        Assert.Equal("bin_not_found", answer.Refusal!.Code);
        Assert.Contains("lines[1].bin", answer.Refusal.Errors!.Keys);
        Assert.Empty(await site.RowsAsync("A"));
        Assert.Empty(await site.EventsAsync("bins.saved")); // a refused command leaves nothing, not even the site's own bins
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_row_keeps_its_oldest_age_and_earliest_expiry_and_starts_anew_when_emptied(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        var first = site.Node.Time.GetUtcNow();
        await site.ReceiveAsync("A", 1, lot: "L1", expires: new DateOnly(2027, 5, 1));
        site.Node.Time.Advance(TimeSpan.FromHours(1));
        await site.ReceiveAsync("A", 1, lot: "L1", expires: new DateOnly(2027, 3, 1));
        var row = Assert.Single(await site.RowsAsync());
        Assert.Equal((2L, first, new DateOnly(2027, 3, 1)), (row.OnHand, row.ReceivedAt, row.ExpiresOn));

        await site.RunAsync(tx => AdjustStock.DecideAsync("WH1", new AdjustmentBody("A", "RECEIVING", "L1", -2, null, null, "lost"), tx));
        Assert.Empty(await site.RowsAsync());
        site.Node.Time.Advance(TimeSpan.FromHours(1));
        await site.ReceiveAsync("A", 1, lot: "L1");
        Assert.Equal((first.AddHours(2), (DateOnly?)null), ((await site.RowsAsync())[0].ReceivedAt, (await site.RowsAsync())[0].ExpiresOn));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_serial_number_is_at_the_site_once_until_it_leaves(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        Assert.True((await site.ReceiveAsync("A", 2, serials: ["S1", "S2"])).IsOk);
        Assert.Equal("invalid_request", (await site.ReceiveAsync("A", 2, serials: ["S3"])).Refusal!.Code);
        Assert.Equal("serial_taken", (await site.ReceiveAsync("A", 1, serials: ["S2"])).Refusal!.Code);
        Assert.True((await site.ReceiveAsync("B", 1, serials: ["S2"])).IsOk); // of another SKU

        await site.BookAsync(async tx => { await Serials.LeaveAsync(tx, "WH1", "A", ["S2", "unknown"], "order 1"); return 0; });
        Assert.True((await site.ReceiveAsync("A", 1, serials: ["S2"])).IsOk);
    }

    [Theory, EveryDatabase]
    public async Task Reserved_units_stay_when_stock_is_moved(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1", "A-2");
        await site.ReceiveAsync("A", 5, "A-1");
        await site.AllocateAsync(new StockRequest(0, "A", 3));

        var tooMany = await site.MoveAsync("A", 3, "A-1", "A-2");
        Assert.Equal(("insufficient_stock", 2L), (tooMany.Refusal!.Code, tooMany.Refusal.Extra!["available"]));
        var moved = (await site.MoveAsync("A", 2, "A-1", "A-2")).Value;
        Assert.Equal(MovementKind.Transfer, moved.Kind);
        Assert.Equal([("A-1", 3L, 3L), ("A-2", 2L, 0L)], (await site.RowsAsync()).Select(r => (r.Bin, r.OnHand, r.Reserved)));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Out_of_receiving_a_move_is_a_putaway_and_a_locked_bin_takes_nothing(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ZoneAsync("S", ZoneType.Storage);
        await site.BinsAsync("S", "A-1", "A-2");
        await site.ReceiveAsync("A", 5);
        Assert.Equal(MovementKind.Putaway, (await site.MoveAsync("A", 5, "RECEIVING", "A-1")).Value.Kind);
        await site.LockAsync("A-2", "wet");
        Assert.Equal("bin_locked", (await site.MoveAsync("A", 1, "A-1", "A-2")).Refusal!.Code);
        Assert.Equal("bin_locked", (await site.ReceiveAsync("A", 1, "A-2")).Refusal!.Code);
        Assert.Equal("bin_built_in", (await site.MoveAsync("A", 1, "A-1", "STAGING")).Refusal!.Code);
        Assert.Equal("bin_not_found", (await site.MoveAsync("A", 1, "A-1", "A-9")).Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task A_count_is_compare_and_set_and_frees_what_was_blocked(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        await site.AllocateAsync(new StockRequest(0, "A", 2));
        await site.BookAsync(tx => StockBook.BlockForCountAsync(tx, "WH1", [new StockUnits("A", "RECEIVING", null, 2)]));
        Assert.Equal((5L, 5L), ((await site.RowsAsync())[0].Blocked, (await site.BooksAsync()).Withdrawn));

        var stale = await site.CountAsync("A", "RECEIVING", expected: 4, counted: 3);
        Assert.Equal(("stale_quantity", 5L), (stale.Refusal!.Code, stale.Refusal.Extra!["on_hand"]));
        Assert.Equal(2, (await site.CountAsync("A", "RECEIVING", expected: 5, counted: 3)).Value.Quantity);
        Assert.Equal((3L, 0L), ((await site.RowsAsync())[0].OnHand, (await site.RowsAsync())[0].Blocked));
        Assert.Equal(3, (await site.BooksAsync()).Held); // three are there after all, and granted again

        var same = (await site.CountAsync("A", "RECEIVING", expected: 3, counted: 3)).Value;
        Assert.Equal((0L, "RECEIVING", "RECEIVING"), (same.Quantity, same.FromBin!, same.ToBin!));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Reserved_and_damaged_units_cannot_be_adjusted_away(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        await site.AllocateAsync(new StockRequest(0, "A", 2));
        await site.DamageAsync("A", "RECEIVING", 1);
        Assert.Equal("insufficient_stock", (await site.AdjustAsync("A", "RECEIVING", -3)).Refusal!.Code);
        Assert.True((await site.AdjustAsync("A", "RECEIVING", -2)).IsOk);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Damage_withdraws_units_and_disposal_takes_them_out(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        var damage = (await site.DamageAsync("A", "RECEIVING", 2)).Value;
        Assert.Equal((MovementKind.Damage, "RECEIVING", "RECEIVING"), (damage.Kind, damage.FromBin!, damage.ToBin!));
        var books = await site.BooksAsync();
        Assert.Equal((5L, 2L, 2L, 3L), (books.OnHand, books.Damaged, books.Withdrawn, books.Held));

        Assert.Equal("insufficient_stock", (await site.DisposeOfAsync("A", "RECEIVING", 3)).Refusal!.Code);
        Assert.True((await site.DisposeOfAsync("A", "RECEIVING", 2)).IsOk);
        books = await site.BooksAsync();
        Assert.Equal((3L, 0L, 2L, 3L), (books.OnHand, books.Damaged, books.Withdrawn, books.Held));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_bin_cannot_hold_more_than_a_billion_units_of_a_sku(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        Assert.True((await site.ReceiveAsync("A", 1_000_000_000)).IsOk);
        Assert.Equal("quantity_too_large", (await site.ReceiveAsync("A", 1)).Refusal!.Code);
        Assert.Equal("quantity_too_large", (await site.AdjustAsync("A", "RECEIVING", 1_000_000_000)).Refusal!.Code);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_movement_can_neither_be_changed_nor_deleted_not_even_in_the_database(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        await using var session = await site.Node.Database.OpenAsync(readOnly: false, default);
        var change = await Assert.ThrowsAnyAsync<Exception>(async () => await session.ExecuteAsync("UPDATE movements SET quantity = 6"));
        Assert.Contains("movements are never", change.Message, StringComparison.Ordinal);
        var delete = await Assert.ThrowsAnyAsync<Exception>(async () => await session.ExecuteAsync("DELETE FROM movements"));
        Assert.Contains("movements are never", delete.Message, StringComparison.Ordinal);
    }

    [Theory, EveryDatabase]
    public async Task Verify_finds_stock_that_no_movement_explains(string store)
    {
        await using var site = await SiteOnTest.StartAsync(store);
        await site.ReceiveAsync("A", 5);
        await using (var session = await site.Node.Database.OpenAsync(readOnly: false, default)) await session.ExecuteAsync("UPDATE stock SET on_hand = 6");
        var report = await Stowline.Log.Verification.RunAsync(site.Node.Node);
        Assert.False(report.Ok);
        Assert.Contains("WH1/RECEIVING/A/: the movements come to -1", report.Checks["stock_movements"], StringComparison.Ordinal);
        Assert.NotEqual("ok", report.Checks["stock_totals"]);
    }
}
