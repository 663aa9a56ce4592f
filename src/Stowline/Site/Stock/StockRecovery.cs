using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>
/// Brings the ledger and the stock to what the site's own events say, after a restore. Movements say what lies where, balances say what was granted; what is
/// reserved follows from the tasks, which are brought back after this. Which units were blocked for a count is not in events: they are available again, and the next picker who does not
/// find them blocks them anew.
/// </summary>
internal static class StockRecovery
{
    private sealed record Told(IReadOnlyList<MovementLine> Movements, IReadOnlyList<Balance> Balances, ReceiptFacts? Receipt = null, IReadOnlyList<Guid>? Damaged = null);

    private static readonly Dictionary<string, Func<EventRecord, Told>> Readers = new(StringComparer.Ordinal)
    {
        [StockMoved.Type] = e => e.Read<StockMoved>() is var m ? new Told(m.Movements, m.Balances, m.Receipt) : null!,
        [StockExpired.Type] = e => e.Read<StockExpired>() is var x ? new Told(x.Movements, x.Balances) : null!,
        [StockRebalanced.Type] = e => new Told([], e.Read<StockRebalanced>().Balances),
        [EpochOpened.Type] = e => new Told([], e.Read<EpochOpened>().Balances),
        [ItemPicked.Type] = e => new Told(e.Read<ItemPicked>().Movements, []),
        [ItemSkipped.Type] = e => new Told([], e.Read<ItemSkipped>().Balances),
        [PickingExtended.Type] = e => new Told([], e.Read<PickingExtended>().Balances),
        [PartShort.Type] = e => new Told([], e.Read<PartShort>().Balances),
        [PartCancelled.Type] = e => new Told([], e.Read<PartCancelled>().Balances),
        [PartShipped.Type] = e => e.Read<PartShipped>() is var s ? new Told(s.Movements, s.Balances) : null!,
        [ReturnReceived.Type] = e => e.Read<ReturnReceived>() is var r ? new Told(r.Movements, r.Balances, null, r.Damaged) : null!,
    };

    public static bool Recovers(string type) => Readers.ContainsKey(type) || type == RecallRequested.Type || type == SiteResumed.Type;

