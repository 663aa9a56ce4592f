using System.Collections.Concurrent;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// The way into a node: every change is a command given here. Also where consumers and readers find what was written.
/// </summary>
public sealed partial class Lanes : IAsyncDisposable
{
    private readonly int _capacity;
    private readonly ConcurrentDictionary<string, LaneWriter> _writers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Lane, LaneTail> _tails = new();
    private readonly ConcurrentDictionary<Lane, ConsumerProgress[]> _progress = new();
    private readonly ConcurrentDictionary<string, Func<CancellationToken, Task>> _topics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _replicas = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public Lanes(Database database, IdSource ids, int queueCapacity = 4096)
    {
        Database = database;
        Ids = ids;
        _capacity = queueCapacity;
        Neighbors = new Neighbors(ids.Next().ToString("N")[20..]);
        Meter = new NodeMeter(this, database.Time);
    }

    public Database Database { get; }
    public IdSource Ids { get; }
    public TimeProvider Time => Database.Time;
    internal Neighbors Neighbors { get; }
    internal Duty Duty { get; } = new();

    /// <summary>Which of them this one is; another one after each start.</summary>
    public string Process => Neighbors.Self;

    /// <summary>Everybody who runs a node on this database, this process too, as seen within the last second or two; empty where nobody shares it.</summary>
    public IReadOnlyList<NodeProcess> Processes => Neighbors.Processes;

    /// <summary>Where the node's modules keep their metrics.</summary>
    public NodeMeter Meter { get; }

    /// <summary>Called once for each writer that comes to be, so that the host can run its loop.</summary>
    public Action<Pump>? WriterOpened { get; set; }

    /// <summary>Called after each commit with the lanes that grew. Must be quick.</summary>
    public event Action<Lane, IReadOnlyList<EventRecord>>? Committed;

    /// <summary>Called when it becomes known that another process has written a lane: from after the first position to the second. Must be quick.</summary>
    public event Action<Lane, long, long>? GrewElsewhere;
    /// <summary>Called after a consumer's step is durable, with what it was given and when it began. Must be quick.</summary>
    public event Action<Consumer, IReadOnlyList<EventRecord>, DateTimeOffset>? Consumed;

    /// <summary>Called when a consumer's event has been parked, with what was wrong with it.</summary>
    public event Action<string, EventRecord, string>? Parked;

    /// <summary>The most events that local consumers may lag before intake is refused with 503.</summary>
    public long BacklogLimit { get; set; } = 50_000;

    /// <summary>The longest that an answer waits for those who read behind the write; zero where it does not wait at all.</summary>
    internal TimeSpan LongestWait { get; set; } = TimeSpan.FromSeconds(2);

    public IEnumerable<Pump> Writers => _writers.Values;
    public int QueueDepth => _writers.Values.Sum(w => w.Queue.Depth);

    /// <summary>How many commands may wait for one writer.</summary>
    public int QueueCapacity => _capacity;

    /// <summary>The writers with what waits for each.</summary>
    public IEnumerable<(string Writer, int Depth)> Queues => _writers.Values.Select(w => (w.Name, w.Queue.Depth));

    /// <summary>Makes the lanes of a new database: those that a node of its role writes, and the copies that it needs to work alone.</summary>
    public async Task InitializeAsync(NodeRole role, CancellationToken ct)
    {
        await using var session = await Database.OpenAsync(readOnly: false, ct);
        await session.BeginAsync(snapshot: false, ct);
        var group = new GroupTransaction(session, Ids, Time.GetUtcNow(), [], Meter);
        if (role.Site is { } site)
        {
            await group.OpenLaneAsync(Lane.HubAll, 0, replica: true);
            await group.OpenLaneAsync(Lane.HubTo(site), role.Ordinal, replica: true);
            await group.OpenLaneAsync(Lane.Site(site), role.Ordinal);
        }
        else
        {
            await group.OpenLaneAsync(Lane.Hub, 0);
            await group.OpenLaneAsync(Lane.HubAll, 0);
        }
        await session.CommitAsync();
        await LookForReplicasAsync(ct);
        WhenAnnounced(Repairs.Topic, LookForRepairsAsync);
        await LookForRepairsAsync(ct);
        WhenAnnounced(LaneHistories.Topic, LookForHistoriesAsync);
        await LookForHistoriesAsync(ct);
    }

    /// <summary>Whether another node writes this lane and here is a copy of it, or none.</summary>
    public bool IsReplica(Lane lane) => _replicas.ContainsKey(lane.Name);

    /// <summary>The lanes that are copies here.</summary>
    public IEnumerable<Lane> ReplicaLanes => _replicas.Keys.Select(name => new Lane(name));

