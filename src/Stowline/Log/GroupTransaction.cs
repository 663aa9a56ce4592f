using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>
/// One writing transaction with the commands of a group in it: the scopes' locks, the lane heads, the events not yet written, the
/// numbers handed out. Everything that must happen once per group rather than once per command.
/// </summary>
/// <param name="memories">What the writer remembers per scope.</param>
internal sealed class GroupTransaction(SqlSession session, IdSource ids, DateTimeOffset now, Dictionary<string, ScopeMemory> memories, NodeMeter? meter = null)
{
    private readonly Dictionary<Lane, LaneHead> _heads = [];
    private readonly Dictionary<Lane, LaneHead> _after = [];
    private readonly Dictionary<Lane, List<EventRecord>> _pending = [];
    private readonly Dictionary<Lane, ReplicaGrowth> _imported = [];
    private readonly Dictionary<(int LaneId, string Kind), (long First, long Last)> _sequences = [];
    private readonly List<Action> _committed = [];
    private readonly List<Action> _remembered = [];
    private readonly List<string> _scopes = [];
    private readonly HashSet<string> _owned = new(StringComparer.Ordinal);
    private readonly HashSet<string> _handedOver = new(StringComparer.Ordinal);
    private bool _loaded;
    private bool _presumed;

    public SqlSession Session => session;
    public IdSource Ids => ids;
    public NodeMeter? Meter => meter;
    public DateTimeOffset Now { get; } = RowTypes.ToMicroseconds(now);

    /// <summary>The lanes that this group appended to, with their new events; known once the log is written.</summary>
    public IEnumerable<(LaneHead Head, List<EventRecord> Events)> Written =>
        _pending.Select(p => (HeadOf(p.Key), p.Value)).Concat(_imported.Values.Where(g => g.Events.Count > 0).Select(g => (g.From, g.Events)));
    public IReadOnlyList<Action> Committed => _committed;

    /// <summary>What its group handler has read and made.</summary>
    public IGroupReads? Left { get; set; }

    /// <summary>What the group announces to other processes; null when nothing.</summary>
    public HashSet<string>? Topics { get; private set; }

    /// <summary>Completes when they have heard it; set after the commit.</summary>
    public Task? Announced { get; set; }

    /// <summary>
    /// Takes a scope. The UPDATE is the transaction's first statement on PostgreSQL: its row lock makes commit order the position order,
    /// and all that is read afterwards is newer than the last commit of this scope. The heads come with whatever the group reads first:
    /// a round trip of their own would be a fifth of a group's time.
    /// </summary>
    public async ValueTask LockScopeAsync(string scope)
    {
        await session.WriteAsync("UPDATE lanes SET version = version + 1 WHERE name = @scope", new { scope });
        if (!memories.TryGetValue(scope, out var memory)) memories[scope] = memory = new ScopeMemory();
        _scopes.Add(scope);
        _loaded = false;
        // The numbers come along, in the same rows: there are few, and a round trip or a statement for them would cost more.
        string[] key = [scope];
        await session.SelectLaterAsync(new SetSelect("""
            SELECT l.id, l.name, l.ordinal, l.incarnation, l.head_position, l.head_hash, l.version, l.replica, s.kind, s.last, l.held, l.moves
            FROM lanes l LEFT JOIN lane_sequences s ON s.lane_id = l.id WHERE l.scope = k.scope
            """, 1, [Column.Of("scope", key)], row =>
            {
                if (_presumed)
                {
                    Confirm(scope, row);
                    return;
                }
                if (!row.IsNull(8)) _sequences[(row.GetInt32(0), row.GetString(8))] = (row.GetInt64(9), row.GetInt64(9));
                var lane = new Lane(row.GetString(1));
                if (!_heads.TryAdd(lane, new LaneHead(lane, row.GetInt32(0), row.GetInt32(2), row.GetInt32(3), row.GetInt64(4), row.GetBytes(5), row.GetInt32(7) == 1,
                    row.GetInt32(10) == 1, row.GetInt32(11)))) return;
                _loaded = true;
                if (lane.Name != scope) return;
                var version = row.GetInt64(6);
                memory.Begin(version);
                Remember(() => memory.Committed(version));
            }));
    }

