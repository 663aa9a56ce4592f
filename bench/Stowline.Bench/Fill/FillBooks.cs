using Stowline.Contracts;
using Stowline.Site.Stock;
using Stowline.Site.Topology;
using Stowline.Store;

namespace Stowline.Bench.Fill;

/// <summary>The counters and the stock that follow from all filled orders, summed in memory and written at the end.</summary>
internal sealed class FillBooks
{
    private sealed class Sums { public long Promised, Released, Shipped, Waiting, Staged; }

    private readonly Dictionary<(string Site, string Sku), Sums> _sums = [];

    public void Book(string site, IEnumerable<SkuUnits> units, bool cancelled, bool picked, bool shipped)
    {
        foreach (var u in units)
        {
            if (!_sums.TryGetValue((site, u.Sku), out var s)) _sums[(site, u.Sku)] = s = new Sums();
            s.Promised += u.Quantity;
            if (cancelled) s.Released += u.Quantity;
            else if (shipped) s.Shipped += u.Quantity;
            else if (picked) s.Staged += u.Quantity;
            else s.Waiting += u.Quantity;
        }
    }

    public async Task WriteAsync(SqlSession session, DateTimeOffset now)
    {
        var rows = _sums.Select(s => (s.Key.Site, s.Key.Sku, Sums: s.Value)).ToArray();
        var n = rows.Length;
        Column[] Keys() => [Column.From("site", rows, r => r.Site), Column.From("sku", rows, r => r.Sku)];
        await session.UpdateAsync("allotments", """
            promised = allotments.promised + k.more, released = allotments.released + k.less, consumed = allotments.consumed + k.gone, on_hand = allotments.on_hand - k.gone
            """, n, Keys(), Column.From("more", rows, r => r.Sums.Promised), Column.From("less", rows, r => r.Sums.Released), Column.From("gone", rows, r => r.Sums.Shipped));
        await session.UpdateAsync("site_skus", "consumed = site_skus.consumed + k.gone, on_hand = site_skus.on_hand - k.gone, reserved = site_skus.reserved + k.held", n, Keys(),
            Column.From("gone", rows, r => r.Sums.Shipped), Column.From("held", rows, r => r.Sums.Waiting + r.Sums.Staged));
        await session.UpdateAsync("stock", "on_hand = stock.on_hand - k.gone, reserved = stock.reserved + k.held", n,
            [.. Keys(), Column.Same("bin", n, StockBook.Receiving), Column.Same("lot", n, "")],
            Column.From("gone", rows, r => r.Sums.Shipped + r.Sums.Staged), Column.From("held", rows, r => r.Sums.Waiting));
        var staged = rows.Where(r => r.Sums.Staged > 0).ToArray();
        n = staged.Length;
        await session.InsertAsync("stock", n, Column.From("site", staged, r => r.Site), Column.From("sku", staged, r => r.Sku), Column.Same("bin", n, StockBook.Staging),
            Column.Same("lot", n, ""), Column.From("on_hand", staged, r => r.Sums.Staged), Column.From("reserved", staged, r => r.Sums.Staged), Column.Same("damaged", n, 0L),
            Column.Same("blocked", n, 0L), Column.Same("pickable", n, BinBook.StagingPlace.Pickable), Column.Same("bin_order", n, BinBook.StagingPlace.BinOrder),
            Column.Same("received_at", n, now));
        await session.FlushAsync();
    }
}
