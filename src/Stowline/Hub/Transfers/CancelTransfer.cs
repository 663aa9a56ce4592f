using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;

namespace Stowline.Hub.Transfers;

/// <summary>Why: at most 500 characters.</summary>
public sealed record CancelTransferBody(string? Reason) : IOptionalBody;

/// <summary>
/// Undoes a transfer that has not left: the sending site is asked for it, and on its word everything is given back. Until then it is <c>cancelling</c>. What has left cannot be cancelled (409
/// <c>already_shipped</c>); it is received, and sent back.
/// </summary>
public static class CancelTransfer
{
    internal static void Map(IEndpointRouteBuilder api, Node node) =>
        api.MapPost("/transfers/{id}/cancel", async (HttpContext http, string id) =>
        {
            if (await TransferReads.IdOfAsync(node.Database, id, http.RequestAborted) is not { } transfer) { await Answers.WriteAsync(http, TransferRows.NotFound(id)); return; }
            await Commands.RunAsync<CancelTransferBody, TransferView>(http, node.Lanes, Lane.Hub, (body, tx) => DecideAsync(transfer, body.Reason, tx), hops: 2);
        }).WithTags("Transfers").WithSummary("Cancel a transfer that has not left").Takes<CancelTransferBody>(optional: true).Produces<TransferView>();

    public static async ValueTask<Outcome<TransferView>> DecideAsync(Guid id, string? reason, LaneTransaction tx)
    {
        var problems = new Problems();
        reason = problems.Text(reason?.Trim(), "reason", 500);
        if (problems.Any) return problems.ToRefusal();
        if (await TransferRows.FindAsync(tx.Group.Session, id) is not { } row) return TransferRows.NotFound(id.ToString());
        if (row.Status is TransferStatus.Cancelling or TransferStatus.Cancelled or TransferStatus.Short) return Outcome<TransferView>.AlreadyDone(row.View());
        if (!TransferLifecycle.IsOpen(row.Status)) return Refusal.Conflict("already_shipped", $"transfer {row.Number} has left {row.FromSite}; receive it at {row.ToSite} and send it back");
        var why = string.IsNullOrEmpty(reason) ? "transfer cancelled" : reason;
        tx.Append(Lane.Hub, new TransferCancelRequested(row.Id, row.Number, why), row.Id.ToString(), row.Id);
        tx.Append(Lane.HubTo(row.FromSite), new PartCancelRequested(row.Id, 1, "cancel", why), row.Id.ToString(), row.Id);
        await TransferRows.ChangeAsync(tx, row, () => row.Status = TransferStatus.Cancelling);
        return row.View();
    }
}
