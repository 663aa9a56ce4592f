namespace Stowline.Server.Retail;

/// <summary>An order while the plan is made: how much of it has been undone on its own day.</summary>
internal sealed class SoldOrder(PlannedOrder order)
{
    public PlannedOrder Order => order;
    public DateOnly Day { get; } = DateOnly.FromDateTime(order.At);
    public int Units { get; } = order.Units;
    public int UndoneOnItsDay { get; set; }
    public DateTime UndoneAt { get; set; }
    public List<string> UndoneBy { get; } = [];
    public bool IsCancelled => UndoneOnItsDay == Units;
}

/// <summary>
/// What each customer bought and has not given back. The file does not say which order a cancellation undoes; the rule is: the customer's
/// most recent order of that SKU with enough units left to undo; when none has enough, the most recent ones one after another. Rows without a
/// customer match nothing, since "nobody" is thousands of people.
/// </summary>
internal sealed class SoldUnits
{
    private sealed class Entry(SoldOrder order, int left)
    {
        public SoldOrder Order => order;
        public int Left { get; set; } = left;
    }

    private readonly Dictionary<(string Customer, string Sku), List<Entry>> _sold = [];

    public void Add(SoldOrder order)
    {
        if (order.Order.Customer is not { } customer) return;
        foreach (var sku in order.Order.Lines.GroupBy(l => l.Sku, StringComparer.Ordinal))
        {
            if (!_sold.TryGetValue((customer, sku.Key), out var entries)) _sold[(customer, sku.Key)] = entries = [];
            entries.Add(new Entry(order, sku.Sum(l => l.Quantity)));
        }
    }

    /// <summary>Takes units of a SKU back from the customer's orders. What no order accounts for is missing from the answer.</summary>
    public IReadOnlyList<(SoldOrder Order, int Units)> Undo(string customer, string sku, int units)
    {
        if (customer.Length == 0 || !_sold.TryGetValue((customer, sku), out var entries)) return [];
        if (entries.FindLast(e => e.Left >= units) is { } enough) return [(enough.Order, Take(entries, enough, units))];
        var taken = new List<(SoldOrder, int)>();
        while (units > 0 && entries.Count > 0)
        {
            var entry = entries[^1];
            var some = Take(entries, entry, Math.Min(units, entry.Left));
            taken.Add((entry.Order, some));
            units -= some;
        }
        return taken;
    }

    private static int Take(List<Entry> entries, Entry entry, int units)
    {
        entry.Left -= units;
        if (entry.Left == 0) entries.Remove(entry);
        return units;
    }
}
