using System.Text.Json.Serialization;
using Stowline.Log;

namespace Stowline.Contracts;

/// <summary>What somebody is sent to do with stock: count it, or take what has expired away. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StockTaskKind>))]
public enum StockTaskKind { Count = 1, Removal = 2 }

/// <summary>Why a stock task was made. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StockTaskCause>))]
public enum StockTaskCause
{
    /// <summary>Somebody asked for it.</summary>
    Asked = 1,
    /// <summary>The plan of cycle counts: it was the bin's turn.</summary>
    Plan = 2,
    /// <summary>A picker found less than the books say.</summary>
    ShortPick = 3,
    /// <summary>The first count was far from the books.</summary>
    Recount = 4,
    /// <summary>The lot has expired.</summary>
    Expired = 5,
}

/// <summary>What came of a line of a stock task. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StockTaskLineStatus>))]
public enum StockTaskLineStatus
{
    Open = 1,
    /// <summary>As the books said.</summary>
    Matched = 2,
    /// <summary>The books were corrected.</summary>
    Adjusted = 3,
    /// <summary>Too far from the books to be believed at once: it is counted again.</summary>
    Recount = 4,
    /// <summary>Taken away.</summary>
    Removed = 5,
    Cancelled = 6,
}

/// <summary>A place to go to: units of a SKU and lot in a bin.</summary>
public sealed record StockTaskPlace(int Line, string Sku, string Bin, string? Lot)
{
    /// <summary>The how-manieth count of the place this is.</summary>
    public int Round { get; init; } = 1;

    /// <summary>By how much the count before was off the books; null for the first.</summary>
    public long? Before { get; init; }
}

public sealed record StockTaskCreated(
    Guid TaskId, long Number, StockTaskKind Kind, StockTaskCause Cause, IReadOnlyList<StockTaskPlace> Places, string? Reason, Guid? FirstTaskId) : IEvent
{
    public static string Type => "stock_task.created";
}

public sealed record StockTaskAssigned(Guid TaskId, long Number, string Worker) : IEvent { public static string Type => "stock_task.assigned"; }
public sealed record StockTaskStarted(Guid TaskId, long Number, string? Worker) : IEvent { public static string Type => "stock_task.started"; }

/// <summary>A line is done: counted or taken away. What it changed in the ledger stands in a <see cref="StockMoved"/> of the same moment.</summary>
/// <param name="Counted">Units that were found, or taken away.</param>
/// <param name="Expected">What the books said at that moment.</param>
/// <param name="Difference">By how much the books were corrected; of a line that is counted again, by how much they would have been.</param>
/// <param name="Kept">Units that were not found and stay in the books because picking tasks hold them: whoever picks them will find them short.</param>
public sealed record StockTaskCounted(
    Guid TaskId, long Number, StockTaskPlace Place, StockTaskLineStatus Status, long Counted, long Expected, long Difference, long Kept) : IEvent
{
    public static string Type => "stock_task.counted";
}

public sealed record StockTaskCompleted(Guid TaskId, long Number) : IEvent { public static string Type => "stock_task.completed"; }
public sealed record StockTaskCancelled(Guid TaskId, long Number, string Reason) : IEvent { public static string Type => "stock_task.cancelled"; }

/// <summary>How a site counts was changed.</summary>
/// <param name="EveryDays">Each bin is to be counted once in so many days; null for no plan.</param>
public sealed record CountSettingsSaved(int? EveryDays, int BinsPerDay, int RecountUnits, int RecountPercent) : IEvent
{
    public static string Type => "count_settings.saved";
}

/// <summary>Lots have expired by the site's date: their units stand where they stood, damaged, and are withdrawn. Those that picking tasks hold are not among them.</summary>
public sealed record StockExpired(IReadOnlyList<MovementLine> Movements, IReadOnlyList<Balance> Balances) : IEvent, IHasBalances
{
    public static string Type => "stock.expired";
}
