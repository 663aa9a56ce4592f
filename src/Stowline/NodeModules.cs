using Stowline.Hub.Catalog;

namespace Stowline;

/// <summary>The registration lines: one per module.</summary>
internal static class NodeModules
{
    public static IReadOnlyList<Module> All() =>
    [
        new CatalogModule(),
    ];
}
