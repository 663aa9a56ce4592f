using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline;

/// <summary>
/// One Stowline installation in one process: a database, its lanes, its modules, its pumps. The server, the tests, the benchmarks and the
/// command line all make their node here.
/// </summary>
public sealed class Node : IAsyncDisposable
{
    private readonly List<ConsumerPump> _consumers = [];
    private readonly Dictionary<string, SiteConsumers> _sites = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly List<Pump> _others = [];
    private PumpHost? _writerHost;
    private PumpHost? _host;
    private NeighborPump? _neighbors;
    private volatile bool _isStopping;

    /// <param name="IsRemote">Whether they were made for a site with a node of its own.</param>
    private sealed record SiteConsumers(bool IsRemote, IReadOnlyList<ConsumerPump> Pumps);

    private Node(Database database, IdSource ids, NodeRole role, IReadOnlyList<Module> modules)
    {
        Database = database;
        Ids = ids;
        Role = role;
        Modules = modules;
        Lanes = new Lanes(database, ids) { WriterOpened = pump => _writerHost?.Start(pump), Recovery = new NodeRecovery(modules) };
    }

    public Database Database { get; }
    public IdSource Ids { get; }
    public Lanes Lanes { get; }

    /// <summary>The hub, or one site.</summary>
    public NodeRole Role { get; }

    /// <summary>Where the hub is, for a site that was told; else null.</summary>
    public Uri? Hub { get; set; }

    public IReadOnlyList<Module> Modules { get; }
    public TimeProvider Time => Database.Time;

    /// <summary>Where the node keeps files; null where it was not told: then it takes none.</summary>
    public string? DataFolder { get; set; }

    /// <summary>Seals the credentials of other systems; null where the node has no key for it: then it takes none.</summary>
    public SecretBox? Secrets { get; set; }

    /// <summary>How long orders may stand still before they are stuck.</summary>
    public StuckRules StuckRules { get; set; } = StuckRules.Default;

    /// <summary>How long units are kept for an order that is still to come, where the caller does not say; null: until they are released.</summary>
    public TimeSpan? ReservationsKept { get; set; }

    /// <summary>Every module of a node. The order is the order of the arrows: a module may use those above it.</summary>
    public static IReadOnlyList<Module> AllModules() => NodeModules.Of(NodeRole.Hub);

    /// <summary>Migrates the database, opens the lanes, starts the modules. The database is then the node's to dispose.</summary>
    /// <param name="modules">Other modules than all: for tests of the log itself.</param>
    /// <param name="role">What the node is to be; where nothing is said, what its database says, and a new one is a hub's.</param>
    /// <exception cref="InvalidOperationException">The database belongs to a node of another role.</exception>
    public static async Task<Node> OpenAsync(Database database, IdSource? ids = null, IReadOnlyList<Module>? modules = null, NodeRole? role = null, CancellationToken ct = default)
    {
        ContractsJson.Register();
        await Migrator.RunAsync(database, ct: ct);
        role = await RoleAsync(database, role, ct);
        var node = new Node(database, ids ?? new IdSource(database.Time), role, modules ?? NodeModules.Of(role));
        await node.Lanes.InitializeAsync(role, ct);
        foreach (var module in node.Modules) await module.StartAsync(node, ct);
        var sites = await database.ReadAsync(async session => await LaneReader.LanesAsync(session), ct);
        foreach (var lane in sites.Where(l => l.Name.StartsWith("site/", StringComparison.Ordinal))) node.AddSite(lane.Name["site/".Length..]);
        var watch = new SiteWatch(node);
        node.Lanes.WhenAnnounced(SiteWatch.Topic, watch.LookAsync);
        node._others.AddRange([watch, new IdempotencyCleanup(node.Lanes, role.Home), new PartitionsAhead(database, "events", "SELECT event_partitions(1000000)"),
            .. node.Modules.SelectMany(m => m.Pumps(node))]);
        return node;
    }

