using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;
using Wire = Stowline.Protocol;

namespace Stowline.Adapters;

/// <summary>
/// <c>stowline.v1.OrderEvent</c> as bytes, straight from the stored event, with nothing made in between. Encoding is most of what a relay costs, and it shares the processor with the broker's client. <see cref="OrderEvents.Of"/> makes the same message of objects; a test holds the two together.
/// </summary>
internal static class OrderEventBytes
{
    [ThreadStatic] private static ProtoBuffer? s_buffer;

    /// <summary>In memory of this thread, good until it makes the next.</summary>
    public static ReadOnlySpan<byte> Of(EventView e)
    {
        var to = s_buffer ??= new ProtoBuffer();
        to.Clear();
        to.Number(Wire.OrderEvent.PositionFieldNumber, e.Position);
        to.Text(Wire.OrderEvent.TypeFieldNumber, e.Type);
        if (e.OrderId is { } id) to.Id(Wire.OrderEvent.OrderIdFieldNumber, id);
        to.Time(Wire.OrderEvent.AtFieldNumber, e.At);
        to.Text(Wire.OrderEvent.ActorFieldNumber, e.Actor);
        to.Id(Wire.OrderEvent.EventIdFieldNumber, e.Id);
        to.Text(Wire.OrderEvent.TraceparentFieldNumber, e.Trace);
        var data = e.Type == OrderPlaced.Type ? Placed(to, e) : OrderEvents.AroundPerson(e.Payload);
        if (e.Type == OrderStatusChanged.Type && SnakeCaseEnum<OrderStatus>.TryParse(e.Keep().Read<OrderStatusChanged>().To, out var status)) to.Number(Wire.OrderEvent.StatusFieldNumber, (int)status);
        to.Bytes(Wire.OrderEvent.DataFieldNumber, data.Before, data.After);
        return to.Written;
    }

    /// <summary>The order, in one pass over the payload.</summary>
    /// <returns>The payload without the person, which the pass has come by.</returns>
    private static OrderEvents.Around Placed(ProtoBuffer to, EventView e)
    {
        var order = to.Begin(Wire.OrderEvent.OrderFieldNumber);
        var json = new Utf8JsonReader(e.Payload);
        json.Read();
        var (currency, total, waits) = ("", 0L, false);
        Utf8JsonReader lines = default; // their prices need the currency, which may stand behind them
        var (hasLines, before, person) = (false, (int)json.BytesConsumed, (Before: -1, End: 0, First: false));
        for (var first = true; json.Read() && json.TokenType == JsonTokenType.PropertyName; first = false, before = (int)json.BytesConsumed)
        {
            // Names are never escaped: we have written them.
            var name = json.ValueSpan;
            if (name.SequenceEqual("order_id"u8)) OrderId(to, ref json);
            else if (name.SequenceEqual("number"u8)) Whole(to, Wire.Order.NumberFieldNumber, ref json);
            else if (name.SequenceEqual("channel"u8)) Text(to, Wire.Order.ChannelFieldNumber, ref json);
            else if (name.SequenceEqual("external_id"u8)) Text(to, Wire.Order.ExternalIdFieldNumber, ref json);
            else if (name.SequenceEqual("fulfillment_type"u8)) to.Number(Wire.Order.FulfillmentTypeFieldNumber, SnakeCaseEnum<FulfillmentType>.TryParse(Next(ref json).GetString(), out var type) ? (int)type : 0);
            else if (name.SequenceEqual("priority"u8)) to.Number(Wire.Order.PriorityFieldNumber, SnakeCaseEnum<Priority>.TryParse(Next(ref json).GetString(), out var priority) ? (int)priority : 0);
            else if (name.SequenceEqual("pickup_site"u8)) Text(to, Wire.Order.PickupSiteFieldNumber, ref json);
            else if (name.SequenceEqual("note"u8)) Text(to, Wire.Order.NoteFieldNumber, ref json);
            else if (name.SequenceEqual("currency"u8)) currency = Next(ref json).GetString() ?? "";
            else if (name.SequenceEqual("total_e4"u8)) total = Next(ref json).GetInt64();
            else if (name.SequenceEqual("lines"u8) && currency.Length > 0) Lines(to, Wire.Order.LinesFieldNumber, ref json, currency);
            else if (name.SequenceEqual("lines"u8))
            {
                lines = json;
                hasLines = true;
                json.Skip();
            }
            else if (name.SequenceEqual("parts"u8)) waits = Parts(to, ref json);
            else if (name.SequenceEqual("slot"u8)) Slot(to, ref json);
            else
            {
                var isPerson = json.ValueTextEquals("personal"u8); // however it is written
                json.Skip();
                if (isPerson) person = (before, (int)json.BytesConsumed, first);
            }
        }
        to.Number(Wire.Order.StatusFieldNumber, (int)(waits ? Wire.OrderStatus.Backorder : Wire.OrderStatus.Allocated));
        Amount(to, Wire.Order.TotalFieldNumber, total, currency);
        to.Time(Wire.Order.PlacedAtFieldNumber, e.At);
        if (hasLines) Lines(to, Wire.Order.LinesFieldNumber, ref lines, currency);
        to.End(order);
        return person.Before < 0 ? new OrderEvents.Around(e.Payload, []) : OrderEvents.Cut(e.Payload, person.Before, person.End, person.First);
    }

