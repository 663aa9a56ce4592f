using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Production;

/// <summary>
/// What tickets use up (K1). An ingredient that the site has in its books is counted: when what is there is no more than what open tickets will still use, it is off (86) and the hub
/// hears of it at once; when stock comes it is on again. An ingredient that was never received is not counted.
/// </summary>
internal static class Ingredients
{
    /// <summary>Open tickets will use these, or no longer.</summary>
    public static async ValueTask NeedAsync(LaneTransaction tx, string site, IEnumerable<SkuUnits> uses, int sign)
    {
        var sums = Sum(uses);
        if (sums.Count == 0) return;
        await AddAsync(tx, site, sums, sign);
        await WatchAsync(tx, site, [.. sums.Select(s => s.Sku)]);
    }

    /// <summary>Cooked: out of the books, as far as the books have it. A cook who found more than the books say is not stopped by them.</summary>
    public static async ValueTask UseAsync(LaneTransaction tx, string site, IReadOnlyList<(long Ticket, IEnumerable<SkuUnits> Uses)> cooked)
    {
        var sums = Sum(cooked.SelectMany(c => c.Uses));
        if (sums.Count == 0) return;
        await AddAsync(tx, site, sums, -1);
        var reference = cooked.Count == 1 ? $"ticket {cooked[0].Ticket}" : $"tickets {cooked[0].Ticket}–{cooked[^1].Ticket}";
        var movements = await StockBook.ConsumeAsync(tx, site, sums, reference);
        if (movements.Count > 0)
        {
            var balances = await StockBook.SettleAsync(tx, site, [.. movements.Select(m => m.Sku).Distinct(StringComparer.Ordinal)]);
            tx.Append(Lane.Site(site), new StockMoved(reference, movements, balances), $"stock/{site}/{reference}");
        }
        await WatchAsync(tx, site, [.. sums.Select(s => s.Sku)]);
    }

    private static List<SkuUnits> Sum(IEnumerable<SkuUnits> uses) => [.. uses.GroupBy(u => u.Sku, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => new SkuUnits(g.Key, (int)Math.Min(Limits.MaxQuantity, g.Sum(u => (long)u.Quantity))))];

    private static ValueTask AddAsync(LaneTransaction tx, string site, List<SkuUnits> sums, int sign) => tx.UpsertAsync("ingredient_needs", "site, sku", "needed = ingredient_needs.needed + excluded.needed",
        sums.Count, Column.Same("site", sums.Count, site), Column.From("sku", sums, s => s.Sku), Column.From("needed", sums, s => (long)s.Quantity * sign));

    /// <summary>Stops what has run out and resumes what is there again. What was stopped by hand stays so.</summary>
    public static async ValueTask WatchAsync(LaneTransaction tx, string site, string[] skus)
    {
        var usable = await StockBook.UsableAsync(tx, site, skus);
        if (usable.Count == 0) return;
        var needed = new Dictionary<string, long>(StringComparer.Ordinal);
        var stopped = new Dictionary<string, bool>(StringComparer.Ordinal);
        string[] counted = [.. usable.Keys];
        await tx.SelectAllAsync(
            new SetSelect("SELECT sku, needed FROM ingredient_needs WHERE site = k.site AND sku = k.sku", counted.Length, [Column.Same("site", counted.Length, site), Column.Of("sku", counted)],
                row => needed[row.GetString(0)] = row.GetInt64(1)),
            new SetSelect("SELECT sku, by_hand FROM dish_stops WHERE site = k.site AND sku = k.sku", counted.Length, [Column.Same("site", counted.Length, site), Column.Of("sku", counted)],
                row => stopped[row.GetString(0)] = row.GetInt64(1) != 0));
        foreach (var sku in counted)
        {
            var left = usable[sku] - needed.GetValueOrDefault(sku);
            if (left <= 0 && needed.ContainsKey(sku) && !stopped.ContainsKey(sku)) await StopDish.StopAsync(tx, site, sku, "used up", byHand: false);
            else if (left > 0 && stopped.TryGetValue(sku, out var byHand) && !byHand) await StopDish.ResumeAsync(tx, site, sku);
        }
    }
}

/// <summary>Reads the site's own lane: stock that came or went may put an ingredient on or off.</summary>
internal sealed class IngredientWatch(string site) : Consumer
{
    public override string Name => "ingredients";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == StockMoved.Type || type == StockExpired.Type || type == ReturnReceived.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        var moved = events.SelectMany(e => e.Type == StockMoved.Type ? e.Read<StockMoved>().Balances : e.Type == StockExpired.Type ? e.Read<StockExpired>().Balances : e.Read<ReturnReceived>().Balances).Select(b => b.Sku).ToHashSet(StringComparer.Ordinal);
        string[] known = [.. moved];
        var used = new List<string>();
        await tx.SelectAsync("SELECT sku FROM ingredient_needs WHERE site = k.site AND sku = k.sku", known.Length, [Column.Same("site", known.Length, site), Column.Of("sku", known)],
            row => used.Add(row.GetString(0)));
        if (used.Count > 0) await Ingredients.WatchAsync(tx, site, [.. used]);
    }
}
