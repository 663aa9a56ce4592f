using System.Data;
using System.Globalization;
using System.Text;
using Dapper;

namespace Stowline.Store;

/// <summary>How values that SQLite keeps as text come back, and the one textual form of a time in the store.</summary>
public static class RowTypes
{
    /// <summary>Fixed width, UTC, microseconds: sorts as text, and PostgreSQL keeps no more digits.</summary>
    public const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";
    public const string DateFormat = "yyyy-MM-dd";

    private static int s_registered;

    public static void Register()
    {
        if (Interlocked.Exchange(ref s_registered, 1) == 1) return;
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        Add(new GuidHandler());
        Add(new TimeHandler());
        Add(new DateHandler());
    }

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <summary>A time as <see cref="TimeFormat"/> has it. Every row has some, so digits are read where they stand; a general parser takes twenty times as long.</summary>
    public static DateTimeOffset ParseTime(string text)
    {
        Span<byte> utf8 = stackalloc byte[27];
        return Encoding.UTF8.TryGetBytes(text, utf8, out var length) ? ParseTime(utf8[..length]) : throw Wrong(text);
    }

    /// <inheritdoc cref="ParseTime(string)"/>
    /// <param name="text">In UTF-8, as SQLite hands it out.</param>
    public static DateTimeOffset ParseTime(ReadOnlySpan<byte> text)
    {
        if (text is not [_, _, _, _, (byte)'-', _, _, (byte)'-', _, _, (byte)'T', _, _, (byte)':', _, _, (byte)':', _, _, (byte)'.', _, _, _, _, _, _, (byte)'Z']) throw Wrong(Encoding.UTF8.GetString(text));
        var day = new DateTime(Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2), Digits(text, 11, 2), Digits(text, 14, 2), Digits(text, 17, 2), DateTimeKind.Utc);
        return new DateTimeOffset(day.Ticks + Digits(text, 20, 6) * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }

    private static int Digits(ReadOnlySpan<byte> text, int from, int count)
    {
        var value = 0;
        foreach (var digit in text.Slice(from, count)) value = digit is >= (byte)'0' and <= (byte)'9' ? value * 10 + digit - '0' : throw Wrong(Encoding.UTF8.GetString(text));
        return value;
    }

    private static FormatException Wrong(string text) => new($"'{text}' is no time of the store");

    /// <summary>Cuts a time to what the store keeps, so that what is answered now equals what is read later.</summary>
    public static DateTimeOffset ToMicroseconds(DateTimeOffset time) => new(time.UtcTicks / 10 * 10, TimeSpan.Zero);

    /// <summary>A value as a driver gives it, in the form that backups keep: what SQLite would store.</summary>
    public static object? ToPortable(object value) => value switch
    {
        DBNull => null,
        long or double or string or byte[] => value,
        int number => (long)number,
        short number => (long)number,
        bool flag => flag ? 1L : 0L,
        Guid id => id.ToString(),
        DateTime { Kind: DateTimeKind.Utc } time => Text(new DateTimeOffset(time)),
        DateTime date => date.ToString(DateFormat, CultureInfo.InvariantCulture),
        DateTimeOffset time => Text(time),
        DateOnly date => date.ToString(DateFormat, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"a value of {value.GetType()} cannot be backed up"),
    };

    private static void Add<T>(SqlMapper.TypeHandler<T> handler) where T : struct
    {
        SqlMapper.RemoveTypeMap(typeof(T));
        SqlMapper.RemoveTypeMap(typeof(T?));
        SqlMapper.AddTypeHandler(handler);
    }

    private sealed class GuidHandler : SqlMapper.TypeHandler<Guid>
    {
        public override Guid Parse(object value) => value is Guid guid ? guid : Guid.Parse((string)value);
        public override void SetValue(IDbDataParameter parameter, Guid value) => parameter.Value = value;
    }

    private sealed class TimeHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override DateTimeOffset Parse(object value) => value switch
        {
            DateTimeOffset time => time.ToUniversalTime(),
            DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
            string text => ParseTime(text),
            _ => throw new InvalidCastException($"{value.GetType()} is no time"),
        };

        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) => parameter.Value = value;
    }

    private sealed class DateHandler : SqlMapper.TypeHandler<DateOnly>
    {
        public override DateOnly Parse(object value) => value switch
        {
            DateOnly date => date,
            DateTime time => DateOnly.FromDateTime(time),
            string text => DateOnly.ParseExact(text, DateFormat, CultureInfo.InvariantCulture),
            _ => throw new InvalidCastException($"{value.GetType()} is no date"),
        };

        public override void SetValue(IDbDataParameter parameter, DateOnly value) => parameter.Value = value;
    }
}

/// <summary>Reads the first column of a row as a single value.</summary>
internal static class Scalar
{
    public static bool Is(Type type)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        return bare.IsPrimitive || bare.IsEnum || bare == typeof(string) || bare == typeof(Guid) || bare == typeof(DateTimeOffset) || bare == typeof(DateOnly)
               || bare == typeof(byte[]) || bare == typeof(decimal);
    }

    public static T Read<T>(System.Data.Common.DbDataReader reader)
    {
        if (reader.IsDBNull(0)) return default!;
        var value = reader.GetValue(0);
        var type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        if (type.IsInstanceOfType(value)) return (T)value;
        object converted = type switch
        {
            _ when type == typeof(Guid) => Guid.Parse((string)value),
            _ when type == typeof(DateTimeOffset) => value is DateTime time ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)) : RowTypes.ParseTime((string)value),
            _ when type == typeof(DateOnly) => value is DateTime day ? DateOnly.FromDateTime(day)
                : DateOnly.ParseExact((string)value, RowTypes.DateFormat, CultureInfo.InvariantCulture),
            { IsEnum: true } => Enum.ToObject(type, value),
            _ => Convert.ChangeType(value, type, CultureInfo.InvariantCulture),
        };
        return (T)converted;
    }
}
