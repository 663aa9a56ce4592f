using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Protocol;
using Stowline.Site.Fulfillment;

namespace Stowline.Server.Grpc;

/// <summary>Picking (source 2 §8.1).</summary>
internal sealed partial class WarehouseService
{
    /// <summary>
    /// Answers the task that order and warehouse have already: a repeat changes nothing (source 2 §1.1). An order that is not here yet is placed, for this
    /// warehouse only, and what was reserved for it is used.
    /// </summary>
    public async Task<Protocol.PickingTask> CreatePickingTask(CreatePickingTaskRequest request, ServerCallContext call)
    {
        var site = await SiteAsync(request.WarehouseId, call);
        if (request.OrderId <= 0) throw new RpcException(Refusal.Invalid("order_id", "must be positive"));
        var order = await OrderAsync(request.OrderId, call.CancellationToken) ?? await PlaceAsync(request, site, call);
        var task = await node.Database.ReadAsync(s => TaskReads.PickingOfOrderAsync(s, order, site), call.CancellationToken);
        return await ShowAsync(task.Or(Refusal.Conflict("no_part_here", $"order {request.OrderId} has nothing to pick at warehouse {request.WarehouseId}")), call);
    }

    private async Task<Guid> PlaceAsync(CreatePickingTaskRequest request, string site, ServerCallContext call)
    {
        if (request.Items.Count == 0) throw new RpcException(Refusal.Invalid("items", $"is required: there is no order {request.OrderId} yet"));
        if (!Enum.IsDefined(request.Priority)) throw new RpcException(Refusal.Invalid("priority", "is none that is known here"));
        var lines = new List<OrderLineBody?>(request.Items.Count);
        foreach (var item in request.Items) lines.Add(new OrderLineBody(await SkuAsync(item.ListingId, item.Sku, call), item.Quantity, null));
        var order = AcceptOrder.From(new OrderBody
        {
            Channel = OldOrders.Channel, ExternalId = Text(request.OrderId), Lines = lines,
            Priority = request.Priority == Priority.Unspecified ? null : (Contracts.Priority)request.Priority,
        }, node.Ids);
        if (order.Refusal is { } wrong) throw new RpcException(wrong);
        await UseReservationsAsync(request.OrderId, request.WarehouseId, [.. order.Value.Needs.Select(n => n.Sku)], call);
        var (view, _) = call.Take(await _intake.AcceptAsync(order.Value with { OnlySite = site }, call.CallerOf(request), call.CancellationToken));
        return Guid.Parse(view.Id);
    }

    public async Task<Protocol.PickingTask> GetPickingTask(GetPickingTaskRequest request, ServerCallContext call) => await ShowAsync(await PickingAsync(request.TaskId, call), call);

    public async Task<Protocol.PickingTask> GetPickingTaskByOrderID(GetPickingTaskByOrderIDRequest request, ServerCallContext call)
    {
        var site = request.WarehouseId == 0 ? null : await SiteAsync(request.WarehouseId, call);
        var none = Refusal.NotFound("picking_task_not_found", $"order {request.OrderId} has no picking task");
        var order = await OrderAsync(request.OrderId, call.CancellationToken) ?? throw new RpcException(none);
        var task = (await node.Database.ReadAsync(s => TaskReads.PickingOfOrderAsync(s, order, site), call.CancellationToken)).Or(none);
        Cover(task.Task.Site, call);
        return await ShowAsync(task, call);
    }

    public Task<Protocol.PickingTask> AssignPickingTask(AssignPickingTaskRequest request, ServerCallContext call) => DecidePickingAsync(request, request.TaskId, call,
        (site, id, tx) => AssignPicking.DecideAsync(site, id, Worker(request.WorkerId, request.Worker), tx));

    public Task<Protocol.PickingTask> StartPickingTask(StartPickingTaskRequest request, ServerCallContext call) =>
        DecidePickingAsync(request, request.TaskId, call, StartPicking.DecideAsync);

    public async Task<PickItemResponse> PickItem(PickItemRequest request, ServerCallContext call)
    {
        var body = new PickItemBody
        {
            Quantity = request.Quantity, Bin = request.Location.Length == 0 ? null : request.Location, Serials = request.Serials.Count == 0 ? null : [.. request.Serials],
        };
        var item = (int)Math.Clamp(request.ItemId, 0, int.MaxValue);
        var task = await DecidePickingAsync(request, request.TaskId, call, (site, id, tx) => Site.Fulfillment.PickItem.DecideAsync(site, id, item, body, tx));
        return new PickItemResponse { Item = task.Items.First(i => i.Id == item), Task = task };
    }

    public async Task<PickingTaskItem> GetNextPickingItem(GetNextPickingItemRequest request, ServerCallContext call)
    {
        var task = await PickingAsync(request.TaskId, call);
        var next = PickingEndpoints.NextOf(task).Or(Refusal.NotFound("no_pending_item", $"nothing is left to pick of task {request.TaskId}"));
        return (await NamesAsync([], [next.Sku], call.CancellationToken)).Of(request.TaskId, next.Shown);
    }

    public Task<Protocol.PickingTask> CompletePickingTask(CompletePickingTaskRequest request, ServerCallContext call) =>
        DecidePickingAsync(request, request.TaskId, call, CompletePicking.DecideAsync);

    public Task<Protocol.PickingTask> CancelPickingTask(CancelPickingTaskRequest request, ServerCallContext call) =>
        DecidePickingAsync(request, request.TaskId, call, (site, id, tx) => CancelPicking.DecideAsync(site, id, request.Reason, tx));

    public async Task<ListPickingTasksResponse> ListPickingTasks(ListPickingTasksRequest request, ServerCallContext call)
    {
        var filter = await FilterAsync<PickingStatus>(request.WarehouseId, (int)request.Status, request.WorkerId, request.OrderId, request.PageSize, request.PageToken, call);
        if (filter is null) return new ListPickingTasksResponse();
        var page = await PickingEndpoints.PageAsync(node.Database, filter, call.CancellationToken);
        var names = await NamesAsync([.. page.Items.Select(t => t.OrderId)], page.Items.SelectMany(t => t.Items).Select(i => i.Sku), call.CancellationToken);
        var answer = new ListPickingTasksResponse { NextPageToken = page.NextCursor ?? "" };
        answer.Tasks.AddRange(page.Items.Select(names.Of));
        return answer;
    }

    private async Task<Protocol.PickingTask> DecidePickingAsync(Google.Protobuf.IMessage request, long number, ServerCallContext call,
        Func<string, Guid, LaneTransaction, ValueTask<Outcome<Site.Fulfillment.PickingTask>>> decide)
    {
        var task = (await PickingAsync(number, call)).Task;
        return await ShowAsync(await call.DecideAsync(node, request, Lane.Site(task.Site), tx => decide(task.Site, task.Id, tx)), call);
    }

    private async Task<Protocol.PickingTask> ShowAsync(LoadedPicking task, ServerCallContext call) =>
        await ShowAsync(await node.Database.ReadAsync(async s => await TaskReads.ShowAsync(s, task), call.CancellationToken), call);

    private async Task<Protocol.PickingTask> ShowAsync(Site.Fulfillment.PickingTask task, ServerCallContext call) =>
        (await NamesAsync([task.OrderId], task.Items.Select(i => i.Sku), call.CancellationToken)).Of(task);
}
