namespace Stowline.Store;

/// <summary>
/// One node's database. Hands out sessions, pooled so that their prepared statements stay warm: a writer has one while it works, a reader for one read.
/// </summary>
public abstract class Database : IAsyncDisposable
{
    private readonly SessionPool _readers;

    /// <param name="mostReaders">How many reads may run at once; the others wait for their turn.</param>
    /// <param name="mostWriters">How many writers may work at once.</param>
    protected Database(TimeProvider time, int mostReaders = int.MaxValue, int mostWriters = int.MaxValue)
    {
        Time = time;
        _readers = new SessionPool(ct => OpenAsync(readOnly: true, ct), mostReaders);
        Writers = new SessionPool(ct => OpenAsync(readOnly: false, ct), mostWriters);
    }

    /// <summary>The sessions of the lanes' writers.</summary>
    internal SessionPool Writers { get; }

    /// <summary>The sessions on which a writer reads beside its own.</summary>
    internal SessionPool BesideWriters => SingleWriter ? _readers : Writers;

    public abstract Dialect Dialect { get; }

    /// <summary>Which engine runs, for people: said at start and in the status.</summary>
    public abstract string Engine { get; }

    /// <summary>True when the one writer must drain all lanes in turn (SQLite); false when scopes commit in parallel (PostgreSQL).</summary>
    public abstract bool SingleWriter { get; }

    public TimeProvider Time { get; }

    /// <summary>Opens a session of its own. The caller disposes it.</summary>
    public abstract ValueTask<SqlSession> OpenAsync(bool readOnly, CancellationToken ct);

    /// <summary>True when the exception means lost infrastructure (connection, server, disk) rather than a wrong command: worth a retry.</summary>
    public abstract bool IsInfrastructure(Exception exception);

    /// <summary>Takes a place among the processes on this database; null where there can be only one.</summary>
    public virtual Task<NeighborSession?> JoinAsync(string process, string host, DateTimeOffset since, CancellationToken ct) => Task.FromResult<NeighborSession?>(null);

    /// <summary>Bytes of the database on disk, for the status and the disk metric.</summary>
    public abstract Task<long> SizeAsync(CancellationToken ct);

    /// <summary>Runs a read on a pooled session, outside any writer. Each call sees at least everything committed before it.</summary>
    public async Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> read, CancellationToken ct = default)
    {
        var session = await _readers.TakeAsync(ct);
        T result;
        try
        {
            result = await read(session);
        }
        catch (Exception e)
        {
            await _readers.DropAsync(session, IsInfrastructure(e));
            throw;
        }
        await _readers.GiveBackAsync(session);
        return result;
    }

    /// <summary>Runs several reads on one snapshot: what they see fits together.</summary>
    public Task<T> SnapshotAsync<T>(Func<SqlSession, Task<T>> read, CancellationToken ct = default) => ReadAsync(async session =>
    {
        await session.BeginAsync(snapshot: true, ct);
        try
        {
            return await read(session);
        }
        finally
        {
            await session.RollbackAsync();
        }
    }, ct);

    public virtual async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await Writers.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
