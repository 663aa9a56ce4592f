using NpgsqlTypes;
using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>How values and columns of ours are called and sent to PostgreSQL.</summary>
internal static class PostgresTypes
{
    /// <summary>The first values of a column; times as the driver wants them.</summary>
    public static Array ArrayOf(Column column, int count) => column switch
    {
        Column<DateTimeOffset> c => Array.ConvertAll((DateTimeOffset[])c.ToArray(count), t => t.UtcDateTime),
        Column<DateTimeOffset?> c => Array.ConvertAll((DateTimeOffset?[])c.ToArray(count), t => t?.UtcDateTime),
        _ => column.ToArray(count),
    };

    /// <summary>What SQL calls it.</summary>
    public static string NameOf(Type type) => type switch
    {
        _ when type == typeof(Guid) || type == typeof(Guid?) => "uuid",
        _ when type == typeof(string) => "text",
        _ when type == typeof(int) || type == typeof(int?) => "integer",
        _ when type == typeof(long) || type == typeof(long?) => "bigint",
        _ when type == typeof(double) || type == typeof(double?) => "double precision",
        _ when type == typeof(bool) => "boolean",
        _ when type == typeof(DateTimeOffset) || type == typeof(DateTimeOffset?) => "timestamptz",
        _ when type == typeof(DateOnly?) => "date",
        _ when type == typeof(byte[]) => "bytea",
        _ => throw new NotSupportedException($"a column of {type} cannot be sent"),
    };

    /// <summary>A null without a type makes PostgreSQL guess, and a changed guess makes a new plan: say the type.</summary>
    public static NpgsqlDbType DbType(Type type) => type switch
    {
        _ when type == typeof(Guid) => NpgsqlDbType.Uuid,
        _ when type == typeof(string) => NpgsqlDbType.Text,
        _ when type == typeof(int) || type.IsEnum => NpgsqlDbType.Integer,
        _ when type == typeof(long) => NpgsqlDbType.Bigint,
        _ when type == typeof(double) => NpgsqlDbType.Double,
        _ when type == typeof(bool) => NpgsqlDbType.Boolean,
        _ when type == typeof(DateTimeOffset) => NpgsqlDbType.TimestampTz,
        _ when type == typeof(DateOnly) => NpgsqlDbType.Date,
        _ when type == typeof(byte[]) => NpgsqlDbType.Bytea,
        _ => NpgsqlDbType.Unknown,
    };
}
