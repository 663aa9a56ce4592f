namespace Stowline.Site.Stock;

/// <summary>
/// Rows of one SKU in the order in which units are taken from them (F3): first expired first out, then by the receipt of the units that would be taken, then along the walk. A row with several
/// receipts has its turn once for each, with those of other rows in between.
/// </summary>
internal sealed class PickQueue
{
    /// <summary>The address at last, so that both databases agree.</summary>
    internal static readonly Comparer<StockRow> Order = Comparer<StockRow>.Create(static (a, b) =>
    {
        var byExpiry = (a.ExpiresOn ?? DateOnly.MaxValue).CompareTo(b.ExpiresOn ?? DateOnly.MaxValue);
        if (byExpiry != 0) return byExpiry;
        var byAge = a.Next.ReceivedAt.CompareTo(b.Next.ReceivedAt);
        if (byAge != 0) return byAge;
        var byWalk = string.CompareOrdinal(a.BinOrder, b.BinOrder);
        if (byWalk != 0) return byWalk;
        var byBin = string.CompareOrdinal(a.Key.Bin, b.Key.Bin);
        return byBin != 0 ? byBin : string.CompareOrdinal(a.Key.Lot, b.Key.Lot);
    });

    private readonly PriorityQueue<StockRow, StockRow> _rows;

    public PickQueue(IEnumerable<StockRow> rows) => _rows = new(rows.Where(r => r.Available > 0).Select(r => (r, r)), Order);

    /// <summary>Takes available units, as many as there are. Each row is answered once, with all that was taken from it, in the order of their first turns.</summary>
    /// <param name="take">Makes that many units of the row unavailable: reserves them, or takes them out.</param>
    public IReadOnlyList<(StockRow Row, long Units)> Draw(long units, Action<StockRow, long> take)
    {
        var drawn = new List<(StockRow Row, long Units)>(1);
        while (units > 0 && _rows.TryPeek(out var row, out _))
        {
            var layer = row.Next;
            var taken = Math.Min(units, layer.Units);
            take(row, taken);
            units -= taken;
            Add(drawn, row, taken);
            if (taken < layer.Units) continue;
            // Its next receipt waits for its turn. (DequeueEnqueue would compare the row with what it was, which is the same object.)
            _rows.Dequeue();
            if (row.Available > 0) _rows.Enqueue(row, row);
        }
        return drawn;
    }

    private static void Add(List<(StockRow Row, long Units)> drawn, StockRow row, long units)
    {
        for (var i = 0; i < drawn.Count; i++)
        {
            if (drawn[i].Row != row) continue;
            drawn[i] = (row, drawn[i].Units + units);
            return;
        }
        drawn.Add((row, units));
    }
}
