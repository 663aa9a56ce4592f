using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Hub.Promising;
using Stowline.Hub.Routing;
using Stowline.Hub.Transfers;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>
/// The fulfillment process manager: reads everything a site says and keeps the hub's books by it – counters, the state of orders, releases on
/// the site's word, re-routing and backorders (W11, W15). Lane: site/{site}; effects on the hub's.
/// </summary>
internal sealed class SiteBooks(string site, RoutingBook routing, Lanes lanes) : Consumer
{
    private static readonly HashSet<string> Types = new(StringComparer.Ordinal)
    {
        StockMoved.Type, StockRebalanced.Type, StockExpired.Type, ReturnReceived.Type, RecallRequested.Type, ItemSkipped.Type, PickingExtended.Type,
        PickingStarted.Type, PickingCompleted.Type, PackingCompleted.Type, PartShipped.Type, PartDelivered.Type, PartShort.Type, PartCancelled.Type, PartCancelRefused.Type,
        TicketMoved.Type, TicketCancelled.Type, TicketCancelRefused.Type, DishStopped.Type, DishResumed.Type, TransferReceived.Type,
        EpochOpened.Type, SiteResumed.Type,
    };

    public override string Name => "site-books";
    public override Lane Target(Lane source) => Lane.Hub;
    public override bool Wants(string type) => Types.Contains(type);

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        var batch = new Batch(site, tx, await routing.NowAsync(tx));
        await batch.LoadOrdersAsync(events);
        foreach (var e in events)
        {
            if (e.Type == SiteResumed.Type) await ResumedAsync(tx);
            else await batch.ApplyAsync(e);
        }
        await batch.FlushAsync();
    }

    /// <summary>The site has opened new epochs, as it was asked to. Where it was given up again in the meantime, it stays so.</summary>
    private async ValueTask ResumedAsync(LaneTransaction tx)
    {
        if (await GivenUpSites.FindAsync(tx, site) is { State: GiveUpState.Returning }) await GivenUpSites.EndAsync(tx, lanes, site);
    }

    /// <summary>One transaction's worth of a site's events: counters are gathered and written once, orders are changed in memory and saved once.</summary>
    private sealed class Batch(string site, LaneTransaction tx, RoutingNow now)
    {
        private readonly Dictionary<string, Balance> _balances = new(StringComparer.Ordinal);
        private readonly HashSet<string> _arrived = new(StringComparer.Ordinal);
        private readonly Dictionary<Guid, Caller> _callers = [];
        private Dictionary<Guid, (OrderRow Order, List<PartRow> Parts)> _orders = [];
        private Dictionary<Guid, TransferRow> _transfers = [];
        private DateTimeOffset _asOf;

        public async ValueTask LoadOrdersAsync(IReadOnlyList<EventRecord> events)
        {
            var touched = events.Where(e => e.OrderId is not null && e.Type != ReturnReceived.Type).Select(e => e.OrderId!.Value).ToHashSet();
            if (touched.Count > 0) _orders = await OrderRows.LoadAsync(tx, touched);
            touched.ExceptWith(_orders.Keys);
            if (touched.Count > 0) _transfers = await TransferRows.LoadAsync(tx, touched);
        }

        public async ValueTask ApplyAsync(EventRecord e)
        {
            _asOf = e.At;
            if (e.OrderId is { } id) _callers[id] = new Caller(e.Actor, e.Trace);
            if (e.OrderId is { } about && TransferBook.Follows(e.Type) && _transfers.TryGetValue(about, out var transfer))
            {
                Note(TransferBook.BalancesOf(e));
                await WriteBalancesAsync(); // in the books before anything is released
                _arrived.UnionWith(await TransferBook.FollowAsync(tx, transfer, e));
                return;
            }
            switch (e.Type)
            {
                case "stock.moved": Arrived(e.Read<StockMoved>().Balances); break;
                case "stock.rebalanced": Arrived(e.Read<StockRebalanced>().Balances); break;
                case "stock.expired": Note(e.Read<StockExpired>().Balances); break;
                case "return.received": Arrived(e.Read<ReturnReceived>().Balances); break;
                case "picking.item_skipped": Note(e.Read<ItemSkipped>().Balances); break;
                case "picking.extended": Note(e.Read<PickingExtended>().Balances); break;
                case "epoch.opened": await OpenedAsync(e.Read<EpochOpened>()); break;
                case "allotment.recall_requested": await RecallAsync(e.Read<RecallRequested>()); break;
                case "picking.started":
                {
                    var started = e.Read<PickingStarted>();
                    Advance(started.OrderId, started.Part, OrderStatus.Picking);
                    break;
                }
                case "picking.completed":
                {
                    var completed = e.Read<PickingCompleted>();
                    if (completed.PickedUnits > 0) Advance(completed.OrderId, completed.Part, OrderStatus.Packing);
                    break;
                }
                case "packing.completed":
                {
                    var packed = e.Read<PackingCompleted>();
                    Advance(packed.OrderId, packed.Part, OrderStatus.Ready);
                    break;
                }
                case "part.shipped":
                {
                    var shipped = e.Read<PartShipped>();
                    Note(shipped.Balances);
                    await ShippedAsync(shipped);
                    break;
                }
                case "part.delivered": Delivered(e.Read<PartDelivered>()); break;
                case "part.short": await ShortAsync(e.Read<PartShort>()); break;
                case "part.cancelled": await CancelledAsync(e.Read<PartCancelled>()); break;
                case "part.cancel_refused": await RefusedAsync(e.Read<PartCancelRefused>()); break;
                case "ticket.moved": Moved(e.Read<TicketMoved>()); break;
                case "ticket.cancelled": await NotMadeAsync(e.Read<TicketCancelled>()); break;
                case "ticket.cancel_refused": Handed(e.Read<TicketCancelRefused>()); break;
                case "transfer.received": await TransferBook.ReceivedAsync(tx, site, e); break;
                case "dish.stopped": await MenuStops.StopAsync(tx, site, e.Read<DishStopped>()); break;
                case "dish.resumed": await MenuStops.ResumeAsync(tx, site, e.Read<DishResumed>()); break;
            }
        }

        private void Note(IReadOnlyList<Balance> balances)
        {
            foreach (var balance in balances) _balances[balance.Sku] = balance;
        }

        private void Arrived(IReadOnlyList<Balance> balances)
        {
            Note(balances);
            foreach (var balance in balances) _arrived.Add(balance.Sku);
        }

        private PartRow? Part(Guid order, int part) => _orders.TryGetValue(order, out var entry) ? entry.Parts.Find(p => p.Part == part) : null;

        /// <summary>Moves a part on. While a cancellation is under way the part stays cancelling, unless it has left.</summary>
        private void Advance(Guid order, int number, OrderStatus to)
        {
            if (Part(order, number) is not { } part || !OrderLifecycle.IsOpen(part.Status)) return;
            if (part.Status == OrderStatus.Cancelling && to != OrderStatus.Shipped) return;
            if (OrderLifecycle.Progress(to) <= OrderLifecycle.Progress(part.Status)) return;
            part.Status = to;
            part.Changed = true;
        }

        private async ValueTask ShippedAsync(PartShipped shipped)
        {
            if (Part(shipped.OrderId, shipped.Part) is not { } part) return;
            var (before, (order, parts)) = (part.Status, _orders[shipped.OrderId]);
            if (ShippedAfterAll.Is(part, site))
            {
                await WriteBalancesAsync();
                await ShippedAfterAll.RunAsync(tx, order, parts, part, shipped, _callers[order.Id]);
            }
            else
            {
                Advance(shipped.OrderId, shipped.Part, OrderStatus.Shipped);
            }
            if (part.Status == OrderStatus.Shipped && before != OrderStatus.Shipped) await ShippedAfterAll.TellDoubledAsync(tx, order, parts, part, _callers[order.Id]);
        }

        /// <summary>The site has taken its grants back. It is answered, so that it knows that what the hub had promised until then is all before the answer.</summary>
        private async ValueTask OpenedAsync(EpochOpened opened)
        {
            Note(opened.Balances);
            await WriteBalancesAsync();
            tx.Append(Lane.HubTo(site), new EpochAnswered(await AllotmentEpochs.OpenedAsync(tx, site, opened.Counters)), "allotment/epochs");
        }

        /// <summary>Only what has left can arrive.</summary>
        private void Delivered(PartDelivered delivered)
        {
            if (Part(delivered.OrderId, delivered.Part) is { Status: OrderStatus.Shipped } part) (part.Status, part.Changed) = (OrderStatus.Delivered, true);
        }

        private async ValueTask RecallAsync(RecallRequested recall)
        {
            await WriteBalancesAsync();
            await Allotments.AnswerRecallAsync(tx, site, recall);
        }

        private async ValueTask ShortAsync(PartShort shorted)
        {
            Note(shorted.Balances);
            // Balances and releases must be in the books before anything is promised anew.
            await WriteBalancesAsync();
            if (Part(shorted.OrderId, shorted.Part) is not { } part || !OrderLifecycle.IsOpen(part.Status)) return;
            await Allotments.ReleaseAsync(tx, site, shorted.Lines);
            part.Lines = Subtract(part.Lines, shorted.Lines);
            if (shorted.PartEnded) part.Status = OrderStatus.Short;
            part.Changed = true;
            var (order, parts) = _orders[shorted.OrderId];
            if (!order.Cancelling)
                await Rerouting.RouteAsync(tx, order, parts, part, shorted.Lines, $"short at {site}: {shorted.Reason}", now, _callers[order.Id]);
            // A shortage brings no stock: serving backorders on it could send the same units round and round.
            await SaveAsync(order.Id);
        }

        private async ValueTask CancelledAsync(PartCancelled cancelled)
        {
            Note(cancelled.Balances);
            await WriteBalancesAsync();
            if (Part(cancelled.OrderId, cancelled.Part) is not { } part || !OrderLifecycle.IsOpen(part.Status)) return;
            await Allotments.ReleaseAsync(tx, site, cancelled.Lines);
            var (order, parts) = _orders[cancelled.OrderId];
            (part.Status, part.Changed) = (OrderStatus.Cancelled, true);
            // That its site was given up is known here, and its units are somebody else's, unless a restore has made the hub forget it: then they are to be given to somebody now.
            var isReroute = cancelled.Cause.StartsWith("reroute", StringComparison.Ordinal);
            if ((isReroute || cancelled.Cause is JoinedOrders.Cause or GiveUpSweep.Cause) && !order.Cancelling)
            {
                var wish = isReroute && cancelled.Cause.Length > 8 ? cancelled.Cause[8..] : null; // "reroute:WH2" names the wished site
                await Rerouting.RouteAsync(tx, order, parts, part, cancelled.Lines, $"taken from {site} on request", now, _callers[order.Id], wish);
            }
            await SaveAsync(order.Id);
            // What the order gave back is free again: somebody may wait for it.
            _arrived.UnionWith(cancelled.Lines.Select(l => l.Sku));
        }

        private async ValueTask RefusedAsync(PartCancelRefused refused)
        {
            // The part has left: the site's shipping event came before this one in its lane, so the part is shipped already.
            if (Part(refused.OrderId, refused.Part) is { Status: OrderStatus.Cancelling } part) (part.Status, part.Changed) = (OrderStatus.Shipped, true);
            if (refused.Cause == JoinedOrders.Cause && _orders.TryGetValue(refused.OrderId, out var entry)) await JoinedOrders.RefusedAsync(tx, entry.Order, entry.Parts);
        }

        /// <summary>How a ticket's phase reads as the status of its part (K4).</summary>
        private static OrderStatus StatusOf(TicketPhase phase) => phase switch
        {
            TicketPhase.Waiting => OrderStatus.Allocated,
            TicketPhase.Started => OrderStatus.Picking,
            TicketPhase.Finishing => OrderStatus.Packing,
            TicketPhase.Ready => OrderStatus.Ready,
            TicketPhase.Done => OrderStatus.Delivered,
        };

        /// <summary>The site's word counts both ways: a ticket may be recalled, also from its end. While a cancellation is under way it stays so.</summary>
        private void Moved(TicketMoved moved)
        {
            if (Part(moved.OrderId, moved.Part) is not { Made: true } part) return;
            var to = StatusOf(moved.Phase);
            // What was taken off never moves again, unless its site was given up and has handed it over all the same.
            if (part.Status == OrderStatus.Cancelled && to != OrderStatus.Delivered) return;
            if (part.Status == to || part.Status == OrderStatus.Cancelling && to != OrderStatus.Delivered) return;
            (part.Status, part.Changed) = (to, true);
        }

        private async ValueTask NotMadeAsync(TicketCancelled cancelled)
        {
            if (Part(cancelled.OrderId, cancelled.Part) is not { Made: true } part || part.Status == OrderStatus.Cancelled) return;
            await SlotBook.ReleaseAsync(tx, cancelled.OrderId, cancelled.Part);
            (part.Status, part.Changed) = (OrderStatus.Cancelled, true);
        }

        private void Handed(TicketCancelRefused refused)
        {
            if (Part(refused.OrderId, refused.Part) is { Made: true, Status: OrderStatus.Cancelling } part) (part.Status, part.Changed) = (OrderStatus.Delivered, true);
        }

        private static List<SkuUnits> Subtract(List<SkuUnits> from, IReadOnlyList<SkuUnits> take)
        {
            var left = from.ToDictionary(l => l.Sku, l => l.Quantity, StringComparer.Ordinal);
            foreach (var line in take) left[line.Sku] = left.GetValueOrDefault(line.Sku) - line.Quantity;
            return [.. left.Where(l => l.Value > 0).Select(l => new SkuUnits(l.Key, l.Value))];
        }

        /// <summary>Saves one order now and loads it afresh, so that parts that were new are known as rows.</summary>
        private async ValueTask SaveAsync(Guid id)
        {
            await OrderRows.SaveAsync(tx, [_orders[id]], CallerOf);
            _orders[id] = (await OrderRows.LoadAsync(tx, [id]))[id];
        }

        private Caller CallerOf(Guid order) => _callers.GetValueOrDefault(order, tx.Caller);

        private async ValueTask WriteBalancesAsync()
        {
            if (_balances.Count == 0) return;
            await Allotments.ApplyAsync(tx, site, [.. _balances.Values], _asOf);
            _balances.Clear();
        }

        public async ValueTask FlushAsync()
        {
            await WriteBalancesAsync();
            await OrderRows.SaveAsync(tx, _orders.Values, CallerOf);
            if (_arrived.Count > 0) await ServeBackorders.RunAsync(tx, _arrived, now, tx.Caller);
        }
    }
}
