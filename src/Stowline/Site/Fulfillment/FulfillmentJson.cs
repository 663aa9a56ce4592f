using System.Text.Json.Serialization;
using Stowline.Http;
using Stowline.Site.Stock;

namespace Stowline.Site.Fulfillment;

/// <summary>Serializers of what the module answers and stores, source-generated.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PickingTask))]
[JsonSerializable(typeof(PickingItem))]
[JsonSerializable(typeof(Page<PickingTask>))]
[JsonSerializable(typeof(PackingTask))]
[JsonSerializable(typeof(Package))]
[JsonSerializable(typeof(Page<PackingTask>))]
[JsonSerializable(typeof(PutBackTask))]
[JsonSerializable(typeof(Page<PutBackTask>))]
[JsonSerializable(typeof(AssignPickingBody))]
[JsonSerializable(typeof(PickItemBody))]
[JsonSerializable(typeof(SkipItemBody))]
[JsonSerializable(typeof(CancelTaskBody))]
[JsonSerializable(typeof(StartPackingBody))]
[JsonSerializable(typeof(AddPackageBody))]
[JsonSerializable(typeof(CompletePutBackBody))]
[JsonSerializable(typeof(List<StockUnits>))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class FulfillmentJson : JsonSerializerContext;
