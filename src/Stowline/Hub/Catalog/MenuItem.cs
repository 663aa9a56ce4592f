using System.Text.Json;
using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>A dish variant is ordered by itself, an extra goes on one. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<MenuKind>))]
public enum MenuKind { Dish = 1, Extra = 2 }

/// <summary>A variant or extra as it is made (K1). <see cref="Uses"/> is the dosage of one piece; <see cref="Units"/> what one piece counts against a slot.</summary>
public sealed record MenuItem
{
    public required string Sku { get; init; }
    public required string Dish { get; init; }
    public required MenuKind Kind { get; init; }
    public required string Name { get; init; }
    public string? Size { get; init; }
    public required string Station { get; init; }
    public int WorkMinutes { get; init; }
    public int Units { get; init; } = 1;
    public IReadOnlyList<SkuUnits> Uses { get; init; } = [];
    public IReadOnlyList<string> Extras { get; init; } = [];
    /// <summary>The only sites that make it; null for every kitchen and workshop.</summary>
    public IReadOnlyList<string>? Sites { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MenuBody))]
[JsonSerializable(typeof(DishView))]
[JsonSerializable(typeof(Page<DishView>))]
[JsonSerializable(typeof(BulkMenu))]
[JsonSerializable(typeof(List<SkuUnits>))]
[JsonSerializable(typeof(List<string>))]
internal sealed partial class MenuJson : JsonSerializerContext;

/// <summary>Reads rows of the menu.</summary>
internal static class MenuRows
{
    public const string Columns = "sku, dish, kind, name, size, station, work_minutes, units, uses, extras, sites";

    public static MenuItem Read(RowReader row) => new()
    {
        Sku = row.GetString(0), Dish = row.GetString(1), Kind = (MenuKind)row.GetInt32(2), Name = row.GetString(3), Size = row.GetStringOrNull(4),
        Station = row.GetString(5), WorkMinutes = row.GetInt32(6), Units = row.GetInt32(7),
        Uses = JsonSerializer.Deserialize(row.GetString(8), MenuJson.Default.ListSkuUnits) ?? [],
        Extras = JsonSerializer.Deserialize(row.GetString(9), MenuJson.Default.ListString) ?? [],
        Sites = row.GetStringOrNull(10) is { } sites ? JsonSerializer.Deserialize(sites, MenuJson.Default.ListString) : null,
    };
}

/// <summary>
/// The menu for the accept path, remembered for as long as the lane <c>hub/all</c> stands still, as <see cref="PriceBook"/> is. A node without a menu
/// asks once whether there is one and looks nothing up.
/// </summary>
public sealed class MenuBook
{
    private Dictionary<string, MenuItem?> _known = new(StringComparer.Ordinal);
    private bool _isEmpty;
    private long _position = -1;

    /// <summary>Those of the SKUs that are made to order; null when none is.</summary>
    public async ValueTask<IReadOnlyDictionary<string, MenuItem>?> FindAsync(LaneTransaction tx, IReadOnlyCollection<string> skus)
    {
        var position = await tx.SettledHeadAsync(Lane.HubAll);
        if (position < 0 || position != _position)
        {
            _known = new Dictionary<string, MenuItem?>(StringComparer.Ordinal);
            _isEmpty = await tx.FindAsync<string>("SELECT sku FROM menu_items LIMIT 1") is null;
            _position = position; // -1 is never settled, so what this very group changes is not remembered
        }
        if (_isEmpty) return null;
        string[] missing = [.. skus.Where(s => !_known.ContainsKey(s))];
        if (missing.Length > 0)
        {
            foreach (var sku in missing) _known[sku] = null;
            await tx.SelectAsync($"SELECT {MenuRows.Columns} FROM menu_items WHERE sku = k.sku", missing.Length, [Column.Of("sku", missing)],
                row => _known[row.GetString(0)] = MenuRows.Read(row));
        }
        Dictionary<string, MenuItem>? found = null;
        foreach (var sku in skus)
            if (_known[sku] is { } item) (found ??= new Dictionary<string, MenuItem>(StringComparer.Ordinal))[sku] = item;
        return found;
    }
}
