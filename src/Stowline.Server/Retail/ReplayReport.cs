using System.Globalization;

namespace Stowline.Server.Retail;

/// <summary>What <c>stowline replay online-retail</c> tells at its end. The names of the first fields are the contract's.</summary>
internal sealed record ReplayReport(
    RetailTotals File, PlannedTotals Planned, ShopBooks Books, IReadOnlyDictionary<string, double> StageSeconds, double Seconds, double PeakMemoryMb)
{
    public IReadOnlyDictionary<string, string> Differences { get; } = Books.DifferencesTo(Planned);
    public bool VerifyOk => Books.Verify.Values.All(v => v == "ok");
    public bool Ok => VerifyOk && Differences.Count == 0;

    public IReadOnlyDictionary<string, object?> Fields() => new Dictionary<string, object?>
    {
        ["ok"] = Ok,
        ["rows"] = File.Rows, ["invoices"] = File.Invoices, ["cancellation_invoices"] = File.CancellationInvoices,
        ["units_positive"] = File.UnitsPositive, ["units_negative"] = File.UnitsNegative, ["units_net"] = File.UnitsNet,
        ["orders_placed"] = Books.Orders, ["units_ordered"] = Books.UnitsOrdered, ["orders_shipped"] = Books.OrdersShipped,
        ["orders_cancelled"] = Books.OrdersCancelled, ["units_shipped"] = Books.UnitsShipped, ["units_returned"] = Books.UnitsReturned,
        ["classified"] = File.Classified, ["verify"] = VerifyOk ? "ok" : "failed", ["seconds"] = Math.Round(Seconds, 2), ["peak_memory_mb"] = Math.Round(PeakMemoryMb, 1),
        ["orders"] = Books.OrdersByStatus, ["lines"] = Books.Lines, ["units_received"] = Books.UnitsReceived, ["units_cancelled"] = Books.UnitsCancelled,
        ["units_returned_without_order"] = Planned.UnitsReturnedWithoutOrder, ["units_found"] = Planned.UnitsFound, ["units_written_off"] = Planned.UnitsWrittenOff,
        ["units_not_there_to_write_off"] = Planned.UnitsNotThereToWriteOff, ["stock_codes"] = File.StockCodes,
        ["stage_seconds"] = StageSeconds, ["checks"] = Books.Verify, ["differences"] = Differences,
    };

    /// <summary>The same for people.</summary>
    public IEnumerable<string> Lines()
    {
        static string N(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
        yield return $"{N(File.Rows)} rows, {N(File.Invoices)} invoices ({N(File.CancellationInvoices)} cancellations), {N(File.UnitsPositive)} units sold and {N(File.UnitsNegative)} back";
        foreach (var (rule, rows) in File.Classified.Where(c => c.Value > 0)) yield return $"  {rule,-28}{N(rows),12}";
        yield return $"orders: {N(Books.Orders)} of {N(Books.Lines)} lines: " + string.Join(", ", Books.OrdersByStatus.Select(s => $"{N(s.Value)} {s.Key}"));
        yield return $"units: {N(Books.UnitsReceived)} received, {N(Books.UnitsOrdered)} ordered, {N(Books.UnitsShipped)} shipped, {N(Books.UnitsCancelled)} cancelled, "
            + $"{N(Books.UnitsReturned)} returned ({N(Planned.UnitsReturnedWithoutOrder)} without an order)";
        yield return $"stock: {N(Planned.UnitsFound)} found, {N(Planned.UnitsWrittenOff)} written off, {N(Planned.UnitsNotThereToWriteOff)} more to write off were not there";
        foreach (var (check, result) in Books.Verify.Where(c => c.Value != "ok")) yield return $"verify {check}: {result}";
        foreach (var (what, how) in Differences) yield return $"difference in {what}: {how}";
        yield return $"{(Ok ? "every unit is accounted for" : "NOT every unit is accounted for")}; "
            + string.Create(CultureInfo.InvariantCulture, $"{Seconds:0.0} s (")
            + string.Join(", ", StageSeconds.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value:0.0}")))
            + string.Create(CultureInfo.InvariantCulture, $"), {PeakMemoryMb:0} MB at most");
    }
}
