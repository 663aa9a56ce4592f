using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Hub.Hooks;
using Stowline.Hub.Ordering;
using Stowline.Kernel;

namespace Stowline.Hub.Channels;

/// <summary>Reads a shop's JSON by its mapping. Pure.</summary>
internal static class ShopReader
{
    /// <summary>The member at a path; null where there is none.</summary>
    public static JsonElement? At(JsonElement from, string? path)
    {
        if (string.IsNullOrEmpty(path)) return from;
        foreach (var step in path.Split('.'))
        {
            if (from.ValueKind == JsonValueKind.Object && from.TryGetProperty(step, out var member)) from = member;
            else if (from.ValueKind == JsonValueKind.Array && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < from.GetArrayLength()) from = from[index];
            else return null;
        }
        return from;
    }

    /// <summary>The text of the first place that holds something.</summary>
    public static string? Text(JsonElement from, IReadOnlyList<string>? places) => (places ?? []).Select(p => TextAt(from, p)).FirstOrDefault(t => t is not null);

    private static string? TextAt(JsonElement from, string place)
    {
        if (!place.Contains('{', StringComparison.Ordinal)) return Plain(At(from, place));
        var (made, any, at) = (new StringBuilder(), false, 0);
        while (at < place.Length)
        {
            var (open, close) = (place.IndexOf('{', at), place.IndexOf('}', at));
            if (open < 0 || close < open) { made.Append(place, at, place.Length - at); break; }
            made.Append(place, at, open - at);
            if (Plain(At(from, place[(open + 1)..close])) is { } value)
            {
                made.Append(value);
                any = true;
            }
            at = close + 1;
        }
        return any ? made.ToString().Trim() : null;
    }

    private static string? Plain(JsonElement? value)
    {
        var text = value?.ValueKind switch
        {
            JsonValueKind.String => value.Value.GetString(),
            JsonValueKind.Number => value.Value.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => null,
        };
        return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    public static bool Holds(JsonElement order, ShopCondition condition) => Plain(At(order, condition.Path)) is { } value && (condition.In is null || condition.In.Contains(value, StringComparer.Ordinal));

    /// <summary>When the order last changed there; a time without a zone is UTC. Null where the shop does not say, or not as ISO 8601.</summary>
    public static DateTimeOffset? ChangedAt(JsonElement order, ShopOrders map) => DateTimeOffset.TryParse(Text(order, map.ChangedAt), CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    /// <summary>The order out of what wraps it.</summary>
    public static JsonElement Unwrap(JsonElement body, ShopOrders map) => map.Root is { } root && At(body, root) is { ValueKind: JsonValueKind.Object } inner ? inner : body;

    /// <summary>What may be an offer's id in each line.</summary>
    public static IEnumerable<string> OffersOf(JsonElement order, ShopOrders map) =>
        Lines(order, map).SelectMany(l => (map.Lines?.Offer ?? []).Select(p => TextAt(l, p))).OfType<string>();

    internal static IEnumerable<JsonElement> Lines(JsonElement order, ShopOrders map) => At(order, map.Lines?.Path) is { ValueKind: JsonValueKind.Array } lines ? lines.EnumerateArray() : [];

    /// <param name="skus">Offer → SKU.</param>
    public static Outcome<OrderBody> Read(string channel, JsonElement order, ShopOrders map, IReadOnlyDictionary<string, string> skus)
    {
        var problems = new Problems();
        if (Text(order, map.ExternalId) is not { } id) return Refusal.Invalid("external_id", "is not where the mapping looks for it");
        var currency = Text(order, map.Currency);
        var lines = new List<OrderLineBody?>();
        foreach (var line in Lines(order, map))
        {
            var at = $"lines[{lines.Count}]";
            var sku = SkuOf(line, map.Lines!, skus);
            if (sku is null) problems.Add(at + ".sku", "is missing, and none was saved for its offer");
            lines.Add(new OrderLineBody(sku, Quantity(Text(line, map.Lines!.Quantity), at, problems), Price(Text(line, map.Lines.UnitPrice), currency, at, problems)));
        }
        if (problems.Any) return problems.ToRefusal();
        var (customer, to) = (map.Customer, map.ShipTo);
        return new OrderBody
        {
            Channel = channel,
            ExternalId = id,
            Customer = customer is null ? null : new CustomerDetails(Cut(Text(order, customer.Name), 255), Cut(Text(order, customer.Email), 320), Cut(Text(order, customer.Phone), 64)),
            ShipTo = to is null ? null : new AddressDetails(Cut(Text(order, to.Name), 255), Cut(Text(order, to.Line1), 255), Cut(Text(order, to.Line2), 255), Cut(Text(order, to.City), 128),
                Cut(Text(order, to.Region), 128), Cut(Text(order, to.PostalCode), 32), Text(order, to.Country) is { Length: 2 } country ? country.ToUpperInvariant() : null, null, null),
            Note = Cut(Text(order, map.Note), 2_000),
            Backorder = true, // it was sold: what is not in stock is waited for
            Lines = lines,
        };
    }

    /// <summary>The goods of a line; null where neither it nor its offer says.</summary>
    internal static string? SkuOf(JsonElement line, ShopLines map, IReadOnlyDictionary<string, string> skus) =>
        Text(line, map.Sku) ?? (map.Offer ?? []).Select(p => TextAt(line, p)).OfType<string>().Select(o => skus.GetValueOrDefault(o)).FirstOrDefault(s => s is not null);

    private static long? Quantity(string? text, string at, Problems problems)
    {
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && decimal.Truncate(number) == number && number <= Limits.MaxQuantity) return (long)number;
        problems.Add(at + ".quantity", "must be a whole number");
        return null;
    }

    private static Money? Price(string? text, string? currency, string at, Problems problems)
    {
        if (text is null || currency is null) return null;
        if (Money.IsCurrency(currency) && decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount <= Money.MaxAmount)
            return new Money(decimal.Round(amount, 4, MidpointRounding.AwayFromZero), currency);
        problems.Add(at + ".unit_price", $"{text} {currency} is no price");
        return null;
    }

    private static string? Cut(string? text, int most) => text is null ? null : new string([.. text.Where(c => !char.IsControl(c) || c is '\n' or '\t').Take(most)]);

    /// <summary>Whether the shop itself sent this. Compared in constant time.</summary>
    public static bool IsSigned(ShopSigning signing, string secret, IHeaderDictionary headers, byte[] body, DateTimeOffset now)
    {
        var given = headers[signing.Header ?? ""].ToString().Trim();
        return signing.Scheme switch
        {
            ShopSignatureScheme.HmacSha256Base64 => Same(Convert.ToBase64String(Mac()), given),
            ShopSignatureScheme.HmacSha256Hex => Same(Convert.ToHexStringLower(Mac()), given.StartsWith("sha256=", StringComparison.Ordinal) ? given[7..].ToLowerInvariant() : given.ToLowerInvariant()),
            ShopSignatureScheme.StandardWebhooks => HookSignature.Verify(secret, headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"].ToString(), body, now),
            null => false,
        };

        byte[] Mac() => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body);
        static bool Same(string right, string given) => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(right), Encoding.UTF8.GetBytes(given));
    }
}