    private static ref Utf8JsonReader Next(ref Utf8JsonReader json)
    {
        json.Read();
        return ref json;
    }

    private static void Text(ProtoBuffer to, int field, ref Utf8JsonReader json) => to.Text(field, in Next(ref json));
    private static void Whole(ProtoBuffer to, int field, ref Utf8JsonReader json) => to.Number(field, Next(ref json).GetInt64());

    private static void OrderId(ProtoBuffer to, ref Utf8JsonReader json)
    {
        var id = Next(ref json).GetGuid();
        to.Id(Wire.Order.IdFieldNumber, id);
        to.Text(Wire.Order.DisplayIdFieldNumber, IdSource.DisplayId(id));
    }

    private static void Slot(ProtoBuffer to, ref Utf8JsonReader json)
    {
        if (Next(ref json).TokenType != JsonTokenType.StartObject) return;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueSpan.SequenceEqual("id"u8)) Text(to, Wire.Order.TargetSlotIdFieldNumber, ref json);
            else if (json.ValueSpan.SequenceEqual("start"u8)) Moment(to, Wire.Order.SlotStartTimeFieldNumber, ref json);
            else if (json.ValueSpan.SequenceEqual("end"u8)) Moment(to, Wire.Order.EstimatedTimeFieldNumber, ref json);
            else if (json.ValueSpan.SequenceEqual("visible_at"u8)) Moment(to, Wire.Order.VisibleAtFieldNumber, ref json);
            else json.Skip();
        }
    }

    private static void Moment(ProtoBuffer to, int field, ref Utf8JsonReader json) => to.Text(field, RowTypes.Text(Next(ref json).GetDateTimeOffset()));

    /// <returns>Whether a part waits for stock.</returns>
    private static bool Parts(ProtoBuffer to, ref Utf8JsonReader json)
    {
        var waits = false;
        Next(ref json);
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            var part = to.Begin(Wire.Order.PartsFieldNumber);
            var hasSite = false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                if (json.ValueSpan.SequenceEqual("part"u8)) Whole(to, Wire.OrderPart.PartFieldNumber, ref json);
                else if (json.ValueSpan.SequenceEqual("site"u8))
                {
                    Text(to, Wire.OrderPart.SiteFieldNumber, ref json);
                    hasSite = json.TokenType == JsonTokenType.String;
                }
                else if (json.ValueSpan.SequenceEqual("lines"u8)) Lines(to, Wire.OrderPart.LinesFieldNumber, ref json, currency: null);
                else json.Skip();
            }
            to.Number(Wire.OrderPart.StatusFieldNumber, (int)(hasSite ? Wire.OrderStatus.Allocated : Wire.OrderStatus.Backorder));
            to.End(part);
            waits |= !hasSite;
        }
        return waits;
    }

    /// <param name="currency">Of the prices; null for lines without.</param>
    private static void Lines(ProtoBuffer to, int field, ref Utf8JsonReader json, string? currency)
    {
        Next(ref json);
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            var line = to.Begin(field);
            var (quantity, price) = (0, 0L);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                if (json.ValueSpan.SequenceEqual("sku"u8)) Text(to, Wire.OrderLine.SkuFieldNumber, ref json);
                else if (json.ValueSpan.SequenceEqual("quantity"u8)) quantity = Next(ref json).GetInt32();
                else if (json.ValueSpan.SequenceEqual("unit_price_e4"u8)) price = Next(ref json).GetInt64();
                else json.Skip();
            }
            to.Number(Wire.OrderLine.QuantityFieldNumber, quantity);
            if (currency is not null)
            {
                Amount(to, Wire.OrderLine.UnitPriceFieldNumber, price, currency);
                Amount(to, Wire.OrderLine.TotalFieldNumber, Money.LineTotal(price, quantity, currency), currency);
            }
            to.End(line);
        }
    }

    private static void Amount(ProtoBuffer to, int field, long e4, string currency)
    {
        Span<byte> text = stackalloc byte[Money.LongestAmount];
        var money = to.Begin(field);
        to.Bytes(Wire.Money.AmountFieldNumber, text[..Money.WriteAmount(e4, currency, text)], []);
        to.Text(Wire.Money.CurrencyFieldNumber, currency);
        to.End(money);
    }
}
