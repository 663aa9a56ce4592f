using System.Text.Json;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>Units of one SKU.</summary>
public sealed record SkuUnits(string Sku, int Quantity);

/// <summary>A line of an order as it was placed. The unit price is the agreed one, in ten-thousandths of the order's currency.</summary>
public sealed record PlacedLine(string Sku, int Quantity, long UnitPriceE4)
{
    /// <summary>What goes on each piece of a dish besides; the unit price has it in.</summary>
    public IReadOnlyList<SkuUnits>? Extras { get; init; }
}

/// <summary>The part of an order that one site fulfills; without a site it waits for stock (backorder). Lines are summed per SKU.</summary>
public sealed record PlacedPart(int Part, string? Site, IReadOnlyList<SkuUnits> Lines);

/// <summary>Why these sites (W12): kept with the order, word for word.</summary>
/// <param name="Strategy"><c>nearest</c>, <c>most_stock</c>, <c>cheapest</c>, <c>fastest</c>, <c>load_balanced</c>, <c>pickup_site</c>, <c>wished_site</c> or <c>backorder</c>.</param>
public sealed record RoutingDecision(string Strategy, string Summary, IReadOnlyList<RoutingCandidate> Candidates)
{
    /// <summary>The rule that decided, and which version of it; null where none did.</summary>
    public string? Rule { get; init; }
    public long? RuleVersion { get; init; }
    /// <summary>The rules that were asked before it and did not apply; null where there are none.</summary>
    public IReadOnlyList<PassedRule>? PassedRules { get; init; }
}

/// <summary>A rule that did not apply to an order.</summary>
/// <param name="Unmet">The first of its conditions that does not hold, such as <c>customer_city</c>; never what the customer's is.</param>
public sealed record PassedRule(string Name, long Version, string Unmet);

/// <summary>A site that was considered.</summary>
/// <param name="Score">What the strategy compared: kilometers for nearest, cost for cheapest, minutes for fastest, open parts by weight for load_balanced (less is better); free units of the needed SKUs for most_stock (more is better).</param>
/// <param name="Rejection">Why it was not chosen, or null when it was.</param>
public sealed record RoutingCandidate(string Site, double? Score, bool Chosen, string? Rejection, double? DistanceKm, int UnitsAvailable);

/// <summary>hub: an order was accepted and every unit of it promised (or knowingly put on backorder).</summary>
public sealed record OrderPlaced(
    Guid OrderId, long Number, string Channel, string ExternalId, string FulfillmentType, Priority Priority, string Currency, long TotalE4,
    IReadOnlyList<PlacedLine> Lines, IReadOnlyList<PlacedPart> Parts, RoutingDecision Decision,
    Guid PersonId, byte[]? Personal, string? PickupSite, string? Note, PlacedSlot? Slot = null) : IEvent
{
    public static string Type => "order.placed";
}

/// <summary>The capacity slot that an order was given (K2).</summary>
/// <param name="End">When it is to be ready.</param>
/// <param name="VisibleAt">From when on it is on the kitchen's screen.</param>
public sealed record PlacedSlot(string Id, string Site, DateTimeOffset Start, DateTimeOffset End, DateTimeOffset VisibleAt);

/// <summary>hub: an order was tried and refused; the only trace a refusal leaves (W13).</summary>
public sealed record OrderRefused(string Channel, string ExternalId, string Code, IReadOnlyList<MissingUnits> Missing) : IEvent
{
    public static string Type => "order.refused";
}

public sealed record MissingUnits(string Sku, int Requested, int Available);

/// <summary>hub: an order that a restore had lost was put together again from what its sites know of it. Routing and timeline of before are not known.</summary>
public sealed record OrderRecovered(Guid OrderId, long Number, string Channel, string ExternalId) : IEvent
{
    public static string Type => "order.recovered";
}

/// <summary>hub: the order's status, derived from its parts, changed.</summary>
public sealed record OrderStatusChanged(Guid OrderId, string From, string To) : IEvent
{
    public static string Type => "order.status_changed";
}

/// <summary>hub: somebody asked to cancel; each site answers for its part.</summary>
public sealed record OrderCancelRequested(Guid OrderId, string Reason) : IEvent
{
    public static string Type => "order.cancel_requested";
}

