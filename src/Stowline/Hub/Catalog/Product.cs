using System.Text.Json.Serialization;
using Stowline.Kernel;

namespace Stowline.Hub.Catalog;

/// <summary>A product as a caller gives it (W3, K1). Weights in grams, lengths in millimeters. <see cref="Sku"/> only in bulk calls.</summary>
public sealed record ProductBody
{
    public string? Sku { get; init; }
    public string? Name { get; init; }
    public Money? Price { get; init; }
    public string? Seller { get; init; }
    public string? Category { get; init; }
    public long? WeightG { get; init; }
    public long? LengthMm { get; init; }
    public long? WidthMm { get; init; }
    public long? HeightMm { get; init; }
    public string? ExternalId { get; init; }
    public List<BarcodeBody?>? Barcodes { get; init; }
}

/// <summary>A barcode of a product; <see cref="Units"/> is what one scan of it stands for (a carton code may be 12), 1 when not given.</summary>
public sealed record BarcodeBody(string? Code, long? Units);

/// <summary>A product as it is answered.</summary>
public sealed record Product
{
    public required string Sku { get; init; }
    public required string Name { get; init; }
    public Money? Price { get; init; }
    public string? Seller { get; init; }
    public string? Category { get; init; }
    public int? WeightG { get; init; }
    public int? LengthMm { get; init; }
    public int? WidthMm { get; init; }
    public int? HeightMm { get; init; }
    public string? ExternalId { get; init; }
    public IReadOnlyList<ProductBarcode> Barcodes { get; init; } = [];
}

public sealed record ProductBarcode(string Code, int Units);

public sealed record BulkProducts(List<ProductBody?>? Items);

/// <summary>What a bulk call did.</summary>
public sealed record BulkResult(int Created, int Updated);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ProductBody))]
[JsonSerializable(typeof(Product))]
[JsonSerializable(typeof(BulkProducts))]
[JsonSerializable(typeof(BulkResult))]
[JsonSerializable(typeof(JoinedSite))]
[JsonSerializable(typeof(MovedOutSite))]
internal sealed partial class CatalogJson : JsonSerializerContext;
