using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Topology;

namespace Stowline.Site.Stock;

/// <summary>Moves units between two bins of one site. Quantity in units, positive.</summary>
public sealed record MoveBody(string? Sku, long? Quantity, string? FromBin, string? ToBin, string? Lot, string? Reason);

/// <summary>
/// Moves available units (W5): kind putaway out of a receiving zone or staging, else transfer. Reserved units stay where their picking task
/// expects them; damaged and blocked ones where they were found. What moves are the oldest units, with their age. Refuses with 404 <c>bin_not_found</c>, 409 <c>bin_locked</c> (target), 409
/// <c>insufficient_stock</c>.
/// </summary>
public static class MoveStock
{
    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.Post("/sites/{code}/moves", http => SitePath.RunAsync<MoveBody, MovementView>(http, node, DecideAsync, 201))
            .WithTags("Stock").WithSummary("Move units from bin to bin").Accepts<MoveBody>("application/json").Produces<MovementView>(201);

    public static async ValueTask<Outcome<MovementView>> DecideAsync(string site, MoveBody body, LaneTransaction tx)
    {
        var problems = new Problems();
        var (sku, quantity) = (problems.Code(body.Sku, "sku"), problems.Quantity(body.Quantity ?? 0, "quantity"));
        var (source, target) = (problems.Code(body.FromBin, "from_bin"), problems.Code(body.ToBin, "to_bin"));
        var lot = Posting.Lot(body.Lot, "lot", problems);
        var reason = problems.Text(body.Reason?.Trim(), "reason", 200);
        problems.Check(source.Length == 0 || source != target, "to_bin", "must differ from from_bin");
        if (problems.Any) return problems.ToRefusal();

        var places = await BinBook.PlacesAsync(tx, site, [source, target]);
        if (!places.TryGetValue(source, out var fromPlace)) return Posting.NoBin(site, source, "from_bin");
        if (!places.TryGetValue(target, out var toPlace)) return Posting.NoBin(site, target, "to_bin");
        if (Posting.MayPut(toPlace) is { } no) return no;
        var change = new StockChange(tx, site);
        await change.LoadAsync([new RowKey(sku, source, lot), new RowKey(sku, target, lot)]);
        var (from, to) = (change.Row(sku, source, lot), change.Row(sku, target, lot));
        if (from.Available < quantity) return Posting.Insufficient(from, quantity, $"{from.Available} can be moved");

        StockChange.Place(to, toPlace);
        from.Carry(to, quantity);
        if (Posting.TooMuch(to) is { } full) return full;
        // Out of staging it is a put-back: goods of a cancelled order become usable again by standing in a pickable bin.
        var kind = source == StockBook.Staging || fromPlace.ZoneType == ZoneType.Receiving ? MovementKind.Putaway : MovementKind.Transfer;
        change.Move(kind, sku, lot, source, target, quantity, reason, null);
        return await Posting.PostOneAsync(tx, site, change);
    }
}
