using Stowline.Contracts;

namespace Stowline.Server.Retail;

/// <summary>
/// What a file asks of the warehouse, in the order in which it happens: week by week, day by day. The same file always makes the same plan,
/// which is what lets a replay that was killed go on: every step has a reference that is the same on the next run.
/// </summary>
internal sealed record RetailPlan(IReadOnlyList<RetailWeek> Weeks, IReadOnlyList<RetailProduct> Products, RetailTotals Totals, PlannedTotals Planned);

/// <summary>An ISO week. Its receipts come first; they hold exactly the units of the week's order lines.</summary>
internal sealed record RetailWeek(string Name, DateOnly Monday, IReadOnlyList<PlannedReceipt> Receipts, IReadOnlyList<RetailDay> Days);

/// <summary>
/// A day of the shop. Its orders are placed, then those that were undone as a whole on the same day are cancelled, then the others are
/// worked off and shipped; at closing time returns and adjustments are booked. So "open" means: placed on this day.
/// </summary>
internal sealed record RetailDay(
    DateOnly Date, IReadOnlyList<PlannedOrder> Orders, IReadOnlyList<PlannedCancellation> Cancellations,
    IReadOnlyList<PlannedReturn> Returns, IReadOnlyList<PlannedAdjustment> Adjustments);

internal sealed record PlannedReceipt(string Reference, IReadOnlyList<SkuUnits> Lines);

/// <summary>A line as the invoice has it: one SKU on two lines, at one price or two, stays two lines. Pounds.</summary>
internal readonly record struct PlannedOrderLine(string Sku, int Quantity, long UnitPriceE4);

/// <param name="ExternalId">The invoice number.</param>
/// <param name="Country">ISO 3166 alpha-2, or null where the file names none.</param>
internal sealed record PlannedOrder(string ExternalId, DateTime At, string? Customer, string? Country, IReadOnlyList<PlannedOrderLine> Lines)
{
    public int Units => Lines.Sum(l => l.Quantity);
}

/// <summary>The whole order was undone on its day. <paramref name="Reason"/> names the cancelling invoices.</summary>
internal sealed record PlannedCancellation(string ExternalId, DateTime At, string Reason);

/// <summary>Goods that come back: one for each pair of a cancelling invoice and an order that it undoes, summed per SKU.</summary>
/// <param name="Reference">The cancelling invoice; with the order's number appended where it undoes several orders.</param>
/// <param name="OrderExternalId">The order that the units were shipped with, or null when the file knows none.</param>
internal sealed record PlannedReturn(string Reference, string? OrderExternalId, DateTime At, string Reason, IReadOnlyList<SkuUnits> Lines)
{
    public const string AfterShipping = "cancellation_after_shipping";
    public const string WithoutOrder = "cancellation_without_order";
}

/// <summary>Stock found (positive) or written off (negative), never more than what no order needs.</summary>
internal sealed record PlannedAdjustment(string Reference, DateTime At, string Sku, int Delta, string Reason);

/// <param name="Name">The description that the code bears most often.</param>
/// <param name="PriceE4">The last positive price, in ten-thousandths of a pound; null when it never had one.</param>
/// <param name="OrderLines">How often it was ordered.</param>
internal sealed record RetailProduct(string Sku, string Name, long? PriceE4, int OrderLines);

/// <summary>Sums over the file as it stands.</summary>
internal sealed record RetailTotals
{
    public int Rows { get; init; }
    public int Invoices { get; init; }
    public int CancellationInvoices { get; init; }
    public int StockCodes { get; init; }
    public long UnitsPositive { get; init; }
    /// <summary>Negative or zero.</summary>
    public long UnitsNegative { get; init; }
    public long UnitsNet => UnitsPositive + UnitsNegative;
    /// <summary>Quantity times price over all rows, in ten-thousandths of a pound.</summary>
    public long ValueE4 { get; init; }
    /// <summary>Rule → rows; every rule is named, also those that no row fell under. Sums to <see cref="Rows"/>.</summary>
    public required IReadOnlyDictionary<string, int> Classified { get; init; }
}

/// <summary>What must have happened once the plan is carried out: the replay compares the node's books with this.</summary>
internal sealed record PlannedTotals
{
    public int Orders { get; init; }
    public int Lines { get; init; }
    public long UnitsOrdered { get; init; }
    public int OrdersCancelled { get; init; }
    public long UnitsCancelled { get; init; }
    public long UnitsReceived { get; init; }
    public long UnitsReturned { get; init; }
    /// <summary>Of the returned units, those that no order of the file accounts for.</summary>
    public long UnitsReturnedWithoutOrder { get; init; }
    public long UnitsFound { get; init; }
    public long UnitsWrittenOff { get; init; }
    /// <summary>Write-offs of stock that this warehouse never had: the file says they went, and there was nothing to take.</summary>
    public long UnitsNotThereToWriteOff { get; init; }

    public int OrdersShipped => Orders - OrdersCancelled;
    public long UnitsShipped => UnitsOrdered - UnitsCancelled;

    /// <summary>Every unit that came in and did not leave.</summary>
    public long UnitsOnHand => UnitsReceived + UnitsReturned + UnitsFound - UnitsShipped - UnitsWrittenOff;
}
