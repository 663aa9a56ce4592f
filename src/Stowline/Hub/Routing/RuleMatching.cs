using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;

namespace Stowline.Hub.Routing;

/// <summary>What rules look at of an order. Money in ten-thousandths of the currency.</summary>
/// <param name="ShipTo">Null where there is no address, or its person was erased: conditions on the place then do not hold.</param>
/// <param name="At">When it is decided.</param>
public sealed record RoutedOrder(AddressDetails? ShipTo, long TotalE4, string Currency, string Channel, Priority Priority, FulfillmentType FulfillmentType, DateTimeOffset At,
    IReadOnlyList<RoutedGoods> Goods);

/// <summary>A product of an order, as rules look at it.</summary>
public readonly record struct RoutedGoods(string Sku, string? Category, string? Seller);

/// <summary>The rule that decides about an order, null where none applies, and those that came before it and did not apply.</summary>
public sealed record RuleMatch(RoutingRule? Rule, IReadOnlyList<PassedRule> Passed);

/// <summary>All active rules, the first to be asked first. Never changes.</summary>
public sealed class RuleSet(IEnumerable<RuleView> rules)
{
    /// <summary>More than anybody reads; what is left out is only the explanation.</summary>
    private const int MostPassed = 10;

    public static readonly RuleSet Empty = new([]);

    public IReadOnlyList<RoutingRule> Rules { get; } =
        [.. rules.Where(r => r.Active).OrderByDescending(r => r.Priority).ThenBy(r => r.Name, StringComparer.Ordinal).Select(r => new RoutingRule(r))];

    public bool IsEmpty => Rules.Count == 0;

    public RuleMatch Match(RoutedOrder facts)
    {
        var passed = new List<PassedRule>();
        foreach (var rule in Rules)
        {
            if (rule.FindUnmet(facts) is not { } unmet) return new RuleMatch(rule, passed);
            if (passed.Count < MostPassed) passed.Add(new PassedRule(rule.Name, rule.Version, unmet));
        }
        return new RuleMatch(null, passed);
    }
}

/// <summary>A rule, ready to be asked. Pure.</summary>
public sealed class RoutingRule(RuleView rule)
{
    private readonly RuleConditions _when = rule.Conditions;
    private readonly HashSet<string>? _cities = Set(rule.Conditions.CustomerCity, StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string>? _countries = Set(rule.Conditions.Country, StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string>? _categories = Set(rule.Conditions.ProductCategories, StringComparer.Ordinal);
    private readonly HashSet<string>? _channels = Set(rule.Conditions.Channel, StringComparer.Ordinal);
    private readonly HashSet<string>? _sellers = Set(rule.Conditions.Seller, StringComparer.Ordinal);
    private readonly HashSet<string>? _skus = Set(rule.Conditions.Skus, StringComparer.Ordinal);
    private readonly HashSet<string>? _only = Set(rule.StrategyParams.OnlySites, StringComparer.Ordinal);
    private readonly HashSet<string>? _excluded = Set(rule.StrategyParams.ExcludeSites, StringComparer.Ordinal);

    public string Name => rule.Name;
    public long Version => rule.Version;
    public RoutingStrategy Strategy => rule.Strategy;
    public StrategyParams Params => rule.StrategyParams;

    private static HashSet<string>? Set(IReadOnlyList<string?>? given, StringComparer comparer) => given is null ? null : new HashSet<string>(given.OfType<string>(), comparer);

    /// <summary>
    /// The first condition that does not hold, by its name in the API; null where all do. Only the name is told: the decision is kept in the log in plain, and what the customer's
    /// city is must not be read there.
    /// </summary>
    public string? FindUnmet(RoutedOrder order)
    {
        if (_cities is not null && !(order.ShipTo?.City is { } city && _cities.Contains(city.Trim()))) return "customer_city";
        if (_countries is not null && !(order.ShipTo?.Country is { } country && _countries.Contains(country.Trim()))) return "country";
        if (_when.PostalPrefix is { } prefixes && !(order.ShipTo?.PostalCode is { } code && IsWithin(code, prefixes))) return "postal_prefix";
        if (_when.OrderValueRange is { } range && !IsWithin(order, range)) return "order_value_range";
        if (_channels is not null && !_channels.Contains(order.Channel)) return "channel";
        if (_when.Priority is { } priorities && !priorities.Contains(order.Priority)) return "priority";
        if (_when.FulfillmentType is { } types && !types.Contains(order.FulfillmentType)) return "fulfillment_type";
        if (_categories is not null && !order.Goods.Any(g => g.Category is { } category && _categories.Contains(category))) return "product_categories";
        if (_sellers is not null && !order.Goods.Any(g => g.Seller is { } seller && _sellers.Contains(seller))) return "seller";
        if (_skus is not null && !order.Goods.Any(g => _skus.Contains(g.Sku))) return "skus";
        if (_when.TimeOfDay is { } window && !IsWithin(order.At, window)) return "time_of_day";
        return null;
    }

    private static bool IsWithin(string code, IReadOnlyList<string?> prefixes)
    {
        var plain = code.Replace(" ", "", StringComparison.Ordinal);
        return prefixes.Any(p => plain.StartsWith(p!, StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsWithin(RoutedOrder order, ValueRange range)
    {
        if (range.Currency is { } currency && currency != order.Currency) return false;
        var total = order.TotalE4 / 10_000m;
        return (range.Min is null || total >= range.Min) && (range.Max is null || total <= range.Max);
    }

    private static bool IsWithin(DateTimeOffset at, TimeWindow window)
    {
        var local = TimeZoneInfo.ConvertTime(at, window.TimeZone is { } zone ? TimeZoneInfo.FindSystemTimeZoneById(zone) : TimeZoneInfo.Utc);
        var (from, to) = (Clock(window.From) ?? TimeSpan.Zero, Clock(window.To) ?? TimeSpan.FromDays(1));
        var (now, day) = (local.TimeOfDay, local.DayOfWeek);
        if (from > to && now < to) day = local.AddDays(-1).DayOfWeek; // it began yesterday
        var isInside = from <= to ? now >= from && now < to : now >= from || now < to;
        return isInside && (window.Weekdays is null || window.Weekdays.Contains((Weekday)day));
    }

    /// <summary>A time of day as <c>HH:mm</c>; 24:00 is the end of the day.</summary>
    internal static TimeSpan? Clock(string? text) =>
        text == "24:00" ? TimeSpan.FromDays(1) : TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;

    /// <summary>Why a site must not serve, or null.</summary>
    public string? Reject(string site, double? distanceKm)
    {
        if (_only is not null && !_only.Contains(site)) return $"the rule {Name} does not allow it";
        if (_excluded is not null && _excluded.Contains(site)) return $"the rule {Name} excludes it";
        if (Params.MaxDistanceKm is not { } most) return null;
        if (distanceKm is not { } km) return "its distance is not known";
        return km > most ? string.Create(CultureInfo.InvariantCulture, $"farther than {most:0.#} km") : null;
    }

    /// <summary>Where a site stands among those that are preferred: 0 is the first, and all others come together at the end.</summary>
    public int Preference(string site)
    {
        if (Params.PreferSites is not { } preferred) return 0;
        for (var i = 0; i < preferred.Count; i++)
            if (preferred[i] == site) return i;
        return preferred.Count;
    }
}
