using System.Text.Json;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>A material. One of the two prices; the density in g/cm³ also gives the weight. Extra for supports and waste in percent.</summary>
public sealed record QuoteMaterial
{
    public string? Code { get; init; }
    public string? Name { get; init; }
    public decimal? DensityGCm3 { get; init; }
    public Money? PricePerKg { get; init; }
    public Money? PricePerCm3 { get; init; }
    public decimal? WastePercent { get; init; }
    /// <summary>The thinnest wall that holds, in mm. What is thinner is a warning, not a refusal.</summary>
    public decimal? MinWallMm { get; init; }
    /// <summary>Times the machine's minutes: 1 unless the material is slower or faster.</summary>
    public decimal? TimeFactor { get; init; }
    /// <summary>The product that is ordered, where it differs by material.</summary>
    public string? Sku { get; init; }
}

/// <summary>What a machine takes: minutes per cm³ of material, per cm² of surface and per layer, and how large a piece may be (each way around).</summary>
public sealed record QuoteMachine
{
    public Money? RatePerHour { get; init; }
    public decimal? MinutesPerCm3 { get; init; }
    public decimal? MinutesPerCm2 { get; init; }
    public decimal? MinutesPerLayer { get; init; }
    public decimal? LayerMm { get; init; }
    public Box3? MaxMm { get; init; }
}

public sealed record Box3(decimal X, decimal Y, decimal Z);

/// <summary>A class of clients. The head start is how much earlier than now its quotes count as asked for: who waits longer than that is served first all the same.</summary>
public sealed record QuoteClass(string? Code, decimal? DiscountPercent, int? HeadStartMinutes);

/// <summary>From so many pieces on, so much off.</summary>
public sealed record QuantityDiscount(int? From, decimal? Percent);

/// <summary>
/// How quotes are priced. Whole: (material + machine) × quantity + setup, plus margin, less the discount of the class, less that of the quantity, at least
/// the minimum. Percentages are numbers such as 12.5.
/// </summary>
public sealed record PriceModel
{
    public string? Currency { get; init; }
    /// <summary>The made-to-order product that orders from quotes are for.</summary>
    public string? Sku { get; init; }
    /// <summary>How long a price holds; 14 when not given.</summary>
    public int? ValidDays { get; init; }
    public List<QuoteMaterial?>? Materials { get; init; }
    public QuoteMachine? Machine { get; init; }
    public Money? Setup { get; init; }
    public Money? Minimum { get; init; }
    public decimal? MarginPercent { get; init; }
    /// <summary>b2b (30 minutes ahead) and b2c when not given.</summary>
    public List<QuoteClass?>? Classes { get; init; }
    public List<QuantityDiscount?>? QuantityDiscounts { get; init; }

    public QuoteMaterial? Material(string code) => Materials!.Find(m => m!.Code == code);
    public QuoteClass? Class(string code) => Classes!.Find(c => c!.Code == code);

    /// <summary>Checks a model and fills in what was not said.</summary>
    public Outcome<PriceModel> Check()
    {
        var problems = new Problems();
        problems.Check(Money.IsCurrency(Currency), "currency", Money.CurrencyRule);
        problems.Check(ValidDays is null or (>= 1 and <= 365), "valid_days", "must be 1–365");
        problems.Check(Materials is { Count: >= 1 and <= 500 }, "materials", "must be 1–500 materials");
        problems.Check(Machine is not null, "machine", "is required");
        var materials = Each(Materials, "materials", problems, (m, at) => Check(m, at, problems));
        Unique(materials.Select(m => m?.Code), "materials", problems);
        var classes = Each(Classes ?? [new QuoteClass("b2b", 0, 30), new QuoteClass("b2c", 0, 0)], "classes", problems, (c, at) => c with
        {
            Code = problems.Code(c.Code, at + ".code"), DiscountPercent = Percent(c.DiscountPercent, at + ".discount_percent", 100, problems),
            HeadStartMinutes = Whole(c.HeadStartMinutes, at + ".head_start_minutes", 10_080, problems),
        });
        Unique(classes.Select(c => c?.Code), "classes", problems);
        var steps = Each(QuantityDiscounts ?? [], "quantity_discounts", problems, (q, at) =>
        {
            problems.Check(q.From is >= 1 and <= 1_000_000, at + ".from", "must be 1–1000000");
            return q with { Percent = Percent(q.Percent, at + ".percent", 100, problems) };
        });
        var checkedModel = this with
        {
            Sku = Sku is null ? null : problems.Code(Sku, "sku"), ValidDays = ValidDays ?? 14, Materials = materials, Classes = classes,
            QuantityDiscounts = [.. steps.OrderBy(s => s?.From)], Machine = Machine is null ? null : Check(Machine, problems),
            Setup = Amount(Setup, "setup", problems), Minimum = Amount(Minimum, "minimum", problems), MarginPercent = Percent(MarginPercent, "margin_percent", 1_000, problems),
        };
        return problems.Any ? problems.ToRefusal() : checkedModel;
    }

