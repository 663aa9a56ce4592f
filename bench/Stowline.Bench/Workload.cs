using System.Text.Json;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Bench;

/// <summary>Seeded orders of three lines with a customer and an address, as a shop sends them.</summary>
public sealed class Workload(int hot, int seed = 42)
{
    public const int SpreadSkus = 1_000;
    private static readonly string[] Cities = ["Belgrade", "Novi Sad", "Niš", "Kragujevac", "Subotica", "Zrenjanin", "Pančevo", "Čačak"];
    private readonly int _skus = hot > 0 ? hot : SpreadSkus;

    public static string SkuOf(int i) => $"BENCH-{i:0000}";

    /// <summary>The n-th order: the same for the same seed, whoever asks for it.</summary>
    public OrderBody Order(int n)
    {
        var random = new Random(HashCode.Combine(seed, n));
        var first = random.Next(_skus);
        var lines = new List<OrderLineBody?>(3);
        for (var i = 0; i < 3; i++)
            lines.Add(new OrderLineBody(SkuOf((first + i * (hot > 0 ? 1 : 331)) % _skus), random.Next(1, 4), new Money(random.Next(100, 9_999) / 100m, "EUR")));
        return new OrderBody
        {
            Channel = "bench", ExternalId = $"{seed}-{n}",
            Customer = new CustomerDetails($"Customer {n}", $"customer{n}@example.com", null),
            ShipTo = new AddressDetails(null, $"Street {random.Next(1, 300)}", null, Cities[random.Next(Cities.Length)], null, "11000", "RS", null, null),
            Lines = lines,
        };
    }

    /// <summary>The n-th order as a message.</summary>
    public Protocol.CreateOrderRequest Message(int n)
    {
        var order = Order(n);
        var message = new Protocol.CreateOrderRequest
        {
            Channel = order.Channel, ExternalId = order.ExternalId, Customer = new Protocol.Customer { Name = order.Customer!.Name, Email = order.Customer.Email },
            ShipTo = new Protocol.Address { Line1 = order.ShipTo!.Line1, City = order.ShipTo.City, PostalCode = order.ShipTo.PostalCode, Country = order.ShipTo.Country },
        };
        foreach (var line in order.Lines!)
            message.Lines.Add(new Protocol.OrderLine { Sku = line!.Sku, Quantity = (int)line.Quantity!, UnitPrice = new Protocol.Money { Amount = line.UnitPrice!.Value.AmountText(), Currency = line.UnitPrice.Value.Currency } });
        return message;
    }

    public byte[] Json(int n) => JsonSerializer.SerializeToUtf8Bytes(Order(n), HttpJson.Info<OrderBody>());
}
