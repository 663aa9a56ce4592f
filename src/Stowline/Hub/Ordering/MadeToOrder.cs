using System.Globalization;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>How a kitchen is chosen for what is made to order.</summary>
[JsonConverter(typeof(SnakeCaseEnum<MadeStrategy>))]
public enum MadeStrategy { Nearest = 1, Fastest = 2 }

/// <summary>A wished slot: by its id (<c>slot:1770390000</c>) or any moment in it, and where. All may be missing.</summary>
public sealed record SlotWish(string? Id, DateTimeOffset? Start, string? Site)
{
    /// <summary>The wished moment, or null for the next free one.</summary>
    public DateTimeOffset? Moment => Id is not null && Id.StartsWith("slot:", StringComparison.Ordinal)
        && long.TryParse(Id.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < 253_402_300_800
        ? DateTimeOffset.FromUnixTimeSeconds(seconds) : Start;

    internal void Check(Problems problems)
    {
        if (Id is not null && (!Id.StartsWith("slot:", StringComparison.Ordinal) || Moment is null)) problems.Add("slot.id", "must be one that a preview gave, such as slot:1770390000");
        if (Site is not null) problems.Code(Site, "slot.site");
    }
}

/// <summary>Where and when the made part of an order is made; held only when the rest of the order is promised too.</summary>
internal sealed record MadePlan(string Site, IReadOnlyList<SlotShare>? Shares, IReadOnlyList<SkuUnits> Made, SkuUnits[] Rest, RoutingDecision Decision)
{
    /// <summary>One decision for an order that is partly made and partly from stock.</summary>
    public RoutingDecision Join(RoutingDecision stock) => Rest.Length == 0 ? Decision
        : Decision with { Summary = $"made at {Decision.Summary}; from stock: {stock.Summary}", Candidates = [.. Decision.Candidates, .. stock.Candidates] };
}

/// <summary>What intake keeps between groups for goods that are made to order (K1, K2).</summary>
internal sealed class MadeToOrder
{
    private readonly MenuBook _menu = new();
    private readonly SlotBook _slots = new();

