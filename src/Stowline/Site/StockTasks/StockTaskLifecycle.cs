using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Kernel;
using Stowline.Site.Fulfillment;

namespace Stowline.Site.StockTasks;

/// <summary>Where a stock task stands. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StockTaskStatus>))]
public enum StockTaskStatus { Pending = 1, Assigned = 2, InProgress = 3, Completed = 4, Cancelled = 5 }

public enum StockTaskAction { Assign = 1, Start = 2, Record = 3, Complete = 4, Cancel = 5 }

/// <summary>The only place that knows what a stock task may become. Pure: no clock, no database.</summary>
public static class StockTaskLifecycle
{
    public static IReadOnlyList<StockTaskAction> Allowed(StockTaskStatus from) => from switch
    {
        StockTaskStatus.Pending => [StockTaskAction.Assign, StockTaskAction.Cancel],
        StockTaskStatus.Assigned => [StockTaskAction.Assign, StockTaskAction.Start, StockTaskAction.Cancel],
        StockTaskStatus.InProgress => [StockTaskAction.Record, StockTaskAction.Complete, StockTaskAction.Cancel],
        StockTaskStatus.Completed or StockTaskStatus.Cancelled => [],
    };

    private static StockTaskStatus Target(StockTaskAction action) => action switch
    {
        StockTaskAction.Assign => StockTaskStatus.Assigned,
        StockTaskAction.Start or StockTaskAction.Record => StockTaskStatus.InProgress,
        StockTaskAction.Complete => StockTaskStatus.Completed,
        StockTaskAction.Cancel => StockTaskStatus.Cancelled,
    };

    /// <summary>A repeat finds the task where it would bring it: success, not an error. Whoever may still do it, such as giving the task to somebody else, goes on.</summary>
    public static Transition Check(StockTaskStatus from, StockTaskAction action) =>
        Allowed(from).Contains(action) ? Transition.Go : from == Target(action) ? Transition.AlreadyThere : Transition.Wrong;

    internal static Refusal Refuse(long number, StockTaskStatus from, StockTaskAction action) => Transitions.Refuse(
        "stock task", number, SnakeCaseEnum<StockTaskStatus>.Text(from), SnakeCaseEnum<StockTaskAction>.Text(action), Allowed(from).Select(SnakeCaseEnum<StockTaskAction>.Text));
}
