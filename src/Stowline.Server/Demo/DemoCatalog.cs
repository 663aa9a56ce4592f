using System.Globalization;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Site.Topology;

namespace Stowline.Server.Demo;

/// <summary>A product of the sample business.</summary>
/// <param name="Rank">0 is the most wanted.</param>
/// <param name="ShelfDays">For how long a lot is good; 0 where it does not expire and has no lot.</param>
/// <param name="Scarce">Never enough of it: what the marketplaces sell of it waits on backorder.</param>
internal sealed record DemoProduct(Product Product, int Rank, int ShelfDays, StorageClass Storage, bool Scarce)
{
    public string Sku => Product.Sku;
}

/// <summary>Some 400 made-up products of a house and kitchen shop: ten categories of ten articles in four variants.</summary>
internal static class DemoCatalog
{
    public const string Currency = "EUR";
    public const int ScarceCount = 4;

    private sealed record Article(string Name, int Cents, int Grams, int Length, int Width, int Height);
    private sealed record Category(string Name, string Code, int ShelfDays, StorageClass Storage, string[] Variants, double[] Sizes, Article[] Articles);

    private static DemoProduct[] Make()
    {
        var all = new List<(Product Product, Category Category)>();
        for (var c = 0; c < Categories.Length; c++)
            for (var a = 0; a < Categories[c].Articles.Length; a++)
                for (var v = 0; v < Categories[c].Variants.Length; v++)
                    all.Add((Of(Categories[c], c, a, v), Categories[c]));
        // Which articles are in fashion has nothing to do with the order they are listed in.
        var dice = new DemoDice(1);
        var ranked = all.Select((p, i) => (p.Product, p.Category, Luck: dice.Throw(DemoDice.For.Order, i))).OrderBy(p => p.Luck).ToList();
        return [.. ranked.Select((p, rank) => new DemoProduct(p.Product, rank, p.Category.ShelfDays, p.Category.Storage,
            Scarce: p.Category.ShelfDays == 0 && rank >= 60 && ranked.Skip(60).Take(rank - 60).Count(o => o.Category.ShelfDays == 0) < ScarceCount))];
    }

    private static Product Of(Category category, int c, int a, int v)
    {
        var (article, size) = (category.Articles[a], category.Sizes[v]);
        int Side(int mm) => Math.Max(5, (int)Math.Round(mm * Math.Cbrt(size)));
        var digits = string.Create(CultureInfo.InvariantCulture, $"20070{c:00}{a:00}{v:0}");
        var units = article.Grams < 600 ? 12 : 6;
        return new Product
        {
            Sku = string.Create(CultureInfo.InvariantCulture, $"{category.Code}-{a + 1:00}{v + 1:00}"),
            Name = $"{article.Name}, {category.Variants[v]}", Category = category.Name, Seller = "Hearth & Hall",
            Price = new Money(Math.Round(article.Cents * (decimal)size / 5, MidpointRounding.AwayFromZero) / 20 - 0.01m, Currency),
            WeightG = Math.Max(5, (int)Math.Round(article.Grams * size)),
            LengthMm = Side(article.Length), WidthMm = Side(article.Width), HeightMm = Side(article.Height),
            // GS1 leaves numbers that begin with 20 to each firm for itself: they are nobody's.
            Barcodes = [new ProductBarcode(Ean(digits + "01"), 1), new ProductBarcode(Ean(digits + "99"), units)],
        };
    }

    /// <summary>Twelve digits with their check digit (EAN-13).</summary>
    private static string Ean(string twelve)
    {
        var sum = 0;
        for (var i = 0; i < 12; i++) sum += (twelve[i] - '0') * (i % 2 == 0 ? 1 : 3);
        return twelve + (10 - sum % 10) % 10;
    }

    private static readonly string[] Colors = ["white", "slate gray", "moss green", "terracotta"];
    private static readonly double[] SameSize = [1, 1, 1, 1];