    /// <summary>
    /// Goes on from where the group before will stand once it is committed, without waiting for that. It has been sent, its commit with it, and this group's lock behind them. When the lock is told,
    /// the heads show whether it is so; where somebody else was in between, a <see cref="PresumptionException"/> shows at the next statement, and nothing of this group was written.
    /// </summary>
    public void Presume(GroupTransaction before)
    {
        before.BeRemembered();
        foreach (var (lane, head) in before._heads) _heads[lane] = before._after.GetValueOrDefault(lane) ?? head;
        foreach (var (key, range) in before._sequences) _sequences[key] = (range.Last, range.Last);
        foreach (var scope in _scopes)
        {
            var (memory, version) = (memories[scope], memories[scope].Version + 1);
            Remember(() => memory.Committed(version));
        }
        _presumed = _loaded = true;
    }

    private void Confirm(string scope, RowReader row)
    {
        var lane = new Lane(row.GetString(1));
        if (!_heads.TryGetValue(lane, out var head) || head.Incarnation != row.GetInt32(3) || head.Position != row.GetInt64(4) || head.IsReplica != (row.GetInt32(7) == 1)
            || head.IsHeld != (row.GetInt32(10) == 1) || lane.Name == scope && row.GetInt64(6) != memories[scope].Version + 1) throw new PresumptionException(scope);
    }

    /// <summary>The group is given up. What it had presumed is not to be relied on.</summary>
    public void ForgetPresumed()
    {
        if (!_presumed) return;
        foreach (var scope in _scopes) memories[scope].Forget();
    }

    /// <summary>Fetches the heads where nothing else was read so far. What was put off goes along, so it is not asked without need.</summary>
    private ValueTask LoadAsync() => _loaded ? ValueTask.CompletedTask : session.FlushAsync();

    private LaneHead HeadOf(Lane lane) => _heads.TryGetValue(lane, out var head) ? head : throw new UnknownLaneException(lane.Name);

    public EventRecord Append(Lane lane, string type, byte[] payload, string subject, Guid? orderId, Caller caller)
    {
        if (!_pending.TryGetValue(lane, out var events)) _pending[lane] = events = [];
        var record = new EventRecord(lane, events.Count + 1, ids.Next(), type, subject, orderId, Now, caller.Actor, caller.Trace, payload);
        events.Add(record);
        return record;
    }

    /// <summary>Appends an event of another history of the lane as it was there: only its position is another one.</summary>
    public EventRecord AppendAgain(EventRecord e)
    {
        if (!_pending.TryGetValue(e.Lane, out var events)) _pending[e.Lane] = events = [];
        var record = e with { Position = events.Count + 1 };
        events.Add(record);
        return record;
    }

    /// <summary>The incarnation that a lane is in.</summary>
    public async ValueTask<int> IncarnationAsync(Lane lane)
    {
        await LoadAsync();
        return HeadOf(lane).Incarnation;
    }

    public async ValueTask<long> NextNumbersAsync(string kind, Lane lane, int count)
    {
        await LoadAsync();
        var head = HeadOf(lane);
        if (!_sequences.TryGetValue((head.Id, kind), out var range))
        {
            // Each restore leaves a gap of a million, also for kinds that had no number yet when the backup was made.
            var start = head.Restores * Restore.NumberGap;
            range = (start, start);
        }
        _sequences[(head.Id, kind)] = (range.First, range.Last + count);
        return head.Ordinal * 10_000_000_000L + range.Last + 1;
    }

    public async ValueTask<T> MemoryAsync<T>(string scope) where T : class, new()
    {
        await LoadAsync();
        return memories[scope].Get<T>();
    }

