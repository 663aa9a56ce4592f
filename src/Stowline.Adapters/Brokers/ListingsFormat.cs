using System.Globalization;
using System.Text.Json;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Adapters.Brokers;

/// <summary>
/// The events of the listings service (source 2 §5.4, F1): <c>order.confirmed</c> with <c>order_id</c>, <c>storefront_id</c> and <c>items</c>, and <c>order.cancelled</c> with
/// <c>order_id</c> and <c>reason</c>. The channel is <c>listings</c>, the external id the <c>order_id</c>, a product the one whose external id is the <c>listing_id</c>.
/// Other types are none of our business.
/// </summary>
public sealed class ListingsFormat(Node node)
{
    private sealed record Item(string ListingId, long Quantity);

    /// <summary>Whether a body is JSON with the type of one of these events. An order of <c>POST /orders</c> has no such member.</summary>
    public static bool Is(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf("order.c"u8) < 0) return false; // most are not, and need not be read twice
        var json = new Utf8JsonReader(body);
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isType = json.ValueTextEquals("type"u8);
                json.Read();
                if (isType) return json.TokenType == JsonTokenType.String && (json.ValueTextEquals("order.confirmed"u8) || json.ValueTextEquals("order.cancelled"u8));
                json.Skip();
            }
        }
        catch (JsonException)
        {
            // whoever reads it as an order says what is wrong with it
        }
        return false;
    }

    public async ValueTask<IReadOnlyList<Outcome<IncomingOrder>>> ReadAsync(IReadOnlyList<IncomingMessage> messages, CancellationToken ct)
    {
        var read = messages.Select(m => Fields(m.Body)).ToList();
        var listings = read.Where(f => f.IsOk).Select(f => Items(f.Value)).Where(i => i.IsOk).SelectMany(i => i.Value).Select(i => i.ListingId).ToHashSet(StringComparer.Ordinal);
        var skus = await node.Database.ReadAsync(session => OldNumbers.SkusOfAsync(session, listings), ct);
        return [.. read.Select(f => f.Refusal is { } unreadable ? unreadable : Order(f.Value, skus))];
    }

    private static Outcome<Dictionary<string, string>> Fields(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.EnumerateObject().GroupBy(m => m.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Value.ToString(), StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Refusal.Invalid("entry", "has no fields that can be read");
        }
    }

    private static Outcome<IncomingOrder> Order(Dictionary<string, string> fields, ILookup<string, string> skus)
    {
        var type = fields.GetValueOrDefault("type");
        if (string.IsNullOrWhiteSpace(type)) return Refusal.Invalid("type", "is required");
        if (type is not ("order.confirmed" or "order.cancelled")) return new IncomingOrder.Nothing();
        if (!long.TryParse(fields.GetValueOrDefault("order_id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id <= 0)
            return Refusal.Invalid("order_id", "must be a positive whole number");
        var order = id.ToString(CultureInfo.InvariantCulture);
        if (type == "order.cancelled")
        {
            var reason = fields.GetValueOrDefault("reason") is { Length: > 0 } given ? given : "cancelled by the listings service";
            return new IncomingOrder.Cancel(OldOrders.Channel, order, reason.Length <= 500 ? reason : reason[..500]);
        }
        var items = Items(fields);
        return items.Refusal is { } no ? no : Place(order, fields, items.Value, skus);
    }

    private static Outcome<IncomingOrder> Place(string order, Dictionary<string, string> fields, List<Item> items, ILookup<string, string> skus)
    {
        foreach (var item in items)
        {
            var found = skus[item.ListingId].Take(2).Count();
            if (found == 0) return Refusal.NotFound("unknown_listing", $"there is no product with the external id {item.ListingId}");
            if (found > 1) return Refusal.Conflict("listing_ambiguous", $"several products have the external id {item.ListingId}");
        }
        var customer = Part<CustomerDetails>(fields, "customer");
        var address = Part<AddressDetails>(fields, "ship_to");
        if ((customer.Refusal ?? address.Refusal) is { } wrong) return wrong;
        return new IncomingOrder.Place(new OrderBody
        {
            Channel = OldOrders.Channel, ExternalId = order, Customer = customer.Value, ShipTo = address.Value,
            // The storefront of the listings service is nothing that Stowline knows; it must not be lost either.
            Note = fields.GetValueOrDefault("storefront_id") is { Length: > 0 } storefront ? $"storefront_id {storefront}" : null,
            Lines = [.. items.Select(i => new OrderLineBody(skus[i.ListingId].First(), i.Quantity, null))],
        });
    }

    /// <summary>What source 2's event does not have and may be added to it: JSON in a field of its own.</summary>
    private static Outcome<T?> Part<T>(Dictionary<string, string> fields, string name) where T : class, IEquatable<T>
    {
        if (fields.GetValueOrDefault(name) is not { Length: > 0 } text) return (T?)null;
        var read = Requests.Parse<T>(System.Text.Encoding.UTF8.GetBytes(text));
        return read.Refusal is { } no ? Refusal.Invalid(name, "is not understood: " + no.Detail) : read.Value;
    }

    private static Outcome<List<Item>> Items(Dictionary<string, string> fields)
    {
        if (fields.GetValueOrDefault("type") != "order.confirmed") return new List<Item>();
        try
        {
            using var document = JsonDocument.Parse(fields.GetValueOrDefault("items") ?? "");
            var items = new List<Item>();
            foreach (var item in document.RootElement.EnumerateArray())
            {
                if (!TryNumber(item, "listing_id", out var listing) || listing <= 0) return Refusal.Invalid($"items[{items.Count}].listing_id", "must be a positive whole number");
                if (!TryNumber(item, "quantity", out var quantity)) return Refusal.Invalid($"items[{items.Count}].quantity", "must be a whole number");
                items.Add(new Item(listing.ToString(CultureInfo.InvariantCulture), quantity));
            }
            return items;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Refusal.Invalid("items", """must be JSON such as [{"listing_id":7,"quantity":2}]""");
        }
    }

    private static bool TryNumber(JsonElement item, string name, out long number)
    {
        number = 0;
        if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty(name, out var value)) return false;
        return value.ValueKind == JsonValueKind.Number ? value.TryGetInt64(out number)
            : value.ValueKind == JsonValueKind.String && long.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }
}
