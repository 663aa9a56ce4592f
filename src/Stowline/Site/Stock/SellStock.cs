using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Stock;

/// <summary>Goods that somebody takes along at once.</summary>
/// <param name="Reference">The till's document; may be missing.</param>
/// <param name="BeyondShare">Sell also what was granted to the hub and lies here still: it is withdrawn. Default false.</param>
public sealed record SaleBody(string? Reference, IReadOnlyList<SaleLine?>? Lines, bool? BeyondShare = null);

/// <summary>One line of a sale. Without a bin the units are taken as picking takes them: first expired, then oldest.</summary>
public sealed record SaleLine(string? Sku, long? Quantity, string? Bin = null, string? Lot = null);

/// <summary>A sale as it was booked.</summary>
public sealed record SaleView(string? Reference, IReadOnlyList<MovementView> Movements);

/// <summary>
/// Sells over the site's own counter, also while it is cut off: movements of kind sale, all lines or none. What the site keeps for itself (its local share and safety stock) it sells without
/// asking; beyond that nobody else may have been promised the units for sure, so it is refused with 409 <c>beyond_share</c> unless the caller says otherwise, and then they are withdrawn from
/// the hub. Reserved units, disputed ones (409 <c>disputed</c>) and expired lots are never sold. Other refusals: 409 <c>insufficient_stock</c>.
/// </summary>
public static class SellStock
{
    private const int MaxLines = 1_000;

    private sealed record Line(string Sku, int Quantity, string? Bin, string? Lot);

    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.Post("/sites/{code}/sales", http => SitePath.RunAsync<SaleBody, SaleView>(http, node, DecideAsync, 201))
            .WithTags("Stock").WithSummary("Sell over the counter, from what the site keeps for itself").Accepts<SaleBody>("application/json").Produces<SaleView>(201);

    public static async ValueTask<Outcome<SaleView>> DecideAsync(string site, SaleBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var reference = string.IsNullOrWhiteSpace(body.Reference) ? null : problems.Text(body.Reference.Trim(), "reference", 128);
        var lines = Check(body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await MayNotAsync(tx, site, lines, body.BeyondShare is true) is { } not) return not;

        var change = new StockChange(tx, site);
        var rows = await change.LoadPickableAsync(lines.Select(l => l.Sku));
        var today = rows.SelectMany(r => r).Any(r => r.ExpiresOn is not null) ? await SiteClock.TodayAsync(tx, site) : default;
        foreach (var line in lines)
        {
            var taken = new PickQueue(rows[line.Sku].Where(r => IsMeant(line, r.Key) && !(r.ExpiresOn < today))).Draw(line.Quantity, static (r, n) => r.Take(n));
            foreach (var (row, units) in taken) change.Move(MovementKind.Sale, line.Sku, row.Key.Lot, row.Key.Bin, null, units, null, reference);
            var missing = line.Quantity - taken.Sum(t => t.Units);
            if (missing > 0) return Refusal.Conflict("insufficient_stock", $"{missing} of {line.Quantity} units of {line.Sku} are missing{(line.Bin is null ? "" : " in " + line.Bin)}",
                new Dictionary<string, object?> { ["sku"] = line.Sku, ["available"] = line.Quantity - missing });
        }
        var movements = await Posting.PostAsync(tx, site, change, reference ?? "sale");
        return new SaleView(reference, [.. movements.Select(m => MovementView.Of(m, tx))]);
    }

    private static bool IsMeant(Line line, RowKey row) => (line.Bin ?? row.Bin) == row.Bin && (line.Lot ?? row.Lot) == row.Lot;

    private static List<Line> Check(SaleBody body, Problems problems)
    {
        var count = body.Lines?.Count ?? 0;
        problems.Check(count > 0, "lines", "is required");
        problems.Check(count <= MaxLines, "lines", $"must be at most {MaxLines}");
        var lines = new List<Line>();
        for (var i = 0; i < Math.Min(count, MaxLines); i++)
        {
            var at = $"lines[{i}]";
            if (body.Lines![i] is not { } line) problems.Add(at, "must not be null");
            else lines.Add(new Line(problems.Code(line.Sku, at + ".sku"), problems.Quantity(line.Quantity ?? 0, at + ".quantity"),
                line.Bin is null ? null : problems.Code(line.Bin, at + ".bin"), line.Lot is null ? null : Posting.Lot(line.Lot, at + ".lot", problems)));
        }
        return lines;
    }

    private static async ValueTask<Refusal?> MayNotAsync(LaneTransaction tx, string site, List<Line> lines, bool beyondShare)
    {
        var wanted = lines.GroupBy(l => l.Sku, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Sum(l => (long)l.Quantity), StringComparer.Ordinal);
        var books = (await SkuTotals.ReadAsync(tx, site, wanted.Keys)).ToDictionary(b => b.Sku, StringComparer.Ordinal);
        foreach (var (sku, units) in wanted)
        {
            var known = books.GetValueOrDefault(sku) ?? new SkuBooks { Sku = sku };
            if (known.Disputed > 0 && units > known.Usable - known.Reserved - known.Disputed)
                return Refusal.Conflict("disputed", $"{known.Disputed} units of {sku} are disputed: the hub may have promised them; count them, and they may be sold",
                    new Dictionary<string, object?> { ["sku"] = sku, ["available"] = Math.Max(0, known.Usable - known.Reserved - known.Disputed) });
            var has = Math.Max(0, known.Own);
            if (!beyondShare && units > has) return Refusal.Conflict("beyond_share", $"{site} keeps {has} units of {sku} for its counter, and {units} are to be sold; the rest is the hub's to promise",
                new Dictionary<string, object?> { ["sku"] = sku, ["available"] = has });
        }
        return null;
    }
}
