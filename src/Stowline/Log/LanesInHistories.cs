using Stowline.Kernel;

namespace Stowline.Log;

/// <summary>Lanes of which there were two histories (decision 0029).</summary>
public sealed partial class Lanes
{
    private volatile IReadOnlyDictionary<string, int> _histories = new Dictionary<string, int>();

    /// <summary>How many old ends of a lane are kept here: each time one more, the lane was set back.</summary>
    internal int HistoriesOf(Lane lane) => _histories.GetValueOrDefault(lane.Name);

    /// <summary>Takes groups of another history of a lane into it, as <see cref="HistoryJoin.TakeAsync"/>. Durable when it completes.</summary>
    /// <returns>Why it cannot be done; null when it is.</returns>
    internal Task<string?> JoinAsync(LanePoint fork, string site, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys)
    {
        var lane = new Lane(fork.Name);
        return TryInternallyAsync(lane.Scope, lane, tx => HistoryJoin.TakeAsync(tx, fork, site, groups, keys, Recovery));
    }

    /// <summary>Tells in the lane <paramref name="home"/> that all that the copies at a site knew more is in the lanes.</summary>
    internal Task TellAsync<T>(Lane home, T told, string subject) where T : IEvent => ExecuteInternallyAsync<Done>(home.Scope, home, tx =>
    {
        tx.Append(home, told, subject);
        return ValueTask.FromResult<Outcome<Done>>(new Done());
    });

    /// <summary>Whether all consumers of a lane are known to have read it up to a position.</summary>
    internal bool IsReadUpTo(Lane lane, long position) => !_progress.TryGetValue(lane, out var consumers) || Array.TrueForAll(consumers, c => c.IsKnown && c.Position >= position);

    /// <summary>Sets a copy back to where its writer's history and the one here part, as <see cref="LaneHistories.SetBackAsync"/>.</summary>
    /// <returns>Why it cannot be done; null when it is.</returns>
    internal async Task<string?> SetBackAsync(LanePoint fork)
    {
        var problem = await TryInternallyAsync(fork.Name, new Lane(fork.Name), tx => LaneHistories.SetBackAsync(tx, fork));
        if (problem is null) await LookForHistoriesAsync(default);
        return problem;
    }

    /// <summary>How far another history of a copy has come, as <see cref="ComingHistory.BeginAsync"/>.</summary>
    internal async Task<(LanePoint? At, Refusal? Refusal)> ExpectAsync(LanePoint fork, LanePoint head)
    {
        LanePoint? at = null;
        var refusal = await RefusalOfAsync(fork.Name, new Lane(fork.Name), async tx =>
        {
            var begun = await ComingHistory.BeginAsync(tx, fork, head);
            at = begun.IsOk ? begun.Value : null;
            return begun.Map(_ => new Done());
        });
        return (at, refusal);
    }

    /// <summary>Keeps more of it, as <see cref="ComingHistory.KeepAsync"/>. Durable when it completes.</summary>
    internal Task<Refusal?> KeepComingAsync(LanePoint fork, LanePoint at, IReadOnlyList<LaneGroup> groups, IReadOnlyList<PersonKey> keys) =>
        RefusalOfAsync(fork.Name, new Lane(fork.Name), tx => ComingHistory.KeepAsync(tx, fork, at, groups, keys));

    /// <summary>Forgets what has come of it.</summary>
    internal Task ForgetComingAsync(LanePoint fork) => RefusalOfAsync(fork.Name, new Lane(fork.Name), async tx =>
    {
        await ComingHistory.ForgetAsync(tx, fork.Name);
        return new Done();
    });

    /// <summary>Takes what has come over instead of the old end, as <see cref="ComingHistory.FollowAsync"/>.</summary>
    internal async Task<Refusal?> FollowAsync(LanePoint fork, LanePoint last, long given)
    {
        var problem = await RefusalOfAsync(fork.Name, new Lane(fork.Name), tx => ComingHistory.FollowAsync(tx, fork, last, given));
        if (problem is null) await LookForHistoriesAsync(default);
        return problem;
    }

    private async Task<string?> TryInternallyAsync(string scope, Lane lane, Func<LaneTransaction, ValueTask<Outcome<Done>>> decide) => (await RefusalOfAsync(scope, lane, decide))?.Detail;

    /// <summary>What was refused is an answer here, not an error; refusals come before anything is written.</summary>
    private async Task<Refusal?> RefusalOfAsync(string scope, Lane lane, Func<LaneTransaction, ValueTask<Outcome<Done>>> decide)
    {
        Refusal? refusal = null;
        await ExecuteInternallyAsync<Done>(scope, lane, async tx =>
        {
            refusal = (await decide(tx)).Refusal;
            return new Done();
        });
        return refusal;
    }

    /// <summary>Reads again which lanes were set back, and forgets what is remembered of those that have been since.</summary>
    internal async Task LookForHistoriesAsync(CancellationToken ct)
    {
        var all = await Database.ReadAsync(async session => await LaneHistories.AllAsync(session), ct);
        lock (_gate)
        {
            var now = new Dictionary<string, int>(_histories, StringComparer.Ordinal);
            foreach (var last in all.GroupBy(h => h.Lane, StringComparer.Ordinal).Select(g => g.Last()).Where(h => h.History > now.GetValueOrDefault(h.Lane)))
            {
                var lane = new Lane(last.Lane);
                now[last.Lane] = last.History;
                _tails.TryRemove(lane, out _);
                if (!_progress.TryGetValue(lane, out var consumers)) continue;
                foreach (var consumer in consumers) consumer.SetBackTo(last.ForkPosition);
            }
            _histories = now; // at last: a consumer that sees it reads on
        }
    }
}
