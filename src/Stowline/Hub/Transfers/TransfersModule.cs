using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Hub.Promising;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>Units per transfer and SKU, as the sites' own books say. The hub does not know the sites, so the node brings the two together.</summary>
public delegate Task<IReadOnlyDictionary<(string Transfer, string Sku), long>> TransferUnits(SqlSession session);

/// <summary>Transfers between sites: asked for, followed, in transit, received (W5).</summary>
internal sealed class TransfersModule : Module
{
    public TransfersModule() => HttpJson.Add(TransfersJson.Default);

    private Node? _node;

    public override string Name => "transfers";

    public override Task StartAsync(Node node, CancellationToken ct)
    {
        _node = node;
        return Task.CompletedTask;
    }

    /// <summary>By the transfer's id: what sites whose books are here have shipped.</summary>
    public TransferUnits? ShippedAtSites { get; set; }

    /// <summary>By the transfer's number: what sites whose books are here have taken in.</summary>
    public TransferUnits? ReceivedAtSites { get; set; }

    public override void Map(IEndpointRouteBuilder api, Node node)
    {
        RequestTransfer.Map(api, node);
        CancelTransfer.Map(api, node);
        TransferReads.Map(api, node);
    }

    // To the sites a transfer is an order like others.
    public override Task<Guid?> FindOrderAsync(SqlSession session, string order, NodeRole role) => TransferReads.IdOfAsync(session, order);

    public override async Task<IReadOnlyCollection<Guid>> LiveOrdersAsync(SqlSession session, IReadOnlyList<Guid> orders)
    {
        var live = new List<Guid>();
        await session.SelectAsync("SELECT t.id FROM transfers t WHERE t.id = k.id", orders.Count, [Column.From("id", orders, o => o)], row => live.Add(row.GetGuid(0)));
        return live;
    }

    public override bool Recovers(string type) => type == TransferAnnounced.Type;

    /// <summary>Brings back the transfers that a site with a node of its own was told of, as the sending or the receiving one.</summary>
    public override async ValueTask RecoverAsync(string site, IReadOnlyList<EventRecord> events, LaneTransaction tx)
    {
        foreach (var e in events.Where(e => e.Lane == Lane.HubTo(site)))
        {
            if (e.Type == PartAssigned.Type && e.Read<PartAssigned>() is { Transfer: { } facts } part) await AssignedAsync(site, part, facts, e, tx);
            else if (e.Type == PartCancelRequested.Type && await TransferRows.FindAsync(tx.Group.Session, e.Read<PartCancelRequested>().OrderId) is { } row && TransferLifecycle.IsOpen(row.Status))
                await SaveAsync(tx, row, () => row.Status = TransferStatus.Cancelling);
            else if (e.Type == TransferAnnounced.Type) await AnnouncedAsync(site, e.Read<TransferAnnounced>(), tx);
        }
    }

    private static async ValueTask AssignedAsync(string site, PartAssigned part, TransferFacts facts, EventRecord e, LaneTransaction tx)
    {
        if (await TransferRows.FindAsync(tx.Group.Session, part.OrderId) is not null) return;
        var row = new TransferRow
        {
            Id = part.OrderId, Number = part.OrderNumber, FromSite = site, ToSite = facts.To, Status = TransferStatus.Requested, Priority = part.Priority, Reason = facts.Reason, RequestedAt = e.At,
            Lines = [.. part.Lines.Select(l => new TransferLineRow { TransferId = part.OrderId, Sku = l.Sku, Requested = l.Quantity })],
        };
        await UnknownReceipts.TakeAsync(tx, row);
        await TransferRows.InsertAsync(tx, row);
        await Allotments.RecoverPromisesAsync(tx, site, part.Lines);
    }

    /// <summary>Of a transfer that left a site whose books are the hub's: that it left is known here only.</summary>
    private async ValueTask AnnouncedAsync(string site, TransferAnnounced told, LaneTransaction tx)
    {
        if (_node!.IsRemote(told.From) || await TransferRows.FindAsync(tx.Group.Session, told.TransferId) is not null) return; // the sending site tells the rest
        var row = new TransferRow
        {
            Id = told.TransferId, Number = told.Number, FromSite = told.From, ToSite = site, Status = TransferStatus.Requested, Priority = Priority.Normal, RequestedAt = told.ShippedAt,
            Lines = [.. told.Lots.GroupBy(l => l.Sku, StringComparer.Ordinal).Select(g => new TransferLineRow { TransferId = told.TransferId, Sku = g.Key, Requested = g.Sum(l => (long)l.Quantity) })],
        };
        await TransferRows.InsertAsync(tx, row);
        await SaveAsync(tx, row, () =>
        {
            (row.Status, row.ShippedAt, row.Carrier, row.TrackingNumber) = (TransferStatus.InTransit, told.ShippedAt, told.Carrier, told.TrackingNumber);
            foreach (var line in row.Lines) line.Shipped = line.Requested;
        });
    }

    /// <summary>As a change, but nobody is told: these are events of before.</summary>
    private static async ValueTask SaveAsync(LaneTransaction tx, TransferRow row, Action change)
    {
        change();
        await TransferRows.SaveAsync(tx, row);
        foreach (var line in row.Lines.Where(l => row.InTransit(l) > 0)) await Allotments.ExpectAsync(tx, row.ToSite, line.Sku, row.InTransit(line));
    }

    public override IEnumerable<(string Check, Func<SqlSession, Task<string?>> Run)> Checks(Node node) =>
    [
        ("transfers", TransferChecks.LinesAsync),
        ("in_transit", session => TransferChecks.InTransitAsync(session, ShippedAtSites, ReceivedAtSites)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TransferBody))]
[JsonSerializable(typeof(CancelTransferBody))]
[JsonSerializable(typeof(TransferView))]
[JsonSerializable(typeof(Page<TransferView>))]
internal sealed partial class TransfersJson : JsonSerializerContext;
