using System.Collections.Concurrent;
using System.Globalization;
using Stowline.Store;

namespace Stowline.Hub.Access;

/// <summary>Whether a request may go on, and what its caller is told of the limits.</summary>
/// <param name="State">The header <c>RateLimit</c>, a list of structured fields: <c>"default";r=59999;t=42</c>, that is requests left and seconds until there are all again.</param>
/// <param name="Broken">The limit that is used up; null where the request may go on.</param>
/// <param name="RetryAfterSeconds">When there are requests again; 0 where there are.</param>
public readonly record struct RateAnswer(string State, RateLimit? Broken, long RetryAfterSeconds);

/// <summary>
/// Who has called how often (H7): the budgets of all callers of the present windows. Processes on one PostgreSQL share them (docs/decisions/0031-rate-limits.md); a process that is alone
/// keeps them in memory, except those whose windows are so long that a restart must not renew them.
/// </summary>
public sealed class RateBudgets(Database database) : IAsyncDisposable
{
    /// <summary>A window up to this long may begin anew with the process, where the process is the only one.</summary>
    private const int ShortSeconds = 3600;

    /// <summary>Callers that are told apart at once. Beyond it are only strangers by the ten thousands, and they share one budget.</summary>
    private const int MostCallers = 100_000;

    /// <summary>How long a request waits for the database before it goes on by credit.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a database that is away is left alone.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private sealed record Holder(RateTier Tier, RateBudget[] Budgets);

    private sealed record Row
    {
        public long EndsAt { get; init; }
        public long Taken { get; init; }
    }

    private readonly ConcurrentDictionary<string, Holder> _holders = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(1);
    private SqlSession? _session;
    private long _leaveUntil; // a timestamp

    private long Now => database.Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Called when the database was not asked in time and a request goes on by credit.</summary>
    public Action OnCredit { get; set; } = () => { };

    /// <summary>Takes the place of one request in every limit of the caller's tier, or in none.</summary>
    /// <param name="caller">Who it is: a key or an address.</param>
    public async ValueTask<RateAnswer> TakeAsync(string caller, RateTier tier)
    {
        var budgets = Of(caller, tier).Budgets;
        for (var i = 0; i < budgets.Length; i++)
        {
            if (await TakeAsync(caller, budgets[i])) continue;
            for (var before = 0; before < i; before++) budgets[before].GiveBack();
            return new RateAnswer(Tell(budgets), budgets[i].Limit, budgets[i].Read(Now).Seconds);
        }
        return new RateAnswer(Tell(budgets), null, 0);
    }

    private Holder Of(string caller, RateTier tier)
    {
        if (_holders.TryGetValue(caller, out var known) && known.Tier == tier) return known;
        if (known is null && _holders.Count >= MostCallers) caller = tier.Name;
        // Two requests that come first at the same time must find the same budgets. A key of another tier than before begins anew with it.
        return _holders.AddOrUpdate(caller, static (_, made) => made, static (_, old, made) => old.Tier == made.Tier ? old : made,
            new Holder(tier, [.. tier.Limits.Select(l => new RateBudget(l, !database.SingleWriter || l.Seconds > ShortSeconds))]));
    }

    private async ValueTask<bool> TakeAsync(string caller, RateBudget budget)
    {
        while (true)
        {
            switch (budget.Take(Now))
            {
                case RateBudget.Verdict.Granted: return true;
                case RateBudget.Verdict.UsedUp: return false;
                case RateBudget.Verdict.AskFirst: break;
            }
            try
            {
                await budget.AskAsync(() => AskAsync(caller, budget)).WaitAsync(Patience, database.Time);
            }
            catch (TimeoutException)
            {
                Lend(budget);
            }
        }
    }

    private void Lend(RateBudget budget)
    {
        budget.Lend(Now);
        OnCredit();
    }

