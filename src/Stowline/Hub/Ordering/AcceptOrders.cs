using System.Collections.ObjectModel;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>
/// Order intake: the hottest command. A whole group is decided at once: rows for all orders are loaded in a few set-based reads, each order is
/// decided in memory in order of arrival, and everything is written in arrays. All or nothing per order (W13).
/// </summary>
public sealed class AcceptOrders(Node node) : IGroupHandler<AcceptOrder, OrderView>, IReadsAhead<AcceptOrder>
{
    private readonly PriceBook _prices = new();
    private readonly MadeToOrder _made = new();

    /// <summary>The sites, their work and the routing rules, as this process knows them.</summary>
    internal RoutingBook Routing { get; } = new(new SiteDirectory { IsShut = node.Lanes.IsShut });

    internal void Map(IEndpointRouteBuilder api) => api.Post("/orders", async http =>
    {
        var body = await Requests.ReadAsync<OrderBody>(http);
        if (body.Refusal is { } unread) { await Answers.WriteAsync(http, unread); return; }
        var order = AcceptOrder.From(body.Value, node.Ids);
        if (order.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        if (CallLimits.Of(http).Sellers is { Count: > 0 } sellers
            && await node.Database.ReadAsync(s => SellerOrders.ForeignAsync(s, order.Value, sellers), http.RequestAborted) is { } foreign)
        {
            await Answers.WriteAsync(http, foreign);
            return;
        }
        var caller = Requests.CallerOf(http);
        if (caller.Refusal is { } who) { await Answers.WriteAsync(http, who); return; }
        var result = await AcceptAsync(order.Value, caller.Value, http.RequestAborted);
        await Answers.WriteAsync(http, result, Render);
    }).WithTags("Orders").WithSummary("Place an order: it is promised and routed at once, or refused").Accepts<OrderBody>("application/json").Produces<OrderView>(201).Produces<OrderView>();

    private static readonly Func<Outcome<OrderView>, StoredAnswer> Render = Answers.Json<OrderView>(201, o => o.Links.Self);

    /// <summary>Accepts one order together with whatever else waits. HTTP, gRPC, consumers and the command line all come through here.</summary>
    /// <param name="hops">1: the answer waits until the sites of this node have heard of the order; 0: not for that.</param>
    public async Task<CommandResult<OrderView>> AcceptAsync(AcceptOrder order, Caller caller, CancellationToken ct = default, int hops = 1)
    {
        if (node.Lanes.RefuseInRepair(Lane.Hub) is { } restored) return new CommandResult<OrderView>(restored, null, false, false);
        if (node.Lanes.TooMuchBehind() is { } busy) return new CommandResult<OrderView>(busy, null, false, false);
        return await node.Lanes.ExecuteTogetherAsync(Lane.Hub, caller, order, this, o => Answers.Keep(o, Render), ct, hops);
    }

    public async ValueTask<Outcome<OrderView>[]> DecideAsync(IReadOnlyList<(AcceptOrder Command, Caller Caller)> items, LaneTransaction tx)
    {
        var outcomes = new Outcome<OrderView>[items.Count];
        if (tx.ReadAhead is not AcceptReads reads)
        {
            reads = new AcceptReads(items);
            await tx.SelectAllAsync([.. reads.Questions]);
        }
        tx.Leave(reads);
        var group = new AcceptGroup(tx, reads) { IsRemote = node.IsRemote };
        var skus = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (order, _) in items)
            foreach (var need in order.Needs) skus.Add(need.Sku);
        group.Routing = await Routing.NowAsync(tx);
        (group.Prices, group.Allotments) = (await _prices.PricesAsync(tx, skus), await Allotments.LoadAsync(tx, skus));
        group.Made = await _made.OpenAsync(tx, group.Routing, skus);
        for (var i = 0; i < items.Count; i++) outcomes[i] = await group.DecideAsync(items[i].Command, items[i].Caller);
        await group.WriteAsync();
        return outcomes;
    }

    public IGroupReads Ask(IReadOnlyList<(AcceptOrder Command, Caller Caller)> items) => new AcceptReads(items);
}

