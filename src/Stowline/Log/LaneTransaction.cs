using System.Text.Json;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// What a command sees of its transaction: reads, writes, events. The time is fixed for the whole group. Refusing after a write is a
/// programming error and is refused itself.
/// </summary>
public sealed class LaneTransaction
{
    private readonly GroupTransaction _group;
    private Dictionary<Lane, EventRecord>? _appended;

    internal LaneTransaction(GroupTransaction group, string scope, Caller caller) => (_group, Scope, Caller) = (group, scope, caller);

    public string Scope { get; }
    public Caller Caller { get; }

    /// <summary>The transaction's time, UTC, cut to microseconds.</summary>
    public DateTimeOffset Now => _group.Now;

    /// <summary>True once the command changed state (an event of a refused attempt does not count).</summary>
    public bool Wrote { get; private set; }

    public Dialect Dialect => _group.Session.Dialect;
    public Guid NewId() => _group.Ids.Next();

    public ValueTask<T?> FindAsync<T>(string sql, object? args = null) => _group.Session.FindAsync<T>(sql, args);
    public ValueTask<IReadOnlyList<T>> QueryAsync<T>(string sql, object? args = null) => _group.Session.QueryAsync<T>(sql, args);
    public ValueTask SelectAsync(string select, int count, Column[] keys, Action<RowReader> row) => _group.Session.SelectAsync(select, count, keys, row);

    /// <inheritdoc cref="SqlSession.SelectAllAsync"/>
    /// <summary>Asks several queries at once, none of which needs another's answer.</summary>
    public ValueTask AskAsync(params Question[] questions) => _group.Session.AskAsync(questions);

    public ValueTask SelectAllAsync(params SetSelect[] selects) => _group.Session.SelectAllAsync(selects);

    public ValueTask<int> ExecuteAsync(string sql, object? args = null)
    {
        Wrote = true;
        return _group.Session.ExecuteAsync(sql, args);
    }

    /// <summary>Executes a statement that changes rows and returns the first of them (<c>RETURNING</c>); the default where it changed none.</summary>
    public ValueTask<T?> ChangeAsync<T>(string sql, object? args = null)
    {
        Wrote = true;
        return _group.Session.FindAsync<T>(sql, args);
    }

    /// <inheritdoc cref="SqlSession.WriteAsync"/>
    public ValueTask WriteAsync(string sql, object? args = null)
    {
        Wrote = true;
        return _group.Session.WriteAsync(sql, args);
    }

    public ValueTask InsertAsync(string table, int count, params Column[] columns)
    {
        Wrote = true;
        return _group.Session.InsertAsync(table, count, columns);
    }

    public ValueTask UpsertAsync(string table, string conflict, string update, int count, params Column[] columns)
    {
        Wrote = true;
        return _group.Session.UpsertAsync(table, conflict, update, count, columns);
    }

    public ValueTask UpdateAsync(string table, string set, int count, Column[] keys, params Column[] values)
    {
        Wrote = true;
        return _group.Session.UpdateAsync(table, set, count, keys, values);
    }

    /// <summary>
    /// Lets what was put off so far be worked on by the database while the command goes on deciding: worth it before work that takes time,
    /// such as making the payloads of a large group's events. Costs a round trip that nobody waits for.
    /// </summary>
    public ValueTask StartWritingAsync() => _group.Session.StartWritingAsync();

    /// <summary>Appends an event to a lane of this scope.</summary>
    /// <param name="caller">Whose doing it is, where a group of several callers is decided together.</param>
    public void Append<T>(Lane lane, T payload, string subject, Guid? orderId = null, Caller? caller = null) where T : IEvent
    {
        Wrote = true;
        AppendCore(lane, T.Type, JsonSerializer.SerializeToUtf8Bytes(payload, EventJson.Info<T>()), subject, orderId, caller);
    }

    /// <summary>Records that something was tried and refused: the one trace that a refusal may leave (W13).</summary>
    public void RecordAttempt<T>(Lane lane, T payload, string subject, Guid? orderId = null, Caller? caller = null) where T : IEvent =>
        AppendCore(lane, T.Type, JsonSerializer.SerializeToUtf8Bytes(payload, EventJson.Info<T>()), subject, orderId, caller);

    private void AppendCore(Lane lane, string type, byte[] payload, string subject, Guid? orderId, Caller? caller)
    {
        if (lane.Scope != Scope) throw new InvalidOperationException($"a command of {Scope} cannot write {lane}");
        caller ??= Caller;
        (_appended ??= [])[lane] = _group.Append(lane, type, payload, subject, orderId, caller);
    }

    /// <summary>Appends an event of another history of its lane, with the id, time and actor of then.</summary>
    internal void AppendAgain(EventRecord e)
    {
        Wrote = true;
        (_appended ??= [])[e.Lane] = _group.AppendAgain(e);
    }

