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
/// leaves no choice. Ties go to the lower code.
/// </summary>
public static class KitchenRouter
{
    public static (KitchenOffer? Chosen, RoutingDecision Decision) Choose(IReadOnlyList<KitchenOffer> offers, string strategy, int units, DateTimeOffset now)
    {
        var open = offers.Where(o => o.Rejection is null).ToList();
        if (strategy == "nearest" && !open.Exists(o => o.DistanceKm is not null)) strategy = "fastest";
        var far = double.MaxValue;
        var ordered = strategy == "nearest"
            ? open.OrderBy(o => o.DistanceKm ?? far).ThenBy(o => o.PromisedAt).ThenBy(o => o.Site.Code, StringComparer.Ordinal)
            : open.OrderBy(o => o.PromisedAt).ThenBy(o => o.DistanceKm ?? far).ThenBy(o => o.Site.Code, StringComparer.Ordinal);
        var chosen = ordered.FirstOrDefault();
        var candidates = offers.OrderByDescending(o => o == chosen).ThenBy(o => o.Site.Code, StringComparer.Ordinal).Select(o => new RoutingCandidate(o.Site.Code,
            o.Rejection is not null ? null : strategy == "nearest" ? o.DistanceKm : Math.Round((o.PromisedAt - now).TotalMinutes, 1), o == chosen,
            o == chosen ? null : o.Rejection ?? Lost(o, chosen!, strategy), o.DistanceKm, o.Rejection is null ? units : 0));
        return (chosen, new RoutingDecision(strategy, chosen is null ? "no kitchen can make it" : Summary(chosen, strategy, open.Count), [.. candidates.Take(20)]));
    }

    private static string Lost(KitchenOffer offer, KitchenOffer chosen, string strategy) =>
        strategy != "nearest" && offer.PromisedAt > chosen.PromisedAt ? $"{chosen.Site.Code} can promise {Minutes(offer.PromisedAt - chosen.PromisedAt)} earlier" : $"{chosen.Site.Code} comes first";

    private static string Summary(KitchenOffer chosen, string strategy, int open) => strategy switch
    {
        "pickup_site" => $"{chosen.Site.Code}: the customer picks up there",
        "wished_site" => $"{chosen.Site.Code}: asked for",
        "nearest" => string.Create(CultureInfo.InvariantCulture, $"{chosen.Site.Code}: nearest that can make it, {chosen.DistanceKm:0.#} km"),
        _ => open == 1 ? $"{chosen.Site.Code}: the only one that can make it" : $"{chosen.Site.Code}: can promise earliest, {chosen.PromisedAt:yyyy-MM-dd HH:mm} UTC",
    };

    private static string Minutes(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0.#} minutes");
}
