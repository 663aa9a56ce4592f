using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;

namespace Stowline.Site.Fulfillment;

/// <summary>Where an item of a picking task stands (F2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<PickingItemStatus>))]
public enum PickingItemStatus { Pending = 1, Picked = 2, Short = 3, Skipped = 4 }

public enum PickingItemAction
{
    /// <summary>Some units were taken and some are still to be taken: the item stays pending.</summary>
    PickSome = 1,
    /// <summary>The last of the units were taken.</summary>
    PickRest = 2,
    /// <summary>The worker leaves the item: the goods are not there.</summary>
    Skip = 3,
    /// <summary>The task is completed with fewer units than required.</summary>
    RunShort = 4,
}

/// <summary>The only place that knows what an item of a picking task may become (F2, sources/2 §4.3). Pure: no clock, no database.</summary>
public static class PickingItemLifecycle
{
    public static IReadOnlyList<PickingItemAction> Allowed(PickingItemStatus from) => from switch
    {
        PickingItemStatus.Pending => [PickingItemAction.PickSome, PickingItemAction.PickRest, PickingItemAction.Skip, PickingItemAction.RunShort],
        PickingItemStatus.Picked or PickingItemStatus.Short or PickingItemStatus.Skipped => [],
    };

    public static PickingItemStatus Target(PickingItemAction action) => action switch
    {
        PickingItemAction.PickSome => PickingItemStatus.Pending,
        PickingItemAction.PickRest => PickingItemStatus.Picked,
        PickingItemAction.Skip => PickingItemStatus.Skipped,
        PickingItemAction.RunShort => PickingItemStatus.Short,
    };

    /// <summary>Picking the same units twice is not a repeat: each call takes units. So only what is not picking can be already there.</summary>
    public static Transition Check(PickingItemStatus from, PickingItemAction action) => action switch
    {
        PickingItemAction.PickSome or PickingItemAction.PickRest => Allowed(from).Contains(action) ? Transition.Go : Transition.Wrong,
        PickingItemAction.Skip or PickingItemAction.RunShort => from == Target(action) ? Transition.AlreadyThere
            : Allowed(from).Contains(action) ? Transition.Go : Transition.Wrong,
    };

    internal static Refusal Refuse(int item, PickingItemStatus from, PickingItemAction action) => Transitions.Refuse(
        "item", item, SnakeCaseEnum<PickingItemStatus>.Text(from), SnakeCaseEnum<PickingItemAction>.Text(action),
        Allowed(from).Select(SnakeCaseEnum<PickingItemAction>.Text));
}
