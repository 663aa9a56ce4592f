using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Protocol;
using Stowline.Site.Stock;

namespace Stowline.Server.Grpc;

/// <summary>Inventory (source 2 §8.3).</summary>
internal sealed partial class WarehouseService
{
    private const int MostLocations = 1_000;

    public async Task<ProductLocation> PlaceInventory(PlaceInventoryRequest request, ServerCallContext call)
    {
        var (site, sku) = (await SiteAsync(request.WarehouseId, call), await SkuAsync(request.ListingId, request.Sku, call));
        var expires = default(DateOnly);
        if (request.ExpiresOn.Length > 0 && !DateOnly.TryParseExact(request.ExpiresOn, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out expires))
            throw new RpcException(Refusal.Invalid("expires_on", "must be a date such as 2026-12-31"));
        var body = new ReceiptBody(request.Reference.Length == 0 ? "grpc" : request.Reference,
        [
            new ReceiptLine { Sku = sku, Quantity = request.Quantity, Bin = Given(request.Location), Lot = Given(request.Lot), ExpiresOn = request.ExpiresOn.Length == 0 ? null : expires },
        ]);
        await call.DecideAsync(node, request, Lane.Site(site), tx => ReceiveStock.DecideAsync(site, body, tx, _knows));
        return await InBinAsync(site, sku, Given(request.Location) ?? StockBook.Receiving, call);
    }

    public async Task<ProductLocation> MoveInventory(MoveInventoryRequest request, ServerCallContext call)
    {
        var (site, sku) = (await SiteAsync(request.WarehouseId, call), await SkuAsync(request.ListingId, request.Sku, call));
        var body = new MoveBody(sku, request.Quantity, request.FromLocation, request.ToLocation, Given(request.Lot), Given(request.Reason));
        await call.DecideAsync(node, request, Lane.Site(site), tx => MoveStock.DecideAsync(site, body, tx));
        return await InBinAsync(site, sku, request.ToLocation, call);
    }

    public async Task<ProductLocation> RemoveInventory(RemoveInventoryRequest request, ServerCallContext call)
    {
        var (site, sku) = (await SiteAsync(request.WarehouseId, call), await SkuAsync(request.ListingId, request.Sku, call));
        if (request.Quantity <= 0) throw new RpcException(Refusal.Invalid("quantity", "must be positive"));
        var body = new AdjustmentBody(sku, request.Location, Given(request.Lot), -(long)request.Quantity, null, null, Given(request.Reason) ?? "removed");
        await call.DecideAsync(node, request, Lane.Site(site), tx => AdjustStock.DecideAsync(site, body, tx, _knows));
        return await InBinAsync(site, sku, request.Location, call);
    }

    public async Task<PickingLocationsResponse> GetPickingLocations(GetPickingLocationsRequest request, ServerCallContext call)
    {
        var (site, sku) = (await SiteAsync(request.WarehouseId, call), await SkuAsync(request.ListingId, request.Sku, call));
        if (request.Quantity < 0) throw new RpcException(Refusal.Invalid("quantity", "must not be negative"));
        var wanted = request.Quantity == 0 ? long.MaxValue : request.Quantity;
        var (available, places) = await node.Database.ReadAsync(async s => await PickingPlaces.ToPickAsync(s, site, sku, wanted), call.CancellationToken);
        var names = await NamesAsync([], [sku], call.CancellationToken);
        var answer = new PickingLocationsResponse { TotalAvailable = (int)Math.Min(int.MaxValue, available) };
        foreach (var (place, take) in places.Take(MostLocations)) answer.Locations.Add(new PickingLocation { Location = names.Of(site, sku, place.Bin, [place]), Take = (int)take });
        return answer;
    }

    /// <summary>
    /// Keeps units: a held order of its own, with all that keeps orders' units safe (escrow at the hub, reservation in bins). The same order, product and
    /// warehouse again answers the reservation that exists.
    /// </summary>
    public async Task<Reservation> ReserveInventory(ReserveInventoryRequest request, ServerCallContext call)
    {
        var (site, sku) = (await SiteAsync(request.WarehouseId, call), await SkuAsync(request.ListingId, request.Sku, call));
        if (request.OrderId <= 0) throw new RpcException(Refusal.Invalid("order_id", "must be positive"));
        var expires = ExpiryOf(request);
        var (open, key) = await FindReservationAsync(request.OrderId, request.WarehouseId, sku, call);
        if (open is not null)
        {
            var units = open.Parts.SelectMany(p => p.Lines).Sum(l => l.Quantity);
            if (units != request.Quantity)
                throw new RpcException(new Status(StatusCode.AlreadyExists, $"reservation {open.Number} keeps {units} units of {sku} for order {request.OrderId}: release it first"));
            if (request.ExpiresAt is not null)
            {
                var kept = Guid.Parse(open.Id);
                call.Take(await node.Lanes.ExecuteAsync<Done>(Lane.Hub, call.CallerOf(request) with { Idempotency = null }, tx => Reservations.KeepUntilAsync(kept, expires!.Value, tx), render: null, hops: 0, call.CancellationToken));
            }
            return await ShowAsync(open, request, sku, call);
        }
        var order = AcceptOrder.From(new OrderBody
        {
            Channel = OldOrders.Reservations, ExternalId = key, Note = $"kept for order {request.OrderId}",
            // What the units cost is asked when the order itself comes.
            Lines = [new OrderLineBody(sku, request.Quantity, new Kernel.Money(0, "XXX"))],
        }, node.Ids);
        if (order.Refusal is { } wrong) throw new RpcException(wrong);
        var (view, _) = call.Take(await _intake.AcceptAsync(order.Value with { OnlySite = site, OnHold = true, ExpiresAt = expires }, call.CallerOf(request), call.CancellationToken));
        return await ShowAsync(view, request, sku, call);
    }