/// <summary>The decisions of one group of orders, in memory until they are written.</summary>
internal sealed class AcceptGroup(LaneTransaction tx, AcceptReads reads)
{
    private sealed record Accepted(AcceptOrder Order, Caller Caller, string Currency, long TotalE4, List<PlacedLine> Lines, List<PartRow> Parts, RoutingDecision Decision)
    {
        public long Number { get; set; }
        public byte[]? Sealed { get; set; }
        public SlotView? Slot { get; init; }
        public OrderStatus Status { get; } = OrderLifecycle.Of(Parts.Select(p => p.Status), cancelling: false);
    }

    private readonly List<Accepted> _accepted = [];
    private readonly Dictionary<Guid, OrderView> _views = [];
    private long? _nextNumber;

    private Dictionary<(string, string), (Guid Id, byte[] Hash)> Known => reads.Known;
    private Dictionary<Guid, byte[]> PersonKeys => reads.PersonKeys;
    public Allotments Allotments { get; set; } = new();
    public RoutingNow Routing { get; set; } = new(ReadOnlyDictionary<string, SiteFacts>.Empty, RuleSet.Empty, SiteFigures.None);
    private IReadOnlyDictionary<string, SiteFacts> Sites => Routing.Sites;
    public IReadOnlyDictionary<string, CatalogPrice> Prices { get; set; } = ReadOnlyDictionary<string, CatalogPrice>.Empty;
    /// <summary>Whether a site has a node of its own.</summary>
    public required Func<string, bool> IsRemote { get; init; }

    /// <summary>Null where nothing of the group is made to order.</summary>
    public MadeGroup? Made { get; set; }

    public async ValueTask<Outcome<OrderView>> DecideAsync(AcceptOrder order, Caller caller)
    {
        if (Known.TryGetValue((order.Channel, order.ExternalId), out var before)) return await ExistingAsync(order, before);
        var problems = new Problems();
        var priced = Price(order, problems);
        if (order.PickupSite is { } pickup && !Sites.ContainsKey(pickup)) problems.Add("pickup_site", $"there is no site {pickup}");
        if (problems.Any) return problems.ToRefusal() with { Code = priced.UnknownSku ? "unknown_sku" : "invalid_request" };

        var only = order.FulfillmentType == FulfillmentType.Pickup ? order.PickupSite : order.OnlySite;
        var match = only is null && !Routing.Rules.IsEmpty ? Routing.Rules.Match(Facts(order, priced.TotalE4, priced.Currency)) : null;
        if (MadeGroup.FindWrongExtra(order, Made?.Menu) is { } wrong) return wrong;
        MadePlan? plan = null;
        if (Made is not null)
        {
            var planned = Made.Plan(order, priced.Lines, priced.Currency, match);
            if (planned.Refusal is { } no) return no;
            plan = planned.Value;
        }
        // What is kept for other channels is not there for this one.
        var mine = Allotments.For(order.Channel, order.Needs.Select(n => n.Sku));
        var routing = plan is { Rest.Length: 0 } ? new RoutingResult([], [], plan.Decision)
            : Router.Decide(new RoutingRequest(plan?.Rest ?? order.Needs, order.Latitude, order.Longitude, only, null, order.AllowBackorder) { Match = match, Figures = Routing.Figures },
                Sites, mine);
        if (routing.Unserved.Count > 0 && !order.AllowBackorder) return Refuse(order, caller, plan?.Rest ?? order.Needs, routing, match?.Rule);

        var parts = new List<PartRow>(routing.Parts.Count + 1);
        foreach (var (site, lines) in routing.Parts)
        {
            foreach (var line in lines) Allotments.Promise(order.Channel, line.Sku, site, line.Quantity);
            parts.Add(new PartRow
            {
                OrderId = order.Id, Part = parts.Count + 1, Site = site, Status = OrderStatus.Allocated, Lines = [.. lines],
                MadeJson = ReferenceEquals(lines, order.Needs) ? order.NeedsJson : null,
            });
        }
        if (routing.Unserved.Count > 0)
            parts.Add(new PartRow { OrderId = order.Id, Part = parts.Count + 1, Status = OrderStatus.Backorder, Lines = [.. routing.Unserved] });

        SlotView? slot = null;
        if (plan is not null)
        {
            (var cooked, slot) = Made!.Hold(order, plan, parts.Count + 1);
            parts.Add(cooked);
        }
        if (!Routing.Rules.IsEmpty)
            foreach (var part in parts)
                if (part.Site is { } site) Routing.Figures.Add(site);
        var accepted = new Accepted(order, caller, priced.Currency, priced.TotalE4, priced.Lines, parts, plan?.Join(routing.Decision) ?? routing.Decision)
        {
            Slot = slot,
            Number = await NextNumberAsync(),
        };
        _accepted.Add(accepted);
        Known[(order.Channel, order.ExternalId)] = (order.Id, order.RequestHash);
        return _views[order.Id] = View(accepted);
    }

