using Stowline.Adapters;
using Stowline.Bench;
using Stowline.Store;

namespace Stowline.Tests.Support;

/// <summary>A database that <c>bench fill</c> has filled: a small year of orders, in every state, on four sites and four channels.</summary>
public sealed class FilledNode : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string? _server;
    private readonly string? _name;

    private FilledNode(Database database, string folder, string? server, string? name) => (Database, _folder, _server, _name) = (database, folder, server, name);

    public Database Database { get; }
    public string Folder => _folder;

    public static async Task<FilledNode> MakeAsync(string store, int orders)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-filled-").FullName;
        string? server = null, name = null, connection = null;
        if (store == "postgres")
        {
            server = EveryDatabaseAttribute.Postgres ?? throw new InvalidOperationException("STOWLINE_TEST_POSTGRES is not set: this run must have PostgreSQL");
            name = "t" + Guid.NewGuid().ToString("N");
            await RunAsync(server, $"CREATE DATABASE {name}");
            connection = new Npgsql.NpgsqlConnectionStringBuilder(server) { Database = name, MaxPoolSize = 10 }.ToString();
        }
        var options = new BenchOptions("fill", store, connection, 1, true, 0, orders, 0, "", Path.GetTempPath(), folder);
        var report = await Benchmarks.RunAsync(options, _ => { });
        Assert.Equal(orders, report["orders"]);
        Database database = connection is null ? new SqliteDatabase(Path.Combine(folder, "stowline.db"), TimeProvider.System) : new PostgresDatabase(connection, TimeProvider.System);
        return new FilledNode(database, folder, server, name);
    }

    private static async Task RunAsync(string server, string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        if (_server is not null) await RunAsync(_server, $"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }
}
