using Stowline.Contracts;
using Stowline.Log;

namespace Stowline.Simulation;

/// <summary>What events say that has happened, in the words of <see cref="Counters.Rare"/>.</summary>
internal static class Occurrences
{
    private static readonly Dictionary<string, string> Words = new(StringComparer.Ordinal)
    {
        [OrderPlaced.Type] = "orders", [OrderRecovered.Type] = "orders recovered", [OrderRefused.Type] = "orders refused for stock", [OrderCancelRequested.Type] = "orders cancelled",
        [PartCancelRefused.Type] = "cancellations too late", [OrderRerouted.Type] = "orders re-routed", [OrderHeld.Type] = "orders held",
        [PartAssigned.Type] = "parts assigned", [PartShipped.Type] = "parts shipped", [PartShort.Type] = "parts short", [PartCancelled.Type] = "parts cancelled",
        [PickingExtended.Type] = "bins tried again", [PolicyChanged.Type] = "policies changed", [RecallRequested.Type] = "recalls asked",
        [AllotmentReturned.Type] = "recalls answered", [ReturnReceived.Type] = "returns", [LinkAlerted.Type] = "link alerts", [LinkJoined.Type] = "histories joined", [OrderDoubled.Type] = "orders doubled and told", [PersonErased.Type] = "persons erased",
    };

    public static void Count(EventRecord e, Counters counters)
    {
        if (Words.TryGetValue(e.Type, out var word)) counters.Add(word);
        if (e.Type == OrderPlaced.Type && e.Read<OrderPlaced>().Parts.Any(p => p.Site is null)) counters.Add("backorders");
        if (e.Type == OrderRerouted.Type && e.Read<OrderRerouted>().Parts.Any(p => p.Site is null)) counters.Add("backorders");
    }
}
