using System.Text.Json.Serialization;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>
/// Where a site's books stand for one SKU after an event: the three counters that the site owns (cumulative within the epoch) and its
/// totals. Absolute values, so a repeat or a late arrival is harmless.
/// </summary>
public sealed record Balance(string Sku, int Epoch, long Granted, long Consumed, long Withdrawn, long OnHand, long Reserved, long Damaged)
{
    /// <summary>Units that are neither the site's own nor granted, until they are counted. Left out where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Disputed { get; init; }
}

/// <summary>An event of a site that changed stock or grants: the hub reads the balances whatever else the event says.</summary>
public interface IHasBalances
{
    IReadOnlyList<Balance> Balances { get; }
}

/// <summary>One line of the ledger (W4). From nowhere: it came in; to nowhere: it left.</summary>
public sealed record MovementLine(
    Guid Id, long Number, MovementKind Kind, string Sku, string? Lot, string? FromBin, string? ToBin, int Quantity, string? Reason, string? Reference)
{
    /// <summary>Of goods that came in or were shipped.</summary>
    public DateOnly? ExpiresOn { get; init; }
    public DateOnly? ManufacturedOn { get; init; }
}

/// <summary>A unit with a number of its own.</summary>
public sealed record SerialUnit(string Sku, string Serial, string? Lot);

/// <summary>The document of goods that came in.</summary>
public sealed record ReceiptFacts(Guid Id, long Number, IReadOnlyList<SerialUnit>? Serials);

/// <summary>Stock moved: receipt, move, adjustment, damage, return, put-back … The kind is on each movement.</summary>
public sealed record StockMoved(string? Reference, IReadOnlyList<MovementLine> Movements, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    /// <summary>Where it was a receipt.</summary>
    public ReceiptFacts? Receipt { get; init; }

    public static string Type => "stock.moved";
}

/// <summary>The site's balances changed without a movement: a policy, a lock, a recall, a block for a count.</summary>
public sealed record StockRebalanced(string Cause, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "stock.rebalanced";
}

/// <summary>The site asks for units of its allotment back. A request; they come back only by <see cref="AllotmentReturned"/>.</summary>
public sealed record RecallRequested(string Sku, int Epoch, int Quantity, string Reason) : IEvent
{
    public static string Type => "allotment.recall_requested";
}

/// <summary>
/// The six counters of a SKU with which an epoch begins, as the site knows them. What was shipped is shipped: <paramref name="Consumed"/> goes on from the epoch before. Granted is what the parts that the
/// site knows of have had and need; promised less released is what it has heard of promises.
/// </summary>
public sealed record EpochCounters(string Sku, int Epoch, long Granted, long Consumed, long Withdrawn, long Promised, long Released, long Returned);

/// <summary>
/// The site has taken back what it had granted and no part that it knows of needs: its counters begin a new epoch, and what the hub says of an older one counts no more. What the hub
/// may have promised of it is disputed, as the balances say.
/// </summary>
/// <param name="Cause"><c>operator</c> at the site, or <c>taken_back</c>: the hub had given the site up.</param>
public sealed record EpochOpened(string Cause, string? Reason, IReadOnlyList<EpochCounters> Counters, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "epoch.opened";
}

/// <summary>The site, which the hub had given up, has opened new epochs of all its SKUs: it may be promised from again.</summary>
public sealed record SiteResumed(string Site) : IEvent { public static string Type => "site.resumed"; }

public sealed record PickingItemPlanned(int Item, string Sku, string Bin, string? Lot, int Quantity);

/// <param name="OrderNumber">With the priority, for whoever shows the task elsewhere; 0 in events of older nodes.</param>
public sealed record PickingCreated(
    Guid TaskId, long Number, Guid OrderId, int Part, IReadOnlyList<PickingItemPlanned> Items, long OrderNumber = 0, Priority Priority = Priority.Normal) : IEvent
{
    public static string Type => "picking.created";
}

public sealed record PickingAssigned(Guid TaskId, long Number, Guid OrderId, int Part, string Worker) : IEvent { public static string Type => "picking.assigned"; }
public sealed record PickingStarted(Guid TaskId, long Number, Guid OrderId, int Part, string? Worker) : IEvent { public static string Type => "picking.started"; }

/// <summary>Units were taken from a bin to staging.</summary>
public sealed record ItemPicked(
    Guid TaskId, long Number, Guid OrderId, int Part, int Item, int Quantity, IReadOnlyList<MovementLine> Movements) : IEvent
{
    public static string Type => "picking.item_picked";
}

