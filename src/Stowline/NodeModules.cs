using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Shipping;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    public static IReadOnlyList<Module> All() =>
    [
        new CatalogModule(),
        new PromisingModule(),
        new OrderingModule(),
        new FulfillmentModule(),
        new ShippingModule(),
        new ReturnsModule(),
    ];
}
