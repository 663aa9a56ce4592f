using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping.Carriers;

/// <summary>
/// What the templates of a profile may name of a parcel: <c>from</c>, <c>to</c>, <c>packages</c>, weights, sizes, numbers. docs/carriers.md lists it. Addresses are in it as plain text: it lives
/// in memory only, from the claim to the call.
/// </summary>
internal static class ParcelValues
{
    /// <summary>Country codes by which local phone numbers are made international.</summary>
    private static readonly Dictionary<string, string> Dialing = new(StringComparer.OrdinalIgnoreCase)
    {
        ["RS"] = "381", ["BA"] = "387", ["ME"] = "382", ["HR"] = "385", ["SI"] = "386", ["MK"] = "389", ["GR"] = "30", ["CY"] = "357", ["BG"] = "359", ["RO"] = "40", ["HU"] = "36", ["AL"] = "355",
        ["CN"] = "86", ["DE"] = "49", ["AT"] = "43", ["CH"] = "41", ["FR"] = "33", ["ES"] = "34", ["PL"] = "48", ["CZ"] = "420", ["SK"] = "421", ["GB"] = "44", ["NL"] = "31",
    };

    /// <summary>Who a part of an order goes to: what the order says, else what the delivery service said for this booking. Null when neither is known, or the person was erased.</summary>
    public static async Task<PersonalDetails?> RecipientAsync(SqlSession session, FulfillmentOrder order, BookingRow? booking)
    {
        var key = await Personal.KeyAsync(session, order.PersonId);
        var own = Open(key, order.Personal);
        return own?.ShipTo is not null ? own : Open(key, booking?.Address) is { } fetched ? fetched with { Customer = own?.Customer ?? fetched.Customer } : null;
    }

    private static PersonalDetails? Open(byte[]? key, byte[]? sealedBytes) =>
        sealedBytes is not null && Personal.Decrypt(key, sealedBytes) is { } plain ? JsonSerializer.Deserialize(plain, ContractsJson.Default.PersonalDetails) : null;

