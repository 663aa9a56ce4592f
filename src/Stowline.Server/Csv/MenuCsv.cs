using System.Text.RegularExpressions;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Catalog;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Server.Retail;

namespace Stowline.Server.Csv;

/// <summary>What a row of a menu is.</summary>
public enum MenuRowKind { Variant = 1, Extra = 2 }

/// <summary>
/// Dishes (K1), created or replaced, from CSV (a row per variant or extra; what the dish's rows share stands on the first) or from the JSON of <c>POST /menu/bulk</c>.
/// Those that are as the file says already are left alone.
/// </summary>
internal sealed partial class MenuCsv(NodeCalls calls, Caller caller) : CsvTarget
{
    private const int Together = 200;
    private readonly Dictionary<string, Dish> _dishes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _variants = new(StringComparer.Ordinal);

    public override string Kind => "menu";
    public override IReadOnlyList<string> Columns =>
        ["dish", "kind", "sku", "price", "price_currency", "dish_name", "name", "size", "category", "station", "sites", "work_minutes", "units", "ingredients"];
    public override IReadOnlyList<string> Required => ["dish", "sku", "price", "price_currency"];
    public override bool TakesJson => true;

    /// <summary>A dish of the file, and where its parts stand in it.</summary>
    private sealed record Dish(MenuBody Body, int Line)
    {
        public List<int> Variants { get; } = [];
        public List<int> Extras { get; } = [];
    }

    public override void Take(CsvRow row)
    {
        var before = Bad.Total;
        var kind = row.Word<MenuRowKind>("kind") ?? MenuRowKind.Variant;
        var variant = new VariantBody
        {
            Sku = row.Text("sku"), Name = row.Text("name"), Size = row.Text("size"), Price = row.Price("price"), WorkMinutes = row.Whole("work_minutes"), Units = row.Whole("units"),
            Ingredients = Dosage(row),
        };
        if (row.Text("dish") is not { } code) { Bad.Add(row.Line, "dish", "is required"); return; }
        if (Bad.Total > before) return;
        if (!_dishes.TryGetValue(code, out var dish))
            _dishes[code] = dish = new Dish(new MenuBody
            {
                Dish = code, Name = row.Text("dish_name"), Category = row.Text("category"), Station = row.Text("station"), Sites = Split(row.Text("sites")), Variants = [], Extras = [],
            }, row.Line);
        var (bodies, lines) = kind == MenuRowKind.Extra ? (dish.Body.Extras!, dish.Extras) : (dish.Body.Variants!, dish.Variants);
        bodies.Add(variant);
        lines.Add(row.Line);
    }

    /// <summary><c>Dough:200|Mozzarella:100</c>; without a number it is 1.</summary>
    private List<DosageBody?>? Dosage(CsvRow row)
    {
        var doses = new List<DosageBody?>();
        foreach (var part in Split(row.Text("ingredients")) ?? [])
        {
            var colon = part!.LastIndexOf(':');
            if (colon < 0) doses.Add(new DosageBody(part, 1));
            else if (long.TryParse(part[(colon + 1)..], out var units)) doses.Add(new DosageBody(part[..colon].Trim(), units));
            else Bad.Add(row.Line, "ingredients", $"'{part}' is not an ingredient with whole units, such as Dough:200");
        }
        return doses.Count == 0 ? null : doses;
    }