    private async Task AskAsync(string caller, RateBudget budget)
    {
        if (database.Time.GetTimestamp() < Volatile.Read(ref _leaveUntil))
        {
            Lend(budget);
            return;
        }
        var portion = budget.Next(Now);
        try
        {
            var row = await AddAsync(caller, budget.Limit.Seconds, portion);
            budget.Settle(portion, row.EndsAt, row.Taken);
        }
        catch (Exception e) when (database.IsInfrastructure(e))
        {
            Volatile.Write(ref _leaveUntil, database.Time.GetTimestamp() + (long)(Pause.TotalSeconds * database.Time.TimestampFrequency));
            Lend(budget);
        }
    }

    /// <summary>
    /// Adds to what is taken of a window, and begins it where there is none. A row whose window is over, or ends later than the next one would, which only a wrong clock can have
    /// written, begins anew.
    /// </summary>
    private Task<Row> AddAsync(string caller, int seconds, RateBudget.Portion portion) => OnSessionAsync(async session => (await session.FindAsync<Row>("""
        INSERT INTO access_budgets (caller, seconds, ends_at, taken) VALUES (@caller, @seconds, @ends, @units)
        ON CONFLICT (caller, seconds) DO UPDATE SET
            taken = excluded.taken + CASE WHEN access_budgets.ends_at BETWEEN excluded.ends_at AND excluded.ends_at + excluded.seconds THEN access_budgets.taken ELSE 0 END,
            ends_at = CASE WHEN access_budgets.ends_at BETWEEN excluded.ends_at AND excluded.ends_at + excluded.seconds THEN access_budgets.ends_at ELSE excluded.ends_at END
        RETURNING ends_at, taken
        """, new { caller, seconds, ends = portion.Ends, units = portion.Units + portion.Owed }))!);

    /// <summary>A session of its own, because budgets must not wait behind the commands that they are to limit. One at a time: strangers must not take all connections.</summary>
    private async Task<T> OnSessionAsync<T>(Func<SqlSession, Task<T>> run)
    {
        await _gate.WaitAsync();
        try
        {
            _session ??= await database.OpenAsync(readOnly: false, default);
            return await run(_session);
        }
        catch
        {
            if (_session is { } broken) await broken.DiscardAsync();
            _session = null;
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    private string Tell(RateBudget[] budgets)
    {
        var now = Now;
        return string.Join(", ", budgets.Select(b =>
        {
            var (remaining, seconds) = b.Read(now);
            return string.Create(CultureInfo.InvariantCulture, $"\"{b.Limit.Name}\";r={remaining};t={seconds}");
        }));
    }

    /// <summary>Forgets windows that are over.</summary>
    internal async Task SweepAsync(CancellationToken ct)
    {
        var now = Now;
        foreach (var (caller, holder) in _holders)
            if (holder.Budgets.All(b => b.IsOver(now))) _holders.TryRemove(caller, out _);
        // A minute later: another process's clock may be behind. Looking costs the writer nothing.
        var before = now - 60;
        if (await database.ReadAsync(async s => await s.FindAsync<long?>("SELECT ends_at FROM access_budgets WHERE ends_at < @before LIMIT 1", new { before }), ct) is null) return;
        await OnSessionAsync(async s => await s.ExecuteAsync("DELETE FROM access_budgets WHERE ends_at < @before", new { before }));
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync(); // whoever asks now is answered first
        if (_session is { } session) await session.DisposeAsync();
        _session = null;
        _gate.Release();
    }
}

/// <summary>Forgets the budgets of windows that are over, so that strangers' addresses are kept for minutes and not for ever.</summary>
public sealed class RateSweep(RateBudgets budgets) : Log.Pump, IAsyncDisposable
{
    public override string Name => "rate limits";
    public override TimeSpan Idle => TimeSpan.FromMinutes(1);

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        await budgets.SweepAsync(ct);
        return false;
    }

    public ValueTask DisposeAsync() => budgets.DisposeAsync();
}
