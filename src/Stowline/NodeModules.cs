using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    public static IReadOnlyList<Module> All() =>
    [
        new CatalogModule(),
        new PromisingModule(),
        new OrderingModule(),
    ];
}
