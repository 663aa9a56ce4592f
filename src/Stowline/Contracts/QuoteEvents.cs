using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>hub: a price was asked for and is being calculated (H6).</summary>
/// <param name="Client">The asker's number in another system; never a name.</param>
public sealed record QuoteRequested(Guid QuoteId, long Number, string? Client, string ClientClass, string Material, int Quantity, string? ModelFormat, long? ModelBytes) : IEvent
{
    public static string Type => "quote.requested";
}

/// <summary>hub: the price is there. Amounts in ten-thousandths.</summary>
public sealed record QuoteCalculated(Guid QuoteId, long Number, string? Client, int Quantity, string Currency, long UnitPriceE4, long TotalE4, int PriceModel, DateTimeOffset ValidUntil) : IEvent
{
    public static string Type => "quote.calculated";
}

/// <summary>hub: there will be no price.</summary>
/// <param name="Reason">Within the code, such as <c>not_watertight</c> of <c>invalid_model</c>.</param>
public sealed record QuoteFailed(Guid QuoteId, long Number, string? Client, string Code, string? Reason, string Detail) : IEvent
{
    public static string Type => "quote.failed";
}

public sealed record QuoteCancelled(Guid QuoteId, long Number, string? Client, string? Reason) : IEvent { public static string Type => "quote.cancelled"; }

/// <summary>hub: a quote is calculated again.</summary>
public sealed record QuoteRetried(Guid QuoteId, long Number) : IEvent { public static string Type => "quote.retried"; }

/// <summary>hub: an order was placed at the quote's price.</summary>
public sealed record QuoteOrdered(Guid QuoteId, long Number, string? Client, Guid OrderId) : IEvent { public static string Type => "quote.ordered"; }

/// <summary>hub: quotes are priced anew from here on.</summary>
public sealed record PriceModelSaved(int Version) : IEvent { public static string Type => "quote.price_model_saved"; }
