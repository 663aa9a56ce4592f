namespace Stowline.Simulation;

/// <summary>
/// The clock of one node: true time with an error that may jump in either direction. What measures spans of time does not jump with it, as on any real machine.
/// </summary>
internal sealed class SimClock(Func<TimeSpan> elapsed) : TimeProvider
{
    /// <summary>When every simulation begins.</summary>
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    /// <summary>How much the clock is ahead of true time.</summary>
    public TimeSpan Error { get; set; }

    public override DateTimeOffset GetUtcNow() => Start + elapsed() + Error;
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;
    public override long GetTimestamp() => TimeSpan.TicksPerDay + elapsed().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        throw new NotSupportedException("nothing in a simulation waits by itself: the scheduler decides what comes next");
}
