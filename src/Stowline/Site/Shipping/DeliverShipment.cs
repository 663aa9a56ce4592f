using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Shipping;

/// <summary>When it arrived, RFC 3339; without a word now.</summary>
public sealed record DeliverShipmentBody : IOptionalBody { public DateTimeOffset? DeliveredAt { get; init; } }

/// <summary>
/// A shipment has reached its customer: told by its carrier, or here by somebody, where the carrier tells nothing (F5). Saying it again changes nothing. Refusals: <c>shipment_not_found</c>,
/// <c>invalid_transition</c>.
/// </summary>
public static class DeliverShipment
{
    public static async ValueTask<Outcome<Shipment>> DecideAsync(string site, Guid id, DeliverShipmentBody body, LaneTransaction tx)
    {
        if (await Shipments.FindAsync(tx.Group.Session, id) is not { } shipment || shipment.Site != site) return Shipments.NotFound(id.ToString());
        if (body.DeliveredAt is { } told && (told > tx.Now.AddMinutes(5) || told < shipment.ShippedAt)) return Refusal.Invalid("delivered_at", "must lie between the shipping and now");
        switch (shipment.Status)
        {
            case ShipmentStatus.Delivered: return Outcome<Shipment>.AlreadyDone(shipment);
            case ShipmentStatus.Returned: return Refusal.Conflict("invalid_transition", $"shipment {shipment.Number} came back and cannot be delivered");
            case ShipmentStatus.Shipped: break;
        }
        await WriteAsync(tx, site, id, body.DeliveredAt ?? tx.Now);
        return (await Shipments.FindAsync(tx.Group.Session, id))!;
    }

    internal static async ValueTask WriteAsync(LaneTransaction tx, string site, Guid id, DateTimeOffset at)
    {
        if (await Shipments.FindAsync(tx.Group.Session, id) is not { Status: not ShipmentStatus.Delivered } shipment) return;
        await tx.WriteAsync("UPDATE shipments SET status = @status, delivered_at = @at WHERE id = @id", new { id, status = ShipmentStatus.Delivered, at });
        tx.Append(Lane.Site(site), new PartDelivered(shipment.OrderId, shipment.Part, id, shipment.Number, shipment.Carrier, shipment.TrackingNumber, at), shipment.OrderId.ToString(), shipment.OrderId);
    }
}
