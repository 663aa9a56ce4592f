using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Site.Stock;

/// <summary>A line of the ledger as it is answered (W4). From nowhere: it came in; to nowhere: it left.</summary>
public sealed record MovementView
{
    public Guid Id { get; init; }
    public long Number { get; init; }
    public MovementKind Kind { get; init; }
    public string Sku { get; init; } = "";
    public string? Lot { get; init; }
    public string? FromBin { get; init; }
    public string? ToBin { get; init; }
    public long Quantity { get; init; }
    public string? Reason { get; init; }
    public string? Reference { get; init; }
    public string Actor { get; init; } = "";
    public DateTimeOffset At { get; init; }

    internal static MovementView Of(MovementLine line, LaneTransaction tx) => new()
    {
        Id = line.Id, Number = line.Number, Kind = line.Kind, Sku = line.Sku, Lot = line.Lot, FromBin = line.FromBin, ToBin = line.ToBin, Quantity = line.Quantity,
        Reason = line.Reason, Reference = line.Reference, Actor = tx.Caller.Actor, At = tx.Now,
    };
}

/// <summary>Asks the catalogue which of these SKUs it has. The site does not know the hub, so the node brings the two together.</summary>
public delegate ValueTask<IReadOnlySet<string>> ProductLookup(LaneTransaction tx, IReadOnlyCollection<string> skus);

/// <summary>What the commands on stock have in common: what they check, and how they end.</summary>
internal static class Posting
{
    /// <summary>Writes a command's change, settles, and appends its event. The last step of every command on stock.</summary>
    public static async ValueTask<IReadOnlyList<MovementLine>> PostAsync(LaneTransaction tx, string site, StockChange change, string? reference, ReceiptFacts? receipt = null)
    {
        var skus = change.Skus;
        var movements = await change.WriteAsync();
        var balances = await StockBook.SettleAsync(tx, site, skus);
        var subject = skus.Count == 1 ? skus.First() : reference;
        tx.Append(Lane.Site(site), new StockMoved(reference, movements, balances) { Receipt = receipt }, $"stock/{site}/{subject}");
        return movements;
    }

    /// <summary>As above for a command that makes one movement.</summary>
    public static async ValueTask<MovementView> PostOneAsync(LaneTransaction tx, string site, StockChange change, string? reference = null) =>
        MovementView.Of((await PostAsync(tx, site, change, reference))[0], tx);

    /// <param name="field">The field that names the SKU, by its index.</param>
    public static async ValueTask<Refusal?> UnknownProductAsync(LaneTransaction tx, ProductLookup? lookup, IReadOnlyList<string> skus, Func<int, string> field)
    {
        if (lookup is null) return null;
        var known = await lookup(tx, [.. skus.Distinct(StringComparer.Ordinal)]);
        var errors = new Dictionary<string, string[]>();
        for (var i = 0; i < skus.Count && errors.Count < 100; i++)
            if (!known.Contains(skus[i])) errors[field(i)] = ["is not in the catalogue"];
        return errors.Count == 0 ? null : Refusal.NotFound("product_not_found", $"there is no product {skus.First(s => !known.Contains(s))}") with { Errors = errors };
    }

    public static Refusal NoBin(string site, string bin, string field) =>
        Refusal.NotFound("bin_not_found", $"{site} has no bin {bin}") with { Errors = new Dictionary<string, string[]> { [field] = ["does not exist"] } };

    /// <summary>Units may be put into a bin by hand: it is not locked, and not staging, which picking fills.</summary>
    public static Refusal? MayPut(BinPlace bin) =>
        bin.Locked ? Refusal.Conflict("bin_locked", $"bin {bin.Code} is locked: {bin.LockReason}")
        : bin.Code == StockBook.Staging ? Refusal.Conflict("bin_built_in", "staging is filled by picking only") : null;

    public static Refusal? TooMuch(StockRow row) => row.OnHand <= Limits.MaxQuantity ? null
        : Refusal.Conflict("quantity_too_large", $"bin {row.Key.Bin} would hold more than {Limits.MaxQuantity} units of {row.Key.Sku}");

    public static Refusal Insufficient(StockRow row, long wanted, string what) => Refusal.Conflict("insufficient_stock",
        $"{wanted} units of {row.Key.Sku} in {row.Key.Bin} were asked for: {what}",
        new Dictionary<string, object?>
        {
            ["on_hand"] = row.OnHand, ["reserved"] = row.Reserved, ["damaged"] = row.Damaged, ["blocked"] = row.Blocked, ["available"] = row.Available,
        });

    /// <summary>A lot, or the empty text for none.</summary>
    public static string Lot(string? lot, string field, Problems problems) => string.IsNullOrWhiteSpace(lot) ? "" : problems.Code(lot, field);

    public static string Reason(string? reason, Problems problems)
    {
        var text = problems.Text(reason?.Trim(), "reason", 200);
        problems.Check(!string.IsNullOrEmpty(text), "reason", "is required");
        return text ?? "";
    }
}