    /// <summary>
    /// A command is about to decide in this scope as the node whose lane it is. When the log is written, the scope's row, which the group has locked, says whether it still is: a site may have been moved
    /// out by another process, or while the command waited.
    /// </summary>
    public void WritesAsOwner(string scope)
    {
        if (_handedOver.Contains(scope)) throw new ReplicaLaneException(scope);
        _owned.Add(scope);
    }

    /// <summary>The lane is another node's from here on: no later command of this group may decide in its scope.</summary>
    public void HandOver(Lane lane) => _handedOver.Add(lane.Scope);

    /// <summary>The position of the last event in a lane, with those that this group has appended so far.</summary>
    public async ValueTask<long> EndOfAsync(Lane lane)
    {
        await LoadAsync();
        return HeadOf(lane).Position + (_pending.TryGetValue(lane, out var events) ? events.Count : 0);
    }

    /// <summary>A replica, or a lane whose writer was restored, to be continued with groups that were written elsewhere or before.</summary>
    public async ValueTask<ReplicaGrowth> GrowAsync(Lane lane)
    {
        await LoadAsync();
        if (_imported.TryGetValue(lane, out var growth)) return growth;
        var head = HeadOf(lane);
        if (!head.IsReplica && !head.IsHeld) throw new InvalidOperationException($"{lane} is written by this node and takes nothing over");
        return _imported[lane] = new ReplicaGrowth(head);
    }

    /// <summary>Lets the numbers of a lane go on behind those of all incarnations before this one: the same backup may have been restored before.</summary>
    public async ValueTask RaiseNumbersAsync(Lane lane, int incarnation)
    {
        await LoadAsync();
        var (id, least) = (HeadOf(lane).Id, (incarnation - 1 - HeadOf(lane).Moves) * Restore.NumberGap);
        foreach (var (key, range) in _sequences.Where(s => s.Key.LaneId == id && s.Value.Last < least).ToArray()) _sequences[key] = (range.First, least);
    }

    /// <summary>A held lane goes on, in a new incarnation.</summary>
    /// <param name="by">How much higher than the one before.</param>
    /// <returns>The incarnation.</returns>
    public async ValueTask<int> ReopenAsync(Lane lane, int by)
    {
        await LoadAsync();
        var head = HeadOf(lane);
        await session.WriteAsync("UPDATE lanes SET incarnation = incarnation + @by, held = 0 WHERE id = @id", new { id = head.Id, by });
        _heads[lane] = new LaneHead(lane, head.Id, head.Ordinal, head.Incarnation + by, head.Position, head.Hash, isReplica: false, isHeld: false, head.Moves);
        await RaiseNumbersAsync(lane, head.Incarnation + by);
        return head.Incarnation + by;
    }

    /// <param name="replica">Another node writes it: it is a scope of its own here, whatever it is there.</param>
    public async ValueTask OpenLaneAsync(Lane lane, int ordinal, bool replica = false)
    {
        var id = LaneTable.IdOf(lane, ordinal);
        var hash = LaneTable.FirstHash(lane, 1);
        await session.ExecuteAsync("""
            INSERT INTO lanes (id, name, scope, ordinal, incarnation, head_position, head_hash, opened_at, replica)
            VALUES (@id, @name, @scope, @ordinal, 1, 0, @hash, @now, @replica) ON CONFLICT (id) DO NOTHING
            """, new { id, name = lane.Name, scope = replica ? lane.Name : lane.Scope, ordinal, hash, now = Now, replica = replica ? 1 : 0 });
        _heads.TryAdd(lane, new LaneHead(lane, id, ordinal, 1, 0, hash, replica, isHeld: false));
    }

    public async ValueTask<long> SettledHeadAsync(Lane lane)
    {
        await LoadAsync();
        return _heads.TryGetValue(lane, out var head) && !_pending.ContainsKey(lane) ? head.Position : -1;
    }

    public async ValueTask<long> SettledNumberAsync(string kind, Lane lane)
    {
        await LoadAsync();
        return !_sequences.TryGetValue((HeadOf(lane).Id, kind), out var range) ? 0 : range.First == range.Last ? range.Last : -1;
    }

