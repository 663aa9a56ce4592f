using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>
/// One command's change of a site's stock: the rows it needs, read at once; the movements it makes; all of it written at once. The scope's
/// lock is held, so nobody changes a row between the read and the write, and absolute values can be written.
/// </summary>
internal sealed class StockChange(LaneTransaction tx, string site)
{
    private readonly Dictionary<RowKey, StockRow> _rows = [];
    private readonly List<Draft> _drafts = [];
    private readonly Dictionary<string, long> _consumed = new(StringComparer.Ordinal);

    private sealed record Draft(MovementKind Kind, string Sku, string Lot, string? From, string? To, long Quantity, string? Reason, string? Reference)
    {
        public DateOnly? ExpiresOn { get; init; }
        public DateOnly? ManufacturedOn { get; init; }
    }

    private const string Columns =
        "sku, bin, lot, on_hand, reserved, damaged, blocked, pickable, bin_order, received_at, CAST(expires_on AS text), CAST(manufactured_on AS text), newer";

    /// <summary>Reads rows by address; those that do not exist are empty ones.</summary>
    public async ValueTask LoadAsync(IEnumerable<RowKey> keys)
    {
        var wanted = keys.Where(k => !_rows.ContainsKey(k)).Distinct().ToArray();
        if (wanted.Length == 0) return;
        await tx.SelectAsync($"SELECT {Columns} FROM stock WHERE site = k.site AND sku = k.sku AND bin = k.bin AND lot = k.lot", wanted.Length,
            [Column.Same("site", wanted.Length, site), Column.From("sku", wanted, k => k.Sku), Column.From("bin", wanted, k => k.Bin),
                Column.From("lot", wanted, k => k.Lot)], row => Add(row));
        foreach (var key in wanted) _rows.TryAdd(key, new StockRow(key));
    }

    /// <summary>Reads all rows of some SKUs from which units can be taken for customers, in no order.</summary>
    public async ValueTask<ILookup<string, StockRow>> LoadPickableAsync(IEnumerable<string> skus)
    {
        var wanted = skus.Distinct(StringComparer.Ordinal).ToArray();
        var rows = new List<StockRow>();
        await tx.SelectAsync($"""
            SELECT {Columns} FROM stock WHERE site = k.site AND sku = k.sku AND pickable AND on_hand > reserved + damaged + blocked
            """, wanted.Length, [Column.Same("site", wanted.Length, site), Column.Of("sku", wanted)], row => rows.Add(Add(row)));
        return rows.ToLookup(r => r.Key.Sku, StringComparer.Ordinal);
    }

    private StockRow Add(RowReader row)
    {
        var key = new RowKey(row.GetString(0), row.GetString(1), row.GetString(2));
        if (_rows.TryGetValue(key, out var known)) return known; // it may have been changed in memory since
        var read = new StockRow(key)
        {
            OnHand = row.GetInt64(3), Reserved = row.GetInt64(4), Damaged = row.GetInt64(5), Blocked = row.GetInt64(6),
            Pickable = row.GetInt64(7) != 0, BinOrder = row.GetString(8), ReceivedAt = row.GetTime(9),
            ExpiresOn = Date(row.GetStringOrNull(10)), ManufacturedOn = Date(row.GetStringOrNull(11)), Newer = row.GetStringOrNull(12),
        };
        read.Loaded();
        return _rows[key] = read;
    }

    private static DateOnly? Date(string? text) => text is null ? null : DateOnly.ParseExact(text, RowTypes.DateFormat);

    public StockRow Row(string sku, string bin, string? lot) => _rows[new RowKey(sku, bin, lot ?? "")];

    /// <summary>Tells an empty row about its bin. Needed before units are put into it.</summary>
    public static void Place(StockRow row, BinPlace bin)
    {
        if (row.IsPlaced) return;
        (row.Pickable, row.BinOrder, row.IsPlaced) = (bin.Pickable, bin.BinOrder, true);
    }

    /// <summary>Notes a movement; the rows are changed by the caller, who knows which kind of units moved.</summary>
    public void Move(MovementKind kind, string sku, string? lot, string? from, string? to, long quantity, string? reason, string? reference,
        DateOnly? expiresOn = null, DateOnly? manufacturedOn = null) => _drafts.Add(new Draft(kind, sku, lot ?? "", from, to, quantity, reason, reference)
        {
            ExpiresOn = expiresOn, ManufacturedOn = manufacturedOn,
        });

    /// <summary>Counts units as shipped out of what the hub holds.</summary>
    public void Consume(string sku, long units) => _consumed[sku] = _consumed.GetValueOrDefault(sku) + units;

    /// <summary>The SKUs whose units this change touched.</summary>
    public IReadOnlyCollection<string> Skus => _rows.Values.Where(r => r.Touched).Select(r => r.Key.Sku).Concat(_drafts.Select(d => d.Sku))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>Writes rows, totals and movements. Answers the movements with their numbers.</summary>
    /// <exception cref="InvalidOperationException">A quantity would become impossible: the caller's decision was wrong.</exception>
    public async ValueTask<IReadOnlyList<MovementLine>> WriteAsync()
    {
        foreach (var row in _rows.Values.Where(r => r.Touched)) row.CheckSane();
        await WriteTotalsAsync([.. _rows.Values.Where(r => r.Touched)]);
        await WriteStockAsync();
        return await WriteMovementsAsync();
    }

