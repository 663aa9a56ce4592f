using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>
/// At the hub, for a site with a node of its own: which of its carriers do not answer, and which parcels wait for somebody, as its events tell. Alerts are made of it: whoever watches
/// the hub need not watch every site.
/// </summary>
internal sealed class TroubleCopies(string site) : Consumer
{
    public override string Name => "carrier-troubles";
    public override Lane Target(Lane source) => source;

    /// <summary>The site's own rows are about to go: what they say of its troubles is what the copies go on from.</summary>
    public static async ValueTask BeginAsync(string site, LaneTransaction tx)
    {
        await tx.WriteAsync("""
            INSERT INTO carrier_trouble_copies (site, carrier, since) SELECT site, carrier, COALESCE(failing_since, @now) FROM carriers WHERE site = @site AND enabled = @yes AND failures >= @many
            """, new { site, now = tx.Now, yes = true, many = CarrierRetry.OpenAfter });
        await tx.WriteAsync("INSERT INTO booking_trouble_copies (booking_id, site, status) SELECT id, site, status FROM carrier_bookings WHERE site = @site AND status IN (@failed, @unsure)",
            new { site, failed = BookingStatus.Failed, unsure = BookingStatus.Unsure });
    }

    public override bool Wants(string type) => type is "carrier.unavailable" or "carrier.recovered" or "carrier.changed"
        or "booking.failed" or "booking.requested" or "booking.confirmed" or "booking.fell_back" or "booking.cancelled";

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            switch (e.Type)
            {
                case "carrier.unavailable":
                    var unavailable = e.Read<CarrierUnavailable>();
                    await tx.WriteAsync("""
                        INSERT INTO carrier_trouble_copies (site, carrier, since) VALUES (@site, @carrier, @since) ON CONFLICT (site, carrier) DO UPDATE SET since = excluded.since
                        """, new { site, carrier = unavailable.Carrier, since = unavailable.Since });
                    break;
                case "carrier.recovered": await AnswersAsync(tx, e.Read<CarrierRecovered>().Carrier); break;
                // Saved, switched off or deleted: if it still does not answer, the site tells it again.
                case "carrier.changed": await AnswersAsync(tx, e.Read<CarrierChanged>().Carrier); break;
                case "booking.failed":
                    var failed = e.Read<BookingFailed>();
                    await tx.WriteAsync("""
                        INSERT INTO booking_trouble_copies (booking_id, site, status) VALUES (@id, @site, @status) ON CONFLICT (booking_id) DO UPDATE SET status = excluded.status
                        """, new { id = failed.BookingId, site, status = failed.Reason == "unsure" ? BookingStatus.Unsure : BookingStatus.Failed });
                    break;
                case "booking.requested": await GoesOnAsync(tx, e.Read<BookingRequested>().BookingId); break;
                case "booking.confirmed": await GoesOnAsync(tx, e.Read<BookingConfirmed>().BookingId); break;
                case "booking.fell_back": await GoesOnAsync(tx, e.Read<BookingFellBack>().BookingId); break;
                case "booking.cancelled": await GoesOnAsync(tx, e.Read<BookingCancelled>().BookingId); break;
            }
        }
    }

    private ValueTask AnswersAsync(LaneTransaction tx, string carrier) => tx.WriteAsync("DELETE FROM carrier_trouble_copies WHERE site = @site AND carrier = @carrier", new { site, carrier });
    private static ValueTask GoesOnAsync(LaneTransaction tx, Guid id) => tx.WriteAsync("DELETE FROM booking_trouble_copies WHERE booking_id = @id", new { id });
}
