using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Log;

/// <summary>How far the repair after a restore has come, over one link. Stored: append, never renumber.</summary>
public enum RepairState
{
    /// <summary>The other side has not shown what it has.</summary>
    Waiting = 1,

    /// <summary>What it had is here again. An operator may look at what was lost, and confirm.</summary>
    Heard = 2,

    /// <summary>An operator has confirmed; other sites are still waited for.</summary>
    Confirmed = 3,

    /// <summary>An operator does not wait for this site. Nothing is promised from it until it has been heard.</summary>
    Excluded = 4,
}

/// <summary>Events that are known to have been written and that nobody has: from the first position to the last.</summary>
public sealed record LostEvents(string Lane, long First, long Last);

/// <summary>A repair as it stands.</summary>
/// <param name="TakenBack">Events that came back from the other side.</param>
/// <param name="Unapplied">Types of events that came back but could not be brought into the tables, with how many: somebody must look at what they tell of.</param>
public sealed record Repair(string Site, RepairState State, DateTimeOffset BackupAt, long TakenBack, IReadOnlyList<LostEvents> Lost, IReadOnlyDictionary<string, long> Unapplied);

/// <summary>A lane that waits for its repair takes no events.</summary>
public sealed class LaneHeldException(string lane) : Exception($"{lane} waits until what its copies have of it has been taken back after a restore");

/// <summary>
/// After a restore the database is older than what others know of its lanes. Each lane that has copies is held: nothing is written to it until the copies have given back
/// what is missing here, in the very groups that were lost, so that the lane goes on where it stood and no copy ever has another history. Then an operator sees what nobody has,
/// confirms, and the lanes go on in a new incarnation (decision 0018).
/// </summary>
public static class Repairs
{
    public const string Topic = "repairs";

    private sealed record Row
    {
        public string Site { get; init; } = "";
        public RepairState State { get; init; }
        public DateTimeOffset BackupAt { get; init; }
        public long TakenBack { get; init; }
        public string Lost { get; init; } = "[]";
        public string Unapplied { get; init; } = "{}";

        public Repair Repair => new(Site, State, BackupAt, TakenBack, JsonSerializer.Deserialize(Lost, RepairsJson.Default.IReadOnlyListLostEvents) ?? [],
            JsonSerializer.Deserialize(Unapplied, RepairsJson.Default.DictionaryStringInt64) ?? []);
    }

    private sealed record HeldLane { public string Name { get; init; } = ""; public int Incarnation { get; init; } }

    private const string Columns = "site, state, backup_at, taken_back, lost, unapplied";

    /// <summary>The repairs that are under way, and sites that were excluded from one, by site.</summary>
    public static async Task<IReadOnlyList<Repair>> AllAsync(SqlSession session) =>
        [.. (await session.QueryAsync<Row>($"SELECT {Columns} FROM lane_repairs ORDER BY site")).Select(r => r.Repair)];

    /// <summary>The scopes in which a lane is held.</summary>
    internal static ValueTask<IReadOnlyList<string>> HeldScopesAsync(SqlSession session) => session.QueryAsync<string>("SELECT DISTINCT scope FROM lanes WHERE held = 1");

    /// <summary>The links over which a node's own lanes are copied, by site.</summary>
    internal static async Task<IReadOnlyList<string>> LinksAsync(SqlSession session) => (await NodeRole.OfAsync(session))?.Site is { } own ? [own]
        : [.. (await Replicas.NamesAsync(session)).Where(n => n.StartsWith("site/", StringComparison.Ordinal)).Select(n => n["site/".Length..])];

    /// <summary>Holds the lanes of this node that are copied over a site's link.</summary>
    internal static async Task HoldAsync(SqlSession session, string site, DateTimeOffset backupAt)
    {
        await session.ExecuteAsync("UPDATE lanes SET held = 1 WHERE replica = 0 AND name IN (@all, @to, @from)",
            new { all = Lane.HubAll.Name, to = Lane.HubTo(site).Name, from = Lane.Site(site).Name });
        await session.ExecuteAsync("""
            INSERT INTO lane_repairs (site, state, backup_at, taken_back, lost, unapplied) VALUES (@site, @state, @backupAt, 0, '[]', @none)
            ON CONFLICT (site) DO UPDATE SET state = excluded.state, backup_at = excluded.backup_at, taken_back = 0, lost = excluded.lost, unapplied = excluded.unapplied
            """, new { site, state = RepairState.Waiting, backupAt, none = "{}" });
    }