    /// <summary>Reads again which lanes are copies. Lanes become so, and never cease to.</summary>
    internal async Task LookForReplicasAsync(CancellationToken ct)
    {
        foreach (var name in await Database.ReadAsync(async session => await Replicas.NamesAsync(session), ct)) IsReplicaNow(new Lane(name));
    }

    internal void IsReplicaNow(Lane lane) => _replicas.TryAdd(lane.Name, true);

    /// <summary>Continues a copy with groups of the lane's writer. Durable when it completes.</summary>
    public Task<ImportResult> ImportAsync(Lane lane, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys) =>
        ExecuteInternallyAsync<ImportResult>(lane.Name, lane, async tx =>
        {
            var taken = await Replicas.ImportAsync(tx, lane, groups, keys);
            if ((await tx.Group.GrowAsync(lane)).OpensIncarnation) await MovedSites.HeardAsync(tx, lane, Recovery);
            return taken;
        });

    /// <summary>What the node does on its own account, in the share of the writer that is reserved for consumers.</summary>
    private async Task<T> ExecuteInternallyAsync<T>(string scope, Lane lane, Func<LaneTransaction, ValueTask<Outcome<T>>> decide)
    {
        var command = new PendingCommand<T>(lane, Caller.System, decide, render: null, scope: scope) { OnCopy = IsReplica(lane) };
        if (!Writer(command.Scope).Queue.TryAdd(command, isConsumer: true)) throw new ConsumerStalledException("this node is shutting down");
        var (outcome, _, _) = await command.Done;
        return outcome.IsOk ? outcome.Value : throw new ConsumerStalledException(outcome.Refusal!.Detail);
    }

    /// <summary>How many events of a lane wait for local consumers, as far as it is known where they stand.</summary>
    public long LagOf(Lane lane) => _progress.TryGetValue(lane, out var consumers) ? consumers.Max(c => c.IsKnown ? c.Lag : 0) : 0;

    /// <summary>Decides a command in one transaction of the lane's scope. Completes when it is durable and the consumers one hop on have seen it.</summary>
    public async Task<Outcome<T>> ExecuteAsync<T>(Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, CancellationToken ct = default) =>
        (await ExecuteAsync(lane, caller, decide, render: null, hops: 1, ct)).Outcome;

    /// <summary>As above, with the answer rendered inside the transaction where the caller gave an idempotency key.</summary>
    /// <param name="hops">How far to wait: 1 for the consumers of what the command wrote, 2 for the consumers of what those wrote.</param>
    public async Task<CommandResult<T>> ExecuteAsync<T>(Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide,
        Func<Outcome<T>, StoredAnswer?>? render, int hops, CancellationToken ct)
    {
        var command = new PendingCommand<T>(lane, caller, decide, render);
        return await SubmitAsync(command, hops, ct);
    }

    /// <summary>Decides a command together with the others of its handler that wait at the same time.</summary>
    public async Task<CommandResult<TResult>> ExecuteTogetherAsync<TCommand, TResult>(Lane lane, Caller caller, TCommand command,
        IGroupHandler<TCommand, TResult> handler, Func<Outcome<TResult>, StoredAnswer?>? render, CancellationToken ct, int hops = 1) =>
        await SubmitAsync(new PendingGroupCommand<TCommand, TResult>(lane, caller, command, handler, render), hops, ct);

    private async Task<CommandResult<T>> SubmitAsync<T>(PendingCommand<T> command, int hops, CancellationToken ct, bool alsoInRepair = false)
    {
        if (IsReplica(command.Lane)) return new CommandResult<T>(Replicas.Refuse(command.Lane), null, false, false);
        if (!alsoInRepair && command.Caller.Actor != Caller.System.Actor && RefuseInRepair(command.Lane) is { } restored) return new CommandResult<T>(restored, null, false, false);
        if (!Writer(command.Scope).Queue.TryAdd(command, isConsumer: false))
        {
            Refusal full = Refusal.Unavailable("lane_queue_full", $"the queue of {command.Scope} is full; nothing was stored", 1);
            return new CommandResult<T>(full, null, false, false);
        }
        var (outcome, answer, replayed) = await command.Done.WaitAsync(ct);
        var seen = replayed || await WaitForConsumersAsync(command.Appended, hops, ct) & await WaitForNeighborsAsync(command.Announced, ct);
        return new CommandResult<T>(outcome, answer, replayed, !seen);
    }

