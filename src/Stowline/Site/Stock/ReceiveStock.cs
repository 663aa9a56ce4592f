using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Goods that arrive: one document of a supplier, a production or a transfer.</summary>
public sealed record ReceiptBody(string? Reference, IReadOnlyList<ReceiptLine?>? Lines);

/// <summary>One line of a receipt. Without a bin the goods stand in RECEIVING.</summary>
public sealed record ReceiptLine
{
    public string? Sku { get; init; }
    public long? Quantity { get; init; }
    public string? Bin { get; init; }
    public string? Lot { get; init; }
    public DateOnly? ExpiresOn { get; init; }
    public DateOnly? ManufacturedOn { get; init; }

    /// <summary>One per unit, unique per SKU at the site.</summary>
    public IReadOnlyList<string?>? Serials { get; init; }
}

/// <summary>A receipt as it was booked.</summary>
public sealed record Receipt(Guid Id, long Number, string Reference, IReadOnlyList<MovementView> Movements);

/// <summary>
/// Receives goods (W3, W4): movements of kind receiving, all lines or none. Refuses with 404 <c>product_not_found</c>, 404
/// <c>bin_not_found</c>, 409 <c>bin_locked</c>, 409 <c>serial_taken</c>, 409 <c>quantity_too_large</c>.
/// </summary>
public static class ReceiveStock
{
    public const int MaxLines = 10_000;

    internal static void Map(IEndpointRouteBuilder api, Node node, StockModule module) =>
        api.Post("/sites/{code}/receipts", http => SitePath.RunAsync<ReceiptBody, Receipt>(http, node,
                (site, body, tx) => DecideAsync(site, body, tx, module.KnowsProduct), 201))
            .WithTags("Stock").WithSummary("Receive goods: one movement per line").Accepts<ReceiptBody>("application/json").Produces<Receipt>(201);

    internal sealed record Line(string Sku, int Quantity, string Bin, string Lot, DateOnly? ExpiresOn, DateOnly? ManufacturedOn, IReadOnlyList<string> Serials);

    /// <param name="knows">Null where the catalogue need not be asked.</param>
    public static async ValueTask<Outcome<Receipt>> DecideAsync(string site, ReceiptBody body, LaneTransaction tx, ProductLookup? knows = null)
    {
        var problems = new Problems();
        var (reference, lines) = Check(body, problems);
        if (problems.Any) return problems.ToRefusal();
        if (await Posting.UnknownProductAsync(tx, knows, [.. lines.Select(l => l.Sku)], i => $"lines[{i}].sku") is { } unknown) return unknown;

        var places = await BinBook.PlacesAsync(tx, site, [.. lines.Select(l => l.Bin)]);
        for (var i = 0; i < lines.Count; i++)
        {
            if (!places.TryGetValue(lines[i].Bin, out var place)) return Posting.NoBin(site, lines[i].Bin, $"lines[{i}].bin");
            if (Posting.MayPut(place) is { } no) return no;
        }
        var serials = lines.SelectMany(l => l.Serials.Select(s => new NewSerial(l.Sku, s, l.Lot))).ToList();
        if (await Serials.HereAsync(tx, site, serials) is { } taken)
            return Refusal.Conflict("serial_taken", $"serial {taken.Serial} of {taken.Sku} is at {site} already");

        var change = new StockChange(tx, site);
        await change.LoadAsync(lines.Select(l => new RowKey(l.Sku, l.Bin, l.Lot)));
        foreach (var line in lines)
        {
            var row = change.Row(line.Sku, line.Bin, line.Lot);
            StockChange.Place(row, places[line.Bin]);
            row.Put(line.Quantity, tx.Now, line.ExpiresOn, line.ManufacturedOn);
            if (Posting.TooMuch(row) is { } full) return full;
            change.Move(MovementKind.Receiving, line.Sku, line.Lot, null, line.Bin, line.Quantity, null, reference, line.ExpiresOn, line.ManufacturedOn);
        }
        if (places.Values.Any(p => !p.Stored)) await BinBook.EnsureDefaultsAsync(tx, site);
        return await WriteAsync(site, reference, change, serials, tx);
    }

    /// <summary>Whether goods came in at the site under this reference already. Receipts by hand may share one; an import takes each once.</summary>
    internal static async ValueTask<bool> IsReceivedAsync(LaneTransaction tx, string site, string reference) =>
        await tx.FindAsync<long?>("SELECT number FROM receipts WHERE site = @site AND reference = @reference LIMIT 1", new { site, reference }) is not null;

    private static async ValueTask<Outcome<Receipt>> WriteAsync(string site, string reference, StockChange change, IReadOnlyList<NewSerial> serials, LaneTransaction tx)
    {
        var (id, number) = (tx.NewId(), await tx.NextNumberAsync("receipt", Lane.Site(site)));
        await InsertAsync(tx, site, number, id, reference, tx.Caller.Actor, tx.Now);
        await Serials.ArriveAsync(tx, site, number, serials);
        var units = serials.Count == 0 ? null : serials.Select(s => new SerialUnit(s.Sku, s.Serial, s.Lot.Length == 0 ? null : s.Lot)).ToList();
        var movements = await Posting.PostAsync(tx, site, change, reference, new ReceiptFacts(id, number, units));
        return new Receipt(id, number, reference, [.. movements.Select(m => MovementView.Of(m, tx))]);
    }

