using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>Where a booking stands. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<BookingStatus>))]
public enum BookingStatus
{
    /// <summary>To be bought; nothing was asked of the carrier, or what was asked surely had no effect.</summary>
    Pending = 1,
    /// <summary>The carrier was asked. Until its answer is written down it may have taken the parcel.</summary>
    Asking = 2,
    /// <summary>The carrier has the parcel and it has a number.</summary>
    Booked = 3,
    /// <summary>The carrier's answer was lost and it cannot be asked: somebody must look.</summary>
    Unsure = 4,
    /// <summary>No carrier takes it.</summary>
    Failed = 5,
    /// <summary>To be given back to the carrier.</summary>
    Cancelling = 6,
    Cancelled = 7,
}

/// <summary>What is to be done next for a booking. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<BookingTodo>))]
public enum BookingTodo { Nothing = 0, Buy = 1, Label = 2, Track = 3, Cancel = 4 }

public enum BookingAction { Cancel = 1, Retry = 2, Resolve = 3 }

/// <summary>The only place that knows what somebody may do with a booking. Pure.</summary>
public static class BookingLifecycle
{
    public static IReadOnlyList<BookingAction> Allowed(BookingStatus from) => from switch
    {
        BookingStatus.Pending => [BookingAction.Cancel, BookingAction.Retry],
        BookingStatus.Asking => [BookingAction.Cancel, BookingAction.Retry],
        BookingStatus.Booked => [BookingAction.Cancel],
        BookingStatus.Unsure => [BookingAction.Resolve],
        BookingStatus.Failed => [BookingAction.Cancel, BookingAction.Retry],
        BookingStatus.Cancelling => [BookingAction.Retry],
        BookingStatus.Cancelled => [],
    };
}

/// <summary>A parcel bought from a carrier, or to be bought (F5).</summary>
/// <param name="Reference">What the carrier knows it by.</param>
/// <param name="Carriers">Those that may still be asked, in order, the current one first.</param>
/// <param name="Numbers">One number per package, where the carrier gives them.</param>
/// <param name="LabelUrl">The carrier's own label where it gave one, else ours.</param>
/// <param name="Error">What the carrier said last, where it did not do what was asked.</param>
public sealed record BookingView(
    Guid Id, long Number, string Site, Guid PackingTaskId, Guid OrderId, int Part, BookingStatus Status, string Reference, string Carrier, IReadOnlyList<string> Carriers, string? Service, string? TrackingNumber,
    IReadOnlyList<string> Numbers, string? CarrierReference, string? LabelUrl, bool HasCarrierLabel, Money? Price, DateTimeOffset? EstimatedAt, bool Ship, Guid? ShipmentId, ParcelStatus TrackingStatus, DateTimeOffset? TrackedAt,
    int Attempts, BookingTodo Todo, DateTimeOffset? NextAt, string? Error, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? BookedAt);

internal sealed record BookingRow
{
    public const string Columns = """
        id, number, site, packing_task_id, order_id, part, person_id, reference, service, ship, status, carrier, carriers, others, todo, next_at, attempts, owner, lease_until, cancel_reason, error, address,
        numbers, tracking_number, carrier_ref, price_e4, currency, estimated_at, label_source, label_type, shipment_id, tracking, tracked_at, tracking_since, created_at, created_by, booked_at
        """;

