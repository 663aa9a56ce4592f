using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Returns;
using Stowline.Site.Stock;

namespace Stowline.Server.Retail;

/// <summary>
/// The shop on a real node, by the same commands that HTTP gives. Every document bears a reference that is the same on every run: what is in the
/// ledger already is not booked again, and the idempotency key settles it where two runs meet on one database. Orders are known by channel
/// and invoice number.
/// </summary>
internal sealed class NodeShop : IRetailShop
{
    public const string Channel = "online-retail";
    private const string Prefix = Channel + "/";
    private static readonly Caller Desk = new(Channel);

    private readonly NodeCalls _calls;
    private readonly RetailPlan _plan;
    private readonly string _site;
    private readonly IReadOnlyDictionary<string, string> _homes;
    private readonly AcceptOrders _intake;
    private readonly RetailWorker _worker;
    private readonly ConcurrentDictionary<string, (Guid Id, IReadOnlyList<(int Part, string Site)> Parts)> _orders = new(StringComparer.Ordinal);
    private HashSet<(MovementKind, string)> _booked = [];

    public NodeShop(NodeCalls calls, RetailPlan plan, string site)
    {
        (_calls, _plan, _site) = (calls, plan, site);
        _homes = RetailFloor.Homes(plan.Products);
        _intake = calls.Node.Modules.OfType<OrderingModule>().Single().Intake!;
        _worker = new RetailWorker(calls);
    }

    public async Task<IReadOnlyDictionary<string, bool>> KnownOrdersAsync(CancellationToken ct)
    {
        await _calls.DrainAsync(ct);
        _booked = [.. (await _calls.Node.Database.ReadAsync(s => LedgerSums.ByReferenceAsync(s, _site, Prefix), ct)).Keys];
        var known = await OrdersAsync(ct);
        foreach (var order in known) _orders[order.ExternalId] = (order.Id, order.Parts);
        return known.ToDictionary(o => o.ExternalId, o => IsFinished(o.Status), StringComparer.Ordinal);
    }

    private Task<IReadOnlyList<ChannelOrder>> OrdersAsync(CancellationToken ct) =>
        _calls.Node.Database.ReadAsync(s => ReadChannel.OrdersAsync(s, Channel), ct);

    private static bool IsFinished(OrderStatus status) => status switch
    {
        OrderStatus.Shipped or OrderStatus.Delivered or OrderStatus.Cancelled => true,
        OrderStatus.Backorder or OrderStatus.Allocated or OrderStatus.Picking or OrderStatus.Packing or OrderStatus.Ready or OrderStatus.Cancelling or OrderStatus.Short => false,
    };

    /// <summary>Straight into the home bins. One hop, so that the hub may promise the units at once.</summary>
    public Task ReceiveAsync(PlannedReceipt receipt, CancellationToken ct)
    {
        var reference = ReferenceOf(receipt);
        var body = new ReceiptBody(reference, [.. receipt.Lines.Select(l => new ReceiptLine { Sku = l.Sku, Quantity = l.Quantity, Bin = _homes[l.Sku] })]);
        return BookAsync<Receipt>(MovementKind.Receiving, reference, tx => ReceiveStock.DecideAsync(_site, body, tx), hops: 1, ct);
    }

    /// <summary>
    /// The week alone does not tell a receipt: where one file ends in the middle of a week, the next begins in it with other lines. So
    /// the lines are in the reference.
    /// </summary>
    private static string ReferenceOf(PlannedReceipt receipt)
    {
        var lines = string.Join('\n', receipt.Lines.Select(l => $"{l.Sku}\t{l.Quantity}"));
        return $"{Prefix}{receipt.Reference}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)))[..8]}";
    }

    public async Task PlaceAsync(PlannedOrder order, CancellationToken ct)
    {
        var body = new OrderBody
        {
            Channel = Channel, ExternalId = order.ExternalId,
            Customer = order.Customer is { } customer ? new CustomerDetails(customer, null, null) : null,
            ShipTo = order.Country is { } country ? new AddressDetails(null, null, null, null, null, null, country, null, null) : null,
            Lines = [.. order.Lines.Select(l => new OrderLineBody(l.Sku, l.Quantity, Money.FromE4(l.UnitPriceE4, RetailImport.Currency)))],
        };
        var what = $"order {order.ExternalId}";
        var accept = AcceptOrder.From(body, _calls.Node.Ids);
        if (accept.Refusal is { } no) throw new CommandRefusedException($"{what}: {no.Detail} ({no.Code})");
        var view = (await _calls.DoAsync(what, () => _intake.AcceptAsync(accept.Value, Desk, ct), ct))!;
        _orders[order.ExternalId] = (Guid.Parse(view.Id), [.. view.Parts.Where(p => p.Site is not null).Select(p => (p.Part, p.Site!))]);
    }