public sealed record OrderHeld(Guid OrderId, string? Reason) : IEvent { public static string Type => "order.held"; }
public sealed record OrderReleased(Guid OrderId) : IEvent { public static string Type => "order.released"; }
public sealed record OrderPriorityChanged(Guid OrderId, Priority Priority) : IEvent { public static string Type => "order.priority_changed"; }

/// <summary>hub: an order stands still for longer than the rules allow (H1). Told once; <see cref="OrderUnstuck"/> ends it.</summary>
/// <param name="Since">When it came to stand where it is.</param>
public sealed record OrderStuck(Guid OrderId, string Reason, string? Site, DateTimeOffset Since) : IEvent { public static string Type => "order.stuck"; }

/// <summary>hub: what an order was stuck for is over.</summary>
/// <param name="Site">The site that held it up, where one did.</param>
public sealed record OrderUnstuck(Guid OrderId, string Reason, string? Site = null) : IEvent { public static string Type => "order.unstuck"; }

/// <summary>hub: units that a site could not deliver were promised elsewhere, or put on backorder (a part without a site).</summary>
public sealed record OrderRerouted(Guid OrderId, int FromPart, string Cause, IReadOnlyList<PlacedPart> Parts, RoutingDecision Decision) : IEvent
{
    public static string Type => "order.rerouted";
}

/// <summary>
/// The order that a part is of, for a site with a node of its own: the copy there is the only other place that knows of the order, should the hub have to be
/// restored from a backup.
/// </summary>
/// <param name="Lines">All of the order, with prices in ten-thousandths of <paramref name="Currency"/>.</param>
/// <param name="RequestHash">By which a repeat of the request is known; null where it is not told.</param>
public sealed record OrderFacts(string Currency, long TotalE4, IReadOnlyList<PlacedLine> Lines, byte[]? RequestHash, string? PickupSite, DateTimeOffset PlacedAt);

/// <summary>hub/{site}: this part of an order is yours. Carries all that the site needs to work alone.</summary>
public sealed record PartAssigned(
    Guid OrderId, int Part, long OrderNumber, string Channel, string ExternalId, string FulfillmentType, Priority Priority,
    IReadOnlyList<SkuUnits> Lines, Guid PersonId, byte[]? Personal, string? Note, bool OnHold) : IEvent
{
    /// <summary>Only where the site has a node of its own.</summary>
    public OrderFacts? Order { get; init; }

    /// <summary>Only where the part is no order's but a transfer's.</summary>
    public TransferFacts? Transfer { get; init; }
    public static string Type => "part.assigned";
}

/// <summary>hub: so much of a SKU (<c>*</c>: of every SKU) is kept for a channel, at one site or over all of them.</summary>
/// <param name="Quantity">In units; null where it is a share of what the hub holds.</param>
public sealed record PoolSaved(string Channel, string Sku, string? Site, long? Quantity, int? SharePercent) : IEvent { public static string Type => "pool.saved"; }

/// <summary>hub: nothing is kept there for the channel any more.</summary>
public sealed record PoolRemoved(string Channel, string Sku, string? Site) : IEvent { public static string Type => "pool.removed"; }

/// <summary>hub/{site}: give this part back, as far as it is not shipped. The site's word decides.</summary>
/// <param name="Cause"><c>cancel</c>, <c>reroute</c>, <c>surplus</c>: its units were promised elsewhere while the site was not heard, or <c>given_up</c>: others have it by now, and nobody waits for the answer.</param>
public sealed record PartCancelRequested(Guid OrderId, int Part, string Cause, string Reason) : IEvent
{
    public static string Type => "part.cancel_requested";
}

public sealed record PartHeld(Guid OrderId, int Part) : IEvent { public static string Type => "part.held"; }
public sealed record PartReleased(Guid OrderId, int Part) : IEvent { public static string Type => "part.released"; }
public sealed record PartPriorityChanged(Guid OrderId, int Part, Priority Priority) : IEvent { public static string Type => "part.priority_changed"; }

/// <summary>hub: a routing rule was made or changed (W12). Who did it is the event's actor.</summary>
/// <param name="Version">Of the set of rules: it grows with every change and never comes again.</param>
/// <param name="Rule">Its conditions, strategy and parameters.</param>
public sealed record RoutingRuleSaved(string Name, long Version, int Priority, bool Active, JsonElement Rule) : IEvent
{
    public static string Type => "routing.rule_saved";
}

