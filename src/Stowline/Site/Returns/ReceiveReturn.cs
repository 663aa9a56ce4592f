using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Site.Topology;

namespace Stowline.Site.Returns;

/// <summary>How a returned unit is: good ones can be sold again, damaged ones are counted as damaged.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ReturnCondition>))]
public enum ReturnCondition { Good = 1, Damaged = 2 }

/// <summary>Goods from a customer. The order is its id or number, where it is known.</summary>
public sealed record ReceiveReturnBody
{
    public string? Reference { get; init; }
    public string? Order { get; init; }
    public string? Reason { get; init; }
    public IReadOnlyList<ReturnLineBody?>? Lines { get; init; }
}

public sealed record ReturnLineBody
{
    public string? Sku { get; init; }
    public long Quantity { get; init; }
    /// <summary>RECEIVING when missing.</summary>
    public string? Bin { get; init; }
    public string? Lot { get; init; }
    /// <summary>good or damaged; good when missing.</summary>
    public string? Condition { get; init; }
}

/// <summary>A line of a return as it was counted.</summary>
public sealed record ReturnLine(string Sku, int Quantity, string Bin, string? Lot, ReturnCondition Condition);

public sealed record ReturnReceipt(Guid Id, long Number, IReadOnlyList<MovementLine> Movements);

/// <summary>
/// Takes goods back from a customer (F13): one movement per line, good units granted again. Lane: the site's. Refusals: <c>bin_not_found</c>,
/// <c>order_not_found</c> for a number that this site never served.
/// </summary>
public static class ReceiveReturn
{
    public static async ValueTask<Outcome<ReturnReceipt>> DecideAsync(string site, ReceiveReturnBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var reference = problems.Required(body.Reference, "reference", 200);
        var reason = problems.Required(body.Reason, "reason", 500);
        var lines = ReadLines(body.Lines, problems);
        Guid orderId = default;
        long number = 0;
        problems.Check(body.Order is null || Guid.TryParse(body.Order, out orderId) || long.TryParse(body.Order, NumberStyles.None, CultureInfo.InvariantCulture, out number),
            "order", "must be an order's id or number");
        if (problems.Any) return problems.ToRefusal();
        Guid? order = body.Order is null ? null : orderId != default ? orderId : await FulfillmentOrders.FindByNumberAsync(tx.Group.Session, site, number);
        if (body.Order is not null && order is null) return Refusal.NotFound("order_not_found", $"{site} has never served order {body.Order}");
        string[] bins = [.. lines.Select(l => l.Bin).Distinct(StringComparer.Ordinal)];
        var known = await BinBook.PlacesAsync(tx, site, bins);
        if (bins.FirstOrDefault(b => !known.ContainsKey(b)) is { } unknown) return Refusal.NotFound("bin_not_found", $"there is no bin {unknown} at {site}");
        // What stands in staging belongs to parts of orders; a stray unit there would never be sold again.
        if (bins.Contains(StockBook.Staging)) return Refusal.Conflict("bin_not_usable", "returns cannot be put into STAGING");
        return await WriteAsync(tx, site, order, reference, reason, lines);
    }

    private static async ValueTask<ReturnReceipt> WriteAsync(LaneTransaction tx, string site, Guid? order, string reference, string reason, List<ReturnLine> lines)
    {
        var id = tx.NewId();
        var number = await tx.NextNumberAsync("return", Lane.Site(site));
        var movements = await StockBook.ReturnAsync(tx, site,
            [.. lines.Select(l => (new StockUnits(l.Sku, l.Bin, l.Lot, l.Quantity), l.Condition == ReturnCondition.Damaged))], reason, reference);
        await InsertAsync(tx, id, number, site, order, reference, reason, lines, tx.Now);
        var balances = await StockBook.SettleAsync(tx, site, [.. lines.Select(l => l.Sku).Distinct(StringComparer.Ordinal)]);
        Guid[] damaged = [.. movements.Where((_, i) => lines[i].Condition == ReturnCondition.Damaged).Select(m => m.Id)];
        tx.Append(Lane.Site(site), new ReturnReceived(id, number, order, reference, reason, movements, balances) { Damaged = damaged.Length == 0 ? null : damaged }, order?.ToString() ?? $"return/{number}", order);
        return new ReturnReceipt(id, number, movements);
    }

    private static ValueTask InsertAsync(LaneTransaction tx, Guid id, long number, string site, Guid? order, string reference, string reason, List<ReturnLine> lines, DateTimeOffset at) => tx.WriteAsync(
        "INSERT INTO returns (id, number, site, order_id, reference, reason, lines, at) VALUES (@id, @number, @site, @order, @reference, @reason, @lines, @at)",
        new { id, number, site, order, reference, reason, lines = JsonSerializer.Serialize(lines, ReturnsJson.Default.ListReturnLine), at });

    /// <summary>Brings back a return that a restore has lost, by the event that told of it.</summary>
    internal static ValueTask RecoverAsync(string site, EventRecord e, LaneTransaction tx)
    {
        var told = e.Read<ReturnReceived>();
        return InsertAsync(tx, told.ReturnId, told.Number, site, told.OrderId, told.Reference, told.Reason, [.. told.Movements
            .Select(m => new ReturnLine(m.Sku, m.Quantity, m.ToBin ?? "", m.Lot, told.Damaged?.Contains(m.Id) == true ? ReturnCondition.Damaged : ReturnCondition.Good))], e.At);
    }

    private static List<ReturnLine> ReadLines(IReadOnlyList<ReturnLineBody?>? lines, Problems problems)
    {
        var read = new List<ReturnLine>();
        if (lines is not { Count: > 0 }) problems.Add("lines", "is required");
        else if (lines.Count > Limits.MaxOrderLines) problems.Add("lines", $"must be at most {Limits.MaxOrderLines}");
        else
        {
            for (var i = 0; i < lines.Count; i++)
            {
                var line = lines[i] ?? new ReturnLineBody();
                var at = $"lines[{i}].";
                problems.Check(SnakeCaseEnum<ReturnCondition>.TryParse(line.Condition ?? "good", out var condition), at + "condition", SnakeCaseEnum<ReturnCondition>.Choices);
                read.Add(new ReturnLine(problems.Code(line.Sku, at + "sku"), problems.Quantity(line.Quantity, at + "quantity"),
                    line.Bin is null ? StockBook.Receiving : problems.Code(line.Bin, at + "bin"), line.Lot is null ? null : problems.Code(line.Lot, at + "lot"), condition));
            }
        }
        return read;
    }

    internal static Task PostAsync(HttpContext http, Node node, string code)
    {
        if (!CodeRule.TryNormalize(code, out var site)) return Answers.WriteAsync(http, Refusal.NotFound("site_not_found", $"there is no site {code}"));
        return Commands.RunAsync<ReceiveReturnBody, ReturnReceipt>(http, node.Lanes, Lane.Site(site), (body, tx) => DecideAsync(site, body, tx), StatusCodes.Status201Created);
    }
}
