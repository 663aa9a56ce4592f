using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

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
    /// Reserves units in bins, FEFO where there is an expiry date, else FIFO by receipt, then by bin order (F3); several rows per request where needed, each once.
    /// Requests are served in order. What cannot be found is simply missing from the answer; lots that have expired are set aside and not chosen.
    /// </summary>
    /// <param name="avoid">Rows not to take from: where a picker has just found nothing.</param>
    public static async ValueTask<IReadOnlyList<Allocation>> AllocateAsync(LaneTransaction tx, string site, IReadOnlyList<StockRequest> requests,
        IReadOnlyCollection<(string Sku, string Bin, string? Lot)>? avoid = null)
    {
        var change = new StockChange(tx, site);
        var rows = await change.LoadPickableAsync(requests.Where(r => r.Quantity > 0).Select(r => r.Sku));
        var expired = await ExpiredStock.SetAsideAsync(tx, site, change, rows.SelectMany(g => g));
        var skip = avoid?.Select(a => new RowKey(a.Sku, a.Bin, a.Lot ?? "")).ToHashSet() ?? [];
        var queues = rows.ToDictionary(g => g.Key, g => new PickQueue(g.Where(r => !skip.Contains(r.Key))), StringComparer.Ordinal);
        var found = new List<Allocation>(requests.Count);
        foreach (var request in requests)
        {
            if (request.Quantity <= 0 || !queues.TryGetValue(request.Sku, out var queue)) continue;
            foreach (var (row, units) in queue.Draw(request.Quantity, Reserve))
                found.Add(new Allocation(request.Request, request.Sku, row.Key.Bin, LotOf(row.Key), row.ExpiresOn, (int)units, row.BinOrder));
        }
        var movements = await change.WriteAsync();
        if (expired) ExpiredStock.Tell(tx, site, movements, []);
        return found;
    }

    /// <summary>
    /// Units used up in making something: movements of kind consumption, out of usable rows that are not reserved, in the order of picking. What the books do not have is left out. Expired
    /// lots are not used: they are set aside, by movements of kind damage.
    /// </summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> ConsumeAsync(LaneTransaction tx, string site, IReadOnlyList<SkuUnits> uses, string reference)
    {
        var change = new StockChange(tx, site);
        var rows = await change.LoadPickableAsync(uses.Select(u => u.Sku));
        await ExpiredStock.SetAsideAsync(tx, site, change, rows.SelectMany(g => g));
        foreach (var use in uses)
        {
            foreach (var (row, units) in new PickQueue(rows[use.Sku]).Draw(use.Quantity, static (r, n) => r.Take(n)))
                change.Move(MovementKind.Consumption, use.Sku, LotOf(row.Key), row.Key.Bin, null, units, null, reference);
        }
        return await change.WriteAsync();
    }

    /// <summary>Usable units that are not reserved, of those SKUs that the site has or had.</summary>
    public static async ValueTask<IReadOnlyDictionary<string, long>> UsableAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus) =>
        (await SkuTotals.ReadAsync(tx, site, skus)).ToDictionary(b => b.Sku, b => b.Usable - b.Reserved, StringComparer.Ordinal);

    /// <summary>Gives reservations in bins back, unpicked.</summary>
    public static async ValueTask UnreserveAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> units)
    {
        var change = await LoadAsync(tx, site, units);
        foreach (var u in units) Reserve(change.Row(u.Sku, u.Bin, u.Lot), -u.Quantity);
        await change.WriteAsync();
    }

    /// <summary>Moves reserved units from bins to staging, where they stay reserved. Movements of kind picking, one per entry, in order.</summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> PickAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> units, string reference)
    {
        var change = new StockChange(tx, site);
        await change.LoadAsync(units.SelectMany(u => new[] { KeyOf(u), KeyOf(u) with { Bin = Staging } }));
        foreach (var u in units)
        {
            var from = change.Row(u.Sku, u.Bin, u.Lot);
            var staged = change.Row(u.Sku, Staging, u.Lot);
            StockChange.Place(staged, BinBook.StagingPlace);
            from.Carry(staged, u.Quantity);
            Reserve(from, -u.Quantity);
            Reserve(staged, u.Quantity);
            change.Move(MovementKind.Picking, u.Sku, u.Lot, u.Bin, Staging, u.Quantity, null, reference);
        }
        return await change.WriteAsync();
    }

    /// <summary>As above, for the units of one row.</summary>
    public static async ValueTask<MovementLine> PickAsync(LaneTransaction tx, string site, StockUnits units, string reference) => (await PickAsync(tx, site, [units], reference))[0];

    /// <summary>Units a picker could not find: their reservation ends, and all of the row's unreserved remainder is blocked until it is counted.</summary>
    public static async ValueTask BlockForCountAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> notFound)
    {
        var change = await LoadAsync(tx, site, notFound);
        foreach (var u in notFound) Reserve(change.Row(u.Sku, u.Bin, u.Lot), -u.Quantity);
        foreach (var u in notFound)
        {
            var row = change.Row(u.Sku, u.Bin, u.Lot);
            row.Blocked += row.Available;
        }
        await change.WriteAsync();
    }

    /// <summary>Staged units leave the site: movements of kind shipping, and they are consumed.</summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> ShipAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> staged, string reference)
    {
        var change = await LoadAsync(tx, site, staged);
        foreach (var u in staged)
        {
            var row = change.Row(u.Sku, u.Bin, u.Lot);
            Reserve(row, -u.Quantity);
            row.Take(u.Quantity);
            change.Consume(u.Sku, u.Quantity);
            change.Move(MovementKind.Shipping, u.Sku, u.Lot, u.Bin, null, u.Quantity, null, reference, row.ExpiresOn, row.ManufacturedOn);
        }
        return await change.WriteAsync();
    }

    /// <summary>Staged units of a cancelled part: no longer reserved and not usable until put back (so they get withdrawn by the settlement).</summary>
    public static async ValueTask ReleaseStagedAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> staged)
    {
        // Staging is not pickable: what is no longer reserved there is unusable by that alone.
        var change = await LoadAsync(tx, site, staged);
        foreach (var u in staged) Reserve(change.Row(u.Sku, u.Bin, u.Lot), -u.Quantity);
        await change.WriteAsync();
    }

    /// <summary>Puts released staged units back into bins (movement kind putaway). Each row says into which bin. At most what still stands there.</summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> PutBackAsync(LaneTransaction tx, string site, IReadOnlyList<(StockUnits Staged, string ToBin)> units, string reference)
    {
        var change = new StockChange(tx, site);
        await change.LoadAsync(units.SelectMany(u => new[] { KeyOf(u.Staged), KeyOf(u.Staged) with { Bin = u.ToBin } }));
        var places = await PlacesAsync(tx, site, units.Select(u => u.ToBin));
        foreach (var (staged, toBin) in units)
        {
            var from = change.Row(staged.Sku, staged.Bin, staged.Lot);
            var to = change.Row(staged.Sku, toBin, staged.Lot);
            var quantity = (int)Math.Min(staged.Quantity, from.Available);
            if (quantity <= 0 || toBin == staged.Bin) continue;
            StockChange.Place(to, places[toBin]);
            from.Carry(to, quantity);
            change.Move(MovementKind.Putaway, staged.Sku, staged.Lot, staged.Bin, toBin, quantity, null, reference);
        }
        return await change.WriteAsync();
    }

    /// <summary>Goods that came back: movement kind return into the bin, good ones usable, damaged ones damaged.</summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> ReturnAsync(LaneTransaction tx, string site, IReadOnlyList<(StockUnits Units, bool Damaged)> units, string reason, string reference)
    {
        var change = new StockChange(tx, site);
        await change.LoadAsync(units.Select(u => KeyOf(u.Units)));
        var places = await PlacesAsync(tx, site, units.Select(u => u.Units.Bin));
        if (places.Values.Any(p => !p.Stored)) await BinBook.EnsureDefaultsAsync(tx, site);
        foreach (var (u, damaged) in units)
        {
            var row = change.Row(u.Sku, u.Bin, u.Lot);
            StockChange.Place(row, places[u.Bin]);
            row.Put(u.Quantity, tx.Now, null, null);
            if (damaged) row.Damaged += u.Quantity;
            change.Move(MovementKind.Return, u.Sku, u.Lot, null, u.Bin, u.Quantity, reason, reference);
        }
        return await change.WriteAsync();
    }

    /// <summary>
    /// Brings the grants in line with the stock after a command's changes and answers the balances for its event: grants what is above the
    /// site's own share, withdraws what is gone. Call once per command, last, with every SKU the command touched.
    /// </summary>
    public static async ValueTask<IReadOnlyList<Balance>> SettleAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus)
    {
        var settled = (await SkuTotals.SettleAsync(tx, site, skus)).ToDictionary(s => s.Books.Sku, s => s.Books, StringComparer.Ordinal);
        return [.. skus.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(sku => (settled.GetValueOrDefault(sku) ?? new SkuBooks { Sku = sku }).ToBalance())];
    }

    /// <summary>
    /// As <see cref="SettleAsync"/>, but answers only the balances that the hub does not know yet: of SKUs whose counters moved, and of those
    /// named in <paramref name="always"/>.
    /// </summary>
    public static async ValueTask<IReadOnlyList<Balance>> SettleChangedAsync(LaneTransaction tx, string site, IReadOnlyCollection<string> skus, IReadOnlySet<string> always)
    {
        var settled = await SkuTotals.SettleAsync(tx, site, skus);
        var unknown = always.Count == 0 ? [] : always.Except(settled.Select(s => s.Books.Sku)).Select(sku => new SkuBooks { Sku = sku }.ToBalance());
        return [.. settled.Where(s => s.Changed || always.Contains(s.Books.Sku)).Select(s => s.Books.ToBalance()), .. unknown];
    }

    private static RowKey KeyOf(StockUnits units) => new(units.Sku, units.Bin, units.Lot ?? "");
    private static string? LotOf(RowKey key) => key.Lot.Length == 0 ? null : key.Lot;

    private static async ValueTask<StockChange> LoadAsync(LaneTransaction tx, string site, IReadOnlyList<StockUnits> units)
    {
        var change = new StockChange(tx, site);
        await change.LoadAsync(units.Select(KeyOf));
        return change;
    }

    private static async ValueTask<Dictionary<string, BinPlace>> PlacesAsync(LaneTransaction tx, string site, IEnumerable<string> bins)
    {
        var wanted = bins.ToHashSet(StringComparer.Ordinal);
        var places = await BinBook.PlacesAsync(tx, site, wanted);
        return wanted.FirstOrDefault(b => !places.ContainsKey(b)) is { } unknown ? throw new InvalidOperationException($"{site} has no bin {unknown}") : places;
    }

    private static void Reserve(StockRow row, long units)
    {
        row.Reserved += units;
        row.Touched = true;
    }
}