    /// <summary>Says once more what an event has said.</summary>
    internal void AppendCopy(EventRecord e)
    {
        Wrote = true;
        AppendCore(e.Lane, e.Type, e.Payload, e.Subject, e.OrderId, new Caller(e.Actor, e.Trace));
    }

    /// <summary>The incarnation that a lane of this scope is in: a restore raises it.</summary>
    internal ValueTask<int> IncarnationAsync(Lane lane) => _group.IncarnationAsync(lane);

    /// <summary>
    /// The next number of a kind: <c>ordinal × 10^10 + sequence</c>, so it is unique across nodes and stays below 2^53. The hub's ordinal is 0.
    /// </summary>
    public async ValueTask<long> NextNumberAsync(string kind, Lane lane) => await NextNumbersAsync(kind, lane, 1);

    /// <summary>Takes <paramref name="count"/> consecutive numbers and answers the first.</summary>
    public ValueTask<long> NextNumbersAsync(string kind, Lane lane, int count) => _group.NextNumbersAsync(kind, lane, count);

    /// <summary>Opens a lane in this node's database, where it does not exist yet. Any scope may: the lane is empty.</summary>
    public ValueTask OpenLaneAsync(Lane lane, int ordinal)
    {
        Wrote = true;
        return _group.OpenLaneAsync(lane, ordinal);
    }

    /// <summary>Sets a consumer behind what stands in a lane of this scope so far: for one that goes on from state that was made otherwise.</summary>
    internal async ValueTask StartAtEndAsync(string consumer, Lane lane) => await WriteAsync("""
        INSERT INTO cursors (consumer, lane_id, position) SELECT @consumer, id, @end FROM lanes WHERE name = @lane ON CONFLICT (consumer, lane_id) DO UPDATE SET position = excluded.position
        """, new { consumer, lane = lane.Name, end = await _group.EndOfAsync(lane) });

    /// <summary>Runs after the commit, on the writer: for caches and signals. Must be quick and must not throw.</summary>
    public void OnCommitted(Action action) => _group.OnCommitted(action);

    /// <summary>
    /// As <see cref="OnCommitted"/>, for changes of what is kept in <see cref="MemoryAsync"/>, and of estimates that may be wrong for a while: where the next group is decided before this one's
    /// commit is known, they are made before that. Should the commit fail, all of the memory is forgotten.
    /// </summary>
    public void Remember(Action action) => _group.Remember(action);

    /// <summary>What a group handler's first reads have found, where they were asked before the transaction began; else null, and it asks them now.</summary>
    public IGroupReads? ReadAhead { get; init; }

    /// <summary>Keeps what a group handler has read, with what it has made since, for the next group of the same handler (<see cref="IGroupReads.Join"/>).</summary>
    public void Leave(IGroupReads reads) => _group.Left = reads;

    /// <summary>Measures once the transaction is committed: what was rolled back has not happened.</summary>
    public void Measure<T>(Action<T> measure) where T : class, INodeMetrics<T>
    {
        if (_group.Meter is { } meter) _group.OnCommitted(() => measure(meter.Get<T>()));
    }

    /// <summary>
    /// Other processes on this database may keep in memory what is changed here: after the commit they are told (see
    /// <see cref="Lanes.WhenAnnounced"/>), and the answer waits, for at most two seconds, until each has confirmed. For what changes seldom.
    /// </summary>
    public void Announce(string topic)
    {
        Announces = true;
        _group.Announce(topic);
    }

    internal bool Announces { get; private set; }

    /// <summary>
    /// The position a lane of this scope had when the transaction began, or -1 once the group has appended to it. A cache filled under a
    /// position is good for as long as the lane stands there.
    /// </summary>
    public ValueTask<long> SettledHeadAsync(Lane lane) => _group.SettledHeadAsync(lane);

    /// <summary>
    /// The last number of a kind that was taken before the transaction began (0: none), or -1 once the group has taken one. What was read of something whose every change takes such
    /// a number is good for as long as it stays the same, in whichever process the changes are made; unlike a lane's head it moves with nothing else.
    /// </summary>
    public ValueTask<long> SettledNumberAsync(string kind, Lane lane) => _group.SettledNumberAsync(kind, lane);

    /// <summary>
    /// What this process remembers of the scope: empty when anybody else has written the scope since this process did. Whoever changes what it
    /// tells of forgets it at once, and writes the new state into it <see cref="Remember"/> only.
    /// </summary>
    public ValueTask<T> MemoryAsync<T>() where T : class, new() => _group.MemoryAsync<T>(Scope);

    /// <summary>The last position of this command in each lane; final once the group has written its log.</summary>
    internal IReadOnlyList<(Lane, long)> Appended => _appended is null ? [] : [.. _appended.Select(a => (a.Key, a.Value.Position))];
    internal GroupTransaction Group => _group;
}
