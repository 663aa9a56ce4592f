namespace Stowline.Simulation;

/// <summary>
/// What a run is like. Each seed draws its own: a run in which everything goes wrong at once hides what goes wrong alone, so most leave some kinds of trouble out.
/// Rates are per thousand steps.
/// </summary>
/// <param name="Dated">How many of a hundred deliveries have a lot that expires.</param>
/// <param name="Begins">When the people begin, after the beginning of <see cref="SimClock"/>: a run lasts some minutes, and lots expire at midnight.</param>
internal sealed record Plan(int Sites, int Skus, Weather Weather, int Acts, int Faults, int Leaps, IReadOnlyList<Trouble> Troubles, int Dated = 0, TimeSpan Begins = default)
{
    private static readonly TimeSpan Evening = TimeSpan.FromHours(15.9);

    /// <summary>In percent, how soon an operator loses patience with a site that a restored hub waits for, and excludes it; 0: never.</summary>
    public int Impatience { get; init; }

    /// <summary>In percent of what people do, how often somebody is given up for good, or taken back (<see cref="Partings"/>); 0: never.</summary>
    public int Partings { get; init; }

    public static Plan Draw(Random random)
    {
        // Restores less often: where somebody has forgotten something, less can be expected of everybody.
        Trouble[] kinds = [.. Enum.GetValues<Trouble>().Where(kind => random.Next(100) < (kind == Trouble.Restore ? 35 : 65))];
        // And in half of those seeds alone: a repair takes its time, and is over within the run only where little else goes wrong.
        if (kinds.Contains(Trouble.Restore) && random.Next(100) < 50) kinds = [Trouble.Restore];
        var rough = random.Next(100) < 70;
        return new Plan(random.Next(2, 4), random.Next(2, 5), rough ? new Weather(random.Next(12), random.Next(12), random.Next(30)) : default,
            random.Next(150, 320), kinds.Length == 0 ? 0 : random.Next(10, 60), random.Next(20, 80), kinds,
            random.Next(100) < 50 ? random.Next(20, 80) : 0, random.Next(100) < 50 ? Evening + TimeSpan.FromSeconds(random.Next(0, 360)) : default)
        {
            Impatience = random.Next(100) < 60 ? random.Next(10, 60) : 0,
            Partings = random.Next(100) < 30 ? random.Next(2, 8) : 0,
        };
    }
}

/// <summary>Kinds of trouble.</summary>
internal enum Trouble { Crash, Disk, Cut, OneWay, Clock, Restore }