/// <summary>hub: a routing rule is no more.</summary>
public sealed record RoutingRuleDeleted(string Name, long Version) : IEvent
{
    public static string Type => "routing.rule_deleted";
}

/// <summary>hub/{site}: how much of a SKU the site keeps for itself. SKU <c>*</c> is the default for all.</summary>
public sealed record PolicyChanged(string Sku, int SafetyStock, int LocalSharePercent) : IEvent
{
    public static string Type => "policy.changed";
}

/// <summary>hub/{site}: the hub gave units back after a recall. Cumulative per SKU within the epoch.</summary>
public sealed record AllotmentReturned(string Sku, int Epoch, long Returned) : IEvent
{
    public static string Type => "allotment.returned";
}

/// <summary>An epoch that the hub has heard of.</summary>
/// <param name="Unheard">Units that the hub had promised by then and of which the site had not heard: the site learns of them before this.</param>
public sealed record AnsweredEpoch(string Sku, int Epoch, long Unheard);

/// <summary>hub/{site}: the hub has heard of these epochs. Whatever it promised before, the site has read before this, so it may grant again.</summary>
public sealed record EpochAnswered(IReadOnlyList<AnsweredEpoch> Epochs) : IEvent
{
    public static string Type => "epoch.answered";
}

/// <summary>
/// hub, and hub/{site} should it be there after all: an operator has said that the site is gone for good. Nothing is promised from there any more, and what it had to do is given to others.
/// </summary>
/// <param name="Units">What the site held for the hub: disputed from here on.</param>
public sealed record SiteGivenUp(string Site, string Reason, long Units) : IEvent { public static string Type => "site.given_up"; }

/// <summary>hub and hub/{site}: an operator wants a site back that was given up. The site opens a new epoch of each SKU.</summary>
/// <param name="TrustBooks">What the site has is as its books say: nothing needs to be counted first.</param>
public sealed record SiteTakenBack(string Site, bool TrustBooks) : IEvent { public static string Type => "site.taken_back"; }

/// <summary>hub: a site that was given up has shipped this part all the same, and that counts. What was promised elsewhere instead is asked back as far as it has not left.</summary>
/// <param name="AskedBack">The parts that are asked back or not waited for any more.</param>
public sealed record OrderShippedAfterAll(Guid OrderId, int Part, string Site, IReadOnlyList<SkuUnits> Lines, IReadOnlyList<int> AskedBack) : IEvent
{
    public static string Type => "order.shipped_after_all";
}

/// <summary>
/// hub: more of these units have left than were ordered, because a site that was given up, or without which the hub went on after a restore, has shipped, and another one too. Somebody must tell the customer.
/// </summary>
/// <param name="Lines">The units that are too many.</param>
/// <param name="Left">False: they are under way and have been asked back.</param>
/// <param name="Other">The order that was placed under the same external id while this one was not known at the hub; null where it is one order.</param>
public sealed record OrderDoubled(Guid OrderId, IReadOnlyList<SkuUnits> Lines, bool Left = true, Guid? Other = null) : IEvent
{
    public static string Type => "order.doubled";
}

/// <summary>A product as the catalogue has it: all that a site must know to receive, find, pack and ship it.</summary>
public sealed record ProductFacts(
    string Sku, string Name, long? PriceE4, string? Currency, string? Seller, string? Category, int? WeightG, int? LengthMm, int? WidthMm, int? HeightMm,
    string? ExternalId, IReadOnlyList<BarcodeFacts>? Barcodes);

/// <summary>A barcode and how many units one scan of it stands for.</summary>
public sealed record BarcodeFacts(string Code, int Units);

/// <summary>hub/all: products as they are now, from a single call or a chunk of a bulk call.</summary>
public sealed record ProductsSaved(IReadOnlyList<ProductFacts> Products) : IEvent
{
    public static string Type => "products.saved";
}

/// <summary>hub/all: a site as it is now.</summary>
public sealed record SiteSaved(
    string Code, int Ordinal, string Name, string SiteType, bool Active, string? City = null, string? Address = null, string? PostalCode = null, string? Country = null,
    double? Latitude = null, double? Longitude = null, string? TimeZone = null) : IEvent
{
    public static string Type => "site.saved";
}

/// <summary>
/// hub/all: a worker as they are now: all that a site must know to take a badge for its owner and to give nothing to who has left. The name is
/// not in it: the log is kept for ever, and the code is enough.
/// </summary>
/// <param name="Sites">Where they work; empty for everywhere.</param>
public sealed record WorkerSaved(string Code, string? Badge, IReadOnlyList<string> Sites, IReadOnlyList<string> Roles, bool Active) : IEvent
{
    public static string Type => "worker.saved";
}

