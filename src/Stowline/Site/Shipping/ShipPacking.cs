using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping.Carriers;
using Stowline.Site.Stock;

namespace Stowline.Site.Shipping;

/// <summary>Who carries it: 1–64 characters. Without a tracking number it is the booking's, where there is one, else one is made from the shipment's number.</summary>
public sealed record ShipPackingBody { public string? Carrier { get; init; } public string? TrackingNumber { get; init; } }

/// <summary>
/// A packed part leaves the site (F4, F5): its units are consumed. Shipping again with the same data answers the shipment that exists. Refusals:
/// <c>packing_task_not_found</c>, <c>invalid_transition</c>, <c>order_on_hold</c>, <c>tracking_number_taken</c>, <c>booking_open</c>, <c>booked_elsewhere</c>.
/// </summary>
public static class ShipPacking
{
    public static async ValueTask<Outcome<Shipment>> DecideAsync(string site, Guid packingTaskId, ShipPackingBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var carrier = problems.Required(body.Carrier, "carrier", 64);
        var tracking = body.TrackingNumber is null ? null : problems.Code(body.TrackingNumber, "tracking_number");
        problems.Check(tracking is null || tracking.All(char.IsAscii), "tracking_number", "must be ASCII: it is printed as Code 128");
        if (problems.Any) return problems.ToRefusal();
        if (await ShippedParts.FindAsync(tx.Group.Session, site, packingTaskId) is not { } parcel) return PackingTasks.NotFound(packingTaskId.ToString());
        var task = parcel.Task;
        switch (PackingLifecycle.Check(task.Status, PackingAction.Ship))
        {
            case Transition.AlreadyThere when task.Carrier == carrier && (tracking is null || tracking == task.TrackingNumber):
                return Outcome<Shipment>.AlreadyDone((await Shipments.FindByTaskAsync(tx.Group.Session, packingTaskId))!);
            case Transition.AlreadyThere or Transition.Wrong: return PackingLifecycle.Refuse(task.Number, task.Status, PackingAction.Ship);
            case Transition.Go: break;
        }
        if (task.OnHold) return Transitions.OnHold("packing task", task.Number);
        var booking = await Bookings.OfTaskAsync(tx.Group.Session, packingTaskId);
        if (AgainstBooking(booking, carrier, tracking) is { } no) return no;
        tracking ??= booking?.TrackingNumber;
        if (tracking is not null && await Shipments.IsTakenAsync(tx.Group.Session, site, carrier, tracking))
            return Refusal.Conflict("tracking_number_taken", $"{carrier} {tracking} is another shipment's tracking number");

        var number = await tx.NextNumberAsync("shipment", Lane.Site(site));
        var shipment = await WriteAsync(tx, parcel, carrier, tracking ?? await NewTrackingAsync(tx, site, carrier, number), number, booking?.Id);
        if (booking is not null) await BookingResults.ShippedAsync(tx, booking, shipment);
        return shipment;
    }

    /// <summary>A parcel that a carrier has taken goes with that carrier; one that may have been taken waits until that is known.</summary>
    private static Refusal? AgainstBooking(BookingRow? booking, string carrier, string? tracking)
    {
        if (booking is null) return null;
        if (booking.Status != BookingStatus.Booked)
            return Refusal.Conflict("booking_open", $"booking {booking.Number} with {booking.Carrier} is {SnakeCaseEnum<BookingStatus>.Text(booking.Status)}; wait for it, or cancel it first");
        return booking.Carrier == carrier && (tracking is null || tracking == booking.TrackingNumber) ? null
            : Refusal.Conflict("booked_elsewhere", $"the parcel is booked with {booking.Carrier} as {booking.TrackingNumber}; cancel booking {booking.Number} first");
    }

    /// <summary>ST and the shipment's number; somebody may have given just that by hand, so it is made sure.</summary>
    private static async ValueTask<string> NewTrackingAsync(LaneTransaction tx, string site, string carrier, long number)
    {
        var text = $"ST{number:D10}";
        for (var turn = 2; await Shipments.IsTakenAsync(tx.Group.Session, site, carrier, text); turn++) text = $"ST{number:D10}-{turn}";
        return text;
    }

    private static async ValueTask<Shipment> WriteAsync(LaneTransaction tx, ShippedParts.Parcel parcel, string carrier, string tracking, long number, Guid? bookingId)
    {
        var task = parcel.Task;
        var shipment = new Shipment(tx.NewId(), number, task.OrderId, task.Part, task.Site, task.Id, carrier, tracking, ShipmentStatus.Shipped, task.Packages,
            Labels.UrlOf(task.Id), tx.Now) { BookingId = bookingId };
        await Shipments.InsertAsync(tx, shipment);
        foreach (var (sku, serials) in parcel.Serials)
            await Serials.LeaveAsync(tx, task.Site, sku, serials, $"shipment {number}");
        var movements = await StockBook.ShipAsync(tx, task.Site, parcel.Staged, $"shipment {number}");
        await ShippedParts.MarkShippedAsync(tx, parcel, carrier, tracking);
        var balances = await StockBook.SettleAsync(tx, task.Site, [.. parcel.Units.Select(u => u.Sku)]);
        tx.Append(Lane.Site(task.Site), new PartShipped(task.OrderId, task.Part, shipment.Id, number, carrier, tracking, parcel.Units,
                [.. task.Packages.Select(p => new ShippedPackage(p.SequenceNumber, SnakeCaseEnum<PackagingType>.Text(p.PackagingType), p.WeightG, p.LengthMm, p.WidthMm,
                    p.HeightMm, p.Barcode) { Sscc = p.Sscc })], movements, balances),
            task.OrderId.ToString(), task.OrderId);
        return shipment;
    }
}