    private QuoteMaterial Check(QuoteMaterial m, string at, Problems problems)
    {
        problems.Check(m.PricePerKg is null != m.PricePerCm3 is null, at, "needs price_per_kg or price_per_cm3, and not both");
        problems.Check(m.DensityGCm3 is > 0 and <= 50, at + ".density_g_cm3", "is required and must be more than 0 and at most 50");
        return m with
        {
            Code = problems.Code(m.Code, at + ".code"), Name = problems.Text(m.Name, at + ".name", 255), Sku = m.Sku is null ? null : problems.Code(m.Sku, at + ".sku"),
            PricePerKg = m.PricePerKg is null ? null : Amount(m.PricePerKg, at + ".price_per_kg", problems),
            PricePerCm3 = m.PricePerCm3 is null ? null : Amount(m.PricePerCm3, at + ".price_per_cm3", problems),
            WastePercent = Percent(m.WastePercent, at + ".waste_percent", 1_000, problems), MinWallMm = Factor(m.MinWallMm, at + ".min_wall_mm", 0, 100, problems),
            TimeFactor = Factor(m.TimeFactor, at + ".time_factor", 1, 100, problems),
        };
    }

    private QuoteMachine Check(QuoteMachine m, Problems problems)
    {
        problems.Check(m.LayerMm is null or (>= 0.001m and <= 100), "machine.layer_mm", "must be 0.001–100");
        problems.Check(m.MinutesPerLayer is null or 0 || m.LayerMm is not null, "machine.layer_mm", "is required with minutes_per_layer");
        problems.Check(m.MaxMm is null or { X: > 0, Y: > 0, Z: > 0 }, "machine.max_mm", "must be positive");
        return m with
        {
            RatePerHour = Amount(m.RatePerHour, "machine.rate_per_hour", problems), MinutesPerCm3 = Factor(m.MinutesPerCm3, "machine.minutes_per_cm3", 0, 1_000, problems),
            MinutesPerCm2 = Factor(m.MinutesPerCm2, "machine.minutes_per_cm2", 0, 1_000, problems),
            MinutesPerLayer = Factor(m.MinutesPerLayer, "machine.minutes_per_layer", 0, 1_000, problems),
        };
    }

    /// <summary>An amount in the model's currency, 0 when not given.</summary>
    private Money Amount(Money? amount, string field, Problems problems)
    {
        if (amount is not { } money) return new Money(0, Currency ?? "");
        problems.Check(money.Amount is >= 0 and <= 1_000_000, field, "must be 0–1000000");
        problems.Check(money.Currency == Currency, field + ".currency", $"must be {Currency}, as the model's");
        return money;
    }

    private static List<T?> Each<T>(List<T?>? items, string field, Problems problems, Func<T, string, T> check) where T : class
    {
        var good = new List<T?>();
        problems.Check(items is null or { Count: <= 500 }, field, "must be at most 500");
        foreach (var (item, i) in (items ?? []).Take(500).Select((item, i) => (item, i)))
        {
            if (item is null) problems.Add($"{field}[{i}]", "must not be null");
            else good.Add(check(item, $"{field}[{i}]"));
        }
        return good;
    }

    private static void Unique(IEnumerable<string?> codes, string field, Problems problems)
    {
        foreach (var twice in codes.Where(c => !string.IsNullOrEmpty(c)).GroupBy(c => c, StringComparer.Ordinal).Where(g => g.Count() > 1)) problems.Add(field, $"{twice.Key} is given twice");
    }

    private static decimal Percent(decimal? value, string field, int most, Problems problems) => Factor(value, field, 0, most, problems);

    private static decimal Factor(decimal? value, string field, decimal otherwise, int most, Problems problems)
    {
        problems.Check(value is null || value >= 0 && value <= most && decimal.Round(value.Value, 6) == value, field, $"must be 0–{most}, with at most 6 decimals");
        return value ?? otherwise;
    }

    private static int Whole(int? value, string field, int most, Problems problems)
    {
        problems.Check(value is null || value >= 0 && value <= most, field, $"must be 0–{most}");
        return value ?? 0;
    }
}

/// <summary>A price model as it is kept.</summary>
public sealed record PriceModelView(int Version, DateTimeOffset SavedAt, string SavedBy, PriceModel Model);

/// <summary>Saving and finding price models: each version stays.</summary>
public static class PriceModels
{
    private sealed record Row { public int Version { get; init; } public string Model { get; init; } = ""; public DateTimeOffset SavedAt { get; init; } public string SavedBy { get; init; } = ""; }

    private const string Latest = "SELECT version, model, saved_at, saved_by FROM quote_price_models ORDER BY version DESC LIMIT 1";

    public static async ValueTask<Outcome<PriceModelView>> DecideAsync(PriceModel body, LaneTransaction tx)
    {
        var model = body.Check();
        if (model.Refusal is { } bad) return bad;
        var text = JsonSerializer.Serialize(model.Value, QuotesJson.Default.PriceModel);
        var before = await tx.FindAsync<Row>(Latest);
        if (before?.Model == text) return Outcome<PriceModelView>.AlreadyDone(View(before));
        var version = (before?.Version ?? 0) + 1;
        await tx.WriteAsync("INSERT INTO quote_price_models (version, model, saved_at, saved_by) VALUES (@version, @text, @now, @actor)",
            new { version, text, now = tx.Now, actor = tx.Caller.Actor });
        tx.Append(Lane.Hub, new PriceModelSaved(version), "quote-price-model");
        return new PriceModelView(version, tx.Now, tx.Caller.Actor, model.Value);
    }

    public static async ValueTask<PriceModelView?> CurrentAsync(LaneTransaction tx) => await tx.FindAsync<Row>(Latest) is { } row ? View(row) : null;

    public static async Task<PriceModelView?> CurrentAsync(Store.SqlSession session) => await session.FindAsync<Row>(Latest) is { } row ? View(row) : null;

    private static PriceModelView View(Row row) => new(row.Version, row.SavedAt, row.SavedBy, JsonSerializer.Deserialize(row.Model, QuotesJson.Default.PriceModel)!);
}
