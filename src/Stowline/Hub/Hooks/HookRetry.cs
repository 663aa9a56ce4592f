namespace Stowline.Hub.Hooks;

/// <summary>When a delivery is tried again. Pure.</summary>
internal static class HookRetry
{
    /// <summary>Attempts of one delivery: with the waits between them about four and a half days.</summary>
    public const int MostAttempts = 12;

    /// <summary>An endpoint that has taken nothing for so long is switched off.</summary>
    public static readonly TimeSpan GiveUpAfter = TimeSpan.FromDays(5);

    /// <summary>Longer than any wait between two attempts: an endpoint that was not asked for so long (nothing happened, or this node was off) has its days before it from then on.</summary>
    public static readonly TimeSpan Unasked = TimeSpan.FromDays(2);

    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>5 s, 20 s, 80 s … to a day, each between 80 % and 120 %, so that what failed together does not come back together.</summary>
    /// <param name="attempts">Attempts so far, from 1.</param>
    /// <param name="random">In [0, 1).</param>
    /// <param name="retryAfter">What the endpoint asked for: believed up to a day.</param>
    public static TimeSpan After(int attempts, double random, TimeSpan? retryAfter = null)
    {
        var wait = TimeSpan.FromSeconds(Math.Min(First.TotalSeconds * Math.Pow(4, Math.Min(attempts - 1, 20)), Longest.TotalSeconds)) * (0.8 + 0.4 * random);
        var asked = retryAfter is { } a && a > TimeSpan.Zero ? a < Longest ? a : Longest : TimeSpan.Zero;
        return wait > asked ? wait : asked;
    }

    /// <summary>After so many rounds in a row in which an endpoint took nothing it counts as away: it is then asked with one delivery at a time, ever less often.</summary>
    public const int AwayAfter = 2;

    /// <summary>How long an endpoint is left alone. One failure says little about others' deliveries: a single event may be what it cannot take.</summary>
    public static TimeSpan Pause(int failures, double random) => failures < AwayAfter ? TimeSpan.Zero
        : TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(failures, 20)), LongestPause.TotalSeconds)) * (0.8 + 0.4 * random);
}
