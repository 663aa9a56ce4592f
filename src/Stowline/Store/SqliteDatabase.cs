using System.Data.Common;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Stowline.Store;

/// <summary>
/// SQLite in WAL mode: one writer, many readers that never wait for it. <c>synchronous=FULL</c>, so an answered command survives a power
/// cut. Uses the system's libsqlite3 where it is newer than the one that ships with the package.
/// </summary>
public class SqliteDatabase : Database
{
    private readonly string _connectionString;
    private static readonly Lock LoadGate = new();
    private static bool s_loaded;

    public SqliteDatabase(string path, TimeProvider time) : base(time)
    {
        LoadEngine();
        Path = path;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();
    }

    public string Path { get; }
    public override Dialect Dialect => Dialect.Sqlite;
    public override string Engine => "SQLite " + raw.sqlite3_libversion().utf8_to_string();
    public override bool SingleWriter => true;

    public override async ValueTask<SqlSession> OpenAsync(bool readOnly, CancellationToken ct)
    {
        var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync(ct);
        var session = SessionOn(connection);
        // The size of pages is for new databases only: an event has about 1.1 KB, and what has over a quarter of a page needs another page beside it (decision 0034).
        await session.ScriptAsync($"""
            PRAGMA busy_timeout = 10000;
            PRAGMA page_size = 8192;
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            PRAGMA cache_size = {(readOnly ? -8000 : -64000)};
            PRAGMA temp_store = MEMORY;
            PRAGMA mmap_size = 0;
            PRAGMA query_only = {(readOnly ? 1 : 0)};
            """);
        // The default checkpoint at 1,000 pages of 4 KB stalls the writer; four times as much was measured faster, and the log stays below 20 MB.
        var page = await session.FindAsync<int>("PRAGMA page_size");
        await session.ScriptAsync($"PRAGMA wal_autocheckpoint = {16_384_000 / page}");
        return session;
    }

    /// <summary>Where the simulator puts in what may go wrong with a disk.</summary>
    private protected virtual SqliteSession SessionOn(SqliteConnection connection) => new(connection);

    public override bool IsInfrastructure(Exception exception) => exception is SqliteException
    {
        SqliteErrorCode: raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_IOERR or raw.SQLITE_FULL or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_NOMEM
    };

    public override Task<long> SizeAsync(CancellationToken ct) =>
        Task.FromResult(new[] { Path, Path + "-wal" }.Where(File.Exists).Sum(f => new FileInfo(f).Length));

    private static void LoadEngine()
    {
        lock (LoadGate)
        {
            if (s_loaded) return;
            s_loaded = true;
            if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libsqlite3.so.0", out var system) && SystemVersion(system) >= new Version(3, 35, 5))
                NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? system : IntPtr.Zero);
            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            // A session is never used by two threads at once, so SQLite need not lock a mutex at every call: measured 4 % of the accept path.
            _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MULTITHREAD);
            // Nobody asks how much memory it uses, and counting that costs a lock around every piece of it.
            _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
        }
    }

    private static unsafe Version SystemVersion(IntPtr library)
    {
        if (!NativeLibrary.TryGetExport(library, "sqlite3_libversion", out var function)) return new Version(0, 0);
        var text = Marshal.PtrToStringUTF8(((delegate* unmanaged<IntPtr>)function)());
        return Version.TryParse(text, out var version) ? version : new Version(0, 0);
    }
}

/// <summary>A SQLite connection. Ordinary statements go through ADO.NET, whole sets through raw prepared statements on the same connection.</summary>
internal class SqliteSession(SqliteConnection connection) : SqlSession(connection)
{
    private readonly SqliteConnection _connection = connection;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    public override Dialect Dialect => Dialect.Sqlite;

    public override ValueTask BeginAsync(bool snapshot, CancellationToken ct)
    {
        // IMMEDIATE takes the write lock at once: no half-way upgrade that could fail with BUSY after reads were made.
        Statement(snapshot ? "BEGIN" : "BEGIN IMMEDIATE").Run();
        return ValueTask.CompletedTask;
    }

    public override ValueTask CommitAsync()
    {
        Statement("COMMIT").Run();
        return ValueTask.CompletedTask;
    }

