using System.Globalization;
using Stowline.Contracts;

namespace Stowline.Server.Retail;

/// <summary>
/// Makes the plan of a file, day after day. Beside the plan it keeps a small book of surplus stock (units per SKU that no order needs:
/// cancelled, returned, found), because a write-off may only take from that. The rest of the stock was received for orders later in the week.
/// </summary>
internal sealed class RetailPlanner(RetailBook book, int linesPerReceipt)
{
    /// <summary>A row that undoes, with the orders found for it.</summary>
    private sealed record Undoing(RetailInvoice Invoice, RetailMovement Row, IReadOnlyList<(SoldOrder Order, int Units)> Found)
    {
        public int Units => -Row.Quantity;
        public int WithoutOrder => Units - Found.Sum(f => f.Units);
    }

    private readonly SoldUnits _sold = new();
    private readonly Dictionary<string, int> _surplus = new(StringComparer.Ordinal);
    private readonly List<RetailRule> _judged = [];
    private PlannedTotals _planned = new();

    /// <param name="linesPerReceipt">A week's receipt is cut into documents of this many lines.</param>
    public static RetailPlan Make(RetailBook book, int linesPerReceipt = 1_000)
    {
        var planner = new RetailPlanner(book, linesPerReceipt);
        var weeks = planner.Weeks();
        return new RetailPlan(weeks, book.Products(), book.Totals(planner._judged), planner._planned);
    }

