using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What a carrier that took a parcel said.</summary>
/// <param name="Numbers">One per package, where it gave them.</param>
internal sealed record Confirmed(string TrackingNumber, IReadOnlyList<string> Numbers, string? CarrierRef, long? PriceE4, string? Currency, DateTimeOffset? EstimatedAt, string? LabelUrl = null);

/// <summary>What an answer of a carrier makes of a booking, and of the carrier itself: one command per answer, in the site's lane.</summary>
internal static class BookingResults
{
    private static readonly TimeSpan FirstTracking = TimeSpan.FromMinutes(30);

    // ---- the carrier

    /// <summary>
    /// Counts answers that did not come; after some in a row the carrier is left alone for a while. One that says how long it wants to be left alone is believed; where it says nothing else for long it
    /// is away like any other, so that its parcels go on to others and somebody is told.
    /// </summary>
    public static async ValueTask CountAsync(LaneTransaction tx, CarrierRow row, CarrierAnswer answer, double random)
    {
        var (site, carrier) = (row.Site, row.Carrier);
        if (answer.IsHeard)
        {
            await tx.WriteAsync("UPDATE carriers SET failures = 0, failing_since = NULL, open_until = NULL, last_success_at = @now WHERE site = @site AND carrier = @carrier", new { site, carrier, now = tx.Now });
            if (row.IsOpen) tx.Append(Lane.Site(site), new CarrierRecovered(carrier), "carrier/" + carrier);
            return;
        }
        // Days in which it was not asked, since nothing was to be sent, are no failure.
        var since = row.FailingSince is { } known && !(tx.Now - row.OpenUntil > CarrierRetry.Unasked) ? known : tx.Now;
        var failures = answer.RetryAfter is null ? row.Failures + 1 : tx.Now - since < CarrierRetry.BusyFor ? row.Failures : Math.Max(row.Failures + 1, CarrierRetry.OpenAfter);
        var wait = answer.RetryAfter ?? CarrierRetry.Open(failures, random);
        await tx.WriteAsync("UPDATE carriers SET failures = @failures, failing_since = @since, open_until = @until, last_error = @error WHERE site = @site AND carrier = @carrier",
            new { site, carrier, failures, since, until = wait is { } open ? tx.Now + open : (DateTimeOffset?)null, error = answer.Error });
        if (row.Failures < CarrierRetry.OpenAfter && failures >= CarrierRetry.OpenAfter) tx.Append(Lane.Site(site), new CarrierUnavailable(carrier, failures, since), "carrier/" + carrier);
    }

    // ---- buying