    public override ValueTask RollbackAsync()
    {
        // After some errors (disk full, I/O) SQLite has already rolled back by itself.
        if (raw.sqlite3_get_autocommit(_connection.Handle) == 0) Statement("ROLLBACK").Run();
        return ValueTask.CompletedTask;
    }

    public override ValueTask InsertAsync(string table, int count, params Column[] columns)
    {
        RunEach($"INSERT INTO {table} ({Names(columns)}) VALUES ({Marks(columns)})", count, columns);
        return ValueTask.CompletedTask;
    }

    public override ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns)
    {
        RunEach($"INSERT INTO {table} ({Names(columns)}) VALUES ({Marks(columns)}) ON CONFLICT ({conflict}) DO {(update.Length == 0 ? "NOTHING" : "UPDATE SET " + update)}",
            count, columns);
        return ValueTask.CompletedTask;
    }

    public override ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        Column[] all = [.. keys, .. values];
        var where = string.Join(" AND ", keys.Select((k, i) => $"{k.Name} = ?{i + 1}"));
        RunEach($"UPDATE {table} SET {ReplaceMarks(set, all)} WHERE {where}", count, all);
        return ValueTask.CompletedTask;
    }

    public override ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row)
    {
        var statement = Statement(select, keys);
        for (var r = 0; r < count; r++)
        {
            statement.Bind(keys, r);
            while (statement.Step()) row(statement);
            statement.Reset();
        }
        return ValueTask.CompletedTask;
    }

    private void RunEach(string sql, int count, Column[] columns)
    {
        if (count == 0) return;
        var statement = Statement(sql);
        for (var r = 0; r < count; r++)
        {
            statement.Bind(columns, r);
            statement.Run();
        }
    }

    private SqliteStatement Statement(string sql, Column[]? keys = null)
    {
        if (_statements.TryGetValue(sql, out var statement)) return statement;
        if (_statements.Count >= 300)
        {
            foreach (var old in _statements.Values) old.Dispose();
            _statements.Clear();
        }
        statement = new SqliteStatement(_connection.Handle!, keys is null ? sql : ReplaceMarks(sql, keys));
        _statements[sql] = statement;
        return statement;
    }

    /// <summary>Turns <c>k.name</c> into the column's numbered mark.</summary>
    private static string ReplaceMarks(string sql, Column[] columns)
    {
        for (var i = 0; i < columns.Length; i++)
            sql = System.Text.RegularExpressions.Regex.Replace(sql, $@"\bk\.{columns[i].Name}\b", "?" + (i + 1).ToString(CultureInfo.InvariantCulture));
        return sql;
    }

    private static string Names(Column[] columns) => string.Join(", ", columns.Select(c => c.Name));
    private static string Marks(Column[] columns) => string.Join(", ", columns.Select((_, i) => "?" + (i + 1).ToString(CultureInfo.InvariantCulture)));

    public override async ValueTask<IReadOnlyList<string>> TablesAsync() =>
        await QueryAsync<string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid");

    public override async ValueTask<long> WriteTableAsync(string table, IReadOnlyList<string> columns, IAsyncEnumerable<object?[]> rows)
    {
        using var statement = new SqliteStatement(_connection.Handle!,
            $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(_ => "?"))})");
        long count = 0;
        await foreach (var row in rows)
        {
            statement.Bind(row);
            statement.Run();
            count++;
        }
        return count;
    }

    protected override void SetValue(DbParameter parameter, object? value, Type type) => parameter.Value = value switch
    {
        null => DBNull.Value,
        Guid guid => guid.ToString(),
        DateTimeOffset time => RowTypes.Text(time),
        DateOnly date => date.ToString(RowTypes.DateFormat, CultureInfo.InvariantCulture),
        bool flag => flag ? 1L : 0L,
        Enum member => Convert.ToInt64(member, CultureInfo.InvariantCulture),
        _ => value,
    };

    public override ValueTask DisposeAsync()
    {
        foreach (var statement in _statements.Values) statement.Dispose();
        _statements.Clear();
        return base.DisposeAsync();
    }
}
