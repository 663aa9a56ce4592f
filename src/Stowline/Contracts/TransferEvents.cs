using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>Units of one lot that go from site to site.</summary>
public sealed record TransferLot(string Sku, string? Lot, int Quantity)
{
    public DateOnly? ExpiresOn { get; init; }
    public DateOnly? ManufacturedOn { get; init; }
}

/// <summary>hub: units of one site are to go to another. They are promised to the transfer from here on, so nobody else is promised them.</summary>
public sealed record TransferRequested(Guid TransferId, long Number, string From, string To, IReadOnlyList<SkuUnits> Lines, Priority Priority, string? Reason) : IEvent
{
    public static string Type => "transfer.requested";
}

/// <summary>hub: somebody wants the transfer undone. It is, unless it has left.</summary>
public sealed record TransferCancelRequested(Guid TransferId, long Number, string Reason) : IEvent { public static string Type => "transfer.cancel_requested"; }

public sealed record TransferStatusChanged(Guid TransferId, long Number, string From, string To) : IEvent { public static string Type => "transfer.status_changed"; }

/// <summary>hub/{site}: these units are on their way to you.</summary>
public sealed record TransferAnnounced(
    Guid TransferId, long Number, string From, IReadOnlyList<TransferLot> Lots, string Carrier, string TrackingNumber, DateTimeOffset ShippedAt) : IEvent
{
    public static string Type => "transfer.announced";
}

/// <summary>
/// site/{site}: units of a transfer have come in; they may come before they were announced, in several parcels, and too many or too few. What they changed in the ledger stands in a
/// <see cref="StockMoved"/> of the same moment.
/// </summary>
/// <param name="TransferId">Null where the site has not been told of the transfer: it goes by the number on the label.</param>
/// <param name="Complete">Nothing more will come.</param>
public sealed record TransferReceived(long Number, Guid? TransferId, Guid? ReceiptId, IReadOnlyList<TransferLot> Lots, bool Complete) : IEvent
{
    public static string Type => "transfer.received";
}

/// <summary>hub: a transfer has arrived as far as it will. Units that were shipped and did not come, and that came and were not shipped.</summary>
public sealed record TransferClosed(Guid TransferId, long Number, IReadOnlyList<SkuUnits> Missing, IReadOnlyList<SkuUnits> Surplus) : IEvent
{
    public static string Type => "transfer.closed";
}

/// <summary>hub: a site took goods in under the number of a transfer that there is none of, or not to that site.</summary>
public sealed record TransferUnknown(long Number, string Site, IReadOnlyList<TransferLot> Lots) : IEvent { public static string Type => "transfer.unknown"; }

/// <summary>Where the units of an assigned part go, where it is a transfer's: with the part, so that a restored hub can know of the transfer again.</summary>
public sealed record TransferFacts(string To, string? Reason);
