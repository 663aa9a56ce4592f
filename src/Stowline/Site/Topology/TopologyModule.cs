using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Log;

namespace Stowline.Site.Topology;

/// <summary>A site's zones and bins (W2).</summary>
internal sealed class TopologyModule : Module
{
    public TopologyModule() => HttpJson.Add(TopologyJson.Default);

    public override string Name => "topology";

    public override IReadOnlyList<SiteTable> SiteTables => [new("zones"), new("bins")];

    public override bool Recovers(string type) => TopologyRecovery.Recovers(type);
    public override ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx) => TopologyRecovery.RunAsync(site, events, tx);

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        SaveZone.Map(api, node);
        SaveBins.Map(api, node);
        LockBin.Map(api, node);
        ReadTopology.Map(api, node);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ZoneBody))]
[JsonSerializable(typeof(ZoneView))]
[JsonSerializable(typeof(BinBody))]
[JsonSerializable(typeof(BinView))]
[JsonSerializable(typeof(BinsBody))]
[JsonSerializable(typeof(BinsAnswer))]
[JsonSerializable(typeof(LockBody))]
[JsonSerializable(typeof(Page<ZoneView>))]
[JsonSerializable(typeof(Page<BinView>))]
internal sealed partial class TopologyJson : JsonSerializerContext;
