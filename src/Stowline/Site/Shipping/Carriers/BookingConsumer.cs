using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>
/// Reads the site's own lane: what is packed is booked where a rule says so, and what is cancelled is given back to its carrier. At a site without carriers it wants nothing, and costs nothing.
/// </summary>
internal sealed class BookingConsumer(string site, CarrierModule carriers) : Consumer
{
    public override string Name => "carrier-bookings";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => carriers.IsUsedBy(site) && (type == PackingCompleted.Type || type == PackingCancelled.Type);

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            if (e.Type == PackingCancelled.Type)
            {
                var cancelled = e.Read<PackingCancelled>();
                if (await Bookings.OfTaskAsync(tx.Group.Session, cancelled.TaskId) is { ShipmentId: null } booking) await ChangeBooking.WantCancelAsync(tx, booking, cancelled.Reason);
                continue;
            }
            var packed = e.Read<PackingCompleted>();
            if (await IsAutomaticAsync(tx, packed)) await BookPacking.DecideAsync(site, packed.TaskId, new BookPackingBody(), tx); // a refusal leaves it to somebody
        }
    }

    private async ValueTask<bool> IsAutomaticAsync(LaneTransaction tx, PackingCompleted packed)
    {
        var session = tx.Group.Session;
        if (await ShippedParts.FindAsync(session, site, packed.TaskId) is not { Task.Status: PackingStatus.Packed } parcel || await FulfillmentOrders.FindAsync(session, packed.OrderId, packed.Part) is not { } order
            || order.FulfillmentType != "ship") return false;
        var settings = await ShippingSettings.ReadAsync(session, site);
        var country = (await ParcelValues.RecipientAsync(session, order, null))?.ShipTo?.Country;
        return ShippingSettings.Choose(settings.Rules, order.Channel, country, parcel.Task.WeightG, parcel.Task.Packages.Count)?.Automatic == true;
    }
}

/// <summary>
/// At a site's own node: forgets what carriers and the delivery service said of a person whom the hub has erased. What they said is encrypted with the person's key, but where the hub had none it was made here.
/// </summary>
internal sealed class ErasedParcels(string site) : Consumer
{
    public override string Name => "erased-parcels";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == PersonErased.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            var person = e.Read<PersonErased>().PersonId;
            await tx.WriteAsync("UPDATE parcel_scans SET text = NULL WHERE booking_id IN (SELECT id FROM carrier_bookings WHERE person_id = @person)", new { person });
            await tx.WriteAsync("UPDATE carrier_bookings SET address = NULL, label = NULL, label_type = NULL, label_source = NULL WHERE person_id = @person", new { person });
        }
    }
}
