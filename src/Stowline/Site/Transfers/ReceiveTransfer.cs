using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;

namespace Stowline.Site.Transfers;

/// <summary>
/// What came of a transfer, by the number on its label: as many units as there are, whatever was announced. <see cref="Complete"/> says that nothing more will come; then the lines may be left out.
/// </summary>
public sealed record TransferReceiptBody(long? Transfer, IReadOnlyList<ReceiptLine?>? Lines, bool? Complete);

/// <summary>What was booked, and how the transfer stands at this site. Without lines there is no receipt.</summary>
public sealed record TransferReceipt(Receipt? Receipt, Arrival Arrival);

/// <summary>
/// Takes in goods from another site (W5), also before they were announced: a receipt with the reference <c>transfer N</c>, which grants them to the hub anew. Dates that are not given are those of the
/// lot as it was announced. Refuses like any receipt.
/// </summary>
public static class ReceiveTransfer
{
    internal static void Map(IEndpointRouteBuilder api, Node node, ArrivalsModule module) =>
        api.Post("/sites/{code}/transfer-receipts", http => SitePath.RunAsync<TransferReceiptBody, TransferReceipt>(http, node,
                (site, body, tx) => DecideAsync(site, body, tx, module.KnowsProduct), 201))
            .WithTags("Transfers").WithSummary("Take in goods from another site").Accepts<TransferReceiptBody>("application/json").Produces<TransferReceipt>(201);

    public static string ReferenceOf(long number) => $"transfer {number}";

    /// <param name="knows">Null where the catalogue need not be asked.</param>
    public static async ValueTask<Outcome<TransferReceipt>> DecideAsync(string site, TransferReceiptBody body, LaneTransaction tx, ProductLookup? knows = null)
    {
        var problems = new Problems();
        problems.Check(body.Transfer is > 0, "transfer", "is required: the number of the transfer");
        problems.Check(body.Lines is { Count: > 0 } || body.Complete == true, "lines", "is required, unless complete is true");
        if (problems.Any) return problems.ToRefusal();
        var (number, session) = (body.Transfer!.Value, tx.Group.Session);
        var known = await Arrivals.FindAsync(session, site, number);
        Receipt? receipt = null;
        IReadOnlyList<TransferLot> lots = [];
        if (body.Lines is { Count: > 0 } given)
        {
            var announced = await Arrivals.LinesAsync(session, site, number);
            ReceiptLine?[] lines = [.. given.Select(l => l is null ? null : Dated(l, announced))];
            var booked = await ReceiveStock.DecideAsync(site, new ReceiptBody(ReferenceOf(number), lines), tx, knows);
            if (booked.Refusal is { } no) return no;
            receipt = booked.Value;
            lots = [.. receipt.Movements.Select((m, i) => new TransferLot(m.Sku, m.Lot, (int)m.Quantity) { ExpiresOn = lines[i]!.ExpiresOn, ManufacturedOn = lines[i]!.ManufacturedOn })];
        }
        var received = new TransferReceived(number, known?.TransferId, receipt?.Id, lots, body.Complete == true);
        await Arrivals.ReceiveAsync(tx, site, received, tx.Now);
        tx.Append(Lane.Site(site), received, $"transfer/{number}", known?.TransferId);
        return new TransferReceipt(receipt, await Arrivals.ShowAsync(session, site, number));
    }

    private static ReceiptLine Dated(ReceiptLine line, IReadOnlyList<Arrivals.Line> announced)
    {
        var lot = string.IsNullOrWhiteSpace(line.Lot) ? "" : line.Lot.Trim();
        return announced.FirstOrDefault(a => a.Sku == line.Sku?.Trim() && a.Lot == lot) is not { } told ? line
            : line with { ExpiresOn = line.ExpiresOn ?? told.ExpiresOn, ManufacturedOn = line.ManufacturedOn ?? told.ManufacturedOn };
    }
}