    /// <summary>The answer to a purchase.</summary>
    /// <param name="again">An earlier answer was lost: whatever the carrier says of the repetition, it may have the parcel.</param>
    public static async ValueTask BoughtAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account, CarrierAnswer answer, double random, bool again)
    {
        switch (answer.Result)
        {
            case CallResult.Ok:
            case CallResult.Duplicate when account.Profile.Numbers is not null: // the numbers are ours: what the carrier has is this very parcel
                await ReadAsync(tx, booking, account, account.Profile.Create!, answer);
                break;
            case CallResult.Duplicate when account.Profile.Find is not null:
                await SetAsync(tx, booking, BookingStatus.Asking, BookingTodo.Buy, tx.Now, answer.Error);
                break;
            case CallResult.Duplicate:
                await UnsureAsync(tx, booking, $"{account.Carrier} had the reference {booking.Reference} before: {answer.Error}");
                break;
            case CallResult.Refused or CallResult.Missing when again:
                await UnsureAsync(tx, booking, $"an answer of {account.Carrier} was lost, and it refuses the repetition: {answer.Error}; look there for {booking.Reference}");
                break;
            case CallResult.Refused or CallResult.Missing:
                await RefusedAsync(tx, booking, answer.Error ?? "refused");
                break;
            case CallResult.Away when again:
                await SetAsync(tx, booking, BookingStatus.Asking, BookingTodo.Buy, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), answer.Error);
                break;
            case CallResult.Away when booking.CancelReason is { } reason:
                await ChangeBooking.EndAsync(tx, booking, reason);
                break;
            case CallResult.Away: // nothing was done
                await SetAsync(tx, booking, BookingStatus.Pending, BookingTodo.Buy, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), answer.Error);
                break;
            case CallResult.Unclear: // it may have been done, and may still be under way there
                var wait = TimeSpan.FromSeconds(account.Profile.SettleS);
                var retry = CarrierRetry.After(booking.Attempts, random);
                await SetAsync(tx, booking, BookingStatus.Asking, BookingTodo.Buy, tx.Now + (wait > retry ? wait : retry), answer.Error);
                break;
        }
    }

    /// <summary>The answer to the question whether the carrier has it.</summary>
    public static async ValueTask FoundAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account, CarrierAnswer answer, double random)
    {
        switch (answer.Result)
        {
            case CallResult.Ok:
                await ReadAsync(tx, booking, account, account.Profile.Find!, answer);
                break;
            case CallResult.Missing when booking.CancelReason is { } reason:
                await ChangeBooking.EndAsync(tx, booking, reason);
                break;
            case CallResult.Missing:
                await SetAsync(tx, booking, BookingStatus.Pending, BookingTodo.Buy, tx.Now, null);
                break;
            case CallResult.Refused or CallResult.Duplicate:
                await UnsureAsync(tx, booking, $"an answer of {account.Carrier} was lost, and asked for {booking.Reference} it says: {answer.Error}; look there");
                break;
            case CallResult.Away or CallResult.Unclear:
                await SetAsync(tx, booking, BookingStatus.Asking, BookingTodo.Buy, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), answer.Error);
                break;
        }
    }

    private static async ValueTask ReadAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account, ProfileCall call, CarrierAnswer answer)
    {
        string Read(string word) => call.Read.TryGetValue(word, out var path) ? JsonWords.Read(answer.Json, path) : "";
        var numbers = call.Read.TryGetValue("numbers", out var list) && JsonWords.Find(answer.Json, list) is System.Text.Json.Nodes.JsonArray given
            ? given.Select(JsonWords.Text).ToArray() : [.. booking.NumberList];
        if (numbers.Any(n => n.Length == 0)) numbers = [];
        var tracking = Read("tracking_number") is { Length: > 0 } read ? read : numbers.FirstOrDefault() ?? "";
        if (tracking.Length is 0 or > 64 || tracking.Any(c => c is < ' ' or > '~'))
        {
            await UnsureAsync(tx, booking, $"{account.Carrier} took the parcel and gave no number that can be printed");
            return;
        }
        await ConfirmAsync(tx, booking, new Confirmed(tracking, numbers, Read("carrier_ref") is { Length: > 0 } reference ? reference : null, PriceOf(Read("price"), Read("price_minor")),
            Read("currency") is var currency && Money.IsCurrency(currency) ? currency : null, Profiles.TimeOf(account.Profile, Read("estimated_at")), Read("label_url") is { Length: > 0 } url ? url : null), account.Profile);
    }

    /// <summary>Ten-thousandths, of an amount or of one in hundredths.</summary>
    internal static long? PriceOf(string amount, string minor)
    {
        var text = amount.Length > 0 ? amount : minor;
        return decimal.TryParse(text, System.Globalization.NumberStyles.Number, System.Globalization.CultureInfo.InvariantCulture, out var value) && Math.Abs(value) < 1_000_000_000m
            ? (long)Math.Round(value * (amount.Length > 0 ? 10_000m : 100m), MidpointRounding.AwayFromZero) : null;
    }

    /// <summary>The carrier has the parcel. Where it was to be shipped at once, it is, unless something stands against that: then it waits for somebody.</summary>
    public static async ValueTask ConfirmAsync(LaneTransaction tx, BookingRow booking, Confirmed said, CarrierProfile? profile)
    {
        var label = profile?.Label is not null || said.LabelUrl is not null;
        var (todo, at) = label ? (BookingTodo.Label, tx.Now) : (BookingTodo.Nothing, tx.Now);
        await tx.WriteAsync("""
            UPDATE carrier_bookings SET status = @status, todo = @todo, next_at = @at, attempts = 0, owner = NULL, lease_until = NULL, error = NULL, tracking_number = @tracking, numbers = @numbers, carrier_ref = @reference,
                price_e4 = @price, currency = @currency, estimated_at = @estimated, label_source = @source, booked_at = @now WHERE id = @id
            """, new
        {
            id = booking.Id, status = BookingStatus.Booked, todo, at, tracking = said.TrackingNumber, numbers = Bookings.Json(said.Numbers), reference = said.CarrierRef, price = said.PriceE4,
            currency = said.Currency, estimated = said.EstimatedAt, source = said.LabelUrl, now = tx.Now,
        });
        await ShippedParts.NoteCarrierAsync(tx, booking.PackingTaskId, booking.Carrier, said.TrackingNumber);
        tx.Append(Lane.Site(booking.Site), new BookingConfirmed(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.Carrier, said.TrackingNumber), booking.Subject, booking.OrderId);
        tx.Measure<CarrierMetrics>(m => m.Booked(booking.Site, booking.Carrier, "booked"));
        var now = (await Bookings.FindAsync(tx.Group.Session, booking.Id))!;
        if (booking.CancelReason is { } reason)
        {
            await ChangeBooking.WantCancelAsync(tx, now, reason);
            return;
        }
        if (!booking.Ship) return;
        var shipped = await ShipPacking.DecideAsync(booking.Site, booking.PackingTaskId, new ShipPackingBody { Carrier = booking.Carrier }, tx);
        if (shipped.Refusal is { } no) await tx.WriteAsync("UPDATE carrier_bookings SET error = @error WHERE id = @id", new { id = booking.Id, error = "not shipped: " + no.Detail });
    }

    private static async ValueTask RefusedAsync(LaneTransaction tx, BookingRow booking, string error)
    {
        if (booking.CancelReason is { } reason) await ChangeBooking.EndAsync(tx, booking, reason);
        else if (!await FallBackAsync(tx, booking, "refused", error)) await FailAsync(tx, booking, "refused", BookingStatus.Failed, error);
    }

    private static ValueTask UnsureAsync(LaneTransaction tx, BookingRow booking, string? error) => FailAsync(tx, booking, "unsure", BookingStatus.Unsure, error);

    /// <summary>The carrier cannot be asked whether it has the parcel: somebody must look.</summary>
    public static ValueTask LostAsync(LaneTransaction tx, BookingRow booking) =>
        UnsureAsync(tx, booking, $"the answer of {booking.Carrier} was lost ({booking.Error ?? "this node stopped"}) and it has no call to look the reference up: look there for {booking.Reference}");

    private static async ValueTask FailAsync(LaneTransaction tx, BookingRow booking, string reason, BookingStatus status, string? error)
    {
        await SetAsync(tx, booking, status, BookingTodo.Nothing, tx.Now, error);
        tx.Append(Lane.Site(booking.Site), new BookingFailed(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.Carrier, reason), booking.Subject, booking.OrderId);
        tx.Measure<CarrierMetrics>(m => m.Booked(booking.Site, booking.Carrier, reason));
    }

    /// <summary>
    /// Hands a booking that surely was not bought to the next of its carriers: after a refusal to whichever is next, else to one that answers. False when there is none.
    /// </summary>
    public static async ValueTask<bool> FallBackAsync(LaneTransaction tx, BookingRow booking, string reason, string? error)
    {
        var carriers = booking.CarrierList;
        for (var i = 1; i < carriers.Count; i++)
        {
            if (await CarrierRows.FindAsync(tx.Group.Session, booking.Site, carriers[i]) is not { Enabled: true } next || reason != "refused" && next.IsOpen) continue;
            // One that is only away may have its turn again later; one that has refused is not asked again.
            string[] left = reason == "refused" ? [carriers[i], .. carriers.Skip(1).Where((_, j) => j != i - 1)] : [carriers[i], .. carriers.Where((_, j) => j != i)];
            await tx.WriteAsync("""
                UPDATE carrier_bookings SET status = @status, carrier = @carrier, carriers = @carriers, others = @others, todo = @todo, next_at = @now, attempts = 0, numbers = '[]', owner = NULL, lease_until = NULL, error = @error
                WHERE id = @id
                """, new { id = booking.Id, status = BookingStatus.Pending, carrier = carriers[i], carriers = Bookings.Json(left), others = left.Length - 1, todo = BookingTodo.Buy, now = tx.Now, error = $"{booking.Carrier}: {error}" });
            tx.Append(Lane.Site(booking.Site), new BookingFellBack(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.Carrier, carriers[i], reason), booking.Subject, booking.OrderId);
            return true;
        }
        return false;
    }

    // ---- labels, cancelling

    /// <summary>The carrier's own label, kept encrypted with the person's key: their address is on it.</summary>
    public static async ValueTask LabelledAsync(LaneTransaction tx, BookingRow booking, CarrierAnswer answer, double random)
    {
        if (answer is { Result: CallResult.Ok, Bytes: { } content })
        {
            var keys = await Personal.KeysAsync(tx, [booking.PersonId]);
            await tx.WriteAsync("UPDATE carrier_bookings SET label = @label, label_type = @type, error = NULL WHERE id = @id",
                new { id = booking.Id, label = Personal.Encrypt(keys[booking.PersonId], content, Personal.IdsOf(tx)), type = answer.ContentType ?? LabelTypes.Unknown });
            await NextAsync(tx, booking);
        }
        else if (booking.Attempts >= (answer.IsHeard ? CarrierRetry.RefusedLabels : CarrierRetry.MostLabels))
        {
            // It has a number, and our own label can be printed: neither the parcel nor its tracking waits for a picture.
            await NextAsync(tx, booking, "no label: " + answer.Error);
        }
        else
        {
            await SetAsync(tx, booking, booking.Status, BookingTodo.Label, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), answer.Error);
        }
    }

    /// <summary>Goes on to following the parcel, once it has left.</summary>
    private static async ValueTask NextAsync(LaneTransaction tx, BookingRow booking, string? error = null)
    {
        var tracks = booking.ShipmentId is not null && (await CarrierRows.FindAsync(tx.Group.Session, booking.Site, booking.Carrier))?.Spoken?.Track is not null;
        await SetAsync(tx, booking, booking.Status, tracks ? BookingTodo.Track : BookingTodo.Nothing, tx.Now + FirstTracking, error);
        await tx.WriteAsync("UPDATE carrier_bookings SET attempts = 0 WHERE id = @id", new { id = booking.Id });
    }

    public static async ValueTask CancelledAsync(LaneTransaction tx, BookingRow booking, CarrierAnswer answer, double random)
    {
        var reason = booking.CancelReason ?? "cancelled";
        switch (answer.Result)
        {
            case CallResult.Ok or CallResult.Missing:
                await ChangeBooking.EndAsync(tx, booking, reason);
                break;
            case CallResult.Refused or CallResult.Duplicate: // it may be collected already; nobody here can do more
                await ChangeBooking.EndAsync(tx, booking, reason, $"{booking.Carrier} does not cancel {booking.TrackingNumber}: {answer.Error}");
                break;
            case CallResult.Away or CallResult.Unclear: // cancelling twice does no harm
                await SetAsync(tx, booking, BookingStatus.Cancelling, BookingTodo.Cancel, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), answer.Error);
                break;
        }
    }

    /// <summary>The delivery service was asked for the address; it is kept encrypted with the person's key.</summary>
    public static async ValueTask AddressedAsync(LaneTransaction tx, BookingRow booking, CarrierAnswer answer, AddressDetails? address, string? phone, double random)
    {
        if (address is not null)
        {
            var keys = await Personal.KeysAsync(tx, [booking.PersonId]);
            var plain = JsonSerializer.SerializeToUtf8Bytes(new PersonalDetails(phone is null ? null : new CustomerDetails(null, null, phone), address), ContractsJson.Default.PersonalDetails);
            await tx.WriteAsync("UPDATE carrier_bookings SET address = @address WHERE id = @id", new { id = booking.Id, address = Personal.Encrypt(keys[booking.PersonId], plain, Personal.IdsOf(tx)) });
            await SetAsync(tx, booking, BookingStatus.Pending, BookingTodo.Buy, tx.Now, null);
        }
        else if (answer.Result is CallResult.Ok or CallResult.Missing or CallResult.Refused or CallResult.Duplicate)
        {
            await FailAsync(tx, booking, "no_address", BookingStatus.Failed, "the delivery service has no address for this order" + (answer.Error is { } why ? ": " + why : ""));
        }
        else
        {
            await SetAsync(tx, booking, BookingStatus.Pending, BookingTodo.Buy, tx.Now + CarrierRetry.After(booking.Attempts, random, answer.RetryAfter), "the delivery service: " + answer.Error);
        }
    }

    public static ValueTask SetAsync(LaneTransaction tx, BookingRow booking, BookingStatus status, BookingTodo todo, DateTimeOffset at, string? error) => tx.WriteAsync(
        "UPDATE carrier_bookings SET status = @status, todo = @todo, next_at = @at, error = @error, owner = NULL, lease_until = NULL WHERE id = @id", new { id = booking.Id, status, todo, at, error });

    /// <summary>The parcel has left: from now on its carrier is asked where it is, and what it has reported before counts.</summary>
    public static async ValueTask ShippedAsync(LaneTransaction tx, BookingRow booking, Shipment shipment)
    {
        var tracks = (await CarrierRows.FindAsync(tx.Group.Session, booking.Site, booking.Carrier))?.Spoken?.Track is not null;
        await tx.WriteAsync("UPDATE carrier_bookings SET shipment_id = @shipment, tracking_since = @now WHERE id = @id", new { id = booking.Id, shipment = shipment.Id, now = tx.Now });
        if (tracks && booking.Todo == BookingTodo.Nothing)
            await tx.WriteAsync("UPDATE carrier_bookings SET todo = @todo, next_at = @at, attempts = 0 WHERE id = @id", new { id = booking.Id, todo = BookingTodo.Track, at = tx.Now + FirstTracking });
        await Tracking.SettleAsync(tx, (await Bookings.FindAsync(tx.Group.Session, booking.Id))!);
    }
}
