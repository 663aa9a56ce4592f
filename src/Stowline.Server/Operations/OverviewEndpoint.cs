using System.Globalization;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Kernel;
using Stowline.Link;
using Stowline.Site.Fulfillment;
using Stowline.Site.Production;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Server.Operations;

/// <summary>One site at a glance: open tasks per stage, tickets, stuck orders, and what it has given to the hub, in units.</summary>
/// <param name="Link">How the link to a site with a node of its own stands; null where the site is of this node.</param>
/// <param name="Stuck">Orders that the site holds up.</param>
public sealed record SiteNow(
    string Site, string Name, SiteType Type, string? City, double? Latitude, double? Longitude, bool Active, LinkCondition? Link, WorkCounts Work, long Tickets, long Stuck,
    long OnHand, long Promised, long Free);

/// <summary>A SKU of which nothing is left to promise, or which accepted orders wait for. Units.</summary>
public sealed record ShortStock(string Sku, long Free, long Promised, long Backordered);

/// <summary>What is measured (W18, source 1).</summary>
[JsonConverter(typeof(SnakeCaseEnum<KpiName>))]
public enum KpiName
{
    /// <summary>1 − units that counts and adjustments corrected / units on hand.</summary>
    StockAccuracy = 1,
    /// <summary>Mean minutes from the start of a picking task to its end.</summary>
    PickingMinutes = 2,
    /// <summary>Returns taken in / parcels shipped. The reasons of returns are free text, so all count.</summary>
    ReturnRate = 3,
    /// <summary>Bins with goods / bins.</summary>
    BinUse = 4,
    /// <summary>SKUs of which nothing is left to promise / SKUs there are.</summary>
    StockoutRate = 5,
    /// <summary>Seconds by which the slowest link is behind.</summary>
    SyncSeconds = 6,
}

/// <summary>One figure. <see cref="Target"/> is what source 1 wants of it.</summary>
/// <param name="Value">Null where there was nothing to measure.</param>
/// <param name="Of">How much it was measured on: units, tasks, parcels, bins, SKUs, links.</param>
public sealed record Kpi(KpiName Name, double? Value, double Target, long Of);

/// <summary>All that the overview needs and no list tells. Figures of a time are over the last <see cref="Hours"/>.</summary>
public sealed record OverviewView(
    DateTimeOffset At, int Hours, IReadOnlyDictionary<string, long> Stuck, IReadOnlyList<SiteNow> Sites, IReadOnlyList<ShortStock> ShortStock, IReadOnlyList<Kpi> Kpis);

/// <summary><c>GET /system/overview</c>: the state of the sites, short stock, and the KPIs of W18. Counted when asked for, at most every few seconds.</summary>
internal sealed class OverviewEndpoint(Node node)
{
    private const int MaxHours = 720;
    private const int MostShort = 12;

