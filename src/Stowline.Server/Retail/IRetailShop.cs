namespace Stowline.Server.Retail;

/// <summary>
/// What a replay asks of a node, and nothing more: so the driver's order of things, its pace and its going on after a kill are tested without
/// one. Every step may be given again: a step that has happened does nothing.
/// </summary>
internal interface IRetailShop
{
    /// <summary>Orders of the channel that exist already: number of the invoice → whether nothing is left to do (shipped or cancelled).</summary>
    Task<IReadOnlyDictionary<string, bool>> KnownOrdersAsync(CancellationToken ct);

    Task ReceiveAsync(PlannedReceipt receipt, CancellationToken ct);

    /// <summary>Places an order; it has been promised and its tasks made when this ends.</summary>
    Task PlaceAsync(PlannedOrder order, CancellationToken ct);

    /// <summary>Cancels an open order whole, and waits for the site's word.</summary>
    Task CancelAsync(PlannedCancellation cancellation, CancellationToken ct);

    /// <summary>A worker takes what is left of an order through picking, packing and shipping, from wherever it stands.</summary>
    Task FulfillAsync(string externalId, string worker, CancellationToken ct);

    Task ReturnAsync(PlannedReturn planned, CancellationToken ct);
    Task AdjustAsync(PlannedAdjustment adjustment, CancellationToken ct);

    /// <summary>What the node's own books say about all of it, and what its verification says about the books.</summary>
    Task<ShopBooks> BooksAsync(CancellationToken ct);
}

/// <summary>Sums from a node's books, of the orders of this channel and the documents with this replay's references.</summary>
internal sealed record ShopBooks
{
    public int Orders { get; init; }
    public int Lines { get; init; }
    public long UnitsOrdered { get; init; }
    public int OrdersShipped { get; init; }
    public long UnitsShipped { get; init; }
    public int OrdersCancelled { get; init; }
    public long UnitsCancelled { get; init; }
    public long UnitsReceived { get; init; }
    public long UnitsReturned { get; init; }
    /// <summary>Found less written off.</summary>
    public long UnitsAdjusted { get; init; }
    /// <summary>Status → orders.</summary>
    public IReadOnlyDictionary<string, int> OrdersByStatus { get; init; } = new Dictionary<string, int>();
    /// <summary>Check → <c>ok</c> or what is wrong.</summary>
    public IReadOnlyDictionary<string, string> Verify { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the books are not what the plan says; empty when every unit is accounted for.</summary>
    public IReadOnlyDictionary<string, string> DifferencesTo(PlannedTotals planned)
    {
        var differences = new SortedDictionary<string, string>(StringComparer.Ordinal);
        void Compare(string what, long expected, long found)
        {
            if (expected != found) differences[what] = $"planned {expected}, in the books {found}";
        }
        Compare("orders", planned.Orders, Orders);
        Compare("lines", planned.Lines, Lines);
        Compare("units_ordered", planned.UnitsOrdered, UnitsOrdered);
        Compare("orders_shipped", planned.OrdersShipped, OrdersShipped);
        Compare("units_shipped", planned.UnitsShipped, UnitsShipped);
        Compare("orders_cancelled", planned.OrdersCancelled, OrdersCancelled);
        Compare("units_cancelled", planned.UnitsCancelled, UnitsCancelled);
        Compare("units_received", planned.UnitsReceived, UnitsReceived);
        Compare("units_returned", planned.UnitsReturned, UnitsReturned);
        Compare("units_adjusted", planned.UnitsFound - planned.UnitsWrittenOff, UnitsAdjusted);
        // Said of the books alone, so that a wrong plan cannot hide a lost unit.
        Compare("units_ordered_but_neither_shipped_nor_cancelled", 0, UnitsOrdered - UnitsShipped - UnitsCancelled);
        return differences;
    }
}
