using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Fulfillment;

/// <summary>
/// The hub asks for a part back; the site's word decides (architecture, Promises are escrow). Not yet shipped: everything of it is given back at once, picked
/// units by way of a put-back task. Shipped: refused, what comes back is a return. Asked twice, it answers once.
/// </summary>
internal static class CancelPart
{
    public static async ValueTask RunAsync(LaneTransaction tx, string site, EventRecord e)
    {
        var asked = e.Read<PartCancelRequested>();
        var caller = new Caller(e.Actor, e.Trace);
        var order = await FulfillmentOrders.FindAsync(tx.Group.Session, asked.OrderId, asked.Part);
        switch (order?.Status)
        {
            // A part that never came here, or that went back before, holds nothing: the hub waits for an answer all the same.
            case null:
                Answer(tx, site, asked, [], null, [], caller);
                break;
            case FulfillmentStatus.Short:
                await FulfillmentOrders.EndAsync(tx, asked.OrderId, asked.Part, FulfillmentStatus.Cancelled, []);
                Answer(tx, site, asked, [], null, [], caller);
                break;
            case FulfillmentStatus.Cancelled:
                break;
            case FulfillmentStatus.Shipped:
                tx.Append(Lane.Site(site), new PartCancelRefused(asked.OrderId, asked.Part, asked.Cause, "the part has been shipped"),
                    FulfillmentOrders.Subject(asked.OrderId), asked.OrderId, caller);
                break;
            case FulfillmentStatus.Pending or FulfillmentStatus.Allocated or FulfillmentStatus.Picking or FulfillmentStatus.Packing or FulfillmentStatus.Ready:
                var (putBack, skus) = await GiveBack.RunAsync(tx, order, asked.Reason, caller);
                await FulfillmentOrders.EndAsync(tx, asked.OrderId, asked.Part, FulfillmentStatus.Cancelled, []);
                Answer(tx, site, asked, order.LiveUnits, putBack, await StockBook.SettleAsync(tx, site, skus), caller);
                break;
        }
    }

    private static void Answer(LaneTransaction tx, string site, PartCancelRequested asked, IReadOnlyList<SkuUnits> lines, Guid? putBack,
        IReadOnlyList<Balance> balances, Caller caller) =>
        tx.Append(Lane.Site(site), new PartCancelled(asked.OrderId, asked.Part, asked.Cause, lines, putBack, balances) { Reason = asked.Reason },
            FulfillmentOrders.Subject(asked.OrderId), asked.OrderId, caller);
}
