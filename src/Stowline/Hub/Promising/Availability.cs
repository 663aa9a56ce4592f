using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Store;

namespace Stowline.Hub.Promising;

/// <summary>A SKU over all sites (W11). <see cref="Available"/> is what may be promised now, not on hand minus reserved.</summary>
public sealed record AvailabilityItem(string Sku, long OnHand, long Reserved, long Available, string? PreferredSite, IReadOnlyList<SiteAvailability> Sites)
{
    /// <summary>On its way from site to site: in nobody's stock, and not available before it has arrived.</summary>
    public long Incoming => Sites.Sum(s => s.Incoming);

    /// <summary>At sites whose grants were taken back, or that were given up: not available before somebody has counted.</summary>
    public long Disputed => Sites.Sum(s => s.Disputed);
}

/// <summary>A SKU at one site. <see cref="Reserved"/> counts open promises: promised − released − consumed. <see cref="Incoming"/> is on its way there from other sites.</summary>
/// <param name="Granted">What the site holds for the hub to promise from: granted − withdrawn − returned − consumed.</param>
/// <param name="Disputed">Units that are neither the site's own nor the hub's to promise, until they are counted.</param>
public sealed record SiteAvailability(string Site, long OnHand, long Granted, long Reserved, long Available, DateTimeOffset AsOf, long Incoming = 0, long Disputed = 0);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Page<AvailabilityItem>))]
[JsonSerializable(typeof(PolicyBody))]
[JsonSerializable(typeof(PolicyView))]
[JsonSerializable(typeof(Page<PolicyView>))]
internal sealed partial class PromisingJson : JsonSerializerContext;

/// <summary>Virtual stock: what can be promised, per SKU and site.</summary>
public static class Availability
{
    internal static void Map(IEndpointRouteBuilder api, Node node) => api.Get("/availability", async http =>
    {
        var paging = Requests.Paging(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var asked = http.Request.Query["sku"];
        if (asked.Count > Limits.MaxListLimit) { await Answers.WriteAsync(http, Refusal.Invalid("sku", $"at most {Limits.MaxListLimit} at a time")); return; }
        var channel = Requests.Query(http, "channel");
        if (channel is not null && !CodeRule.TryNormalize(channel, out channel)) { await Answers.WriteAsync(http, Refusal.Invalid("channel", CodeRule.Description)); return; }
        var (limit, cursor) = paging.Value;
        var sellers = CallLimits.Of(http).Sellers;
        // All that are asked for in one page, unless the caller wants less at a time.
        var wanted = Pages.Of(http, [.. asked.OfType<string>().Distinct()], sku => sku);
        if (asked.Count > 0 && wanted.Refusal is { } strange) { await Answers.WriteAsync(http, strange); return; }
        var page = await node.Database.ReadAsync(async s => asked.Count == 0 ? await PageAsync(s, cursor ?? "", limit, sellers, channel)
            : await OfAsync(s, [.. wanted.Value.Items], channel) with { NextCursor = wanted.Value.NextCursor }, http.RequestAborted);
        await Answers.WriteAsync(http, (Outcome<Page<AvailabilityItem>>)page);
    }).WithTags("Stock").WithSummary("What can be promised now, per SKU and site").Pages<AvailabilityItem>()
        .Reads("sku", "These SKUs, in one page unless limit says less; may be repeated.", repeated: true)
        .Reads("channel", "What may be promised to orders of this channel: without what is kept for others (/pools). Otherwise to some channel or other.");

    private const string Select = """
        SELECT a.sku, a.site, a.on_hand, a.granted - a.withdrawn - a.returned - a.consumed AS granted, a.promised - a.released - a.consumed AS reserved,
               a.granted - a.withdrawn - a.returned - a.promised + a.released AS free, a.as_of, a.incoming, a.disputed
        FROM allotments a WHERE a.sku = k.sku ORDER BY a.site
        """;

    private static async Task<Page<AvailabilityItem>> PageAsync(SqlSession session, string after, int limit, IReadOnlyList<string> sellers, string? channel)
    {
        var skus = sellers.Count > 0 ? await Catalog.ReadProducts.SkusOfSellersAsync(session, sellers, after, limit + 1) : await session.QueryAsync<string>("SELECT DISTINCT sku FROM allotments WHERE sku > @after ORDER BY sku LIMIT @more", new { after, more = limit + 1 });
        var page = await OfAsync(session, [.. skus.Take(limit)], channel);
        return page with { NextCursor = skus.Count > limit ? skus[limit - 1] : null };
    }

    /// <summary>Each asked SKU gets an item, with zeros where nothing is known of it.</summary>
    /// <param name="channel">What is kept for other channels is not available to this one. Null: to any.</param>
    public static async Task<Page<AvailabilityItem>> OfAsync(SqlSession session, string[] skus, string? channel = null)
    {
        var own = channel is null ? null : await PoolStates.FreeAsync(session, channel, skus);
        var inactive = await Catalog.ReadSites.InactiveAsync(session);
        var found = skus.ToDictionary(s => s, _ => new List<SiteAvailability>(), StringComparer.Ordinal);
        // A site that is shut for now keeps its stock, but nothing is promised from there.
        await session.SelectAsync(Select, skus.Length, [Column.Of("sku", skus)], row => found[row.GetString(0)].Add(new SiteAvailability(row.GetString(1), row.GetInt64(2),
            Math.Max(0, row.GetInt64(3)), Math.Max(0, row.GetInt64(4)),
            inactive.Contains(row.GetString(1)) ? 0 : Math.Max(0, own?.GetValueOrDefault((row.GetString(0), row.GetString(1)), row.GetInt64(5)) ?? row.GetInt64(5)), row.GetTime(6), row.GetInt64(7), row.GetInt64(8))));
        return new Page<AvailabilityItem>([.. skus.Select(sku =>
        {
            var sites = found[sku];
            var best = sites.Where(s => s.Available > 0).MaxBy(s => s.Available);
            return new AvailabilityItem(sku, sites.Sum(s => s.OnHand), sites.Sum(s => s.Reserved), sites.Sum(s => s.Available), best?.Site, sites);
        })], null);
    }
}