    public static async ValueTask RunAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        var told = events.Where(e => Readers.ContainsKey(e.Type)).Select(e => (Event: e, Told: Readers[e.Type](e))).ToList();
        if (told.Count == 0) return;
        var change = new StockChange(tx, site);
        var moves = told.SelectMany(t => t.Told.Movements.Select(m => (Line: m, t.Event, IsDamaged: t.Told.Damaged?.Contains(m.Id) == true))).ToList();
        await change.LoadAsync(moves.SelectMany(m => new[] { m.Line.FromBin, m.Line.ToBin }.OfType<string>().Select(bin => new RowKey(m.Line.Sku, bin, m.Line.Lot ?? ""))));
        var places = await BinBook.PlacesAsync(tx, site, [.. moves.Select(m => m.Line.ToBin).OfType<string>()]);
        foreach (var (line, e, isDamaged) in moves) Apply(change, line, e.At, isDamaged, places);
        await change.WriteStockAsync();
        var by = moves.ToDictionary(m => m.Line.Id, m => m.Event);
        if (moves.Count > 0) await StockChange.InsertAsync(tx, site, [.. moves.Select(m => m.Line)], m => by[m.Id].Actor, m => by[m.Id].At);
        foreach (var (e, t) in told)
            if (t.Receipt is { } receipt) await ReceivedAsync(site, receipt, e, t, tx);
        await KeepAsync(site, told.SelectMany(t => t.Told.Balances), tx);
    }

    private static void Apply(StockChange change, MovementLine line, DateTimeOffset at, bool isDamaged, Dictionary<string, BinPlace> places)
    {
        var from = line.FromBin is null ? null : Freed(change.Row(line.Sku, line.FromBin, line.Lot));
        if (line.Kind == MovementKind.Damage && line.FromBin == line.ToBin)
        {
            from!.Damaged += line.Quantity;
            Unblock(from);
            return;
        }
        if (line.ToBin is { } bin)
        {
            var to = Freed(change.Row(line.Sku, bin, line.Lot));
            // A bin that is not known yet is where goods arrive: whoever finds them there moves them on.
            StockChange.Place(to, places.GetValueOrDefault(bin) ?? BinBook.BuiltIn[0] with { Code = bin, BinOrder = BinOrder.Natural(bin) });
            // As when it happened: what comes in is a receipt of that moment, what is moved keeps its age.
            if (from is null) to.Put(line.Quantity, at, line.ExpiresOn, line.ManufacturedOn);
            else from.Carry(to, line.Quantity);
            if (isDamaged) to.Damaged += line.Quantity;
        }
        else from!.Take(line.Quantity);
        if (from is null) return;
        if (line.Kind == MovementKind.Disposal) from.Damaged -= line.Quantity;
        Unblock(from);
    }

    /// <summary>Units that were blocked when the backup was made, and are damaged or gone since, had been counted in between.</summary>
    private static void Unblock(StockRow row) => row.Blocked = Math.Min(row.Blocked, Math.Max(0, row.OnHand - row.Damaged));

    /// <summary>Reservations of before say nothing any more; they are made anew when the tasks are back.</summary>
    private static StockRow Freed(StockRow row)
    {
        (row.Reserved, row.Touched) = (0, true);
        return row;
    }

    private static async ValueTask ReceivedAsync(string site, ReceiptFacts receipt, EventRecord e, Told told, LaneTransaction tx)
    {
        await ReceiveStock.InsertAsync(tx, site, receipt.Number, receipt.Id, told.Movements[0].Reference ?? "", e.Actor, e.At);
        await Serials.ArriveAsync(tx, site, receipt.Number, [.. (receipt.Serials ?? []).Select(s => new NewSerial(s.Sku, s.Serial, s.Lot ?? ""))]);
    }

    /// <summary>The site's own counters, as it last told them.</summary>
    private static async ValueTask KeepAsync(string site, IEnumerable<Balance> balances, LaneTransaction tx)
    {
        var last = new Dictionary<string, Balance>(StringComparer.Ordinal);
        foreach (var balance in balances) last[balance.Sku] = balance;
        if (last.Count == 0) return;
        List<Balance> rows = [.. last.Values.OrderBy(b => b.Sku, StringComparer.Ordinal)];
        var zeros = new long[rows.Count];
        await tx.UpsertAsync("site_skus", "site, sku", "", rows.Count, Column.Same("site", rows.Count, site), Column.From("sku", rows, b => b.Sku), Column.From("epoch", rows, b => b.Epoch),
            Column.Of("granted", zeros), Column.Of("consumed", zeros), Column.Of("withdrawn", zeros), Column.Of("returned", zeros),
            Column.Of("on_hand", zeros), Column.Of("reserved", zeros), Column.Of("damaged", zeros), Column.Of("unusable", zeros));
        // What the hub gave back in an older epoch is not in the counters of the new one.
        await tx.UpdateAsync("site_skus", """
            returned = CASE WHEN k.new_epoch > site_skus.epoch THEN 0 ELSE site_skus.returned END,
            epoch = k.new_epoch, granted = k.new_granted, consumed = k.new_consumed, withdrawn = k.new_withdrawn, disputed = k.new_disputed
            """, rows.Count,
            [Column.Same("site", rows.Count, site), Column.From("sku", rows, b => b.Sku)], Column.From("new_epoch", rows, b => b.Epoch),
            Column.From("new_granted", rows, b => b.Granted), Column.From("new_consumed", rows, b => b.Consumed), Column.From("new_withdrawn", rows, b => b.Withdrawn),
            Column.From("new_disputed", rows, b => b.Disputed));
    }

    private sealed record Place { public string Sku { get; init; } = ""; public string Bin { get; init; } = ""; public string Lot { get; init; } = ""; }

    /// <summary>Reserves what the tasks need, sets the rows to their bins as those are now, and sums the totals anew.</summary>
    /// <param name="needed">Units per row that open tasks hold.</param>
    public static async ValueTask FinishAsync(string site, IReadOnlyDictionary<(string Sku, string Bin, string Lot), long> needed, LaneTransaction tx)
    {
        var rows = await tx.QueryAsync<Place>("SELECT sku, bin, lot FROM stock WHERE site = @site", new { site });
        var places = await BinBook.PlacesAsync(tx, site, [.. rows.Select(r => r.Bin).Distinct(StringComparer.Ordinal)]);
        var change = new StockChange(tx, site);
        await change.LoadAsync(rows.Select(r => new RowKey(r.Sku, r.Bin, r.Lot)));
        foreach (var at in rows)
        {
            var row = change.Row(at.Sku, at.Bin, at.Lot);
            var reserved = needed.GetValueOrDefault((at.Sku, at.Bin, at.Lot));
            var isPickable = places.TryGetValue(at.Bin, out var place) ? place.Pickable : row.Pickable;
            var blocked = Math.Min(row.Blocked, row.OnHand - reserved - row.Damaged);
            var order = place?.BinOrder ?? row.BinOrder;
            if (row.Reserved == reserved && row.Pickable == isPickable && row.Blocked == blocked && row.BinOrder == order) continue;
            (row.Reserved, row.Pickable, row.Blocked, row.BinOrder, row.Touched) = (reserved, isPickable, blocked, order, true);
        }
        await change.WriteStockAsync(withPlaces: true);
        await tx.WriteAsync("""
            UPDATE site_skus SET
                on_hand = COALESCE((SELECT SUM(s.on_hand) FROM stock s WHERE s.site = site_skus.site AND s.sku = site_skus.sku), 0),
                reserved = COALESCE((SELECT SUM(s.reserved) FROM stock s WHERE s.site = site_skus.site AND s.sku = site_skus.sku), 0),
                damaged = COALESCE((SELECT SUM(s.damaged) FROM stock s WHERE s.site = site_skus.site AND s.sku = site_skus.sku), 0),
                unusable = COALESCE((SELECT SUM(CASE WHEN s.pickable THEN s.damaged + s.blocked ELSE s.on_hand - s.reserved END) FROM stock s
                    WHERE s.site = site_skus.site AND s.sku = site_skus.sku), 0)
            WHERE site = @site
            """, new { site });
    }

    /// <summary>Grants and withdraws what follows from the stock as it is now.</summary>
    public static async ValueTask GoOnAsync(string site, LaneTransaction tx) =>
        await StockPolicy.RebalanceAsync(tx, site, [.. await tx.QueryAsync<string>("SELECT sku FROM site_skus WHERE site = @site", new { site })], "restored");
}
