using Stowline.Hub.Access;
using Stowline.Hub.Alerts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Channels;
using Stowline.Hub.Hooks;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Quotes;
using Stowline.Hub.Routing;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.People;
using Stowline.Site.Production;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    /// <summary>The modules of a node: the hub has all of them, a site leaves out what only the hub decides.</summary>
    public static IReadOnlyList<Module> Of(NodeRole role) =>
    [
        new AccessModule(),
        new CatalogModule(),
        .. role.IsHub ? new Module[] { new PromisingModule(), new OrderingModule(), new RoutingModule(), new QuotesModule(), new HooksModule(), new AlertsModule(), new ChannelsModule() } : [],
        new TopologyModule(),
        // The site does not know the hub: here, where both are known, the catalogue is lent to it. On a site's node it is a copy.
        new StockModule
        {
            KnowsProduct = async (tx, skus) => (await new PriceBook().PricesAsync(tx, skus)).Keys.ToHashSet(StringComparer.Ordinal),
            ReservedAt = TaskCopies.ReservedAsync,
        },
        new PeopleModule(),
        new FulfillmentModule(),
        new ShippingModule(),
        new CarrierModule(),
        new ReturnsModule(),
        new ProductionModule(),
        new LinkModule(),
    ];
}
