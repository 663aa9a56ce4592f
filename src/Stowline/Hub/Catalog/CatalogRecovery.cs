using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Hub.Catalog;

/// <summary>
/// Brings the hub's products and sites to what it has told every site, after a restore. Of a site that is not here at all, only that much is known: what it can do and when it
/// works must be entered again.
/// </summary>
internal static class CatalogRecovery
{
    public static bool Recovers(string type) => type == ProductsSaved.Type || type == SiteSaved.Type;

    public static IEnumerable<string> Settles(EventRecord e)
    {
        if (e.Type == ProductsSaved.Type) return e.Read<ProductsSaved>().Products.Select(p => "product/" + p.Sku);
        return e.Type == SiteSaved.Type ? ["site/" + e.Read<SiteSaved>().Code] : [];
    }

    public static async ValueTask RunAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubAll))
        {
            if (e.Type == ProductsSaved.Type) await SaveProducts.WriteAsync([.. e.Read<ProductsSaved>().Products.Select(SaveProducts.OfFacts)], tx);
            else if (e.Type == SiteSaved.Type) await SaveAsync(e.Read<SiteSaved>(), tx);
        }
    }

    private static async ValueTask SaveAsync(SiteSaved saved, LaneTransaction tx)
    {
        if (!SnakeCaseEnum<SiteType>.TryParse(saved.SiteType, out var type)) return; // of a newer hub
        var known = await tx.FindAsync<ReadSites.Row>($"SELECT {ReadSites.Columns} FROM sites WHERE code = @code", new { code = saved.Code });
        var before = known?.View() ?? new SiteView { Code = saved.Code, Number = saved.Ordinal, Name = saved.Name, Type = type, Reliability = 1 };
        await SaveSite.WriteAsync(before with
        {
            Name = saved.Name, Type = type, Active = saved.Active, City = saved.City, Address = saved.Address, PostalCode = saved.PostalCode, Country = saved.Country,
            Latitude = saved.Latitude, Longitude = saved.Longitude, TimeZone = saved.TimeZone,
        }, tx);
        if (known is not null) return;
        await tx.OpenLaneAsync(Lane.HubTo(saved.Code), saved.Ordinal);
        await tx.OpenLaneAsync(Lane.Site(saved.Code), saved.Ordinal);
        tx.Announce(SiteWatch.Topic);
    }
}