    private static async Task<NodeRole> RoleAsync(Database database, NodeRole? wanted, CancellationToken ct)
    {
        var known = await database.ReadAsync(NodeRole.OfAsync, ct);
        if (known is null || wanted is null) return known ?? wanted ?? NodeRole.Hub;
        if (known.Site != wanted.Site)
            throw new InvalidOperationException($"this database belongs to {Name(known)}, not to {Name(wanted)}; each node has its own");
        if (wanted.Ordinal != 0 && known.Ordinal != wanted.Ordinal)
            throw new InvalidOperationException($"this database was made for {Name(known)} with number {known.Ordinal}, the key says {wanted.Ordinal}: they are of different hubs");
        return known;

        static string Name(NodeRole role) => role.Site is { } site ? "site " + site : "a hub";
    }

    /// <summary>A node that only looks: nothing is migrated, started or written, so it may stand beside a running one.</summary>
    public static Node ForReading(Database database, IdSource? ids = null)
    {
        ContractsJson.Register();
        return new Node(database, ids ?? new IdSource(database.Time), NodeRole.Hub, AllModules());
    }

    /// <summary>Fills an empty database from a backup, as <see cref="Restore"/> says. The database is then ready for <see cref="OpenAsync"/>.</summary>
    public static Task<BackupManifest> RestoreAsync(Database database, string path, IdSource? ids = null, CancellationToken ct = default)
    {
        ContractsJson.Register();
        return Restore.RunAsync(database, path, ids ?? new IdSource(database.Time), ct);
    }

    /// <summary>The id of an order given by id, number or <c>channel:external_id</c>, asked of the modules; null when no module knows the order.</summary>
    public async Task<Guid?> FindOrderAsync(string order, CancellationToken ct = default)
    {
        if (Guid.TryParse(order, out var known)) return known;
        foreach (var module in Modules)
            if (await Database.ReadAsync(session => module.FindOrderAsync(session, order, Role), ct) is { } id) return id;
        return null;
    }

    /// <summary>The person behind an order, asked of the modules; null when no module knows the order.</summary>
    public async Task<Guid?> FindPersonOfOrderAsync(string order, CancellationToken ct = default)
    {
        foreach (var module in Modules)
            if (await Database.ReadAsync(session => module.FindPersonOfOrderAsync(session, order), ct) is { } person) return person;
        return null;
    }

    /// <summary>The site that a resource belongs to, asked of the modules; null when no module knows it.</summary>
    public async Task<string?> FindSiteOfAsync(string resource, string key, CancellationToken ct = default)
    {
        foreach (var module in Modules)
            if (await module.FindSiteOfAsync(Database, resource, key, ct) is { } site) return site;
        return null;
    }

    /// <summary>Makes the consumers of a site's lanes. Called at start and when a site becomes known; twice does nothing.</summary>
    public void AddSite(string site)
    {
        lock (_gate)
        {
            if (_sites.ContainsKey(site)) return;
            ConsumerPump[] pumps = [.. Modules.SelectMany(m => m.ConsumersFor(site, this)).Select(c => new ConsumerPump(c.Consumer, c.Source, Lanes))];
            _sites[site] = new SiteConsumers(IsRemote(site), pumps);
            foreach (var pump in pumps)
            {
                _consumers.Add(pump);
                _host?.Start(pump);
            }
        }
    }

    /// <summary>Whether a site has a node of its own, so that only a copy of its lane is here.</summary>
    public bool IsRemote(string site) => Lanes.IsReplica(Lane.Site(site));

