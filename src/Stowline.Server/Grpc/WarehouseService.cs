using System.Globalization;
using Stowline.Hub.Catalog;
using Stowline.Hub.Ordering;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Protocol;
using Stowline.Site.Fulfillment;
using Stowline.Site.Stock;
using Stowline.Store;

namespace Stowline.Server.Grpc;

/// <summary>
/// stowline.v1.WarehouseService: every method of source 2 §8, each the command or read of the REST API. Here: what all of them share, which is
/// finding things by the older systems' numbers, and keeping a key to its sites.
/// </summary>
internal sealed partial class WarehouseService(Node node)
{
    private const int DefaultPage = 50;
    private readonly AcceptOrders _intake = node.Modules.OfType<OrderingModule>().Single().Intake!;
    private readonly ProductLookup? _knows = node.Modules.OfType<StockModule>().Single().KnowsProduct;

    public void Map(GrpcService service)
    {
        service.Unary("CreatePickingTask", CreatePickingTaskRequest.Parser, CreatePickingTask);
        service.Unary("GetPickingTask", GetPickingTaskRequest.Parser, GetPickingTask);
        service.Unary("GetPickingTaskByOrderID", GetPickingTaskByOrderIDRequest.Parser, GetPickingTaskByOrderID);
        service.Unary("AssignPickingTask", AssignPickingTaskRequest.Parser, AssignPickingTask);
        service.Unary("StartPickingTask", StartPickingTaskRequest.Parser, StartPickingTask);
        service.Unary("PickItem", PickItemRequest.Parser, PickItem);
        service.Unary("GetNextPickingItem", GetNextPickingItemRequest.Parser, GetNextPickingItem);
        service.Unary("CompletePickingTask", CompletePickingTaskRequest.Parser, CompletePickingTask);
        service.Unary("CancelPickingTask", CancelPickingTaskRequest.Parser, CancelPickingTask);
        service.Unary("ListPickingTasks", ListPickingTasksRequest.Parser, ListPickingTasks);
        service.Unary("CreatePackingTask", CreatePackingTaskRequest.Parser, CreatePackingTask);
        service.Unary("GetPackingTask", GetPackingTaskRequest.Parser, GetPackingTask);
        service.Unary("StartPackingTask", StartPackingTaskRequest.Parser, StartPackingTask);
        service.Unary("SetPackageDetails", SetPackageDetailsRequest.Parser, SetPackageDetails);
        service.Unary("CompletePackingTask", CompletePackingTaskRequest.Parser, CompletePackingTask);
        service.Unary("CancelPackingTask", CancelPackingTaskRequest.Parser, CancelPackingTask);
        service.Unary("PrintLabel", PrintLabelRequest.Parser, PrintLabel);
        service.Unary("ListPackingTasks", ListPackingTasksRequest.Parser, ListPackingTasks);
        service.Unary("PlaceInventory", PlaceInventoryRequest.Parser, PlaceInventory);
        service.Unary("MoveInventory", MoveInventoryRequest.Parser, MoveInventory);
        service.Unary("ReserveInventory", ReserveInventoryRequest.Parser, ReserveInventory);
        service.Unary("ReleaseReservation", ReleaseReservationRequest.Parser, ReleaseReservation);
        service.Unary("GetPickingLocations", GetPickingLocationsRequest.Parser, GetPickingLocations);
        service.Unary("RemoveInventory", RemoveInventoryRequest.Parser, RemoveInventory);
    }

    /// <summary>A site by its number, which the caller's key must cover.</summary>
    private async Task<string> SiteAsync(long warehouse, ServerCallContext call)
    {
        var sites = await node.Database.ReadAsync(OldNumbers.SitesAsync, call.CancellationToken);
        var code = sites.FirstOrDefault(s => s.Value == warehouse).Key.Or(Refusal.NotFound("site_not_found", $"there is no warehouse {warehouse}"));
        Cover(code, call);
        return code;
    }

