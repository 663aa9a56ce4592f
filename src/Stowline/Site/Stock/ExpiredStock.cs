using System.Globalization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Site.Stock;

/// <summary>
/// Lots that have expired by the site's date (W3, F3): the day after <c>expires_on</c>. Their available units become damaged where they stand, by movements with the reason, and so are
/// withdrawn from the hub; disposal takes them out. Units that a picking task holds stay with it, and blocked ones wait for their count.
/// </summary>
public static class ExpiredStock
{
    /// <summary>Most rows that one command sets aside.</summary>
    internal const int Step = 200;

    private sealed record Place { public string Sku { get; init; } = ""; public string Bin { get; init; } = ""; public string Lot { get; init; } = ""; }

    private const string Select = """
        SELECT sku, bin, lot FROM stock WHERE site = @site AND expires_on < @today AND on_hand > reserved + damaged + blocked AND bin <> @staging
        ORDER BY expires_on, sku, bin, lot LIMIT @limit
        """;

    /// <summary>Whether anything at the site has expired that is not set aside.</summary>
    internal static async Task<bool> AnyAsync(SqlSession session, string site, DateTimeOffset now) =>
        (await session.QueryAsync<Place>(Select, new { site, today = await SiteClock.TodayAsync(session, site, now), staging = StockBook.Staging, limit = 1 })).Count > 0;

    /// <summary>Sets aside what has expired at the site, a bounded number of rows. Answers how many.</summary>
    public static async ValueTask<Outcome<int>> DecideAsync(string site, LaneTransaction tx)
    {
        var today = await SiteClock.TodayAsync(tx, site);
        var rows = await tx.QueryAsync<Place>(Select, new { site, today, staging = StockBook.Staging, limit = Step });
        if (rows.Count == 0) return 0;
        var change = new StockChange(tx, site);
        await change.LoadAsync(rows.Select(r => new RowKey(r.Sku, r.Bin, r.Lot)));
        SetAside(change, rows.Select(r => change.Row(r.Sku, r.Bin, r.Lot)), today);
        var skus = change.Skus;
        var movements = await change.WriteAsync();
        Tell(tx, site, movements, await StockBook.SettleAsync(tx, site, skus));
        return rows.Count;
    }

    /// <summary>Those of the places that still hold damaged units: what was set aside there has not been taken away.</summary>
    public static async ValueTask<IReadOnlyList<CountedStock.Place>> StillThereAsync(LaneTransaction tx, string site, IReadOnlyList<CountedStock.Place> places)
    {
        var there = new HashSet<(string, string, string)>();
        await tx.SelectAsync("SELECT s.sku, s.bin, s.lot FROM stock s WHERE s.site = k.site AND s.sku = k.sku AND s.bin = k.bin AND s.lot = k.lot AND s.damaged > 0", places.Count,
            [Column.Same("site", places.Count, site), Column.From("sku", places, p => p.Sku), Column.From("bin", places, p => p.Bin), Column.From("lot", places, p => p.Lot ?? "")],
            row => there.Add((row.GetString(0), row.GetString(1), row.GetString(2))));
        return [.. places.Where(p => there.Contains((p.Sku, p.Bin, p.Lot ?? "")))];
    }

    /// <summary>
    /// Sets aside, in memory, the expired among rows from which units are about to be taken. Whoever settles afterwards withdraws them, so the hub does not promise them again: without that, an
    /// order could be sent back and forth between a hub that thinks they are there and a site that does not give them.
    /// </summary>
    internal static async ValueTask<bool> SetAsideAsync(LaneTransaction tx, string site, StockChange change, IEnumerable<StockRow> rows)
    {
        StockRow[] dated = [.. rows.Where(r => r.ExpiresOn is not null)];
        return dated.Length > 0 && SetAside(change, dated, await SiteClock.TodayAsync(tx, site));
    }

    /// <summary>Tells of what was set aside, where anything was.</summary>
    /// <param name="balances">Empty where the command tells them in another event.</param>
    internal static void Tell(LaneTransaction tx, string site, IReadOnlyList<MovementLine> movements, IReadOnlyList<Balance> balances) =>
        tx.Append(Lane.Site(site), new StockExpired(movements, balances), $"stock/{site}/expired");

    private static bool SetAside(StockChange change, IEnumerable<StockRow> rows, DateOnly today)
    {
        var any = false;
        foreach (var row in rows.Where(r => r.ExpiresOn < today && r.Available > 0))
        {
            var units = row.Available;
            row.Damaged += units;
            row.Touched = any = true;
            change.Move(MovementKind.Damage, row.Key.Sku, row.Key.Lot, row.Key.Bin, row.Key.Bin, units,
                "expired on " + row.ExpiresOn!.Value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), null);
        }
        return any;
    }
}

/// <summary>Looks every minute for lots that have expired at the sites of this node. A second process finds what the first has set aside gone.</summary>
internal sealed class ExpiryWatch(Node node) : SiteRounds(node)
{
    public override string Name => "expired lots";
    protected override Task<bool> IsDueAsync(SqlSession session, string site, DateTimeOffset now) => ExpiredStock.AnyAsync(session, site, now);
    protected override ValueTask<Outcome<int>> DecideAsync(string site, LaneTransaction tx) => ExpiredStock.DecideAsync(site, tx);
}
