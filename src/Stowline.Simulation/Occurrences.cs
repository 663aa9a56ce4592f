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
        [TransferRequested.Type] = "transfers", [TransferCancelRequested.Type] = "transfers cancelled", [TransferReceived.Type] = "transfers taken in", [TransferUnknown.Type] = "transfers unknown",
        [EpochOpened.Type] = "epochs opened", [EpochAnswered.Type] = "epochs answered", [SiteResumed.Type] = "sites taken back", [OrderShippedAfterAll.Type] = "orders shipped after all",
        [StockExpired.Type] = "lots expired", [PoolSaved.Type] = "pools", [PoolRemoved.Type] = "pools removed",
    };

    public static void Count(EventRecord e, Counters counters)
    {
        if (Words.TryGetValue(e.Type, out var word)) counters.Add(word);
        if (e.Type == SiteGivenUp.Type && e.Lane == Lane.Hub) counters.Add("sites given up");
        if (e.Type == OrderPlaced.Type && e.Read<OrderPlaced>().Parts.Any(p => p.Site is null)) counters.Add("backorders");
        if (e.Type == TransferReceived.Type && e.Read<TransferReceived>().TransferId is null) counters.Add("transfers before the news");
        if (e.Type == TransferStatusChanged.Type && e.Read<TransferStatusChanged>() is { From: "cancelling", To: "in_transit" }) counters.Add("transfers too late to cancel");
        if (e.Type == TransferClosed.Type) Count(e.Read<TransferClosed>(), counters);
        if (e.Type == StockTaskCreated.Type) counters.Add(WordOf(e.Read<StockTaskCreated>().Cause));
        if (e.Type == StockTaskCounted.Type && e.Read<StockTaskCounted>().Status == StockTaskLineStatus.Removed) counters.Add("expired lots taken away");
        if (e.Type == OrderRerouted.Type && e.Read<OrderRerouted>().Parts.Any(p => p.Site is null)) counters.Add("backorders");
    }

    private static void Count(TransferClosed closed, Counters counters)
    {
        counters.Add("transfers received");
        if (closed.Missing.Count > 0) counters.Add("transfers short");
        if (closed.Surplus.Count > 0) counters.Add("transfers over");
    }

    private static string WordOf(StockTaskCause cause) => cause switch
    {
        StockTaskCause.Asked => "counts asked",
        StockTaskCause.Plan => "counts planned",
        StockTaskCause.ShortPick => "counts after short picks",
        StockTaskCause.Recount => "second counts",
        StockTaskCause.Expired => "expired lots to take away",
    };
}
