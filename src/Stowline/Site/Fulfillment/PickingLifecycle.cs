using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Site.Fulfillment;

/// <summary>Where a picking task stands (F2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<PickingStatus>))]
public enum PickingStatus { Pending = 1, Assigned = 2, InProgress = 3, Completed = 4, Cancelled = 5 }

public enum PickingAction { Assign = 1, Start = 2, Complete = 3, Cancel = 4 }

/// <summary>The only place that knows what a picking task may become (F2, sources/2 §4.1). Pure: no clock, no database.</summary>
public static class PickingLifecycle
{
    public static IReadOnlyList<PickingAction> Allowed(PickingStatus from) => from switch
    {
        PickingStatus.Pending => [PickingAction.Assign, PickingAction.Cancel],
        PickingStatus.Assigned => [PickingAction.Start, PickingAction.Cancel],
        PickingStatus.InProgress => [PickingAction.Complete, PickingAction.Cancel],
        PickingStatus.Completed or PickingStatus.Cancelled => [],
    };

    public static PickingStatus Target(PickingAction action) => action switch
    {
        PickingAction.Assign => PickingStatus.Assigned,
        PickingAction.Start => PickingStatus.InProgress,
        PickingAction.Complete => PickingStatus.Completed,
        PickingAction.Cancel => PickingStatus.Cancelled,
    };

    /// <summary>A repeat finds the task where it would bring it: success, not an error.</summary>
    public static Transition Check(PickingStatus from, PickingAction action) =>
        from == Target(action) ? Transition.AlreadyThere : Allowed(from).Contains(action) ? Transition.Go : Transition.Wrong;

    internal static Refusal Refuse(long number, PickingStatus from, PickingAction action) => Transitions.Refuse(
        "picking task", number, SnakeCaseEnum<PickingStatus>.Text(from), SnakeCaseEnum<PickingAction>.Text(action), Allowed(from).Select(SnakeCaseEnum<PickingAction>.Text));
}
