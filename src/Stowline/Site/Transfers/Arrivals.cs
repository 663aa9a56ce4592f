using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Transfers;

/// <summary>What comes from another site (W5). Units.</summary>
/// <param name="From">Null while the hub has not announced it: it came first.</param>
/// <param name="Complete">Nothing more will come.</param>
public sealed record Arrival(
    long Number, string? From, string? Carrier, string? TrackingNumber, DateTimeOffset? AnnouncedAt, DateTimeOffset? ReceivedAt, bool Complete, IReadOnlyList<ArrivalLine> Lines);

/// <summary>Units of one lot: announced, and taken in.</summary>
public sealed record ArrivalLine(string Sku, string? Lot, DateOnly? ExpiresOn, long Announced, long Received);

/// <summary>The site's list of what comes from other sites.</summary>
public static class Arrivals
{
    internal sealed record Row
    {
        public long Number { get; init; }
        public Guid? TransferId { get; init; }
        public string? FromSite { get; init; }
        public string? Carrier { get; init; }
        public string? TrackingNumber { get; init; }
        public DateTimeOffset? AnnouncedAt { get; init; }
        public bool Complete { get; init; }
        public DateTimeOffset? ReceivedAt { get; init; }
    }

    internal sealed record Line
    {
        public string Sku { get; init; } = "";
        public string Lot { get; init; } = "";
        public DateOnly? ExpiresOn { get; init; }
        public DateOnly? ManufacturedOn { get; init; }
        public long Announced { get; init; }
        public long Received { get; init; }
    }

    private const string Columns = "number, transfer_id, from_site, carrier, tracking_number, announced_at, complete, received_at";
    private const string LineColumns = "sku, lot, expires_on, manufactured_on, announced, received";

    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.Get("/sites/{code}/arrivals", http => SitePath.ReadAsync(http, node, site => PageAsync(site, new ListQuery(http), node, Requests.Query(http, "open") == "true")))
            .WithTags("Transfers").WithSummary("What comes to a site from others, newest first").Pages<Arrival>()
            .Reads("open", "true for those of which more may come.");

