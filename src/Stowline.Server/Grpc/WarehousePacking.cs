using System.Text;
using Google.Protobuf;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Protocol;
using Stowline.Site.Fulfillment;
using Stowline.Site.Shipping;
using Stowline.Store;

namespace Stowline.Server.Grpc;

/// <summary>Packing (source 2 §8.2).</summary>
internal sealed partial class WarehouseService
{
    /// <summary>A packing task is made in the transaction that completes picking, so that none is ever missing: here it is only answered.</summary>
    public async Task<Protocol.PackingTask> CreatePackingTask(CreatePackingTaskRequest request, ServerCallContext call)
    {
        var picking = (await PickingAsync(request.PickingTaskId, call)).Task;
        var task = await node.Database.ReadAsync(s => TaskReads.PackingOfPickingAsync(s, picking), call.CancellationToken);
        return await ShowAsync(task.Or(Refusal.Conflict("not_picked", $"picking task {picking.Number} is {SnakeCaseEnum<PickingStatus>.Text(picking.Status)}: nothing is there to pack")), call);
    }

    public async Task<Protocol.PackingTask> GetPackingTask(GetPackingTaskRequest request, ServerCallContext call) => await ShowAsync(await PackingAsync(request.TaskId, call), call);

    public Task<Protocol.PackingTask> StartPackingTask(StartPackingTaskRequest request, ServerCallContext call) => DecidePackingAsync(request, request.TaskId, call,
        (site, id, tx) => StartPacking.DecideAsync(site, id, Worker(request.WorkerId, request.Worker), tx));

    public Task<Protocol.PackingTask> SetPackageDetails(SetPackageDetailsRequest request, ServerCallContext call)
    {
        var body = new AddPackageBody
        {
            PackagingType = request.PackagingType == Protocol.PackagingType.Unspecified || !Enum.IsDefined(request.PackagingType) ? null
                : SnakeCaseEnum<Site.Fulfillment.PackagingType>.Text((Site.Fulfillment.PackagingType)request.PackagingType),
            WeightG = Whole(request.Weight * 1000), LengthMm = Whole(request.Length * 10), WidthMm = Whole(request.Width * 10), HeightMm = Whole(request.Height * 10),
        };
        return DecidePackingAsync(request, request.TaskId, call, (site, id, tx) => SetPackage.DecideAsync(site, id, body, tx));
    }

    /// <summary>Up to the next gram or millimeter: a parcel is never lighter or shorter than it is. What is no number becomes one that is refused.</summary>
    private static long Whole(double value) => double.IsFinite(value) && Math.Abs(value) < 1e15 ? (long)Math.Ceiling(Math.Round(value, 6)) : -1;

    public Task<Protocol.PackingTask> CompletePackingTask(CompletePackingTaskRequest request, ServerCallContext call) =>
        DecidePackingAsync(request, request.TaskId, call, CompletePacking.DecideAsync);

    public Task<Protocol.PackingTask> CancelPackingTask(CancelPackingTaskRequest request, ServerCallContext call) => DecidePackingAsync(request, request.TaskId, call,
        (site, id, tx) => CancelPacking.DecideAsync(site, id, request.Reason.Length == 0 ? null : request.Reason, tx));

    public async Task<PrintLabelResponse> PrintLabel(PrintLabelRequest request, ServerCallContext call)
    {
        var task = await PackingAsync(request.TaskId, call);
        var zpl = await node.Database.ReadAsync(s => Labels.RenderAsync(s, task.Site, task.Id), call.CancellationToken);
        return zpl.Refusal is { } no ? throw new RpcException(no)
            : new PrintLabelResponse { LabelUrl = Labels.UrlOf(task.Id), LabelData = ByteString.CopyFrom(zpl.Value, Encoding.UTF8) };
    }

    public async Task<ListPackingTasksResponse> ListPackingTasks(ListPackingTasksRequest request, ServerCallContext call)
    {
        var filter = await FilterAsync<PackingStatus>(request.WarehouseId, (int)request.Status, request.WorkerId, request.OrderId, request.PageSize, request.PageToken, call);
        if (filter is null) return new ListPackingTasksResponse();
        var page = await PackingEndpoints.PageAsync(node.Database, filter, call.CancellationToken);
        var answer = new ListPackingTasksResponse { NextPageToken = page.NextCursor ?? "" };
        answer.Tasks.AddRange(await ShowAsync(page.Items, call));
        return answer;
    }

    private async Task<Protocol.PackingTask> DecidePackingAsync(IMessage request, long number, ServerCallContext call,
        Func<string, Guid, LaneTransaction, ValueTask<Outcome<Site.Fulfillment.PackingTask>>> decide)
    {
        var task = await PackingAsync(number, call);
        return await ShowAsync(await call.DecideAsync(node, request, Lane.Site(task.Site), tx => decide(task.Site, task.Id, tx)), call);
    }

    private async Task<Protocol.PackingTask> ShowAsync(Site.Fulfillment.PackingTask task, ServerCallContext call) => (await ShowAsync([task], call))[0];

    private async Task<IReadOnlyList<Protocol.PackingTask>> ShowAsync(IReadOnlyList<Site.Fulfillment.PackingTask> tasks, ServerCallContext call)
    {
        var names = await NamesAsync([.. tasks.Select(t => t.OrderId)], [], call.CancellationToken);
        var numbers = await node.Database.ReadAsync(s => TaskReads.PickingNumbersAsync(s, [.. tasks.Select(t => t.PickingTaskId)]), call.CancellationToken);
        return [.. tasks.Select(t => names.Of(t, numbers.GetValueOrDefault(t.PickingTaskId)))];
    }
}