public sealed record ItemSkipped(
    Guid TaskId, long Number, Guid OrderId, int Part, int Item, string Reason, IReadOnlyList<PickingItemPlanned> Instead, IReadOnlyList<Balance> Balances)
    : IEvent, IHasBalances
{
    public static string Type => "picking.item_skipped";
}

/// <summary>More items for the task: other bins are tried for what was not found.</summary>
public sealed record PickingExtended(
    Guid TaskId, long Number, Guid OrderId, int Part, IReadOnlyList<PickingItemPlanned> Items, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "picking.extended";
}

public sealed record PickingCompleted(Guid TaskId, long Number, Guid OrderId, int Part, int PickedUnits, int ShortUnits) : IEvent
{
    public static string Type => "picking.completed";
}

public sealed record PickingCancelled(Guid TaskId, long Number, Guid OrderId, int Part, string Reason) : IEvent { public static string Type => "picking.cancelled"; }

public sealed record PackingCreated(Guid TaskId, long Number, Guid OrderId, int Part, Guid PickingTaskId) : IEvent { public static string Type => "packing.created"; }
public sealed record PackingStarted(Guid TaskId, long Number, Guid OrderId, int Part, string Worker) : IEvent { public static string Type => "packing.started"; }

public sealed record PackageAdded(
    Guid TaskId, long Number, Guid OrderId, int Part, int Package, string PackagingType, int WeightG, int LengthMm, int WidthMm, int HeightMm) : IEvent
{
    public string? Sscc { get; init; }
    public static string Type => "packing.package_added";
}

/// <summary>The only package of a task was measured or weighed again.</summary>
public sealed record PackageChanged(
    Guid TaskId, long Number, Guid OrderId, int Part, int Package, string PackagingType, int WeightG, int LengthMm, int WidthMm, int HeightMm) : IEvent
{
    public static string Type => "packing.package_changed";
}

public sealed record PackingCompleted(Guid TaskId, long Number, Guid OrderId, int Part, int Packages) : IEvent { public static string Type => "packing.completed"; }
public sealed record PackingCancelled(Guid TaskId, long Number, Guid OrderId, int Part, string Reason) : IEvent { public static string Type => "packing.cancelled"; }

/// <summary>
/// The site could not find these units of a part and has withdrawn them. The hub releases their promises and looks elsewhere. When nothing
/// of the part is left, <paramref name="PartEnded"/> is true and no packing follows.
/// </summary>
public sealed record PartShort(Guid OrderId, int Part, IReadOnlyList<SkuUnits> Lines, bool PartEnded, string Reason, IReadOnlyList<Balance> Balances)
    : IEvent, IHasBalances
{
    /// <summary>The reason when the units were not there to be reserved in the first place.</summary>
    public const string NotOnHand = "not on hand";

    public static string Type => "part.short";
}

/// <summary>The site gave the part back: all its units are free of the order. Picked ones wait for put-back and are withdrawn until then.</summary>
public sealed record PartCancelled(
    Guid OrderId, int Part, string Cause, IReadOnlyList<SkuUnits> Lines, Guid? PutBackTaskId, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "part.cancelled";

    /// <summary>What whoever cancelled the order gave as the reason.</summary>
    public string? Reason { get; init; }
}

/// <summary>Too late: the part has left. What comes back is a return.</summary>
public sealed record PartCancelRefused(Guid OrderId, int Part, string Cause, string Reason) : IEvent { public static string Type => "part.cancel_refused"; }

public sealed record ShippedPackage(int Package, string PackagingType, int WeightG, int LengthMm, int WidthMm, int HeightMm, string? Barcode)
{
    public string? Sscc { get; init; }
}

/// <summary>The part left the site. Consumes its units: they are in the balances.</summary>
public sealed record PartShipped(
    Guid OrderId, int Part, Guid ShipmentId, long Number, string Carrier, string TrackingNumber, IReadOnlyList<SkuUnits> Lines,
    IReadOnlyList<ShippedPackage> Packages, IReadOnlyList<MovementLine> Movements, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "part.shipped";
}

/// <summary>The part has reached its customer, by the carrier's word or somebody's.</summary>
/// <param name="DeliveredAt">When, as the carrier says.</param>
public sealed record PartDelivered(Guid OrderId, int Part, Guid ShipmentId, long Number, string Carrier, string TrackingNumber, DateTimeOffset DeliveredAt) : IEvent
{
    public static string Type => "part.delivered";
}

/// <summary>A parcel is to be bought from one of these carriers, the first that takes it (F5).</summary>
/// <param name="Reference">What the carrier knows the parcel by, before it has given it a number.</param>
public sealed record BookingRequested(Guid BookingId, long Number, Guid OrderId, int Part, Guid PackingTaskId, string Reference, IReadOnlyList<string> Carriers) : IEvent
{
    public static string Type => "booking.requested";
}

