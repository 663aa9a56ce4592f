using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Hub.Promising;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>
/// What becomes of transfers when one of their sites is given up (decision 0027). What has not left it is cancelled without its word; what was to go there is cancelled as ever, and what is on its way there is
/// missing. What has left it is on its way and arrives.
/// </summary>
internal static class GivenUpTransfers
{
    /// <summary>Transfers about which something is to be done.</summary>
    public static async ValueTask<IReadOnlyList<Guid>> FindAsync(SqlSession session, string site, int most) => await session.QueryAsync<Guid>($"""
        SELECT id FROM transfers WHERE status IN (1, 2, 3, 4, 5, 7) AND (from_site = @site AND status <> @inTransit OR to_site = @site AND status <> @cancelling) ORDER BY id LIMIT {most}
        """, new { site, inTransit = TransferStatus.InTransit, cancelling = TransferStatus.Cancelling });

    public static async ValueTask LeaveAsync(LaneTransaction tx, GivenUpSite given, IReadOnlyList<Guid> ids)
    {
        var why = $"{given.Site} was given up: {given.Reason}";
        foreach (var id in ids)
        {
            if (await TransferRows.FindAsync(tx.Group.Session, id) is not { } row) continue;
            if (row.FromSite == given.Site && TransferLifecycle.IsOpen(row.Status)) await CancelAsync(tx, row, why);
            else if (row.ToSite != given.Site) continue;
            else if (TransferLifecycle.IsOpen(row.Status))
            {
                // It would be found again for ever.
                if ((await CancelTransfer.DecideAsync(id, Cut(why), tx)).Refusal is { } no) throw new InvalidOperationException($"transfer {row.Number} cannot be cancelled: {no.Detail}");
            }
            else if (row.Status == TransferStatus.InTransit) await LoseAsync(tx, row, why);
        }
    }

    /// <summary>A reason that somebody gave may be as long as that of a cancellation. A character of two halves is not cut in two.</summary>
    private static string Cut(string why) => why.Length <= 500 ? why : why[..(char.IsHighSurrogate(why[499]) ? 499 : 500)];

    private static async ValueTask CancelAsync(LaneTransaction tx, TransferRow row, string why)
    {
        List<SkuUnits> open = [.. row.Lines.Where(l => l.Requested > l.Short).Select(l => new SkuUnits(l.Sku, (int)(l.Requested - l.Short)))];
        await Allotments.ReleaseAsync(tx, row.FromSite, open);
        tx.Append(Lane.Hub, new TransferCancelRequested(row.Id, row.Number, why), row.Id.ToString(), row.Id);
        tx.Append(Lane.HubTo(row.FromSite), new PartCancelRequested(row.Id, 1, GiveUpSweep.Cause, why), row.Id.ToString(), row.Id);
        await TransferRows.ChangeAsync(tx, row, () =>
        {
            foreach (var line in open) row.Line(line.Sku).Short += line.Quantity;
            (row.Status, row.ClosedAt) = (TransferStatus.Cancelled, tx.Now);
        });
    }

    private static async ValueTask LoseAsync(LaneTransaction tx, TransferRow row, string why)
    {
        tx.Append(Lane.Hub, new TransferCancelRequested(row.Id, row.Number, why), row.Id.ToString(), row.Id);
        row.Arrived = true;
        await TransferBook.CloseAsync(tx, row, tx.Now, tx.Caller);
    }
}
