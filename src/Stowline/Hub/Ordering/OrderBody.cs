using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Hub.Ordering;

/// <summary>An order as a caller gives it (contract, Orders).</summary>
public sealed record OrderBody
{
    public string? ExternalId { get; init; }
    public string? Channel { get; init; }
    public FulfillmentType? FulfillmentType { get; init; }
    public CustomerDetails? Customer { get; init; }
    public AddressDetails? ShipTo { get; init; }
    public string? PickupSite { get; init; }
    public Priority? Priority { get; init; }
    public string? Note { get; init; }
    /// <summary>True: what no site has is put on backorder instead of refusing the order.</summary>
    public bool? Backorder { get; init; }
    public List<OrderLineBody?>? Lines { get; init; }

    // Left out of the hash where they are not given, so that a body from before they existed is still the same body.

    /// <summary>When (and where) what is made to order is to be made; the next free slot when not given (K2).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SlotWish? Slot { get; init; }
    /// <summary>How the kitchen is chosen: nearest where there are coordinates, else fastest, when not given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MadeStrategy? Strategy { get; init; }
}

/// <summary>One line. Without a unit price the catalogue's is taken.</summary>
public sealed record OrderLineBody(string? Sku, long? Quantity, Money? UnitPrice)
{
    /// <summary>What goes on each piece of a dish besides (K1).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<ExtraBody?>? Extras { get; init; }
}

/// <summary>An extra, so many on each piece; 1 when not given.</summary>
public sealed record ExtraBody(string? Sku, long? Quantity);

/// <summary>A line that was checked. The price may still be missing: then the catalogue's counts.</summary>
public readonly record struct AcceptLine(string Sku, int Quantity, Money? UnitPrice, IReadOnlyList<SkuUnits>? Extras = null);