    private static List<string?>? Split(string? text) => text is null ? null : [.. text.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Items are counted as rows are: the first is 1.</summary>
    public override async Task<int> ReadJsonAsync(Stream file, CancellationToken ct)
    {
        using var whole = new MemoryStream();
        await file.CopyToAsync(whole, ct);
        var read = Requests.Parse<BulkMenu>(whole.ToArray());
        if (read.Refusal is { } no) { Bad.Add(1, no); return 0; }
        var items = read.Value.Items ?? [];
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i]?.Dish is not { } code) Bad.Add(i + 1, "dish", "is required");
            else if (!_dishes.TryAdd(code, new Dish(items[i]!, i + 1))) Bad.Add(i + 1, "dish", $"is item {_dishes[code].Line} already");
        }
        return items.Count;
    }

    public override Task CheckAsync(CancellationToken ct)
    {
        foreach (var (_, dish) in _dishes)
        {
            var problems = new Problems();
            var (items, _) = SaveMenu.Check([dish.Body], "", problems);
            if (problems.Any)
                foreach (var (field, messages) in problems.ToRefusal().Errors!)
                    foreach (var message in messages) Tell(dish, field, message);
            // Within the dish the check has looked for it.
            foreach (var sku in items.Where(i => i.Kind == MenuKind.Dish).Select(i => i.Sku).Distinct(StringComparer.Ordinal))
                if (!_variants.TryAdd(sku, dish.Line)) Bad.Add(dish.Line, "sku", $"{sku} is a variant of the dish of line {_variants[sku]} already");
        }
        return Task.CompletedTask;
    }

    [GeneratedRegex(@"^(variants|extras)\[(\d+)\]\.([a-z_]+)")]
    private static partial Regex OfRow();

    /// <summary>At its row and column, where the file has rows; JSON has paths.</summary>
    private void Tell(Dish dish, string field, string message)
    {
        if (dish.Variants.Count + dish.Extras.Count == 0) Bad.Add(dish.Line, field, message);
        else if (OfRow().Match(field) is { Success: true } at) Bad.Add((at.Groups[1].Value == "extras" ? dish.Extras : dish.Variants)[int.Parse(at.Groups[2].ValueSpan)], at.Groups[3].Value, message);
        else Bad.Add(dish.Line, field switch { "name" => "dish_name", "variants" or "extras" => "kind", _ => field.Split('[')[0] }, message);
    }

    public override async Task<Written> WriteAsync(Action<int, int> done, CancellationToken ct)
    {
        int created = 0, updated = 0, read = 0;
        foreach (var chunk in _dishes.Values.Chunk(Together))
        {
            var (items, products) = SaveMenu.Check([.. chunk.Select(d => d.Body)], null, new Problems());
            var shown = items.ToLookup(i => i.Dish, StringComparer.Ordinal);
            string[] codes = [.. chunk.Select(d => d.Body.Dish!.Trim())];
            var (old, goods) = await calls.Node.Database.ReadAsync(async s =>
                (await ReadMenu.OfAsync(s, codes), await ReadProducts.FindAllAsync(s, [.. products.Select(p => p.Sku).Distinct(StringComparer.Ordinal)])), ct);
            bool IsThere(MenuItem item, DishView dish) => dish.Items.Any(o => AreEqual(o, item))
                && products.Where(p => p.Sku == item.Sku).All(p => goods.TryGetValue(p.Sku, out var known) && (known.Name, known.Price, known.Category) == (p.Name, p.Price, p.Category));
            var changed = new List<MenuBody?>();
            foreach (var (dish, view) in chunk.Zip(old))
            {
                MenuItem[] wanted = [.. shown[view.Dish], .. items.Where(i => i.Kind == MenuKind.Extra && shown[view.Dish].Any(v => v.Extras.Contains(i.Sku))).DistinctBy(i => i.Sku)];
                if (wanted.Length == view.Items.Count && Array.TrueForAll(wanted, i => IsThere(i, view))) continue;
                changed.Add(dish.Body);
                if (view.Items.Count == 0) created++;
                else updated++;
            }
            if (changed.Count > 0) await calls.DoAsync<IReadOnlyList<DishView>>("menu", Lane.Hub, caller, tx => SaveMenu.DecideAsync(changed, tx), hops: 1, ct);
            done(read += chunk.Length, _dishes.Count);
        }
        return new Written(created, updated, _dishes.Count - created - updated);
    }

    private static bool AreEqual(MenuItem a, MenuItem b)
    {
        (IReadOnlyList<SkuUnits>, IReadOnlyList<string>, IReadOnlyList<string>?) none = ([], [], null);
        return a with { Uses = none.Item1, Extras = none.Item2, Sites = null } == b with { Uses = none.Item1, Extras = none.Item2, Sites = null }
               && a.Uses.SequenceEqual(b.Uses) && a.Extras.SequenceEqual(b.Extras) && (a.Sites ?? []).SequenceEqual(b.Sites ?? []) && a.Sites is null == b.Sites is null;
    }
}
