using Stowline.Hub.Access;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Quotes;
using Stowline.Site.Fulfillment;
using Stowline.Site.People;
using Stowline.Site.Production;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    public static IReadOnlyList<Module> All() =>
    [
        new AccessModule(),
        new CatalogModule(),
        new PromisingModule(),
        new OrderingModule(),
        new QuotesModule(),
        new TopologyModule(),
        // The site does not know the hub: here, where both are known, the catalogue is lent to it.
        new StockModule { KnowsProduct = async (tx, skus) => (await new PriceBook().PricesAsync(tx, skus)).Keys.ToHashSet(StringComparer.Ordinal) },
        new PeopleModule(),
        new FulfillmentModule(),
        new ShippingModule(),
        new ReturnsModule(),
        new ProductionModule(),
    ];
}
