using Stowline.Hub.Access;
using Stowline.Hub.Alerts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Channels;
using Stowline.Hub.Hooks;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Hub.Quotes;
using Stowline.Hub.Routing;
using Stowline.Hub.Transfers;
using Stowline.Link;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.People;
using Stowline.Site.Production;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;
using Stowline.Site.Shipping.Carriers;
using Stowline.Site.Stock;
using Stowline.Site.StockTasks;
using Stowline.Site.Topology;
using Stowline.Site.Transfers;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    /// <summary>The modules of a node: the hub has all of them, a site leaves out what only the hub decides.</summary>
    public static IReadOnlyList<Module> Of(NodeRole role) =>
    [
        new AccessModule(),
        new CatalogModule(),
        .. role.IsHub ? new Module[]
        {
            new PromisingModule(), new TransfersModule { ShippedAtSites = FulfillmentOrders.TransfersShippedAsync, ReceivedAtSites = Arrivals.ReceivedAsync },
            new OrderingModule(), new RoutingModule(), new QuotesModule(), new HooksModule(), new AlertsModule(), new ChannelsModule(),
        } : [],
        new TopologyModule(),
        new StockModule { KnowsProduct = KnowsProduct, ReservedAt = TaskCopies.ReservedAsync },
        new PeopleModule(),
        new FulfillmentModule(),
        new StockTasksModule { KnowsProduct = KnowsProduct },
        new ArrivalsModule { KnowsProduct = KnowsProduct },
        new ShippingModule(),
        new CarrierModule(),
        new ReturnsModule(),
        new ProductionModule(),
        new LinkModule(),
    ];

    /// <summary>The site does not know the hub: here, where both are known, the catalogue is lent to it. On a site's node it is a copy.</summary>
    private static async ValueTask<IReadOnlySet<string>> KnowsProduct(LaneTransaction tx, IReadOnlyCollection<string> skus) =>
        (await new PriceBook().PricesAsync(tx, skus)).Keys.ToHashSet(StringComparer.Ordinal);
}
