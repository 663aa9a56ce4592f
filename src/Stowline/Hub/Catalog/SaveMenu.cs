using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Catalog;

/// <summary>A dish as a caller gives it (K1): what its variants share, the variants with their prices, the extras. <see cref="Dish"/> only in bulk calls.</summary>
public sealed record MenuBody
{
    public string? Dish { get; init; }
    public string? Name { get; init; }
    public string? Category { get; init; }
    /// <summary>Where it is made: grill, oven, cold … <c>main</c> when not given.</summary>
    public string? Station { get; init; }
    /// <summary>Work on one piece, in minutes.</summary>
    public long? WorkMinutes { get; init; }
    /// <summary>The only sites that make it.</summary>
    public List<string?>? Sites { get; init; }
    /// <summary>The dosage of one piece. A variant's own replaces it.</summary>
    public List<DosageBody?>? Ingredients { get; init; }
    public List<VariantBody?>? Variants { get; init; }
    public List<VariantBody?>? Extras { get; init; }
}

/// <summary>So many units of an ingredient in one piece.</summary>
public sealed record DosageBody(string? Sku, long? Quantity);

/// <summary>A size of a dish, or an extra.</summary>
public sealed record VariantBody
{
    public string? Sku { get; init; }
    public string? Name { get; init; }
    public string? Size { get; init; }
    public Money? Price { get; init; }
    public long? WorkMinutes { get; init; }
    /// <summary>What one piece counts against a slot with a capacity in units; 1 when not given, 0 for an extra.</summary>
    public long? Units { get; init; }
    public List<DosageBody?>? Ingredients { get; init; }
}

public sealed record BulkMenu(List<MenuBody?>? Items);

/// <summary>A dish with its variants and extras as they are made.</summary>
public sealed record DishView(string Dish, IReadOnlyList<MenuItem> Items);

