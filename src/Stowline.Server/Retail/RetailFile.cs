using System.Globalization;
using System.IO.Compression;
using System.Text;
using CsvHelper;
using Stowline.Kernel;

namespace Stowline.Server.Retail;

/// <summary>
/// Reads an Online Retail file row by row, in the file's order: UCI's own CSV, the "II" edition with its other header, plain or gzipped,
/// comma, semicolon or tab. One row is in memory at a time. A dirty value becomes null in the row and never an exception; only a file that
/// is something else altogether (a column is missing) is refused, with <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class RetailFile : IDisposable
{
    private static readonly string[][] Columns =
    [
        ["invoiceno", "invoice", "invoicenumber"], ["stockcode"], ["description"], ["quantity"],
        ["invoicedate", "date"], ["unitprice", "price"], ["customerid", "customer"], ["country"],
    ];

    private readonly FileStream _file;
    private readonly StreamReader _text;
    private readonly bool _dayFirst;

    private RetailFile(string path, bool dayFirst)
    {
        _dayFirst = dayFirst;
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        // By the first two bytes and not by the name: people rename files.
        var gzipped = _file.ReadByte() == 0x1F && _file.ReadByte() == 0x8B;
        _file.Position = 0;
        Stream bytes = gzipped ? new GZipStream(_file, CompressionMode.Decompress) : _file;
        _text = new StreamReader(bytes, Latin1Fallback.Utf8, detectEncodingFromByteOrderMarks: true, 1 << 16);
    }

    /// <summary>Opens the file. Looks ahead only where the dates are ambiguous (1/12/2010), to learn whether the day or the month comes first.</summary>
    public static RetailFile Open(string path)
    {
        bool dayFirst;
        using (var sample = new RetailFile(path, dayFirst: false)) dayFirst = sample.DayComesFirst();
        return new RetailFile(path, dayFirst);
    }

    /// <summary>How much of the file's bytes has been taken, 0 to 1: for a progress bar.</summary>
    public double Fraction => _file.Length == 0 ? 1 : (double)_file.Position / _file.Length;

    /// <summary>The rows, once: a second call would find the file at its end.</summary>
    public IEnumerable<RetailRow> Rows() => Fields().Select(f => new RetailRow(
        f.Line, f.Text[0], f.Text[1], f.Text[2], Quantity(f.Text[3]), Date(f.Text[4], _dayFirst), PriceE4(f.Text[5]), Customer(f.Text[6]), f.Text[7]));

    private IEnumerable<(int Line, string[] Text)> Fields()
    {
        // A line is a row, come what may: one quote that is never closed would otherwise swallow the rows up to the next quote in silence,
        // while a line break inside a description (this file has none) gives two rows that are counted as unreadable.
        var options = new CsvReaderOptions
        {
            AllowLineBreaksInQuotes = false, MalformedData = CsvMalformedDataHandling.Recover, TrackLineNumbers = true, PoolStrings = true,
        };
        using var csv = CsvReader.Create(_text, options, leaveOpen: true);
        csv.ReadHeader();
        var places = Places([.. csv.Headers]);
        while (csv.Read())
        {
            var fields = new string[places.Length];
            for (var i = 0; i < fields.Length; i++) fields[i] = csv.GetString(places[i]).Trim(); // a short row's missing fields are empty
            yield return ((int)csv.LineNumber, fields);
        }
    }

    private static int[] Places(string[] header)
    {
        var names = header.Select(h => string.Concat(h.Where(char.IsAsciiLetter)).ToLowerInvariant()).ToList();
        return [.. Columns.Select(aliases => names.FindIndex(n => aliases.Contains(n)) is >= 0 and var place
            ? place
            : throw new InvalidDataException($"this is no Online Retail file: it has no column {aliases[0]} (found: {string.Join(", ", header)})"))];
    }

    private bool DayComesFirst()
    {
        foreach (var (_, text) in Fields())
        {
            var parts = text[4].Split('/', 3);
            if (parts.Length < 3) return false; // 2010-12-01: nothing to learn
            if (int.TryParse(parts[0], out var first) && first > 12) return true;
            if (int.TryParse(parts[1], out var second) && second > 12) return false;
        }
        return false;
    }

    /// <summary>"6" and, from spreadsheets, "6.0"; beyond what an order can hold it is not a quantity.</summary>
    internal static int? Quantity(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var units)
        && decimal.Truncate(units) == units && Math.Abs(units) <= Limits.MaxQuantity ? (int)units : null;

    /// <summary>A price to four decimals, rounded half away from zero. Continental files write 2,55.</summary>
    internal static long? PriceE4(string text)
    {
        if (text.Length == 0) return 0;
        if (!text.Contains('.')) text = text.Replace(',', '.');
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var price) && Math.Abs(price) <= Money.MaxAmount
            ? decimal.ToInt64(Math.Round(price * 10_000m, MidpointRounding.AwayFromZero))
            : null;
    }

    internal static DateTime? Date(string text, bool dayFirst)
    {
        ReadOnlySpan<string> formats = dayFirst
            ? ["d/M/yyyy H:mm", "d/M/yyyy H:mm:ss", "d/M/yy H:mm", "d/M/yyyy"]
            : ["M/d/yyyy H:mm", "M/d/yyyy H:mm:ss", "M/d/yy H:mm", "M/d/yyyy"];
        string[] all = ["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd", .. formats];
        return DateTime.TryParseExact(text, all, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
            ? at
            : null;
    }

    private static string Customer(string text) => text.EndsWith(".0", StringComparison.Ordinal) ? text[..^2] : text;

    public void Dispose()
    {
        _text.Dispose();
        _file.Dispose();
    }

    /// <summary>UTF-8, and what is not UTF-8 byte by byte as Latin-1: the well-known copy of the file has its pound signs that way.</summary>
    private sealed class Latin1Fallback : DecoderFallback
    {
        public static readonly Encoding Utf8 = Encoding.GetEncoding("utf-8", EncoderFallback.ReplacementFallback, new Latin1Fallback());

        public override int MaxCharCount => 4;
        public override DecoderFallbackBuffer CreateFallbackBuffer() => new Characters();

        private sealed class Characters : DecoderFallbackBuffer
        {
            private byte[] _bytes = [];
            private int _next;

            public override int Remaining => _bytes.Length - _next;

            public override bool Fallback(byte[] bytesUnknown, int index)
            {
                (_bytes, _next) = ([.. bytesUnknown], 0);
                return _bytes.Length > 0;
            }

            public override char GetNextChar() => _next < _bytes.Length ? (char)_bytes[_next++] : '\0';
            public override bool MovePrevious() => _next > 0 && _next-- > 0;
            public override void Reset() => (_bytes, _next) = ([], 0);
        }
    }
}
