using Stowline.Hub.Quotes;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Kernel;

namespace Stowline.Tests.Quotes;

/// Goal: prices are exactly those of the model, and their explanation adds up. Method: numbers that can be checked by hand.
public class PriceTests
{
    internal static Money Eur(decimal amount) => new(amount, "EUR");

    /// <summary>1 g/cm³ at 20 €/kg; 2 minutes per cm³, 0.1 per cm², 0.5 per layer of 0.5 mm at 6 €/h (0.10 € a minute).</summary>
    internal static readonly PriceModel Model = new()
    {
        Currency = "EUR", Sku = "MADE", Setup = Eur(5), Minimum = Eur(10), MarginPercent = 50,
        Materials = [new QuoteMaterial { Code = "PLA", DensityGCm3 = 1, PricePerKg = Eur(20), MinWallMm = 0.8m }, new QuoteMaterial { Code = "RESIN", DensityGCm3 = 1.2m, PricePerCm3 = Eur(0.25m), WastePercent = 100, TimeFactor = 0.5m, Sku = "MADE-R" }],
        Machine = new QuoteMachine { RatePerHour = Eur(6), MinutesPerCm3 = 2, MinutesPerCm2 = 0.1m, MinutesPerLayer = 0.5m, LayerMm = 0.5m, MaxMm = new Box3(100, 200, 300) },
        Classes = [new QuoteClass("b2b", 10, 30), new QuoteClass("b2c", 0, 0)], QuantityDiscounts = [new QuantityDiscount(100, 20), new QuantityDiscount(10, 5)],
    };

    /// <summary>A cuboid of 20 × 20 × 25 mm: 10 cm³, 28 cm², 50 layers; in PLA 10 g and 20 + 2.8 + 25 = 47.8 minutes.</summary>
    private static readonly ModelMeasures Piece = new() { VolumeMm3 = 10_000, SurfaceMm2 = 2_800, BoxMm = new Box(20, 20, 25) };

    private static (QuotePrice? Price, string? Code, string? Detail) Price(int quantity, string @class = "b2c", string material = "PLA", ModelMeasures? measures = null, PriceModel? model = null) =>
        PriceCalculator.Run(new PricedWork(material, @class, quantity, measures ?? Piece), new PriceModelView(3, default, "tester", (model ?? Model).Check().Value));

    [Fact]
    public void Material_machine_setup_and_margin_make_the_price()
    {
        var price = Price(1).Price!;
        // 0.20 + 4.78 + 5.00 = 9.98, and half of it again.
        Assert.Equal((Eur(14.97m), Eur(14.97m), 3, "MADE"), (price.UnitPrice, price.Total, price.PriceModel, price.Sku));
        Assert.Equal((10, 47.8m, 50), (price.MaterialG, price.MachineMinutes, price.Layers));
        Assert.Equal([("material", 0.20m), ("machine", 4.78m), ("setup", 5), ("margin", 4.99m)], price.Explanation.Select(s => (s.Kind, s.Amount.Amount)));
        Assert.Equal("10 g of PLA at 20.00 EUR per kg × 1", price.Explanation[0].Text);
    }

    [Fact]
    public void Discounts_follow_one_another_and_the_unit_price_gives_the_total()
    {
        var price = Price(10, "b2b").Price!;
        // (2.00 + 47.80 + 5.00) × 1.5 × 0.9 × 0.95
        Assert.Equal(7.0281m, price.UnitPrice.Amount);
        Assert.Equal(70.28m, price.Total.Amount);
        Assert.Equal(price.Total, Money.LineTotal(price.UnitPrice, 10));
        Assert.Equal(["material", "machine", "setup", "margin", "class_discount", "quantity_discount"], price.Explanation.Where(s => s.Kind != "rounding").Select(s => s.Kind));
        Assert.Equal(0.8m * 0.9m * 1.5m * (20 + 478 + 5), Price(100, "b2b").Price!.Total.Amount);
    }

    [Fact]
    public void The_steps_add_up_to_the_total_for_every_quantity()
    {
        foreach (var quantity in Enumerable.Range(1, 250).Append(999_999))
        {
            foreach (var material in new[] { "PLA", "RESIN" })
            {
                var price = Price(quantity, "b2b", material).Price!;
                Assert.Equal(price.Total.Amount, price.Explanation.Sum(s => s.Amount.Amount));
                Assert.Equal(price.Total, Money.LineTotal(price.UnitPrice, quantity));
            }
        }
    }

    [Fact]
    public void A_material_may_cost_by_volume_waste_and_take_its_own_time()
    {
        var price = Price(1, material: "RESIN").Price!;
        // 20 cm³ with waste at 0.25; half of 47.8 minutes; setup 5; margin.
        Assert.Equal((24, 23.9m, "MADE-R"), (price.MaterialG, price.MachineMinutes, price.Sku));
        Assert.Equal(18.59m, price.Total.Amount); // 1.5 × (5 + 2.39 + 5), half a cent up
    }

    [Fact]
    public void Nothing_costs_less_than_the_minimum()
    {
        var price = Price(1, model: Model with { Setup = null, MarginPercent = 0 }).Price!;
        Assert.Equal(10, price.Total.Amount);
        Assert.Equal(5.02m, price.Explanation.Single(s => s.Kind == "minimum").Amount.Amount);
    }

    [Fact]
    public void What_does_not_fit_the_machine_turned_any_way_has_no_price()
    {
        Assert.NotNull(Price(1, measures: Piece with { BoxMm = new Box(300, 100, 200) }).Price);
        Assert.Equal("too_large_for_machine", Price(1, measures: Piece with { BoxMm = new Box(101, 101, 101) with { X = 201, Y = 201 } }).Code);
        Assert.Equal("unknown_material", Price(1, material: "WOOD").Code);
        Assert.Equal("unknown_client_class", Price(1, "vip").Code);
        Assert.Equal("price_too_large", Price(1_000_000, measures: Piece with { VolumeMm3 = 1e12, BoxMm = new Box(100, 200, 300) }).Code);
    }

    [Fact]
    public void A_wrong_model_is_refused_by_field()
    {
        var wrong = Model with
        {
            Currency = "euro", Materials = [Model.Materials![0], Model.Materials[0], new QuoteMaterial { Code = "X", DensityGCm3 = 0 }, null],
            Setup = Eur(-1), MarginPercent = -5, Machine = Model.Machine! with { LayerMm = null }, QuantityDiscounts = [new QuantityDiscount(0, 101)],
        };
        var errors = wrong.Check().Refusal!.Errors!;
        foreach (var field in new[] { "currency", "materials", "materials[2]", "materials[2].density_g_cm3", "materials[3]", "setup", "margin_percent", "machine.layer_mm", "quantity_discounts[0].from", "quantity_discounts[0].percent" })
            Assert.True(errors.ContainsKey(field), $"{field} is not named among {string.Join(", ", errors.Keys)}");
        Assert.Contains("machine", (new PriceModel { Currency = "EUR" }).Check().Refusal!.Errors!.Keys);
    }
}
