using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;
using Stowline.Site.Production;
using Stowline.Site.Stock;

namespace Stowline.Server.Pizza;

/// <summary>The node's clock while a file is replayed: shows the file's time; timers run on the real one.</summary>
internal sealed class PizzaTime(DateTimeOffset start) : TimeProvider
{
    private long _ticks = start.UtcTicks;
    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _ticks), TimeSpan.Zero);

    /// <summary>Never backwards: a node that has seen a time does not see an earlier one.</summary>
    public void MoveTo(DateTimeOffset at)
    {
        if (at.UtcTicks > _ticks) Volatile.Write(ref _ticks, at.UtcTicks);
    }
}

/// <summary>Brings the menu into a node: site, dishes, ingredients. May be run again at any time.</summary>
internal sealed class PizzaImport(NodeCalls calls, string site)
{
    public const string Currency = "USD";
    public static readonly Caller Importer = new("pizza");

    public async Task RunAsync(PizzaMenu menu, CancellationToken ct)
    {
        if (!calls.Node.Sites.Contains(site))
            await calls.DoAsync<SiteView>($"site {site}", Lane.Hub, Importer,
                tx => SaveSite.DecideAsync(site, new SiteBody { Name = $"Pizzeria {site}", Type = SiteType.Kitchen, TimeZone = "UTC" }, tx, calls.Node), hops: 1, ct);
        List<MenuBody?> dishes = [.. menu.Types.Select(t => new MenuBody
        {
            Dish = t.Id, Name = t.Name, Category = t.Category, Station = "oven", WorkMinutes = 5, Ingredients = [.. t.Ingredients.Select(i => new DosageBody(i, 1))],
            Variants = [.. menu.Variants.Where(v => v.Type == t.Id).Select(v => new VariantBody { Sku = v.Id, Size = v.Size, Price = new Money(v.Price, Currency) })],
        })];
        await calls.DoAsync<IReadOnlyList<DishView>>("menu", Lane.Hub, Importer, tx => SaveMenu.DecideAsync(dishes, tx), hops: 1, ct);
    }
}

/// <summary>What a replay has to tell; its fields are the contract's and some more.</summary>
internal sealed record PizzaReport
{
    public int Orders { get; init; }
    public int Lines { get; init; }
    public long Pizzas { get; init; }
    public decimal Revenue { get; init; }
    public IReadOnlyDictionary<string, long> Ingredients { get; init; } = new Dictionary<string, long>();
    public long MaxLoad { get; init; }
    public int Shifted { get; init; }
    public int Refused { get; init; }
    public int Delivered { get; init; }
    public double WaitMinutesMean { get; init; }
    public double WaitMinutesMax { get; init; }
    public string Verify { get; init; } = "";
    public double Seconds { get; init; }

    public bool Ok => Verify == "ok" && Delivered == Orders && Refused == 0;

    public IReadOnlyDictionary<string, object?> Fields() => new Dictionary<string, object?>
    {
        ["ok"] = Ok, ["orders"] = Orders, ["lines"] = Lines, ["pizzas"] = Pizzas, ["revenue"] = Revenue.ToString("0.00", CultureInfo.InvariantCulture), ["ingredients"] = Ingredients,
        ["max_load"] = MaxLoad, ["shifted"] = Shifted, ["refused"] = Refused, ["delivered"] = Delivered, ["wait_minutes_mean"] = WaitMinutesMean, ["wait_minutes_max"] = WaitMinutesMax,
        ["verify"] = Verify, ["seconds"] = Seconds,
    };
}

/// <summary>
/// Runs the file's orders through slots, tickets and simulated cooks, hour by hour: the orders of an hour are placed in their order, each looking for its slot from its own moment; then
/// the cooks take what has come to its slot through the stages. Orders are known by their id, so a replay that was stopped is simply started again.
/// </summary>
internal sealed class PizzaReplay(NodeCalls calls, PizzaTime time, string site, ReplaySpeed speed, Action<double, string>? progress = null)
{
    private const string Channel = "pizza";
    private const int SlotMinutes = 15;
    private const int PlacedTogether = 256;
    private static readonly Caller Cook = new("cook");
    private readonly AcceptOrders _intake = calls.Node.Modules.OfType<OrderingModule>().Single().Intake!;
    private readonly ReplayClock _pace = new(TimeProvider.System, speed);

