using Stowline.Store;

namespace Stowline.Bench.Fill;

/// <summary>Rows of one table that wait to be written in bulk, in the portable form of <see cref="SqlSession.WriteTableAsync"/>.</summary>
internal sealed class FillTable(string name, params string[] columns)
{
    private List<object?[]> _rows = [];

    public void Add(params object?[] values)
    {
        for (var i = 0; i < values.Length; i++) values[i] = values[i] switch
        {
            null => null,
            Enum member => Convert.ToInt64(member, System.Globalization.CultureInfo.InvariantCulture),
            var value => RowTypes.ToPortable(value),
        };
        _rows.Add(values);
    }

    /// <summary>Takes the rows out, to be written while new ones gather.</summary>
    public Func<SqlSession, Task<long>> Take()
    {
        var rows = _rows;
        _rows = new List<object?[]>(rows.Count);
        return async session => rows.Count == 0 ? 0 : await session.WriteTableAsync(name, columns, EachAsync(rows));
    }

    private static async IAsyncEnumerable<object?[]> EachAsync(List<object?[]> rows)
    {
        foreach (var row in rows) yield return row;
        await ValueTask.CompletedTask;
    }
}

/// <summary>A clock that stands where it is put: the orders of a year are made in minutes.</summary>
internal sealed class FillClock(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;
    public override DateTimeOffset GetUtcNow() => Now;
}
