using Npgsql;
using Stowline.Adapters;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Server;

/// <summary>A node with the lock on its folder. Disposing ends the node first, then gives the folder back.</summary>
public sealed class OpenedNode(Node node, DataDirectory? folder) : IAsyncDisposable
{
    public Node Node => node;

    public async ValueTask DisposeAsync()
    {
        await node.DisposeAsync();
        folder?.Dispose();
    }
}

/// <summary>How every command comes to its node: lock, database, migrations, modules.</summary>
public static class NodeOpener
{
    /// <summary>Opens the configured node. Its pumps do not run yet; see <see cref="Node.Start"/>.</summary>
    /// <exception cref="CommandRefusedException">Another process holds the folder, or the database cannot be reached or written.</exception>
    public static async Task<OpenedNode> OpenAsync(Configuration configuration, TimeProvider? time = null, CancellationToken ct = default)
    {
        var (database, folder) = await OpenDatabaseAsync(configuration, time, ct);
        try
        {
            await Link.SiteBeginning.FetchAsync(configuration, database, ct);
            var node = await Node.OpenAsync(database, role: await RoleAsync(configuration, database, ct), ct: ct);
            if (configuration.Hub.Length > 0) node.Hub = new Uri(configuration.Hub);
            return new OpenedNode(node, folder);
        }
        catch (Exception e)
        {
            await database.DisposeAsync();
            folder?.Dispose();
            if (e is InvalidOperationException) throw new CommandRefusedException(e.Message);
            if (DatabaseTrouble.Tell(e, configuration.IsPostgres ? database.Engine : Path.GetFullPath(configuration.SqlitePath)) is { } trouble) throw new CommandRefusedException(trouble, e);
            throw;
        }
    }

    /// <summary>What the node is told to be; null where nothing is said and its database decides.</summary>
    private static async Task<NodeRole?> RoleAsync(Configuration configuration, Database database, CancellationToken ct)
    {
        if (configuration.Site.Length == 0) return null;
        CodeRule.TryNormalize(configuration.Site, out var site);
        if (SiteKey.Read(configuration.Key) is { } key) return new NodeRole(site, key.Number);
        if (configuration.Key.Length > 0) throw new CommandRefusedException("the key is not one that 'stowline sites join' has given");
        // A site that was set up before runs without its hub too; its database knows the number.
        if (await Migrator.IsMadeAsync(database, ct)) return new NodeRole(site, 0);
        throw new CommandRefusedException($"a new node of site {site} needs --hub and --key, as 'stowline sites join {site} --url HUB' gives them at the hub");
    }

    /// <summary>Opens the database alone, with the lock that a writing command needs.</summary>
    public static async Task<(Database Database, DataDirectory? Folder)> OpenDatabaseAsync(Configuration configuration, TimeProvider? time = null, CancellationToken ct = default)
    {
        // Processes on one PostgreSQL database share its lanes, ordered by their head rows: nothing to lock.
        if (configuration.IsPostgres) return (await ReachAsync(configuration, time, ct), null);
        var folder = Lock(Path.GetDirectoryName(Path.GetFullPath(configuration.SqlitePath))!);
        return (new SqliteDatabase(configuration.SqlitePath, time ?? TimeProvider.System), folder);
    }

    /// <summary>The database for reading beside a running node: no lock, and nothing is made where there is nothing.</summary>
    public static async Task<Database> OpenToReadAsync(Configuration configuration, TimeProvider? time = null, CancellationToken ct = default)
    {
        if (configuration.IsPostgres) return await ReachAsync(configuration, time, ct);
        if (!File.Exists(configuration.SqlitePath)) throw new CommandRefusedException($"there is no database at {Path.GetFullPath(configuration.SqlitePath)}");
        return new SqliteDatabase(configuration.SqlitePath, time ?? TimeProvider.System);
    }

    private static DataDirectory Lock(string folder)
    {
        try
        {
            return DataDirectory.Open(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandRefusedException(e.Message, e);
        }
    }

    private static async Task<Database> ReachAsync(Configuration configuration, TimeProvider? time, CancellationToken ct)
    {
        PostgresDatabase database;
        try
        {
            database = new PostgresDatabase(configuration.Database, time ?? TimeProvider.System);
        }
        catch (Exception e) when (e is ArgumentException or UriFormatException)
        {
            throw new CommandRefusedException($"the database address is not understood: {e.Message}");
        }
        try
        {
            await database.ReadAsync(async session => await session.FindAsync<int>("SELECT 1"), ct);
            return database;
        }
        catch (NpgsqlException e)
        {
            await database.DisposeAsync();
            throw new CommandRefusedException($"{database.Engine} cannot be used: {e.Message}");
        }
    }
}
