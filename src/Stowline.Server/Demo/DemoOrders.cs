using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Ordering;

namespace Stowline.Server.Demo;

/// <summary>What will happen to an order besides being shipped.</summary>
internal enum DemoTurn { None, Cancel, Hold, Return }

/// <summary>An order that comes, and its fate. <see cref="TurnAfter"/> counts from its acceptance.</summary>
internal sealed record DemoOrder(long Number, OrderBody Body, DemoTurn Turn, TimeSpan TurnAfter, string Reason);

/// <summary>
/// The stream of orders: the n-th is always the same for a seed, whenever and by whomever it is asked for, so that a second start cannot
/// place one twice. Popular products are ordered by Zipf's law, and the day has its busy and its quiet hours.
/// </summary>
internal sealed class DemoOrders(DemoOptions options)
{
    private const double Web = 0.62, Marketplace = 0.30, ScarceOfMarketplace = 0.10;

    /// <summary>Of all orders, those that ask for something scarce.</summary>
    public const double ScarceShare = Marketplace * ScarceOfMarketplace;

    public static readonly IReadOnlyList<string> Channels = ["web", "marketplace", "b2b"];

    /// <summary>Orders per hour of the day (UTC), 1 on the average.</summary>
    private static readonly double[] Day =
    [
        0.50, 0.45, 0.40, 0.40, 0.45, 0.60, 0.80, 1.00, 1.15, 1.20, 1.20, 1.20, 1.15, 1.10, 1.10, 1.15, 1.25, 1.40, 1.60, 1.70, 1.55, 1.20, 0.85, 0.60,
    ];

    private static readonly string[] CancelReasons = ["ordered by mistake", "found it elsewhere", "delivery takes too long", "payment was not authorized"];
    private static readonly string[] HoldReasons = ["address to be checked", "payment review"];
    private static readonly string[] ReturnReasons = ["does not fit", "not as expected", "gift was given twice"];

    private readonly DemoDice _dice = new(options.Seed);
    private readonly double[] _popularity = Cumulative(DemoCatalog.Products.Count);
    private readonly IReadOnlyList<DemoProduct> _scarce = [.. DemoCatalog.Products.Where(p => p.Scarce)];

    /// <summary>How much of all lines asks for the product of this rank.</summary>
    public double ShareOf(int rank) => _popularity[rank] - (rank == 0 ? 0 : _popularity[rank - 1]);

    /// <summary>The time from an order to the next, at random as customers come, around the rate of the hour.</summary>
    public TimeSpan GapAfter(long n, DateTimeOffset at)
    {
        var perSecond = options.Rate * Day[at.UtcDateTime.Hour] / Average;
        return TimeSpan.FromSeconds(Math.Min(-Math.Log(1 - _dice.Throw(DemoDice.For.Gap, n)), 6) / perSecond);
    }

    private static readonly double Average = Day.Average();

    public string ExternalId(long n) => string.Create(CultureInfo.InvariantCulture, $"S{options.Seed}-{n:0000000}");

    /// <summary>The number in one of our external ids; null for anybody else's.</summary>
    public long? NumberOf(string externalId)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"S{options.Seed}-");
        return externalId.StartsWith(prefix, StringComparison.Ordinal) && long.TryParse(externalId.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
    }

    public DemoOrder Make(long n)
    {
        var random = _dice.Random(DemoDice.For.Order, n);
        var channel = random.NextDouble() switch { < Web => "web", < Web + Marketplace => "marketplace", _ => "b2b" };
        var (customer, address) = DemoPeople.Pick(random);
        var body = new OrderBody
        {
            Channel = channel, ExternalId = ExternalId(n), Customer = customer, ShipTo = address, FulfillmentType = FulfillmentType.Ship,
            Priority = random.NextDouble() switch { < 0.04 => Priority.Urgent, < 0.12 => Priority.High, _ => Priority.Normal },
            // Shops of this kind take what is not there as well; a visitor of the web shop wants it now or not at all.
            Backorder = channel == "web" ? null : true,
            Note = random.NextDouble() < 0.05 ? "Please ring twice." : null,
        };
        var turn = Turn(n);
        if (channel == "marketplace" && random.NextDouble() < ScarceOfMarketplace) body = body with { Lines = [new OrderLineBody(_scarce[random.Next(_scarce.Count)].Sku, 1, null)] };
        else if (channel == "web" && random.NextDouble() < 0.06) body = Pickup(body, random);
        else body = body with { Lines = Lines(channel, random) };
        return new DemoOrder(n, body, turn.Turn, turn.After, turn.Reason);
    }

    /// <summary>Collected at the shop: two of what it has.</summary>
    private OrderBody Pickup(OrderBody body, Random random)
    {
        var shop = DemoPlaces.All[^1];
        var products = shop.Products.Where(p => !p.Scarce).ToList();
        var first = random.Next(products.Count - 1);
        return body with
        {
            FulfillmentType = FulfillmentType.Pickup, PickupSite = shop.Code, ShipTo = null,
            Lines = [new OrderLineBody(products[first].Sku, 1, null), new OrderLineBody(products[first + 1].Sku, 1, null)],
        };
    }

    private List<OrderLineBody?> Lines(string channel, Random random)
    {
        var count = random.NextDouble() switch { < 0.45 => 1, < 0.72 => 2, < 0.88 => 3, < 0.96 => 4, _ => 6 };
        var lines = new Dictionary<string, OrderLineBody?>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var product = Popular(random.NextDouble());
            var quantity = channel == "b2b" ? random.Next(4, 17) : random.NextDouble() switch { < 0.75 => 1, < 0.92 => 2, _ => 4 };
            if (!product.Scarce) lines.TryAdd(product.Sku, new OrderLineBody(product.Sku, quantity, null));
        }
        if (lines.Count == 0) lines[DemoCatalog.Products[0].Sku] = new OrderLineBody(DemoCatalog.Products[0].Sku, 1, null);
        return [.. lines.Values];
    }

    private (DemoTurn Turn, TimeSpan After, string Reason) Turn(long n)
    {
        var (cancel, hold, back) = (_dice.Throw(DemoDice.For.Cancel, n), _dice.Throw(DemoDice.For.Hold, n), _dice.Throw(DemoDice.For.Return, n));
        if (cancel < 0.025) return (DemoTurn.Cancel, TimeSpan.FromSeconds(1 + cancel / 0.025 * 14), CancelReasons[(int)(cancel * 1e6) % CancelReasons.Length]);
        if (hold < 0.012) return (DemoTurn.Hold, TimeSpan.FromSeconds(0.3 + hold / 0.012), HoldReasons[(int)(hold * 1e6) % HoldReasons.Length]);
        if (back < 0.04) return (DemoTurn.Return, TimeSpan.FromSeconds(60 + back / 0.04 * 120), ReturnReasons[(int)(back * 1e6) % ReturnReasons.Length]);
        return (DemoTurn.None, TimeSpan.Zero, "");
    }

    private DemoProduct Popular(double chance)
    {
        var at = Array.BinarySearch(_popularity, chance);
        return DemoCatalog.Products[Math.Min(at < 0 ? ~at : at + 1, _popularity.Length - 1)];
    }

    /// <summary>Zipf: the k-th is wanted 1/k^0.8 as much as the first.</summary>
    private static double[] Cumulative(int count)
    {
        var weights = Enumerable.Range(1, count).Select(k => Math.Pow(k, -0.8)).ToArray();
        var (total, sum) = (weights.Sum(), 0.0);
        return [.. weights.Select(w => (sum += w) / total)];
    }
}