    internal static ValueTask InsertAsync(LaneTransaction tx, string site, long number, Guid id, string reference, string actor, DateTimeOffset at) => tx.WriteAsync(
        "INSERT INTO receipts (site, number, id, reference, actor, at) VALUES (@site, @number, @id, @reference, @actor, @at)", new { site, number, id, reference, actor, at });

    internal static (string Reference, IReadOnlyList<Line> Lines) Check(ReceiptBody body, Problems problems)
    {
        var reference = problems.Text(body.Reference?.Trim(), "reference", 128);
        problems.Check(!string.IsNullOrEmpty(reference), "reference", "is required");
        var count = body.Lines?.Count ?? 0;
        problems.Check(count > 0, "lines", "is required");
        problems.Check(count <= MaxLines, "lines", $"must be at most {MaxLines}");
        if (problems.Any) return ("", []);
        var lines = new List<Line>(count);
        var seen = new HashSet<(string, string)>();
        for (var i = 0; i < count; i++)
        {
            if (body.Lines![i] is not { } line) problems.Add($"lines[{i}]", "must not be null");
            else lines.Add(Check(line, $"lines[{i}].", seen, problems));
        }
        return (reference!, lines);
    }

    private static Line Check(ReceiptLine line, string at, HashSet<(string, string)> seen, Problems problems)
    {
        var sku = problems.Code(line.Sku, at + "sku");
        var quantity = problems.Quantity(line.Quantity ?? 0, at + "quantity");
        CheckDate(line.ExpiresOn, at + "expires_on", problems);
        CheckDate(line.ManufacturedOn, at + "manufactured_on", problems);
        var serials = new List<string>();
        if (line.Serials is { Count: > 0 } given)
        {
            problems.Check(given.Count == quantity, at + "serials", "must be one per unit");
            for (var i = 0; i < given.Count && i <= quantity; i++)
            {
                var serial = problems.Code(given[i], $"{at}serials[{i}]");
                problems.Check(serial.Length == 0 || seen.Add((sku, serial)), $"{at}serials[{i}]", "is given twice");
                serials.Add(serial);
            }
        }
        return new Line(sku, quantity, string.IsNullOrWhiteSpace(line.Bin) ? StockBook.Receiving : problems.Code(line.Bin, at + "bin"),
            Posting.Lot(line.Lot, at + "lot", problems), line.ExpiresOn, line.ManufacturedOn, serials);
    }

    private static void CheckDate(DateOnly? date, string field, Problems problems) =>
        problems.Check(date is null or { Year: >= 1970 and <= 2999 }, field, "must be a date from 1970 to 2999");
}

internal sealed record NewSerial(string Sku, string Serial, string Lot);

/// <summary>Serial numbers (W3): which units of a SKU are, or were, at the site.</summary>
public static class Serials
{
    /// <summary>The first of these that stands at the site already.</summary>
    internal static async ValueTask<NewSerial?> HereAsync(LaneTransaction tx, string site, IReadOnlyList<NewSerial> serials)
    {
        var here = await StandingAsync(tx, site, serials);
        return serials.FirstOrDefault(here.Contains);
    }

    private static async ValueTask<HashSet<NewSerial>> StandingAsync(LaneTransaction tx, string site, IReadOnlyList<NewSerial> serials)
    {
        var here = new HashSet<(string, string)>();
        await tx.SelectAsync("SELECT sku, serial FROM serials WHERE site = k.site AND sku = k.sku AND serial = k.serial AND left_at IS NULL", serials.Count,
            [Column.Same("site", serials.Count, site), Column.From("sku", serials, s => s.Sku), Column.From("serial", serials, s => s.Serial)],
            row => here.Add((row.GetString(0), row.GetString(1))));
        return [.. serials.Where(s => here.Contains((s.Sku, s.Serial)))];
    }

    internal static ValueTask ArriveAsync(LaneTransaction tx, string site, long receipt, IReadOnlyList<NewSerial> serials) =>
        serials.Count == 0 ? ValueTask.CompletedTask : tx.UpsertAsync("serials", "site, sku, serial",
            "lot = excluded.lot, receipt_number = excluded.receipt_number, received_at = excluded.received_at, left_reference = NULL, left_at = NULL", serials.Count,
            Column.Same("site", serials.Count, site), Column.From("sku", serials, s => s.Sku), Column.From("serial", serials, s => s.Serial),
            Column.From("lot", serials, s => s.Lot), Column.Same("receipt_number", serials.Count, receipt), Column.Same("received_at", serials.Count, tx.Now));

    /// <summary>Notes that units left. Serials that never stood at the site are none of its business.</summary>
    public static async ValueTask LeaveAsync(LaneTransaction tx, string site, string sku, IReadOnlyList<string> serials, string reference)
    {
        var here = (await StandingAsync(tx, site, [.. serials.Distinct(StringComparer.Ordinal).Select(s => new NewSerial(sku, s, ""))])).ToList();
        await tx.UpdateAsync("serials", "left_reference = k.reference, left_at = k.gone_at", here.Count,
            [Column.Same("site", here.Count, site), Column.Same("sku", here.Count, sku), Column.From("serial", here, s => s.Serial)],
            Column.Same("reference", here.Count, reference), Column.Same("gone_at", here.Count, tx.Now));
    }
}
