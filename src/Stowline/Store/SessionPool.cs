using System.Collections.Concurrent;

namespace Stowline.Store;

/// <summary>
/// Sessions that are taken, used and given back, so that their prepared statements stay warm. Only so many at once: whoever comes when all are out gets the next that is given back, in turn. (A driver's own pool
/// would let them wait for a connection that is never closed.)
/// </summary>
/// <param name="most">How many may be out at once.</param>
internal sealed class SessionPool(Func<CancellationToken, ValueTask<SqlSession>> open, int most) : IAsyncDisposable
{
    /// <summary>So long only somebody waits who holds a session that others wait for.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly ConcurrentBag<SqlSession> _idle = [];
    private readonly SemaphoreSlim? _free = most == int.MaxValue ? null : new SemaphoreSlim(most, most);
    private volatile bool _disposed;

    public async ValueTask<SqlSession> TakeAsync(CancellationToken ct)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_free is not null && !await _free.WaitAsync(Longest, ct)) throw new TimeoutException($"all {most} connections to the database are in use");
        return await OpenAsync(ct);
    }

    /// <summary>For who can do without, and may keep it for long: null where no more than <paramref name="spare"/> are left for others.</summary>
    public async ValueTask<SqlSession?> TryTakeAsync(int spare, CancellationToken ct)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _free is not null && (_free.CurrentCount <= spare || !await _free.WaitAsync(TimeSpan.Zero, ct)) ? null : await OpenAsync(ct);
    }

    private async ValueTask<SqlSession> OpenAsync(CancellationToken ct)
    {
        try
        {
            return _idle.TryTake(out var session) ? session : await open(ct);
        }
        catch
        {
            _free?.Release();
            throw;
        }
    }

    /// <summary>It is ready for the next: nothing is under way on it.</summary>
    public async ValueTask GiveBackAsync(SqlSession session)
    {
        try
        {
            if (_disposed) await session.DisposeAsync();
            else _idle.Add(session);
        }
        finally
        {
            _free?.Release();
        }
    }

    /// <summary>Its state is unknown: the next opens a fresh one.</summary>
    /// <param name="isLost">The server may be gone: those that are idle are not to be trusted either.</param>
    public async ValueTask DropAsync(SqlSession session, bool isLost)
    {
        try
        {
            if (!isLost)
            {
                await session.DisposeAsync();
                return;
            }
            await session.DiscardAsync();
            while (_idle.TryTake(out var other)) await other.DisposeAsync();
        }
        finally
        {
            _free?.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        while (_idle.TryTake(out var session)) await session.DisposeAsync();
    }
}