    /// <summary>Numbers jump ahead, so that none that was given out after the backup is ever given out again.</summary>
    internal static Task JumpAsync(SqlSession session) => session.ExecuteAsync("UPDATE lane_sequences SET last = last + @gap", new { gap = Restore.NumberGap }).AsTask();

    /// <summary>
    /// Takes back groups of a held lane, and lets the modules bring what they tell into their tables, in one transaction: log and tables never
    /// tell two stories.
    /// </summary>
    internal static async ValueTask<ImportResult> TakeBackAsync(LaneTransaction tx, Lane lane, string site, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys, IRecovery recovery)
    {
        var growth = await tx.Group.GrowAsync(lane);
        var known = growth.Events.Count;
        var taken = await Replicas.ImportAsync(tx, lane, groups, keys);
        var events = growth.Events.GetRange(known, growth.Events.Count - known);
        if (events.Count == 0) return taken;
        await HistoryJoin.RememberAsync(tx, events);
        await recovery.RecoverAsync(site, events, tx);
        var unapplied = events.Where(e => !recovery.Recovers(e.Type)).GroupBy(e => e.Type, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.LongCount(), StringComparer.Ordinal);
        if (await tx.FindAsync<Row>($"SELECT {Columns} FROM lane_repairs WHERE site = @site", new { site }) is not { } row) return taken;
        foreach (var (type, count) in row.Repair.Unapplied) unapplied[type] = unapplied.GetValueOrDefault(type) + count;
        await tx.WriteAsync("UPDATE lane_repairs SET taken_back = taken_back + @count, unapplied = @unapplied WHERE site = @site",
            new { site, count = events.Count, unapplied = JsonSerializer.Serialize(unapplied, RepairsJson.Default.DictionaryStringInt64) });
        return taken;
    }

    /// <summary>The other side has given back all that it has.</summary>
    internal static async ValueTask<Outcome<Done>> HeardAsync(LaneTransaction tx, string site, IReadOnlyList<LostEvents> lost, IRecovery recovery)
    {
        if (await FindAsync(tx, site) is not { State: not RepairState.Confirmed } repair) return Outcome<Done>.AlreadyDone(new Done());
        await recovery.FinishAsync(site, tx);
        if (repair.State == RepairState.Heard) return new Done(); // what was on its way when it was heard has come since
        if (repair.State == RepairState.Excluded && await tx.FindAsync<string>("SELECT name FROM lanes WHERE held = 1 LIMIT 1") is null)
        {
            // It came when nobody waited for it any more. What it had is here by now, joined with what has happened since.
            await recovery.JoinedAsync(site, tx);
            await tx.WriteAsync("DELETE FROM lane_repairs WHERE site = @site", new { site });
            tx.Announce(Topic);
            return new Done();
        }
        await tx.WriteAsync("UPDATE lane_repairs SET state = @state, lost = @lost WHERE site = @site",
            new { site, state = RepairState.Heard, lost = JsonSerializer.Serialize(lost, RepairsJson.Default.IReadOnlyListLostEvents) });
        return new Done();
    }

    private static async ValueTask<Repair?> FindAsync(LaneTransaction tx, string site) =>
        (await tx.FindAsync<Row>($"SELECT {Columns} FROM lane_repairs WHERE site = @site", new { site }))?.Repair;

