using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Tests.Support;

namespace Stowline.Tests.Carriers;

/// Goal: a parcel is bought once, whatever happens to the calls, and followed until it has arrived. Method: doubles that take each reference once and misbehave; virtual time.
[Trait("Needs", "server")]
public sealed class CarrierBookingTests
{
    [Theory, EveryDatabase]
    public async Task A_parcel_is_bought_labelled_shipped_and_followed_until_its_order_is_delivered(string store)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(yun);
        var (order, packing) = await node.PackedAsync();
        var booking = await node.BookAsync(packing, "yun");
        Assert.Equal((BookingStatus.Booked, "YT2000000", true), (booking.Status, booking.TrackingNumber, booking.HasCarrierLabel));
        Assert.Equal("create label picture", yun.Log);
        var label = await node.Test.Database.ReadAsync(async s => await s.FindAsync<byte[]>("SELECT label FROM carrier_bookings"));
        Assert.DoesNotContain("%PDF", System.Text.Encoding.UTF8.GetString(label!)); // an address is on it: it lies encrypted
        Assert.Equal("booked_elsewhere", (await node.ShipAsync(packing, "post")).Refusal!.Code);
        var shipment = (await node.ShipAsync(packing, "yun")).Value;
        Assert.Equal(("YT2000000", booking.Id), (shipment.TrackingNumber, shipment.BookingId));
        await node.SettleAsync();
        Assert.Equal("shipped", await node.StatusAsync(order));

