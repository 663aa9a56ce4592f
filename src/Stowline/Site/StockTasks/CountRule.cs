using Stowline.Contracts;

namespace Stowline.Site.StockTasks;

/// <summary>Whether a count is believed (W5). Pure.</summary>
public static class CountRule
{
    /// <summary>The third count is the last: three people who cannot agree will not agree.</summary>
    public const int MostRounds = 3;

    /// <summary>
    /// A small difference is booked at once. A large one, more than so many units and more than so many percent of what the books say, is counted again; two counts that are off by the same are
    /// believed, because the stock may have moved between them, but not the difference.
    /// </summary>
    /// <param name="round">The how-manieth count of the place this is, from 1.</param>
    /// <param name="before">By how much the count before was off; null for the first.</param>
    public static StockTaskLineStatus Decide(long expected, long counted, int round, long? before, int recountUnits, int recountPercent)
    {
        var difference = counted - expected;
        if (difference == 0) return StockTaskLineStatus.Matched;
        var isLarge = Math.Abs(difference) > Math.Max(recountUnits, expected * recountPercent / 100);
        return isLarge && round < MostRounds && before != difference ? StockTaskLineStatus.Recount : StockTaskLineStatus.Adjusted;
    }
}
