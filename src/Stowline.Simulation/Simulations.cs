
namespace Stowline.Simulation;

/// <summary>What is to be run.</summary>
/// <param name="First">The first seed.</param>
/// <param name="Seeds">How many, one after the other.</param>
/// <param name="For">No new seed is begun after so long; null for no limit.</param>
/// <param name="Jobs">How many at the same time. What comes of a seed does not depend on it.</param>
/// <param name="MostFailures">After so many failures no new seed is begun.</param>
/// <param name="Twice">Each seed is run twice, and must be the same run both times.</param>
public sealed record SimulationOptions(int First, int Seeds, int Steps, Mutant Mutant = Mutant.None, TimeSpan? For = null, int Jobs = 1, int MostFailures = 10, bool Twice = false);

/// <summary>What came of many runs. Steps are the scheduler's decisions before the healing at the end; seconds are of the clock on the wall.</summary>
public sealed record SimulationReport(int Seeds, long Steps, double Seconds, IReadOnlyList<SimulatedRun> Failures, Counters Counters)
{
    public double StepsPerSecond => Seconds == 0 ? 0 : Steps / Seconds;
}

/// <summary>Runs many seeds.</summary>
public static class Simulations
{
    /// <param name="ended">Called after each run, one at a time, with how many have ended.</param>
    public static SimulationReport Run(SimulationOptions options, Action<SimulatedRun, int>? ended = null, CancellationToken ct = default)
    {
        var (started, next, seeds, steps) = (TimeProvider.System.GetTimestamp(), options.First - 1, 0, 0L);
        var (gate, counters, failures) = (new Lock(), new Counters(), new List<SimulatedRun>());
        void Work()
        {
            while (!ct.IsCancellationRequested && (options.For is not { } limit || TimeProvider.System.GetElapsedTime(started) < limit))
            {
                var seed = Interlocked.Increment(ref next);
                if (seed >= options.First + options.Seeds) return;
                var run = Simulator.Run(seed, options.Steps, options.Mutant);
                if (options.Twice && run.Problem is null && Simulator.Run(seed, options.Steps, options.Mutant) is var again && again.Hash != run.Hash)
                    run = run with { Problem = $"the second run of the same seed was another one ({again.Hash})" };
                lock (gate)
                {
                    (seeds, steps) = (seeds + 1, steps + run.Steps);
                    counters.Add(run.Counters);
                    if (run.Problem is not null) failures.Add(run);
                    ended?.Invoke(run, seeds);
                    if (failures.Count >= options.MostFailures) return;
                }
            }
        }
        var workers = Enumerable.Range(1, options.Jobs - 1).Select(n => new Thread(Work) { Name = $"simulation {n + 1}" }).ToList();
        foreach (var worker in workers) worker.Start();
        Work();
        foreach (var worker in workers) worker.Join();
        return new SimulationReport(seeds, steps, TimeProvider.System.GetElapsedTime(started).TotalSeconds, [.. failures.OrderBy(f => f.Seed)], counters);
    }
}