    /// <summary>Screens ask again and again, and many of them: within this time they get the same answer.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private OverviewView? _last;

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        var overview = new OverviewEndpoint(node);
        api.Get("/system/overview", async http =>
        {
            var hours = 24;
            if (Requests.Query(http, "hours") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out hours) || hours is < 1 or > MaxHours))
            {
                await Answers.WriteAsync(http, Refusal.Invalid("hours", $"must be 1–{MaxHours}"));
                return;
            }
            await Answers.WriteAsync<OverviewView>(http, await overview.ReadAsync(hours, http.RequestAborted));
        }).WithTags("System").WithSummary("All sites at a glance: open work, short stock, and how well it goes").Produces<OverviewView>()
            .WithMetadata(new QueryParameter("hours", "Over how many hours the figures are.", Number: (1, MaxHours, 24)));
    }

    private async Task<OverviewView> ReadAsync(int hours, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (_last is { } last && last.Hours == hours && node.Time.GetUtcNow() - last.At < Fresh) return last;
            var links = await LinkViews.ReadAsync(node.Database, node.Modules.OfType<LinkModule>().FirstOrDefault(), ct);
            return _last = await node.Database.SnapshotAsync(session => CountAsync(session, hours, node.Time.GetUtcNow(), links), ct);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What is summed up over the sites.</summary>
    private sealed class Sums
    {
        public long OnHand, Corrected, FilledBins, Bins, Picked, Shipped, Returned;
        public double PickingMinutes;
    }

    private static async Task<OverviewView> CountAsync(SqlSession session, int hours, DateTimeOffset now, IReadOnlyList<LinkView> links)
    {
        var since = now.AddHours(-hours);
        var stuck = await StuckOrders.CountAsync(session);
        var stuckAt = await StuckOrders.PerSiteAsync(session);
        var promises = await PromisedStock.PerSiteAsync(session);
        var linkOf = links.ToDictionary(l => l.Site, l => l.State, StringComparer.Ordinal);
        var (sites, sums) = (new List<SiteNow>(), new Sums());
        foreach (var site in await ReadSites.AllAsync(session))
        {
            var given = promises.GetValueOrDefault(site.Code) ?? new SitePromises();
            sites.Add(new SiteNow(site.Code, site.Name, site.Type, site.City, site.Latitude, site.Longitude, site.Active, linkOf.TryGetValue(site.Code, out var link) ? link : null,
                await SiteWork.CountAsync(session, site.Code), await OpenTickets.CountAsync(session, site.Code), stuckAt.GetValueOrDefault(site.Code),
                given.OnHand, given.Promised, given.Free));
            await AddAsync(session, site.Code, since, sums);
        }
        var counts = await PromisedStock.CountAsync(session);
        return new OverviewView(now, hours, stuck.Where(s => s.Value > 0).ToDictionary(s => SnakeCaseEnum<StuckReason>.Text(s.Key), s => s.Value), sites,
            await ShortAsync(session), KpisOf(sums, counts, links));
    }

    private static async Task AddAsync(SqlSession session, string site, DateTimeOffset since, Sums sums)
    {
        var stock = await StockFigures.ReadAsync(session, site, since);
        var picking = await SiteWork.TimesAsync(session, site, since);
        sums.OnHand += stock.OnHand;
        sums.Corrected += stock.Corrected;
        sums.FilledBins += stock.FilledBins;
        sums.Bins += stock.Bins;
        sums.Picked += picking.Tasks;
        sums.PickingMinutes += picking.Minutes;
        sums.Shipped += await Shipments.CountAsync(session, site, since);
        sums.Returned += await ReturnsModule.CountAsync(session, site, since);
    }

    private static IReadOnlyList<Kpi> KpisOf(Sums sums, SkuCounts skus, IReadOnlyList<LinkView> links)
    {
        static double? Share(double of, long all) => all == 0 ? null : Math.Round(of / all, 6);
        List<LinkView> awaited = [.. links.Where(l => l.GivenUpAt is null)];
        return
        [
            new Kpi(KpiName.StockAccuracy, Share(Math.Max(0, sums.OnHand - sums.Corrected), sums.OnHand), 0.999, sums.OnHand),
            new Kpi(KpiName.PickingMinutes, Share(sums.PickingMinutes, sums.Picked), 10, sums.Picked),
            new Kpi(KpiName.ReturnRate, Share(sums.Returned, sums.Shipped), 0.001, sums.Shipped),
            new Kpi(KpiName.BinUse, Share(sums.FilledBins, sums.Bins), 0.85, sums.Bins),
            new Kpi(KpiName.StockoutRate, Share(skus.Empty, skus.Skus), 0.01, skus.Skus),
            new Kpi(KpiName.SyncSeconds, awaited.Count == 0 ? null : awaited.Max(l => Math.Max(l.In.LagSeconds, l.Out.LagSeconds)), 5, awaited.Count),
        ];
    }

    /// <summary>First what orders wait for, then what ran out.</summary>
    private static async Task<IReadOnlyList<ShortStock>> ShortAsync(SqlSession session)
    {
        var waiting = await Backorders.MostAsync(session, MostShort);
        var empty = await PromisedStock.EmptyAsync(session, 2 * MostShort);
        var known = waiting.Select(w => w.Sku).ToHashSet(StringComparer.Ordinal);
        var left = empty.ToDictionary(e => e.Sku, StringComparer.Ordinal);
        var items = waiting.Select(w => left.GetValueOrDefault(w.Sku) is { } e ? new ShortStock(w.Sku, e.Free, e.Promised, w.Units) : new ShortStock(w.Sku, 0, 0, w.Units));
        return [.. items.Concat(empty.Where(e => !known.Contains(e.Sku)).Select(e => new ShortStock(e.Sku, e.Free, e.Promised, 0))).Take(MostShort)];
    }
}
