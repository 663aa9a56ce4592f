using Microsoft.AspNetCore.Routing;
using Stowline.Http;

namespace Stowline.Hub.Catalog;

/// <summary>What is sold and where it is: products, menus and sites.</summary>
internal sealed class CatalogModule : Module
{
    public CatalogModule()
    {
        HttpJson.Add(CatalogJson.Default);
        HttpJson.Add(MenuJson.Default);
    }

    public override string Name => "catalog";

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        SaveProducts.Map(api, node);
        ReadProducts.Map(api, node);
        SaveSite.Map(api, node);
        ReadSites.Map(api, node);
        SaveMenu.Map(api, node);
        ReadMenu.Map(api, node);
    }
}
