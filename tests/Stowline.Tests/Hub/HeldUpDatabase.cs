using Microsoft.Data.Sqlite;
using SQLitePCL;
using Stowline.Store;

namespace Stowline.Tests.Hub;

/// <summary>What happens to a group that the other thread writes.</summary>
public enum OtherThread
{
    Works,

    /// <summary>It writes nothing, and says that the disk has failed.</summary>
    LosesTheDiskBefore,

    /// <summary>It commits, and says that the disk has failed.</summary>
    LosesTheDiskAfter,

    /// <summary>It writes nothing, for a reason that lies in the group.</summary>
    Refuses,
}

/// <summary>
/// A SQLite database whose other thread begins to write only when the next group has begun, or when somebody waits for it: so what overlaps depends on no chance. On demand it fails, once.
/// </summary>
internal sealed class HeldUpDatabase(string path, TimeProvider time) : SqliteDatabase(path, time)
{
    private OtherThread _next;

    /// <summary>How often it has failed.</summary>
    public int Failed { get; private set; }

    public void FailNext(OtherThread how) => _next = how;

    private protected override SqliteSession SessionOn(SqliteConnection connection) => new Session(connection, this);

    private OtherThread TakeNext()
    {
        var how = _next;
        _next = OtherThread.Works;
        if (how != OtherThread.Works) Failed++;
        return how;
    }

    private sealed class Session(SqliteConnection connection, HeldUpDatabase database) : SqliteSession(connection)
    {
        private TaskCompletionSource _goOn = new();

        protected override Task Launch(Action work)
        {
            var goOn = _goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.Run(async () =>
            {
                var how = database.TakeNext();
                SayHalfDone();
                await goOn.Task;
                if (how is OtherThread.Works or OtherThread.LosesTheDiskAfter) work();
                if (how == OtherThread.Refuses) throw new InvalidOperationException("refused by the test");
                if (how != OtherThread.Works) throw new SqliteException("disk I/O error (by the test)", raw.SQLITE_IOERR);
            });
        }

        public override async ValueTask BeginAsync(bool snapshot, CancellationToken ct)
        {
            await base.BeginAsync(snapshot, ct);
            _goOn.TrySetResult();
        }

        public override ValueTask HearAsync()
        {
            _goOn.TrySetResult();
            return base.HearAsync();
        }
    }
}
