namespace Stowline.Server.Retail;

/// <summary>
/// One row of an Online Retail file, read but not judged. What could not be read is null; the text of the file is trimmed and nothing else.
/// </summary>
/// <param name="Line">The line of the file where the row begins; the header is line 1.</param>
/// <param name="Invoice">InvoiceNo: the number of a sale, or of a cancellation when it begins with C.</param>
/// <param name="Code">StockCode, case-sensitive: 15056BL and 15056bl are two codes in this file.</param>
/// <param name="Quantity">Units; null when the text is no whole number that an order could hold.</param>
/// <param name="At">InvoiceDate, taken as UTC: the file names no zone. Null when it is no date.</param>
/// <param name="PriceE4">UnitPrice in ten-thousandths of a pound; 0 when the field is empty, null when it is no price.</param>
/// <param name="Customer">CustomerID without the ".0" that spreadsheets add; empty when unknown.</param>
internal readonly record struct RetailRow(
    int Line, string Invoice, string Code, string Description, int? Quantity, DateTime? At, long? PriceE4, string Customer, string Country)
{
    /// <summary>The invoice undoes earlier ones (C…).</summary>
    public bool IsCancellation => Invoice.StartsWith('C') || Invoice.StartsWith('c');
}
