using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>What a carrier reports of one parcel.</summary>
/// <param name="Parcel">The number that it names; empty where it names none.</param>
/// <param name="At">Null where it does not say when.</param>
/// <param name="Key">What the carrier knows the report by; null where it gives nothing.</param>
internal sealed record Scan(string Parcel, ParcelStatus Status, string Code, DateTimeOffset? At, string? Text, string? Location, string? Key);

/// <summary>
/// Where parcels are (F5): reports are taken once each, in any order; the latest by the carrier's clock counts, and what is delivered stays so. A shipment of several packages is delivered when all are.
/// </summary>
internal static class Tracking
{
    private const int MostScans = 500;
    private static readonly TimeSpan Slower = TimeSpan.FromDays(14);
    private static readonly TimeSpan Given = TimeSpan.FromDays(90);

    private sealed record Latest { public string Parcel { get; init; } = ""; public DateTimeOffset At { get; init; } public ParcelStatus Status { get; init; } }

    /// <summary>The reports in an answer or a message.</summary>
    /// <param name="items">Where the list is; null where the whole is one report. Words that begin with <c>$.</c> are of the whole.</param>
    public static IReadOnlyList<Scan> Read(CarrierAccount account, JsonNode? json, string? items, IReadOnlyDictionary<string, string> words)
    {
        var found = items is null ? json is null ? [] : [json] : JsonWords.Find(json, items) as JsonArray is { } list ? list.Where(i => i is not null).Select(i => i!) : [];
        var scans = new List<Scan>();
        foreach (var item in found.Take(MostScans))
        {
            string Word(string name, int most)
            {
                if (!words.TryGetValue(name, out var path)) return "";
                var text = path.StartsWith("$.", StringComparison.Ordinal) ? JsonWords.Read(json, path[2..]) : JsonWords.Read(item, path);
                return new string([.. text.Where(c => !char.IsControl(c)).Take(most)]).TrimEnd('\ud83c', '\ud83d');
            }
            var code = Word("code", 64);
            if (code.Length == 0) continue;
            scans.Add(new Scan(Word("tracking_number", 64), account.StatusOf(code), code, Profiles.TimeOf(account.Profile, Word("at", 40)), Null(Word("text", 200)), Null(Word("location", 100)), Null(Word("key", 64))));
        }
        return scans;

        static string? Null(string text) => text.Length == 0 ? null : text;
    }

    /// <summary>Writes down what is new and draws the conclusion. Answers how many were new.</summary>
    public static async ValueTask<int> ApplyAsync(LaneTransaction tx, BookingRow booking, IReadOnlyList<Scan> scans)
    {
        var parcels = Parcels(booking);
        var fresh = 0;
        var seal = scans.Any(s => s.Text is not null) ? await Personal.KeyAsync(tx.Group.Session, booking.PersonId) : null;
        foreach (var scan in scans)
        {
            var parcel = parcels.Contains(scan.Parcel, StringComparer.Ordinal) ? scan.Parcel : parcels[0];
            var key = scan.Key ?? $"{scan.Code}|{(scan.At is { } at ? Store.RowTypes.Text(at) : scan.Text)}|{scan.Location}";
            fresh += await tx.ExecuteAsync("""
                INSERT INTO parcel_scans (booking_id, parcel, key, at, status, code, text, location, received_at) VALUES (@id, @parcel, @key, @at, @status, @code, @text, @location, @now)
                ON CONFLICT (booking_id, parcel, key) DO NOTHING
                """, new { id = booking.Id, parcel, key = key.Length <= 300 ? key : key[..300], at = scan.At ?? tx.Now, status = scan.Status, code = scan.Code,
                    text = scan.Text is null || seal is null ? null : Personal.Encrypt(seal, System.Text.Encoding.UTF8.GetBytes(scan.Text), Personal.IdsOf(tx)), location = scan.Location, now = tx.Now });
        }
        if (fresh > 0) await SettleAsync(tx, booking);
        return fresh;
    }

    private static IReadOnlyList<string> Parcels(BookingRow booking) => booking.NumberList is { Count: > 0 } numbers ? numbers : [booking.TrackingNumber ?? ""];

