using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Tests.Support;
using static Stowline.Tests.Site.FulfillmentSite;

namespace Stowline.Tests.Site;

/// Goal: a part goes from assigned to shipped by the rules of sources/2 §1–4. Method: the real consumer and commands, then every check of the node.
public sealed class FulfillmentFlowTests
{
    [Theory, EveryDatabase]
    public async Task A_part_is_picked_packed_and_shipped(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var picking = await site.OrderAsync("S", 4);
        Assert.Equal((PickingStatus.Pending, 1, 0), (picking.Status, picking.TotalItems, picking.PickedItems));

        var packing = await site.PickAllAsync(picking);
        await site.PackAsync(packing);
        var shipment = (await site.ShipAsync(packing)).Value;

        Assert.Equal($"ST{shipment.Number:D10}", shipment.TrackingNumber);
        Assert.Equal("picking.created picking.assigned picking.started picking.item_picked picking.completed packing.created packing.started " +
                     "packing.package_added packing.completed part.shipped", await site.StoryAsync(picking.OrderId));
        var books = await site.BalanceAsync("S");
        Assert.Equal((10, 4, 0, 6, 0), (books.Granted, books.Consumed, books.Withdrawn, books.OnHand, books.Reserved));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_repeat_is_success_and_changes_nothing(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var part = Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 2));
        await site.TellAsync(Assign(part), Assign(part));
        await site.TellAsync(Assign(part));
        var task = await site.PickingOfAsync(part.OrderId);
        var packing = await site.PickAllAsync(task);
        Assert.True((await site.CompleteAsync(task.Id)).Existing);
        await site.PackAsync(packing);
        Assert.True((await site.TryAsync(tx => CompletePacking.DecideAsync(Code, packing, tx))).Existing);
        var first = await site.ShipAsync(packing);
        var again = await site.ShipAsync(packing);
        Assert.True(again.Existing);
        Assert.Equal(first.Value.Id, again.Value.Id);
        Assert.Single(await site.EventsAsync<PickingCreated>());
        Assert.Single(await site.EventsAsync<PartShipped>());
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_wrong_transition_is_a_conflict_that_says_why(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var task = await site.OrderAsync("S", 2);
        var early = (await site.TryAsync(tx => StartPicking.DecideAsync(Code, task.Id, tx))).Refusal!;
        Assert.Equal("invalid_transition", early.Code);
        Assert.Contains("is pending and cannot start; allowed: assign, cancel", early.Detail);
        await site.InSiteAsync(tx => AssignPicking.DecideAsync(Code, task.Id, "ana", tx));
        Assert.True((await site.TryAsync(tx => AssignPicking.DecideAsync(Code, task.Id, "ana", tx))).Existing);
        Assert.Equal("invalid_transition", (await site.TryAsync(tx => AssignPicking.DecideAsync(Code, task.Id, "ben", tx))).Refusal!.Code);
        Assert.Equal("invalid_transition", (await site.PickAsync(task.Id, 1, 1)).Refusal!.Code);
        Assert.Equal("invalid_transition", (await site.CompleteAsync(task.Id)).Refusal!.Code);
    }

