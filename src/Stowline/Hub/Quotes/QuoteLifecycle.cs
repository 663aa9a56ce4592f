using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Hub.Quotes;

/// <summary>Where a quote stands (H6). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<QuoteStatus>))]
public enum QuoteStatus { Calculating = 1, Calculated = 2, Failed = 3, Cancelled = 4, Ordered = 5 }

public enum QuoteAction { Calculate, Fail, Cancel, Retry, Order }

/// <summary>The only place that knows what a quote may become. Pure.</summary>
public static class QuoteLifecycle
{
    public static ReadOnlySpan<QuoteAction> Allowed(QuoteStatus from) => from switch
    {
        QuoteStatus.Calculating => [QuoteAction.Calculate, QuoteAction.Fail, QuoteAction.Cancel],
        // Anew, with the price model of then: a price holds for its days only.
        QuoteStatus.Calculated => [QuoteAction.Retry, QuoteAction.Order],
        QuoteStatus.Failed or QuoteStatus.Cancelled => [QuoteAction.Retry],
        QuoteStatus.Ordered => [],
    };

    public static bool May(QuoteStatus from, QuoteAction action) => Allowed(from).Contains(action);
}
