using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Routing;

namespace Stowline.Tests.Routing;

/// Goal: a rule applies exactly when all its conditions hold, and says which does not. Method: one order, one condition at a time; pure.
public class RuleMatchingTests
{
    /// <summary>A Friday, 21:30 in Belgrade.</summary>
    private static readonly DateTimeOffset Friday = new(2026, 1, 16, 20, 30, 0, TimeSpan.Zero);

    private static readonly RoutedOrder Order = new(new AddressDetails(null, null, null, " belgrade ", null, "110 00", "rs", null, null), 25_000_0000, "RSD", "web", Priority.High, FulfillmentType.Ship,
        Friday, [new RoutedGoods("A", "home", "North"), new RoutedGoods("B", null, null)]);

    private static RuleView View(RuleConditions when, int priority = 0, string name = "r", bool active = true) => new()
    {
        Name = name, Version = 1, Priority = priority, Active = active, Conditions = when, Strategy = RoutingStrategy.Nearest, StrategyParams = new StrategyParams(), SavedAt = Friday, SavedBy = "t",
    };

    public static TheoryData<string?, RuleConditions> Conditions => new()
    {
        { null, new RuleConditions() },
        { null, new RuleConditions { CustomerCity = ["Novi Sad", "Belgrade"] } },
        { "customer_city", new RuleConditions { CustomerCity = ["Novi Sad"] } },
        { null, new RuleConditions { Country = ["RS"] } },
        { "country", new RuleConditions { Country = ["DE"] } },
        { null, new RuleConditions { PostalPrefix = ["21", "110"] } },
        { "postal_prefix", new RuleConditions { PostalPrefix = ["21"] } },
        { null, new RuleConditions { OrderValueRange = new ValueRange(25_000, 25_000, null) } },
        { "order_value_range", new RuleConditions { OrderValueRange = new ValueRange(25_000.01m, null, null) } },
        { "order_value_range", new RuleConditions { OrderValueRange = new ValueRange(null, 24_999.99m, null) } },
        { "order_value_range", new RuleConditions { OrderValueRange = new ValueRange(1, null, "EUR") } },
        { null, new RuleConditions { ProductCategories = ["toys", "home"] } },
        { "product_categories", new RuleConditions { ProductCategories = ["toys"] } },
        { null, new RuleConditions { Seller = ["North"] } },
        { "seller", new RuleConditions { Seller = ["South"] } },
        { null, new RuleConditions { Skus = ["B"] } },
        { "skus", new RuleConditions { Skus = ["b"] } },
        { null, new RuleConditions { Channel = ["web"] } },
        { "channel", new RuleConditions { Channel = ["allegro"] } },
        { null, new RuleConditions { Priority = [Priority.High, Priority.Urgent] } },
        { "priority", new RuleConditions { Priority = [Priority.Low] } },
        { null, new RuleConditions { FulfillmentType = [FulfillmentType.Ship] } },
        { "fulfillment_type", new RuleConditions { FulfillmentType = [FulfillmentType.Transfer] } },
        { null, new RuleConditions { TimeOfDay = new TimeWindow("20:30", "20:31", null, null) } },
        { "time_of_day", new RuleConditions { TimeOfDay = new TimeWindow("09:00", "20:30", null, null) } },
        { null, new RuleConditions { TimeOfDay = new TimeWindow("21:00", "24:00", [Weekday.Fri], "Europe/Belgrade") } },
        { "time_of_day", new RuleConditions { TimeOfDay = new TimeWindow("20:00", "21:00", null, "Europe/Belgrade") } },
        { "time_of_day", new RuleConditions { TimeOfDay = new TimeWindow(null, null, [Weekday.Sat, Weekday.Sun], null) } },
        { null, new RuleConditions { TimeOfDay = new TimeWindow("22:00", "21:45", [Weekday.Thu], "Europe/Belgrade") } }, // began on Thursday
        { "time_of_day", new RuleConditions { TimeOfDay = new TimeWindow("22:00", "21:45", [Weekday.Fri], "Europe/Belgrade") } },
        { null, new RuleConditions { TimeOfDay = new TimeWindow("21:00", "06:00", [Weekday.Fri], "Europe/Belgrade") } },
        { "channel", new RuleConditions { CustomerCity = ["Belgrade"], Channel = ["x"], Skus = ["y"] } },
    };

    [Theory, MemberData(nameof(Conditions))]
    public void All_conditions_must_hold_and_the_first_that_does_not_is_named(string? unmet, RuleConditions when) => Assert.Equal(unmet, new RoutingRule(View(when)).FindUnmet(Order));

    [Fact]
    public void Of_an_erased_person_no_place_is_known_and_rules_for_places_do_not_apply()
    {
        var erased = Order with { ShipTo = null };
        Assert.Equal("customer_city", new RoutingRule(View(new RuleConditions { CustomerCity = ["Belgrade"] })).FindUnmet(erased));
        Assert.Equal("country", new RoutingRule(View(new RuleConditions { Country = ["RS"] })).FindUnmet(erased));
        Assert.Null(new RoutingRule(View(new RuleConditions())).FindUnmet(erased));
    }

    [Fact]
    public void The_highest_priority_is_asked_first_then_the_name_and_who_is_off_is_not_asked()
    {
        var toys = new RuleConditions { ProductCategories = ["toys"] };
        var set = new RuleSet([View(new(), 0, "last"), View(toys, 9, "toys"), View(new(), 5, "b"), View(new(), 5, "a"), View(new(), 99, "off", active: false)]);

        var match = set.Match(Order);

        Assert.Equal("a", match.Rule!.Name);
        Assert.Equal([new PassedRule("toys", 1, "product_categories")], match.Passed);
        Assert.Null(new RuleSet([View(toys)]).Match(Order).Rule);
        Assert.True(new RuleSet([View(new(), active: false)]).IsEmpty);
    }
}
