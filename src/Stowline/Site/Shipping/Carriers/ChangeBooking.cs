using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

public sealed record CancelBookingBody : Http.IOptionalBody { public string? Reason { get; init; } }

/// <summary>What somebody found at the carrier's, whose answer was lost: the number it has given, or that it does not have the parcel.</summary>
public sealed record ResolveBookingBody { public string? TrackingNumber { get; init; } public string? CarrierReference { get; init; } public bool NotBooked { get; init; } }

/// <summary>
/// <c>POST /carrier-bookings/{key}/cancel</c>, <c>/retry</c>, <c>/resolve</c>. Refusals: <c>booking_not_found</c>, <c>invalid_transition</c>, <c>already_shipped</c>.
/// </summary>
public static class ChangeBooking
{
    private static Refusal Wrong(BookingRow booking, BookingAction action) => Transitions.Refuse("booking", booking.Number, SnakeCaseEnum<BookingStatus>.Text(booking.Status), SnakeCaseEnum<BookingAction>.Text(action),
        BookingLifecycle.Allowed(booking.Status).Select(SnakeCaseEnum<BookingAction>.Text));

    /// <summary>What was not asked of the carrier yet ends at once; else the carrier is told. While its answer is open the booking is cancelled as soon as it has come.</summary>
    public static async ValueTask<Outcome<BookingView>> CancelAsync(string site, Guid id, CancelBookingBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var reason = problems.Text(body.Reason?.Trim(), "reason", 200) is { Length: > 0 } given ? given : "cancelled";
        if (problems.Any) return problems.ToRefusal();
        if (await Bookings.FindAsync(tx.Group.Session, id) is not { } booking || booking.Site != site) return Bookings.NotFound(id.ToString());
        if (booking.ShipmentId is not null) return Refusal.Conflict("already_shipped", $"the parcel of booking {booking.Number} has left");
        if (booking.Status is BookingStatus.Cancelled or BookingStatus.Cancelling) return Outcome<BookingView>.AlreadyDone(booking.View);
        if (!BookingLifecycle.Allowed(booking.Status).Contains(BookingAction.Cancel)) return Wrong(booking, BookingAction.Cancel);
        await WantCancelAsync(tx, booking, reason);
        return (await Bookings.FindAsync(tx.Group.Session, id))!.View;
    }

    /// <summary>As above, of a booking that may be cancelled.</summary>
    internal static async ValueTask WantCancelAsync(LaneTransaction tx, BookingRow booking, string reason)
    {
        switch (booking.Status)
        {
            case BookingStatus.Pending or BookingStatus.Failed:
                await EndAsync(tx, booking, reason);
                break;
            case BookingStatus.Asking or BookingStatus.Unsure: // who resolves it is told then
                await tx.WriteAsync("UPDATE carrier_bookings SET cancel_reason = @reason WHERE id = @id", new { id = booking.Id, reason });
                break;
            case BookingStatus.Booked:
                await tx.WriteAsync("UPDATE carrier_bookings SET cancel_reason = @reason, status = @status, todo = @todo, next_at = @now, attempts = 0, owner = NULL, lease_until = NULL WHERE id = @id",
                    new { id = booking.Id, reason, status = BookingStatus.Cancelling, todo = BookingTodo.Cancel, now = tx.Now });
                break;
            case BookingStatus.Cancelling or BookingStatus.Cancelled:
                break;
        }
    }

    internal static async ValueTask EndAsync(LaneTransaction tx, BookingRow booking, string reason, string? note = null)
    {
        await tx.WriteAsync("UPDATE carrier_bookings SET status = @status, todo = @nothing, cancel_reason = @reason, error = @note, owner = NULL, lease_until = NULL, label = NULL, label_type = NULL, address = NULL WHERE id = @id",
            new { id = booking.Id, status = BookingStatus.Cancelled, nothing = BookingTodo.Nothing, reason, note });
        await ShippedParts.NoteCarrierAsync(tx, booking.PackingTaskId, null, null);
        tx.Append(Lane.Site(booking.Site), new BookingCancelled(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.Carrier, reason), booking.Subject, booking.OrderId);
    }

    /// <summary>Tries at once what waits, and again what has failed: from its first carrier on, since somebody has repaired something.</summary>
    public static async ValueTask<Outcome<BookingView>> RetryAsync(string site, Guid id, LaneTransaction tx)
    {
        if (await Bookings.FindAsync(tx.Group.Session, id) is not { } booking || booking.Site != site) return Bookings.NotFound(id.ToString());
        if (!BookingLifecycle.Allowed(booking.Status).Contains(BookingAction.Retry)) return Wrong(booking, BookingAction.Retry);
        var failed = booking.Status == BookingStatus.Failed;
        await tx.WriteAsync("UPDATE carrier_bookings SET status = @status, todo = @todo, next_at = @now, attempts = @attempts WHERE id = @id AND (owner IS NULL OR lease_until < @now)",
            new { id, status = failed ? BookingStatus.Pending : booking.Status, todo = failed ? BookingTodo.Buy : booking.Todo, now = tx.Now, attempts = failed ? 0 : booking.Attempts });
        tx.Append(Lane.Site(site), new BookingRequested(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.PackingTaskId, booking.Reference, booking.CarrierList), booking.Subject, booking.OrderId);
        return (await Bookings.FindAsync(tx.Group.Session, id))!.View;
    }

    public static async ValueTask<Outcome<BookingView>> ResolveAsync(string site, Guid id, ResolveBookingBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var tracking = body.TrackingNumber is null ? null : problems.Code(body.TrackingNumber, "tracking_number");
        problems.Check(tracking is null || tracking.All(char.IsAscii), "tracking_number", "must be ASCII: it is printed as Code 128");
        problems.Check(tracking is not null ^ body.NotBooked, "tracking_number", "or not_booked must be given, and only one of them");
        problems.Text(body.CarrierReference, "carrier_reference", 100);
        if (problems.Any) return problems.ToRefusal();
        if (await Bookings.FindAsync(tx.Group.Session, id) is not { } booking || booking.Site != site) return Bookings.NotFound(id.ToString());
        if (booking.Status == BookingStatus.Booked && tracking == booking.TrackingNumber) return Outcome<BookingView>.AlreadyDone(booking.View);
        if (!BookingLifecycle.Allowed(booking.Status).Contains(BookingAction.Resolve)) return Wrong(booking, BookingAction.Resolve);
        if (tracking is not null)
        {
            await BookingResults.ConfirmAsync(tx, booking, new Confirmed(tracking, [], body.CarrierReference, null, null, null), (await CarrierRows.FindAsync(tx.Group.Session, booking.Site, booking.Carrier))?.Spoken);
        }
        else if (booking.CancelReason is { } reason)
        {
            await EndAsync(tx, booking, reason);
        }
        else
        {
            await tx.WriteAsync("UPDATE carrier_bookings SET status = @status, todo = @todo, next_at = @now, attempts = 0, error = NULL WHERE id = @id", new { id, status = BookingStatus.Pending, todo = BookingTodo.Buy, now = tx.Now });
            tx.Append(Lane.Site(site), new BookingRequested(booking.Id, booking.Number, booking.OrderId, booking.Part, booking.PackingTaskId, booking.Reference, booking.CarrierList), booking.Subject, booking.OrderId);
        }
        return (await Bookings.FindAsync(tx.Group.Session, id))!.View;
    }
}
