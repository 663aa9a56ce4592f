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
