using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Tests.Hub;

namespace Stowline.Tests.Routing;

/// <summary>What tests of routing do with a hub: rules, addresses, decisions.</summary>
internal static class RoutingNode
{
    public static readonly (double Latitude, double Longitude) Belgrade = (44.8, 20.4);
    public static readonly (double Latitude, double Longitude) NoviSad = (45.25, 19.85);
    public static readonly (double Latitude, double Longitude) Nis = (43.3, 21.9);

    /// <summary>BEG, NS and NIS with plenty of A and B each, seen from Belgrade in this order of distance.</summary>
    public static async Task<HubNode> StartAsync(string store, int units = 1_000)
    {
        var hub = await HubNode.StartAsync(store, new RoutingModule());
        await hub.SiteAsync("BEG", Belgrade.Latitude, Belgrade.Longitude);
        await hub.SiteAsync("NS", NoviSad.Latitude, NoviSad.Longitude);
        await hub.SiteAsync("NIS", Nis.Latitude, Nis.Longitude);
        await hub.ProductsAsync("A", "B");
        foreach (var site in new[] { "BEG", "NS", "NIS" })
            foreach (var sku in new[] { "A", "B" }) await hub.GrantAsync(site, sku, units);
        return hub;
    }

    public static async Task<Outcome<RuleView>> RuleAsync(this HubNode hub, string name, RoutingStrategy strategy, StrategyParams? how = null, RuleConditions? when = null, int priority = 0, bool active = true)
    {
        var body = new RuleBody { Strategy = strategy, StrategyParams = how, Conditions = when, Priority = priority, Active = active };
        var saved = await hub.Test.RunAsync(Lane.Hub, tx => SaveRule.DecideAsync(name, body, tx));
        await hub.Test.DrainAsync();
        return saved;
    }

    public static Func<OrderBody, OrderBody> To((double Latitude, double Longitude) place, string city = "Belgrade") =>
        b => b with { ShipTo = new AddressDetails(null, "x", null, city, null, null, "RS", place.Latitude, place.Longitude) };

    public static async Task<OrderView> OrderAsync(this HubNode hub, string external, (double, double) to, params (string, int)[] lines) =>
        (await hub.PlaceAsync(hub.Order(external, lines, To(to)).Value)).Value;

    public static async Task<RoutingDecision> DecisionAsync(this HubNode hub, string order) =>
        (await hub.LaneAsync(Lane.Hub)).Single(e => e.Type == OrderPlaced.Type && e.OrderId.ToString() == order).Read<OrderPlaced>().Decision;

    public static string Sites(OrderView order) => string.Join(" ", order.Parts.Select(p => p.Site ?? "-"));
}
