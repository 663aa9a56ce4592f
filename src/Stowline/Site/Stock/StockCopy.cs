using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>Units per (SKU, bin, lot) that open tasks of a site hold, for these SKUs. No lot is the empty text.</summary>
public delegate Task<IReadOnlyDictionary<(string Sku, string Bin, string Lot), long>> ReservedLookup(SqlSession session, string site, IReadOnlyCollection<string> skus);

/// <summary>
/// The hub's copy of what lies at a site with a node of its own: the movements of its lane, summed. Read-only, and as old as the last that was heard. What
/// events do not tell (dates of lots, blocks for a count, which bins are locked) is not in it.
/// </summary>
internal sealed class StockCopy(string site) : Consumer
{
    public override string Name => "stock-copy";
    public override Lane Target(Lane source) => source;
    public override bool Wants(string type) => type == StockMoved.Type || type == StockExpired.Type || type == ItemPicked.Type || type == PartShipped.Type || type == ReturnReceived.Type;

    private static IReadOnlyList<MovementLine> MovementsOf(EventRecord e) =>
        e.Type == StockMoved.Type ? e.Read<StockMoved>().Movements
        : e.Type == StockExpired.Type ? e.Read<StockExpired>().Movements
        : e.Type == ItemPicked.Type ? e.Read<ItemPicked>().Movements
        : e.Type == PartShipped.Type ? e.Read<PartShipped>().Movements
        : e.Read<ReturnReceived>().Movements;

    /// <summary>A site is moved out: its stock as it is now is what the copy goes on from.</summary>
    public static async ValueTask BeginAsync(string site, LaneTransaction tx)
    {
        await tx.WriteAsync("DELETE FROM stock_copies WHERE site = @site", new { site });
        await tx.WriteAsync("""
            INSERT INTO stock_copies (site, sku, bin, lot, on_hand, damaged, as_of) SELECT site, sku, bin, lot, on_hand, damaged, @now FROM stock WHERE site = @site
            """, new { site, now = tx.Now });
        await tx.StartAtEndAsync(new StockCopy(site).Name, Lane.Site(site));
    }

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        var changes = new Dictionary<(string Sku, string Bin, string Lot), (long OnHand, long Damaged, DateTimeOffset At)>();
        void Add(MovementLine line, string? bin, long onHand, long damaged, DateTimeOffset at)
        {
            if (bin is null) return;
            var key = (line.Sku, bin, line.Lot ?? "");
            var sum = changes.GetValueOrDefault(key);
            changes[key] = (sum.OnHand + onHand, sum.Damaged + damaged, at);
        }
        foreach (var e in events)
        {
            var damaged = e.Type == ReturnReceived.Type ? e.Read<ReturnReceived>().Damaged ?? [] : [];
            foreach (var line in MovementsOf(e))
            {
                // Damage stays where it is, and disposal takes what is damaged.
                if (line.Kind == MovementKind.Damage && line.FromBin == line.ToBin)
                {
                    Add(line, line.FromBin, 0, line.Quantity, e.At);
                    continue;
                }
                Add(line, line.FromBin, -line.Quantity, line.Kind == MovementKind.Disposal ? -line.Quantity : 0, e.At);
                Add(line, line.ToBin, line.Quantity, damaged.Contains(line.Id) ? line.Quantity : 0, e.At);
            }
        }
        if (changes.Count == 0) return;
        var rows = changes.ToList();
        await tx.UpsertAsync("stock_copies", "site, sku, bin, lot",
            "on_hand = stock_copies.on_hand + excluded.on_hand, damaged = stock_copies.damaged + excluded.damaged, as_of = excluded.as_of", rows.Count,
            Column.Same("site", rows.Count, site), Column.From("sku", rows, r => r.Key.Sku), Column.From("bin", rows, r => r.Key.Bin), Column.From("lot", rows, r => r.Key.Lot),
            Column.From("on_hand", rows, r => r.Value.OnHand), Column.From("damaged", rows, r => r.Value.Damaged), Column.From("as_of", rows, r => r.Value.At));
    }

    /// <summary>The copy as <see cref="ReadStock"/> answers it, with what open tasks hold.</summary>
    public static async Task<Outcome<Page<StockView>>> ReadAsync(string site, ListQuery query, Node node, ReservedLookup? reservedAt)
    {
        var after = query.CursorCodes(3);
        var (sku, bin, lot) = (query.Code("sku"), query.Code("bin"), query.Code("lot"));
        if (query.IsWrong) return query.Refusal;
        return await node.Database.SnapshotAsync(async session =>
        {
            var rows = await session.QueryAsync<StockView>($"""
                SELECT sku, bin, NULLIF(lot, '') AS lot, on_hand, damaged, as_of, as_of AS received_at FROM stock_copies
                WHERE site = @site AND on_hand > 0{(sku is null ? "" : " AND sku = @sku")}{(bin is null ? "" : " AND bin = @bin")}{(lot is null ? "" : " AND lot = @lot")}
                    AND (stock_copies.sku, stock_copies.bin, stock_copies.lot) > (@afterSku, @afterBin, @afterLot)
                ORDER BY stock_copies.sku, stock_copies.bin, stock_copies.lot LIMIT @more
                """, new { site, sku, bin, lot, afterSku = after?[0] ?? "", afterBin = after?[1] ?? "", afterLot = after?[2] ?? "", more = query.More });
            StockView[] page = [.. rows.Take(query.Limit)];
            var held = reservedAt is null || page.Length == 0 ? null : await reservedAt(session, site, [.. page.Select(r => r.Sku).Distinct(StringComparer.Ordinal)]);
            return new Page<StockView>([.. page.Select(r =>
            {
                var reserved = held?.GetValueOrDefault((r.Sku, r.Bin, r.Lot ?? "")) ?? 0;
                return r with { Reserved = reserved, Available = Math.Max(0, r.OnHand - reserved - r.Damaged), Pickable = true };
            })], rows.Count > query.Limit ? $"{page[^1].Sku}~{page[^1].Bin}~{page[^1].Lot}" : null);
        });
    }
}
