using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>What a count came to. Units.</summary>
/// <param name="Expected">What the books said at that moment.</param>
/// <param name="Difference">By how much they were corrected.</param>
/// <param name="Kept">Not found, but held by picking tasks: they stay in the books until a picker finds them short.</param>
public sealed record BookedCount(long Expected, long Difference, long Kept);

/// <summary>What whoever sends people to count may ask of stock, and how a count is booked (W5).</summary>
public static class CountedStock
{
    /// <summary>One row of stock to go to. No lot is null.</summary>
    public sealed record Place
    {
        public string Sku { get; init; } = "";
        public string Bin { get; init; } = "";
        public string? Lot { get; init; }
    }

    private const string Columns = "SELECT s.sku, s.bin, NULLIF(s.lot, '') AS lot FROM stock s";
    private const string Walk = "ORDER BY s.bin_order, s.bin, s.sku, s.lot";

    /// <summary>The rows in these bins, in the order of the walk. Nothing is counted in staging, which belongs to picking tasks.</summary>
    public static async ValueTask<IReadOnlyList<Place>> InBinsAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> bins, string? sku = null)
    {
        var wanted = bins.Where(b => b != StockBook.Staging).Distinct(StringComparer.Ordinal).ToArray();
        var found = new List<(string Order, Place Place)>();
        await tx.SelectAsync("SELECT s.bin_order, s.sku, s.bin, s.lot FROM stock s WHERE s.site = k.site AND s.bin = k.bin", wanted.Length,
            [Column.Same("site", wanted.Length, site), Column.Of("bin", wanted)],
            row => found.Add((row.GetString(0), new Place { Sku = row.GetString(1), Bin = row.GetString(2), Lot = row.GetString(3) is { Length: > 0 } lot ? lot : null })));
        return [.. found.Where(f => sku is null || f.Place.Sku == sku).OrderBy(f => f.Order, StringComparer.Ordinal).ThenBy(f => f.Place.Bin, StringComparer.Ordinal)
            .ThenBy(f => f.Place.Sku, StringComparer.Ordinal).ThenBy(f => f.Place.Lot, StringComparer.Ordinal).Select(f => f.Place)];
    }

    /// <summary>All rows of a SKU, in the order of the walk.</summary>
    public static ValueTask<IReadOnlyList<Place>> OfSkuAsync(LaneTransaction tx, string site, string sku) =>
        tx.QueryAsync<Place>($"{Columns} WHERE s.site = @site AND s.sku = @sku AND s.bin <> @staging {Walk}", new { site, sku, staging = StockBook.Staging });

    /// <summary>The rows of these SKUs that are blocked until somebody counts them.</summary>
    public static async ValueTask<IReadOnlyList<Place>> BlockedAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus)
    {
        var wanted = skus.Distinct(StringComparer.Ordinal).ToArray();
        var found = new List<Place>();
        await tx.SelectAsync("SELECT s.sku, s.bin, s.lot FROM stock s WHERE s.site = k.site AND s.sku = k.sku AND s.blocked > 0 ORDER BY s.bin_order, s.bin, s.lot", wanted.Length,
            [Column.Same("site", wanted.Length, site), Column.Of("sku", wanted)],
            row => found.Add(new Place { Sku = row.GetString(0), Bin = row.GetString(1), Lot = row.GetString(2) is { Length: > 0 } lot ? lot : null }));
        return found;
    }

    /// <summary>The bins that hold anything, along the walk. Walks the site's stock: a question for once a day.</summary>
    public static ValueTask<IReadOnlyList<string>> FilledBinsAsync(LaneTransaction tx, string site) => tx.QueryAsync<string>(
        "SELECT bin FROM stock WHERE site = @site AND bin <> @staging GROUP BY bin ORDER BY MIN(bin_order), bin", new { site, staging = StockBook.Staging });

    /// <summary>What the books say now.</summary>
    public static ValueTask<long> OnHandAsync(LaneTransaction tx, string site, Place place) => AskAsync(tx, site, place, "on_hand");

    /// <summary>How much of it is damaged.</summary>
    public static ValueTask<long> DamagedAsync(LaneTransaction tx, string site, Place place) => AskAsync(tx, site, place, "damaged");

    /// <param name="column">Never text from outside.</param>
    private static async ValueTask<long> AskAsync(LaneTransaction tx, string site, Place place, string column) => await tx.FindAsync<long?>(
        $"SELECT {column} FROM stock WHERE site = @site AND sku = @sku AND bin = @bin AND lot = @lot", new { site, sku = place.Sku, bin = place.Bin, lot = place.Lot ?? "" }) ?? 0;

    /// <summary>
    /// Sets a row to what was counted: all units that are there, whole or damaged. Frees what was blocked for it, and ends the dispute of as many units. What is missing comes out of the good ones first, then of the damaged ones (as
    /// disposal); units that picking tasks hold stay. A count that differs in nothing is a movement of 0 units. Refuses with <c>bin_not_found</c>, <c>bin_built_in</c>, <c>quantity_too_large</c>.
    /// </summary>
    public static async ValueTask<Outcome<BookedCount>> BookAsync(LaneTransaction tx, string site, Place place, long counted, string reason, string reference)
    {
        if (place.Bin == StockBook.Staging) return Refusal.Conflict("bin_built_in", "nothing is counted in staging: what stands there belongs to picking tasks");
        if (!(await BinBook.PlacesAsync(tx, site, [place.Bin])).TryGetValue(place.Bin, out var bin)) return Posting.NoBin(site, place.Bin, "bin");
        var change = new StockChange(tx, site);
        var key = new RowKey(place.Sku, place.Bin, place.Lot ?? "");
        await change.LoadAsync([key]);
        var row = change.Row(key.Sku, key.Bin, key.Lot);
        StockChange.Place(row, bin);
        var expected = row.OnHand;
        var missing = expected - counted;
        var gone = Math.Min(missing, expected - row.Reserved);
        (row.Blocked, row.Touched) = (0, true);
        if (missing > 0) Take(change, row, gone, reason, reference);
        else
        {
            if (missing < 0) row.Put(-missing, tx.Now, null, null);
            change.Move(MovementKind.Adjustment, key.Sku, key.Lot, missing < 0 ? null : key.Bin, key.Bin, -missing, reason, reference);
        }
        if (Posting.TooMuch(row) is { } full) return full;
        if (expected == 0 && counted == 0) return new BookedCount(0, 0, 0); // nothing was to be there, and nothing is
        if (!bin.Stored) await BinBook.EnsureDefaultsAsync(tx, site);
        if (row.Pickable) await OpenEpoch.CountedAsync(tx, site, key.Sku, Math.Max(expected, counted) - row.Reserved);
        await Posting.PostAsync(tx, site, change, reference);
        return missing > 0 ? new BookedCount(expected, -gone, missing - gone) : new BookedCount(expected, -missing, 0);
    }

    private static void Take(StockChange change, StockRow row, long gone, string reason, string reference)
    {
        var good = Math.Min(gone, row.OnHand - row.Reserved - row.Damaged);
        var damaged = gone - good;
        row.Take(gone);
        row.Damaged -= damaged;
        if (good > 0 || damaged == 0) change.Move(MovementKind.Adjustment, row.Key.Sku, row.Key.Lot, row.Key.Bin, good > 0 ? null : row.Key.Bin, good, reason, reference);
        if (damaged > 0) change.Move(MovementKind.Disposal, row.Key.Sku, row.Key.Lot, row.Key.Bin, null, damaged, reason, reference);
    }

    /// <summary>
    /// Blocks units that a first count did not find, until they are counted again: nobody is promised what may not be there. Tells the balances that changed by it.
    /// </summary>
    public static async ValueTask BlockAsync(LaneTransaction tx, string site, Place place, long units)
    {
        var change = new StockChange(tx, site);
        var key = new RowKey(place.Sku, place.Bin, place.Lot ?? "");
        await change.LoadAsync([key]);
        var row = change.Row(key.Sku, key.Bin, key.Lot);
        row.Blocked += Math.Min(units, row.Available);
        row.Touched = true;
        await change.WriteAsync();
        await StockPolicy.RebalanceAsync(tx, site, [place.Sku], "counted short");
    }
}