    /// <summary>
    /// An operator's word: go on with what is here. Once it has been said for each site, the lanes go on. Refusals: <c>nothing_to_repair</c>, <c>not_heard</c> while the
    /// other side has not shown what it has.
    /// </summary>
    /// <param name="exclude">Do not wait for this site. What it alone has stays out, and nothing is promised from it before it has been heard.</param>
    internal static async ValueTask<Outcome<Repair>> ConfirmAsync(LaneTransaction tx, string site, bool exclude, NodeRole role, IRecovery recovery)
    {
        if (await FindAsync(tx, site) is not { } repair) return Refusal.NotFound("nothing_to_repair", $"no repair of {site} waits for anybody here");
        if (exclude && !role.IsHub) return Refusal.Conflict("hub_not_heard", "a site cannot go on without its hub's copy of what it has done: it would be done twice");
        if (repair.State == RepairState.Waiting && !exclude)
            return Refusal.Conflict("not_heard", $"the other side of the link of {site} has not yet given back what it has; wait until it is connected{(role.IsHub ? ", or exclude the site" : "")}");
        if (exclude && repair.State == RepairState.Heard) exclude = false; // nothing is left to wait for
        var next = exclude ? RepairState.Excluded : repair.State == RepairState.Excluded ? RepairState.Excluded : RepairState.Confirmed;
        await tx.WriteAsync("UPDATE lane_repairs SET state = @next WHERE site = @site", new { site, next });
        var open = await tx.FindAsync<long>("SELECT COUNT(*) FROM lane_repairs WHERE state IN (@waiting, @heard)", new { waiting = RepairState.Waiting, heard = RepairState.Heard });
        if (open == 0) await GoOnAsync(tx, role, recovery);
        return repair with { State = next };
    }

    /// <summary>Opens the new incarnation of every held lane.</summary>
    private static async ValueTask GoOnAsync(LaneTransaction tx, NodeRole role, IRecovery recovery)
    {
        var repairs = (await tx.QueryAsync<Row>($"SELECT {Columns} FROM lane_repairs")).Select(r => r.Repair).ToList();
        var lost = repairs.SelectMany(r => r.Lost).Distinct().ToList();
        var incarnation = 0;
        // Who was left out may know of numbers that were given after another restore of the same backup; a step that nobody can foretell keeps clear of them.
        var step = repairs.Exists(r => r.State == RepairState.Excluded) ? 2 + (int)(tx.Group.Ids.NextDouble() * 98) : 1;
        foreach (var held in await tx.QueryAsync<HeldLane>("SELECT name, incarnation FROM lanes WHERE held = 1 ORDER BY id"))
        {
            var lane = new Lane(held.Name);
            incarnation = Math.Max(incarnation, await tx.Group.ReopenAsync(lane, step));
            tx.Append(lane, new NodeRestored(held.Incarnation, repairs.Min(r => r.BackupAt), repairs.Sum(r => r.TakenBack), [.. lost.Where(l => l.Lane == held.Name)]), "node");
        }
        await tx.Group.RaiseNumbersAsync(role.Home, incarnation);
        if (repairs.Exists(r => r.State == RepairState.Excluded)) await recovery.LeaveOutAsync(tx);
        foreach (var repair in repairs.Where(r => r.State != RepairState.Excluded || !role.IsHub)) await recovery.GoOnAsync(repair.Site, tx);
        await tx.WriteAsync("DELETE FROM lane_repairs WHERE state = @confirmed", new { confirmed = RepairState.Confirmed });
        tx.Announce(Topic);
    }
}

/// <summary>What the modules of a node do when lost events come back, and when a site has gone.</summary>
internal interface IRecovery
{
    /// <summary>Whether some module brings what events of this type tell into its tables, or has nothing to bring.</summary>
    bool Recovers(string type);

    /// <summary>Brings events into the tables: each once, in the order of their lane.</summary>
    ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx);

    /// <summary>All of them are here: what follows from them together.</summary>
    ValueTask FinishAsync(string site, LaneTransaction tx);

    /// <summary>The lanes can be written again.</summary>
    ValueTask GoOnAsync(string site, LaneTransaction tx);

    /// <summary>They can, and not every site has been heard: before <see cref="GoOnAsync"/>.</summary>
    ValueTask LeaveOutAsync(LaneTransaction tx);

    /// <summary>Why events of another history cannot be taken into this one; null when they can.</summary>
    ValueTask<string?> FindClashAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx);

    /// <summary>Brings events of another history into the tables, while the node goes on.</summary>
    ValueTask JoinAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx);

    /// <summary>All of them are here, and what the site has done since.</summary>
    ValueTask JoinedAsync(string site, LaneTransaction tx);

    /// <summary>The things of which an event says how they are from then on: a later one of its type has the last word on them.</summary>
    IEnumerable<string> Settles(EventRecord e);

    /// <summary>The node of a site that was moved out was heard: deletes what the site had here.</summary>
    ValueTask LetGoAsync(string site, LaneTransaction tx);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<LostEvents>))]
[JsonSerializable(typeof(Dictionary<string, long>))]
internal sealed partial class RepairsJson : JsonSerializerContext;
