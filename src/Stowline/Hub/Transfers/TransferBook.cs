using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Log;

namespace Stowline.Hub.Transfers;

/// <summary>
/// Follows what the two sites of a transfer say of it (W5). Called by whoever reads a site's lane at the hub, with the balances of the same event in the books: releases must not run ahead of what
/// the site has withdrawn.
/// </summary>
internal static class TransferBook
{
    /// <summary>What a site says of a part that is a transfer's, as far as the transfer changes by it.</summary>
    public static bool Follows(string type) => type == PickingStarted.Type || type == PickingCompleted.Type || type == PackingCompleted.Type || type == PartShipped.Type || type == PartShort.Type
                                               || type == PartCancelled.Type || type == PartCancelRefused.Type;

    /// <summary>The balances that the event brings, to be written before <see cref="FollowAsync"/>.</summary>
    public static IReadOnlyList<Balance> BalancesOf(EventRecord e) => e.Type switch
    {
        "part.shipped" => e.Read<PartShipped>().Balances,
        "part.short" => e.Read<PartShort>().Balances,
        "part.cancelled" => e.Read<PartCancelled>().Balances,
        _ => [],
    };

    /// <summary>Answers the SKUs of which units became free at the sending site by it.</summary>
    public static async ValueTask<IReadOnlyCollection<string>> FollowAsync(LaneTransaction tx, TransferRow row, EventRecord e)
    {
        var caller = new Caller(e.Actor, e.Trace);
        switch (e.Type)
        {
            case "picking.started": await AdvanceAsync(tx, row, TransferStatus.Picking, caller); return [];
            case "picking.completed":
                if (e.Read<PickingCompleted>().PickedUnits > 0) await AdvanceAsync(tx, row, TransferStatus.Packing, caller);
                return [];
            case "packing.completed": await AdvanceAsync(tx, row, TransferStatus.Ready, caller); return [];
            case "part.shipped": await ShippedAsync(tx, row, e.Read<PartShipped>(), e.At, caller); return [];
            case "part.short":
                var shorted = e.Read<PartShort>();
                await GiveBackAsync(tx, row, shorted.Lines, shorted.PartEnded ? TransferStatus.Short : row.Status, e.At, caller);
                return [];
            case "part.cancelled":
                var cancelled = e.Read<PartCancelled>();
                await GiveBackAsync(tx, row, cancelled.Lines, TransferStatus.Cancelled, e.At, caller);
                return [.. cancelled.Lines.Select(l => l.Sku)];
            // It has left: the site's word that it has came before this one in its lane.
            case "part.cancel_refused": return [];
            default: throw new InvalidOperationException($"{e.Type} says nothing of a transfer");
        }
    }

    private static async ValueTask AdvanceAsync(LaneTransaction tx, TransferRow row, TransferStatus to, Caller caller)
    {
        if (TransferLifecycle.MayAdvance(row.Status, to)) await TransferRows.ChangeAsync(tx, row, () => row.Status = to, caller);
    }

    private static async ValueTask ShippedAsync(LaneTransaction tx, TransferRow row, PartShipped shipped, DateTimeOffset at, Caller caller)
    {
        // Cancelled without the site's word, when it was given up: what it has shipped all the same is on its way.
        var afterAll = row.Status == TransferStatus.Cancelled;
        if (!afterAll && !TransferLifecycle.MayAdvance(row.Status, TransferStatus.InTransit)) return;
        if (afterAll) await AllotmentEpochs.ShippedAsync(tx, row.FromSite, shipped.Lines);
        await TransferRows.ChangeAsync(tx, row, () =>
        {
            (row.Status, row.ShippedAt, row.Carrier, row.TrackingNumber) = (TransferStatus.InTransit, at, shipped.Carrier, shipped.TrackingNumber);
            foreach (var line in shipped.Lines)
            {
                row.Line(line.Sku).Shipped += line.Quantity;
                if (afterAll) row.Line(line.Sku).Short -= line.Quantity;
            }
        }, caller);
        TransferLot[] lots = [.. shipped.Movements.Select(m => new TransferLot(m.Sku, m.Lot, m.Quantity) { ExpiresOn = m.ExpiresOn, ManufacturedOn = m.ManufacturedOn })];
        tx.Append(Lane.HubTo(row.ToSite), new TransferAnnounced(row.Id, row.Number, row.FromSite, lots, shipped.Carrier, shipped.TrackingNumber, at), row.Id.ToString(), row.Id, caller);
        await CloseAsync(tx, row, at, caller); // it may have arrived before the hub heard that it left
    }

    private static async ValueTask GiveBackAsync(LaneTransaction tx, TransferRow row, IReadOnlyList<SkuUnits> lines, TransferStatus to, DateTimeOffset at, Caller caller)
    {
        if (!TransferLifecycle.IsOpen(row.Status)) return;
        await Allotments.ReleaseAsync(tx, row.FromSite, lines);
        await TransferRows.ChangeAsync(tx, row, () =>
        {
            foreach (var line in lines) row.Line(line.Sku).Short += line.Quantity;
            row.Status = to;
            if (!TransferLifecycle.IsOpen(to)) row.ClosedAt = at;
        }, caller);
    }

    /// <summary>The receiving site has taken units in.</summary>
    public static async ValueTask ReceivedAsync(LaneTransaction tx, string site, EventRecord e)
    {
        var received = e.Read<TransferReceived>();
        var caller = new Caller(e.Actor, e.Trace);
        if (await TransferRows.FindAsync(tx.Group.Session, received.Number) is not { } row || row.ToSite != site)
        {
            await UnknownReceipts.KeepAsync(tx, site, received);
            tx.Append(Lane.Hub, new TransferUnknown(received.Number, site, received.Lots), $"transfer/{received.Number}", caller: caller);
            return;
        }
        await TransferRows.ChangeAsync(tx, row, () => row.Receive(received.Lots, received.Complete), caller);
        await CloseAsync(tx, row, e.At, caller);
    }

    /// <summary>Ends a transfer of which nothing more will come: all of it is there, or the receiving site says so. What differs is told, and stays as it is counted.</summary>
    internal static async ValueTask CloseAsync(LaneTransaction tx, TransferRow row, DateTimeOffset at, Caller caller)
    {
        if (row.Status != TransferStatus.InTransit || !row.Arrived && row.Lines.Exists(l => l.Received < l.Shipped)) return;
        await TransferRows.ChangeAsync(tx, row, () => (row.Status, row.ClosedAt) = (TransferStatus.Received, at), caller);
        tx.Append(Lane.Hub, new TransferClosed(row.Id, row.Number, Off(row, l => l.Shipped - l.Received), Off(row, l => l.Received - l.Shipped)), row.Id.ToString(), row.Id, caller);
    }

    private static List<SkuUnits> Off(TransferRow row, Func<TransferLineRow, long> units) =>
        [.. row.Lines.Where(l => units(l) > 0).Select(l => new SkuUnits(l.Sku, (int)units(l)))];
}
