using Stowline.Tests.Support;

namespace Stowline.Tests.Acceptance;

/// <summary>A folder, and on PostgreSQL a database, of a test's own; both gone afterwards.</summary>
public sealed class OwnDatabase : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string? _name;

    private OwnDatabase(string folder, string? name) => (_folder, _name) = (folder, name);

    public static async Task<(string Folder, string? Database, OwnDatabase Drop)> MakeAsync(string store)
    {
        var folder = Directory.CreateTempSubdirectory("stowline-acceptance-").FullName;
        if (store == "sqlite") return (folder, null, new OwnDatabase(folder, null));
        var server = EveryDatabaseAttribute.Postgres ?? throw new InvalidOperationException("STOWLINE_TEST_POSTGRES is not set: this run must have PostgreSQL");
        var name = "a" + Guid.NewGuid().ToString("N");
        await RunAsync(server, $"CREATE DATABASE {name}");
        var at = new Npgsql.NpgsqlConnectionStringBuilder(server);
        var user = Uri.EscapeDataString(at.Username ?? "postgres") + (at.Password is { Length: > 0 } password ? ":" + Uri.EscapeDataString(password) : "");
        return (folder, $"postgres://{user}@{at.Host}:{at.Port}/{name}", new OwnDatabase(folder, name));
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
        Directory.Delete(_folder, recursive: true);
        if (_name is not null) await RunAsync(EveryDatabaseAttribute.Postgres!, $"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }
}
