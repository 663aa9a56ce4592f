using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Bench.Fill;

/// <summary>One order of the past and what has become of it.</summary>
/// <param name="Status">Where it stands: shipped, delivered and cancelled ones are closed.</param>
/// <param name="Site">Null only for a backorder.</param>
internal sealed record FillOrder(AcceptOrder Order, long Number, DateTimeOffset At, OrderStatus Status, string? Site);

/// <summary>
/// The orders of a year: 97 % closed, the open ones mostly of the last days, one channel and one site that are rare, customers who come
/// again. Seeded, so two databases of the same size hold the same orders.
/// </summary>
internal sealed class FillPlan(int orders, DateTimeOffset end)
{
    public static readonly string[] Sites = ["WH1", "WH2", "WH3", "WH4"];
    public static readonly string[] Channels = ["web", "marketplace", "phone", "b2b"];
    public const string RareSite = "WH4";
    public const string RareChannel = "b2b";
    private const int Customers = 200_000;
    private static readonly TimeSpan Span = TimeSpan.FromDays(365);
    private static readonly string[] Cities = ["Belgrade", "Novi Sad", "Niš", "Kragujevac", "Subotica"];
    private readonly Random _random = new(4711);

    public DateTimeOffset Start => end - Span;

    public DateTimeOffset TimeOf(int n) => Start + Span * ((double)n / orders);

    public FillOrder Next(int n, IdSource ids, long number)
    {
        var customer = _random.Next(Customers);
        var lines = new List<OrderLineBody?>(3);
        var sku = _random.Next(Workload.SpreadSkus);
        for (var i = _random.Next(10) switch { < 5 => 1, < 8 => 2, _ => 3 }; i > 0; i--)
            lines.Add(new OrderLineBody(Workload.SkuOf((sku + i * 331) % Workload.SpreadSkus), _random.Next(1, 4), new Money(_random.Next(100, 9_999) / 100m, "EUR")));
        var status = StatusOf(n);
        var order = AcceptOrder.From(new OrderBody
        {
            Channel = Channels[Share()], ExternalId = $"F-{n:D9}", Backorder = status == OrderStatus.Backorder,
            Customer = new CustomerDetails($"Customer {customer}", $"customer{customer}@example.com", null),
            ShipTo = new AddressDetails(null, $"Street {customer % 300 + 1}", null, Cities[customer % Cities.Length], null, "11000", "RS", null, null),
            Lines = lines,
        }, ids).Value;
        return new FillOrder(order, number, TimeOf(n), status, status == OrderStatus.Backorder ? null : Sites[Share()]);
    }

    /// <summary>Which of four: common, less common, seldom, one in a thousand.</summary>
    private int Share() => _random.Next(1_000) switch { < 750 => 0, < 950 => 1, < 999 => 2, _ => 3 };

    private OrderStatus StatusOf(int n)
    {
        // Of the last 3.5 % most are still open; before that one in a thousand is, which nobody has looked after.
        var recent = n >= orders - orders * 35L / 1_000;
        if (_random.Next(1_000) < (recent ? 830 : 1))
            return _random.Next(100) switch
            {
                < 4 => OrderStatus.Backorder, < 54 => OrderStatus.Allocated, < 74 => OrderStatus.Picking, < 88 => OrderStatus.Packing, _ => OrderStatus.Ready,
            };
        return _random.Next(100) switch { < 6 => OrderStatus.Cancelled, < 16 => OrderStatus.Delivered, _ => OrderStatus.Shipped };
    }
}
