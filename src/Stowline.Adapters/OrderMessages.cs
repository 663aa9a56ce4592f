using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Store;
using Wire = Stowline.Protocol;

namespace Stowline.Adapters;

/// <summary>Orders as messages, and back. Enum values have the same numbers on both sides; a test holds them to it.</summary>
public static class OrderMessages
{
    /// <summary>The order as REST would have been given it. Amounts and enums that are no such are refused by field.</summary>
    public static Outcome<OrderBody> Body(Wire.CreateOrderRequest request)
    {
        var problems = new Problems();
        var lines = new List<OrderLineBody?>(request.Lines.Count + 1);
        for (var i = 0; i < request.Lines.Count; i++) lines.Add(new OrderLineBody(Text(request.Lines[i].Sku), request.Lines[i].Quantity, Price(request.Lines[i].UnitPrice, $"lines[{i}].unit_price", problems)));
        if (request.PizzaName.Length > 0) lines.Add(new OrderLineBody(request.PizzaName, request.Quantity, null));
        problems.Check(System.Enum.IsDefined(request.Priority), "priority", "is none that is known here");
        problems.Check(System.Enum.IsDefined(request.FulfillmentType), "fulfillment_type", "is none that is known here");
        DateTimeOffset wished = default;
        if (request.SlotWish.Length > 0)
            problems.Check(DateTimeOffset.TryParse(request.SlotWish, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out wished), "slot_wish", "must be a time as RFC 3339 writes it");
        if (problems.Any) return problems.ToRefusal();
        var name = $"{request.CustomerFirstName} {request.CustomerLastName}".Trim();
        return new OrderBody
        {
            ExternalId = Text(request.ExternalId), Channel = Text(request.Channel), PickupSite = Text(request.PickupSite), Backorder = request.Backorder,
            FulfillmentType = request.FulfillmentType != Wire.FulfillmentType.Unspecified ? (FulfillmentType)request.FulfillmentType : request.IsPickup ? FulfillmentType.Pickup : null,
            Priority = request.Priority == Wire.Priority.Unspecified ? null : (Priority)request.Priority,
            Customer = request.Customer is { } c ? new CustomerDetails(Text(c.Name), Text(c.Email), Text(c.Phone))
                : name.Length + request.CustomerPhone.Length == 0 ? null : new CustomerDetails(Text(name), null, Text(request.CustomerPhone)),
            ShipTo = request.ShipTo is { } a ? Address(a) : request.DeliveryAddress.Length == 0 ? null : new AddressDetails(Text(name), request.DeliveryAddress, null, null, null, null, null, null, null),
            // The caller's own number of its customer is nothing that Stowline keeps by itself; it must not be lost either.
            Note = request.CustomerId == 0 ? Text(request.Note) : $"{request.Note}\ncustomer_id {request.CustomerId.ToString(CultureInfo.InvariantCulture)}".Trim(),
            Slot = request.SlotWish.Length == 0 ? null : new SlotWish(null, wished.ToUniversalTime(), null),
            Lines = lines,
        };
    }

    private static string? Text(string text) => text.Length == 0 ? null : text;

    private static AddressDetails Address(Wire.Address a) => new(Text(a.Name), Text(a.Line1), Text(a.Line2), Text(a.City), Text(a.Region), Text(a.PostalCode), Text(a.Country),
        a.HasLatitude ? a.Latitude : null, a.HasLongitude ? a.Longitude : null);

    private static Money? Price(Wire.Money? money, string field, Problems problems)
    {
        if (money is null) return null;
        var isAmount = decimal.TryParse(money.Amount, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount);
        problems.Check(isAmount, field + ".amount", "must be a decimal number as text, such as 19.24");
        problems.Check(Math.Abs(amount) <= Money.MaxAmount && decimal.Round(amount, 4) == amount, field + ".amount", "is too large or has more than 4 decimals");
        problems.Check(Money.IsCurrency(money.Currency), field + ".currency", Money.CurrencyRule);
        return new Money(amount, money.Currency);
    }

    public static Wire.OrderResponse Accepted(OrderView order, bool existing)
    {
        var (start, ready) = Slot(order);
        var answer = new Wire.OrderResponse
        {
            OrderId = order.Id, DisplayId = order.DisplayId, SlotStartTime = start, EstimatedTime = ready, Number = order.Number, Status = (Wire.OrderStatus)order.Status,
            Total = Of(order.Total), Existing = existing, Channel = order.Channel, ExternalId = order.ExternalId, PlacedAt = Timestamp.FromDateTimeOffset(order.PlacedAt),
        };
        answer.Parts.AddRange(order.Parts.Select(Of));
        return answer;
    }

    public static Wire.Order Of(OrderView order)
    {
        var (start, ready) = Slot(order);
        var message = new Wire.Order
        {
            Id = order.Id, Number = order.Number, DisplayId = order.DisplayId, Status = (Wire.OrderStatus)order.Status, Channel = order.Channel, ExternalId = order.ExternalId,
            FulfillmentType = (Wire.FulfillmentType)order.FulfillmentType, Priority = (Wire.Priority)order.Priority, Total = Of(order.Total),
            Customer = order.Customer is not { } c ? null : new Wire.Customer { Name = c.Name ?? "", Email = c.Email ?? "", Phone = c.Phone ?? "" },
            ShipTo = order.ShipTo is { } a ? Of(a) : null, PickupSite = order.PickupSite ?? "", OnHold = order.OnHold, Note = order.Note ?? "",
            PlacedAt = Timestamp.FromDateTimeOffset(order.PlacedAt), SlotStartTime = start, EstimatedTime = ready,
            TargetSlotId = order.Slot?.Id ?? "", VisibleAt = order.Slot is { } slot ? RowTypes.Text(slot.VisibleAt) : "",
        };
        message.Parts.AddRange(order.Parts.Select(Of));
        message.Lines.AddRange((order.Lines ?? []).Select(l => new Wire.OrderLine { Sku = l.Sku, Quantity = l.Quantity, UnitPrice = Of(l.UnitPrice), Total = Of(l.Total) }));
        return message;
    }

    private static Wire.Money Of(Money money) => new() { Amount = money.AmountText(), Currency = money.Currency };

    private static Wire.OrderPart Of(OrderPartView part)
    {
        var message = new Wire.OrderPart { Part = part.Part, Site = part.Site ?? "", Status = (Wire.OrderStatus)part.Status };
        message.Lines.AddRange(part.Lines.Select(l => new Wire.OrderLine { Sku = l.Sku, Quantity = l.Quantity }));
        return message;
    }

    private static Wire.Address Of(AddressDetails a)
    {
        var message = new Wire.Address
        {
            Name = a.Name ?? "", Line1 = a.Line1 ?? "", Line2 = a.Line2 ?? "", City = a.City ?? "", Region = a.Region ?? "", PostalCode = a.PostalCode ?? "", Country = a.Country ?? "",
        };
        if (a.Latitude is { } latitude) message.Latitude = latitude;
        if (a.Longitude is { } longitude) message.Longitude = longitude;
        return message;
    }

    /// <summary>When the order's slot begins, and when it will be ready: the end of its last slot; empty where there is no slot.</summary>
    private static (string Start, string Ready) Slot(OrderView order) =>
        order.Slot is { } slot ? (RowTypes.Text(slot.Start), RowTypes.Text(slot.End)) : ("", "");
}