    /// <summary>Writes the rows alone: for who writes the rest in another way.</summary>
    /// <exception cref="InvalidOperationException">A quantity would become impossible.</exception>
    /// <param name="withPlaces">Also what the rows know of their bins.</param>
    public async ValueTask WriteStockAsync(bool withPlaces = false)
    {
        var touched = _rows.Values.Where(r => r.Touched).ToList();
        foreach (var row in touched) row.CheckSane();
        await WriteRowsAsync([.. touched.Where(r => r.OnHand > 0)], withPlaces);
        foreach (var row in touched.Where(r => r.OnHand == 0 && r.Existed))
            await tx.WriteAsync("DELETE FROM stock WHERE site = @site AND sku = @Sku AND bin = @Bin AND lot = @Lot", new { site, row.Key.Sku, row.Key.Bin, row.Key.Lot });
        foreach (var row in touched) row.Written();
    }

    private async ValueTask WriteRowsAsync(IReadOnlyList<StockRow> rows, bool withPlaces)
    {
        if (rows.Any(r => !r.IsPlaced)) throw new InvalidOperationException("a stock row was filled before its bin was known");
        const string Units = """
            on_hand = excluded.on_hand, reserved = excluded.reserved, damaged = excluded.damaged, blocked = excluded.blocked,
            received_at = excluded.received_at, newer = excluded.newer, expires_on = excluded.expires_on, manufactured_on = excluded.manufactured_on
            """;
        await tx.UpsertAsync("stock", "site, sku, bin, lot", withPlaces ? Units + ", pickable = excluded.pickable, bin_order = excluded.bin_order" : Units, rows.Count,
            Column.Same("site", rows.Count, site), Column.From("sku", rows, r => r.Key.Sku), Column.From("bin", rows, r => r.Key.Bin),
            Column.From("lot", rows, r => r.Key.Lot), Column.From("on_hand", rows, r => r.OnHand), Column.From("reserved", rows, r => r.Reserved),
            Column.From("damaged", rows, r => r.Damaged), Column.From("blocked", rows, r => r.Blocked), Column.From("pickable", rows, r => r.Pickable),
            Column.From("bin_order", rows, r => r.BinOrder), Column.From("received_at", rows, r => r.ReceivedAt!.Value), Column.From("newer", rows, r => r.Newer),
            Column.From("expires_on", rows, r => r.ExpiresOn), Column.From("manufactured_on", rows, r => r.ManufacturedOn));
    }

    private ValueTask WriteTotalsAsync(IReadOnlyList<StockRow> rows)
    {
        var totals = new Dictionary<string, SkuDelta>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            var (onHand, reserved, damaged, unusable) = row.Delta;
            totals[row.Key.Sku] = totals.GetValueOrDefault(row.Key.Sku).Plus(onHand, reserved, damaged, unusable);
        }
        foreach (var (sku, units) in _consumed) totals[sku] = totals.GetValueOrDefault(sku) with { Consumed = units };
        _consumed.Clear();
        return SkuTotals.AddAsync(tx, site, totals);
    }

    private async ValueTask<IReadOnlyList<MovementLine>> WriteMovementsAsync()
    {
        if (_drafts.Count == 0) return [];
        var number = await tx.NextNumbersAsync("movement", Lane.Site(site), _drafts.Count);
        var lines = new List<MovementLine>(_drafts.Count);
        foreach (var d in _drafts)
            lines.Add(new MovementLine(tx.NewId(), number++, d.Kind, d.Sku, d.Lot.Length == 0 ? null : d.Lot, d.From, d.To, (int)d.Quantity, d.Reason, d.Reference)
            {
                ExpiresOn = d.ExpiresOn, ManufacturedOn = d.ManufacturedOn,
            });
        _drafts.Clear();
        await InsertAsync(tx, site, lines, _ => tx.Caller.Actor, _ => tx.Now);
        return lines;
    }

    internal static ValueTask InsertAsync(LaneTransaction tx, string site, IReadOnlyList<MovementLine> lines, Func<MovementLine, string> actor, Func<MovementLine, DateTimeOffset> at) =>
        tx.InsertAsync("movements", lines.Count,
            Column.Same("site", lines.Count, site), Column.From("number", lines, m => m.Number), Column.From("id", lines, m => m.Id),
            Column.From("kind", lines, m => (int)m.Kind), Column.From("sku", lines, m => m.Sku), Column.From("lot", lines, m => m.Lot ?? ""),
            Column.From("from_bin", lines, m => m.FromBin), Column.From("to_bin", lines, m => m.ToBin),
            Column.From("quantity", lines, m => (long)m.Quantity), Column.From("reason", lines, m => m.Reason),
            Column.From("reference", lines, m => m.Reference), Column.From("actor", lines, actor), Column.From("at", lines, at));
}
