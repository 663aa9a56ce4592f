using System.Globalization;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Hub.Channels;

/// <summary>Allegro's checkout form as an order. Pure. A form is an order only when it is READY_FOR_PROCESSING: before, its address and payment may still change.</summary>
internal static class AllegroForms
{
    public static string? StatusOf(JsonNode form) => form["status"]?.ToString();

    /// <summary>The ids of the form's offers, to look up the SKUs of those without one.</summary>
    public static IEnumerable<string> OffersOf(JsonNode form) => Lines(form).Select(l => Text(l["offer"]?["id"])).OfType<string>();

    private static IEnumerable<JsonNode> Lines(JsonNode form) => (form["lineItems"] as JsonArray ?? []).OfType<JsonNode>();

    /// <param name="skus">Offer → SKU, for offers whose own external id is missing.</param>
    public static Outcome<OrderBody> Read(string channel, JsonNode form, IReadOnlyDictionary<string, string> skus)
    {
        var lines = new List<OrderLineBody?>();
        foreach (var line in Lines(form))
        {
            if (SkuOf(line, skus) is not { } sku) return Refusal.NotFound("unknown_offer", $"offer {Text(line["offer"]?["id"])} has no external id, and no SKU was given for it");
            lines.Add(new OrderLineBody(sku, Units(line), Price(line["price"])));
        }
        var buyer = form["buyer"];
        return new OrderBody
        {
            Channel = channel,
            ExternalId = Text(form["id"]),
            Customer = new CustomerDetails(Cut(Name(buyer) ?? Text(buyer?["login"]), 255), Cut(Text(buyer?["email"]), 320), Cut(Text(buyer?["phoneNumber"]), 64)),
            ShipTo = Address(form),
            Note = Note(form),
            Backorder = true, // it was sold: what is not in stock is waited for
            Lines = lines,
        };
    }

    /// <summary>The form's line items with their goods.</summary>
    public static IReadOnlyList<TheirLine> LinesOf(JsonNode form, IReadOnlyDictionary<string, string> skus) =>
        [.. Lines(form).Select(l => (Id: Text(l["id"]), Line: l)).Where(l => l.Id is not null).Select(l => new TheirLine(l.Id!, SkuOf(l.Line, skus), Units(l.Line) ?? 0))];

    /// <summary>What somebody has said of an offer counts more than what stands in the listing.</summary>
    private static string? SkuOf(JsonNode line, IReadOnlyDictionary<string, string> skus) =>
        skus.TryGetValue(Text(line["offer"]?["id"]) ?? "", out var sku) ? sku : Text(line["offer"]?["external"]?["id"]);

    private static long? Units(JsonNode line) => line["quantity"] is JsonValue q && q.TryGetValue<long>(out var units) ? units : null;

    private static Money? Price(JsonNode? price) => Text(price?["amount"]) is { } amount && Text(price?["currency"]) is { } currency && Money.IsCurrency(currency)
        && decimal.TryParse(amount, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && decimal.Round(number, 4) == number && number <= Money.MaxAmount ? new Money(number, currency) : null;

    /// <summary>A pickup point is where it goes; its address is then the order's, and its name stands in the second line. Some forms have nothing else.</summary>
    private static AddressDetails? Address(JsonNode form)
    {
        var (delivery, point) = (form["delivery"]?["address"], form["delivery"]?["pickupPoint"]);
        var place = point?["address"] ?? delivery;
        if (place is null) return null;
        var name = Name(delivery) ?? Name(form["buyer"]);
        var second = Text(point?["name"]) ?? Text(delivery?["companyName"]);
        return new AddressDetails(Cut(name, 255), Cut(Text(place["street"]), 255), Cut(second, 255), Cut(Text(place["city"]), 128), null, Cut(Text(place["zipCode"]) ?? Text(place["postCode"]), 32),
            Text(place["countryCode"]) is { Length: 2 } country ? country : null, null, null);
    }

    private static string? Name(JsonNode? person)
    {
        var name = string.Join(' ', new[] { Text(person?["firstName"]), Text(person?["lastName"]) }.Where(n => n is not null));
        return name.Length > 0 ? name : null;
    }

    private static string? Note(JsonNode form)
    {
        string?[] parts = [Text(form["messageToSeller"]), Text(form["delivery"]?["method"]?["name"]), Text(form["delivery"]?["pickupPoint"]?["id"])];
        var note = string.Join("\n", parts.Where(p => p is not null));
        return note.Length == 0 ? null : Cut(note, 2_000);
    }

    private static string? Text(JsonNode? node) => node?.ToString() is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    /// <summary>A name that is too long there is no reason to leave the order.</summary>
    private static string? Cut(string? text, int most) => text is null ? null : new string([.. text.Where(c => !char.IsControl(c) || c is '\n' or '\t').Take(most)]);
}
