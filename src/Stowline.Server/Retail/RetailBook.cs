namespace Stowline.Server.Retail;

/// <summary>
/// A whole file in memory, as small as planning allows: rows that move goods, gathered by invoice; products; sums; and the rows that move
/// nothing, counted. About 60 bytes per row. It is read whole because an invoice's rows need not stand together, nor the invoices in order of time.
/// </summary>
internal sealed class RetailBook
{
    private readonly Dictionary<string, RetailInvoice> _invoices = new(StringComparer.Ordinal);
    private readonly HashSet<string> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly RetailProducts _products = new();
    private readonly int[] _rows = new int[Enum.GetValues<RetailRule>().Max(r => (int)r) + 1];
    private int _count, _cancellationInvoices;
    private long _positive, _negative, _valueE4;
    private DateTime _lastDate = DateTime.UnixEpoch;

    /// <param name="read">Called with the rows read so far, every thousand rows: for a progress bar.</param>
    public static RetailBook Load(IEnumerable<RetailRow> rows, Action<int>? read = null, CancellationToken ct = default)
    {
        var book = new RetailBook();
        foreach (var row in rows)
        {
            book.Add(row);
            if (book._count % 1000 != 0) continue;
            ct.ThrowIfCancellationRequested();
            read?.Invoke(book._count);
        }
        return book;
    }

    /// <summary>Oldest first; invoices of the same minute as the file has them.</summary>
    public IEnumerable<RetailInvoice> InOrderOfTime => _invoices.Values.OrderBy(i => i.At); // a stable sort

    public IReadOnlyList<RetailProduct> Products() => _products.All();

    /// <param name="judged">What the planner found out about the rows that could not be judged by themselves, one each.</param>
    public RetailTotals Totals(IReadOnlyCollection<RetailRule> judged) => new()
    {
        Rows = _count, Invoices = _invoices.Count, CancellationInvoices = _cancellationInvoices, StockCodes = _codes.Count,
        UnitsPositive = _positive, UnitsNegative = _negative, ValueE4 = _valueE4,
        Classified = Enum.GetValues<RetailRule>().ToDictionary(RetailRules.Name, r => _rows[(int)r] + judged.Count(j => j == r)),
    };

    private void Add(in RetailRow row)
    {
        Sum(row);
        // A date that cannot be read is taken from the row above: the file is written in order of time.
        _lastDate = row.At ?? _lastDate;
        var rule = RetailRules.ByItself(row);
        if (row.Invoice.Length > 0)
        {
            var invoice = Invoice(row);
            if (rule is null or RetailRule.OrderLine or RetailRule.WriteOff)
            {
                // An order line's description is in the products; the others' is the reason of what is booked.
                var reason = rule is RetailRule.OrderLine ? "" : Shared(row.Description);
                invoice.Rows.Add(new RetailMovement(rule, row.Line, Shared(row.Code), row.Quantity!.Value, row.PriceE4!.Value, reason));
                invoice.Sells |= rule is RetailRule.OrderLine;
            }
        }
        if (rule is { } known) _rows[(int)known]++;
        _products.Note(row, rule);
    }

    private void Sum(in RetailRow row)
    {
        _count++;
        if (row.Code.Length > 0) _codes.Add(row.Code);
        var quantity = row.Quantity ?? 0;
        if (quantity > 0) _positive += quantity;
        else _negative += quantity;
        _valueE4 += quantity * (row.PriceE4 ?? 0);
    }

    private RetailInvoice Invoice(in RetailRow row)
    {
        if (_invoices.TryGetValue(row.Invoice, out var known)) return known;
        if (row.IsCancellation) _cancellationInvoices++;
        return _invoices[row.Invoice] = new RetailInvoice(row.Invoice, _lastDate, Shared(row.Customer), Shared(row.Country), row.IsCancellation);
    }

    /// <summary>One copy of each text: the file repeats four thousand of them half a million times.</summary>
    private string Shared(string text)
    {
        if (_texts.TryGetValue(text, out var known)) return known;
        _texts[text] = text;
        return text;
    }
}

/// <summary>An invoice with those of its rows that move goods. Time, customer and country are its first row's.</summary>
internal sealed class RetailInvoice(string number, DateTime at, string customer, string country, bool isCancellation)
{
    public string Number => number;
    public DateTime At => at;
    public string Customer => customer;
    public string Country => country;
    public bool IsCancellation => isCancellation;
    public bool Sells { get; set; }
    public List<RetailMovement> Rows { get; } = [];
}

/// <param name="Rule">Null where it depends on other rows.</param>
internal readonly record struct RetailMovement(RetailRule? Rule, int Line, string Sku, int Quantity, long PriceE4, string Description);

/// <summary>Learns the products from the rows: everything with a usable code that begins with a digit.</summary>
internal sealed class RetailProducts
{
    private sealed class Seen
    {
        /// <summary>Description → how often it stood on an order line, and elsewhere, where people write "damaged" or "?" in its place.</summary>
        public Dictionary<string, (int Sold, int Other)> Names { get; } = new(StringComparer.Ordinal);
        public long? PriceE4 { get; set; }
        public int OrderLines { get; set; }
    }

    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    public void Note(in RetailRow row, RetailRule? rule)
    {
        if (rule is RetailRule.Unreadable or RetailRule.UnusableCode || row.Code.Length == 0 || !char.IsAsciiDigit(row.Code[0])) return;
        if (!_seen.TryGetValue(row.Code, out var seen)) _seen[row.Code] = seen = new Seen();
        if (row.PriceE4 > 0) seen.PriceE4 = row.PriceE4;
        if (rule is RetailRule.OrderLine) seen.OrderLines++;
        if (row.Description.Length == 0) return;
        var (sold, other) = seen.Names.GetValueOrDefault(row.Description);
        seen.Names[row.Description] = rule is RetailRule.OrderLine ? (sold + 1, other) : (sold, other + 1);
    }

    /// <summary>In order of SKU. Of equally frequent names the one that sorts first, so that every run finds the same.</summary>
    public IReadOnlyList<RetailProduct> All() =>
    [
        .. _seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new RetailProduct(s.Key,
            s.Value.Names.OrderByDescending(n => n.Value.Sold).ThenByDescending(n => n.Value.Other).ThenBy(n => n.Key, StringComparer.Ordinal)
                .Select(n => n.Key).FirstOrDefault() ?? s.Key,
            s.Value.PriceE4, s.Value.OrderLines)),
    ];
}
