using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Hub.Catalog;

/// <summary>
/// Keeps a site node's copy of products and sites by what the hub tells every site (<c>hub/all</c>), so that receiving, packing and looking things up
/// need no hub. The site's own scope writes it.
/// </summary>
internal sealed class CatalogCopy(string site) : Consumer
{
    public override string Name => "catalog-copy";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == ProductsSaved.Type || type == SiteSaved.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            if (e.Type == ProductsSaved.Type)
            {
                await SaveProducts.WriteAsync([.. e.Read<ProductsSaved>().Products.Select(SaveProducts.OfFacts)], tx);
                continue;
            }
            var saved = e.Read<SiteSaved>();
            if (!SnakeCaseEnum<SiteType>.TryParse(saved.SiteType, out var type)) continue; // of a newer hub: this version can do nothing with it
            await SaveSite.WriteAsync(new SiteView
            {
                Code = saved.Code, Number = saved.Ordinal, Name = saved.Name, Type = type, Active = saved.Active, City = saved.City, Address = saved.Address,
                PostalCode = saved.PostalCode, Country = saved.Country, Latitude = saved.Latitude, Longitude = saved.Longitude, TimeZone = saved.TimeZone, Reliability = 1,
            }, tx);
        }
    }
}