    /// <summary>Numbers are taken one by one, so that refused orders leave no gaps; the sequence is read and written once per group.</summary>
    private async ValueTask<long> NextNumberAsync() => (_nextNumber = await tx.NextNumberAsync("order", Lane.Hub)).Value;

    private async ValueTask<Outcome<OrderView>> ExistingAsync(AcceptOrder order, (Guid Id, byte[] Hash) before)
    {
        if (before.Hash.Length > 0 && !before.Hash.AsSpan().SequenceEqual(order.RequestHash))
            return Refusal.Conflict("external_id_taken", $"{order.Channel}:{order.ExternalId} is another order already",
                new Dictionary<string, object?> { ["order_id"] = before.Id.ToString() });
        if (_views.TryGetValue(before.Id, out var mine)) return Outcome<OrderView>.AlreadyDone(mine);
        if (await OrderRows.FindAsync(tx, before.Id) is not var (row, parts))
        {
            var archived = await ArchivedOrders.FindAsync(tx.Group.Session, before.Id);
            return Outcome<OrderView>.AlreadyDone(archived!.Order.View(archived.Parts));
        }
        return Outcome<OrderView>.AlreadyDone(row.View(parts));
    }

    private (List<PlacedLine> Lines, string Currency, long TotalE4, bool UnknownSku) Price(AcceptOrder order, Problems problems)
    {
        var lines = new List<PlacedLine>(order.Lines.Length);
        string? currency = null;
        var total = 0m;
        var unknown = false;
        for (var i = 0; i < order.Lines.Length; i++)
        {
            var line = order.Lines[i];
            if (!Prices.TryGetValue(line.Sku, out var catalog))
            {
                problems.Add($"lines[{i}].sku", $"there is no product {line.Sku}");
                unknown = true;
                continue;
            }
            var price = line.UnitPrice ?? (catalog.PriceE4 is { } e4 ? WithExtras(Money.FromE4(e4, catalog.Currency!), line, i, problems) : null);
            if (price is not { } money)
            {
                problems.Add($"lines[{i}].unit_price", "is required: the catalogue has no price");
                continue;
            }
            currency ??= money.Currency;
            if (money.Currency != currency) problems.Add($"lines[{i}].unit_price.currency", $"{money.Currency} does not fit the other lines' {currency}");
            total += Money.LineTotal(money, line.Quantity).Amount;
            lines.Add(new PlacedLine(line.Sku, line.Quantity, money.ToE4()) { Extras = line.Extras });
        }
        if (total > Money.MaxAmount) problems.Add("lines", "add up to too large an amount");
        return (lines, currency ?? "", problems.Any ? 0 : (long)(total * 10_000m), unknown);
    }

    /// <summary>A dish with what goes on it. An unknown extra is named when the dish is looked at.</summary>
    private Money WithExtras(Money price, AcceptLine line, int index, Problems problems)
    {
        foreach (var extra in line.Extras ?? [])
        {
            if (!Prices.TryGetValue(extra.Sku, out var known) || known.PriceE4 is not { } e4) problems.Add($"lines[{index}].extras", $"there is no {extra.Sku} with a price");
            else if (known.Currency != price.Currency) problems.Add($"lines[{index}].extras", $"{extra.Sku} is priced in {known.Currency}");
            else price = price with { Amount = price.Amount + Money.FromE4(e4, price.Currency).Amount * extra.Quantity };
        }
        return price;
    }

