using Stowline.Adapters;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Tests.Support;

/// <summary>
/// A node for tests: real SQL on a database of its own, virtual time, ids from a seed, pumps called by the test. <see cref="RunAsync{T}"/>
/// gives a command and pumps until it is answered; <see cref="DrainAsync"/> pumps until nothing is left to do.
/// </summary>
public sealed class TestNode : IAsyncDisposable
{
    private readonly string? _folder;
    private readonly (string Server, string Name)? _postgres;

    private TestNode(Node node, ManualTime time, string? folder, (string, string)? postgres) => (Node, Time, _folder, _postgres) = (node, time, folder, postgres);

    public Node Node { get; }
    public ManualTime Time { get; }
    public Lanes Lanes => Node.Lanes;
    public Database Database => Node.Database;
    public static readonly Caller Tester = new("tester");

    /// <param name="modules">Other modules than all: for tests of the log itself.</param>
    /// <param name="sqlite">Another kind of SQLite database than the ordinary one.</param>
    public static async Task<TestNode> StartAsync(string store, int seed = 1, IReadOnlyList<Module>? modules = null, Func<string, TimeProvider, SqliteDatabase>? sqlite = null)
    {
        var time = new ManualTime();
        var (database, folder, postgres) = await NewDatabaseAsync(store, time, sqlite);
        return new TestNode(await Node.OpenAsync(database, new IdSource(time, seed), modules), time, folder, postgres);
    }

    /// <summary>A node of a role, on a clock that it shares with others.</summary>
    public static async Task<TestNode> StartAsync(string store, NodeRole role, ManualTime time, int seed)
    {
        var (database, folder, postgres) = await NewDatabaseAsync(store, time);
        return new TestNode(await Node.OpenAsync(database, new IdSource(time, seed), role: role), time, folder, postgres);
    }

    /// <summary>Another process's node on the same database.</summary>
    public async Task<TestNode> BesideAsync(IReadOnlyList<Module>? modules = null) =>
        new(await Node.OpenAsync(OpenAgain(), new IdSource(Time, 2), modules), Time, null, null);

    /// <summary>Ends this node and starts another on its database; this one is not used any more. Between two steps nothing is under way, so it is as good as a crash.</summary>
    public async Task<TestNode> RestartAsync(int seed)
    {
        await Node.DisposeAsync();
        return new TestNode(await Node.OpenAsync(OpenAgain(), new IdSource(Time, seed)), Time, _folder, _postgres);
    }

    /// <summary>Loses this node with its database, and starts another from a backup.</summary>
    public async Task<TestNode> RestoreAsync(string backup, int seed)
    {
        var store = _postgres is null ? "sqlite" : "postgres";
        await DisposeAsync();
        var (database, folder, postgres) = await NewDatabaseAsync(store, Time);
        await Node.RestoreAsync(database, backup, new IdSource(Time, seed));
        return new TestNode(await Node.OpenAsync(database, new IdSource(Time, seed)), Time, folder, postgres);
    }

    /// <summary>A new node from a file that another one has written, on a clock that it shares with others.</summary>
    public static async Task<TestNode> FromFileAsync(string store, string file, ManualTime time, int seed)
    {
        var (database, folder, postgres) = await NewDatabaseAsync(store, time);
        await Node.RestoreAsync(database, file, new IdSource(time, seed));
        return new TestNode(await Node.OpenAsync(database, new IdSource(time, seed)), time, folder, postgres);
    }

    private Database OpenAgain() => _postgres is { } p
        ? new PostgresDatabase(new Npgsql.NpgsqlConnectionStringBuilder(p.Server) { Database = p.Name, MaxPoolSize = 20 }.ToString(), Time)
        : new SqliteDatabase(Path.Combine(_folder!, "stowline.db"), Time);

