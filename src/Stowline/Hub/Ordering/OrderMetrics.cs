using System.Diagnostics.Metrics;
using Stowline.Log;

namespace Stowline.Hub.Ordering;

/// <summary>How orders go from end to end, by the names of sources/2 §12.1 (F12). What this process has done itself.</summary>
internal sealed class OrderMetrics : INodeMetrics<OrderMetrics>
{
    private readonly TimeProvider _time;
    private readonly Histogram<double> _toShipment;
    private readonly Counter<long> _placed;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _finished;
    private readonly SlidingSum _day = new(TimeSpan.FromDays(1));

    private OrderMetrics(Meter meter, TimeProvider time)
    {
        _time = time;
        _toShipment = meter.CreateHistogram("order_to_shipment_duration_seconds", "s", "From the placing of an order until all of it has left", null,
            NodeMeter.Buckets<double>(60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 345_600, 604_800, 1_209_600));
        _placed = meter.CreateCounter<long>("stowline_orders_placed", null, "Orders accepted");
        _refused = meter.CreateCounter<long>("stowline_orders_refused", null, "Orders refused for want of stock");
        _finished = meter.CreateCounter<long>("stowline_orders_finished", null, "Orders that were shipped whole, or cancelled");
        meter.CreateObservableGauge("fulfillment_success_rate", SuccessRate, null, "Share (0 to 1) of the orders finished in the last day that were shipped and not cancelled");
    }

    public static OrderMetrics Create(Meter meter, TimeProvider time) => new(meter, time);

    public void Placed(int orders) => _placed.Add(orders);
    public void Refused() => _refused.Add(1);

    /// <summary>An order went to another state. Only the two ends count.</summary>
    public void Moved(OrderStatus to, DateTimeOffset placed, DateTimeOffset now)
    {
        if (to == OrderStatus.Shipped) _toShipment.Record((now - placed).TotalSeconds);
        _finished.Add(1, new KeyValuePair<string, object?>("result", to == OrderStatus.Shipped ? "shipped" : "cancelled"));
        _day.Add(now, to == OrderStatus.Shipped ? 1 : 0);
    }

    public static bool IsEnd(OrderStatus status) => status is OrderStatus.Shipped or OrderStatus.Cancelled;

    private IEnumerable<Measurement<double>> SuccessRate() =>
        _day.Read(_time.GetUtcNow()) is { Weight: > 0 } day ? [new Measurement<double>(day.Amount / day.Weight)] : [];
}
