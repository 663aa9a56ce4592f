namespace Stowline.Site.Shipping.Carriers;

/// <summary>When a carrier is asked again. Pure.</summary>
internal static class CarrierRetry
{
    /// <summary>After so many calls in a row without an answer a carrier is asked by one call at a time, ever less often.</summary>
    public const int OpenAfter = 5;

    /// <summary>After so many attempts that surely did nothing the next carrier of the rule is asked.</summary>
    public const int FallBackAfter = 4;

    /// <summary>So long a carrier may answer nothing but when it wants to be asked again; then it is away.</summary>
    public static readonly TimeSpan BusyFor = TimeSpan.FromMinutes(15);

    /// <summary>Longer than a carrier that fails is ever left alone while there is something to ask it.</summary>
    public static readonly TimeSpan Unasked = TimeSpan.FromHours(2);

    /// <summary>So often a label is asked for that is refused: three minutes.</summary>
    public const int RefusedLabels = 5;

    /// <summary>So often a label is asked for at all, with the waits between about two hours: where its parcel is, is not asked meanwhile.</summary>
    public const int MostLabels = 10;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan FirstOpen = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestOpen = TimeSpan.FromMinutes(10);

    /// <summary>5 s, 15 s, 45 s … to half an hour, each between 80 % and 120 %, so that what failed together does not come back together.</summary>
    /// <param name="attempts">From 1.</param>
    /// <param name="random">In [0, 1).</param>
    /// <param name="asked">What the carrier asked for.</param>
    public static TimeSpan After(int attempts, double random, TimeSpan? asked = null)
    {
        var wait = TimeSpan.FromSeconds(Math.Min(First.TotalSeconds * Math.Pow(3, Math.Clamp(attempts - 1, 0, 10)), Longest.TotalSeconds)) * (0.8 + 0.4 * random);
        return asked > wait ? asked.Value : wait;
    }

    /// <summary>How long a carrier is left alone; null while it is not.</summary>
    public static TimeSpan? Open(int failures, double random) => failures < OpenAfter ? null
        : TimeSpan.FromSeconds(Math.Min(FirstOpen.TotalSeconds * Math.Pow(2, Math.Min(failures - OpenAfter, 10)), LongestOpen.TotalSeconds)) * (0.8 + 0.4 * random);
}