/// <summary>A carrier has taken the parcel and given it a number.</summary>
public sealed record BookingConfirmed(Guid BookingId, long Number, Guid OrderId, int Part, string Carrier, string TrackingNumber) : IEvent
{
    public static string Type => "booking.confirmed";
}

/// <summary>The carrier did not take the parcel; the next one is asked.</summary>
/// <param name="Reason"><c>refused</c>, <c>unavailable</c>.</param>
public sealed record BookingFellBack(Guid BookingId, long Number, Guid OrderId, int Part, string From, string To, string Reason) : IEvent
{
    public static string Type => "booking.fell_back";
}

/// <summary>Nothing more happens by itself: somebody must look.</summary>
/// <param name="Reason"><c>refused</c>: no carrier takes it. <c>unsure</c>: one may have, its answer was lost, and it cannot be asked.</param>
public sealed record BookingFailed(Guid BookingId, long Number, Guid OrderId, int Part, string Carrier, string Reason) : IEvent
{
    public static string Type => "booking.failed";
}

/// <summary>The parcel is not bought any more, or was given back to the carrier.</summary>
public sealed record BookingCancelled(Guid BookingId, long Number, Guid OrderId, int Part, string Carrier, string Reason) : IEvent
{
    public static string Type => "booking.cancelled";
}

/// <summary>A shipped parcel is somewhere else, as its carrier says. Told when its state changes, not at every scan; names and signatures are not in it.</summary>
/// <param name="Status">As in <c>GET /carrier-bookings/{id}/tracking</c>.</param>
public sealed record ParcelMoved(Guid BookingId, Guid OrderId, int Part, string Carrier, string TrackingNumber, string Status, DateTimeOffset At) : IEvent
{
    public static string Type => "parcel.moved";
}

/// <summary>A carrier was set up or changed. Neither its credentials nor its address are told.</summary>
/// <param name="Change"><c>saved</c> or <c>deleted</c>.</param>
public sealed record CarrierChanged(string Carrier, string Profile, bool Enabled, string Change) : IEvent { public static string Type => "carrier.changed"; }

/// <summary>A carrier does not answer, so that it is asked ever less often. Told once; <see cref="CarrierRecovered"/> ends it.</summary>
public sealed record CarrierUnavailable(string Carrier, int Failures, DateTimeOffset Since) : IEvent { public static string Type => "carrier.unavailable"; }

/// <summary>A carrier answers again.</summary>
public sealed record CarrierRecovered(string Carrier) : IEvent { public static string Type => "carrier.recovered"; }

/// <summary>Goods came back from a customer.</summary>
public sealed record ReturnReceived(
    Guid ReturnId, long Number, Guid? OrderId, string Reference, string Reason, IReadOnlyList<MovementLine> Movements, IReadOnlyList<Balance> Balances)
    : IEvent, IHasBalances
{
    /// <summary>Those of the movements whose units are damaged; null where none are.</summary>
    public IReadOnlyList<Guid>? Damaged { get; init; }

    public static string Type => "return.received";
}

/// <summary>A zone as it is now, beside its code and type.</summary>
public sealed record ZoneFacts(
    string Name, string StorageClass, double? TemperatureMinC, double? TemperatureMaxC, double? HumidityMin, double? HumidityMax, double? AreaM2, long? MaxWeightG);

/// <summary>A bin as it is now. Positions and dimensions in millimeters, weight in grams.</summary>
public sealed record BinFacts(
    string Code, string Zone, string BinType, string? Aisle, string? Position, string? Level, long? XMm, long? YMm, string? Barcode, long? WidthMm, long? HeightMm, long? DepthMm,
    long? MaxWeightG, bool Available);

public sealed record ZoneSaved(string Zone, string ZoneType) : IEvent
{
    /// <summary>Missing for the zones that every site has.</summary>
    public ZoneFacts? Facts { get; init; }
    public static string Type => "zone.saved";
}

public sealed record BinsSaved(int Created, int Updated, IReadOnlyList<string> Bins) : IEvent
{
    /// <summary>Missing for the bins that every site has.</summary>
    public IReadOnlyList<BinFacts>? Facts { get; init; }
    public static string Type => "bins.saved";
}

public sealed record BinLocked(string Bin, string Reason) : IEvent { public static string Type => "bin.locked"; }
public sealed record BinUnlocked(string Bin) : IEvent { public static string Type => "bin.unlocked"; }
