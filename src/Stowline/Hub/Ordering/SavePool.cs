using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Ordering;

/// <summary>What is to be kept for a channel: a <see cref="Quantity"/> or a <see cref="SharePercent"/> of what the hub holds, one of them.</summary>
public sealed record PoolBody
{
    /// <summary>The channel of orders that may have it: a marketplace's account, <c>web</c>, or any other.</summary>
    public string? Channel { get; init; }
    /// <summary>A product, or <c>*</c> for every product that the channel has no pool of its own for.</summary>
    public string? Sku { get; init; }
    /// <summary>Only of this site's stock; over all sites when not given.</summary>
    public string? Site { get; init; }
    /// <summary>Units.</summary>
    public long? Quantity { get; init; }
    /// <summary>1–100, of the units that the hub holds: free ones and open promises.</summary>
    public int? SharePercent { get; init; }
}

/// <summary>A pool as it stands.</summary>
/// <param name="Promised">Units of the channel's orders that have not left; null for <c>*</c>.</param>
/// <param name="Kept">Units that nobody else may promise now; null for <c>*</c>.</param>
public sealed record PoolView(string Channel, string Sku, string? Site, long? Quantity, int? SharePercent, long? Promised, long? Kept, DateTimeOffset MadeAt);

/// <summary>
/// <c>/pools</c>: what the hub holds is divided among channels. An order may have what its channel's pools keep and what is kept for nobody, never what is kept for another channel.
/// It is a matter of the hub alone: sites know nothing of it, and what they ask back they get. Refusals: <c>pool_overlaps</c>, <c>pool_not_found</c>, <c>too_many_pools</c>.
/// </summary>
public static class SavePool
{
    private const int MostPools = 10_000;