    [Theory, EveryDatabase]
    public async Task Units_are_picked_one_by_one_and_never_too_many(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var task = await site.StartAsync(await site.OrderAsync("S", 3));
        Assert.Equal(PickingItemStatus.Pending, (await site.PickAsync(task.Id, 1, 1, "A-1")).Value.Items[0].Status);
        Assert.Equal("wrong_bin", (await site.PickAsync(task.Id, 1, 1, "A-2")).Refusal!.Code);
        Assert.Equal("quantity_exceeds_remaining", (await site.PickAsync(task.Id, 1, 3)).Refusal!.Code);
        Assert.Equal(RefusalKind.Invalid, (await site.PickAsync(task.Id, 1, 0)).Refusal!.Kind);
        Assert.Equal("picking_item_not_found", (await site.PickAsync(task.Id, 9, 1)).Refusal!.Code);
        var full = (await site.PickAsync(task.Id, 1, 2)).Value;
        Assert.Equal((PickingItemStatus.Picked, 3, 1), (full.Items[0].Status, full.Items[0].QuantityPicked, full.PickedItems));
        Assert.Equal("quantity_exceeds_remaining", (await site.PickAsync(task.Id, 1, 1)).Refusal!.Code);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Items_follow_the_walk_and_know_its_length(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("T", 1, "A-4"); // the oldest is far back in the walk
        await site.StockAsync("T", 5, "A-1");
        await site.StockAsync("S", 5, "A-2");
        var order = site.Node.Node.Ids.Next();
        await site.TellAsync(Assign(Part(order, new SkuUnits("T", 3), new SkuUnits("S", 1))));
        var task = await site.PickingOfAsync(order);
        Assert.Equal(["A-1:T:2", "A-2:S:1", "A-4:T:1"], task.Items.Select(i => $"{i.Bin}:{i.Sku}:{i.QuantityRequired}"));
        Assert.Equal(30, task.DistanceM);
    }

    [Theory, EveryDatabase]
    public async Task What_is_not_on_hand_is_short_at_once(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 3);
        var some = Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 5));
        var none = Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 2));
        await site.TellAsync(Assign(some), Assign(none));

        Assert.Equal("picking.created part.short", await site.StoryAsync(some.OrderId));
        Assert.Equal("part.short", await site.StoryAsync(none.OrderId));
        var events = await site.EventsAsync<PartShort>();
        Assert.Equal([(2, false, "not on hand"), (2, true, "not on hand")], events.Select(e => (e.Lines[0].Quantity, e.PartEnded, e.Reason)));
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Reserving_tells_the_hub_nothing_it_knows(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 100);
        var before = (await site.EventsAsync<StockRebalanced>()).Count;
        await site.TellAsync([.. Enumerable.Range(0, 20).Select(_ => Assign(Part(site.Node.Node.Ids.Next(), new SkuUnits("S", 2))))]);
        var created = await site.EventsAsync<PickingCreated>();
        Assert.Equal(20, created.Count);
        Assert.Equal(before, (await site.EventsAsync<StockRebalanced>()).Count);
        Assert.Equal(20, created.Select(c => c.Number).Distinct().Count());
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_held_part_does_not_start_and_does_not_ship(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var task = await site.OrderAsync("S", 2);
        await site.TellAsync(Hold(task.OrderId));
        Assert.Equal("order_on_hold", (await site.TryAsync(tx => AssignPicking.DecideAsync(Code, task.Id, "ana", tx))).Refusal!.Code);
        await site.TellAsync(Release(task.OrderId));
        var packing = await site.PickAllAsync(task);
        await site.PackAsync(packing);
        await site.TellAsync(Hold(task.OrderId));
        Assert.Equal("order_on_hold", (await site.ShipAsync(packing)).Refusal!.Code);
        await site.TellAsync(Release(task.OrderId));
        Assert.True((await site.ShipAsync(packing)).IsOk);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Packing_needs_dimensions_and_everything_that_was_picked(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var packing = await site.PickAllAsync(await site.OrderAsync("S", 3));
        await site.InSiteAsync(tx => StartPacking.DecideAsync(Code, packing, "ben", tx));
        Assert.Equal("dimensions_missing", (await site.TryAsync(tx => CompletePacking.DecideAsync(Code, packing, tx))).Refusal!.Code);

        var two = await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, Box(new PackageLineBody { Sku = "S", Quantity = 2 }), tx));
        Assert.Equal((1, 1200, 1200), (two.SequenceNumber, two.VolumetricWeightG, two.ChargeableWeightG)); // 300 × 200 × 100 mm / 5000
        Assert.Equal("not_fully_packed", (await site.TryAsync(tx => CompletePacking.DecideAsync(Code, packing, tx))).Refusal!.Code);
        Assert.Equal("quantity_exceeds_picked",
            (await site.TryAsync(tx => AddPackage.DecideAsync(Code, packing, Box(new PackageLineBody { Sku = "S", Quantity = 2 }), tx))).Refusal!.Code);
        Assert.Equal("invalid_transition", (await site.ShipAsync(packing)).Refusal!.Code);

        await site.InSiteAsync(tx => AddPackage.DecideAsync(Code, packing, Box(new PackageLineBody { Sku = "S", Quantity = 1 }), tx));
        var packed = await site.InSiteAsync(tx => CompletePacking.DecideAsync(Code, packing, tx));
        Assert.Equal((PackingStatus.Packed, PackingLineStatus.FullyPacked, 2400L), (packed.Status, packed.Lines.Single().Status, packed.ChargeableWeightG));
        Assert.Equal("ST-1", (await site.ShipAsync(packing, "ST-1")).Value.TrackingNumber);
    }

    [Theory, EveryDatabase]
    public async Task A_serial_number_that_was_picked_leaves_with_the_shipment(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 2);
        await site.InSiteAsync<Done>(async tx =>
        {
            await Serials.ArriveAsync(tx, Code, 1, [new("S", "N1", ""), new("S", "N2", "")]);
            return new Done();
        });
        var task = await site.StartAsync(await site.OrderAsync("S", 2));
        foreach (var serial in new[] { "N1", "N2" })
            await site.InSiteAsync(tx => PickItem.DecideAsync(Code, task.Id, 1, new PickItemBody { Quantity = 1, Serials = [serial] }, tx));
        await site.CompleteAsync(task.Id);
        var packing = await site.PackingOfAsync(task.OrderId);
        await site.PackAsync(packing);
        var shipment = (await site.ShipAsync(packing)).Value;
        var left = await site.Node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT serial FROM serials WHERE left_reference = @reference ORDER BY serial",
            new { reference = $"shipment {shipment.Number}" }));
        Assert.Equal(["N1", "N2"], left);
    }

    [Theory, EveryDatabase]
    public async Task A_tracking_number_is_one_shipments(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var first = await site.PickAllAsync(await site.OrderAsync("S", 1));
        var second = await site.PickAllAsync(await site.OrderAsync("S", 1));
        await site.PackAsync(first);
        await site.PackAsync(second);
        Assert.True((await site.ShipAsync(first, "T1")).IsOk);
        Assert.Equal("tracking_number_taken", (await site.ShipAsync(second, "T1")).Refusal!.Code);
        Assert.True((await site.ShipAsync(second)).IsOk);
        await site.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_label_is_printed_per_package_and_no_text_becomes_a_command(string store)
    {
        await using var site = await StartAsync(store);
        await site.StockAsync("S", 10);
        var order = site.Node.Node.Ids.Next();
        byte[] personal = [];
        await site.TellAsync(tx =>
        {
            var keys = Personal.KeysAsync(tx, [order]).AsTask().GetAwaiter().GetResult();
            var details = new PersonalDetails(new CustomerDetails("Žana ^XA~JA_\\", null, null), new AddressDetails(null, "Main 1", null, "Belgrade", null, "11000", "RS", null, null));
            personal = Personal.Encrypt(keys[order], System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(details, ContractsJson.Default.PersonalDetails), site.Node.Node.Ids);
            Assign(Part(order, new SkuUnits("S", 1)) with { Personal = personal })(tx);
        });
        var packing = await site.PickAllAsync(await site.PickingOfAsync(order));
        Task<Outcome<string>> LabelAsync() => site.Node.Database.ReadAsync(s => Labels.RenderAsync(s, Code, packing));
        Assert.Equal("not_packed", (await LabelAsync()).Refusal!.Code);
        await site.PackAsync(packing);
        await site.ShipAsync(packing, "RS123");

        var zpl = (await LabelAsync()).Value;
        Assert.Equal(1, zpl.Split("^XA").Length - 1);
        Assert.Contains("^FDŽana _5EXA_7EJA_5F_5C^FS", zpl);
        Assert.Contains("^BCN,180,Y,N,N^FH^FDRS123^FS", zpl);
        Assert.Contains("^FDPackage 1 of 1^FS", zpl);

        await site.Node.RunAsync<Done>(Lane.Hub, async tx => { await Personal.EraseAsync(tx, order); return new Done(); });
        Assert.Contains("^FD(erased)^FS", (await LabelAsync()).Value);
    }
}
