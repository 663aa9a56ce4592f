using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Site.Stock;

/// <summary>
/// Corrects the books: by <see cref="Delta"/> units, or to what was <see cref="Counted"/> where the books said <see cref="Expected"/>.
/// <see cref="Reference"/> names the caller's document, as on receipts and returns.
/// </summary>
public sealed record AdjustmentBody(
    string? Sku, string? Bin, string? Lot, long? Delta, long? Expected, long? Counted, string? Reason, string? Reference = null);

/// <summary>
/// Adjusts stock (W5). A count is a compare-and-set: what moved meanwhile answers 409 <c>stale_quantity</c> with the <c>on_hand</c> of now; it
/// frees what was blocked for it, ends the dispute of as many units, and is a movement even where nothing differs (of 0 units, in place). Reserved and damaged units cannot be
/// adjusted away: 409 <c>insufficient_stock</c>.
/// </summary>
public static class AdjustStock
{
    internal static void Map(IEndpointRouteBuilder api, Node node, StockModule module) =>
        api.Post("/sites/{code}/adjustments", http => SitePath.RunAsync<AdjustmentBody, MovementView>(http, node,
                (site, body, tx) => DecideAsync(site, body, tx, module.KnowsProduct), 201))
            .WithTags("Stock").WithSummary("Adjust stock, by a difference or a count").Accepts<AdjustmentBody>("application/json").Produces<MovementView>(201);

    /// <param name="knows">Null where the catalogue need not be asked.</param>
    public static async ValueTask<Outcome<MovementView>> DecideAsync(string site, AdjustmentBody body, LaneTransaction tx, ProductLookup? knows = null)
    {
        var problems = new Problems();
        var (sku, bin, lot) = (problems.Code(body.Sku, "sku"), problems.Code(body.Bin, "bin"), Posting.Lot(body.Lot, "lot", problems));
        var reason = Posting.Reason(body.Reason, problems);
        var reference = string.IsNullOrWhiteSpace(body.Reference) ? null : problems.Text(body.Reference.Trim(), "reference", 128);
        CheckAmounts(body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await Posting.UnknownProductAsync(tx, knows, [sku], _ => "sku") is { } unknown) return unknown;
        if (!(await BinBook.PlacesAsync(tx, site, [bin])).TryGetValue(bin, out var place)) return Posting.NoBin(site, bin, "bin");

        var change = new StockChange(tx, site);
        await change.LoadAsync([new RowKey(sku, bin, lot)]);
        var row = change.Row(sku, bin, lot);
        if (body.Expected is { } expected && expected != row.OnHand)
            return Refusal.Conflict("stale_quantity", $"{row.OnHand} units of {sku} are in {bin} now, not {expected}", new Dictionary<string, object?> { ["on_hand"] = row.OnHand });
        var delta = body.Delta ?? body.Counted!.Value - row.OnHand;
        if (row.OnHand + delta < row.Reserved + row.Damaged) return Posting.Insufficient(row, -delta, "reserved and damaged units cannot be adjusted away");
        var doubtful = Math.Max(row.OnHand, row.OnHand + delta) - row.Reserved;
        if (delta > 0 && bin == StockBook.Staging) return Refusal.Conflict("bin_built_in", "staging is filled by picking only");

        StockChange.Place(row, place);
        if (delta > 0) row.Put(delta, tx.Now, null, null);
        else row.Take(-delta);
        // A count answers the question for which units were blocked; a correction leaves as many blocked as are still there.
        row.Blocked = body.Counted is not null ? 0 : Math.Min(row.Blocked, row.OnHand - row.Reserved - row.Damaged);
        if (Posting.TooMuch(row) is { } full) return full;
        change.Move(MovementKind.Adjustment, sku, lot, delta > 0 ? null : bin, delta < 0 ? null : bin, Math.Abs(delta), reason, reference);
        if (!place.Stored) await BinBook.EnsureDefaultsAsync(tx, site);
        if (body.Counted is not null && row.Pickable) await OpenEpoch.CountedAsync(tx, site, sku, doubtful);
        return await Posting.PostOneAsync(tx, site, change, reference);
    }

    private static void CheckAmounts(AdjustmentBody body, Problems problems)
    {
        if (body.Delta is { } delta)
        {
            problems.Check(body.Expected is null && body.Counted is null, "delta", "comes alone, or expected and counted without it");
            problems.Check(delta != 0, "delta", "must not be zero");
            problems.Check(delta is >= -Limits.MaxQuantity and <= Limits.MaxQuantity, "delta", $"must be at most {Limits.MaxQuantity} up or down");
            return;
        }
        problems.Check(body.Expected is not null, "expected", "is required with counted, where no delta is given");
        problems.Check(body.Counted is not null, "counted", "is required with expected, where no delta is given");
        problems.Check(body.Counted is null or (>= 0 and <= Limits.MaxQuantity), "counted", $"must be 0–{Limits.MaxQuantity}");
        problems.Check(body.Expected is null or (>= 0 and <= Limits.MaxQuantity), "expected", $"must be 0–{Limits.MaxQuantity}");
    }
}
