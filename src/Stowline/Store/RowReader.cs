namespace Stowline.Store;

/// <summary>One of several SELECTs that are asked together; see <see cref="SqlSession.SelectAsync"/>.</summary>
public sealed record SetSelect(string Sql, int Count, Column[] Keys, Action<RowReader> Row);

/// <summary>One row of a set-based SELECT, whichever database it comes from. Columns by position.</summary>
public abstract class RowReader
{
    public abstract bool IsNull(int column);
    public abstract string GetString(int column);
    public abstract long GetInt64(int column);
    public abstract double GetDouble(int column);
    public abstract Guid GetGuid(int column);
    public abstract byte[] GetBytes(int column);
    public abstract DateTimeOffset GetTime(int column);

    /// <summary>As <see cref="GetBytes"/>, where the database has put them where that is possible: good until the next row is read.</summary>
    public abstract ReadOnlySpan<byte> GetSpan(int column);

    /// <summary>As <see cref="GetString(int)"/>; where the text is <paramref name="known"/>, that is handed back and no other made. For columns that say the same in many rows.</summary>
    public virtual string GetString(int column, string known) => GetString(column) is var text && text == known ? known : text;

    public int GetInt32(int column) => checked((int)GetInt64(column));
    public string? GetStringOrNull(int column) => IsNull(column) ? null : GetString(column);
    public double? GetDoubleOrNull(int column) => IsNull(column) ? null : GetDouble(column);
}
