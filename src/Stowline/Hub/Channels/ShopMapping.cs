using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Kernel;

namespace Stowline.Hub.Channels;

/// <summary>
/// How a shop's JSON is read and its stock set: the mapping file. Where a value is taken from is a list of places, of which the first that holds something counts. A place is a
/// path of names and numbers with dots between (<c>shipping.city</c>, <c>items.0.id</c>), or text with such paths in braces (<c>{first_name} {last_name}</c>).
/// </summary>
public sealed record ShopMapping
{
    public ShopOrders? Orders { get; init; }
    /// <summary>How the shop signs its webhooks; without it a call needs a key of this node.</summary>
    public ShopSigning? Signature { get; init; }
    /// <summary>How a quantity is set there; without it no stock is sent.</summary>
    public ShopStockCall? Stock { get; init; }
    /// <summary>How quantities are read there; without it nothing is compared.</summary>
    public ShopStockRead? Read { get; init; }
    /// <summary>How offers that are variations of another are set and read; without it they are like all others.</summary>
    public ShopVariations? Variations { get; init; }
    /// <summary>How the shop is told how an order stands; without it it is not.</summary>
    public ShopStatusCall? Status { get; init; }
    /// <summary>How the shop is told of a parcel; without it it is not.</summary>
    public ShopShipmentCall? Shipment { get; init; }

    internal void Check(HookTarget target, Problems problems)
    {
        const string at = "settings.mapping";
        if (Orders is { } orders)
        {
            problems.Check(orders.ExternalId is { Count: > 0 }, at + ".orders.external_id", "is required");
            problems.Check(orders.Lines?.Quantity is { Count: > 0 }, at + ".orders.lines.quantity", "is required");
            problems.Check(orders.Lines is { } lines && (lines.Sku ?? lines.Offer) is not null, at + ".orders.lines.sku", "or offer is required");
        }
        if (Signature is { } signature)
        {
            problems.Check(signature.Scheme is not null, at + ".signature.scheme", "is required: " + SnakeCaseEnum<ShopSignatureScheme>.Choices);
            problems.Check(signature.Scheme == ShopSignatureScheme.StandardWebhooks || !string.IsNullOrWhiteSpace(signature.Header), at + ".signature.header", "is required");
        }
        Stock?.Check(at + ".stock", target, problems);
        Read?.Check(at + ".read", target, problems);
        if (Variations is { } variations)
        {
            problems.Check(Stock is not null, at + ".stock", "is required where there are variations");
            problems.Check(variations.Stock is not null, at + ".variations.stock", "is required");
            variations.Stock?.Check(at + ".variations.stock", target, problems);
            variations.Read?.Check(at + ".variations.read", target, problems);
        }
        Status?.Check(at + ".status", target, problems);
        Shipment?.Check(at + ".shipment", this, target, problems);
    }
}

public sealed record ShopOrders
{
    /// <summary>The member that the order is wrapped in, where it is.</summary>
    public string? Root { get; init; }
    public IReadOnlyList<string>? ExternalId { get; init; }
    /// <summary>ISO 4217; the catalog's prices count where it is missing.</summary>
    public IReadOnlyList<string>? Currency { get; init; }
    public ShopCustomer? Customer { get; init; }
    public ShopAddress? ShipTo { get; init; }
    public IReadOnlyList<string>? Note { get; init; }
    public ShopLines? Lines { get; init; }
    /// <summary>Only such orders are taken; all when not given.</summary>
    public ShopCondition? TakeWhen { get; init; }
    /// <summary>Such an order is cancelled here.</summary>
    public ShopCondition? CancelWhen { get; init; }
    /// <summary>When the order last changed there: one that was cancelled before it was taken, and has changed since, is taken after all.</summary>
    public IReadOnlyList<string>? ChangedAt { get; init; }
}

public sealed record ShopCustomer(IReadOnlyList<string>? Name = null, IReadOnlyList<string>? Email = null, IReadOnlyList<string>? Phone = null);

public sealed record ShopAddress(
    IReadOnlyList<string>? Name = null, IReadOnlyList<string>? Line1 = null, IReadOnlyList<string>? Line2 = null, IReadOnlyList<string>? City = null, IReadOnlyList<string>? Region = null,
    IReadOnlyList<string>? PostalCode = null, IReadOnlyList<string>? Country = null);

/// <param name="Path">The array of lines.</param>
/// <param name="Sku">Our SKU.</param>
/// <param name="Offer">Else an offer's id there, whose SKU was saved with the offer.</param>
/// <param name="UnitPrice">The agreed price of one.</param>
public sealed record ShopLines(string? Path = null, IReadOnlyList<string>? Sku = null, IReadOnlyList<string>? Offer = null, IReadOnlyList<string>? Quantity = null, IReadOnlyList<string>? UnitPrice = null);

/// <param name="In">The values that count; any that is there when not given.</param>
public sealed record ShopCondition(string? Path = null, IReadOnlyList<string>? In = null);

/// <summary>How a body is signed.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ShopSignatureScheme>))]
public enum ShopSignatureScheme
{
    /// <summary>HMAC-SHA256 of the body in Base64 (Shopify, WooCommerce).</summary>
    HmacSha256Base64 = 1,
    /// <summary>HMAC-SHA256 of the body in hexadecimal digits.</summary>
    HmacSha256Hex = 2,
    /// <summary>Standard Webhooks.</summary>
    StandardWebhooks = 3,
}

public sealed record ShopSigning(ShopSignatureScheme? Scheme = null, string? Header = null);

