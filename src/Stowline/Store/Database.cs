using System.Collections.Concurrent;

namespace Stowline.Store;

/// <summary>
/// One node's database. Hands out sessions: a writer's session lives as long as its writer, readers' sessions are pooled so that their
/// prepared statements stay warm.
/// </summary>
public abstract class Database(TimeProvider time) : IAsyncDisposable
{
    private readonly ConcurrentBag<SqlSession> _readers = [];
    private bool _disposed;

    public abstract Dialect Dialect { get; }

    /// <summary>Which engine runs, for people: said at start and in the status.</summary>
    public abstract string Engine { get; }

    /// <summary>True when the one writer must drain all lanes in turn (SQLite); false when scopes commit in parallel (PostgreSQL).</summary>
    public abstract bool SingleWriter { get; }

    public TimeProvider Time => time;

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
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_readers.TryTake(out var session)) session = await OpenAsync(readOnly: true, ct);
        try
        {
            var result = await read(session);
            if (_disposed) await session.DisposeAsync();
            else _readers.Add(session);
            return result;
        }
        catch (Exception e)
        {
            // Its state is unknown; the next reader opens a fresh one.
            if (IsInfrastructure(e)) await session.DiscardAsync();
            else await session.DisposeAsync();
            throw;
        }
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
        _disposed = true;
        while (_readers.TryTake(out var session)) await session.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