    public Guid Id { get; init; }
    public long Number { get; init; }
    public string Site { get; init; } = "";
    public Guid PackingTaskId { get; init; }
    public Guid OrderId { get; init; }
    public int Part { get; init; }
    public Guid PersonId { get; init; }
    public string Reference { get; init; } = "";
    public string? Service { get; init; }
    public bool Ship { get; init; }
    public BookingStatus Status { get; init; }
    public string Carrier { get; init; } = "";
    public string Carriers { get; init; } = "[]";
    public BookingTodo Todo { get; init; }
    public DateTimeOffset NextAt { get; init; }
    public int Attempts { get; init; }
    public Guid? Owner { get; init; }
    public DateTimeOffset? LeaseUntil { get; init; }
    public string? CancelReason { get; init; }
    public string? Error { get; init; }
    public byte[]? Address { get; init; }
    public string Numbers { get; init; } = "[]";
    public string? TrackingNumber { get; init; }
    public string? CarrierRef { get; init; }
    public long? PriceE4 { get; init; }
    public string? Currency { get; init; }
    public DateTimeOffset? EstimatedAt { get; init; }
    public string? LabelSource { get; init; }
    public string? LabelType { get; init; }
    public Guid? ShipmentId { get; init; }
    public ParcelStatus Tracking { get; init; }
    public DateTimeOffset? TrackedAt { get; init; }
    public DateTimeOffset? TrackingSince { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset? BookedAt { get; init; }

    public IReadOnlyList<string> CarrierList => Bookings.Texts(Carriers);
    public IReadOnlyList<string> NumberList => Bookings.Texts(Numbers);
    public string Subject => OrderId.ToString();
    public bool IsLeased(DateTimeOffset now) => Owner is not null && LeaseUntil > now;

    public BookingView View => new(Id, Number, Site, PackingTaskId, OrderId, Part, Status, Reference, Carrier, CarrierList, Service, TrackingNumber, NumberList, CarrierRef,
        Status != BookingStatus.Booked ? null : Labels.UrlOf(PackingTaskId, LabelType is not null), LabelType is not null, PriceE4 is { } e4 && Currency is { } currency ? Money.FromE4(e4, currency) : null, EstimatedAt, Ship, ShipmentId,
        Tracking, TrackedAt, Attempts, Todo, Todo == BookingTodo.Nothing ? null : NextAt, Error, CreatedAt, CreatedBy, BookedAt);
}

/// <summary>What a carrier reported of a parcel.</summary>
/// <param name="Code">The carrier's own word.</param>
public sealed record ScanView(string Parcel, DateTimeOffset At, ParcelStatus Status, string Code, string? Text, string? Location, DateTimeOffset ReceivedAt);

/// <summary>Reads of bookings: one by id or number, lists by order, site and status, what carriers reported.</summary>
public static class Bookings
{
    private sealed record Scan
    {
        public string Parcel { get; init; } = "";
        public DateTimeOffset At { get; init; }
        public ParcelStatus Status { get; init; }
        public string Code { get; init; } = "";
        public byte[]? Text { get; init; }
        public string? Location { get; init; }
        public DateTimeOffset ReceivedAt { get; init; }
    }

    internal const string Table = "carrier_bookings";

    internal static Refusal NotFound(string key) => Refusal.NotFound("booking_not_found", $"there is no booking {key}");
    internal static IReadOnlyList<string> Texts(string json) => JsonSerializer.Deserialize(json, CarrierJson.Default.ListString) ?? [];
    internal static string Json(IEnumerable<string> texts) => JsonSerializer.Serialize([.. texts], CarrierJson.Default.ListString);

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/carrier-bookings", http => TaskFilter.AnswerAsync<BookingStatus, BookingRow, BookingView>(http, node, $"SELECT {BookingRow.Columns} FROM carrier_bookings", r => r.View, r => r.Id))
            .WithTags("Carriers").WithSummary("Parcels bought from carriers or to be bought, oldest first").Pages<BookingView>()
            .Reads("site", "Only from this site.").Reads("status", "Only in this state.", typeof(BookingStatus)).Reads("order", "Only of this order, by id, number or channel:external_id.");
        api.MapGet("/carrier-bookings/{key}", (HttpContext http, string key) => GetAsync(http, node, key, async (s, id) => (await FindAsync(s, id))!.View))
            .WithTags("Carriers").WithSummary("One booking by id or number").Produces<BookingView>();
        api.MapGet("/carrier-bookings/{key}/tracking", (HttpContext http, string key) => GetAsync(http, node, key, async (s, id) => new Page<ScanView>(await ScansAsync(s, id), null)))
            .WithTags("Carriers").WithSummary("What the carrier reported of a parcel, oldest first").Produces<Page<ScanView>>();
    }

    private static async Task GetAsync<T>(HttpContext http, Node node, string key, Func<SqlSession, Guid, Task<T>> read)
    {
        if (await TaskInput.FindAsync(node.Database, Table, key, http.RequestAborted) is not { } found) { await Answers.WriteAsync(http, NotFound(key)); return; }
        await Answers.WriteAsync<T>(http, await node.Database.ReadAsync(s => read(s, found.Id), http.RequestAborted));
    }

