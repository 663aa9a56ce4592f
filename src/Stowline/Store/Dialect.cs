namespace Stowline.Store;

/// <summary>
/// The few things on which SQLite and PostgreSQL differ. SQL is written by hand in their overlap; types in migrations are tokens
/// (<c>{uuid}</c>, <c>{time}</c> …) that this table spells out.
/// </summary>
public sealed class Dialect
{
    public static readonly Dialect Sqlite = new("sqlite", new Dictionary<string, string>
    {
        ["{uuid}"] = "TEXT", ["{time}"] = "TEXT", ["{date}"] = "TEXT", ["{bytes}"] = "BLOB", ["{bool}"] = "INTEGER", ["{text}"] = "TEXT",
        ["{int}"] = "INTEGER", ["{bigint}"] = "INTEGER", ["{double}"] = "REAL", ["{without_rowid}"] = "WITHOUT ROWID", ["{hot}"] = "WITHOUT ROWID",
    });

    public static readonly Dialect Postgres = new("postgres", new Dictionary<string, string>
    {
        // COLLATE "C" makes text compare as SQLite compares it: by bytes. Keyset paging relies on both agreeing.
        ["{uuid}"] = "uuid", ["{time}"] = "timestamptz", ["{date}"] = "date", ["{bytes}"] = "bytea", ["{bool}"] = "boolean", ["{text}"] = "text COLLATE \"C\"",
        ["{int}"] = "integer", ["{bigint}"] = "bigint", ["{double}"] = "double precision", ["{without_rowid}"] = "",
        // Rows that change all the time: room on the page lets PostgreSQL write the new version beside the old one and leave the indices alone.
        ["{hot}"] = "WITH (fillfactor = 40)",
    });

    private readonly IReadOnlyDictionary<string, string> _tokens;

    private Dialect(string name, IReadOnlyDictionary<string, string> tokens) => (Name, _tokens) = (name, tokens);

    public string Name { get; }
    public bool IsPostgres => ReferenceEquals(this, Postgres);

    /// <summary>Replaces the type tokens of a migration.</summary>
    public string Expand(string sql)
    {
        foreach (var (token, type) in _tokens) sql = sql.Replace(token, type, StringComparison.Ordinal);
        return sql;
    }
}
