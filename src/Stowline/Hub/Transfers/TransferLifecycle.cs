using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Hub.Transfers;

/// <summary>Where a transfer stands. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<TransferStatus>))]
public enum TransferStatus
{
    Requested = 1, Picking = 2, Packing = 3, Ready = 4,
    /// <summary>It has left the one site and not (all of it) reached the other.</summary>
    InTransit = 5,
    Received = 6,
    /// <summary>Asked for; the sending site has not answered yet.</summary>
    Cancelling = 7,
    Cancelled = 8,
    /// <summary>The sending site had nothing of it.</summary>
    Short = 9,
}

/// <summary>The only place that knows what a transfer may become. Pure.</summary>
public static class TransferLifecycle
{
    /// <summary>Not shipped and not given up: its units are promised to it at the sending site.</summary>
    public static bool IsOpen(TransferStatus status) => status switch
    {
        TransferStatus.Requested or TransferStatus.Picking or TransferStatus.Packing or TransferStatus.Ready or TransferStatus.Cancelling => true,
        TransferStatus.InTransit or TransferStatus.Received or TransferStatus.Cancelled or TransferStatus.Short => false,
    };

    /// <summary>Whether the sending site's work moves it on. While a cancellation is under way it stays cancelling, unless it has left.</summary>
    public static bool MayAdvance(TransferStatus from, TransferStatus to) => from switch
    {
        TransferStatus.Requested or TransferStatus.Picking or TransferStatus.Packing or TransferStatus.Ready => to > from,
        TransferStatus.Cancelling => to == TransferStatus.InTransit,
        TransferStatus.InTransit or TransferStatus.Received or TransferStatus.Cancelled or TransferStatus.Short => false,
    };
}