    /// <summary>Where the whole shipment is, by what was reported of its packages. Pure.</summary>
    internal static (ParcelStatus Status, DateTimeOffset? At) Of(IReadOnlyList<string> parcels, IEnumerable<(string Parcel, DateTimeOffset At, ParcelStatus Status)> scans)
    {
        var byParcel = scans.Where(s => s.Status != ParcelStatus.Unknown).GroupBy(s => s.Parcel, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Where(s => s.Status == ParcelStatus.Delivered).OrderBy(s => s.At).Cast<(string, DateTimeOffset At, ParcelStatus Status)?>().FirstOrDefault() ?? g.MaxBy(s => s.At), StringComparer.Ordinal);
        if (byParcel.Count == 0) return (ParcelStatus.Unknown, null);
        var last = byParcel.Values.MaxBy(s => s.At);
        if (parcels.All(p => byParcel.TryGetValue(p, out var s) && s.Status == ParcelStatus.Delivered)) return (ParcelStatus.Delivered, last.At);
        var open = byParcel.Values.Where(s => s.Status != ParcelStatus.Delivered).ToList();
        return open.Count > 0 ? (open.MaxBy(s => s.At).Status, last.At) : (ParcelStatus.InTransit, last.At);
    }

    /// <summary>Tells where the parcel is, once it has left; delivered ends it.</summary>
    public static async ValueTask SettleAsync(LaneTransaction tx, BookingRow booking)
    {
        var rows = await tx.QueryAsync<Latest>("SELECT parcel, at, status FROM parcel_scans WHERE booking_id = @id", new { id = booking.Id });
        var (status, at) = Of(Parcels(booking), rows.Select(r => (r.Parcel, r.At, r.Status)));
        if (booking.ShipmentId is not { } shipment || status == booking.Tracking || booking.Tracking == ParcelStatus.Delivered || at is not { } when) return;
        var over = status is ParcelStatus.Delivered or ParcelStatus.Returned or ParcelStatus.Lost;
        await tx.WriteAsync("UPDATE carrier_bookings SET tracking = @status, tracked_at = @when WHERE id = @id", new { id = booking.Id, status, when });
        if (over) await tx.WriteAsync("UPDATE carrier_bookings SET todo = @nothing WHERE id = @id AND todo = @track", new { id = booking.Id, nothing = BookingTodo.Nothing, track = BookingTodo.Track });
        tx.Append(Lane.Site(booking.Site), new ParcelMoved(booking.Id, booking.OrderId, booking.Part, booking.Carrier, booking.TrackingNumber!, SnakeCaseEnum<ParcelStatus>.Text(status), when), booking.Subject, booking.OrderId);
        if (status == ParcelStatus.Delivered) await DeliverShipment.WriteAsync(tx, booking.Site, shipment, when);
        else if (status == ParcelStatus.Returned) await Shipments.ReturnedAsync(tx, shipment);
    }

    /// <summary>After a look at the carrier's: when the next one is due. Who has heard nothing for long looks seldom, and after three months no more.</summary>
    public static async ValueTask LookedAsync(LaneTransaction tx, BookingRow booking, CarrierAccount account, CarrierAnswer answer, IReadOnlyList<Scan> scans, double random)
    {
        if (answer.Result == CallResult.Ok) await ApplyAsync(tx, booking, scans);
        var now = (await Bookings.FindAsync(tx.Group.Session, booking.Id))!;
        var age = tx.Now - (booking.TrackingSince ?? tx.Now);
        var every = TimeSpan.FromMinutes(account.Profile.TrackEveryM) * (age > Slower ? 6 : 1) * (0.9 + 0.2 * random);
        var wait = answer.IsHeard ? every : CarrierRetry.After(booking.Attempts, random, answer.RetryAfter);
        var ended = now.Tracking is ParcelStatus.Delivered or ParcelStatus.Returned or ParcelStatus.Lost || age > Given;
        await BookingResults.SetAsync(tx, now, now.Status, ended ? BookingTodo.Nothing : BookingTodo.Track, tx.Now + wait, answer.Result is CallResult.Ok or CallResult.Missing ? null : answer.Error);
        if (answer.IsHeard) await tx.WriteAsync("UPDATE carrier_bookings SET attempts = 0 WHERE id = @id", new { id = booking.Id });
    }
}
