using System.Text.Json;
using Stowline.Contracts;
using Stowline.Hub.Catalog;
using Stowline.Server.Retail;
using Stowline.Site.Topology;

namespace Stowline.Server.Demo;

/// <summary>A site of the sample business with its people and shelves.</summary>
/// <param name="Assortment">It keeps the so many most wanted products.</param>
internal sealed record DemoPlace(string Code, SiteBody Site, int Assortment, string[] Pickers, string[] Packers)
{
    /// <summary>SKU → the bin where it lives: the most wanted nearest to packing.</summary>
    public IReadOnlyDictionary<string, string> Homes { get; } = DemoCatalog.Products.Take(Assortment).Zip(RetailFloor.Bins(Assortment), (p, b) => (p.Sku, b.Code))
        .ToDictionary(h => h.Sku, h => h.Code, StringComparer.Ordinal);

    public IEnumerable<DemoProduct> Products => DemoCatalog.Products.Take(Assortment);

    public static string ZoneOf(StorageClass storage) => storage switch
    {
        StorageClass.Standard => "PICK",
        StorageClass.Fragile => "FRAGILE",
        StorageClass.Hazmat => "HAZMAT",
        StorageClass.Cold => "COLD",
    };

    public static IReadOnlyList<(string Code, ZoneBody Zone)> Zones { get; } =
    [
        ("PICK", new ZoneBody { Name = "Picking", Type = ZoneType.Picking }),
        ("FRAGILE", new ZoneBody { Name = "Glass and china", Type = ZoneType.Picking, StorageClass = StorageClass.Fragile }),
        ("HAZMAT", new ZoneBody { Name = "Cleaning agents", Type = ZoneType.Picking, StorageClass = StorageClass.Hazmat }),
        ("RETURNS", new ZoneBody { Name = "Returns", Type = ZoneType.Returns }),
        ("DOCK", new ZoneBody { Name = "Dispatch", Type = ZoneType.Shipping }),
    ];

    /// <summary>The bins of the floor, each in the zone of what lives there.</summary>
    public IReadOnlyList<BinBody> Bins()
    {
        var products = DemoCatalog.Products;
        return
        [
            .. RetailFloor.Bins(Assortment).Select((b, i) => new BinBody
            {
                Bin = b.Code, Zone = ZoneOf(i < Assortment ? products[i].Storage : StorageClass.Standard), Type = BinType.Shelf, Aisle = b.Aisle, Position = b.Position,
                Level = b.Level, XM = b.XM, YM = b.YM, Barcode = $"{Code}-{b.Code}", WidthMm = 1_200, HeightMm = 450, DepthMm = 600, MaxWeightG = 250_000,
            }),
            new BinBody { Bin = "RETURNS-1", Zone = "RETURNS", Type = BinType.Floor, XM = 2, YM = -4 },
            new BinBody { Bin = "DOCK-1", Zone = "DOCK", Type = BinType.Floor, XM = 8, YM = -6 },
        ];
    }
}

/// <summary>Two warehouses and a shop, in three cities.</summary>
internal static class DemoPlaces
{
    private const string Mark = "demo";

    public static IReadOnlyList<DemoPlace> All { get; } =
    [
        new("BER", Body("Berlin warehouse", SiteType.Warehouse, "Berlin", "Kranichdamm 12", "12099", "DE", 52.4675, 13.3850, "Europe/Berlin"), 400,
            ["Aylin", "Bojan", "Clara", "Dmitri", "Esra", "Felix"], ["Greta", "Hassan", "Ida", "Jonas"]),
        new("LYS", Body("Lyon warehouse", SiteType.Warehouse, "Lyon", "7 rue des Martinets", "69007", "FR", 45.7300, 4.8400, "Europe/Paris"), 400,
            ["Amélie", "Bastien", "Chloé", "Driss", "Élodie", "Fabien"], ["Gaëlle", "Hugo", "Inès", "Julien"]),
        new("AMS", Body("Amsterdam store", SiteType.Storefront, "Amsterdam", "Reigerstraat 31", "1012", "NL", 52.3702, 4.8952, "Europe/Amsterdam"), 120,
            ["Anouk", "Bram", "Daan"], ["Fleur", "Gijs"]),
    ];

    /// <summary>True for a site that the sample business has made: it says so of itself, for everybody to see.</summary>
    public static bool IsDemo(SiteView site) => site.Capabilities is { ValueKind: JsonValueKind.Object } c && c.TryGetProperty(Mark, out var mark) && mark.ValueKind == JsonValueKind.True;

    private static SiteBody Body(string name, SiteType type, string city, string address, string postalCode, string country, double latitude, double longitude, string zone) => new()
    {
        Name = name, Type = type, City = city, Address = address, PostalCode = postalCode, Country = country, Latitude = latitude, Longitude = longitude, TimeZone = zone,
        Capabilities = JsonDocument.Parse($$"""{"{{Mark}}":true,"gift_wrap":{{(type == SiteType.Storefront ? "true" : "false")}}}""").RootElement,
        WorkingHours = JsonDocument.Parse("""{"mon-sun":"00:00-24:00"}""").RootElement, Reliability = 0.98,
    };
}