    /// <param name="capacity">Pizzas per slot; null for as many as come.</param>
    public async Task<PizzaReport> RunAsync(PizzaMenu menu, IReadOnlyList<PizzaOrder> orders, long? capacity, CancellationToken ct)
    {
        var plan = new SlotPlanBody { LengthMinutes = SlotMinutes, Measure = SlotMeasure.Units, Capacity = capacity ?? Limits.MaxQuantity, LeadMinutes = 0, VisibleMinutes = 30, Days = 2 };
        await calls.DoAsync<SlotPlanView>("slot plan", Lane.Hub, PizzaImport.Importer, tx => SlotPlans.DecideAsync(site, plan, tx), hops: 1, ct);
        await StockAsync(menu, orders, ct);
        var (placed, refused, done) = (new List<(PizzaOrder Order, OrderView View)>(orders.Count), 0, 0);
        foreach (var hour in orders.GroupBy(o => o.At.UtcTicks / TimeSpan.TicksPerHour))
        {
            var begin = new DateTimeOffset(hour.Key * TimeSpan.TicksPerHour, TimeSpan.Zero);
            await _pace.WaitForAsync(begin.UtcDateTime, ct);
            time.MoveTo(begin);
            foreach (var chunk in hour.Chunk(PlacedTogether))
            {
                // Given one after the other and awaited together: the queue keeps their order.
                var answers = await Task.WhenAll(chunk.Select(o => PlaceAsync(o, ct)));
                for (var i = 0; i < chunk.Length; i++)
                    if (answers[i] is { } view) placed.Add((chunk[i], view));
                    else refused++;
            }
            await CookAsync(begin.AddHours(1), ct);
            done += hour.Count();
            progress?.Invoke((double)done / orders.Count, $"{begin:yyyy-MM-dd}  {done} of {orders.Count} orders");
        }
        await CookAsync(DateTimeOffset.MaxValue, ct);
        return await ReportAsync(placed, refused, ct);
    }

    /// <summary>Null where it was refused because all slots are full.</summary>
    private async Task<OrderView?> PlaceAsync(PizzaOrder order, CancellationToken ct)
    {
        var body = new OrderBody { Channel = Channel, ExternalId = order.Id, FulfillmentType = FulfillmentType.Pickup, PickupSite = site,
            Lines = [.. order.Lines.Select(l => new OrderLineBody(l.Pizza, l.Quantity, null))] };
        var accept = AcceptOrder.From(body, calls.Node.Ids).Value with { At = order.At };
        try
        {
            return await calls.DoAsync($"order {order.Id}", async () =>
            {
                var result = await _intake.AcceptAsync(accept, PizzaImport.Importer, ct);
                return result.Outcome.Refusal is { Code: "slots_full" } ? throw new SlotsFullException() : result;
            }, ct);
        }
        catch (SlotsFullException)
        {
            return null;
        }
    }

    private sealed class SlotsFullException : Exception;