/// <summary>
/// Accepts an order. Everything that needs no database was done before it enters the queue: checks, ids, hashes and the bytes of the
/// personal part, so that the writer only decides and writes.
/// </summary>
public sealed record AcceptOrder
{
    public required Guid Id { get; init; }
    public required string Channel { get; init; }
    public required string ExternalId { get; init; }
    public required FulfillmentType FulfillmentType { get; init; }
    public required Priority Priority { get; init; }
    public required AcceptLine[] Lines { get; init; }
    /// <summary>Units per SKU, each SKU once.</summary>
    public required SkuUnits[] Needs { get; init; }
    /// <summary><see cref="Needs"/> as a part that serves all of them has it in its row.</summary>
    public required string NeedsJson { get; init; }
    public required byte[] RequestHash { get; init; }
    public required Guid PersonId { get; init; }
    public byte[]? Personal { get; init; }
    public double? Latitude { get; init; }
    public double? Longitude { get; init; }
    /// <summary>Where to, for routing rules; kept only encrypted, in <see cref="Personal"/>.</summary>
    public AddressDetails? ShipTo { get; init; }
    public string? PickupSite { get; init; }
    public string? Note { get; init; }
    public bool AllowBackorder { get; init; }
    /// <summary>The only site that may serve it, whatever the fulfillment type; null leaves the choice to routing.</summary>
    public string? OnlySite { get; init; }
    /// <summary>Held from the beginning: units are kept, and nobody works on it until it is released.</summary>
    public bool OnHold { get; init; }
    /// <summary>When what is held is given back; null: when somebody says so. See <see cref="Reservations"/>.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    public SlotWish? Slot { get; init; }
    public MadeStrategy? Strategy { get; init; }
    /// <summary>When it was placed, for imports of what has happened; null for now. Slots are looked for from here.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Checks a body. All that is wrong is told at once, by field.</summary>
    public static Outcome<AcceptOrder> From(OrderBody body, IdSource ids)
    {
        if (body.Lines is { Count: > Limits.MaxOrderLines })
            return Refusal.Invalid("too_many_lines", "lines", $"must be at most {Limits.MaxOrderLines}, not {body.Lines.Count}");
        var problems = new Problems();
        var id = ids.Next();
        var lines = CheckLines(body.Lines, problems);
        CheckPersonal(body, problems);
        body.Slot?.Check(problems);
        var needs = Sum(lines);
        var type = body.FulfillmentType ?? Ordering.FulfillmentType.Ship;
        if (type == Ordering.FulfillmentType.Pickup) problems.Check(body.PickupSite is not null, "pickup_site", "is required for pickup");
        var order = new AcceptOrder
        {
            Id = id,
            Channel = body.Channel is null ? "api" : problems.Code(body.Channel, "channel"),
            ExternalId = External(body.ExternalId, id, problems),
            FulfillmentType = type,
            Priority = body.Priority ?? Contracts.Priority.Normal,
            Lines = lines,
            Needs = needs,
            NeedsJson = JsonSerializer.Serialize(needs, ContractsJson.Default.SkuUnitsArray),
            RequestHash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(body, HttpJson.Info<OrderBody>())),
            PersonId = Log.Personal.PersonOf(body.Customer?.Email, body.Customer?.Phone, id),
            Personal = body.Customer is null && body.ShipTo is null ? null
                : JsonSerializer.SerializeToUtf8Bytes(new PersonalDetails(body.Customer, body.ShipTo), ContractsJson.Default.PersonalDetails),
            Latitude = body.ShipTo?.Latitude,
            Longitude = body.ShipTo?.Longitude,
            ShipTo = body.ShipTo,
            PickupSite = body.PickupSite is null ? null : problems.Code(body.PickupSite, "pickup_site"),
            Note = problems.Text(body.Note, "note", 2_000),
            AllowBackorder = body.Backorder ?? false,
            Slot = body.Slot,
            Strategy = body.Strategy,
        };
        return problems.Any ? problems.ToRefusal() : order;
    }

    private static string External(string? text, Guid id, Problems problems)
    {
        if (text is null) return id.ToString();
        problems.Check(!string.IsNullOrWhiteSpace(text), "external_id", "must not be empty");
        return problems.Text(text.Trim(), "external_id", 128) ?? "";
    }

    private static AcceptLine[] CheckLines(List<OrderLineBody?>? lines, Problems problems)
    {
        if (lines is null or { Count: 0 })
        {
            problems.Add("lines", "must have at least one line");
            return [];
        }
        var good = new AcceptLine[lines.Count];
        string? currency = null;
        for (var i = 0; i < good.Length; i++)
        {
            if (lines[i] is not { } line) { problems.Add($"lines[{i}]", "must not be null"); continue; }
            if (!CodeRule.TryNormalize(line.Sku, out var sku)) problems.Code(line.Sku, $"lines[{i}].sku");
            var quantity = 0;
            if (line.Quantity is null) problems.Add($"lines[{i}].quantity", "is required");
            else if (line.Quantity is <= 0 or > Limits.MaxQuantity) problems.Quantity(line.Quantity.Value, $"lines[{i}].quantity");
            else quantity = (int)line.Quantity.Value;
            if (line.UnitPrice is { } price)
            {
                if (price.Amount < 0) problems.Add($"lines[{i}].unit_price", "must not be negative");
                else if (price.Amount * Math.Max(1, quantity) > Money.MaxAmount) problems.Add($"lines[{i}].quantity", "times unit_price is too large an amount");
                currency ??= price.Currency;
                if (price.Currency != currency) problems.Add($"lines[{i}].unit_price.currency", $"must be {currency}, as on the other lines");
            }
            good[i] = new AcceptLine(sku, quantity, line.UnitPrice, line.Extras is null ? null : CheckExtras(line.Extras, $"lines[{i}].extras", problems));
        }
        return good;
    }

    private static List<SkuUnits> CheckExtras(List<ExtraBody?> extras, string at, Problems problems)
    {
        problems.Check(extras.Count <= 50, at, "must be at most 50");
        var good = new List<SkuUnits>();
        foreach (var (extra, i) in extras.Take(50).Select((e, i) => (e, i)))
        {
            var sku = problems.Code(extra?.Sku, $"{at}[{i}].sku");
            var quantity = problems.Quantity(extra?.Quantity ?? 1, $"{at}[{i}].quantity");
            problems.Check(quantity <= 1_000, $"{at}[{i}].quantity", "must be at most 1,000");
            if (good.Exists(g => g.Sku == sku)) problems.Add($"{at}[{i}].sku", "is given twice");
            else good.Add(new SkuUnits(sku, Math.Min(quantity, 1_000)));
        }
        return good;
    }

    private static void CheckPersonal(OrderBody body, Problems problems)
    {
        if (body.Customer is { } customer)
        {
            problems.Text(customer.Name, "customer.name", 255);
            problems.Text(customer.Email, "customer.email", 320);
            problems.Text(customer.Phone, "customer.phone", 64);
        }
        if (body.ShipTo is not { } to) return;
        problems.Text(to.Name, "ship_to.name", 255);
        problems.Text(to.Line1, "ship_to.line1", 255);
        problems.Text(to.Line2, "ship_to.line2", 255);
        problems.Text(to.City, "ship_to.city", 128);
        problems.Text(to.Region, "ship_to.region", 128);
        problems.Text(to.PostalCode, "ship_to.postal_code", 32);
        problems.Check(to.Country is null || to.Country.Length == 2 && to.Country.All(char.IsAsciiLetter), "ship_to.country", "must be two letters (ISO 3166)");
        problems.Check(to.Latitude is null or (>= -90 and <= 90), "ship_to.latitude", "must be -90 to 90");
        problems.Check(to.Longitude is null or (>= -180 and <= 180), "ship_to.longitude", "must be -180 to 180");
    }

    /// <summary>Sums the lines per SKU, in order of first appearance. Sums beyond any stock are kept at the limit and so found missing.</summary>
    private static SkuUnits[] Sum(AcceptLine[] lines)
    {
        if (lines.Length == 1 && lines[0].Extras is null) return [new SkuUnits(lines[0].Sku, lines[0].Quantity)];
        var index = new Dictionary<string, int>(lines.Length, StringComparer.Ordinal);
        var sums = new List<SkuUnits>(lines.Length);
        foreach (var line in lines)
        {
            Add(line.Sku ?? "", line.Quantity);
            foreach (var extra in line.Extras ?? []) Add(extra.Sku, (long)extra.Quantity * line.Quantity);
        }
        return [.. sums];

        void Add(string sku, long quantity)
        {
            if (index.TryAdd(sku, sums.Count)) sums.Add(new SkuUnits(sku, (int)Math.Min(Limits.MaxQuantity, quantity)));
            else
            {
                var at = index[sku];
                sums[at] = sums[at] with { Quantity = (int)Math.Min(Limits.MaxQuantity, sums[at].Quantity + quantity) };
            }
        }
    }
}
