using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;

namespace Stowline.Hub.Routing;

/// <summary>How the sites that may serve an order are compared (W12).</summary>
[JsonConverter(typeof(SnakeCaseEnum<RoutingStrategy>))]
public enum RoutingStrategy { Nearest = 1, Cheapest = 2, Fastest = 3, LoadBalanced = 4, MostStock = 5 }

/// <summary>A day of the week.</summary>
[JsonConverter(typeof(SnakeCaseEnum<Weekday>))]
public enum Weekday { Sun = 0, Mon = 1, Tue = 2, Wed = 3, Thu = 4, Fri = 5, Sat = 6 }

/// <summary>A routing rule as a caller gives it. <see cref="Name"/> only in drafts for the simulator: elsewhere the address has it.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RuleBody
{
    public string? Name { get; init; }
    /// <summary>The rule with the highest priority whose conditions hold decides; of equals the one whose name comes first. 0 when not given.</summary>
    public long? Priority { get; init; }
    /// <summary>True when not given. A rule that is switched off is kept and decides nothing.</summary>
    public bool? Active { get; init; }
    /// <summary>All that are given must hold; without any the rule is for every order.</summary>
    public RuleConditions? Conditions { get; init; }
    public RoutingStrategy? Strategy { get; init; }
    public StrategyParams? StrategyParams { get; init; }
}

/// <summary>When a rule applies (W12). Of each list one entry is enough; all members that are given must hold.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RuleConditions
{
    /// <summary>Cities of the address, in whatever case.</summary>
    public IReadOnlyList<string?>? CustomerCity { get; init; }
    /// <summary>Countries of the address, ISO 3166 alpha-2.</summary>
    public IReadOnlyList<string?>? Country { get; init; }
    /// <summary>Beginnings of the address's postal code, without spaces.</summary>
    public IReadOnlyList<string?>? PostalPrefix { get; init; }
    /// <summary>The order's total.</summary>
    public ValueRange? OrderValueRange { get; init; }
    /// <summary>Categories of products, of which the order has one.</summary>
    public IReadOnlyList<string?>? ProductCategories { get; init; }
    /// <summary>When it is decided.</summary>
    public TimeWindow? TimeOfDay { get; init; }
    /// <summary>Channels of the order.</summary>
    public IReadOnlyList<string?>? Channel { get; init; }
    /// <summary>Sellers of products, of which the order has one.</summary>
    public IReadOnlyList<string?>? Seller { get; init; }
    public IReadOnlyList<Priority>? Priority { get; init; }
    public IReadOnlyList<FulfillmentType>? FulfillmentType { get; init; }
    /// <summary>SKUs, of which the order has one.</summary>
    public IReadOnlyList<string?>? Skus { get; init; }
}

/// <summary>From <see cref="Min"/> to <see cref="Max"/>, both in it; one of them may be missing. Without a currency the order's own counts.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ValueRange(decimal? Min, decimal? Max, string? Currency);

/// <summary>From <c>HH:mm</c> up to <c>HH:mm</c> (over midnight where it ends before it begins; the day is then the one on which it began) on these weekdays, in an IANA time zone, else in UTC.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TimeWindow(string? From, string? To, IReadOnlyList<Weekday>? Weekdays, string? TimeZone);

/// <summary>What a rule allows and by what its strategy compares. Limits are hard: what no allowed site can serve is refused, or a backorder.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record StrategyParams
{
    /// <summary>The only sites that may serve.</summary>
    public IReadOnlyList<string?>? OnlySites { get; init; }
    /// <summary>Sites that come before all others, in the order given.</summary>
    public IReadOnlyList<string?>? PreferSites { get; init; }
    /// <summary>Sites that must not serve.</summary>
    public IReadOnlyList<string?>? ExcludeSites { get; init; }
    /// <summary>No site farther away, nor one whose distance is not known.</summary>
    public double? MaxDistanceKm { get; init; }
    /// <summary>At most so many sites for one order; 1: never split.</summary>
    public long? MaxSplit { get; init; }
    /// <summary>cheapest: of each kilometer, in whatever currency all costs are in.</summary>
    public decimal? CostPerKm { get; init; }
    /// <summary>cheapest: of each part, at sites that <see cref="SiteCosts"/> does not name.</summary>
    public decimal? HandlingCost { get; init; }
    /// <summary>cheapest: of each part at this site.</summary>
    public IReadOnlyDictionary<string, decimal>? SiteCosts { get; init; }
    /// <summary>fastest: minutes from an order to its parcel, by site. Where it is not said, what was measured at the site; else a day.</summary>
    public IReadOnlyDictionary<string, double>? LeadMinutes { get; init; }
    /// <summary>fastest: the way, in minutes for each kilometer.</summary>
    public double? MinutesPerKm { get; init; }
    /// <summary>load_balanced: how much a site can do beside others; 1 where it is not said.</summary>
    public IReadOnlyDictionary<string, double>? SiteWeights { get; init; }
}

/// <summary>A rule as it is answered. <see cref="Version"/> is that of the set of rules when it was saved, so that it never comes again.</summary>
public sealed record RuleView
{
    public required string Name { get; init; }
    public required long Version { get; init; }
    public required int Priority { get; init; }
    public required bool Active { get; init; }
    public required RuleConditions Conditions { get; init; }
    public required RoutingStrategy Strategy { get; init; }
    public required StrategyParams StrategyParams { get; init; }
    public required DateTimeOffset SavedAt { get; init; }
    public required string SavedBy { get; init; }
}

/// <summary>The part of a rule that is stored as JSON and told in the log.</summary>
public sealed record RuleText(RuleConditions Conditions, RoutingStrategy Strategy, StrategyParams StrategyParams);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RuleBody))]
[JsonSerializable(typeof(RuleView))]
[JsonSerializable(typeof(Page<RuleView>))]
internal sealed partial class RoutingJson : JsonSerializerContext;

/// <summary>As it is stored: what is not said is not written, so that the same rule is the same text.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RuleText))]
internal sealed partial class RuleStoreJson : JsonSerializerContext;
