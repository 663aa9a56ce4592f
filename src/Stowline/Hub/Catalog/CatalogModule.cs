using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;

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
        ReadProducts.Map(api, node);
        ReadSites.Map(api, node);
        ReadMenu.Map(api, node);
        if (!node.Role.IsHub) return; // a site reads its copy; what the catalog says is decided at the hub
        SaveProducts.Map(api, node);
        SaveSite.Map(api, node);
        SaveMenu.Map(api, node);
        JoinSite.Map(api, node);
        MoveOutSite.Map(api, node);
    }

    public override bool Recovers(string type) => CatalogRecovery.Recovers(type);
    public override IEnumerable<string> Settles(EventRecord e) => CatalogRecovery.Settles(e);
    public override ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => CatalogRecovery.RunAsync(events, tx);

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.Role.Site == site ? [(new CatalogCopy(site), Lane.HubAll)] : [];
}