/// <summary>
/// Creates or replaces dishes. Each variant and extra is a product with its price; ingredients that are no products yet become some. Lane: the hub's,
/// told to every site on <c>hub/all</c>.
/// </summary>
public static class SaveMenu
{
    public const int MaxDishes = 5_000;

    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.MapPut("/menu/{dish}", (HttpContext http, string dish) => Commands.RunAsync<MenuBody, DishView>(http, node.Lanes, Lane.Hub, async (body, tx) =>
            (await DecideAsync([body with { Dish = dish }], tx, "")).Map(d => d[0])))
            .WithTags("Menu").WithSummary("Create or replace a dish with its variants, extras and ingredients").Accepts<MenuBody>("application/json").Produces<DishView>();
        api.Post("/menu/bulk", http => Commands.RunAsync<BulkMenu, Page<DishView>>(http, node.Lanes, Lane.Hub, async (body, tx) =>
            (await DecideAsync(body.Items ?? [], tx)).Map(d => new Page<DishView>(d, null)), limit: Requests.BulkLimit))
            .WithTags("Menu").WithSummary("Create or replace many dishes at once, all or none").Accepts<BulkMenu>("application/json").Produces<Page<DishView>>();
    }

    /// <param name="at">The path of an item in error messages; null for <c>items[i].</c>.</param>
    public static async ValueTask<Outcome<IReadOnlyList<DishView>>> DecideAsync(IReadOnlyList<MenuBody?> dishes, LaneTransaction tx, string? at = null)
    {
        if (dishes.Count == 0) return Refusal.Invalid("items", "is required");
        if (dishes.Count > MaxDishes) return Refusal.Invalid("too_many_items", "items", $"must be at most {MaxDishes}");
        var problems = new Problems();
        var (items, products) = Check(dishes, at, problems);
        return problems.Any ? problems.ToRefusal() : await WriteAsync(items, products, tx);
    }

    /// <summary>What dishes would become: their variants and extras, and the products of these.</summary>
    /// <param name="at">The path of an item in error messages; null for <c>items[i].</c>.</param>
    public static (List<MenuItem> Items, List<Product> Products) Check(IReadOnlyList<MenuBody?> dishes, string? at, Problems problems)
    {
        var (items, products) = (new List<MenuItem>(), new List<Product>());
        for (var i = 0; i < dishes.Count; i++)
        {
            if (dishes[i] is { } dish) Check(dish, at ?? $"items[{i}].", problems, items, products);
            else problems.Add($"items[{i}]", "must not be null");
        }
        var twice = items.GroupBy(i => i.Sku, StringComparer.Ordinal).FirstOrDefault(g => g.Select(i => (i.Dish, i.Kind, i.Size)).Distinct().Count() > 1 && g.Any(i => i.Kind == MenuKind.Dish));
        if (twice is not null) problems.Add("variants", $"{twice.Key} is given twice");
        return (items, products);
    }

    private static async ValueTask<Outcome<IReadOnlyList<DishView>>> WriteAsync(List<MenuItem> all, List<Product> products, LaneTransaction tx)
    {
        // An extra that several dishes name is one extra: the last counts.
        var items = all.GroupBy(i => i.Sku, StringComparer.Ordinal).Select(g => g.Last()).ToList();
        var goods = products.GroupBy(p => p.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last(), StringComparer.Ordinal);
        foreach (var missing in await MissingAsync([.. items.SelectMany(i => i.Uses).Select(u => u.Sku).Where(s => !goods.ContainsKey(s)).Distinct(StringComparer.Ordinal)], tx))
            goods[missing] = new Product { Sku = missing, Name = missing, Category = "ingredient" };
        var saved = await SaveProducts.DecideAsync([.. goods.Values], tx);
        if (saved.Refusal is { } no) return no;
        foreach (var dish in items.Where(i => i.Kind == MenuKind.Dish).Select(i => i.Dish).Distinct(StringComparer.Ordinal))
            await tx.WriteAsync("DELETE FROM menu_items WHERE dish = @dish AND kind = @kind", new { dish, kind = MenuKind.Dish });
        await tx.UpsertAsync("menu_items", "sku", """
            dish = excluded.dish, kind = excluded.kind, name = excluded.name, size = excluded.size, station = excluded.station, work_minutes = excluded.work_minutes,
            units = excluded.units, uses = excluded.uses, extras = excluded.extras, sites = excluded.sites, saved_at = excluded.saved_at
            """, items.Count,
            Column.From("sku", items, i => i.Sku), Column.From("dish", items, i => i.Dish), Column.From("kind", items, i => (int)i.Kind),
            Column.From("name", items, i => i.Name), Column.From("size", items, i => i.Size), Column.From("station", items, i => i.Station),
            Column.From("work_minutes", items, i => i.WorkMinutes), Column.From("units", items, i => i.Units),
            Column.From("uses", items, i => JsonSerializer.Serialize([.. i.Uses], MenuJson.Default.ListSkuUnits)),
            Column.From("extras", items, i => JsonSerializer.Serialize([.. i.Extras], MenuJson.Default.ListString)),
            Column.From("sites", items, i => i.Sites is null ? null : JsonSerializer.Serialize([.. i.Sites], MenuJson.Default.ListString)),
            Column.Same("saved_at", items.Count, tx.Now));
        var dishes = items.Where(i => i.Kind == MenuKind.Dish).GroupBy(i => i.Dish, StringComparer.Ordinal).ToList();
        foreach (var dish in dishes) tx.Append(Lane.HubAll, new MenuSaved(dish.Key, [.. dish.Select(i => i.Sku)]), "menu/" + dish.Key);
        return (Outcome<IReadOnlyList<DishView>>)dishes.Select(d => new DishView(d.Key, [.. d, .. items.Where(i => d.Any(v => v.Extras.Contains(i.Sku)))])).ToList();
    }

    private static async ValueTask<IEnumerable<string>> MissingAsync(string[] skus, LaneTransaction tx)
    {
        var missing = skus.ToHashSet(StringComparer.Ordinal);
        await tx.SelectAsync("SELECT sku FROM products WHERE sku = k.sku", skus.Length, [Column.Of("sku", skus)], row => missing.Remove(row.GetString(0)));
        return missing;
    }

    private static void Check(MenuBody body, string at, Problems problems, List<MenuItem> items, List<Product> products)
    {
        var dish = problems.Code(body.Dish, at + "dish");
        var name = problems.Text(body.Name?.Trim(), at + "name", 200);
        problems.Check(!string.IsNullOrEmpty(name), at + "name", "is required");
        var station = body.Station is null ? "main" : problems.Code(body.Station, at + "station");
        problems.Text(body.Category, at + "category", 128);
        problems.Check(body.Variants is { Count: > 0 and <= 100 }, at + "variants", "is required: 1–100");
        problems.Check(body.Extras is null or { Count: <= 100 }, at + "extras", "must be at most 100");
        IReadOnlyList<string>? sites = body.Sites is null ? null : [.. body.Sites.Select((s, i) => problems.Code(s, $"{at}sites[{i}]"))];
        var shared = Dosage(body.Ingredients, at + "ingredients", problems);
        var extras = (body.Extras ?? []).Take(100).Select((e, i) => One(e, MenuKind.Extra, $"{at}extras[{i}].", [])).OfType<MenuItem>().ToList();
        items.AddRange(extras);
        foreach (var (variant, i) in (body.Variants ?? []).Take(100).Select((v, i) => (v, i)))
            if (One(variant, MenuKind.Dish, $"{at}variants[{i}].", shared) is { } item) items.Add(item with { Extras = [.. extras.Select(e => e.Sku)] });

        MenuItem? One(VariantBody? given, MenuKind kind, string field, IReadOnlyList<SkuUnits> otherwise)
        {
            if (given is null) { problems.Add(field.TrimEnd('.'), "must not be null"); return null; }
            problems.Check(given.Price is { Amount: >= 0 }, field + "price", "is required and must not be negative");
            var size = problems.Text(given.Size?.Trim(), field + "size", 32);
            var sku = problems.Code(given.Sku, field + "sku");
            var own = problems.Text(given.Name?.Trim(), field + "name", 255) ?? (kind == MenuKind.Extra ? sku : size is null ? name : $"{name} {size}");
            products.Add(new Product { Sku = sku, Name = own ?? "", Price = given.Price, Category = body.Category });
            return new MenuItem
            {
                Sku = sku, Dish = kind == MenuKind.Dish ? dish : sku, Kind = kind, Name = own ?? "", Size = size, Station = station, Sites = sites,
                WorkMinutes = Number(given.WorkMinutes ?? (kind == MenuKind.Dish ? body.WorkMinutes : 0) ?? 0, field + "work_minutes", problems),
                Units = Number(given.Units ?? (kind == MenuKind.Dish ? 1 : 0), field + "units", problems),
                Uses = given.Ingredients is null ? otherwise : Dosage(given.Ingredients, field + "ingredients", problems),
            };
        }
    }

    private static int Number(long value, string field, Problems problems)
    {
        problems.Check(value is >= 0 and <= 100_000, field, "must be 0–100,000");
        return value is >= 0 and <= 100_000 ? (int)value : 0;
    }

    private static List<SkuUnits> Dosage(List<DosageBody?>? given, string at, Problems problems)
    {
        problems.Check(given is null or { Count: <= 200 }, at, "must be at most 200");
        var uses = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (dose, i) in (given ?? []).Take(200).Select((d, i) => (d, i)))
        {
            var sku = problems.Code(dose?.Sku, $"{at}[{i}].sku");
            if (!uses.TryAdd(sku, problems.Quantity(dose?.Quantity ?? 1, $"{at}[{i}].quantity"))) problems.Add($"{at}[{i}].sku", "is given twice");
        }
        return [.. uses.Select(u => new SkuUnits(u.Key, u.Value))];
    }
}