    public void OnCommitted(Action action) => _committed.Add(action);
    public void Remember(Action action) => _remembered.Add(action);

    /// <summary>Changes what the writer remembers to what is true after this group, once.</summary>
    public void BeRemembered()
    {
        foreach (var action in _remembered) action();
        _remembered.Clear();
    }

    public void Announce(string topic) => (Topics ??= new HashSet<string>(StringComparer.Ordinal)).Add(topic);

    /// <summary>Writes the events, their groups with the chained hash, the heads and the numbers: the last statements before the commit.</summary>
    public async ValueTask WriteLogAsync()
    {
        await LoadAsync();
        foreach (var scope in _scopes)
            if (HeadOf(new Lane(scope)).IsReplica && _owned.Contains(scope)) throw new ReplicaLaneException(scope);
        await WriteEventsAsync();
        foreach (var growth in _imported.Values)
            if (growth.Events.Count > 0) await growth.WriteHeadAsync(session);
        var taken = _sequences.Where(s => s.Value.First != s.Value.Last).ToList(); // the others were read, not used
        await session.UpsertAsync("lane_sequences", "lane_id, kind", "last = excluded.last", taken.Count,
            Column.From("lane_id", taken, s => s.Key.LaneId), Column.From("kind", taken, s => s.Key.Kind), Column.From("last", taken, s => s.Value.Last));
    }

    /// <summary>All lanes together: a statement each would cost more than its rows.</summary>
    private async ValueTask WriteEventsAsync()
    {
        var groups = new List<NewGroup>(_pending.Count);
        foreach (var (lane, events) in _pending)
        {
            var head = HeadOf(lane);
            // The last guard: whoever gave the command should have known. Two histories of one lane could never be joined again.
            if (head.IsReplica) throw new ReplicaLaneException(lane.Name);
            if (head.IsHeld) throw new LaneHeldException(lane.Name);
            foreach (var e in events) e.Position += head.Position;
            var hash = LaneTable.GroupHash(head.Hash, head.Incarnation, events);
            groups.Add(new NewGroup(head.Id, head.Position + 1, head.Incarnation, hash, events));
            _after[lane] = head.Behind(events.Count, hash);
        }
        await LaneTable.InsertAsync(session, groups);
        await session.UpdateAsync("lanes", "head_position = k.last, head_hash = k.hash", groups.Count, [Column.From("id", groups, g => g.LaneId)],
            Column.From("last", groups, g => g.First + g.Events.Count - 1), Column.From("hash", groups, g => g.Hash));
    }
}

/// <summary>Where a lane stands, and what this group adds to it.</summary>
/// <param name="moves">How many of its incarnations were opened by a move to another node.</param>
internal sealed class LaneHead(Lane lane, int id, int ordinal, int incarnation, long position, byte[] hash, bool isReplica, bool isHeld, int moves = 0)
{
    public Lane Lane => lane;
    public int Id => id;
    public int Ordinal => ordinal;
    public int Incarnation => incarnation;
    public long Position => position;
    public byte[] Hash => hash;
    public int Moves => moves;

    /// <summary>How often its writer may have forgotten numbers that it gave out. A move forgets none.</summary>
    public int Restores => incarnation - 1 - moves;

    /// <summary>Another node writes the lane.</summary>
    public bool IsReplica => isReplica;

    /// <summary>It waits for its repair after a restore: nothing new is written.</summary>
    public bool IsHeld => isHeld;

    /// <summary>Where the lane stands behind so many more events.</summary>
    public LaneHead Behind(int events, byte[] hash) => new(lane, id, ordinal, incarnation, position + events, hash, isReplica, isHeld, moves);
}

/// <summary>A group to be written: its events, the position of the first, and the hash that chains it to the one before.</summary>
internal sealed record NewGroup(int LaneId, long First, int Incarnation, byte[] Hash, IReadOnlyList<EventRecord> Events);

