namespace Stowline.Store;

/// <summary>
/// One column of a set of rows: a name and an array of values, the shape that both fast paths want (PostgreSQL's <c>unnest</c> takes the
/// array as it is, SQLite's loop reads one value per row). Values stay in typed arrays, so nothing is boxed per row.
/// </summary>
public abstract class Column(string name)
{
    public string Name => name;

    public static Column Of(string name, Guid[] values) => new Column<Guid>(name, values);
    public static Column Of(string name, Guid?[] values) => new Column<Guid?>(name, values);
    public static Column Of(string name, string?[] values) => new Column<string?>(name, values);
    public static Column Of(string name, int[] values) => new Column<int>(name, values);
    public static Column Of(string name, long[] values) => new Column<long>(name, values);
    public static Column Of(string name, long?[] values) => new Column<long?>(name, values);
    public static Column Of(string name, double?[] values) => new Column<double?>(name, values);
    public static Column Of(string name, bool[] values) => new Column<bool>(name, values);
    public static Column Of(string name, DateTimeOffset[] values) => new Column<DateTimeOffset>(name, values);
    public static Column Of(string name, DateTimeOffset?[] values) => new Column<DateTimeOffset?>(name, values);
    public static Column Of(string name, DateOnly?[] values) => new Column<DateOnly?>(name, values);
    public static Column Of(string name, byte[]?[] values) => new Column<byte[]?>(name, values);

    /// <summary>A column made from rows that are at hand as objects.</summary>
    public static Column From<TRow, TValue>(string name, IReadOnlyList<TRow> rows, Func<TRow, TValue> value)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = value(rows[i]);
        return new Column<TValue>(name, values);
    }

    /// <summary>The same value in every row.</summary>
    public static Column Same<TValue>(string name, int count, TValue value)
    {
        var values = new TValue[count];
        Array.Fill(values, value);
        return new Column<TValue>(name, values);
    }

    /// <summary>The values as an array of exactly <paramref name="count"/> elements.</summary>
    internal abstract Array ToArray(int count);
    internal abstract Type ValueType { get; }

    /// <summary>The same column with no rows, to be kept.</summary>
    internal abstract Column WithoutValues();
}

/// <inheritdoc cref="Column"/>
public sealed class Column<T>(string name, T[] values) : Column(name)
{
    internal T[] Values => values;
    internal override Type ValueType => typeof(T);
    internal override Column WithoutValues() => new Column<T>(Name, []);

    internal override Array ToArray(int count)
    {
        if (values.Length == count) return values;
        var cut = new T[count];
        Array.Copy(values, cut, count);
        return cut;
    }
}