    /// <summary>
    /// For queries over the rows of all sites: leaves out those with nodes of their own. The rows of a site that is being moved out may still be here, and are not this node's to work on. SQL to go
    /// behind a condition; empty where there are no such sites.
    /// </summary>
    /// <param name="column">The column with the site. Never text from outside.</param>
    internal string AndOwn(string column)
    {
        string[] remote = [.. Lanes.ReplicaLanes.Where(l => l.Name.StartsWith("site/", StringComparison.Ordinal)).Select(l => l.Name["site/".Length..]).Order(StringComparer.Ordinal)];
        return remote.Length == 0 ? "" : $" AND {column} NOT IN ({string.Join(", ", remote.Select(s => $"'{s.Replace("'", "''", StringComparison.Ordinal)}'"))})";
    }

    /// <summary>Exchanges the consumers of sites that have got a node of their own since their consumers were made.</summary>
    internal void FollowMoves()
    {
        lock (_gate)
        {
            foreach (var (site, made) in _sites.ToArray())
            {
                if (made.IsRemote || !IsRemote(site)) continue;
                foreach (var pump in made.Pumps)
                {
                    pump.Retire();
                    _consumers.Remove(pump);
                }
                _sites.Remove(site);
                AddSite(site);
            }
        }
    }

    public IReadOnlyList<string> Sites
    {
        get { lock (_gate) return [.. _sites.Keys]; }
    }

    internal IReadOnlyList<ConsumerPump> Consumers
    {
        get { lock (_gate) return [.. _consumers]; }
    }

    /// <summary>All that runs by itself on this node.</summary>
    public IReadOnlyList<Pump> Pumps
    {
        get { lock (_gate) return [.. Lanes.Writers, .. _consumers, .. _others]; }
    }

    /// <summary>Takes on a pump of whoever stands around the node, to be run and shown with its own.</summary>
    public void Add(Pump pump)
    {
        lock (_gate)
        {
            _others.Add(pump);
            _host?.Start(pump);
        }
    }

    /// <summary>Whether a site is known here. Another process may have made it a moment ago, so the database is asked about unknown ones.</summary>
    public async ValueTask<bool> KnowsSiteAsync(string site, CancellationToken ct = default)
    {
        lock (_gate)
            if (_sites.ContainsKey(site)) return true;
        if (Database.SingleWriter || !await Database.ReadAsync(session => LaneReader.ExistsAsync(session, Lane.Site(site)), ct)) return false;
        AddSite(site);
        return true;
    }

    /// <summary>True from the moment at which it was told to stop: it finishes what it was asked before, and wants to be asked nothing more.</summary>
    public bool IsStopping => _isStopping;

    public void BeginStopping() => _isStopping = true;

    /// <summary>Runs the pumps in loops until the node is disposed.</summary>
    public void Start(Action<Pump, Exception>? onError = null)
    {
        lock (_gate)
        {
            _writerHost = new PumpHost(Time, Ids, onError);
            _host = new PumpHost(Time, Ids, onError);
            if (!Database.SingleWriter)
            {
                // Until it is known who else is there, nobody is on duty here.
                Lanes.Duty.Lose();
                _neighbors = NeighborPump.Make(Lanes, Environment.MachineName);
                _others.AddRange([_neighbors, _neighbors.Teller]);
            }
            foreach (var pump in Lanes.Writers) _writerHost.Start(pump);
            foreach (var pump in _consumers.Concat(_others)) _host.Start(pump);
        }
    }

    /// <summary>True when every consumer has seen everything.</summary>
    public bool IsDrained => Lanes.QueueDepth == 0 && Lanes.Progress.All(p => p.IsKnown && p.Lag == 0);

    /// <summary>Finishes what was begun, refuses what still waits, closes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        // A consumer in the middle of a step waits for its writer, so the writers go last. A writer that cannot reach its database could
        // keep them waiting for ever, so not longer than this.
        var limit = TimeSpan.FromSeconds(10);
        var consumers = _host?.DisposeAsync().AsTask() ?? Task.CompletedTask;
        try
        {
            await consumers.WaitAsync(limit, Time);
        }
        catch (TimeoutException)
        {
            // the writers' end below ends them too
        }
        if (_writerHost is { } writers) await writers.DisposeAsync();
        await Lanes.DisposeAsync();
        await consumers;
        foreach (var pump in _others.OfType<IAsyncDisposable>()) await pump.DisposeAsync();
        if (_neighbors is not null) await _neighbors.DisposeAsync();
        await Database.DisposeAsync();
    }
}
