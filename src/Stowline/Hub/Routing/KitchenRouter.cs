using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;

namespace Stowline.Hub.Routing;

/// <summary>A kitchen or workshop that was considered for a made-to-order part.</summary>
/// <param name="Rejection">Why it cannot make it, or null.</param>
/// <param name="Shares">The slots that it offers; null where it promises without slots.</param>
/// <param name="PromisedAt">The start of the offered slot, or now.</param>
public sealed record KitchenOffer(SiteFacts Site, string? Rejection, IReadOnlyList<SlotShare>? Shares, DateTimeOffset PromisedAt, double? DistanceKm);

/// <summary>
/// Chooses who makes an order. Pure. <c>nearest</c>: the nearest that can promise; <c>fastest</c>: whoever can promise earliest, the nearer of two equals; a pickup or a wished site
/// leaves no choice. A rule may also compare by cost or by load, and prefer some. Ties go to the lower code.
/// </summary>
public static class KitchenRouter
{
    /// <param name="rule">The rule that decides, or null. What it does not allow was rejected with the offers.</param>
    public static (KitchenOffer? Chosen, RoutingDecision Decision) Choose(IReadOnlyList<KitchenOffer> offers, string strategy, int units, DateTimeOffset now, RoutingRule? rule = null,
        SiteFigures? figures = null)
    {
        var open = offers.Where(o => o.Rejection is null).ToList();
        var located = open.Exists(o => o.DistanceKm is not null);
        if (strategy == "nearest" && !located) strategy = "fastest";
        var scores = offers.ToDictionary(o => o, o => o.Rejection is null ? Score(o) : null);
        var chosen = open.OrderBy(o => rule?.Preference(o.Site.Code) ?? 0).ThenBy(o => scores[o] ?? double.MaxValue).ThenBy(o => strategy == "nearest" ? 0 : o.DistanceKm ?? double.MaxValue)
            .ThenBy(o => o.PromisedAt).ThenBy(o => o.Site.Code, StringComparer.Ordinal).FirstOrDefault();
        var candidates = offers.OrderByDescending(o => o == chosen).ThenBy(o => o.Site.Code, StringComparer.Ordinal).Select(o => new RoutingCandidate(o.Site.Code, scores[o], o == chosen,
            o == chosen ? null : o.Rejection ?? Lost(o, chosen!, strategy), o.DistanceKm, o.Rejection is null ? units : 0));
        var summary = chosen is null ? "no kitchen can make it" : Summary(chosen, scores[chosen], strategy, open.Count) + (rule is null ? "" : $"; rule {rule.Name}");
        return (chosen, new RoutingDecision(strategy, summary, [.. candidates.Take(20)]));

        double? Score(KitchenOffer offer) => strategy switch
        {
            "nearest" => offer.DistanceKm,
            "cheapest" => SiteScores.Of(RoutingStrategy.Cheapest, rule!.Params, offer.Site.Code, offer.DistanceKm, located, figures ?? SiteFigures.None),
            "load_balanced" => SiteScores.Of(RoutingStrategy.LoadBalanced, rule!.Params, offer.Site.Code, offer.DistanceKm, located, figures ?? SiteFigures.None),
            _ => Math.Round((offer.PromisedAt - now).TotalMinutes, 1),
        };
    }

    private static string Lost(KitchenOffer offer, KitchenOffer chosen, string strategy) =>
        strategy is not ("nearest" or "cheapest" or "load_balanced") && offer.PromisedAt > chosen.PromisedAt ? $"{chosen.Site.Code} can promise {Minutes(offer.PromisedAt - chosen.PromisedAt)} earlier"
            : $"{chosen.Site.Code} comes first";

    private static string Summary(KitchenOffer chosen, double? score, string strategy, int open) => strategy switch
    {
        "pickup_site" => $"{chosen.Site.Code}: the customer picks up there",
        "wished_site" => $"{chosen.Site.Code}: asked for",
        "nearest" => string.Create(CultureInfo.InvariantCulture, $"{chosen.Site.Code}: nearest that can make it, {chosen.DistanceKm:0.#} km"),
        "cheapest" => string.Create(CultureInfo.InvariantCulture, $"{chosen.Site.Code}: cheapest, {score:0.00}"),
        "load_balanced" => string.Create(CultureInfo.InvariantCulture, $"{chosen.Site.Code}: least loaded, {score:0.##} open parts"),
        _ => open == 1 ? $"{chosen.Site.Code}: the only one that can make it" : $"{chosen.Site.Code}: can promise earliest, {chosen.PromisedAt:yyyy-MM-dd HH:mm} UTC",
    };

    private static string Minutes(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} minutes");
}