/// <summary>The lane is not in this node's database: an unknown site, or one that has moved out.</summary>
public sealed class UnknownLaneException(string lane) : Exception($"there is no lane {lane} on this node");

/// <summary>How lanes are numbered and hashed.</summary>
internal static class LaneTable
{
    /// <summary>hub is 1, hub/all 2; the two lanes of the site with ordinal n are 2n+1 (from the hub) and 2n+2 (from the site).</summary>
    public static int IdOf(Lane lane, int ordinal) =>
        lane == Lane.Hub ? 1 : lane == Lane.HubAll ? 2 : lane.Scope == "hub" ? 2 * ordinal + 1 : 2 * ordinal + 2;

    /// <summary>What the first group of a lane's incarnation chains to.</summary>
    public static byte[] FirstHash(Lane lane, int incarnation) => SHA256.HashData(Encoding.UTF8.GetBytes($"stowline lane {lane.Name} {incarnation}"));

    /// <summary>Writes groups and their events, whose positions are final.</summary>
    public static async ValueTask InsertAsync(SqlSession session, IReadOnlyList<NewGroup> groups)
    {
        var events = groups.SelectMany(g => g.Events.Select(e => (Lane: g.LaneId, Event: e))).ToList();
        await session.InsertAsync("events", events.Count,
            Column.From("lane_id", events, e => e.Lane),
            Column.From("position", events, e => e.Event.Position),
            Column.From("id", events, e => e.Event.Id),
            Column.From("type", events, e => e.Event.Type),
            Column.From("subject", events, e => e.Event.Subject),
            Column.From("order_id", events, e => e.Event.OrderId),
            Column.From("at", events, e => e.Event.At),
            Column.From("actor", events, e => e.Event.Actor),
            Column.From("trace", events, e => e.Event.Trace),
            Column.From("payload", events, e => e.Event.Payload));
        await session.InsertAsync("event_groups", groups.Count,
            Column.From("lane_id", groups, g => g.LaneId), Column.From("first_position", groups, g => g.First), Column.From("count", groups, g => g.Events.Count),
            Column.From("incarnation", groups, g => g.Incarnation), Column.From("hash", groups, g => g.Hash));
    }

    /// <summary>SHA-256 over the previous hash and every stored byte of the group's events, each field with its length before it.</summary>
    public static byte[] GroupHash(byte[] previous, int incarnation, IReadOnlyList<EventRecord> events)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[16];
        sha.AppendData(previous);
        BinaryPrimitives.WriteInt32BigEndian(head, incarnation);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], events.Count);
        sha.AppendData(head[..8]);
        Span<byte> buffer = stackalloc byte[512];
        foreach (var e in events)
        {
            BinaryPrimitives.WriteInt64BigEndian(head, e.Position);
            BinaryPrimitives.WriteInt64BigEndian(head[8..], e.At.UtcTicks / 10);
            sha.AppendData(head);
            e.Id.TryWriteBytes(head, bigEndian: true, out _);
            sha.AppendData(head);
            if (e.OrderId is { } order) order.TryWriteBytes(head, bigEndian: true, out _);
            else head.Clear();
            sha.AppendData(head);
            Text(sha, e.Type, buffer);
            Text(sha, e.Subject, buffer);
            Text(sha, e.Actor, buffer);
            Text(sha, e.Trace ?? "", buffer);
            BinaryPrimitives.WriteInt32BigEndian(head, e.Payload.Length);
            sha.AppendData(head[..4]);
            sha.AppendData(e.Payload);
        }
        return sha.GetHashAndReset();
    }

    private static void Text(IncrementalHash sha, string text, Span<byte> buffer)
    {
        var bytes = Encoding.UTF8.GetMaxByteCount(text.Length) + 4 <= buffer.Length ? buffer : new byte[Encoding.UTF8.GetMaxByteCount(text.Length) + 4];
        var length = Encoding.UTF8.GetBytes(text, bytes[4..]);
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        sha.AppendData(bytes[..(length + 4)]);
    }
}