    private static void Cover(string site, ServerCallContext call)
    {
        if (call.Holder is { } holder && !holder.Covers(site))
            throw new RpcException(new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} is limited to {string.Join(", ", holder.Sites)}: not to {site}"));
    }

    /// <summary>A product by listing_id or SKU.</summary>
    private async Task<string> SkuAsync(long listing, string sku, ServerCallContext call)
    {
        if (sku.Length > 0) return sku;
        var found = await node.Database.ReadAsync(async s => await OldNumbers.SkusOfAsync(s, Text(listing)), call.CancellationToken);
        return found.Count switch
        {
            0 => throw new RpcException(Refusal.NotFound("product_not_found", $"there is no product with the external id {listing}")),
            1 => found[0],
            _ => throw new RpcException(Refusal.Conflict("listing_ambiguous", $"several products have the external id {listing}: give the SKU")),
        };
    }

    private async Task<Guid?> OrderAsync(long order, CancellationToken ct) => await node.Database.ReadAsync(s => OldOrders.FindAsync(s, order), ct);

    private async Task<LoadedPicking> PickingAsync(long number, ServerCallContext call)
    {
        var task = (await node.Database.ReadAsync(s => TaskReads.PickingByNumberAsync(s, number), call.CancellationToken)).Or(PickingTasks.NotFound(Text(number)));
        Cover(task.Task.Site, call);
        return task;
    }

    private async Task<Site.Fulfillment.PackingTask> PackingAsync(long number, ServerCallContext call)
    {
        var task = (await node.Database.ReadAsync(s => TaskReads.PackingByNumberAsync(s, number), call.CancellationToken)).Or(PackingTasks.NotFound(Text(number)));
        Cover(task.Site, call);
        return task;
    }

    /// <summary>Workers have names here; an older system's worker is the one who is called like its number.</summary>
    private static string? Worker(long id, string name) => name.Length > 0 ? name : id == 0 ? null : Text(id);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The filter of a list by older numbers. Null where it names an order that is not here: then nothing is found.</summary>
    private async Task<TaskFilter?> FilterAsync<TStatus>(long warehouse, int status, long worker, long order, int size, string token, ServerCallContext call) where TStatus : struct, Enum
    {
        if (size is < 0 or > Limits.MaxListLimit) throw new RpcException(Refusal.Invalid("page_size", $"must be 1–{Limits.MaxListLimit}"));
        if (status != 0 && !Enum.IsDefined(typeof(TStatus), status)) throw new RpcException(Refusal.Invalid("status", "is none that is known here"));
        var site = warehouse == 0 ? null : await SiteAsync(warehouse, call);
        if (site is null && call.Holder is { IsLimited: true } holder)
            throw new RpcException(new Refusal(RefusalKind.Forbidden, "forbidden", $"the key {holder.Name} is limited to {string.Join(", ", holder.Sites)}: ask with warehouse_id"));
        var id = order == 0 ? null : await OrderAsync(order, call.CancellationToken);
        if (order != 0 && id is null) return null;
        var filter = TaskFilter.Of<TStatus>(size == 0 ? DefaultPage : size, token.Length == 0 ? null : token, site,
            status == 0 ? null : Contracts.SnakeCaseEnum<TStatus>.Text((TStatus)Enum.ToObject(typeof(TStatus), status)), id, Worker(worker, ""));
        return filter.Refusal is { } bad ? throw new RpcException(bad) : filter.Value;
    }

    /// <summary>What messages call by older numbers: read once for all tasks of an answer.</summary>
    private async Task<WarehouseMessages> NamesAsync(IReadOnlyCollection<Guid> orders, IEnumerable<string> skus, CancellationToken ct) => await node.Database.ReadAsync(async session =>
        new WarehouseMessages(await OldNumbers.SitesAsync(session), await TaskReads.OriginsAsync(session, orders), await OldNumbers.ExternalIdsAsync(session, [.. skus])), ct);
}