/// <summary>hub/all: delete this person's key wherever it is kept.</summary>
/// <param name="KeyHash">SHA-256 of the key that was deleted; null when the hub had none.</param>
public sealed record PersonErased(Guid PersonId, byte[]? KeyHash = null) : IEvent
{
    public static string Type => "person.erased";
}

/// <summary>hub: an API key was made. Neither its secret nor the secret's hash is in the log, which is copied far and kept for ever.</summary>
/// <param name="Sites">The sites that it is limited to; empty for all.</param>
/// <param name="Sellers">The sellers that it is limited to; null for all.</param>
/// <param name="Tier">How much it may call; null for the default.</param>
public sealed record KeyCreated(string KeyId, string Name, IReadOnlyList<string> Scopes, IReadOnlyList<string> Sites, IReadOnlyList<string>? Sellers = null, string? Tier = null) : IEvent
{
    public static string Type => "key.created";
}

/// <summary>hub: an API key may call more or less than before.</summary>
public sealed record KeyTierChanged(string KeyId, string Name, string From, string To) : IEvent
{
    public static string Type => "key.tier_changed";
}

/// <summary>hub: an API key is good for nothing from here on.</summary>
public sealed record KeyRevoked(string KeyId, string Name) : IEvent
{
    public static string Type => "key.revoked";
}

/// <summary>hub: something is wrong with the link to a site, told once until <see cref="LinkCleared"/>.</summary>
/// <param name="Alert"><c>cut</c>, <c>lag</c>, <c>diverged</c>, or <c>given_up</c>: the site was given up and is heard all the same.</param>
public sealed record LinkAlerted(string Site, string Alert, string Detail, DateTimeOffset Since) : IEvent
{
    public static string Type => "link.alerted";
}

/// <summary>hub: what a link was alerted for is over.</summary>
public sealed record LinkCleared(string Site, string Alert) : IEvent
{
    public static string Type => "link.cleared";
}

/// <summary>hub: a site came back that had been excluded after a restore, or was restored itself, and what its copies of the hub's lanes knew more is in the lanes now.</summary>
/// <param name="Lanes">The lanes, each with the last position that both histories have.</param>
public sealed record LinkJoined(string Site, IReadOnlyDictionary<string, long> Lanes) : IEvent
{
    public static string Type => "link.joined";
}

/// <summary>hub: a site works on a node of its own from here on; this one keeps a copy of its lane.</summary>
public sealed record SiteJoined(string Site, int Ordinal) : IEvent
{
    public static string Type => "site.joined";
}

/// <summary>hub: a webhook was made or changed. Its URL may hold a secret, so only the host is told.</summary>
/// <param name="Change"><c>created</c>, <c>rotated</c>, <c>enabled</c>, <c>disabled</c> or <c>deleted</c>.</param>
public sealed record WebhookChanged(Guid WebhookId, string Host, string Change, string? Reason) : IEvent
{
    public static string Type => "webhook.changed";
}

/// <summary>hub: something needs somebody (F12). Told once; <see cref="AlertResolved"/> ends it.</summary>
/// <param name="Key">What is wrong where, the same each time: <c>stuck/picking_slow</c>.</param>
/// <param name="Severity"><c>warning</c> or <c>critical</c>.</param>
public sealed record AlertRaised(Guid AlertId, string Key, string Severity, string Summary) : IEvent
{
    public static string Type => "alert.raised";
}

/// <summary>hub: what an alert was raised for is over.</summary>
public sealed record AlertResolved(Guid AlertId, string Key, string Severity, string Summary) : IEvent
{
    public static string Type => "alert.resolved";
}

/// <summary>hub: somebody has seen an alert and says so.</summary>
public sealed record AlertAcknowledged(Guid AlertId, string Key) : IEvent
{
    public static string Type => "alert.acknowledged";
}

/// <summary>hub: an account at a marketplace or shop was made or changed. Neither its settings nor its secrets are in the log.</summary>
/// <param name="Kind"><c>allegro</c> or <c>shop</c>.</param>
public sealed record ChannelSaved(string Code, string Kind, bool Enabled) : IEvent
{
    public static string Type => "channel.saved";
}
