using System.Globalization;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;

namespace Stowline.Hub.Quotes;

/// <summary>One step of a price. The amounts of all steps add up to the total.</summary>
/// <param name="Kind"><c>material</c>, <c>machine</c>, <c>setup</c>, <c>margin</c>, <c>class_discount</c>, <c>quantity_discount</c>, <c>minimum</c> or <c>rounding</c>.</param>
public sealed record PriceStep(string Kind, string Text, Money Amount);

/// <summary>A price with its explanation. Grams, minutes and layers are for one piece.</summary>
/// <param name="PriceModel">The version that it was made with.</param>
/// <param name="Sku">What is ordered at this price; null where the price model names no product.</param>
public sealed record QuotePrice(
    Money UnitPrice, Money Total, int PriceModel, string? Sku, decimal MaterialG, decimal MachineMinutes, int Layers, IReadOnlyList<PriceStep> Explanation);

/// <summary>What was asked to be priced.</summary>
public sealed record PricedWork(string Material, string ClientClass, int Quantity, ModelMeasures Measures);

/// <summary>From measures to a price. Pure.</summary>
internal static class PriceCalculator
{
    /// <summary>The price, or why there is none: <c>unknown_material</c>, <c>unknown_client_class</c>, <c>too_large_for_machine</c>, <c>price_too_large</c>.</summary>
    public static (QuotePrice? Price, string? Code, string? Detail) Run(PricedWork work, PriceModelView version)
    {
        var model = version.Model;
        if (model.Material(work.Material) is not { } material) return (null, "unknown_material", $"the price model no longer has the material {work.Material}");
        if (model.Class(work.ClientClass) is not { } @class) return (null, "unknown_client_class", $"the price model no longer has the class {work.ClientClass}");
        if (model.Machine!.MaxMm is { } most && !Fits(work.Measures.BoxMm, most))
            return (null, "too_large_for_machine", string.Create(CultureInfo.InvariantCulture,
                $"{work.Measures.BoxMm.X} × {work.Measures.BoxMm.Y} × {work.Measures.BoxMm.Z} mm do not fit into {most.X} × {most.Y} × {most.Z} mm"));
        var steps = new Steps(model.Currency!);
        var (grams, minutes, layers) = (Grams(work.Measures, material), Minutes(work.Measures, model.Machine, material), Layers(work.Measures, model.Machine));
        var rate = model.Machine.RatePerHour!.Value;
        steps.Add("material", MaterialText(grams, material, work.Quantity), MaterialCost(work.Measures, material, grams) * work.Quantity);
        steps.Add("machine", Text($"{minutes:0.##} minutes at {rate} per hour × {work.Quantity}"), minutes / 60 * rate.Amount * work.Quantity);
        steps.Add("setup", "once per order", model.Setup!.Value.Amount);
        steps.Add("margin", Text($"{model.MarginPercent:0.######} %"), steps.Sum * model.MarginPercent!.Value / 100);
        steps.Add("class_discount", Text($"{@class.DiscountPercent:0.######} % for {work.ClientClass}"), -steps.Sum * @class.DiscountPercent!.Value / 100);
        if (model.QuantityDiscounts!.LastOrDefault(d => d!.From <= work.Quantity) is { } step)
            steps.Add("quantity_discount", Text($"{step.Percent:0.######} % from {step.From} pieces on"), -steps.Sum * step.Percent!.Value / 100);
        steps.Add("minimum", "the least that an order costs", Math.Max(0, model.Minimum!.Value.Amount - steps.Sum));
        if (steps.Sum > Money.MaxAmount) return (null, "price_too_large", "the price is beyond what an order can have");
        var digits = work.Quantity == 1 ? Money.MinorDigits(model.Currency!) : 4;
        var unit = new Money(Math.Round(steps.Sum / work.Quantity, digits, MidpointRounding.AwayFromZero), model.Currency!);
        var total = Money.LineTotal(unit, work.Quantity); // exactly what the order will say
        return (new QuotePrice(unit, total, version.Version, material.Sku ?? model.Sku, Math.Round(grams, 3), Math.Round(minutes, 3), layers, steps.To(total)), null, null);
    }

    /// <summary>Turned every way by right angles.</summary>
    private static bool Fits(Box box, Box3 most)
    {
        decimal[] piece = [(decimal)box.X, (decimal)box.Y, (decimal)box.Z], room = [most.X, most.Y, most.Z];
        Array.Sort(piece);
        Array.Sort(room);
        return piece[0] <= room[0] && piece[1] <= room[1] && piece[2] <= room[2];
    }

    private static decimal Cm3(ModelMeasures measures, QuoteMaterial material) => (decimal)measures.VolumeMm3 / 1_000 * (1 + material.WastePercent!.Value / 100);

    private static decimal Grams(ModelMeasures measures, QuoteMaterial material) => Cm3(measures, material) * material.DensityGCm3!.Value;

    private static decimal MaterialCost(ModelMeasures measures, QuoteMaterial material, decimal grams) =>
        material.PricePerKg is { } perKg ? grams / 1_000 * perKg.Amount : Cm3(measures, material) * material.PricePerCm3!.Value.Amount;

    /// <summary>As the model lies in the file: its height is the z axis.</summary>
    private static int Layers(ModelMeasures measures, QuoteMachine machine) => machine.LayerMm is { } layer ? (int)Math.Ceiling((decimal)measures.BoxMm.Z / layer) : 0;

    private static decimal Minutes(ModelMeasures measures, QuoteMachine machine, QuoteMaterial material) => material.TimeFactor!.Value *
        ((decimal)measures.VolumeMm3 / 1_000 * machine.MinutesPerCm3!.Value + (decimal)measures.SurfaceMm2 / 100 * machine.MinutesPerCm2!.Value
         + Layers(measures, machine) * machine.MinutesPerLayer!.Value);

    private static string MaterialText(decimal grams, QuoteMaterial material, int quantity) => material.PricePerKg is { } perKg
        ? Text($"{grams:0.##} g of {material.Code} at {perKg} per kg × {quantity}") : Text($"{grams / material.DensityGCm3!.Value:0.###} cm³ of {material.Code} at {material.PricePerCm3} per cm³ × {quantity}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private sealed class Steps(string currency)
    {
        private readonly List<PriceStep> _steps = [];

        /// <summary>Exact: only what is shown is rounded.</summary>
        public decimal Sum { get; private set; }

        public void Add(string kind, string text, decimal amount)
        {
            if (amount == 0) return;
            Sum += amount;
            _steps.Add(new PriceStep(kind, text, new Money(Math.Round(amount, Money.MinorDigits(currency), MidpointRounding.AwayFromZero), currency)));
        }

        public IReadOnlyList<PriceStep> To(Money total)
        {
            var rest = total.Amount - _steps.Sum(s => s.Amount.Amount);
            if (rest != 0) _steps.Add(new PriceStep("rounding", "to a price that can be paid", new Money(rest, currency)));
            return _steps;
        }
    }
}
