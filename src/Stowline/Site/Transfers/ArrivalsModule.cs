using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Log;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Site.Transfers;

/// <summary>The receiving end of transfers between sites (W5). The sending end is a part like an order's.</summary>
internal sealed class ArrivalsModule : Module
{
    public ArrivalsModule() => HttpJson.Add(ArrivalsJson.Default);

    public override string Name => "arrivals";

    /// <summary>Which SKUs the catalogue has; null accepts all.</summary>
    public ProductLookup? KnowsProduct { get; set; }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        ReceiveTransfer.Map(api, node, this);
        Arrivals.Map(api, node);
    }

    public override IEnumerable<(Consumer Consumer, Lane Source)> ConsumersFor(string site, Node node) =>
        node.IsRemote(site) ? [] : [(new ArrivalConsumer(site), Lane.HubTo(site))];

    public override IReadOnlyList<SiteTable> SiteTables => [new("transfer_arrival_lines"), new("transfer_arrivals")];

    public override bool Recovers(string type) => type == TransferReceived.Type;

    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.Site(site) && e.Type == TransferReceived.Type)) await Arrivals.ReceiveAsync(tx, site, e.Read<TransferReceived>(), e.At);
    }

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) => [("arrivals", ArrivalsAsync)];

    private sealed record SiteRow { public string Site { get; init; } = ""; public long Number { get; init; } public long Units { get; init; } }

    /// <summary>What was taken in of each transfer the ledger has received under its reference; somebody may have booked more there by hand.</summary>
    private static async Task<string?> ArrivalsAsync(SqlSession session)
    {
        var rows = await session.QueryAsync<SiteRow>("SELECT site, number, CAST(SUM(received) AS bigint) AS units FROM transfer_arrival_lines GROUP BY site, number ORDER BY site, number");
        foreach (var site in rows.GroupBy(r => r.Site, StringComparer.Ordinal))
        {
            var ledger = await LedgerSums.ByReferenceAsync(session, site.Key, ReceiveTransfer.ReferenceOf(0)[..^1]);
            foreach (var row in site)
                if (ledger.GetValueOrDefault((MovementKind.Receiving, ReceiveTransfer.ReferenceOf(row.Number))) is var units && units < row.Units)
                    return $"{row.Site}: {row.Units} units of transfer {row.Number} were taken in, the ledger received only {units}";
        }
        return null;
    }
}

/// <summary>Reads what the hub says is on its way to the site.</summary>
internal sealed class ArrivalConsumer(string site) : Consumer
{
    public override string Name => "arrivals";
    public override Lane Target(Lane source) => Lane.Site(site);
    public override bool Wants(string type) => type == TransferAnnounced.Type;

    public override async ValueTask HandleAsync(IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events) await Arrivals.AnnounceAsync(tx, site, e.Read<TransferAnnounced>());
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TransferReceiptBody))]
[JsonSerializable(typeof(TransferReceipt))]
[JsonSerializable(typeof(Page<Arrival>))]
internal sealed partial class ArrivalsJson : JsonSerializerContext;