/// <summary>
/// A call that sets a quantity. In <see cref="Url"/> and the texts of the body <c>{offer}</c> and <c>{quantity}</c> are filled in; a text that is nothing but <c>{quantity}</c> or
/// <c>{offer_number}</c> becomes a number. With <see cref="Each"/> many travel in one call, where <c>{items}</c> stands in the body.
/// </summary>
public sealed record ShopStockCall
{
    /// <summary>PUT when not given.</summary>
    public string? Method { get; init; }
    public string? Url { get; init; }
    /// <summary>The header of the token; <c>Authorization</c> when not given.</summary>
    public string? AuthHeader { get; init; }
    public JsonElement? Body { get; init; }
    public JsonElement? Each { get; init; }
    /// <summary>100 when not given; for <see cref="Each"/>.</summary>
    public int? BatchSize { get; init; }
    /// <summary>Where an answer that is success as a whole says that single offers were not set; without it such an answer means all of them.</summary>
    public ShopStockFailures? Failed { get; init; }

    /// <summary>How many offers travel in one call.</summary>
    internal int Most => Each is null ? 1 : BatchSize ?? 100;

    internal void Check(string at, HookTarget target, Problems problems)
    {
        if (target.Problem(Url?.Replace("{offer}", "0", StringComparison.Ordinal).Replace("{parent}", "0", StringComparison.Ordinal)) is { } wrong) problems.Add(at + ".url", wrong);
        problems.Check(Method is null or "PUT" or "POST" or "PATCH", at + ".method", "must be PUT, POST or PATCH");
        problems.Check(BatchSize is null or (>= 1 and <= 1_000), at + ".batch_size", "must be 1–1000");
        problems.Check(Failed is null || Failed.Id is { Count: > 0 }, at + ".failed.id", "is required");
        problems.Check(Failed is null || Failed.Error is { Count: > 0 }, at + ".failed.error", "is required");
        problems.Check(Body is { ValueKind: not JsonValueKind.Undefined }, at + ".body", "is required");
    }
}

/// <summary>
/// Offers that are variations of another: their id is that of both, <c>22/23</c>. In the calls <c>{parent}</c> is the one, and what is called offer is the other, also in the shop's answers. Only
/// variations of one parent travel in one call.
/// </summary>
/// <param name="Read">Without it variations are not compared.</param>
public sealed record ShopVariations(ShopStockCall? Stock = null, ShopStockRead? Read = null);

/// <summary>Offers that were not set, in the answer to a call that sets quantities.</summary>
/// <param name="Items">The array in the answer; the answer itself when not given.</param>
/// <param name="Id">The offer's id in each of them.</param>
/// <param name="Error">What went wrong with it; nothing there: it was set.</param>
public sealed record ShopStockFailures(string? Items = null, IReadOnlyList<string>? Id = null, IReadOnlyList<string>? Error = null);

/// <summary>A call that reads quantities: in <see cref="Url"/> <c>{offers}</c> is a list with commas.</summary>
/// <param name="Items">The array in the answer; the answer itself when not given.</param>
public sealed record ShopStockRead(string? Url = null, string? Items = null, IReadOnlyList<string>? Offer = null, IReadOnlyList<string>? Quantity = null)
{
    internal void Check(string at, HookTarget target, Problems problems)
    {
        if (target.Problem(Url?.Replace("{offers}", "0", StringComparison.Ordinal).Replace("{parent}", "0", StringComparison.Ordinal)) is { } wrong) problems.Add(at + ".url", wrong);
        problems.Check(Offer is { Count: > 0 }, at + ".offer", "is required");
        problems.Check(Quantity is { Count: > 0 }, at + ".quantity", "is required");
    }
}

/// <summary>
/// A call that tells a shop of an order. In <see cref="Url"/> <c>{order}</c> (its id there) and <c>{status}</c> (the shop's own word) are filled in, in the texts of the body also
/// <c>{carrier}</c> and <c>{tracking_number}</c>; a text that is nothing but <c>{order_number}</c> becomes a number.
/// </summary>
public abstract record ShopReportCall
{
    /// <summary>PUT when not given.</summary>
    public string? Method { get; init; }
    public string? Url { get; init; }
    /// <summary>The header of the token; <c>Authorization</c> when not given.</summary>
    public string? AuthHeader { get; init; }
    public JsonElement? Body { get; init; }

    private protected void Check(string at, HookTarget target, Problems problems)
    {
        CheckUrl(Url, at + ".url", target, problems);
        problems.Check(Method is null or "PUT" or "POST" or "PATCH", at + ".method", "must be PUT, POST or PATCH");
        problems.Check(Body is { ValueKind: not JsonValueKind.Undefined }, at + ".body", "is required");
    }

    private protected static void CheckUrl(string? url, string at, HookTarget target, Problems problems)
    {
        if (target.Problem(url?.Replace("{order}", "0", StringComparison.Ordinal).Replace("{status}", "s", StringComparison.Ordinal)) is { } wrong) problems.Add(at, wrong);
    }
}

/// <summary>The call that tells a shop how an order stands.</summary>
public sealed record ShopStatusCall : ShopReportCall
{
    /// <summary>Our word → the shop's. What has none is not told.</summary>
    public IReadOnlyDictionary<string, string>? Words { get; init; }

    internal new void Check(string at, HookTarget target, Problems problems)
    {
        base.Check(at, target, problems);
        problems.Check(Words is { Count: > 0 }, at + ".words", "is required");
        foreach (var (word, theirs) in Words ?? new Dictionary<string, string>())
            problems.Check(SnakeCaseEnum<Ordering.OrderStatus>.TryParse(word, out _) && theirs is { Length: > 0 and <= 200 }, $"{at}.words.{word}", SnakeCaseEnum<Ordering.OrderStatus>.Choices);
    }
}
