using Stowline.Kernel;
using Stowline.Link;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>The node that was asked is gone, and nobody knows whether it did what was asked.</summary>
internal sealed class NodeGoneException() : Exception("the node has gone");

/// <summary>A node of the simulated world: a real one, on a disk that survives it, with a clock of its own. It dies between two steps, or in the middle of a commit.</summary>
internal sealed class SimNode(string name, NodeRole role, SimDisk disk, SimClock clock) : IDisposable
{
    private readonly List<Runner> _runners = [];
    private readonly HashSet<Pump> _known = [];
    private readonly List<Action> _calls = [];
    private Node? _node;
    private SimDatabase? _database;
    private SimDisk? _backup;
    private DateTimeOffset _backupAt;

    /// <summary>HUB, or the site's code.</summary>
    public string Name => name;
    public NodeRole Role => role;
    public SimDisk Disk { get; private set; } = disk;

    /// <summary>Whether there is a backup to come back from.</summary>
    public bool HasBackup => _backup is not null;
    public SimClock Clock => clock;
    public bool IsUp => _node is not null;

    /// <summary>When it comes back.</summary>
    public TimeSpan UpAt { get; set; }

    public Node Node => _node ?? throw new NodeGoneException();

    /// <summary>Whether the power has gone in the middle of a step.</summary>
    public bool HasDied => _database is { IsOff: true };

    public DiskFault NextFault
    {
        set { if (_database is not null) _database.Next = value; }
    }

    /// <summary>Called for each lane that grew by a commit of this node.</summary>
    public Action<SimNode, Lane, IReadOnlyList<EventRecord>>? Committed { get; set; }

    /// <summary>Called for an event that could not be handled.</summary>
    public Action<SimNode, string>? Parked { get; set; }

    /// <summary>Called for each promise as it is written, with the SKU, the site, and what is free behind it.</summary>
    public Action<SimNode, string, string, long>? Promised { get; set; }

    /// <summary>Its pumps, as of the last <see cref="Look"/>; none while it is down.</summary>
    public IReadOnlyList<Runner> Runners => _runners;

    /// <summary>Quotes are calculated by as many workers as the machine has processors for; whoever delivers webhooks does it on threads of its own.</summary>
    private static bool IsOurs(Pump pump) => pump is not (Hub.Quotes.QuoteWorker or Hub.Quotes.QuoteCleaning or Hub.Hooks.HookSender);

    public async Task StartAsync(int seed, Mutant mutant)
    {
        Disk.ForgetsLastCommit = mutant == Mutant.GrantBeforeCommit;
        _database = new SimDatabase(Disk, clock, mutant) { Promised = (sku, site, free) => Promised?.Invoke(this, sku, site, free) };
        _node = await Node.OpenAsync(_database, new IdSource(clock, seed), role: role);
        _node.Lanes.LongestWait = TimeSpan.Zero;
        _node.Lanes.Committed += (lane, events) => Committed?.Invoke(this, lane, events);
        _node.Lanes.Parked += (consumer, e, error) => Parked?.Invoke(this, $"{consumer} parked {e.Type} at {e.Position} of {e.Lane}: {error}");
    }

    public LinkEnd NewEnd(string site) =>
        new(Node.Lanes, role, site, Node.Modules.OfType<LinkModule>().Single().StateOf(site), name, "simulated");

    /// <summary>Runs an end of a link with the node's own pumps, until it has ended.</summary>
    public void Run(LinkEnd end) => _runners.Add(new Runner(end));

    /// <summary>Finds pumps that have come to be, and forgets what is over.</summary>
    public void Look()
    {
        if (_node is null) return;
        foreach (var pump in _node.Pumps)
            if (_known.Add(pump) && IsOurs(pump)) _runners.Add(new Runner(pump));
        _runners.RemoveAll(r => r.Pump is LinkEnd { Ended: not null } && !r.IsBusy);
    }

    /// <summary>Asks the node for something, as somebody would over HTTP: an answer, an error, or none at all because the node has gone.</summary>
    public Task<T> AskAsync<T>(Func<Node, Task<T>> ask)
    {
        var answer = new TaskCompletionSource<T>();
        void Gone() => answer.TrySetException(new NodeGoneException());
        async Task WaitAsync(Node node)
        {
            try
            {
                answer.TrySetResult(await ask(node));
            }
            catch (Exception e)
            {
                answer.TrySetException(e is PowerCutException ? new NodeGoneException() : e);
            }
            _calls.Remove(Gone);
        }
        if (_node is not { } node) return Task.FromException<T>(new NodeGoneException());
        _calls.Add(Gone);
        _ = WaitAsync(node);
        return answer.Task;
    }

    /// <summary>The power goes. What was committed stays; what was under way is nowhere.</summary>
    public async Task CrashAsync()
    {
        if (_node is null) return;
        var (node, database) = (_node, _database!);
        (_node, _database) = (null, null);
        database.PowerOff();
        _runners.Clear();
        _known.Clear();
        node.Lanes.Meter.Dispose();
        await database.ReleaseAsync();
        Disk.AfterCrash();
        foreach (var gone in _calls.ToArray()) gone();
        _calls.Clear();
    }

    /// <summary>Keeps the disk as it is now.</summary>
    public void BackUp()
    {
        _backup?.Dispose();
        (_backup, _backupAt) = (new SimDisk(Disk), clock.GetUtcNow());
    }

    /// <summary>The disk is lost, and another one is filled from the backup, as a restore does it.</summary>
    public async Task RestoreAsync(int seed)
    {
        Disk.Dispose();
        Disk = new SimDisk(_backup);
        var database = new SimDatabase(Disk, clock);
        var manifest = new BackupManifest(1, "simulated", _backupAt, database.Engine, [], []);
        await Restore.OpenIncarnationAsync(database, manifest, new IdSource(clock, seed), default);
        await database.ReleaseAsync();
    }

    public void Dispose()
    {
        Disk.Dispose();
        _backup?.Dispose();
    }
}