    private List<RetailWeek> Weeks()
    {
        var weeks = new List<RetailWeek>();
        var days = book.InOrderOfTime.GroupBy(i => DateOnly.FromDateTime(i.At)).Select(d => Day(d.Key, d));
        foreach (var week in days.GroupBy(d => d.Date.AddDays(-(((int)d.Date.DayOfWeek + 6) % 7))))
        {
            var monday = week.Key.ToDateTime(default);
            var name = string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(monday)}-W{ISOWeek.GetWeekOfYear(monday):00}");
            var all = week.ToList();
            weeks.Add(new RetailWeek(name, week.Key, Receipts(name, all), all));
        }
        return weeks;
    }

    private List<PlannedReceipt> Receipts(string week, List<RetailDay> days)
    {
        var needed = days.SelectMany(d => d.Orders).SelectMany(o => o.Lines).GroupBy(l => l.Sku, StringComparer.Ordinal)
            .Select(g => new SkuUnits(g.Key, g.Sum(l => l.Quantity))).OrderBy(u => u.Sku, StringComparer.Ordinal).ToList();
        _planned = _planned with { UnitsReceived = _planned.UnitsReceived + needed.Sum(u => (long)u.Quantity) };
        return [.. needed.Chunk(linesPerReceipt).Select((lines, i) => new PlannedReceipt($"{week}/{i + 1}", lines))];
    }

    private RetailDay Day(DateOnly date, IEnumerable<RetailInvoice> invoices)
    {
        var orders = new List<SoldOrder>();
        var undoings = new List<Undoing>();
        var adjusting = new List<(RetailInvoice Invoice, RetailMovement Row)>();
        foreach (var invoice in invoices)
        {
            // The invoice's own sale comes first: a negative line on it may undo a line of the same invoice.
            if (invoice.Sells) orders.Add(Sell(invoice));
            foreach (var row in invoice.Rows)
            {
                if (row.Rule is RetailRule.OrderLine) continue;
                if (row.Rule is RetailRule.WriteOff) adjusting.Add((invoice, row));
                else if (row.Quantity < 0) undoings.Add(Undo(invoice, row, date));
                else if (IsFound(invoice)) adjusting.Add((invoice, row));
            }
        }
        // Only now is it known which orders were undone as a whole, perhaps by several invoices together.
        var cancelled = Cancel(orders);
        var returns = Return(undoings);
        return new RetailDay(date, [.. orders.Select(o => o.Order)], cancelled, returns, Adjust(adjusting));
    }

    private SoldOrder Sell(RetailInvoice invoice)
    {
        var lines = invoice.Rows.Where(r => r.Rule is RetailRule.OrderLine).Select(r => new PlannedOrderLine(r.Sku, r.Quantity, r.PriceE4)).ToArray();
        var customer = invoice.Customer.Length == 0 ? null : invoice.Customer;
        var sold = new SoldOrder(new PlannedOrder(invoice.Number, invoice.At, customer, Countries.Alpha2(invoice.Country), lines));
        _sold.Add(sold);
        _planned = _planned with { Orders = _planned.Orders + 1, Lines = _planned.Lines + lines.Length, UnitsOrdered = _planned.UnitsOrdered + sold.Units };
        return sold;
    }

    private Undoing Undo(RetailInvoice invoice, RetailMovement row, DateOnly date)
    {
        var found = _sold.Undo(invoice.Customer, row.Sku, -row.Quantity);
        foreach (var (order, units) in found)
        {
            if (order.Day != date) continue;
            order.UndoneOnItsDay += units;
            order.UndoneAt = invoice.At;
            if (!order.UndoneBy.Contains(invoice.Number)) order.UndoneBy.Add(invoice.Number);
        }
        return new Undoing(invoice, row, found);
    }

    private bool IsFound(RetailInvoice invoice)
    {
        var rule = RetailRules.OfFreeUnits(invoice.Sells, invoice.Customer.Length > 0, invoice.IsCancellation);
        _judged.Add(rule);
        return rule is RetailRule.StockFound;
    }

    private List<PlannedCancellation> Cancel(List<SoldOrder> orders)
    {
        var cancelled = new List<PlannedCancellation>();
        foreach (var order in orders.Where(o => o.IsCancelled))
        {
            cancelled.Add(new PlannedCancellation(order.Order.ExternalId, order.UndoneAt, "cancelled by invoice " + string.Join(", ", order.UndoneBy)));
            foreach (var line in order.Order.Lines) Surplus(line.Sku, line.Quantity);
            _planned = _planned with { OrdersCancelled = _planned.OrdersCancelled + 1, UnitsCancelled = _planned.UnitsCancelled + order.Units };
        }
        return cancelled;
    }

    private List<PlannedReturn> Return(List<Undoing> undoings)
    {
        foreach (var undoing in undoings)
        {
            var cancelled = undoing.Found.Where(f => f.Order.IsCancelled).Sum(f => f.Units);
            _judged.Add(RetailRules.OfUndoing(cancelled, undoing.Units - undoing.WithoutOrder - cancelled));
        }
        var returns = new List<PlannedReturn>();
        foreach (var invoice in undoings.GroupBy(u => u.Invoice))
        {
            var units = invoice.SelectMany(u => u.Found.Where(f => !f.Order.IsCancelled).Select(f => (Order: (SoldOrder?)f.Order, u.Row.Sku, f.Units)))
                .Concat(invoice.Where(u => u.WithoutOrder > 0).Select(u => (Order: (SoldOrder?)null, u.Row.Sku, Units: u.WithoutOrder)));
            var groups = units.GroupBy(u => u.Order).ToList();
            foreach (var group in groups) returns.Add(Return(invoice.Key, group.Key?.Order, groups.Count > 1, group.Select(g => (g.Sku, g.Units))));
        }
        return returns;
    }

    private PlannedReturn Return(RetailInvoice invoice, PlannedOrder? order, bool several, IEnumerable<(string Sku, int Units)> units)
    {
        var lines = units.GroupBy(u => u.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, g.Sum(u => u.Units))).ToArray();
        foreach (var line in lines) Surplus(line.Sku, line.Quantity);
        var sum = lines.Sum(l => (long)l.Quantity);
        _planned = _planned with
        {
            UnitsReturned = _planned.UnitsReturned + sum,
            UnitsReturnedWithoutOrder = _planned.UnitsReturnedWithoutOrder + (order is null ? sum : 0),
        };
        var reference = several && order is not null ? $"{invoice.Number}/{order.ExternalId}" : invoice.Number;
        return new PlannedReturn(reference, order?.ExternalId, invoice.At, order is null ? PlannedReturn.WithoutOrder : PlannedReturn.AfterShipping, lines);
    }

    private List<PlannedAdjustment> Adjust(List<(RetailInvoice Invoice, RetailMovement Row)> rows)
    {
        var adjustments = new List<PlannedAdjustment>();
        foreach (var (invoice, row) in rows)
        {
            var delta = Math.Max(row.Quantity, -_surplus.GetValueOrDefault(row.Sku));
            if (row.Quantity > 0) _planned = _planned with { UnitsFound = _planned.UnitsFound + delta };
            else _planned = _planned with
            {
                UnitsWrittenOff = _planned.UnitsWrittenOff - delta,
                UnitsNotThereToWriteOff = _planned.UnitsNotThereToWriteOff + delta - row.Quantity,
            };
            if (delta == 0) continue;
            Surplus(row.Sku, delta);
            var reason = row.Description.Length > 0 ? row.Description : delta > 0 ? "stock found" : "write-off";
            adjustments.Add(new PlannedAdjustment($"{invoice.Number}/{row.Line}", invoice.At, row.Sku, delta, reason));
        }
        return adjustments;
    }

    private void Surplus(string sku, int units) => _surplus[sku] = _surplus.GetValueOrDefault(sku) + units;
}
