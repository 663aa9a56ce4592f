using Stowline.Adapters;

namespace Stowline.Tests.Support;

/// <summary>A database of the test server for a test that opens it as often and as it wants; dropped at the end.</summary>
internal sealed class OwnPostgres : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name;

    private OwnPostgres(string server, string name) => (_server, _name) = (server, name);

    public static async Task<OwnPostgres> MakeAsync()
    {
        var (database, _, postgres) = await TestNode.NewDatabaseAsync("postgres", TimeProvider.System);
        await database.DisposeAsync();
        return new OwnPostgres(postgres!.Value.Item1, postgres.Value.Item2);
    }

    public PostgresDatabase Open(int connections = 10) =>
        new(new Npgsql.NpgsqlConnectionStringBuilder(_server) { Database = _name, MaxPoolSize = connections }.ToString(), TimeProvider.System);

    public async ValueTask DisposeAsync() => await TestNode.DropAsync(_server, _name);
}
