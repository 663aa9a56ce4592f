using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Site.Fulfillment;

/// <summary>Where a packing task stands (F4). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<PackingStatus>))]
public enum PackingStatus { Pending = 1, InProgress = 2, Packed = 3, Shipped = 4, Cancelled = 5 }

public enum PackingAction { Start = 1, AddPackage = 2, Complete = 3, Ship = 4, Cancel = 5 }

/// <summary>What a package is made of (F4). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<PackagingType>))]
public enum PackagingType { Box = 1, Bag = 2, Envelope = 3, Pallet = 4, Custom = 5 }

/// <summary>The only place that knows what a packing task may become (F4, sources/2 §4.2). Pure: no clock, no database.</summary>
public static class PackingLifecycle
{
    public static IReadOnlyList<PackingAction> Allowed(PackingStatus from) => from switch
    {
        PackingStatus.Pending => [PackingAction.Start, PackingAction.Cancel],
        PackingStatus.InProgress => [PackingAction.AddPackage, PackingAction.Complete, PackingAction.Cancel],
        PackingStatus.Packed => [PackingAction.Ship, PackingAction.Cancel],
        PackingStatus.Shipped or PackingStatus.Cancelled => [],
    };

    public static PackingStatus Target(PackingAction action) => action switch
    {
        PackingAction.Start or PackingAction.AddPackage => PackingStatus.InProgress,
        PackingAction.Complete => PackingStatus.Packed,
        PackingAction.Ship => PackingStatus.Shipped,
        PackingAction.Cancel => PackingStatus.Cancelled,
    };

    /// <summary>A repeat finds the task where it would bring it: success. Each package is a new one, so adding is never a repeat.</summary>
    public static Transition Check(PackingStatus from, PackingAction action) =>
        Allowed(from).Contains(action) ? Transition.Go
        : action != PackingAction.AddPackage && from == Target(action) ? Transition.AlreadyThere : Transition.Wrong;

    internal static Refusal Refuse(long number, PackingStatus from, PackingAction action) => Transitions.Refuse(
        "packing task", number, SnakeCaseEnum<PackingStatus>.Text(from), SnakeCaseEnum<PackingAction>.Text(action), Allowed(from).Select(SnakeCaseEnum<PackingAction>.Text));
}