    /// <summary>For nodes on the real clock: on a machine that is busy elsewhere an answer waits for its consumers as long as it takes.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    /// <summary>An empty database of its own: a file in a temporary folder, or a new database on the test server.</summary>
    public static async Task<(Database Database, string? Folder, (string, string)? Postgres)> NewDatabaseAsync(string store, TimeProvider time,
        Func<string, TimeProvider, SqliteDatabase>? sqlite = null)
    {
        if (store == "sqlite")
        {
            var folder = Directory.CreateTempSubdirectory("stowline-test-").FullName;
            var path = Path.Combine(folder, "stowline.db");
            return (sqlite is null ? new SqliteDatabase(path, time) : sqlite(path, time), folder, null);
        }
        var server = EveryDatabaseAttribute.Postgres ?? throw new InvalidOperationException("STOWLINE_TEST_POSTGRES is not set: this run must have PostgreSQL");
        var name = "t" + Guid.NewGuid().ToString("N");
        await using (var connection = new Npgsql.NpgsqlConnection(server))
        {
            await connection.OpenAsync();
            await using var command = new Npgsql.NpgsqlCommand($"CREATE DATABASE {name}", connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync();
        }
        var own = new Npgsql.NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = true, MaxPoolSize = 20 };
        return (new PostgresDatabase(own.ToString(), time), null, (server, name));
    }

    /// <summary>Gives a command and runs the pumps until it is answered and the consumers have seen it.</summary>
    public Task<Outcome<T>> RunAsync<T>(Lane lane, Func<LaneTransaction, ValueTask<Outcome<T>>> decide) => PumpUntilAsync(Lanes.ExecuteAsync(lane, Tester, decide));

    /// <summary>Runs the pumps until a task that depends on them has ended.</summary>
    public async Task<T> PumpUntilAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted)
        {
            var worked = await StepAsync();
            if (!worked && !task.IsCompleted) await WaitForWorkAsync(task);
        }
        return await task;
    }

    /// <summary>
    /// One round of every pump; true when any had work. A pump that gives a command waits for a writer, so the writers run beside it.
    /// </summary>
    public async Task<bool> StepAsync()
    {
        var worked = false;
        foreach (var writer in Lanes.Writers.ToArray()) worked |= await writer.RunOnceAsync(default);
        foreach (var pump in Node.Pumps.Except(Lanes.Writers).ToArray())
        {
            var step = pump.RunOnceAsync(default).AsTask();
            while (!step.IsCompleted)
            {
                var wrote = false;
                foreach (var writer in Lanes.Writers.ToArray()) wrote |= await writer.RunOnceAsync(default);
                if (!wrote && !step.IsCompleted) await WaitForWorkAsync(step);
            }
            worked |= await step;
        }
        return worked;
    }

    /// <summary>
    /// Until the task ends or somebody has something for a writer: spinning would take the processor from the database. Never longer than a moment,
    /// because the writer that is waited for may not be made yet: on PostgreSQL each scope gets its own with its first command.
    /// </summary>
    private async Task WaitForWorkAsync(Task task)
    {
        using var enough = new CancellationTokenSource();
        Signal[] signals = [new Signal(), .. Lanes.Writers.ToArray().Select(w => w.Wake)];
        var woken = signals.Select(s => s.WaitAsync(TimeSpan.FromMilliseconds(20), TimeProvider.System, enough.Token)).ToArray();
        await Task.WhenAny([task, .. woken]);
        await enough.CancelAsync();
        await Task.WhenAll(woken.Select(w => w.ContinueWith(_ => { }, TaskScheduler.Default)));
    }

    /// <summary>Pumps until nothing has work.</summary>
    public async Task DrainAsync()
    {
        while (await StepAsync()) { }
    }

    /// <summary>Runs every module's checks and the log's own, as <c>stowline verify</c> does, and fails on the first that is not well.</summary>
    public async Task VerifyAsync()
    {
        await DrainAsync();
        var report = await Verification.RunAsync(Node);
        Assert.True(report.Ok, string.Join("; ", report.Checks.Where(c => c.Value != "ok").Select(c => $"{c.Key}: {c.Value}")));
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
        if (_postgres is { } p) await DropAsync(p.Server, p.Name);
    }

    /// <summary>Drops a database of the test server.</summary>
    public static async Task DropAsync(string server, string name)
    {
        await using var connection = new Npgsql.NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand($"DROP DATABASE IF EXISTS {name} WITH (FORCE)", connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }
}
