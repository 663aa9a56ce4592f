using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Site.Stock;

/// <summary>Units of one stock row, and why.</summary>
public sealed record DamageBody(string? Sku, string? Bin, string? Lot, long? Quantity, string? Reason);

/// <summary>
/// Damage (W4): available units become damaged where they stand (a movement in place), and are withdrawn from the hub. Disposal: damaged
/// units leave the site. Too few of either kind: 409 <c>insufficient_stock</c>.
/// </summary>
public static class DamageStock
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Post("/sites/{code}/damages", http => SitePath.RunAsync<DamageBody, MovementView>(http, node, DamageAsync, 201))
            .WithTags("Stock").WithSummary("Record damage: available units become damaged where they stand").Accepts<DamageBody>("application/json").Produces<MovementView>(201);
        api.Post("/sites/{code}/disposals", http => SitePath.RunAsync<DamageBody, MovementView>(http, node, DisposeAsync, 201))
            .WithTags("Stock").WithSummary("Dispose of damaged units").Accepts<DamageBody>("application/json").Produces<MovementView>(201);
    }

    public static ValueTask<Outcome<MovementView>> DamageAsync(string site, DamageBody body, LaneTransaction tx) => DecideAsync(site, body, tx, MovementKind.Damage);
    public static ValueTask<Outcome<MovementView>> DisposeAsync(string site, DamageBody body, LaneTransaction tx) => DecideAsync(site, body, tx, MovementKind.Disposal);

    private static async ValueTask<Outcome<MovementView>> DecideAsync(string site, DamageBody body, LaneTransaction tx, MovementKind kind)
    {
        var problems = new Problems();
        var (sku, bin, lot) = (problems.Code(body.Sku, "sku"), problems.Code(body.Bin, "bin"), Posting.Lot(body.Lot, "lot", problems));
        var quantity = problems.Quantity(body.Quantity ?? 0, "quantity");
        var reason = Posting.Reason(body.Reason, problems);
        if (problems.Any) return problems.ToRefusal();

        var change = new StockChange(tx, site);
        await change.LoadAsync([new RowKey(sku, bin, lot)]);
        var row = change.Row(sku, bin, lot);
        if (kind == MovementKind.Damage)
        {
            if (row.Available < quantity) return Posting.Insufficient(row, quantity, $"{row.Available} are available");
            row.Damaged += quantity;
            row.Touched = true;
        }
        else
        {
            if (row.Damaged < quantity) return Posting.Insufficient(row, quantity, $"{row.Damaged} are damaged");
            row.Damaged -= quantity;
            row.Take(quantity);
        }
        change.Move(kind, sku, lot, bin, kind == MovementKind.Damage ? bin : null, quantity, reason, null);
        return await Posting.PostOneAsync(tx, site, change);
    }
}
