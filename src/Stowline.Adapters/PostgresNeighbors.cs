using System.Globalization;
using Npgsql;
using Stowline.Store;

namespace Stowline.Adapters;

/// <summary>
/// Two connections of their own, beside the pools. One listens, holds the duty as an advisory lock, and carries the process's name where
/// the others can read it; the server drops all three with the connection. The other one tells.
/// </summary>
internal sealed class PostgresNeighbors : NeighborSession
{
    private const string Channel = "stowline";
    private const string NamePrefix = "stowline ";
    private const int DutyLock = 7_250_777; // not one of the migrator's or the migrations'

    /// <summary>
    /// A machine that vanishes without a word is missed after four seconds, not after the two hours of the system's defaults. The answer to
    /// NOTIFY needs no sync: what it tells of was committed before, and after a crash nobody is left to hear it.
    /// </summary>
    private const string SessionOptions = "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2 -c synchronous_commit=off -c jit=off";

    private readonly NpgsqlConnection _listening;
    private readonly NpgsqlConnection _telling;
    private readonly List<string> _heard = [];

    private PostgresNeighbors(NpgsqlConnection listening, NpgsqlConnection telling)
    {
        (_listening, _telling) = (listening, telling);
        listening.Notification += (_, told) => _heard.Add(told.Payload);
    }

    public static async Task<PostgresNeighbors> JoinAsync(string connection, string process, string host, DateTimeOffset since, CancellationToken ct)
    {
        // The name of a session has 63 bytes.
        var name = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{process} {since.ToUnixTimeSeconds()} {(host.Length > 30 ? host[..30] : host)}");
        var builder = new NpgsqlConnectionStringBuilder(connection)
        {
            // Not from the pool, which would keep the lock and the listening alive.
            Pooling = false, Options = SessionOptions, ApplicationName = name, TcpKeepAlive = true, TcpKeepAliveTime = 2, TcpKeepAliveInterval = 1,
        };
        var listening = new NpgsqlConnection(builder.ToString());
        builder.ApplicationName = "stowline";
        var telling = new NpgsqlConnection(builder.ToString());
        var session = new PostgresNeighbors(listening, telling);
        try
        {
            await telling.OpenAsync(ct);
            await listening.OpenAsync(ct);
            await using var listen = new NpgsqlCommand("LISTEN " + Channel, listening);
            await listen.ExecuteNonQueryAsync(ct);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public override async Task<bool> TryTakeDutyAsync(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({DutyLock})", _listening);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    public override async Task<IReadOnlyList<NodeProcess>> ProcessesAsync(CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT a.application_name, COALESCE(a.state_change, a.backend_start), EXISTS (
                SELECT 1 FROM pg_locks k WHERE k.pid = a.pid AND k.locktype = 'advisory' AND k.classid = 0 AND k.objid = {DutyLock} AND k.granted)
            FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name LIKE '{NamePrefix}% % %' ORDER BY a.application_name
            """, _listening);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var processes = new List<NodeProcess>();
        while (await reader.ReadAsync(ct))
        {
            var parts = reader.GetString(0)[NamePrefix.Length..].Split(' ', 3);
            if (!long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var since)) continue; // somebody else's name
            processes.Add(new NodeProcess(parts[0], parts[2], DateTimeOffset.FromUnixTimeSeconds(since), new DateTimeOffset(reader.GetDateTime(1), TimeSpan.Zero), reader.GetBoolean(2)));
        }
        return processes;
    }

    public override async Task<IReadOnlyList<string>> HearAsync(TimeSpan longest, CancellationToken ct)
    {
        // Something may have come along with the answer to another statement.
        if (_heard.Count == 0) await _listening.WaitAsync(longest, ct);
        string[] heard = [.. _heard];
        _heard.Clear();
        return heard;
    }

    public override async Task TellAsync(IReadOnlyList<string> texts, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text", _telling) { Parameters = { new() { Value = Channel }, new() { Value = texts.ToArray() } } };
        await command.ExecuteNonQueryAsync(ct);
    }

    public override async Task LeaveAsync(string lastWord, CancellationToken ct)
    {
        await _listening.CloseAsync();
        await TellAsync([lastWord], ct);
    }

    public override async ValueTask DisposeAsync()
    {
        await _listening.DisposeAsync();
        await _telling.DisposeAsync();
    }
}