    internal static ValueTask<BookingRow?> FindAsync(SqlSession session, Guid id) => session.FindAsync<BookingRow>($"SELECT {BookingRow.Columns} FROM carrier_bookings WHERE id = @id", new { id });

    /// <summary>The booking of a packing task that was not cancelled.</summary>
    internal static ValueTask<BookingRow?> OfTaskAsync(SqlSession session, Guid packingTaskId) => session.FindAsync<BookingRow>(
        $"SELECT {BookingRow.Columns} FROM carrier_bookings WHERE packing_task_id = @packingTaskId AND status <> @cancelled", new { packingTaskId, cancelled = BookingStatus.Cancelled });

    internal static async Task<IReadOnlyList<ScanView>> ScansAsync(SqlSession session, Guid id)
    {
        var key = await session.FindAsync<Guid?>("SELECT person_id FROM carrier_bookings WHERE id = @id", new { id }) is { } person ? await Personal.KeyAsync(session, person) : null;
        var rows = await session.QueryAsync<Scan>("SELECT parcel, at, status, code, text, location, received_at FROM parcel_scans WHERE booking_id = @id ORDER BY at, received_at", new { id });
        return [.. rows.Select(s => new ScanView(s.Parcel, s.At, s.Status, s.Code, s.Text is not null && Personal.Decrypt(key, s.Text) is { } plain ? System.Text.Encoding.UTF8.GetString(plain) : null, s.Location, s.ReceivedAt))];
    }

    private sealed record Waiting { public string Site { get; init; } = ""; public BookingStatus Status { get; init; } public long Count { get; init; } }

    /// <summary>How many bookings wait for somebody, by site and state, also at sites with nodes of their own: for alerts.</summary>
    public static async Task<IReadOnlyList<(string Site, BookingStatus Status, long Count)>> WaitingAsync(SqlSession session) =>
        [.. (await session.QueryAsync<Waiting>("""
            SELECT b.site, b.status, COUNT(*) AS count FROM (SELECT site, status FROM carrier_bookings WHERE status IN (4, 5) UNION ALL SELECT site, status FROM booking_trouble_copies) b
            GROUP BY b.site, b.status ORDER BY b.site, b.status
            """)).Select(w => (w.Site, w.Status, w.Count))];

    private sealed record Silent { public string Site { get; init; } = ""; public string Carrier { get; init; } = ""; public DateTimeOffset Since { get; init; } }

    /// <summary>Carriers that do not answer, also to sites with nodes of their own: for alerts.</summary>
    public static async Task<IReadOnlyList<(string Site, string Carrier, DateTimeOffset? Since, string? Error)>> UnavailableAsync(SqlSession session) =>
        [.. (await CarrierRows.TroubledAsync(session)).Select(c => (c.Site, c.Carrier, c.FailingSince, c.LastError)),
            .. (await session.QueryAsync<Silent>("SELECT site, carrier, since FROM carrier_trouble_copies ORDER BY site, carrier")).Select(c => (c.Site, c.Carrier, (DateTimeOffset?)c.Since, (string?)"the site's own node says so"))];

    /// <summary>What is shipped was booked, and knows its shipment; nothing that is over waits for anything.</summary>
    internal static async Task<string?> CheckAsync(SqlSession session)
    {
        if (await session.FindAsync<long?>("SELECT number FROM shipments s WHERE booking_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM carrier_bookings b WHERE b.id = s.booking_id AND b.shipment_id = s.id) LIMIT 1") is { } lone)
            return $"shipment {lone} names a booking that does not name it";
        if (await session.FindAsync<long?>("SELECT number FROM carrier_bookings WHERE shipment_id IS NOT NULL AND status <> @booked LIMIT 1", new { booked = BookingStatus.Booked }) is { } odd)
            return $"booking {odd} was shipped and is not booked";
        return await session.FindAsync<long?>("SELECT number FROM carrier_bookings WHERE (status = 3 AND tracking_number IS NULL) OR (status IN (4, 5, 7) AND todo > 0) OR (status IN (1, 2, 6) AND todo = 0) LIMIT 1") is { } stuck
            ? $"booking {stuck} stands where nothing leads on" : null;
    }
}
