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

    public Database Open(TimeProvider time) => ConnectionString is { } text ? new PostgresDatabase(text, time) : new SqliteDatabase(Path.Combine(_folder, "stowline.db"), time);

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