    internal static void Map(IEndpointRouteBuilder api, Node node, RoutingBook routing)
    {
        api.Put("/pools", http => Commands.RunAsync<PoolBody, PoolView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(body, routing, tx)))
            .WithTags("Stock").WithSummary("Keep units of a SKU for a channel").Takes<PoolBody>().Produces<PoolView>();
        api.Delete("/pools", http => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => RemoveAsync(new PoolBody
        {
            Channel = Requests.Query(http, "channel"), Sku = Requests.Query(http, "sku"), Site = Requests.Query(http, "site"),
        }, routing, tx))).WithTags("Stock").WithSummary("Keep nothing there for the channel any more").Produces<PoolView>()
            .Reads("channel", "Whose pool it is.", required: true).Reads("sku", "Of which SKU, or *.", required: true).Reads("site", "Of which site; left out for a pool over all sites.");
        api.Get("/pools", async http =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var (channel, sku) = (Requests.Query(http, "channel"), Requests.Query(http, "sku"));
            await Answers.WriteAsync(http, (Outcome<Page<PoolView>>)await node.Database.ReadAsync(s => PageAsync(s, channel, sku, paging.Value.Limit, paging.Value.Cursor), http.RequestAborted));
        }).WithTags("Stock").WithSummary("What is kept for which channel").Pages<PoolView>().Reads("channel", "Only this channel's.").Reads("sku", "Only those of this SKU, or of *.");
    }

    public static async ValueTask<Outcome<PoolView>> DecideAsync(PoolBody body, RoutingBook routing, LaneTransaction tx)
    {
        var problems = new Problems();
        var key = Key(body, problems);
        problems.Check(body.Quantity is null != body.SharePercent is null, "quantity", "or share_percent is required, and not both");
        problems.Check(body.Quantity is null or (>= 1 and <= Limits.MaxQuantity), "quantity", $"must be 1–{Limits.MaxQuantity}");
        problems.Check(body.SharePercent is null or (>= 1 and <= 100), "share_percent", "must be 1–100");
        if (problems.Any) return problems.ToRefusal();
        if (key.Site is { } site && !await ReadSites.ExistsAsync(tx, site)) return Refusal.Invalid("site", $"there is no site {site}");
        if (key.Sku != Pool.EverySku && (await new PriceBook().PricesAsync(tx, [key.Sku])).Count == 0)
            return Refusal.Invalid("sku", $"there is no product {key.Sku}") with { Code = "unknown_sku" };
        var all = await Pools.AllAsync(tx);
        List<Pool> near = [.. all.Where(p => p.Channel == key.Channel && p.Sku == key.Sku)];
        if (near.Exists(p => p.Site is null != key.Site is null))
            return Refusal.Conflict("pool_overlaps", $"{key.Channel} has pools of {key.Sku} {(key.Site is null ? "at single sites" : "over all sites")}: a unit cannot be in two of them");
        var known = near.Find(p => p.Site == key.Site);
        if (known is null && all.Count >= MostPools) return Refusal.Conflict("too_many_pools", $"there are {MostPools} pools already");
        var pool = new Pool(key.Channel, key.Sku, key.Site, body.Quantity, body.SharePercent, known?.MadeAt ?? tx.Now);
        var isFirst = all.All(p => p.Channel != pool.Channel);
        await Pools.SaveAsync(tx, pool, isFirst ? await PoolParts.CountAsync(tx, pool.Channel) : null);
        await ServeAsync(tx, pool, routing);
        return (await ViewsAsync(tx.Group.Session, [pool]))[0];
    }

    public static async ValueTask<Outcome<PoolView>> RemoveAsync(PoolBody body, RoutingBook routing, LaneTransaction tx)
    {
        var problems = new Problems();
        var key = Key(body, problems);
        if (problems.Any) return problems.ToRefusal();
        var all = await Pools.AllAsync(tx);
        if (all.FirstOrDefault(p => p.Channel == key.Channel && p.Sku == key.Sku && p.Site == key.Site) is not { } pool)
            return Refusal.NotFound("pool_not_found", $"{key.Channel} has no such pool of {key.Sku}");
        var view = (await ViewsAsync(tx.Group.Session, [pool]))[0];
        await Pools.RemoveAsync(tx, pool, last: all.Count(p => p.Channel == pool.Channel) == 1);
        await ServeAsync(tx, pool, routing);
        return view;
    }

    private static (string Channel, string Sku, string? Site) Key(PoolBody body, Problems problems) =>
        (problems.Code(body.Channel, "channel"), body.Sku?.Trim() == Pool.EverySku ? Pool.EverySku : problems.Code(body.Sku, "sku"), body.Site is null ? null : problems.Code(body.Site, "site"));

    /// <summary>What is kept no longer, or kept for the channel now, somebody may have been waiting for.</summary>
    private static async ValueTask ServeAsync(LaneTransaction tx, Pool pool, RoutingBook routing) =>
        await ServeBackorders.RunAsync(tx, pool.Sku == Pool.EverySku ? await Backorders.SkusAsync(tx) : [pool.Sku], await routing.NowAsync(tx), tx.Caller);

    private static async Task<Page<PoolView>> PageAsync(SqlSession session, string? channel, string? sku, int limit, string? after)
    {
        static string Place(Pool pool) => $"{pool.Channel}\n{pool.Sku}\n{pool.Site}";
        var found = (await Pools.AllAsync(session)).Where(p => (channel is null || p.Channel == channel) && (sku is null || p.Sku == sku))
            .OrderBy(Place, StringComparer.Ordinal).Where(p => after is null || string.CompareOrdinal(Place(p), after) > 0).Take(limit + 1).ToList();
        return new Page<PoolView>(await ViewsAsync(session, [.. found.Take(limit)]), found.Count > limit ? Place(found[limit - 1]) : null);
    }

    private static async Task<IReadOnlyList<PoolView>> ViewsAsync(SqlSession session, IReadOnlyList<Pool> pools)
    {
        var states = await PoolStates.OfAsync(session, [.. pools.Where(p => p.Sku != Pool.EverySku)]);
        return [.. pools.Select(p => states.TryGetValue(p, out var state)
            ? new PoolView(p.Channel, p.Sku, p.Site, p.Quantity, p.SharePercent, state.Promised, state.Kept, p.MadeAt)
            : new PoolView(p.Channel, p.Sku, p.Site, p.Quantity, p.SharePercent, null, null, p.MadeAt))];
    }
}