    /// <summary>What rules look at. Made only where there are rules.</summary>
    private RoutedOrder Facts(AcceptOrder order, long totalE4, string currency) => new(order.ShipTo, totalE4, currency, order.Channel, order.Priority, order.FulfillmentType, order.At ?? tx.Now,
        [.. order.Needs.Select(n => Prices.TryGetValue(n.Sku, out var known) ? new RoutedGoods(n.Sku, known.Category, known.Seller) : new RoutedGoods(n.Sku, null, null))]);

    /// <param name="needs">What was to come from stock.</param>
    private Refusal Refuse(AcceptOrder order, Caller caller, IReadOnlyList<SkuUnits> needs, RoutingResult routing, RoutingRule? rule)
    {
        var unserved = routing.Unserved.ToDictionary(u => u.Sku, u => u.Quantity, StringComparer.Ordinal);
        var missing = needs.Where(n => unserved.ContainsKey(n.Sku)).Select(n => new MissingUnits(n.Sku, n.Quantity, n.Quantity - unserved[n.Sku])).ToList();
        tx.RecordAttempt(Lane.Hub, new OrderRefused(order.Channel, order.ExternalId, "insufficient_stock", missing), $"{order.Channel}:{order.ExternalId}", null, caller);
        tx.Measure<OrderMetrics>(m => m.Refused());
        var extra = new Dictionary<string, object?> { ["missing"] = missing };
        if (rule is not null) extra["rule"] = rule.Name; // it may have shut sites out that have more
        return Refusal.Conflict("insufficient_stock", "not enough stock: " + string.Join(", ", missing.Take(5).Select(m => $"{m.Sku} ({m.Requested} wanted, {m.Available} available)"))
            + (rule is null ? "" : $"; rule {rule.Name}"), extra);
    }

    private OrderView View(Accepted a) => new()
    {
        Id = a.Order.Id.ToString(), Number = a.Number, DisplayId = IdSource.DisplayId(a.Order.Id), Status = a.Status, Channel = a.Order.Channel,
        ExternalId = a.Order.ExternalId, FulfillmentType = a.Order.FulfillmentType, Priority = a.Order.Priority, Total = Money.FromE4(a.TotalE4, a.Currency),
        Parts = [.. a.Parts.Select(p => new OrderPartView(p.Part, p.Site, p.Status, p.Lines))], PickupSite = a.Order.PickupSite, Note = a.Order.Note, OnHold = a.Order.OnHold,
        PlacedAt = a.Order.At ?? tx.Now, Links = OrderRow.LinksOf(a.Order.Id), Slot = a.Slot,
    };