    /// <summary>Two hops: to the site and back. What had been picked already is put back into its bins.</summary>
    public async Task CancelAsync(PlannedCancellation cancellation, CancellationToken ct)
    {
        var what = $"cancellation of order {cancellation.ExternalId}";
        var (id, parts) = _orders[cancellation.ExternalId];
        await _calls.DoAsync<OrderView>(what, Lane.Hub, Desk, tx => CancelOrder.DecideAsync(id, RetailText.Clean(cancellation.Reason, 500), tx), hops: 2, ct);
        foreach (var site in parts.Select(p => p.Site).Distinct(StringComparer.Ordinal))
            foreach (var task in await _calls.Node.Database.ReadAsync(s => PutBack.PendingOfAsync(s, site, id), ct))
                await _calls.DoAsync<PutBackTask>(what, Lane.Site(site), Desk, tx => PutBack.DecideAsync(site, task, null, tx), hops: 1, ct);
    }

    public async Task FulfillAsync(string externalId, string worker, CancellationToken ct)
    {
        var (id, parts) = _orders[externalId];
        foreach (var (part, site) in parts) await _worker.WorkOffAsync(id, part, site, worker, $"order {externalId}", ct);
    }

    public Task ReturnAsync(PlannedReturn planned, CancellationToken ct)
    {
        var body = new ReceiveReturnBody
        {
            Reference = Prefix + planned.Reference, Reason = planned.Reason,
            Order = planned.OrderExternalId is { } order ? _orders[order].Id.ToString() : null,
            Lines = [.. planned.Lines.Select(l => new ReturnLineBody { Sku = l.Sku, Quantity = l.Quantity, Bin = _homes[l.Sku] })],
        };
        return BookAsync<ReturnReceipt>(MovementKind.Return, body.Reference, tx => ReceiveReturn.DecideAsync(_site, body, tx), hops: 0, ct);
    }

    public Task AdjustAsync(PlannedAdjustment adjustment, CancellationToken ct)
    {
        var body = new AdjustmentBody(adjustment.Sku, _homes[adjustment.Sku], null, adjustment.Delta, null, null, RetailText.Clean(adjustment.Reason, 200),
            Prefix + adjustment.Reference);
        return BookAsync<MovementView>(MovementKind.Adjustment, body.Reference!, tx => AdjustStock.DecideAsync(_site, body, tx), hops: 0, ct);
    }

    private async Task BookAsync<T>(MovementKind kind, string reference, Func<LaneTransaction, ValueTask<Outcome<T>>> decide, int hops, CancellationToken ct)
    {
        if (_booked.Contains((kind, reference))) return;
        var what = $"{kind.ToString().ToLowerInvariant()} {reference}";
        var key = IdempotencyKey.Of(Channel, "replay", Lane.Site(_site).Name, what, []);
        await _calls.DoAsync(what, Lane.Site(_site), Desk with { Idempotency = key }, decide, hops, ct);
    }

    public async Task<ShopBooks> BooksAsync(CancellationToken ct)
    {
        await _calls.DrainAsync(ct);
        var node = _calls.Node;
        var days = _plan.Weeks.SelectMany(w => w.Days).ToList();
        // Only what this file asked for: the channel may have the orders of other files, and people book too.
        var placed = days.SelectMany(d => d.Orders).Select(o => o.ExternalId).ToHashSet(StringComparer.Ordinal);
        var orders = (await OrdersAsync(ct)).Where(o => placed.Contains(o.ExternalId)).ToList();
        var ledger = await node.Database.ReadAsync(s => LedgerSums.ByReferenceAsync(s, _site, Prefix), ct);
        long Booked(MovementKind kind, IEnumerable<string> references) => references.Distinct(StringComparer.Ordinal).Sum(r => ledger.GetValueOrDefault((kind, r)));
        return new ShopBooks
        {
            Orders = orders.Count, Lines = orders.Sum(o => o.Lines), UnitsOrdered = orders.Sum(o => o.Units),
            OrdersShipped = orders.Count(o => o.Status is OrderStatus.Shipped or OrderStatus.Delivered), UnitsShipped = orders.Sum(o => o.UnitsShipped),
            OrdersCancelled = orders.Count(o => o.Status is OrderStatus.Cancelled), UnitsCancelled = orders.Sum(o => o.UnitsCancelled),
            UnitsReceived = Booked(MovementKind.Receiving, _plan.Weeks.SelectMany(w => w.Receipts).Select(ReferenceOf)),
            UnitsReturned = Booked(MovementKind.Return, days.SelectMany(d => d.Returns).Select(r => Prefix + r.Reference)),
            UnitsAdjusted = Booked(MovementKind.Adjustment, days.SelectMany(d => d.Adjustments).Select(a => Prefix + a.Reference)),
            OrdersByStatus = orders.GroupBy(o => o.Status).OrderBy(g => g.Key).ToDictionary(g => SnakeCaseEnum<OrderStatus>.Text(g.Key), g => g.Count()),
            Verify = (await Verification.RunAsync(node, ct)).Checks,
        };
    }
}