    /// <summary>What the file's orders will use, and a little more, so that nothing runs out.</summary>
    private async Task StockAsync(PizzaMenu menu, IReadOnlyList<PizzaOrder> orders, CancellationToken ct)
    {
        var types = menu.Types.ToDictionary(t => t.Id, StringComparer.Ordinal);
        var of = menu.Variants.ToDictionary(v => v.Id, v => types[v.Type], StringComparer.Ordinal);
        var uses = orders.SelectMany(o => o.Lines).SelectMany(l => of[l.Pizza].Ingredients.Select(i => (Ingredient: i, l.Quantity))).GroupBy(u => u.Ingredient, StringComparer.Ordinal)
            .Select(g => (Sku: g.Key, Units: g.Sum(u => (long)u.Quantity))).OrderBy(u => u.Sku, StringComparer.Ordinal).ToList();
        if (uses.Count == 0) return;
        var reference = $"pizza/{orders[0].Id}-{orders[^1].Id}-{orders.Count}";
        var caller = PizzaImport.Importer with { Idempotency = IdempotencyKey.Of(PizzaImport.Importer.Actor, "replay", site, reference, default) };
        var receipt = new ReceiptBody(reference, [.. uses.Select(u => new ReceiptLine { Sku = u.Sku, Quantity = u.Units + 100 })]);
        await calls.DoAsync<Receipt>("ingredients", Lane.Site(site), caller, tx => ReceiveStock.DecideAsync(site, receipt, tx), hops: 1, ct);
    }

    /// <summary>The cooks take every ticket whose slot begins before a moment through its stages, a few minutes in each.</summary>
    private async Task CookAsync(DateTimeOffset before, CancellationToken ct)
    {
        var ids = await calls.Node.Database.ReadAsync(s => OpenTickets.IdsAsync(s, site, before), ct);
        if (ids.Count == 0)
        {
            if (before != DateTimeOffset.MaxValue) return;
            await calls.DrainAsync(ct);
            ids = await calls.Node.Database.ReadAsync(s => OpenTickets.IdsAsync(s, site, before), ct);
        }
        foreach (var chunk in ids.Chunk(500))
        {
            foreach (var (stage, minutes) in new[] { ("preparing", 2), ("cooking", 4), ("ready", 8), ("completed", 3) })
            {
                await calls.DoAsync<IReadOnlyList<TicketView>>(stage, Lane.Site(site), Cook, tx => MoveTickets.BumpAllAsync(site, chunk, stage, tx), hops: 0, ct);
                time.MoveTo(time.GetUtcNow().AddMinutes(minutes));
            }
        }
    }

    private async Task<PizzaReport> ReportAsync(List<(PizzaOrder Order, OrderView View)> placed, int refused, CancellationToken ct)
    {
        await calls.DrainAsync(ct);
        var node = calls.Node;
        var books = await node.Database.ReadAsync(s => ReadChannel.OrdersAsync(s, Channel), ct);
        var mine = placed.Select(p => p.View.Id).ToHashSet(StringComparer.Ordinal);
        var kept = books.Where(b => mine.Contains(b.Id.ToString())).ToList();
        var waits = placed.Where(p => p.View.Slot is not null).Select(p => Math.Max(0, (p.View.Slot!.Start - p.Order.At).TotalMinutes)).DefaultIfEmpty(0).ToList();
        var verification = await Verification.RunAsync(node, ct);
        return new PizzaReport
        {
            Orders = kept.Count, Lines = kept.Sum(k => k.Lines), Pizzas = kept.Sum(k => k.Units), Revenue = placed.Sum(p => p.View.Total.Amount),
            Ingredients = await node.Database.ReadAsync(s => LedgerSums.UsedAsync(s, site), ct), MaxLoad = await node.Database.ReadAsync(s => SlotLoads.MaxAsync(s, site), ct),
            Shifted = placed.Count(p => p.View.Slot is { } slot && slot.Start > Floor(p.Order.At)), Refused = refused, Delivered = kept.Count(k => k.Status == OrderStatus.Delivered),
            WaitMinutesMean = Math.Round(waits.Average(), 2), WaitMinutesMax = Math.Round(waits.Max(), 2),
            Verify = verification.Ok ? "ok" : string.Join("; ", verification.Checks.Where(c => c.Value != "ok").Select(c => $"{c.Key}: {c.Value}")),
        };
    }

    private static DateTimeOffset Floor(DateTimeOffset at) => new(at.UtcTicks - at.UtcTicks % TimeSpan.FromMinutes(SlotMinutes).Ticks, TimeSpan.Zero);
}