    /// <summary>Null where nothing of the group is made to order: then nothing else is looked at.</summary>
    public async ValueTask<MadeGroup?> OpenAsync(LaneTransaction tx, RoutingNow routing, IReadOnlyCollection<string> skus)
    {
        if (await _menu.FindAsync(tx, skus) is not { } menu) return null;
        var kitchens = routing.Sites.Values.Where(s => s.Type is SiteType.Kitchen or SiteType.Workshop).OrderBy(s => s.Code, StringComparer.Ordinal).ToList();
        await _slots.LoadAsync(tx, kitchens);
        return new MadeGroup(tx, menu, kitchens, _slots, await MenuStops.LoadAsync(tx), routing.Figures);
    }
}

/// <summary>The made-to-order side of one group: decided in memory in order of arrival, like the allotments beside it.</summary>
internal sealed class MadeGroup(LaneTransaction tx, IReadOnlyDictionary<string, MenuItem> menu, IReadOnlyList<SiteFacts> kitchens, SlotBook slots, IReadOnlySet<(string Site, string Sku)> stops,
    SiteFigures figures)
{
    /// <summary>What of the group's goods is made to order, by SKU.</summary>
    public IReadOnlyDictionary<string, MenuItem> Menu => menu;

    /// <summary>Where and when an order's dishes are made; null when it has none. Nothing is held yet.</summary>
    /// <param name="match">What the routing rules say; the caller's own wish comes before a rule's strategy, not before its limits.</param>
    public Outcome<MadePlan?> Plan(AcceptOrder order, IReadOnlyList<PlacedLine> lines, string currency, RuleMatch? match)
    {
        SkuUnits[] made = [.. order.Needs.Where(n => menu.ContainsKey(n.Sku))];
        if (made.Length == 0) return (MadePlan?)null;
        var wish = order.Slot?.Moment;
        var only = order.PickupSite ?? order.Slot?.Site ?? order.OnlySite;
        var rule = only is null ? match?.Rule : null;
        var offers = kitchens.Select(k => Offer(k, order, made, lines, currency, only, wish, rule)).ToList();
        var strategy = order.FulfillmentType == FulfillmentType.Pickup ? "pickup_site" : only is not null ? "wished_site"
            : order.Strategy is { } s ? SnakeCaseEnum<MadeStrategy>.Text(s)
            // What is made has no stock to compare.
            : rule is { Strategy: not RoutingStrategy.MostStock } ? SnakeCaseEnum<RoutingStrategy>.Text(rule.Strategy) : order.Latitude is not null ? "nearest" : "fastest";
        var (chosen, decision) = KitchenRouter.Choose(offers, strategy, made.Sum(m => m.Quantity), tx.Now, rule, figures);
        decision = decision.By(only is null ? match : null);
        if (chosen is null) return Refuse(made, offers, only, wish);
        return new MadePlan(chosen.Site.Code, chosen.Shares, made, [.. order.Needs.Where(n => !menu.ContainsKey(n.Sku))], decision);
    }

    private const string Full = "all slots are full";

    private KitchenOffer Offer(SiteFacts site, AcceptOrder order, SkuUnits[] made, IReadOnlyList<PlacedLine> lines, string currency, string? only, DateTimeOffset? wish,
        RoutingRule? rule)
    {
        var distance = Router.Distance(order.Latitude, order.Longitude, site);
        KitchenOffer No(string why) => new(site, why, null, tx.Now, distance);
        if (!site.Active) return No("not active");
        if (only is not null && only != site.Code) return No($"{only} was asked for");
        if (rule?.Reject(site.Code, distance) is { } limit) return No(limit);
        if (made.FirstOrDefault(m => menu[m.Sku].Sites is { } makers && !makers.Contains(site.Code)) is { } foreign) return No($"does not make {foreign.Sku}");
        if (made.FirstOrDefault(m => StoppedBy(site.Code, menu[m.Sku]) is not null) is { } off) return No($"{off.Sku} is off: no {StoppedBy(site.Code, menu[off.Sku])}");
        if (slots.PlanOf(site.Code) is not { } plan) return new KitchenOffer(site, null, null, tx.Now, distance);
        if (plan.Measure == SlotMeasure.Money && plan.Currency != currency) return No($"counts its slots in {plan.Currency}");
        var amount = Amount(plan, lines);
        var shares = wish is { } moment ? slots.At(site.Code, order.At ?? tx.Now, moment, amount) : slots.Find(site.Code, order.At ?? tx.Now, amount);
        return shares is null ? No(Full) : new KitchenOffer(site, null, shares, DateTimeOffset.FromUnixTimeSeconds(shares[0].Start), distance);
    }

    private string? StoppedBy(string site, MenuItem item) =>
        stops.Count == 0 ? null : stops.Contains((site, item.Sku)) ? item.Sku : item.Uses.FirstOrDefault(u => stops.Contains((site, u.Sku)))?.Sku;

    /// <summary>What an order takes of a slot, at least 1: a free dish is work too.</summary>
    private long Amount(SlotPlan plan, IReadOnlyList<PlacedLine> lines) => Math.Max(1, plan.Measure switch
    {
        SlotMeasure.Money => lines.Where(l => menu.ContainsKey(l.Sku)).Sum(l => Money.LineTotal(Money.FromE4(l.UnitPriceE4, plan.Currency!), l.Quantity).ToE4()),
        SlotMeasure.Units => Pieces(lines, i => i.Units),
        SlotMeasure.Minutes => Pieces(lines, i => i.WorkMinutes),
    });

    private long Pieces(IReadOnlyList<PlacedLine> lines, Func<MenuItem, int> of) => lines.Sum(l => !menu.TryGetValue(l.Sku, out var item) ? 0
        : (long)l.Quantity * (of(item) + (l.Extras ?? []).Sum(e => (long)of(menu[e.Sku]) * e.Quantity)));

    /// <summary>Extras go on dishes that are offered with them (K1). Goods from stock have none: as a line of their own they would have a price, a place in the parcel and a way back.</summary>
    /// <param name="menu">What of the order is made; null where nothing is.</param>
    public static Refusal? FindWrongExtra(AcceptOrder order, IReadOnlyDictionary<string, MenuItem>? menu)
    {
        if (menu is null && Array.TrueForAll(order.Lines, l => l.Extras is not { Count: > 0 })) return null;
        var problems = new Problems();
        for (var i = 0; i < order.Lines.Length; i++)
        {
            var line = order.Lines[i];
            var item = menu?.GetValueOrDefault(line.Sku);
            if (item is { Kind: MenuKind.Extra }) problems.Add($"lines[{i}].sku", $"{line.Sku} is an extra: it goes on a dish");
            for (var e = 0; e < (line.Extras?.Count ?? 0); e++)
                if (item is null || !item.Extras.Contains(line.Extras![e].Sku)) problems.Add($"lines[{i}].extras[{e}].sku", $"{line.Sku} cannot have {line.Extras![e].Sku}");
        }
        return problems.Any ? problems.ToRefusal() : null;
    }

    private Refusal Refuse(SkuUnits[] made, List<KitchenOffer> offers, string? only, DateTimeOffset? wish)
    {
        var extra = new Dictionary<string, object?> { ["sites"] = offers.Where(o => o.Rejection is not null).ToDictionary(o => o.Site.Code, o => o.Rejection) };
        if (offers.Exists(o => o.Rejection == Full))
            return Refusal.Conflict("slots_full", wish is null ? "all slots are full or closed" : "the wished slot is full or closed", extra);
        var off = made.Where(m => offers.Exists(o => StoppedBy(o.Site.Code, menu[m.Sku]) is not null)).Select(m => m.Sku).ToList();
        if (off.Count > 0) return Refusal.Conflict("dish_unavailable", $"not to be had now: {string.Join(", ", off)}", extra);
        return Refusal.Conflict("no_kitchen", only is null ? "no kitchen makes it" : $"{only} does not make it", extra);
    }

    /// <summary>Takes the slot. From here on the order counts.</summary>
    public (PartRow Part, SlotView? Slot) Hold(AcceptOrder order, MadePlan plan, int part) => (
        new PartRow { OrderId = order.Id, Part = part, Site = plan.Site, Status = OrderStatus.Allocated, Lines = [.. plan.Made], Made = true },
        plan.Shares is null ? null : slots.Hold(order.Id, part, plan.Site, plan.Shares));

    public ValueTask WriteAsync() => slots.WriteAsync(tx);

    public void Tell(AcceptOrder order, long number, PartRow part, IReadOnlyList<PlacedLine> lines, SlotView? slot, Caller caller)
    {
        var items = new List<TicketItem>();
        foreach (var line in lines)
        {
            if (!menu.TryGetValue(line.Sku, out var dish)) continue;
            var uses = dish.Uses.Select(u => (u.Sku, Units: (long)u.Quantity * line.Quantity))
                .Concat((line.Extras ?? []).SelectMany(e => menu[e.Sku].Uses.Select(u => (u.Sku, Units: (long)u.Quantity * e.Quantity * line.Quantity))))
                .GroupBy(u => u.Sku, StringComparer.Ordinal).Select(g => new SkuUnits(g.Key, (int)Math.Min(Limits.MaxQuantity, g.Sum(u => u.Units))));
            var minutes = (dish.WorkMinutes + (line.Extras ?? []).Sum(e => (long)menu[e.Sku].WorkMinutes * e.Quantity)) * line.Quantity;
            items.Add(new TicketItem(items.Count + 1, line.Sku, dish.Name, dish.Size, line.Quantity, dish.Station, (int)Math.Min(int.MaxValue, minutes), line.Extras, [.. uses]));
        }
        tx.Append(Lane.HubTo(part.Site!), new TicketOrdered(order.Id, part.Part, number, IdSource.DisplayId(order.Id), order.Channel, order.ExternalId,
            SnakeCaseEnum<FulfillmentType>.Text(order.FulfillmentType), order.Priority, items, slot?.Start, slot?.End, slot?.VisibleAt ?? tx.Now, order.Note, order.OnHold),
            order.Id.ToString(), order.Id, caller);
    }
}
