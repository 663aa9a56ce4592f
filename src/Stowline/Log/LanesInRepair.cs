using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>What stands still after a restore, and how it goes on (<see cref="Repairs"/>).</summary>
public sealed partial class Lanes
{
    private volatile RepairsNow _repairs = new([], []);
    private volatile IReadOnlyDictionary<string, GiveUpState> _givenUp = new Dictionary<string, GiveUpState>();

    /// <param name="Held">Scopes in which nothing is decided.</param>
    /// <param name="Excluded">Sites that the hub goes on without.</param>
    private sealed record RepairsNow(HashSet<string> Held, HashSet<string> Excluded);

    /// <summary>Whether nothing may be decided in this lane's scope: the node was restored, and what others know of its lanes is not all here yet.</summary>
    public bool IsInRepair(Lane lane) => _repairs.Held.Contains(lane.Scope);

    /// <summary>Whether a hub that was restored goes on without this site: nothing is promised from there.</summary>
    public bool IsExcluded(string site) => _repairs.Excluded.Contains(site);

    /// <summary>Sites that an operator has given up, and how far they are; as this process knows it.</summary>
    public IReadOnlyDictionary<string, GiveUpState> GivenUp => _givenUp;

    /// <summary>Whether nothing may be promised from this site for now: it is excluded, or was given up.</summary>
    public bool IsShut(string site) => IsExcluded(site) || _givenUp.ContainsKey(site);

    /// <param name="state">Null: it is not given up any more.</param>
    internal void IsGivenUpNow(string site, GiveUpState? state)
    {
        lock (_gate)
        {
            var now = new Dictionary<string, GiveUpState>(_givenUp, StringComparer.Ordinal);
            if (state is { } known) now[site] = known;
            else now.Remove(site);
            _givenUp = now;
        }
    }

    /// <summary>503 <c>restored</c> while <see cref="IsInRepair"/>; else null.</summary>
    public Refusal? RefuseInRepair(Lane lane) => !IsInRepair(lane) ? null
        : Refusal.Unavailable("restored", "this node was restored from a backup and waits for what others know of it; see GET /api/v1/links", 5);

    /// <summary>How the modules bring back what a restore has lost.</summary>
    internal IRecovery Recovery { get; set; } = null!;

    internal async Task LookForRepairsAsync(CancellationToken ct)
    {
        var (held, all, givenUp) = await Database.ReadAsync(async session => (await Repairs.HeldScopesAsync(session), await Repairs.AllAsync(session), await GivenUpSites.AllAsync(session)), ct);
        _givenUp = givenUp.ToDictionary(g => g.Site, g => g.State, StringComparer.Ordinal);
        _repairs = new RepairsNow(held.ToHashSet(StringComparer.Ordinal), all.Where(r => r.State == RepairState.Excluded).Select(r => r.Site).ToHashSet(StringComparer.Ordinal));
        foreach (var waiting in Progress) waiting.Wake();
    }

    /// <summary>Holds the lanes that are copied over a site's link: the copy knows more than this node does, so its database is an older one.</summary>
    internal async Task HoldAsync(Lane home, string site)
    {
        await ExecuteInternallyAsync<Done>(home.Scope, home, async tx =>
        {
            await Repairs.HoldAsync(tx.Group.Session, site, tx.Now);
            await Repairs.JumpAsync(tx.Group.Session);
            tx.Announce(Repairs.Topic);
            return new Done();
        });
        await LookForRepairsAsync(default);
    }

    /// <summary>Takes groups of a held lane back from a copy. Durable when it completes.</summary>
    internal Task<ImportResult> TakeBackAsync(Lane lane, string site, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys) =>
        ExecuteInternallyAsync<ImportResult>(lane.Scope, lane, async tx => await Repairs.TakeBackAsync(tx, lane, site, groups, keys, Recovery));

    /// <summary>The other side of a site's link has nothing more to give back.</summary>
    internal async Task HeardAsync(Lane home, string site, IReadOnlyList<LostEvents> lost)
    {
        await ExecuteInternallyAsync<Done>(home.Scope, home, tx => Repairs.HeardAsync(tx, site, lost, Recovery));
        await LookForRepairsAsync(default);
    }

    /// <summary>An operator's word on the repair of a site's link; see <see cref="Repairs.ConfirmAsync"/>.</summary>
    public async Task<Outcome<Repair>> ConfirmRepairAsync(NodeRole role, string site, bool exclude, Caller caller, CancellationToken ct = default) =>
        (await ConfirmRepairAsync(role, site, exclude, caller, render: null, ct)).Outcome;

    /// <summary>As above, with the answer rendered inside the transaction where the caller gave an idempotency key.</summary>
    public async Task<CommandResult<Repair>> ConfirmRepairAsync(NodeRole role, string site, bool exclude, Caller caller, Func<Outcome<Repair>, StoredAnswer?>? render, CancellationToken ct)
    {
        // Not waiting for consumers: they go on only when this process knows that the repair is over.
        var command = new PendingCommand<Repair>(role.Home, caller, tx => Repairs.ConfirmAsync(tx, site, exclude, role, Recovery), render);
        var result = await SubmitAsync(command, hops: 0, ct, alsoInRepair: true);
        await LookForRepairsAsync(ct);
        return result;
    }

    /// <summary>
    /// As <see cref="ExecuteAsync{T}(Lane,Caller,Func{LaneTransaction,ValueTask{Outcome{T}}},CancellationToken)"/>, for what somebody must be able to do while the node waits for its repair,
    /// such as making and revoking keys. All else is refused before it is decided: it would be decided, or answered as done already or not found, by what the backup knew.
    /// </summary>
    public async Task<Outcome<T>> ExecuteInRepairAsync<T>(Lane lane, Caller caller, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, CancellationToken ct = default) =>
        (await SubmitAsync(new PendingCommand<T>(lane, caller, decide, render: null), hops: 1, ct, alsoInRepair: true)).Outcome;
}
