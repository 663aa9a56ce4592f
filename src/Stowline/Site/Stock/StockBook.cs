using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Stock;

/// <summary>Units that a part of an order needs. <paramref name="Request"/> is the caller's own index.</summary>
public sealed record StockRequest(int Request, string Sku, int Quantity);

/// <summary>Units reserved in one stock row for one request.</summary>
/// <param name="BinOrder">The bin's place in the walk through the site: sorts as text.</param>
public sealed record Allocation(int Request, string Sku, string Bin, string? Lot, DateOnly? ExpiresOn, int Quantity, string BinOrder);

/// <summary>One stock row's address and some units of it.</summary>
public sealed record StockUnits(string Sku, string Bin, string? Lot, int Quantity);

/// <summary>
/// What other modules of the site may do to stock. All of it is set-based and inside the caller's transaction; every change of a quantity
/// is a movement (W4). Balances for the events come from <see cref="SettleAsync"/>, once per command, after all changes.
/// </summary>
public static class StockBook
{
    /// <summary>Where picked units stand until they leave: made with the site.</summary>
    public const string Staging = "STAGING";

    /// <summary>Where goods arrive when a receipt names no bin: made with the site.</summary>
    public const string Receiving = "RECEIVING";

    /// <summary>
    /// Reserves units in bins, FEFO where there is an expiry date, else FIFO by receipt, then by bin order (F3); several rows per request where needed.
    /// Requests are served in order. What cannot be found is simply missing from the answer.
    /// </summary>
    /// <param name="avoid">Rows not to take from: where a picker has just found nothing.</param>
    public static ValueTask<IReadOnlyList<Allocation>> AllocateAsync(LaneTransaction tx, string site, IReadOnlyList<StockRequest> requests,
        IReadOnlyCollection<(string Sku, string Bin, string? Lot)>? avoid = null) => throw new NotImplementedException();

    /// <summary>Gives reservations in bins back, unpicked.</summary>
    public static ValueTask UnreserveAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> units) => throw new NotImplementedException();

    /// <summary>Moves reserved units from a bin to staging, where they stay reserved. Movement kind picking.</summary>
    public static ValueTask<MovementLine> PickAsync(LaneTransaction tx, string site, StockUnits units, string reference) => throw new NotImplementedException();

    /// <summary>Units a picker could not find: their reservation ends, and all of the row's unreserved remainder is blocked until it is counted.</summary>
    public static ValueTask BlockForCountAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> notFound) => throw new NotImplementedException();

    /// <summary>Staged units leave the site: movements of kind shipping, and they are consumed.</summary>
    public static ValueTask<IReadOnlyList<MovementLine>> ShipAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> staged, string reference) =>
        throw new NotImplementedException();

    /// <summary>Staged units of a cancelled part: no longer reserved and not usable until put back (so they get withdrawn by the settlement).</summary>
    public static ValueTask ReleaseStagedAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> staged) => throw new NotImplementedException();

    /// <summary>Puts released staged units back into bins (movement kind putaway). Each row says into which bin. At most what still stands there.</summary>
    public static ValueTask<IReadOnlyList<MovementLine>> PutBackAsync(LaneTransaction tx, string site, IReadOnlyList<(StockUnits Staged, string ToBin)> units, string reference) =>
        throw new NotImplementedException();

    /// <summary>Goods that came back: movement kind return into the bin, good ones usable, damaged ones damaged.</summary>
    public static ValueTask<IReadOnlyList<MovementLine>> ReturnAsync(LaneTransaction tx, string site, IReadOnlyList<(StockUnits Units, bool Damaged)> units, string reason, string reference) =>
        throw new NotImplementedException();

    /// <summary>
    /// Brings the grants in line with the stock after a command's changes and answers the balances for its event: grants what is above the
    /// site's own share, withdraws what is gone. Call once per command, last, with every SKU the command touched.
    /// </summary>
    public static ValueTask<IReadOnlyList<Balance>> SettleAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus) => throw new NotImplementedException();
}
