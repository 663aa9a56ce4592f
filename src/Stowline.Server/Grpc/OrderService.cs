using System.Globalization;
using Stowline.Adapters;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Protocol;

namespace Stowline.Server.Grpc;

/// <summary>stowline.v1.OrderService: the commands and reads of <c>/api/v1/orders</c> (K2; source 4).</summary>
internal sealed class OrderService(Node node)
{
    private readonly AcceptOrders _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;

    public void Map(GrpcService service)
    {
        service.Unary("CreateOrder", CreateOrderRequest.Parser, CreateOrder);
        service.Unary("GetOrder", GetOrderRequest.Parser, GetOrder);
        service.Unary("CancelOrder", CancelOrderRequest.Parser, CancelOrder);
        service.ServerStream<WatchOrdersRequest, OrderEvent>("WatchOrders", WatchOrdersRequest.Parser, WatchOrders);
    }

    public async Task<OrderResponse> CreateOrder(CreateOrderRequest request, ServerCallContext call)
    {
        var body = OrderMessages.Body(request);
        if (body.Refusal is { } bad) throw new RpcException(bad);
        var given = request.PizzaName.Length > 0 || request.IsPickup && request.PickupSite.Length == 0 ? await CompleteAsync(request, body.Value, call.CancellationToken) : body.Value;
        var order = AcceptOrder.From(given, node.Ids);
        if (order.Refusal is { } wrong) throw new RpcException(wrong);
        var (view, existing) = call.Take(await _intake.AcceptAsync(order.Value, call.CallerOf(request), call.CancellationToken));
        return OrderMessages.Accepted(view, existing);
    }

    /// <summary>The short form names a pizza and no place to fetch it: both are looked up, and asked for where they are not clear.</summary>
    private Task<OrderBody> CompleteAsync(CreateOrderRequest request, OrderBody body, CancellationToken ct) => node.Database.ReadAsync(async session =>
    {
        if (request.PizzaName.Length > 0)
        {
            var found = await OldNumbers.SkusNamedAsync(session, request.PizzaName);
            if (found.Count == 0) throw new RpcException(Refusal.Invalid("unknown_sku", "pizza_name", $"there is no product {request.PizzaName}"));
            if (found.Count > 1 && found[0] != request.PizzaName) throw new RpcException(Refusal.Invalid("pizza_name", "is the name of several products: give the SKU"));
            body = body with { Lines = [.. body.Lines!.SkipLast(1), body.Lines![^1]! with { Sku = found[0] }] };
        }
        if (body.FulfillmentType == Hub.Ordering.FulfillmentType.Pickup && body.PickupSite is null)
        {
            var counters = await OldNumbers.CountersAsync(session);
            if (counters.Count != 1) throw new RpcException(Refusal.Invalid("pickup_site", $"is required: {counters.Count} sites could be meant"));
            body = body with { PickupSite = counters[0] };
        }
        return body;
    }, ct);

    public async Task<Order> GetOrder(GetOrderRequest request, ServerCallContext call) =>
        OrderMessages.Of((await node.Database.ReadAsync(session => ReadOrders.FindAsync(session, request.Id), call.CancellationToken)).Or(OrderCommands.NotFound(request.Id)));

    public async Task<Order> CancelOrder(CancelOrderRequest request, ServerCallContext call)
    {
        var id = await ReadOrders.IdOfAsync(node, request.Id, call.CancellationToken) ?? throw new RpcException(OrderCommands.NotFound(request.Id));
        var reason = request.Reason.Length == 0 ? null : request.Reason;
        // Two hops, as REST: to the site and back. What the answer shows is the order behind them.
        await call.DecideAsync(node, request, Lane.Hub, tx => Hub.Ordering.CancelOrder.DecideAsync(id, reason, tx), hops: 2);
        return await GetOrder(new GetOrderRequest { Id = id.ToString() }, call);
    }

    /// <summary>
    /// Follows the hub's lane from a position. Each call reads for itself, from memory where the events are new, and waits only for its own
    /// reader: one that takes nothing holds up nobody and fills no memory.
    /// </summary>
    public async Task WatchOrders(WatchOrdersRequest request, IServerStreamWriter<OrderEvent> to, ServerCallContext call)
    {
        var head = await HeadAsync(call.CancellationToken);
        var position = request.HasAfterPosition ? request.AfterPosition : head;
        // A lane that was restored may be shorter than the caller remembers: it must begin again, not wait in silence.
        if (position < 0 || position > head) throw new RpcException(new Status(StatusCode.OutOfRange, $"after_position must be from 0 to {head}"));
        var types = request.Types_.ToHashSet(StringComparer.Ordinal);
        var grown = new Signal();
        void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
        {
            if (lane == Lane.Hub) grown.Set();
        }

        node.Lanes.Committed += OnCommitted;
        try
        {
            await call.WriteResponseHeadersAsync(("stowline-position", position.ToString(CultureInfo.InvariantCulture)));
            while (true)
            {
                var events = await node.Lanes.ReadAsync(Lane.Hub, position, 500, call.CancellationToken);
                foreach (var e in events)
                    if (OrderEvents.Wants(e.Type, types)) await to.WriteAsync(OrderEvents.Of(e), call.CancellationToken);
                if (events.Count > 0) position = events[^1].Position;
                else await grown.WaitAsync(TimeSpan.FromSeconds(1), node.Time, call.CancellationToken); // another process may have written unheard
            }
        }
        finally
        {
            node.Lanes.Committed -= OnCommitted;
        }
    }

    private Task<long> HeadAsync(CancellationToken ct) =>
        node.Database.ReadAsync(async session => (await LaneReader.LanesAsync(session)).First(l => l.Name == Lane.Hub.Name).Head, ct);
}
