using System.Collections.Concurrent;
using System.Diagnostics;

namespace Stowline.Bench;

/// <summary>Orders at a steady rate, whatever the answers take; <see cref="Late"/> counts those that found no caller free in time.</summary>
/// <param name="send">Sends the n-th order as one of the callers and answers the name under which it will be seen.</param>
internal sealed class SteadyOrders(int callers, int rate, Func<int, int, Task<string>> send)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);
    private readonly ConcurrentBag<int> _idle = [.. Enumerable.Range(0, callers)];
    private int _next;

    /// <summary>Name → when its answer had been read.</summary>
    public ConcurrentDictionary<string, long> Answered { get; } = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<double> _answerMs = [];
    public int Late { get; private set; }

    public async Task RunAsync(TimeSpan time, CancellationToken stop = default)
    {
        using var beat = new PeriodicTimer(Beat);
        var clock = Stopwatch.StartNew();
        var sent = 0;
        var running = new List<Task>();
        while (clock.Elapsed < time && !stop.IsCancellationRequested)
        {
            for (var due = (int)(clock.Elapsed.TotalSeconds * rate); sent < due; sent++)
            {
                if (_idle.TryTake(out var caller)) running.Add(SendAsync(caller, Interlocked.Increment(ref _next)));
                else Late++;
            }
            await beat.WaitForNextTickAsync();
        }
        await Task.WhenAll(running);
    }

    private async Task SendAsync(int caller, int n)
    {
        var started = Stopwatch.GetTimestamp();
        var name = await send(caller, n);
        Answered[name] = Stopwatch.GetTimestamp();
        _answerMs.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        _idle.Add(caller);
    }

    /// <summary>A quantile of the time to the answer, in milliseconds.</summary>
    public double AnswerAt(double quantile) => _answerMs.IsEmpty ? 0 : Math.Round(_answerMs.Order().ElementAt((int)(quantile * _answerMs.Count)), 2);

    /// <summary>What came before was the warm-up.</summary>
    public void Forget()
    {
        Answered.Clear();
        _answerMs.Clear();
        Late = 0;
    }

    /// <summary>Milliseconds from the answer to the frame, 0 where the frame was first. Waits for the frames that are still on their way.</summary>
    public async Task<List<double>> ArrivedAsync(ConcurrentDictionary<string, long> seen)
    {
        using var patience = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var end = Stopwatch.GetTimestamp() + 30 * Stopwatch.Frequency;
        while (Answered.Keys.Any(k => !seen.ContainsKey(k)))
        {
            if (Stopwatch.GetTimestamp() > end) throw new InvalidOperationException($"{Answered.Keys.Count(k => !seen.ContainsKey(k))} orders were never shown");
            await patience.WaitForNextTickAsync();
        }
        return [.. Answered.Select(a => Math.Max(0, Stopwatch.GetElapsedTime(a.Value, seen[a.Key]).TotalMilliseconds))];
    }
}
