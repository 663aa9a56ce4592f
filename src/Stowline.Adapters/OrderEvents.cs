using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf.WellKnownTypes;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
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
        var message = WithoutData(e);
        message.Data = WithoutPerson(e.Payload);
        return message;
    }

    /// <summary>The message's bytes. The data are copied into them as they stand: both sides write text in UTF-8.</summary>
    public static byte[] Encode(EventRecord e) => OrderEventBytes.Of(e.View).ToArray();

    private static Wire.OrderEvent WithoutData(EventRecord e)
    {
        var message = new Wire.OrderEvent
        {
            Position = e.Position, Type = e.Type, OrderId = e.OrderId?.ToString() ?? "", At = Timestamp.FromDateTimeOffset(e.At), Actor = e.Actor, EventId = e.Id.ToString(), Traceparent = e.Trace ?? "",
        };
        if (e.Type == OrderPlaced.Type) message.Order = Placed(JsonSerializer.Deserialize(e.Payload, PlacedJson.Default.PlacedFacts)!, e);
        else if (e.Type == OrderStatusChanged.Type && SnakeCaseEnum<OrderStatus>.TryParse(e.Read<OrderStatusChanged>().To, out var status)) message.Status = (Wire.OrderStatus)status;
        return message;
    }

    private static Wire.Order Placed(PlacedFacts placed, EventRecord e)
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
        if (placed.Slot is { } slot)
        {
            (order.TargetSlotId, order.VisibleAt) = (slot.Id, RowTypes.Text(slot.VisibleAt));
            (order.SlotStartTime, order.EstimatedTime) = (RowTypes.Text(slot.Start), RowTypes.Text(slot.End));
        }
        foreach (var part in placed.Parts)
        {
            var message = new Wire.OrderPart { Part = part.Part, Site = part.Site ?? "", Status = part.Site is null ? Wire.OrderStatus.Backorder : Wire.OrderStatus.Allocated };
            foreach (var line in part.Lines) message.Lines.Add(new Wire.OrderLine { Sku = line.Sku, Quantity = line.Quantity });
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

    internal static string WithoutPerson(ReadOnlySpan<byte> payload)
    {
        var around = AroundPerson(payload);
        return Encoding.UTF8.GetString(around.Before) + Encoding.UTF8.GetString(around.After);
    }

    internal readonly ref struct Around(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        public readonly ReadOnlySpan<byte> Before = before;
        public readonly ReadOnlySpan<byte> After = after;
    }

    /// <summary>The payload as it stands, but for the member <c>personal</c>, which is cut out with the comma that goes with it: what is before it, and after.</summary>
    internal static Around AroundPerson(ReadOnlySpan<byte> payload)
    {
        var json = new Utf8JsonReader(payload);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) return new Around(payload, []);
        var before = (int)json.BytesConsumed; // the end of what stands before the member: the brace or the value before it
        for (var first = true; json.Read() && json.TokenType == JsonTokenType.PropertyName; first = false)
        {
            var isPerson = json.ValueTextEquals("personal"u8);
            json.Skip();
            if (!isPerson) { before = (int)json.BytesConsumed; continue; }
            return Cut(payload, before, (int)json.BytesConsumed, first);
        }
        return new Around(payload, []);
    }

    /// <summary>Cuts a member out. Of the first member the comma behind it goes, of a later one the comma before it.</summary>
    /// <param name="before">The end of what stands before it: the brace or the value before.</param>
    /// <param name="end">The end of its own value.</param>
    internal static Around Cut(ReadOnlySpan<byte> payload, int before, int end, bool first)
    {
        var rest = payload[end..];
        if (first && rest.TrimStart(" \r\n\t"u8) is [(byte)',', .. var more]) rest = more;
        return new Around(payload[..before], rest);
    }
}

/// <summary>What a message tells of <see cref="OrderPlaced"/>. The rest of its payload (why these sites, whom it is for) is passed over unread. Plain setters are read without boxing.</summary>
internal sealed class PlacedFacts
{
    public Guid OrderId { get; set; }
    public long Number { get; set; }
    public string Channel { get; set; } = "";
    public string ExternalId { get; set; } = "";
    public string FulfillmentType { get; set; } = "";
    public Priority Priority { get; set; }
    public string Currency { get; set; } = "";
    public long TotalE4 { get; set; }
    public List<PlacedFact> Lines { get; set; } = [];
    public List<PlacedFactPart> Parts { get; set; } = [];
    public string? PickupSite { get; set; }
    public string? Note { get; set; }
    public PlacedFactSlot? Slot { get; set; }
}

internal sealed class PlacedFactSlot
{
    public string Id { get; set; } = "";
    public DateTimeOffset Start { get; set; }
    public DateTimeOffset End { get; set; }
    public DateTimeOffset VisibleAt { get; set; }
}

internal sealed class PlacedFact
{
    public string Sku { get; set; } = "";
    public int Quantity { get; set; }
    public long UnitPriceE4 { get; set; }
}

internal sealed class PlacedFactPart
{
    public int Part { get; set; }
    public string? Site { get; set; }
    public List<PlacedFact> Lines { get; set; } = [];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PlacedFacts))]
internal sealed partial class PlacedJson : JsonSerializerContext;
