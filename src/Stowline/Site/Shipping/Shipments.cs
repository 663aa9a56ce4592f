using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Site.Fulfillment;
using Stowline.Store;

namespace Stowline.Site.Shipping;

/// <summary>Where a shipment stands (F5). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ShipmentStatus>))]
public enum ShipmentStatus { Shipped = 1, Delivered = 2, Returned = 3 }

/// <summary>A part of an order on its way (F5). Weights in grams, lengths in millimeters.</summary>
public sealed record Shipment(
    Guid Id, long Number, Guid OrderId, int Part, string Site, Guid PackingTaskId, string Carrier, string TrackingNumber, ShipmentStatus Status,
    IReadOnlyList<Package> Packages, string LabelUrl, DateTimeOffset ShippedAt)
{
    public DateTimeOffset? DeliveredAt { get; init; }
    /// <summary>How it was bought from its carrier; null where its number was given by hand.</summary>
    public Guid? BookingId { get; init; }
}

/// <summary>Reads of shipments: one by id or number, lists by order and site, newest last.</summary>
internal static class Shipments
{
    private const string Columns = "id, number, site, order_id, part, packing_task_id, carrier, tracking_number, status, packages, shipped_at, delivered_at, booking_id";

    internal static ValueTask InsertAsync(LaneTransaction tx, Shipment shipment) => tx.WriteAsync("""
        INSERT INTO shipments (id, number, site, order_id, part, packing_task_id, carrier, tracking_number, status, packages, shipped_at, booking_id)
        VALUES (@Id, @Number, @Site, @OrderId, @Part, @PackingTaskId, @Carrier, @TrackingNumber, @Status, @packages, @ShippedAt, @BookingId)
        """, new
    {
        shipment.Id, shipment.Number, shipment.Site, shipment.OrderId, shipment.Part, shipment.PackingTaskId, shipment.Carrier, shipment.TrackingNumber, shipment.Status,
        packages = JsonSerializer.Serialize([.. shipment.Packages], ShippingJson.Default.ListPackage), shipment.ShippedAt, shipment.BookingId,
    });

    /// <summary>Brings back a shipment that a restore has lost, by the event that told of it.</summary>
    internal static async ValueTask RecoverAsync(string site, EventRecord e, LaneTransaction tx)
    {
        var shipped = e.Read<PartShipped>();
        if (await PartWork.PackingAsync(tx, shipped.OrderId, shipped.Part) is not { } packing) return;
        await InsertAsync(tx, new Shipment(shipped.ShipmentId, shipped.Number, shipped.OrderId, shipped.Part, site, packing.Task.Id, shipped.Carrier, shipped.TrackingNumber,
            ShipmentStatus.Shipped, packing.Packages, Labels.UrlOf(packing.Task.Id), e.At));
    }

    /// <summary>Brings back that a shipment has reached its customer.</summary>
    internal static ValueTask RecoverDeliveryAsync(PartDelivered told, LaneTransaction tx) => tx.WriteAsync(
        "UPDATE shipments SET status = @delivered, delivered_at = @at WHERE id = @id", new { delivered = ShipmentStatus.Delivered, at = told.DeliveredAt, id = told.ShipmentId });

    private sealed record Row
    {
        public Guid Id { get; init; }
        public long Number { get; init; }
        public string Site { get; init; } = "";
        public Guid OrderId { get; init; }
        public int Part { get; init; }
        public Guid PackingTaskId { get; init; }
        public string Carrier { get; init; } = "";
        public string TrackingNumber { get; init; } = "";
        public ShipmentStatus Status { get; init; }
        public string Packages { get; init; } = "[]";
        public DateTimeOffset ShippedAt { get; init; }
        public DateTimeOffset? DeliveredAt { get; init; }
        public Guid? BookingId { get; init; }

        public Shipment Shown => new(Id, Number, OrderId, Part, Site, PackingTaskId, Carrier, TrackingNumber, Status,
            JsonSerializer.Deserialize(Packages, ShippingJson.Default.ListPackage) ?? [], Labels.UrlOf(PackingTaskId), ShippedAt) { DeliveredAt = DeliveredAt, BookingId = BookingId };
    }

