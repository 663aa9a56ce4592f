using System.Collections.Concurrent;
using Stowline.Server.Retail;

namespace Stowline.Tests.Retail;

/// <summary>
/// A shop on paper: keeps the rules that a node keeps (nothing is promised that is not there, nothing happens twice) and can break down
/// after any number of steps. What it has written survives the breakdown.
/// </summary>
internal sealed class PaperShop : IRetailShop
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _onHand = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (PlannedOrder Order, string Status)> _orders = new(StringComparer.Ordinal);
    private readonly HashSet<string> _documents = new(StringComparer.Ordinal);
    private long _received, _returned, _adjusted;

    /// <summary>Steps until it breaks down; negative for never.</summary>
    public int BreaksAfter { get; set; } = -1;

    /// <summary>What happened, in order: "receive 2010-W49/1", "place 536365" …</summary>
    public ConcurrentQueue<string> Diary { get; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;
    public List<(string Step, DateTimeOffset At)> Times { get; } = [];
    public int OnHand => _onHand.Values.Sum();

    private Task Do(string step, Action act)
    {
        lock (_gate)
        {
            if (BreaksAfter == 0) throw new IOException("the power is gone");
            BreaksAfter--;
            Diary.Enqueue(step);
            Times.Add((step, Time.GetUtcNow()));
            act();
        }
        return Task.CompletedTask;
    }

    private void Move(string sku, int units)
    {
        var now = _onHand.GetValueOrDefault(sku) + units;
        Assert.True(now >= 0, $"{sku} would be {now}");
        _onHand[sku] = now;
    }

    public Task<IReadOnlyDictionary<string, bool>> KnownOrdersAsync(CancellationToken ct) =>
        Task.FromResult<IReadOnlyDictionary<string, bool>>(_orders.ToDictionary(o => o.Key, o => o.Value.Status != "allocated"));

    public Task ReceiveAsync(PlannedReceipt receipt, CancellationToken ct) => Do("receive " + receipt.Reference, () =>
    {
        if (!_documents.Add("receipt " + receipt.Reference)) return;
        foreach (var line in receipt.Lines) Move(line.Sku, line.Quantity);
        _received += receipt.Lines.Sum(l => l.Quantity);
    });

    public Task PlaceAsync(PlannedOrder order, CancellationToken ct) => Do("place " + order.ExternalId, () =>
    {
        if (!_orders.TryAdd(order.ExternalId, (order, "allocated"))) return;
        foreach (var line in order.Lines) Move(line.Sku, -line.Quantity);
    });

    public Task CancelAsync(PlannedCancellation cancellation, CancellationToken ct) => Do("cancel " + cancellation.ExternalId, () =>
    {
        var (order, status) = _orders[cancellation.ExternalId];
        if (status == "cancelled") return;
        Assert.Equal("allocated", status);
        _orders[cancellation.ExternalId] = (order, "cancelled");
        foreach (var line in order.Lines) Move(line.Sku, line.Quantity);
    });

    public Task FulfillAsync(string externalId, string worker, CancellationToken ct) => Do("fulfill " + externalId, () =>
    {
        var (order, status) = _orders[externalId];
        Assert.NotEqual("cancelled", status);
        _orders[externalId] = (order, "shipped");
    });

    public Task ReturnAsync(PlannedReturn planned, CancellationToken ct) => Do("return " + planned.Reference, () =>
    {
        if (!_documents.Add("return " + planned.Reference)) return;
        if (planned.OrderExternalId is { } order) Assert.Equal("shipped", _orders[order].Status);
        foreach (var line in planned.Lines) Move(line.Sku, line.Quantity);
        _returned += planned.Lines.Sum(l => l.Quantity);
    });

    public Task AdjustAsync(PlannedAdjustment adjustment, CancellationToken ct) => Do("adjust " + adjustment.Reference, () =>
    {
        if (!_documents.Add("adjustment " + adjustment.Reference)) return;
        Move(adjustment.Sku, adjustment.Delta);
        _adjusted += adjustment.Delta;
    });

    public Task<ShopBooks> BooksAsync(CancellationToken ct)
    {
        var shipped = _orders.Values.Where(o => o.Status == "shipped").Select(o => o.Order).ToList();
        var cancelled = _orders.Values.Where(o => o.Status == "cancelled").Select(o => o.Order).ToList();
        return Task.FromResult(new ShopBooks
        {
            Orders = _orders.Count, Lines = _orders.Values.Sum(o => o.Order.Lines.Count), UnitsOrdered = _orders.Values.Sum(o => (long)o.Order.Units),
            OrdersShipped = shipped.Count, UnitsShipped = shipped.Sum(o => (long)o.Units), OrdersCancelled = cancelled.Count, UnitsCancelled = cancelled.Sum(o => (long)o.Units),
            UnitsReceived = _received, UnitsReturned = _returned, UnitsAdjusted = _adjusted,
        });
    }
}
