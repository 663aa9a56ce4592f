using System.Globalization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Server.Csv;

/// <summary>What is wrong with a row of a file. <see cref="Line"/> counts from 1, the header included.</summary>
public sealed record BadRow(int Line, string Field, string Message);

/// <summary>All that is wrong with a file: every row is counted, the first thousand are told.</summary>
internal sealed class BadRows
{
    public const int Told = 1_000;
    private readonly List<BadRow> _rows = [];

    public int Total { get; private set; }

    public void Add(int line, string field, string message)
    {
        Total++;
        if (_rows.Count < Told) _rows.Add(new BadRow(line, field, message));
    }

    /// <summary>What a check of the API found in the row; its fields are the columns.</summary>
    public void Add(int line, Refusal refusal)
    {
        foreach (var (field, messages) in refusal.Errors ?? new Dictionary<string, string[]> { [""] = [refusal.Detail] })
            foreach (var message in messages) Add(line, field, message);
    }

    public Refusal ToRefusal() => new(RefusalKind.Invalid, "invalid_rows", $"{Total} values of the file are wrong, and nothing of it was written")
    {
        Extra = new Dictionary<string, object?> { ["total"] = Total, ["rows"] = _rows.OrderBy(r => r.Line).ToList() },
    };
}

/// <summary>One row, by the names of its columns. An empty cell is as good as none. What cannot be read is noted and read as none.</summary>
internal sealed class CsvRow(int line, string[] cells, IReadOnlyDictionary<string, int> places, BadRows bad)
{
    public int Line => line;

    public string? Text(string column)
    {
        if (!places.TryGetValue(column, out var place) || cells[place].Trim() is not { Length: > 0 } text) return null;
        if (!text.Contains('\0')) return CsvText.Bare(text);
        bad.Add(line, column, "must not contain the character NUL");
        return null;
    }

    public long? Whole(string column) =>
        Read<long>(column, "must be a whole number", (string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value));

    public double? Number(string column) => Read<double>(column, "must be a number with a decimal point", (string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && double.IsFinite(value));

    public bool? Flag(string column) => Read<bool>(column, "must be true or false", (string text, out bool value) => bool.TryParse(text, out value));

    public DateOnly? Date(string column) => Read<DateOnly>(column, "must be a date such as 2027-01-31",
        (string text, out DateOnly value) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out value));

    public T? Word<T>(string column) where T : struct, Enum =>
        Read<T>(column, SnakeCaseEnum<T>.Choices, (string text, out T value) => SnakeCaseEnum<T>.TryParse(text, out value));

    /// <summary>An amount in one column and its currency in another, as exports write them.</summary>
    public Money? Price(string column)
    {
        var currency = Text(column + "_currency");
        var amount = Read<decimal>(column, "must be an amount with a decimal point and at most 4 decimals", (string text, out decimal value) =>
            decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
            && Math.Abs(value) <= Money.MaxAmount && decimal.Round(value, 4) == value);
        if (amount is null) return null;
        if (Money.IsCurrency(currency)) return new Money(amount.Value, currency!);
        bad.Add(line, column + "_currency", Money.CurrencyRule);
        return null;
    }

    private delegate bool Reader<T>(string text, out T value);

    private T? Read<T>(string column, string message, Reader<T> read) where T : struct
    {
        if (Text(column) is not { } text) return null;
        if (read(text, out var value)) return value;
        bad.Add(line, column, message);
        return null;
    }
}
