using Microsoft.Data.Sqlite;
using SQLitePCL;
using Stowline.Store;

namespace Stowline.Simulation;

/// <summary>What may happen to the next commit of a node.</summary>
internal enum DiskFault
{
    None,

    /// <summary>The disk refuses: nothing is written.</summary>
    Refuses,

    /// <summary>It is written, and the answer says that it is not.</summary>
    AnswerLost,

    /// <summary>The power goes before it is written.</summary>
    PowerBefore,

    /// <summary>The power goes after it is written and before anybody knows.</summary>
    PowerAfter,
}

/// <summary>
/// A node's disk: SQLite in memory, which outlives the node's connections. A crash takes the connections with what they have not committed; what was committed stays.
/// </summary>
internal sealed class SimDisk : IDisposable
{
    private static long s_made;
    private readonly SqliteConnection _keeper;
    private SqliteConnection? _undo;

    /// <param name="image">What is on it from the beginning; null for an empty disk.</param>
    public SimDisk(SimDisk? image = null)
    {
        Path = $"file:stowline-simulation-{Interlocked.Increment(ref s_made)}?mode=memory&cache=shared";
        _ = new SqliteDatabase(Path, TimeProvider.System).Engine; // loads the engine
        _keeper = new SqliteConnection("Data Source=" + Path + ";Pooling=False");
        _keeper.Open();
        image?._keeper.BackupDatabase(_keeper);
    }

    public string Path { get; }

    /// <summary>For a mutant: each crash takes the last commit with it, as on a disk that answers before it has written.</summary>
    public bool ForgetsLastCommit { get; set; }

    /// <summary>The node begins to write.</summary>
    public void BeforeWriting()
    {
        if (!ForgetsLastCommit) return;
        _undo ??= OpenPrivate();
        _keeper.BackupDatabase(_undo);
    }

    /// <summary>All connections are gone.</summary>
    public void AfterCrash() => _undo?.BackupDatabase(_keeper);

    private static SqliteConnection OpenPrivate()
    {
        var connection = new SqliteConnection("Data Source=:memory:;Pooling=False");
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        _keeper.Dispose();
        _undo?.Dispose();
    }
}

/// <summary>The power has gone: nothing of this life of the node is heard of any more.</summary>
internal sealed class PowerCutException() : Exception("the power has gone");

/// <summary>A node's database for as long as the node lives.</summary>
internal sealed class SimDatabase(SimDisk disk, TimeProvider time, Mutant mutant = Mutant.None) : SqliteDatabase(disk.Path, time)
{
    private readonly List<SimSession> _open = [];

    public SimDisk Disk => disk;
    public Mutant Mutant => mutant;
    public bool IsOff { get; private set; }

    /// <summary>Called for each promise as it is written: what is free of the SKU behind it, in the same transaction.</summary>
    public Action<string, string, long>? Promised { get; set; }
    public DiskFault Next { get; set; }

    public override ValueTask<SqlSession> OpenAsync(bool readOnly, CancellationToken ct)
    {
        Check();
        return base.OpenAsync(readOnly, ct);
    }

    private protected override SqliteSession SessionOn(SqliteConnection connection)
    {
        var session = new SimSession(connection, this);
        _open.Add(session);
        return session;
    }

    public void Check()
    {
        if (IsOff) throw new PowerCutException();
    }

    public void Closed(SimSession session) => _open.Remove(session);

    public void PowerOff() => IsOff = true;

    /// <summary>Ends the connections of a life that is over.</summary>
    public async ValueTask ReleaseAsync()
    {
        foreach (var session in _open.ToArray()) await session.DisposeAsync();
        await base.DisposeAsync();
    }

    public static SqliteException Failure() => new("disk I/O error (simulated)", raw.SQLITE_IOERR);
}