    public async ValueTask WriteAsync()
    {
        if (_accepted.Count == 0) return;
        var n = _accepted.Count;
        List<PartRow> parts = [.. _accepted.SelectMany(a => a.Parts)];
        await Allotments.WriteAsync(tx);
        if (Made is not null) await Made.WriteAsync();
        await tx.InsertAsync("order_keys", n,
            Column.From("channel", _accepted, a => a.Order.Channel), Column.From("external_id", _accepted, a => a.Order.ExternalId),
            Column.From("order_id", _accepted, a => a.Order.Id), Column.From("request_hash", _accepted, a => a.Order.RequestHash));
        await OrderRows.InsertPartsAsync(tx, parts);
        if (Allotments.HasPools) await PoolParts.NoteAsync(tx, _accepted.SelectMany(a => a.Parts.Select(p => (a.Order.Channel, p))));
        await Backorders.AddAsync(tx, parts.Where(p => p.Site is null));
        await OrderCounts.AddAsync(tx, _accepted.Select(a => a.Status));
        if (_accepted.Exists(a => a.Order.ExpiresAt is not null)) await Reservations.AddAsync(tx, [.. _accepted.Select(a => a.Order).Where(o => o.ExpiresAt is not null)]);
        await tx.StartWritingAsync(); // the rest takes time to encrypt and to put into words; less before it was tried and is slower (decision 0007)
        await SealAsync();
        await tx.InsertAsync("orders", n,
            Column.From("id", _accepted, a => a.Order.Id), Column.From("number", _accepted, a => a.Number), Column.From("channel", _accepted, a => a.Order.Channel),
            Column.From("external_id", _accepted, a => a.Order.ExternalId), Column.From("status", _accepted, a => (int)a.Status),
            Column.From("fulfillment_type", _accepted, a => (int)a.Order.FulfillmentType), Column.From("priority", _accepted, a => (int)a.Order.Priority),
            Column.From("currency", _accepted, a => a.Currency), Column.From("total_e4", _accepted, a => a.TotalE4),
            Column.From("lines", _accepted, a => JsonSerializer.Serialize(a.Lines, ContractsJson.Default.ListPlacedLine)),
            Column.From("person_id", _accepted, a => a.Order.PersonId), Column.From("personal", _accepted, a => a.Sealed),
            Column.From("latitude", _accepted, a => a.Order.Latitude), Column.From("longitude", _accepted, a => a.Order.Longitude),
            Column.From("pickup_site", _accepted, a => a.Order.PickupSite), Column.From("note", _accepted, a => a.Order.Note),
            Column.From("on_hold", _accepted, a => a.Order.OnHold), Column.Same("cancelling", n, false), Column.From("placed_at", _accepted, a => a.Order.At ?? tx.Now),
            Column.From("slot", _accepted, a => a.Slot is null ? null : JsonSerializer.Serialize(a.Slot, OrderingJson.Default.SlotView)));
        foreach (var accepted in _accepted) Tell(accepted);
        tx.Measure<OrderMetrics>(m => m.Placed(n));
    }

    private async ValueTask SealAsync()
    {
        var people = _accepted.Where(a => a.Order.Personal is not null).Select(a => a.Order.PersonId).ToHashSet();
        if (people.Count == 0) return;
        await Personal.MakeMissingAsync(tx, people, PersonKeys);
        foreach (var a in _accepted)
            if (a.Order.Personal is { } plain) a.Sealed = Personal.Encrypt(PersonKeys[a.Order.PersonId], plain, Personal.IdsOf(tx));
    }

    private void Tell(Accepted a)
    {
        var order = a.Order;
        var subject = order.Id.ToString();
        var type = SnakeCaseEnum<FulfillmentType>.Text(order.FulfillmentType);
        tx.Append(Lane.Hub, new OrderPlaced(order.Id, a.Number, order.Channel, order.ExternalId, type, order.Priority, a.Currency, a.TotalE4, a.Lines,
            [.. a.Parts.Select(p => new PlacedPart(p.Part, p.Site, p.Lines))], a.Decision, order.PersonId, a.Sealed, order.PickupSite, order.Note,
            a.Slot is { } slot ? new PlacedSlot(slot.Id, slot.Site, slot.Start, slot.End, slot.VisibleAt) : null), subject, order.Id, a.Caller);
        if (order.OnHold) tx.Append(Lane.Hub, new OrderHeld(order.Id, order.Note), subject, order.Id, a.Caller);
        foreach (var part in a.Parts)
        {
            if (part.Site is null) continue;
            if (part.Made)
            {
                Made!.Tell(order, a.Number, part, a.Lines, a.Slot, a.Caller);
                continue;
            }
            tx.Append(Lane.HubTo(part.Site), new PartAssigned(order.Id, part.Part, a.Number, order.Channel, order.ExternalId, type, order.Priority, part.Lines,
                order.PersonId, a.Sealed, order.Note, order.OnHold)
            {
                Order = IsRemote(part.Site) ? new OrderFacts(a.Currency, a.TotalE4, a.Lines, order.RequestHash, order.PickupSite, order.At ?? tx.Now) : null,
            }, subject, order.Id, a.Caller);
        }
    }
}