/// <summary>Looking the menu up.</summary>
public static class ReadMenu
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/menu", async http =>
        {
            var paging = Requests.Paging(http);
            if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
            var (limit, cursor) = paging.Value;
            var dishes = await node.Database.ReadAsync(async s => await s.QueryAsync<string>(
                "SELECT DISTINCT dish FROM menu_items WHERE kind = 1 AND dish > @after ORDER BY dish LIMIT @more", new { after = cursor ?? "", more = limit + 1 }), http.RequestAborted);
            var page = await node.Database.ReadAsync(s => OfAsync(s, [.. dishes.Take(limit)]), http.RequestAborted);
            await Answers.WriteAsync(http, (Outcome<Page<DishView>>)new Page<DishView>(page, dishes.Count > limit ? dishes[limit - 1] : null));
        }).WithTags("Menu").WithSummary("Dishes, in order of name").Pages<DishView>();
        api.MapGet("/menu/{dish}", async (HttpContext http, string dish) =>
        {
            var found = await node.Database.ReadAsync(s => OfAsync(s, [dish]), http.RequestAborted);
            Outcome<DishView> answer = found is [{ Items.Count: > 0 } one] ? one : Refusal.NotFound("dish_not_found", $"there is no dish {dish}");
            await Answers.WriteAsync(http, answer);
        }).WithTags("Menu").WithSummary("One dish with its variants and extras").Produces<DishView>();
    }

    /// <summary>Dishes by their codes, in that order; without items where there is none.</summary>
    public static async Task<IReadOnlyList<DishView>> OfAsync(SqlSession session, string[] dishes)
    {
        var items = new List<MenuItem>();
        await session.SelectAsync($"SELECT {MenuRows.Columns} FROM menu_items WHERE dish = k.dish AND kind = 1 ORDER BY sku", dishes.Length, [Column.Of("dish", dishes)],
            row => items.Add(MenuRows.Read(row)));
        string[] extras = [.. items.SelectMany(i => i.Extras).Distinct(StringComparer.Ordinal)];
        var more = new List<MenuItem>();
        await session.SelectAsync($"SELECT {MenuRows.Columns} FROM menu_items WHERE sku = k.sku", extras.Length, [Column.Of("sku", extras)], row => more.Add(MenuRows.Read(row)));
        return [.. dishes.Select(d => (Dish: d, Own: items.Where(i => i.Dish == d).OrderBy(i => i.Sku, StringComparer.Ordinal).ToList()))
            .Select(d => new DishView(d.Dish, [.. d.Own, .. more.Where(m => d.Own.Exists(o => o.Extras.Contains(m.Sku)))]))];
    }
}
