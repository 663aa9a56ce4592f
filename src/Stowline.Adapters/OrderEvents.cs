using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Wire = Stowline.Protocol;

namespace Stowline.Adapters;

/// <summary>Events of the hub's lane as the message that streams and brokers carry. Personal fields never leave in them.</summary>
public static class OrderEvents
{
    private const string Prefix = "order.";

    /// <param name="types">Empty: all events of orders.</param>
    public static bool Wants(string type, IReadOnlySet<string> types) => type.StartsWith(Prefix, StringComparison.Ordinal) && (types.Count == 0 || types.Contains(type));

    public static Wire.OrderEvent Of(EventRecord e)
    {
        var message = new Wire.OrderEvent
        {
            Position = e.Position, Type = e.Type, OrderId = e.OrderId?.ToString() ?? "", At = Timestamp.FromDateTimeOffset(e.At), Actor = e.Actor, EventId = e.Id.ToString(),
            Data = WithoutPerson(e.Payload), Traceparent = e.Trace ?? "",
        };
        if (e.Type == OrderPlaced.Type) message.Order = Placed(e.Read<OrderPlaced>(), e);
        else if (e.Type == OrderStatusChanged.Type && SnakeCaseEnum<OrderStatus>.TryParse(e.Read<OrderStatusChanged>().To, out var status)) message.Status = (Wire.OrderStatus)status;
        return message;
    }

    private static Wire.Order Placed(OrderPlaced placed, EventRecord e)
    {
        var waits = placed.Parts.Any(p => p.Site is null);
        var order = new Wire.Order
        {
            Id = placed.OrderId.ToString(), Number = placed.Number, DisplayId = IdSource.DisplayId(placed.OrderId),
            Status = waits ? Wire.OrderStatus.Backorder : Wire.OrderStatus.Allocated, Channel = placed.Channel, ExternalId = placed.ExternalId,
            FulfillmentType = SnakeCaseEnum<FulfillmentType>.TryParse(placed.FulfillmentType, out var type) ? (Wire.FulfillmentType)type : default,
            Priority = (Wire.Priority)placed.Priority, Total = Money(Kernel.Money.FromE4(placed.TotalE4, placed.Currency)), PickupSite = placed.PickupSite ?? "",
            Note = placed.Note ?? "", PlacedAt = Timestamp.FromDateTimeOffset(e.At),
        };
        foreach (var part in placed.Parts)
        {
            var message = new Wire.OrderPart { Part = part.Part, Site = part.Site ?? "", Status = part.Site is null ? Wire.OrderStatus.Backorder : Wire.OrderStatus.Allocated };
            message.Lines.AddRange(part.Lines.Select(l => new Wire.OrderLine { Sku = l.Sku, Quantity = l.Quantity }));
            order.Parts.Add(message);
        }
        foreach (var line in placed.Lines)
        {
            var price = Kernel.Money.FromE4(line.UnitPriceE4, placed.Currency);
            order.Lines.Add(new Wire.OrderLine { Sku = line.Sku, Quantity = line.Quantity, UnitPrice = Money(price), Total = Money(Kernel.Money.LineTotal(price, line.Quantity)) });
        }
        return order;
    }

    private static Wire.Money Money(Money money) => new() { Amount = money.AmountText(), Currency = money.Currency };

    /// <summary>The payload as it stands, but for the member <c>personal</c>, which is cut out with the comma that goes with it.</summary>
    internal static string WithoutPerson(ReadOnlySpan<byte> payload)
    {
        var json = new Utf8JsonReader(payload);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) return Encoding.UTF8.GetString(payload);
        var before = (int)json.BytesConsumed; // the end of what stands before the member: the brace or the value before it
        for (var first = true; json.Read() && json.TokenType == JsonTokenType.PropertyName; first = false)
        {
            var isPerson = json.ValueTextEquals("personal"u8);
            json.Skip();
            if (!isPerson) { before = (int)json.BytesConsumed; continue; }
            var rest = payload[(int)json.BytesConsumed..];
            // Of the first member the comma behind it goes, of a later one the comma before it.
            if (first && rest.TrimStart(" \r\n\t"u8) is [(byte)',', .. var more]) rest = more;
            return string.Concat(Encoding.UTF8.GetString(payload[..before]), Encoding.UTF8.GetString(rest));
        }
        return Encoding.UTF8.GetString(payload);
    }
}