    /// <summary>Runs a consumer's step in its scope, from the share of the writer that is reserved for consumers.</summary>
    /// <param name="onCopy">See <see cref="PendingCommand.OnCopy"/>.</param>
    internal async Task<(Outcome<T> Outcome, IReadOnlyList<(Lane, long)> Appended)> ExecuteAsConsumerAsync<T>(
        Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, bool onCopy = false)
    {
        var command = new PendingCommand<T>(lane, caller, decide, render: null) { OnCopy = onCopy };
        if (!Writer(command.Scope).Queue.TryAdd(command, isConsumer: true))
            return (Refusal.Unavailable("shutting_down", "this node is shutting down", 2), []);
        var (outcome, _, _) = await command.Done;
        return (outcome, command.Appended);
    }

    /// <summary>Intake asks before it accepts: a burst is accepted only as far as it can be worked off.</summary>
    public Refusal? TooMuchBehind()
    {
        var lag = _progress.Values.SelectMany(p => p).Sum(p => p.Lag);
        return lag > BacklogLimit ? Refusal.Unavailable("backlog", $"{lag} events wait for the consumers; try again shortly", 1) : null;
    }

    private LaneWriter Writer(string scope)
    {
        var partition = Database.SingleWriter ? "*" : scope;
        if (_writers.TryGetValue(partition, out var known)) return known;
        lock (_gate)
        {
            if (_writers.TryGetValue(partition, out known)) return known;
            var queue = new CommandQueue(_capacity);
            var made = new LaneWriter(partition, Database, Ids, queue, Meter, OnCommitted);
            queue.Woken = made.Wake.Set;
            _writers[partition] = made;
            WriterOpened?.Invoke(made);
            return made;
        }
    }

    private void OnCommitted(GroupTransaction group)
    {
        group.BeRemembered();
        foreach (var (head, events) in group.Written)
        {
            _tails.GetOrAdd(head.Lane, _ => new LaneTail()).Append(events);
            if (_progress.TryGetValue(head.Lane, out var consumers))
                foreach (var consumer in consumers) consumer.HeadMovedTo(head.Position + events.Count);
            Committed?.Invoke(head.Lane, events);
            Neighbors.Wrote(head.Lane, head.Position + events.Count);
        }
        if (group.Topics is { } topics) group.Announced = Neighbors.Announce(topics);
        foreach (var action in group.Committed) action();
    }

    internal void OnConsumed(Consumer consumer, IReadOnlyList<EventRecord> events, DateTimeOffset started) => Consumed?.Invoke(consumer, events, started);
    internal void OnParked(string consumer, EventRecord e, string error) => Parked?.Invoke(consumer, e, error);

    /// <summary>Registers a consumer of a lane, so that writers wait for it and wake it.</summary>
    internal void Register(Lane lane, ConsumerProgress progress)
    {
        lock (_gate) _progress[lane] = [.. _progress.GetValueOrDefault(lane) ?? [], progress];
        if (_tails.TryGetValue(lane, out var tail)) progress.HeadMovedTo(tail.Head);
    }

    /// <summary>A consumer has been taken off its lane: nobody waits for it any more.</summary>
    internal void Unregister(Lane lane, ConsumerProgress progress)
    {
        lock (_gate)
        {
            if (_progress.GetValueOrDefault(lane) is not { } known) return;
            ConsumerProgress[] left = [.. known.Where(p => p != progress)];
            if (left.Length > 0) _progress[lane] = left;
            else _progress.TryRemove(lane, out _);
        }
        progress.MovedTo(long.MaxValue, []);
    }

    /// <summary>A consumer of this process has moved.</summary>
    internal void Moved(ConsumerProgress consumer, long to, IReadOnlyList<(Lane, long)> effects)
    {
        consumer.MovedTo(to, effects);
        Neighbors.Moved(consumer.Consumer, consumer.Lane, to);
    }

    // ---- what other processes do

    /// <summary>What to do, here and in every other process, when a command has announced this topic. Where it is kept in memory it must be forgotten.</summary>
    public void WhenAnnounced(string topic, Func<CancellationToken, Task> forget) => _topics[topic] = forget;

    internal async Task ForgetAsync(IEnumerable<string> topics, CancellationToken ct)
    {
        foreach (var topic in topics)
            if (_topics.TryGetValue(topic, out var forget)) await forget(ct);
    }

    internal ICollection<string> Topics => _topics.Keys;

    /// <summary>A lane stands there, whoever wrote it.</summary>
    internal void HeadIs(Lane lane, long position)
    {
        var before = _tails.GetOrAdd(lane, _ => new LaneTail()).HeadIs(position);
        if (before >= position) return;
        if (_progress.TryGetValue(lane, out var consumers))
            foreach (var consumer in consumers) consumer.HeadMovedTo(position);
        GrewElsewhere?.Invoke(lane, before, position);
    }