    private static async Task<Outcome<Page<Arrival>>> PageAsync(string site, ListQuery query, Node node, bool onlyOpen)
    {
        var before = query.CursorNumber() ?? long.MaxValue;
        if (query.IsWrong) return query.Refusal;
        return await node.Database.ReadAsync(async session =>
        {
            var rows = await session.QueryAsync<Row>(
                $"SELECT {Columns} FROM transfer_arrivals WHERE site = @site AND number < @before{(onlyOpen ? " AND complete = @no" : "")} ORDER BY number DESC LIMIT @more",
                new { site, before, more = query.More, no = false });
            var views = new List<Arrival>();
            foreach (var row in rows.Take(query.Limit)) views.Add(View(row, await LinesAsync(session, site, row.Number)));
            return new Page<Arrival>(views, rows.Count > query.Limit ? rows[query.Limit - 1].Number.ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
        });
    }

    internal static ValueTask<Row?> FindAsync(SqlSession session, string site, long number) =>
        session.FindAsync<Row>($"SELECT {Columns} FROM transfer_arrivals WHERE site = @site AND number = @number", new { site, number });

    internal static ValueTask<IReadOnlyList<Line>> LinesAsync(SqlSession session, string site, long number) =>
        session.QueryAsync<Line>($"SELECT {LineColumns} FROM transfer_arrival_lines WHERE site = @site AND number = @number ORDER BY sku, lot", new { site, number });

    internal static async ValueTask<Arrival> ShowAsync(SqlSession session, string site, long number) =>
        View((await FindAsync(session, site, number))!, await LinesAsync(session, site, number));

    private static Arrival View(Row row, IReadOnlyList<Line> lines) => new(row.Number, row.FromSite, row.Carrier, row.TrackingNumber, row.AnnouncedAt, row.ReceivedAt, row.Complete,
        [.. lines.Select(l => new ArrivalLine(l.Sku, l.Lot.Length == 0 ? null : l.Lot, l.ExpiresOn, l.Announced, l.Received))]);

    /// <summary>The hub has said what is on its way. It may be here already, in part or in full; then its lots get their dates now, because the label that it was taken in by need not have them.</summary>
    internal static async ValueTask AnnounceAsync(LaneTransaction tx, string site, TransferAnnounced told)
    {
        await tx.WriteAsync("""
            INSERT INTO transfer_arrivals (site, number, transfer_id, from_site, carrier, tracking_number, announced_at, complete) VALUES (@site, @number, @id, @from, @carrier, @tracking, @at, @no)
            ON CONFLICT (site, number) DO UPDATE SET transfer_id = excluded.transfer_id, from_site = excluded.from_site, carrier = excluded.carrier,
                tracking_number = excluded.tracking_number, announced_at = excluded.announced_at
            """, new { site, number = told.Number, id = told.TransferId, from = told.From, carrier = told.Carrier, tracking = told.TrackingNumber, at = told.ShippedAt, no = false });
        var lots = Sum(told.Lots);
        await tx.UpsertAsync("transfer_arrival_lines", "site, number, sku, lot", "announced = excluded.announced, expires_on = excluded.expires_on, manufactured_on = excluded.manufactured_on", lots.Count,
            Column.Same("site", lots.Count, site), Column.Same("number", lots.Count, told.Number), Column.From("sku", lots, l => l.Sku), Column.From("lot", lots, l => l.Lot ?? ""),
            Column.From("expires_on", lots, l => l.ExpiresOn), Column.From("manufactured_on", lots, l => l.ManufacturedOn), Column.From("announced", lots, l => (long)l.Quantity),
            Column.Same("received", lots.Count, 0L));
        var here = (await LinesAsync(tx.Group.Session, site, told.Number)).Where(l => l.Received > 0).Select(l => (l.Sku, l.Lot)).ToHashSet();
        await LotDates.SetAsync(tx, site, [.. lots.Where(l => l.Lot is not null && l.ExpiresOn is not null && here.Contains((l.Sku, l.Lot))).Select(l => new LotDate(l.Sku, l.Lot!, l.ExpiresOn!.Value))]);
        await CompleteAsync(tx, site, told.Number);
    }

    /// <summary>Goods of a transfer were taken in.</summary>
    internal static async ValueTask ReceiveAsync(LaneTransaction tx, string site, TransferReceived received, DateTimeOffset at)
    {
        await tx.WriteAsync("""
            INSERT INTO transfer_arrivals (site, number, complete, received_at) VALUES (@site, @number, @complete, @at)
            ON CONFLICT (site, number) DO UPDATE SET received_at = excluded.received_at
            """, new { site, number = received.Number, complete = received.Complete, at });
        if (received.Complete) await tx.WriteAsync("UPDATE transfer_arrivals SET complete = @yes WHERE site = @site AND number = @number", new { site, number = received.Number, yes = true });
        var lots = Sum(received.Lots);
        await tx.UpsertAsync("transfer_arrival_lines", "site, number, sku, lot", "received = transfer_arrival_lines.received + excluded.received", lots.Count,
            Column.Same("site", lots.Count, site), Column.Same("number", lots.Count, received.Number), Column.From("sku", lots, l => l.Sku), Column.From("lot", lots, l => l.Lot ?? ""),
            Column.From("expires_on", lots, l => l.ExpiresOn), Column.From("manufactured_on", lots, l => l.ManufacturedOn), Column.Same("announced", lots.Count, 0L),
            Column.From("received", lots, l => (long)l.Quantity));
        await CompleteAsync(tx, site, received.Number);
    }

    /// <summary>All that was announced is here, counted per SKU: a lot may be labeled wrong.</summary>
    private static ValueTask CompleteAsync(LaneTransaction tx, string site, long number) => tx.WriteAsync("""
        UPDATE transfer_arrivals SET complete = @yes WHERE site = @site AND number = @number AND announced_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM transfer_arrival_lines l WHERE l.site = @site AND l.number = @number GROUP BY l.sku HAVING SUM(l.received) < SUM(l.announced))
        """, new { site, number, yes = true });

    private static List<TransferLot> Sum(IReadOnlyList<TransferLot> lots) => [.. lots.GroupBy(l => (l.Sku, l.Lot)).Select(g => g.First() with
    {
        Quantity = g.Sum(l => l.Quantity), ExpiresOn = g.Min(l => l.ExpiresOn), ManufacturedOn = g.Min(l => l.ManufacturedOn),
    })];

    private sealed record Sums { public long Number { get; init; } public string Sku { get; init; } = ""; public long Units { get; init; } }

    /// <summary>What was taken in, by the transfer's number and SKU, over the sites whose books are here.</summary>
    internal static async Task<IReadOnlyDictionary<(string Transfer, string Sku), long>> ReceivedAsync(SqlSession session) => (await session.QueryAsync<Sums>(
        "SELECT number, sku, CAST(SUM(received) AS bigint) AS units FROM transfer_arrival_lines GROUP BY number, sku"))
        .ToDictionary(s => (s.Number.ToString(System.Globalization.CultureInfo.InvariantCulture), s.Sku), s => s.Units);
}