    private DateTimeOffset? ExpiryOf(ReserveInventoryRequest request)
    {
        var now = node.Time.GetUtcNow();
        if (request.ExpiresAt is not { } told) return now + node.ReservationsKept;
        if (told.Seconds is < 0 or > 253_402_300_799 || told.Nanos is < 0 or > 999_999_999) throw new RpcException(Refusal.Invalid("expires_at", "is no time"));
        var at = told.ToDateTimeOffset();
        return at > now ? at : throw new RpcException(Refusal.Invalid("expires_at", "must be in the future"));
    }

    public async Task<Empty> ReleaseReservation(ReleaseReservationRequest request, ServerCallContext call)
    {
        var order = await node.Database.ReadAsync(s => ReadOrders.FindAsync(s, Text(request.ReservationId)), call.CancellationToken);
        if (order is not { Channel: OldOrders.Reservations }) throw new RpcException(Refusal.NotFound("reservation_not_found", $"there is no reservation {request.ReservationId}"));
        foreach (var site in order.Parts.Where(p => p.Site is not null)) Cover(site.Site!, call);
        await CancelAsync(order, request, Given(request.Reason) ?? "reservation released", call);
        return new Empty();
    }

    /// <summary>Gives back what was kept for an order, right before the order itself takes the units.</summary>
    private async Task UseReservationsAsync(long order, long warehouse, IReadOnlyList<string> skus, ServerCallContext call)
    {
        foreach (var sku in skus)
        {
            if ((await FindReservationAsync(order, warehouse, sku, call)).Open is { } open)
                await CancelAsync(open, new ReleaseReservationRequest { ReservationId = open.Number }, $"used by order {order}", call, keyed: false);
        }
    }

    /// <summary>Two hops: to the site and back, where the units become free.</summary>
    private async Task CancelAsync(OrderView order, Google.Protobuf.IMessage request, string reason, ServerCallContext call, bool keyed = true)
    {
        var id = Guid.Parse(order.Id);
        var caller = call.CallerOf(request);
        var result = await node.Lanes.ExecuteAsync<OrderView>(Lane.Hub, keyed ? caller : caller with { Idempotency = null }, tx => Hub.Ordering.CancelOrder.DecideAsync(id, reason, tx),
            o => Http.Answers.Keep(o, Http.Answers.Json<OrderView>()), hops: 2, call.CancellationToken);
        call.Take(result);
    }

    /// <summary>The reservation that is open, if any, and the key for a new one: after a release the same may be reserved again.</summary>
    private async Task<(OrderView? Open, string Key)> FindReservationAsync(long order, long warehouse, string sku, ServerCallContext call)
    {
        for (var turn = 1; ; turn++)
        {
            var key = $"{order}:{warehouse}:{sku}{(turn == 1 ? "" : "#" + Text(turn))}";
            var found = await node.Database.ReadAsync(s => ReadOrders.FindAsync(s, $"{OldOrders.Reservations}:{key}"), call.CancellationToken);
            if (found is null) return (null, key);
            if (found.Status is not (Hub.Ordering.OrderStatus.Cancelled or Hub.Ordering.OrderStatus.Cancelling)) return (found, key);
        }
    }

    private async Task<Reservation> ShowAsync(OrderView order, ReserveInventoryRequest request, string sku, ServerCallContext call)
    {
        var expires = await node.Database.ReadAsync(async s => await Reservations.ExpiresAtAsync(s, Guid.Parse(order.Id)), call.CancellationToken);
        return new Reservation
        {
            Id = order.Number, ListingId = (await NamesAsync([], [sku], call.CancellationToken)).Listing(sku), WarehouseId = request.WarehouseId, OrderId = request.OrderId,
            Quantity = request.Quantity, Status = ReservationStatus.Pending, Sku = sku, CreatedAt = Timestamp.FromDateTimeOffset(order.PlacedAt),
            ExpiresAt = expires is { } at ? Timestamp.FromDateTimeOffset(at) : null,
        };
    }

    private async Task<ProductLocation> InBinAsync(string site, string sku, string bin, ServerCallContext call)
    {
        var code = bin.Trim();
        var lots = await node.Database.ReadAsync(async s => await PickingPlaces.InBinAsync(s, site, sku, code), call.CancellationToken);
        return (await NamesAsync([], [sku], call.CancellationToken)).Of(site, sku, code, lots);
    }

    private static string? Given(string text) => text.Length == 0 ? null : text;
}
