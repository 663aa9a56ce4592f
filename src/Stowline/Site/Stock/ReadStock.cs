using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Http;
using Stowline.Kernel;

namespace Stowline.Site.Stock;

/// <summary>One row of stock as it is answered (W3). <see cref="Available"/> is on hand less reserved, damaged and blocked (for a count).</summary>
public sealed record StockView
{
    public string Sku { get; init; } = "";
    public string Bin { get; init; } = "";
    public string? Lot { get; init; }
    public long OnHand { get; init; }
    public long Reserved { get; init; }
    public long Damaged { get; init; }
    public long Blocked { get; init; }
    public long Available { get; init; }

    /// <summary>False where the bin is locked or of a kind from which nothing goes to customers.</summary>
    public bool Pickable { get; init; }
    public DateOnly? ExpiresOn { get; init; }
    public DateOnly? ManufacturedOn { get; init; }

    /// <summary>The oldest receipt still in the row: its FIFO age.</summary>
    public DateTimeOffset ReceivedAt { get; init; }
}

/// <summary>Looking stock up by SKU, bin and lot, and the ledger, newest first.</summary>
public static class ReadStock
{
    internal static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/sites/{code}/stock", http => SitePath.ReadAsync(http, node, site => StockAsync(site, new ListQuery(http), node)))
            .WithTags("Stock").WithSummary("Stock per SKU, bin and lot").Pages<StockView>()
            .Reads("sku", "Only this SKU.").Reads("bin", "Only in this bin.").Reads("lot", "Only of this lot.");
        api.Get("/sites/{code}/movements", http => SitePath.ReadAsync(http, node, site => MovementsAsync(site, new ListQuery(http), node)))
            .WithTags("Stock").WithSummary("Movements of the ledger, newest first").Pages<MovementView>()
            .Reads("sku", "Only of this SKU.").Reads("since", "Only at this time or later.", format: "date-time");
    }

    internal static async Task<Outcome<Page<StockView>>> StockAsync(string site, ListQuery query, Node node)
    {
        var after = query.CursorCodes(3);
        var (sku, bin, lot) = (query.Code("sku"), query.Code("bin"), query.Code("lot"));
        if (query.IsWrong) return query.Refusal;
        // Filters are added only where they are given: both databases then find the rows by index. The order is by the column, not by the
        // answer's lot: that is null where there is none, and nulls sort first in one database and last in the other.
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<StockView>($"""
            SELECT sku, bin, NULLIF(lot, '') AS lot, on_hand, reserved, damaged, blocked, on_hand - reserved - damaged - blocked AS available, pickable,
                expires_on, manufactured_on, received_at
            FROM stock WHERE site = @site{(sku is null ? "" : " AND sku = @sku")}{(bin is null ? "" : " AND bin = @bin")}{(lot is null ? "" : " AND lot = @lot")}
                AND (stock.sku, stock.bin, stock.lot) > (@afterSku, @afterBin, @afterLot) ORDER BY stock.sku, stock.bin, stock.lot LIMIT @more
            """, new { site, sku, bin, lot, afterSku = after?[0] ?? "", afterBin = after?[1] ?? "", afterLot = after?[2] ?? "", more = query.More }));
        var last = rows.Count > query.Limit ? rows[query.Limit - 1] : null;
        return new Page<StockView>([.. rows.Take(query.Limit)], last is null ? null : $"{last.Sku}~{last.Bin}~{last.Lot}");
    }

    internal static async Task<Outcome<Page<MovementView>>> MovementsAsync(string site, ListQuery query, Node node)
    {
        var before = query.CursorNumber() ?? long.MaxValue;
        var (sku, since) = (query.Code("sku"), query.Time("since"));
        if (query.IsWrong) return query.Refusal;
        // Times are not asked of the database: behind the last movement that fits, it would walk through the whole ledger for another one. Numbers
        // follow time, but for the clocks of several processes, so the list ends where a page reaches a minute further back.
        var (found, page) = (new List<MovementView>(), (IReadOnlyList<MovementView>)[]);
        do
        {
            page = await node.Database.ReadAsync(async s => await s.QueryAsync<MovementView>($"""
                SELECT id, number, kind, sku, NULLIF(lot, '') AS lot, from_bin, to_bin, quantity, reason, reference, actor, at
                FROM movements WHERE site = @site AND number < @before{(sku is null ? "" : " AND sku = @sku")} ORDER BY number DESC LIMIT @more
                """, new { site, before, sku, more = query.More }));
            found.AddRange(since is null ? page : page.Where(m => m.At >= since));
            if (page.Count > 0) before = page[^1].Number;
        }
        while (found.Count < query.More && page.Count == query.More && page[^1].At >= since - TimeSpan.FromMinutes(1));
        return new Page<MovementView>([.. found.Take(query.Limit)],
            found.Count > query.Limit ? found[query.Limit - 1].Number.ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
    }
}