    public static async ValueTask<Shipment?> FindByTaskAsync(SqlSession session, Guid packingTaskId) =>
        (await session.FindAsync<Row>($"SELECT {Columns} FROM shipments WHERE packing_task_id = @packingTaskId", new { packingTaskId }))?.Shown;

    public static Refusal NotFound(string key) => Refusal.NotFound("shipment_not_found", $"there is no shipment {key}");

    public static async ValueTask<Shipment?> FindAsync(SqlSession session, Guid id) =>
        (await session.FindAsync<Row>($"SELECT {Columns} FROM shipments WHERE id = @id", new { id }))?.Shown;

    /// <summary>It came back: what arrives is a return. An arrival that was told before stays.</summary>
    public static ValueTask ReturnedAsync(Log.LaneTransaction tx, Guid id) =>
        tx.WriteAsync("UPDATE shipments SET status = @status WHERE id = @id AND delivered_at IS NULL", new { id, status = ShipmentStatus.Returned });

    public static async ValueTask<bool> IsTakenAsync(SqlSession session, string site, string carrier, string trackingNumber) => await session.FindAsync<long>(
        "SELECT COUNT(*) FROM shipments WHERE site = @site AND carrier = @carrier AND tracking_number = @trackingNumber", new { site, carrier, trackingNumber }) > 0;

    public static void Map(IEndpointRouteBuilder api, Node node)
    {
        api.Get("/shipments", http => TaskFilter.AnswerAsync<ShipmentStatus, Row, Shipment>(http, node, $"SELECT {Columns} FROM shipments", r => r.Shown, r => r.Id))
            .WithTags("Shipping").WithSummary("Shipments, oldest first").Pages<Shipment>()
            .Reads("site", "Only from this site.").Reads("status", "Only in this state.", typeof(ShipmentStatus))
            .Reads("order", "Only of this order, by id, number or channel:external_id.");
        api.MapGet("/shipments/{key}", (HttpContext http, string key) => GetAsync(http, node.Database, key))
            .WithTags("Shipping").WithSummary("One shipment by id or number").Produces<Shipment>();
        api.MapPost("/shipments/{key}/delivered", (HttpContext http, string key) => TaskInput.RunAsync<DeliverShipmentBody, Shipment>(http, node, "shipments", key, NotFound, DeliverShipment.DecideAsync, optionalBody: true))
            .WithTags("Shipping").WithSummary("Say that a shipment has arrived, where its carrier does not").Takes<DeliverShipmentBody>(optional: true).Produces<Shipment>();
    }

    private static async Task GetAsync(HttpContext http, Database database, string key)
    {
        if (await TaskInput.FindAsync(database, "shipments", key, http.RequestAborted) is not { } found)
        {
            await Answers.WriteAsync(http, NotFound(key));
            return;
        }
        var row = await database.ReadAsync(async session => await session.FindAsync<Row>($"SELECT {Columns} FROM shipments WHERE id = @id", new { id = found.Id }),
            http.RequestAborted);
        await Answers.WriteAsync<Shipment>(http, row!.Shown);
    }

    /// <summary>How many parcels have left a site since a time.</summary>
    public static async Task<long> CountAsync(SqlSession session, string site, DateTimeOffset since) =>
        await session.FindAsync<long>("SELECT COUNT(*) FROM shipments WHERE site = @site AND id >= @first", new { site, first = IdSource.FirstOf(since) });

    /// <summary>Every packing task that was shipped has its shipment.</summary>
    public static async Task<string?> CheckAsync(SqlSession session)
    {
        var known = new HashSet<Guid>(await session.QueryAsync<Guid>("SELECT packing_task_id FROM shipments"));
        await foreach (var task in ShippedParts.StreamShippedAsync(session))
            if (!known.Remove(task)) return $"packing task {task} is shipped and has no shipment";
        return known.Count == 0 ? null : $"{known.Count} shipments belong to packing tasks that are not shipped";
    }
}