    /// <summary>The process on duty has moved a consumer.</summary>
    internal void MovedElsewhere(string consumer, Lane lane, long to)
    {
        if (!_progress.TryGetValue(lane, out var consumers)) return;
        foreach (var progress in consumers)
            if (progress.Consumer == consumer) progress.MovedTo(to, ConsumerProgress.Elsewhere);
    }

    /// <summary>For those who have just come, or may have missed something.</summary>
    internal void TellEverything()
    {
        foreach (var (lane, tail) in _tails) Neighbors.Wrote(lane, tail.Head);
        if (Duty.IsOurs)
            foreach (var p in Progress.Where(p => p.IsKnown)) Neighbors.Moved(p.Consumer, p.Lane, p.Position);
        Neighbors.Repeat(Topics);
    }

    private async Task<bool> WaitForNeighborsAsync(Task? announced, CancellationToken ct)
    {
        if (announced is null || announced.IsCompletedSuccessfully) return true;
        try
        {
            await announced.WaitAsync(LongestWait, Time, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    internal IEnumerable<ConsumerProgress> Progress => _progress.Values.SelectMany(p => p);

    private async Task<bool> WaitForConsumersAsync(IReadOnlyList<(Lane Lane, long Position)> appended, int hops, CancellationToken ct)
    {
        if (LongestWait == TimeSpan.Zero) return false;
        for (; hops > 0 && appended.Count > 0; hops--)
        {
            var next = new Dictionary<Lane, long>();
            foreach (var (lane, position) in appended)
            {
                if (!_progress.TryGetValue(lane, out var consumers)) continue;
                foreach (var consumer in consumers)
                {
                    if (consumer.Position >= position && hops == 1) continue;
                    try
                    {
                        var reached = consumer.ReachAsync(position);
                        var effects = reached.IsCompletedSuccessfully ? reached.Result : await reached.WaitAsync(LongestWait, Time, ct);
                        foreach (var (l, p) in ReferenceEquals(effects, ConsumerProgress.Elsewhere) ? EffectsElsewhere(consumer) : effects)
                            next[l] = Math.Max(p, next.GetValueOrDefault(l));
                    }
                    catch (TimeoutException)
                    {
                        return false;
                    }
                }
            }
            appended = [.. next.Select(n => (n.Key, n.Value))];
        }
        return true;
    }

    /// <summary>What a consumer wrote in another process is not known in detail, but not beyond where its target lanes stand now.</summary>
    private IEnumerable<(Lane, long)> EffectsElsewhere(ConsumerProgress consumer) =>
        _tails.Where(t => t.Key.Scope == consumer.Target.Scope).Select(t => (t.Key, t.Value.Head));

    /// <summary>Reads a lane in order, oldest first: from memory where it is new, else from the database.</summary>
    /// <param name="ask">Ask the database where memory cannot fill the page and others may have written: what was answered anywhere is then seen.</param>
    public async ValueTask<IReadOnlyList<EventRecord>> ReadAsync(Lane lane, long after, int limit, CancellationToken ct = default, bool ask = false)
    {
        if (FromMemory(lane, after, limit, ask) is { } recent) return recent;
        return await Database.ReadAsync(session => LaneReader.AfterAsync(session, lane, after, limit), ct);
    }

    /// <summary>As <see cref="ReadAsync"/>, for who reads a lot and keeps none of it: events that come from the database are never made into objects.</summary>
    /// <param name="each">Called for each in order. What it does holds a session of the database up, so it only looks.</param>
    public async ValueTask ReadEachAsync(Lane lane, long after, int limit, Action<EventView> each, CancellationToken ct = default)
    {
        if (FromMemory(lane, after, limit, ask: false) is { } recent)
            foreach (var e in recent) each(e.View);
        else
            await Database.ReadAsync(async session =>
            {
                await LaneReader.EachAfterAsync(session, lane, after, limit, each);
                return true;
            }, ct);
    }

    /// <summary>Null where the database has to be asked.</summary>
    private IReadOnlyList<EventRecord>? FromMemory(Lane lane, long after, int limit, bool ask)
    {
        // At its own end the memory of one process knows nothing about another's: where others may write, the database is asked when they have
        // said that they did, and else now and then.
        return _tails.TryGetValue(lane, out var tail) && tail.After(after, limit) is { } recent
               && (Database.SingleWriter || recent.Count == limit || !ask && (recent.Count > 0 || tail.Head <= after && !tail.IsTimeToLook(Time))) ? recent : null;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var writer in _writers.Values) await writer.DisposeAsync();
        Meter.Dispose();
    }
}
