using Npgsql;
using Stowline.Adapters;
using Stowline.Store;

namespace Stowline.Bench;

/// <summary>A database of its own for one run, dropped afterwards.</summary>
public sealed class BenchDatabase : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string? _server;
    private readonly string? _name;

    private BenchDatabase(string folder, string? server, string? name, NpgsqlDataSource? admin) => (_folder, _server, _name, Admin) = (folder, server, name, admin);

    /// <summary>A connection of our own to the server, for reading who runs there.</summary>
    public NpgsqlDataSource? Admin { get; }
    public string Folder => _folder;
    public string? ConnectionString { get; private init; }

    /// <summary>The database as a server takes it from its configuration.</summary>
    public string? Url
    {
        get
        {
            if (ConnectionString is null) return null;
            var at = new NpgsqlConnectionStringBuilder(ConnectionString);
            var user = Uri.EscapeDataString(at.Username ?? "postgres") + (at.Password is { Length: > 0 } password ? ":" + Uri.EscapeDataString(password) : "");
            return $"postgres://{user}@{at.Host}:{at.Port}/{at.Database}";
        }
    }

    public Database Open(TimeProvider time) => ConnectionString is { } text ? new PostgresDatabase(text, time) : new SqliteDatabase(Path.Combine(_folder, "stowline.db"), time);

    private bool IsOurs { get; init; } = true;

    /// <summary>The database that the command line names. It stays.</summary>
    public static BenchDatabase Existing(BenchOptions options)
    {
        Directory.CreateDirectory(options.Data);
        if (options.Store == "sqlite") return new BenchDatabase(options.Data, null, null, null) { IsOurs = false };
        var text = PostgresDatabase.Parse(options.Postgres ?? throw new ArgumentException("--store postgres needs --database postgres://…"));
        return new BenchDatabase(options.Data, null, null, NpgsqlDataSource.Create(text)) { ConnectionString = text, IsOurs = false };
    }

    public static async Task<BenchDatabase> MakeAsync(BenchOptions options)
    {
        var folder = Path.Combine(options.Scratch, $"stowline-bench-{Environment.ProcessId}-{Environment.TickCount64}");
        Directory.CreateDirectory(folder);
        if (options.Store == "sqlite") return new BenchDatabase(folder, null, null, null);
        var server = options.Postgres ?? throw new ArgumentException("--store postgres needs --database postgres://… of a server on which databases may be made");
        var name = $"stowline_bench_{Environment.ProcessId}_{Environment.TickCount64}";
        var parsed = PostgresDatabase.Parse(server);
        await using (var source = NpgsqlDataSource.Create(parsed))
        await using (var command = source.CreateCommand($"CREATE DATABASE {name}")) await command.ExecuteNonQueryAsync();
        var own = new NpgsqlConnectionStringBuilder(parsed) { Database = name };
        return new BenchDatabase(folder, parsed, name, NpgsqlDataSource.Create(own.ToString())) { ConnectionString = own.ToString() };
    }

    public async ValueTask DisposeAsync()
    {
        if (Admin is not null) await Admin.DisposeAsync();
        if (!IsOurs) return;
        if (_server is not null)
        {
            NpgsqlConnection.ClearAllPools();
            await using var source = NpgsqlDataSource.Create(_server);
            await using var command = source.CreateCommand($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
            await command.ExecuteNonQueryAsync();
        }
        Directory.Delete(_folder, recursive: true);
    }
}
