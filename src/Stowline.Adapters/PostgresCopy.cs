using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>Turns the portable values of a backup into what a column of PostgreSQL takes, on the way into a binary COPY.</summary>
internal static class PostgresCopy
{
    /// <summary>The type of each column, as PostgreSQL calls it.</summary>
    public static async Task<string[]> TypesAsync(NpgsqlConnection connection, string table, IReadOnlyList<string> columns)
    {
        await using var command = new NpgsqlCommand(
            "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table });
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) types[reader.GetString(0)] = reader.GetString(1);
        return [.. columns.Select(c => types.TryGetValue(c, out var type) ? type : throw new InvalidDataException($"{table} has no column {c} here"))];
    }

    public static Task WriteAsync(NpgsqlBinaryImporter importer, object? value, string type)
    {
        if (value is null) return importer.WriteNullAsync();
        return type switch
        {
            "uuid" => importer.WriteAsync(Guid.Parse((string)value), NpgsqlDbType.Uuid),
            "text" => importer.WriteAsync((string)value, NpgsqlDbType.Text),
            "integer" => importer.WriteAsync(checked((int)(long)value), NpgsqlDbType.Integer),
            "bigint" => importer.WriteAsync((long)value, NpgsqlDbType.Bigint),
            "boolean" => importer.WriteAsync((long)value != 0, NpgsqlDbType.Boolean),
            "double precision" => importer.WriteAsync(Convert.ToDouble(value, CultureInfo.InvariantCulture), NpgsqlDbType.Double),
            "bytea" => importer.WriteAsync((byte[])value, NpgsqlDbType.Bytea),
            "timestamp with time zone" => importer.WriteAsync(RowTypes.ParseTime((string)value).UtcDateTime, NpgsqlDbType.TimestampTz),
            "date" => importer.WriteAsync(DateOnly.ParseExact((string)value, RowTypes.DateFormat, CultureInfo.InvariantCulture), NpgsqlDbType.Date),
            _ => throw new NotSupportedException($"a column of type {type} cannot be restored"),
        };
    }
}
