using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping;

/// <summary>Shipping from a site: shipments and labels (F5, F6).</summary>
internal sealed class ShippingModule : Module
{
    public ShippingModule() => HttpJson.Add(ShippingJson.Default);

    public override string Name => "shipping";

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        Shipments.Map(api, node);
        Labels.Map(api, node);
        PackingLists.Map(api, node);
        api.MapPost("/packing-tasks/{key}/ship", (HttpContext http, string key) => TaskInput.RunAsync<ShipPackingBody, Shipment>(http, node, PackingEndpoints.Table, key,
            PackingTasks.NotFound, ShipPacking.DecideAsync))
            .WithTags("Shipping").WithSummary("Ship what was packed").Takes<ShipPackingBody>().Produces<Shipment>();
    }

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events)
        {
            if (e.Type == PartShipped.Type) await Shipments.RecoverAsync(site, e, tx);
            else if (e.Type == PartDelivered.Type) await Shipments.RecoverDeliveryAsync(e.Read<PartDelivered>(), tx);
        }
    }

    public override IReadOnlyList<SiteTable> SiteTables => [new("shipments")];

    public override bool Recovers(string type) => type == PartDelivered.Type;

    public override async Task<string?> FindSiteOfAsync(Database database, string resource, string key, CancellationToken ct) =>
        resource == "shipments" ? (await TaskInput.FindAsync(database, "shipments", key, ct))?.Site : null;

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => [("shipments", Shipments.CheckAsync)];
}

/// <summary>Serializers of what the module answers and stores, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Shipment))]
[JsonSerializable(typeof(Page<Shipment>))]
[JsonSerializable(typeof(ShipPackingBody))]
[JsonSerializable(typeof(DeliverShipmentBody))]
[JsonSerializable(typeof(List<Package>))]
internal sealed partial class ShippingJson : JsonSerializerContext;
