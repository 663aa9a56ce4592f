using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Server.Demo;

/// <summary>Makes the sample business where it is missing. What exists stays as it is, so it may be started again at any time, also after a kill in the middle.</summary>
internal sealed class DemoSetup(DemoDesk desk)
{
    private const string Who = "demo";

    /// <summary>Null when the sample business may live in this database: it is empty, or the sample's own.</summary>
    /// <returns>Otherwise why not.</returns>
    public static async Task<string?> RefuseAsync(Node node, CancellationToken ct = default) => await node.Database.ReadAsync(async session =>
    {
        var sites = await ReadSites.AllAsync(session);
        if (sites.Any(DemoPlaces.IsDemo)) return null;
        if (sites.Count > 0) return $"{Found(sites.Count, "site")} of somebody's real business {(sites.Count == 1 ? "is" : "are")} in this database ({string.Join(", ", sites.Take(3).Select(s => s.Code))})";
        var orders = (await OrderCounts.ReadAsync(session)).Values.Sum();
        return orders > 0 ? $"{Found(orders, "order")} of somebody's real business {(orders == 1 ? "is" : "are")} in this database" : null;
    }, ct);

    private static string Found(long count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    public async Task RunAsync(CancellationToken ct)
    {
        // The sites first: they carry the mark by which a second start knows that the rest is its own to complete.
        foreach (var place in DemoPlaces.All)
            if (!desk.Node.Sites.Contains(place.Code))
                await desk.MustAsync<SiteView>($"site {place.Code}", Lane.Hub, Who, tx => SaveSite.DecideAsync(place.Code, place.Site, tx, desk.Node), ct);
        var known = await desk.ReadAsync(s => ReadProducts.FindAllAsync(s, [.. DemoCatalog.Products.Select(p => p.Sku)]), ct);
        var missing = DemoCatalog.Products.Select(p => p.Product).Where(p => !known.ContainsKey(p.Sku)).ToList();
        if (missing.Count > 0) await desk.MustAsync<BulkResult>("products", Lane.Hub, Who, tx => SaveProducts.DecideAsync(missing, tx), ct);
        foreach (var place in DemoPlaces.All) await FloorAsync(place, ct);
    }

    private async Task FloorAsync(DemoPlace place, CancellationToken ct)
    {
        var bins = SaveBins.CheckAll(place.Bins()).Value;
        await desk.MustAsync<Done>($"floor of {place.Code}", Lane.Site(place.Code), Who, async tx =>
        {
            var known = await BinBook.PlacesAsync(tx, place.Code, [.. bins.Select(b => b.Code)]);
            var missing = bins.Where(b => !known.ContainsKey(b.Code)).ToList();
            if (missing.Count == 0) return new Done();
            foreach (var (code, zone) in DemoPlace.Zones)
                if (!await BinBook.HasZoneAsync(tx, place.Code, code) && (await SaveZone.DecideAsync(place.Code, code, zone, tx)).Refusal is { } no) return no;
            return (await SaveBins.DecideAsync(place.Code, missing, i => $"bins[{i}].", tx)).Map(_ => new Done());
        }, ct);
    }
}