        yun.Parcels[0].State = "2";
        await node.PassAsync(TimeSpan.FromMinutes(40), TimeSpan.FromMinutes(10));
        Assert.Equal((ParcelStatus.InTransit, "shipped"), ((await node.BookingAsync(packing)).TrackingStatus, await node.StatusAsync(order)));
        yun.Parcels[0].State = "3";
        await node.PassAsync(TimeSpan.FromMinutes(90), TimeSpan.FromMinutes(30));
        Assert.Equal("delivered", await node.StatusAsync(order));
        var timeline = await node.Test.Database.ReadAsync(s => Stowline.Hub.Ordering.Timeline.ReadAsync(s, order));
        Assert.Contains(timeline, t => t.Summary == "Order is delivered (was shipped)");
        Assert.Contains(timeline, t => t.Summary == "Part 1 delivered by yun, tracking YT2000000");
        Assert.Equal("booking.requested booking.confirmed part.shipped parcel.moved parcel.moved part.delivered", await node.StoryAsync(order));
        var asked = yun.Log;
        await node.PassAsync(TimeSpan.FromHours(5), TimeSpan.FromHours(1)); // nobody asks for what has arrived
        Assert.Equal((asked, 0), (yun.Log, yun.Wrong.Count));
        await node.Test.VerifyAsync();
    }

    /// Goal: a label is a picture of what is known: without it the parcel is followed all the same, and its carrier is not taken for away by what lies elsewhere.
    [Theory]
    [InlineData(404, 5)]
    [InlineData(403, 5)]
    [InlineData(302, 5)]
    [InlineData(200, 5)] // and nothing there
    [InlineData(500, 10)]
    public async Task A_label_that_cannot_be_had_holds_up_neither_tracking_nor_its_carrier(int status, int most)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        yun.Instead = o => o == "picture" ? (status, "") : null;
        await using var node = await CarrierNode.StartAsync("sqlite");
        await node.YunAsync(yun);
        var (order, packing) = await node.PackedAsync();
        await node.BookAsync(packing, "yun");
        Assert.True((await node.ShipAsync(packing, "yun")).IsOk);
        yun.Parcels[0].State = "2";
        await node.PassAsync(TimeSpan.FromHours(5), TimeSpan.FromMinutes(10));
        var booking = await node.BookingAsync(packing);
        Assert.Equal((BookingStatus.Booked, false, ParcelStatus.InTransit), (booking.Status, booking.HasCarrierLabel, booking.TrackingStatus));
        Assert.Equal(most, yun.Log.Split(' ').Count(o => o == "picture"));
        Assert.DoesNotContain(await node.Test.Lanes.ReadAsync(Lane.Site(CarrierNode.Code), 0, 10_000), e => e.Type == CarrierUnavailable.Type);
        yun.Parcels[0].State = "3";
        await node.PassAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(30));
        Assert.Equal("delivered", await node.StatusAsync(order));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_label_that_makes_no_sense_holds_up_neither_tracking_nor_its_carrier(string store)
    {
        await using var bex = (BexDouble)await new BexDouble().OpenAsync();
        bex.Instead = o => o == "label" ? (200, """{"state":true,"parcelLabel":"no Base64!","err":""}""") : null;
        await using var node = await CarrierNode.StartAsync(store);
        await node.BexAsync(bex);
        var (order, packing) = await node.PackedAsync();
        await node.BookAsync(packing, "bex");
        Assert.True((await node.ShipAsync(packing, "bex")).IsOk);
        bex.Parcels[0].State = "5";
        await node.PassAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(10));
        Assert.Equal("delivered", await node.StatusAsync(order));
        Assert.Equal((false, 0), ((await node.BookingAsync(packing)).HasCarrierLabel, (await node.CarrierAsync("bex")).Failures));
    }

    [Theory, EveryDatabase]
    public async Task A_carrier_that_says_nothing_but_not_now_is_away_after_a_while(string store)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(yun);
        var (_, packing) = await node.PackedAsync();
        for (var i = 0; i < 20; i++) yun.Troubles.Enqueue(Trouble.TooMany);
        await node.BookAsync(packing, "yun");
        await node.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        Assert.False((await node.CarrierAsync("yun")).Open);
        await node.PassAsync(TimeSpan.FromMinutes(40), TimeSpan.FromMinutes(2));
        Assert.True((await node.CarrierAsync("yun")).Open);
        yun.Troubles.Clear();
        await node.PassAsync(TimeSpan.FromMinutes(40), TimeSpan.FromMinutes(2));
        Assert.Equal((BookingStatus.Booked, false), ((await node.BookingAsync(packing)).Status, (await node.CarrierAsync("yun")).Open));
        var told = (await node.Test.Lanes.ReadAsync(Lane.Site(CarrierNode.Code), 0, 10_000)).Select(e => e.Type).Where(t => t is "carrier.unavailable" or "carrier.recovered");
        Assert.Equal(["carrier.unavailable", "carrier.recovered"], told);
    }

    /// Goal: whatever is lost of the answer, the carrier has one parcel and we know its number.
    [Theory]
    [InlineData(Trouble.ServerErrorAfter, "create find label picture")]
    [InlineData(Trouble.NonsenseAfter, "create find label picture")]
    [InlineData(Trouble.CutAfter, "create find label picture")]
    [InlineData(Trouble.ServerError, "create find create label picture")] // it did nothing, but that could not be seen
    [InlineData(Trouble.TooMany, "create create label picture")] // it said itself that it did nothing
    [InlineData(Trouble.Forbidden, "create create label picture")]
    public async Task A_lost_answer_is_looked_up_and_nothing_is_bought_twice(Trouble trouble, string calls)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync("sqlite");
        await node.YunAsync(yun);
        var (order, packing) = await node.PackedAsync();
        yun.Troubles.Enqueue(trouble);
        var booking = await node.BookAsync(packing, "yun");
        Assert.NotEqual(BookingStatus.Booked, booking.Status);
        Assert.Equal("booking_open", (await node.ShipAsync(packing, "yun")).Refusal!.Code);
        Assert.Equal("ready", await node.StatusAsync(order)); // delayed, not lost
        await node.PassAsync(TimeSpan.FromSeconds(100));
        Assert.Equal(BookingStatus.Booked, (await node.BookingAsync(packing)).Status);
        Assert.Equal(calls, yun.Log);
        Assert.Single(yun.Parcels);
        Assert.Empty(yun.Wrong);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_carrier_that_takes_the_parcel_and_never_answers_is_asked_again_only_for_what_it_has(string store)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(yun);
        var (_, packing) = await node.PackedAsync();
        yun.Troubles.Enqueue(Trouble.HangAfter);
        await node.TryBookAsync(packing, "yun");
        await node.Test.PumpUntilAsync(CarrierNode.Ended(yun.Taken));
        Assert.Equal(BookingStatus.Asking, (await node.BookingAsync(packing)).Status); // written down before it was asked
        var cancelled = await node.TryAsync(tx => ChangeBooking.CancelAsync(CarrierNode.Code, node.BookingAsync(packing).Result.Id, new CancelBookingBody(), tx));
        Assert.Equal(BookingStatus.Asking, cancelled.Value.Status); // it may be bought: that must be known first
        node.Time.Advance(TimeSpan.FromSeconds(16));
        await node.SettleAsync();
        await node.PassAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("create find cancel", yun.Log);
        Assert.Equal((BookingStatus.Cancelled, true), ((await node.BookingAsync(packing)).Status, yun.Parcels[0].Cancelled));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_node_that_dies_while_it_asks_finds_out_after_its_restart(string store)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(yun);
        var (_, packing) = await node.PackedAsync();
        // As a crash between the answer and its writing down leaves it: asked, with the lease of a process that is gone.
        var booking = (await node.TryAsync(async tx =>
        {
            var booked = await BookPacking.DecideAsync(CarrierNode.Code, packing, new BookPackingBody { Carrier = "yun" }, tx);
            await tx.ExecuteAsync("UPDATE carrier_bookings SET status = @asking, owner = @gone, lease_until = @until, attempts = 1", new { asking = BookingStatus.Asking, gone = Guid.NewGuid(), until = tx.Now.AddMinutes(2) });
            return booked;
        })).Value;
        await node.PassAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("", yun.Log);
        await node.PassAsync(TimeSpan.FromSeconds(120));
        Assert.Equal("find create label picture", yun.Log);
        Assert.Equal((BookingStatus.Booked, booking.Reference), ((await node.BookingAsync(packing)).Status, yun.Parcels.Single().Reference));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Where_nothing_can_be_looked_up_somebody_is_asked(string store)
    {
        await using var acs = (AcsDouble)await new AcsDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.AcsAsync(acs);
        var (order, packing) = await node.PackedAsync(CarrierNode.Athens);
        acs.Troubles.Enqueue(Trouble.CutAfter);
        await node.BookAsync(packing, "acs");
        await node.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));
        var unsure = await node.BookingAsync(packing);
        Assert.Equal((BookingStatus.Unsure, "create"), (unsure.Status, acs.Log));
        Assert.Contains(unsure.Reference, unsure.Error);
        Assert.Equal([(CarrierNode.Code, BookingStatus.Unsure, 1L)], await node.Test.Database.ReadAsync(Bookings.WaitingAsync));
        Assert.Equal("invalid_request", (await node.TryAsync(tx => ChangeBooking.ResolveAsync(CarrierNode.Code, unsure.Id, new ResolveBookingBody(), tx))).Refusal!.Code);
        var resolved = await node.DoAsync(tx => ChangeBooking.ResolveAsync(CarrierNode.Code, unsure.Id, new ResolveBookingBody { TrackingNumber = acs.Parcels[0].Number }, tx));
        Assert.Equal(BookingStatus.Booked, resolved.Status);
        await node.SettleAsync();
        Assert.Equal("create label", acs.Log);
        Assert.Equal("booking.requested booking.failed booking.confirmed", await node.StoryAsync(order));

        // The other way: the carrier does not have it, so it is bought.
        var (_, second) = await node.PackedAsync(CarrierNode.Athens);
        acs.Troubles.Enqueue(Trouble.ServerError);
        await node.BookAsync(second, "acs");
        await node.PassAsync(TimeSpan.FromMinutes(2));
        await node.DoAsync(tx => ChangeBooking.ResolveAsync(CarrierNode.Code, node.BookingAsync(second).Result.Id, new ResolveBookingBody { NotBooked = true }, tx));
        await node.SettleAsync();
        Assert.Equal(BookingStatus.Booked, (await node.BookingAsync(second)).Status);
        Assert.Equal((2, 0), (acs.Parcels.Count, acs.Wrong.Count));
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_refusal_goes_to_the_next_carrier_and_where_none_is_left_to_somebody(string store)
    {
        await using var acs = (AcsDouble)await new AcsDouble().OpenAsync();
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.AcsAsync(acs);
        await node.YunAsync(yun);
        await node.SettingsAsync(null, new CarrierRule { Carriers = ["acs", "yun"], Automatic = true, Ship = true });
        var (order, packing) = await node.PackedAsync(CarrierNode.Athens with { PostalCode = "123" }); // ACS knows no such place
        await node.SettleAsync();
        Assert.Equal((BookingStatus.Booked, "yun"), ((await node.BookingAsync(packing)).Status, (await node.BookingAsync(packing)).Carrier));
        Assert.Equal("booking.requested booking.fell_back booking.confirmed part.shipped", await node.StoryAsync(order));
        Assert.Equal("shipped", await node.StatusAsync(order)); // as the rule says, by itself

        var (other, second) = await node.PackedAsync(CarrierNode.Athens with { PostalCode = "123", City = null }); // nor would YunExpress
        await node.SettleAsync();
        var failed = await node.BookingAsync(second);
        Assert.Equal((BookingStatus.Failed, "to.city is missing"), (failed.Status, failed.Error));
        Assert.Equal("ready", await node.StatusAsync(other));
        Assert.Empty(acs.Parcels);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task A_carrier_that_is_away_is_left_alone_its_parcels_go_elsewhere_and_it_is_told_once(string store)
    {
        await using var dead = (YunDouble)await new YunDouble().OpenAsync();
        await using var bex = (BexDouble)await new BexDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(dead);
        await node.BexAsync(bex);
        await node.SettingsAsync(null, new CarrierRule { Carriers = ["yun", "bex"] });
        dead.Troubles.Enqueue(Trouble.Forbidden);
        for (var i = 0; i < 20; i++) dead.Troubles.Enqueue(Trouble.Forbidden);
        var packed = new List<Guid>();
        for (var i = 0; i < 3; i++) packed.Add((await node.PackedAsync()).Packing);
        foreach (var packing in packed) await node.TryBookAsync(packing);
        await node.PassAsync(TimeSpan.FromMinutes(3));
        foreach (var packing in packed) Assert.Equal(("bex", BookingStatus.Booked), ((await node.BookingAsync(packing)).Carrier, (await node.BookingAsync(packing)).Status));
        var calls = dead.Log.Split(' ').Length;
        Assert.InRange(calls, CarrierRetry.OpenAfter, 12);
        var carrier = await node.CarrierAsync("yun");
        Assert.Equal((true, "does not accept the credentials (403)"), (carrier.Open, carrier.LastError));
        Assert.Equal("yun", Assert.Single(await node.Test.Database.ReadAsync(Bookings.UnavailableAsync)).Carrier);

        // What is packed now does not wait for it at all, and it is asked again once it may have recovered.
        var (_, next) = await node.PackedAsync();
        Assert.Equal("bex", (await node.BookAsync(next)).Carrier);
        dead.Troubles.Clear();
        await node.PassAsync(TimeSpan.FromMinutes(11), TimeSpan.FromMinutes(1));
        var (_, last) = await node.PackedAsync();
        var back = await node.BookAsync(last, "yun");
        Assert.Equal((BookingStatus.Booked, false), (back.Status, (await node.CarrierAsync("yun")).Open));
        var told = (await node.Test.Lanes.ReadAsync(Lane.Site(CarrierNode.Code), 0, 10_000)).Where(e => e.Subject == "carrier/yun").Select(e => e.Type);
        Assert.Equal(["carrier.changed", "carrier.unavailable", "carrier.recovered"], told);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Packing_that_is_cancelled_gives_the_parcel_back(string store)
    {
        await using var yun = (YunDouble)await new YunDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.YunAsync(yun);
        var (order, packing) = await node.PackedAsync();
        await node.BookAsync(packing, "yun");
        var task = await node.Test.Database.ReadAsync(async s => (await PackingTasks.FindAsync(s, CarrierNode.Code, packing))!.Shown());
        Assert.Equal(("yun", "YT2000000"), (task.Carrier, task.TrackingNumber));
        await node.DoAsync(tx => CancelPacking.DecideAsync(CarrierNode.Code, packing, "changed their mind", tx));
        await node.SettleAsync();
        Assert.Equal((BookingStatus.Cancelled, true), ((await node.BookingAsync(packing)).Status, yun.Parcels[0].Cancelled));
        Assert.EndsWith("booking.cancelled", await node.StoryAsync(order), StringComparison.Ordinal);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task An_address_that_the_order_lacks_is_fetched_from_the_delivery_service_and_printed(string store)
    {
        await using var delivery = (DeliveryDouble)await new DeliveryDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.CarrierAsync("delivery", "delivery_service", delivery.Url, "{}", ("authorization", "Bearer delivery-token"));
        await node.SettingsAsync("delivery", new CarrierRule { Carriers = ["delivery"] });
        var (order, packing) = await node.PackedAsync(withAddress: false);
        var number = (await node.Hub.ReadAsync(order.ToString())).Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var booking = await node.BookAsync(packing);
        Assert.Equal((BookingStatus.Failed, "address"), (booking.Status, delivery.Log));
        delivery.Addresses[number] = """{"street":"Takovska 2","city":"Beograd","postal_code":"11000","country":"RS","contact_name":"Пера Перић","phone":"0641234567"}""";
        await node.DoAsync(tx => ChangeBooking.RetryAsync(CarrierNode.Code, booking.Id, tx));
        await node.SettleAsync();
        Assert.Equal(("address address create", "DS700"), (delivery.Log, (await node.BookingAsync(packing)).TrackingNumber));
        Assert.Equal("Пера Перић", delivery.Parcels[0].Request["to_address"]!["contact_name"]!.GetValue<string>());
        Assert.Contains("Пера Перић", (await node.Test.Database.ReadAsync(s => Labels.RenderAsync(s, CarrierNode.Code, packing))).Value);
        Assert.DoesNotContain(await node.Test.Lanes.ReadAsync(Lane.Site(CarrierNode.Code), 0, 10_000), e => System.Text.Encoding.UTF8.GetString(e.Payload).Contains("Takovska", StringComparison.Ordinal));
        Assert.Empty(delivery.Wrong);
        await node.Test.VerifyAsync();
    }

    [Theory, EveryDatabase]
    public async Task Credentials_are_in_no_event_no_answer_and_no_backup(string store)
    {
        await using var acs = (AcsDouble)await new AcsDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        var saved = await node.AcsAsync(acs);
        Assert.NotNull(saved.WebhookPath);
        Assert.Null((await node.CarrierAsync("acs")).WebhookPath);
        Assert.Equal(["api_key", "company_password", "user_password"], saved.SecretsSet);
        var everything = string.Concat((await node.Test.Lanes.ReadAsync(Lane.Site(CarrierNode.Code), 0, 10_000)).Select(e => System.Text.Encoding.UTF8.GetString(e.Payload)))
            + System.Text.Json.JsonSerializer.Serialize(await node.CarrierAsync("acs"));
        var folder = Directory.CreateTempSubdirectory("stowline-backup-").FullName;
        await Backup.WriteAsync(node.Test.Database, Path.Combine(folder, "b.stow"), "test");
        await using (var zip = new System.IO.Compression.GZipStream(File.OpenRead(Path.Combine(folder, "b.stow")), System.IO.Compression.CompressionMode.Decompress))
        using (var text = new StreamReader(zip)) everything += await text.ReadToEndAsync();
        Directory.Delete(folder, recursive: true);
        Assert.Contains("\"carriers\"", everything);
        foreach (var secret in new[] { "acs-key", "acs-company", "acs-user", saved.WebhookPath![^20..] }) Assert.DoesNotContain(secret, everything, StringComparison.Ordinal);

        // As after a restore: without its credentials it is not asked, parcels wait, and it says why.
        await node.TryAsync<int>(async tx => await tx.ExecuteAsync("DELETE FROM carrier_secrets"));
        Assert.Contains("secret api_key is not set", (await node.CarrierAsync("acs")).Problem);
        var (_, packing) = await node.PackedAsync(CarrierNode.Athens);
        Assert.Equal("carrier_unusable", (await node.TryBookAsync(packing, "acs")).Refusal!.Code);
        Assert.Equal("", acs.Log);
    }

    [Theory, EveryDatabase]
    public async Task Credentials_are_sealed_and_old_ones_in_plain_are_sealed_at_the_start(string store)
    {
        await using var acs = (AcsDouble)await new AcsDouble().OpenAsync();
        await using var node = await CarrierNode.StartAsync(store);
        await node.AcsAsync(acs);
        async Task<IReadOnlyList<string>> KeptAsync() => await node.Test.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT value FROM carrier_secrets UNION ALL SELECT 'open' FROM carrier_secrets WHERE sealed IS NULL"));
        Assert.All(await KeptAsync(), v => Assert.Equal("", v));

        // As an older version left it.
        await node.TryAsync<int>(async tx => await tx.ExecuteAsync("UPDATE carrier_secrets SET value = 'acs-key', sealed = NULL WHERE name = 'api_key'"));
        Assert.Null((await node.CarrierAsync("acs")).Problem);
        var sealing = new SealSecrets(node.Test.Node);
        Assert.True(await node.Test.PumpUntilAsync(sealing.RunOnceAsync(default).AsTask()));
        Assert.True(sealing.IsRetired);
        Assert.All(await KeptAsync(), v => Assert.Equal("", v));
        var (_, packing) = await node.PackedAsync(CarrierNode.Athens);
        Assert.Equal(BookingStatus.Booked, (await node.BookAsync(packing, "acs")).Status); // the double checks the credentials
        Assert.Empty(acs.Wrong);

        // Moved to another carrier's row, or on a node with another key, they open nothing.
        node.Test.Node.Secrets = SecretBox.Of([.. Enumerable.Repeat((byte)7, 32)]);
        Assert.Contains("another key", (await node.CarrierAsync("acs")).Problem);
    }

    [Fact]
    public async Task A_shipment_with_a_number_by_hand_is_delivered_by_hand()
    {
        await using var node = await CarrierNode.StartAsync("sqlite");
        var (order, packing) = await node.PackedAsync();
        var shipment = (await node.ShipAsync(packing, "my cousin", "X1")).Value;
        Assert.Equal("delivered_at must lie between the shipping and now", (await node.TryAsync(tx => DeliverShipment.DecideAsync(CarrierNode.Code, shipment.Id, new DeliverShipmentBody { DeliveredAt = tx.Now.AddDays(1) }, tx))).Refusal!.Detail);
        var delivered = await node.DoAsync(tx => DeliverShipment.DecideAsync(CarrierNode.Code, shipment.Id, new DeliverShipmentBody(), tx));
        Assert.Equal((ShipmentStatus.Delivered, "delivered"), (delivered.Status, await node.StatusAsync(order)));
        Assert.True((await node.TryAsync(tx => DeliverShipment.DecideAsync(CarrierNode.Code, shipment.Id, new DeliverShipmentBody(), tx))).Existing);
        await node.Test.VerifyAsync();
    }
}
