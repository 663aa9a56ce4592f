using System.Text.Json;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Transfers;

/// <summary>
/// What sites took in under numbers that no transfer has here. As a rule it is a stranger's parcel. But after a restore the hub may have gone on without the sending site, which alone knows of the transfer: when
/// it comes back, what has arrived meanwhile counts.
/// </summary>
internal static class UnknownReceipts
{
    private sealed record Row { public string Lots { get; init; } = "[]"; public bool Complete { get; init; } }

    public static ValueTask KeepAsync(LaneTransaction tx, string site, TransferReceived received) => tx.WriteAsync(
        "INSERT INTO transfer_unknown_receipts (id, number, site, lots, complete) VALUES (@id, @number, @site, @lots, @complete)", new
        {
            id = tx.NewId(), number = received.Number, site, lots = JsonSerializer.Serialize([.. received.Lots], ContractsJson.Default.ListTransferLot), complete = received.Complete,
        });

    /// <summary>The transfer is known now, and not in the tables yet: books what has arrived of it.</summary>
    public static async ValueTask TakeAsync(LaneTransaction tx, TransferRow row)
    {
        var key = new { number = row.Number, site = row.ToSite };
        foreach (var known in await tx.QueryAsync<Row>("SELECT lots, complete FROM transfer_unknown_receipts WHERE number = @number AND site = @site ORDER BY id", key))
            row.Receive(JsonSerializer.Deserialize(known.Lots, ContractsJson.Default.ListTransferLot) ?? [], known.Complete);
        await tx.WriteAsync("DELETE FROM transfer_unknown_receipts WHERE number = @number AND site = @site", key);
    }
}
