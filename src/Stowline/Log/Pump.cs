namespace Stowline.Log;

/// <summary>
/// Work that runs by itself. One call does one bounded step and says whether there was work. The host runs pumps in loops and wakes them
/// by signal; tests and the simulator call them directly, so nothing sleeps in tests.
/// </summary>
public abstract class Pump
{
    public abstract string Name { get; }

    /// <summary>Set when there may be work; the host waits on it between steps.</summary>
    public virtual Signal Wake { get; } = new();

    /// <summary>How long the host waits for a signal before it looks by itself: the safety net, not the way of working.</summary>
    public virtual TimeSpan Idle => TimeSpan.FromSeconds(1);

    public abstract ValueTask<bool> RunOnceAsync(CancellationToken ct);

    /// <summary>It will never have work again, and its loop ends.</summary>
    public bool IsRetired { get; protected set; }

    /// <summary>What went wrong last, for the status; null while all is well.</summary>
    public string? LastError { get; internal set; }
    public DateTimeOffset? LastErrorAt { get; internal set; }
    public long Errors { get; internal set; }

    /// <summary>Since when every step has failed; null while steps succeed.</summary>
    public DateTimeOffset? FailingSince { get; internal set; }

    /// <summary>It fails without throwing, and has not said that it does no more.</summary>
    internal bool IsInTrouble { get; private set; }

    /// <summary>Nothing is thrown, since the step waits or looks again by itself, but what it works with does not answer.</summary>
    protected void SayTrouble(string why, DateTimeOffset now)
    {
        (IsInTrouble, LastError, LastErrorAt) = (true, why, now);
        FailingSince ??= now;
    }

    /// <summary>What <see cref="SayTrouble"/> said is over.</summary>
    protected void SayNoTrouble()
    {
        if (IsInTrouble) (IsInTrouble, LastError, FailingSince) = (false, null, null);
    }
}

/// <summary>Wakes one waiter. Setting it twice wakes once; setting it before the wait makes the wait return at once.</summary>
public sealed class Signal
{
    private readonly SemaphoreSlim _semaphore = new(0, 1);
    private int _set;

    public void Set()
    {
        if (Interlocked.Exchange(ref _set, 1) == 0) _semaphore.Release();
    }

    /// <summary>Takes the signal if it is set, without waiting: for whoever runs pumps without loops.</summary>
    internal bool TryTake()
    {
        if (!_semaphore.Wait(0)) return false;
        Volatile.Write(ref _set, 0);
        return true;
    }

    /// <summary>Waits for <see cref="Set"/>, at most <paramref name="timeout"/> of the injected clock.</summary>
    public async Task WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken ct)
    {
        if (Volatile.Read(ref _set) == 0)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await using var timer = time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), limit, timeout, Timeout.InfiniteTimeSpan);
            try
            {
                await _semaphore.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                return;
            }
        }
        else
        {
            await _semaphore.WaitAsync(ct);
        }
        Volatile.Write(ref _set, 0);
    }
}

/// <summary>Runs pumps in loops. A pump that throws is retried with exponential backoff and jitter and never takes the others down.</summary>
public sealed class PumpHost(TimeProvider time, Kernel.IdSource ids, Action<Pump, Exception>? onError = null) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<Pump, Task> _loops = [];
    private readonly Lock _gate = new();

    public void Start(Pump pump)
    {
        lock (_gate)
        {
            // Twice is once: a writer may announce itself at the very moment when the node starts all that it knows.
            if (_stop.IsCancellationRequested || _loops.ContainsKey(pump)) return;
            // A pump may be started from within a request, when a writer or a site comes to be. The request's trace and log scopes are not the pump's.
            if (ExecutionContext.IsFlowSuppressed()) _loops[pump] = Task.Run(() => LoopAsync(pump));
            else
                using (ExecutionContext.SuppressFlow()) _loops[pump] = Task.Run(() => LoopAsync(pump));
        }
    }

    private async Task LoopAsync(Pump pump)
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested && !pump.IsRetired)
        {
            try
            {
                var worked = await pump.RunOnceAsync(_stop.Token);
                if (failures > 0 && !pump.IsInTrouble) (pump.LastError, pump.FailingSince) = (null, null);
                failures = 0;
                if (!worked) await pump.Wake.WaitAsync(pump.Idle, time, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return; // what could not be done because everything stops is no error
            }
            catch (Exception e)
            {
                pump.LastError = e.Message;
                pump.LastErrorAt = time.GetUtcNow();
                pump.FailingSince ??= pump.LastErrorAt;
                pump.Errors++;
                onError?.Invoke(pump, e);
                await BackOffAsync(++failures);
            }
        }
    }

    /// <summary>50 ms doubling to 5 s, each between half and whole, so that many waiters do not return at the same moment.</summary>
    private async Task BackOffAsync(int failures)
    {
        var ceiling = Math.Min(5_000, 50 * Math.Pow(2, Math.Min(failures - 1, 10)));
        try
        {
            await new Signal().WaitAsync(TimeSpan.FromMilliseconds(ceiling * (0.5 + ids.NextDouble() / 2)), time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // stopping
        }
    }

    /// <summary>Stops every loop after its current step.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] loops;
        lock (_gate)
        {
            _stop.Cancel();
            loops = [.. _loops.Values];
        }
        await Task.WhenAll(loops);
    }
}