    private static readonly Category[] Categories =
    [
        new("Coffee & tea", "COF", 270, StorageClass.Standard, ["250 g", "500 g", "1 kg", "2 kg"], [0.25, 0.5, 1, 1.9],
        [
            new("Espresso beans Dark Harbor", 2190, 1030, 320, 120, 90), new("Filter coffee Morning Bell", 1890, 1030, 320, 120, 90),
            new("Decaf beans Quiet Street", 2390, 1030, 320, 120, 90), new("Ground coffee Copper Pot", 1790, 1020, 300, 110, 80),
            new("Assam tea loose", 2890, 1040, 300, 180, 120), new("Green tea Sencha loose", 3290, 1040, 300, 180, 120),
            new("Rooibos vanilla", 2490, 1040, 300, 180, 120), new("Peppermint leaves", 2190, 1050, 340, 200, 140),
            new("Drinking chocolate 60 %", 2290, 1060, 240, 120, 120), new("Chai spice mix", 2690, 1050, 240, 120, 120),
        ]),
        new("Pantry", "PAN", 400, StorageClass.Standard, ["single", "pack of 3", "pack of 6", "case of 12"], [1, 2.9, 5.6, 10.8],
        [
            new("Spaghetti 500 g", 219, 515, 270, 70, 40), new("Basmati rice 1 kg", 389, 1015, 240, 130, 60), new("Chopped tomatoes 400 g", 149, 470, 75, 75, 110),
            new("Olive oil extra 0.75 l", 1190, 1260, 80, 80, 310), new("Chickpeas 400 g", 139, 465, 75, 75, 110), new("Sea salt flakes 250 g", 449, 275, 90, 90, 120),
            new("Honey wildflower 500 g", 899, 760, 85, 85, 110), new("Strawberry jam 340 g", 379, 540, 75, 75, 110), new("Oat flakes 500 g", 179, 515, 200, 120, 70),
            new("Dark chocolate 70 % 100 g", 249, 108, 165, 80, 10),
        ]),
        new("Cookware", "CKW", 0, StorageClass.Standard, ["16 cm", "20 cm", "24 cm", "28 cm"], [0.7, 1, 1.3, 1.7],
        [
            new("Frying pan cast iron", 4490, 2100, 400, 220, 60), new("Saucepan steel", 3990, 1200, 350, 210, 130), new("Stockpot steel", 5990, 2100, 330, 280, 210),
            new("Wok carbon steel", 4290, 1500, 450, 300, 100), new("Casserole enameled", 8990, 3900, 300, 230, 160), new("Steamer insert", 1990, 450, 230, 230, 90),
            new("Glass lid", 1490, 620, 220, 220, 60), new("Splatter guard", 1290, 260, 380, 220, 25), new("Griddle plate", 4990, 2700, 420, 250, 30), new("Milk pan", 2490, 700, 300, 150, 90),
        ]),
        new("Tableware", "TAB", 0, StorageClass.Fragile, Colors, SameSize,
        [
            new("Mug 350 ml", 1290, 360, 120, 90, 100), new("Espresso cup 80 ml", 990, 160, 90, 65, 65), new("Dinner plate 27 cm", 1690, 780, 275, 275, 30),
            new("Side plate 20 cm", 1190, 420, 205, 205, 25), new("Cereal bowl", 1290, 430, 160, 160, 75), new("Serving bowl", 3490, 1400, 280, 280, 110),
            new("Butter dish", 2290, 650, 180, 120, 80), new("Salt and pepper set", 1790, 280, 120, 60, 90), new("Teapot 1.2 l", 3990, 980, 240, 150, 170), new("Milk jug", 1590, 340, 130, 95, 110),
        ]),
        new("Glass", "GLS", 0, StorageClass.Fragile, ["single", "set of 2", "set of 4", "set of 6"], [1, 1.9, 3.7, 5.3],
        [
            new("Wine glass tall", 1090, 190, 95, 95, 235), new("Tumbler 300 ml", 690, 260, 85, 85, 100), new("Beer glass 0.5 l", 890, 390, 90, 90, 170),
            new("Champagne flute", 1190, 170, 75, 75, 240), new("Water carafe 1 l", 2490, 720, 110, 110, 270), new("Storage jar 1 l", 1290, 610, 110, 110, 160),
            new("Swing-top bottle 0.5 l", 890, 480, 80, 80, 240), new("Tealight holder", 590, 210, 80, 80, 70), new("Oil dispenser", 1490, 420, 80, 80, 220), new("Dessert bowl", 790, 240, 110, 110, 70),
        ]),
        new("Textiles", "TEX", 0, StorageClass.Standard, Colors, SameSize,
        [
            new("Tea towel linen", 1190, 110, 240, 170, 15), new("Bath towel 70 × 140", 2990, 560, 350, 250, 70), new("Hand towel 50 × 100", 1690, 280, 300, 200, 50),
            new("Apron cotton", 2490, 260, 280, 220, 25), new("Tablecloth 140 × 220", 4990, 720, 350, 280, 40), new("Napkins set of 4", 1990, 220, 220, 220, 25),
            new("Cushion cover 45 × 45", 1890, 190, 300, 240, 20), new("Throw blanket wool", 7990, 1250, 420, 320, 110), new("Oven mitt", 1490, 160, 330, 190, 30), new("Bed linen 135 × 200", 6990, 1350, 400, 320, 80),
        ]),
        new("Storage", "STO", 0, StorageClass.Standard, ["S", "M", "L", "XL"], [0.6, 1, 1.7, 2.6],
        [
            new("Basket seagrass", 2490, 800, 350, 280, 220), new("Box with lid", 1490, 700, 340, 250, 160), new("Drawer divider bamboo", 1990, 650, 400, 150, 60),
            new("Shelf board oak", 3990, 2400, 800, 200, 25), new("Hook rail", 2490, 900, 600, 80, 50), new("Laundry bag", 1890, 350, 300, 250, 40),
            new("Bread bin", 3490, 1800, 380, 240, 190), new("Spice rack", 2990, 1100, 400, 250, 80), new("Wine rack pine", 2790, 1600, 450, 250, 120), new("Magazine holder", 1290, 500, 320, 260, 80),
        ]),
        new("Cleaning", "CLN", 0, StorageClass.Hazmat, ["250 ml", "0.5 l", "1 l", "5 l"], [0.3, 0.55, 1, 4.2],
        [
            new("Dish soap lemon", 549, 1080, 280, 90, 70), new("All-purpose cleaner", 599, 1070, 290, 90, 80), new("Glass cleaner", 499, 1040, 280, 90, 80),
            new("Descaler citric", 699, 1120, 260, 90, 80), new("Laundry liquid color", 849, 1090, 280, 110, 90), new("Fabric softener", 649, 1060, 280, 110, 90),
            new("Wood oil", 1890, 930, 240, 90, 90), new("Stainless polish", 1490, 1010, 240, 90, 70), new("Bathroom cleaner", 579, 1070, 290, 90, 80), new("Floor soap", 799, 1060, 280, 100, 90),
        ]),
        new("Candles & scent", "CAN", 0, StorageClass.Standard, ["cedar", "fig", "sea salt", "orange blossom"], SameSize,
        [
            new("Candle in a glass 180 g", 2490, 420, 90, 90, 100), new("Pillar candle", 1290, 480, 80, 80, 150), new("Taper candles set of 6", 1190, 360, 260, 130, 25),
            new("Reed diffuser 100 ml", 2990, 380, 80, 80, 250), new("Room spray 200 ml", 1990, 290, 60, 60, 190), new("Bath salt 500 g", 1590, 560, 100, 100, 130),
            new("Hand soap 300 ml", 1290, 360, 70, 70, 180), new("Body lotion 300 ml", 1890, 370, 70, 70, 180), new("Incense sticks", 790, 60, 260, 40, 20), new("Wax melts", 990, 110, 140, 80, 20),
        ]),
        new("Garden & balcony", "GAR", 0, StorageClass.Standard, ["clay", "black", "olive", "zinc"], SameSize,
        [
            new("Planter 25 cm", 2290, 2600, 260, 260, 240), new("Hanging pot", 1690, 700, 220, 220, 180), new("Watering can 5 l", 2790, 900, 400, 180, 300),
            new("Trowel", 1290, 260, 320, 80, 50), new("Garden gloves", 990, 110, 250, 120, 20), new("Herb box", 1990, 1200, 600, 150, 140), new("Bird feeder", 2490, 800, 220, 220, 260),
            new("Lantern", 3490, 1300, 180, 180, 300), new("Plant labels set of 10", 690, 90, 160, 60, 20), new("Secateurs", 2990, 290, 230, 80, 30),
        ]),
    ];

    /// <summary>The most wanted first. Last in the file: it is made of what stands above.</summary>
    public static IReadOnlyList<DemoProduct> Products { get; } = Make();
}