    /// <param name="zone">The carrier's: its today is meant.</param>
    public static JsonObject Of(BookingRow booking, PackingTask task, FulfillmentOrder order, PersonalDetails? recipient, SenderAddress? sender, DateTimeOffset now, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(now, zone);
        var largest = task.Packages.MaxBy(p => (long)p.LengthMm * p.WidthMm * p.HeightMm);
        var numbers = booking.NumberList;
        return new JsonObject
        {
            ["from"] = From(sender), ["to"] = To(recipient), ["site"] = booking.Site,
            // Numbers of what happens at a site are ordinal × 10^10 + sequence, and the ordinal is the site's number, the warehouse_id of older systems.
            ["site_number"] = task.Number / 10_000_000_000L, ["reference"] = booking.Reference, ["booking_id"] = booking.Id.ToString(),
            // A listings service knows its orders by its own numbers; all others by ours.
            ["order_id"] = order.Channel == "listings" ? order.ExternalId : order.OrderNumber.ToString(CultureInfo.InvariantCulture),
            ["order_number"] = order.OrderNumber, ["external_id"] = order.ExternalId, ["channel"] = order.Channel, ["service"] = booking.Service,
            ["package_count"] = task.Packages.Count, ["weight_g"] = task.WeightG, ["weight_kg"] = Math.Round(task.WeightG / 1000m, 3), ["weight_oz"] = Math.Round(task.WeightG / 28.349523125m, 1),
            ["length_cm"] = Cm(largest?.LengthMm), ["width_cm"] = Cm(largest?.WidthMm), ["height_cm"] = Cm(largest?.HeightMm),
            ["length_in"] = Inches(largest?.LengthMm), ["width_in"] = Inches(largest?.WidthMm), ["height_in"] = Inches(largest?.HeightMm),
            ["today"] = local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), ["time"] = local.ToString("HH:mm", CultureInfo.InvariantCulture),
            ["tracking_number"] = booking.TrackingNumber, ["carrier_ref"] = booking.CarrierRef,
            ["packages"] = new JsonArray([.. task.Packages.Select((p, i) => (JsonNode)new JsonObject
            {
                ["number"] = p.SequenceNumber, ["reference"] = task.Packages.Count == 1 ? booking.Reference : $"{booking.Reference}-{p.SequenceNumber}", ["code"] = i < numbers.Count ? numbers[i] : null,
                ["sscc"] = p.Sscc, ["barcode"] = p.Barcode, ["weight_g"] = p.WeightG, ["weight_kg"] = Math.Round(p.WeightG / 1000m, 3), ["length_mm"] = p.LengthMm, ["width_mm"] = p.WidthMm, ["height_mm"] = p.HeightMm,
                ["length_cm"] = Cm(p.LengthMm), ["width_cm"] = Cm(p.WidthMm), ["height_cm"] = Cm(p.HeightMm),
            })]),
        };
    }

    private static int? Cm(int? mm) => mm is { } m ? (m + 9) / 10 : null;
    private static decimal? Inches(int? mm) => mm is { } m ? Math.Round(m / 25.4m, 1) : null;

    private static JsonObject From(SenderAddress? s) => Address(s?.Name, s?.Line1, null, s?.City, s?.Region, s?.PostalCode, s?.Country, s?.Phone, s?.Email, s?.Contact);

    private static JsonObject To(PersonalDetails? d) => Address(Given(d?.ShipTo?.Name) ?? d?.Customer?.Name, d?.ShipTo?.Line1, d?.ShipTo?.Line2, d?.ShipTo?.City, d?.ShipTo?.Region, d?.ShipTo?.PostalCode, d?.ShipTo?.Country,
        d?.Customer?.Phone, d?.Customer?.Email, null);

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static JsonObject Address(string? name, string? line1, string? line2, string? city, string? region, string? postal, string? country, string? phone, string? email, string? company)
    {
        var (street, number) = SplitStreet(line1?.Trim() ?? "");
        var words = (name?.Trim() ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var slash = number.IndexOf('/');
        var digits = string.Concat(number.TakeWhile(char.IsAsciiDigit));
        return new JsonObject
        {
            ["name"] = name?.Trim(), ["first_name"] = string.Join(' ', words.SkipLast(1)), ["last_name"] = words.LastOrDefault(), ["line1"] = line1?.Trim(), ["line2"] = line2?.Trim(),
            ["street"] = street, ["house_number"] = number, ["house_int"] = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var house) ? house : 0,
            ["apartment"] = slash >= 0 ? number[(slash + 1)..] : number[digits.Length..] is var rest && !rest.Equals("bb", StringComparison.OrdinalIgnoreCase) ? rest : "",
            ["city"] = city?.Trim(), ["region"] = region?.Trim(), ["postal_code"] = postal?.Trim(), ["country"] = country?.Trim().ToUpperInvariant(), ["phone"] = phone?.Trim(), ["phone_international"] = International(phone, country),
            ["email"] = email?.Trim(), ["company"] = company?.Trim(),
        };
    }

    /// <summary>The last word is the house number where it begins with a digit, or says that there is none (<c>bb</c>); also with a flat: <c>13/7a</c>.</summary>
    internal static (string Street, string Number) SplitStreet(string line)
    {
        var space = line.LastIndexOf(' ');
        if (space < 0) return (line, "");
        var last = line[(space + 1)..];
        return last.Length > 0 && char.IsAsciiDigit(last[0]) || last.Equals("bb", StringComparison.OrdinalIgnoreCase) || last.Equals("b.b.", StringComparison.OrdinalIgnoreCase) ? (line[..space].TrimEnd(' ', ','), last) : (line, "");
    }

    /// <summary>Digits with the country's code in front and without a plus sign.</summary>
    internal static string? International(string? phone, string? country)
    {
        if (string.IsNullOrWhiteSpace(phone)) return null;
        var digits = string.Concat(phone.Where(char.IsAsciiDigit));
        if (phone.TrimStart().StartsWith('+')) return digits;
        if (digits.StartsWith("00", StringComparison.Ordinal)) return digits[2..];
        return digits.StartsWith('0') && country is not null && Dialing.TryGetValue(country.Trim(), out var code) ? code + digits[1..] : digits;
    }
}
