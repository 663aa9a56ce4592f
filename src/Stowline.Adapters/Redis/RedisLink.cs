using StackExchange.Redis;

namespace Stowline.Adapters.Redis;

/// <summary>
/// The connection, opened when it is first needed and shared by all that talk to this Redis. Only commands by name are used, so that any later client library does as well.
/// </summary>
public sealed class RedisLink(RedisSettings settings, TimeProvider time) : IAsyncDisposable
{
    /// <summary>The client itself waits without limit when the other side falls silent.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _gate = new(1);
    private ConnectionMultiplexer? _connection;

    /// <exception cref="RedisException">Redis is away or refuses the command.</exception>
    public async Task<RedisResult> RunAsync(string command, CancellationToken ct, params object[] args)
    {
        var connection = await OpenAsync(ct);
        try
        {
            return await connection.GetDatabase().ExecuteAsync(command, args).WaitAsync(Longest, time, ct);
        }
        catch (TimeoutException)
        {
            // What still waits in the client must not be sent behind what is tried next.
            await CloseAsync(connection);
            throw;
        }
    }

    private async Task<ConnectionMultiplexer> OpenAsync(CancellationToken ct)
    {
        if (_connection is { } open) return open;
        await _gate.WaitAsync(ct);
        try
        {
            if (_connection is { } opened) return opened;
            var options = ConfigurationOptions.Parse(settings.Server);
            // It then connects, and connects again, by itself, and commands fail at once meanwhile.
            options.AbortOnConnectFail = false;
            options.ConnectTimeout = 2_000;
            options.ClientName = "stowline";
            return _connection = await ConnectionMultiplexer.ConnectAsync(options);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task CloseAsync(ConnectionMultiplexer connection)
    {
        if (Interlocked.CompareExchange(ref _connection, null, connection) != connection) return;
        await connection.CloseAsync(allowCommandsToComplete: false);
        connection.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection) await CloseAsync(connection);
        _gate.Dispose();
    }
}
