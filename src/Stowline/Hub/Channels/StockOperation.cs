using System.Text.Json.Serialization;
using Stowline.Contracts;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>Why an offer's quantity is set (S1, source 5). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<OperationType>))]
public enum OperationType
{
    /// <summary>There is less of it than the marketplace shows: it was sold, or lost.</summary>
    Deduction = 1,
    /// <summary>There is more: an order was cancelled, goods came in.</summary>
    Refund = 2,
    /// <summary>What the marketplace showed was not known, or was wrong.</summary>
    Adjustment = 3,
}

/// <summary>Where an operation stands (source 5). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<OperationStatus>))]
public enum OperationStatus { Pending = 1, Processing = 2, Completed = 3, Failed = 4, Cancelled = 5 }

public enum OperationAction { Send, Complete, Fail, Retry, Cancel }

/// <summary>The only place that knows what an operation may become. Pure.</summary>
public static class OperationLifecycle
{
    public static ReadOnlySpan<OperationAction> Allowed(OperationStatus from) => from switch
    {
        OperationStatus.Pending => [OperationAction.Send, OperationAction.Retry, OperationAction.Cancel],
        // What is on its way cannot be called back.
        OperationStatus.Processing => [OperationAction.Complete, OperationAction.Fail],
        OperationStatus.Failed => [OperationAction.Retry, OperationAction.Cancel],
        OperationStatus.Completed or OperationStatus.Cancelled => [],
    };

    public static bool May(OperationStatus from, OperationAction action) => Allowed(from).Contains(action);
}

/// <summary>An operation: an offer's quantity is set there. The names are those of source 5.</summary>
/// <param name="Account">Also as source 5's <c>token_id</c>.</param>
/// <param name="Quantity">What the offer is set to.</param>
/// <param name="Previous">What it was to be before; null when that was not known.</param>
/// <param name="OrderId">The marketplace's order that made it, where it was one: by being placed, or by being cancelled.</param>
/// <param name="AllegroOrderId">That order's id at the marketplace, whichever it is.</param>
/// <param name="Warehouse">The code of the site that the account sells from; null where it sells from several.</param>
public record StockOperationView(
    Guid Id, string Account, Guid? OrderId, OperationType OperationType, OperationStatus Status, string Sku, string Offer, long Quantity, long? Previous, int RetryCount, int MaxRetries,
    DateTimeOffset? NextRetryAt, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? CompletedAt, string? ErrorMessage, string TokenId, string? AllegroOrderId, string? Warehouse)
{
    /// <summary>Every step with its duration (S2); only where one operation is asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SyncLogLine>? Log { get; init; }
}

/// <summary>A step of an operation.</summary>
/// <param name="Action">source 5's <c>created</c>, <c>retry</c>, <c>completed</c>, <c>failed</c> and the like.</param>
/// <param name="ExecutionTimeMs">How long the call took, where there was one.</param>
public sealed record SyncLogLine(string Action, string Status, string? Details, DateTimeOffset Timestamp, int? ExecutionTimeMs);

/// <summary>A row of <c>stock_operations</c>.</summary>
internal sealed record OperationRow
{
    public const string Columns = """
        id, account, offer, sku, operation_type, status, quantity, previous, order_id, retry_count, max_retries, next_retry_at, command_id, solo, transport, revivals, created_at, updated_at,
        first_failed_at, completed_at, error_message, external_order_id, warehouse
        """;

    public Guid Id { get; init; }
    public string Account { get; init; } = "";
    public string Offer { get; init; } = "";
    public string Sku { get; init; } = "";
    public OperationType OperationType { get; init; }
    public OperationStatus Status { get; init; }
    public long Quantity { get; init; }
    public long? Previous { get; init; }
    public Guid? OrderId { get; init; }
    public int RetryCount { get; init; }
    public int MaxRetries { get; init; }
    public DateTimeOffset NextRetryAt { get; init; }
    public Guid? CommandId { get; init; }
    public bool Solo { get; init; }
    public bool Transport { get; init; }
    public int Revivals { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? FirstFailedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public string? ErrorMessage { get; init; }
    public string? ExternalOrderId { get; init; }
    public string? Warehouse { get; init; }

    public StockOperationView View => new(Id, Account, OrderId, OperationType, Status, Sku, Offer, Quantity, Previous, RetryCount, MaxRetries,
        Status is OperationStatus.Pending or OperationStatus.Processing ? NextRetryAt : null, CreatedAt, UpdatedAt, CompletedAt, ErrorMessage, Account, ExternalOrderId, Warehouse);

    public static ValueTask<OperationRow?> FindAsync(SqlSession session, Guid id) => session.FindAsync<OperationRow>($"SELECT {Columns} FROM stock_operations WHERE id = @id", new { id });

    /// <summary>The operations that travel with a command.</summary>
    public static ValueTask<IReadOnlyList<OperationRow>> OfCommandAsync(SqlSession session, Guid command) =>
        session.QueryAsync<OperationRow>($"SELECT {Columns} FROM stock_operations WHERE command_id = @command ORDER BY id", new { command });
}

/// <summary>The log of operations (S2). Kept as long as finished operations are.</summary>
internal static class SyncLog
{
    private sealed record Row
    {
        public string Action { get; init; } = "";
        public string Status { get; init; } = "";
        public string? Details { get; init; }
        public DateTimeOffset At { get; init; }
        public int? ExecutionTimeMs { get; init; }
    }

    /// <param name="details">Our own words, or an answer's; never a credential.</param>
    public static ValueTask WriteAsync(LaneTransaction tx, Guid operation, string action, OperationStatus status, string? details = null, TimeSpan? took = null) => tx.WriteAsync("""
        INSERT INTO stock_sync_log (id, operation_id, action, status, details, at, execution_time_ms) VALUES (@id, @operation, @action, @status, @details, @now, @ms)
        """, new
        {
            id = tx.NewId(), operation, action, status = SnakeCaseEnum<OperationStatus>.Text(status), details, now = tx.Now,
            ms = Ms(took),
        });

    /// <summary>The same step of many operations.</summary>
    public static ValueTask WriteAllAsync(LaneTransaction tx, IReadOnlyList<OperationRow> operations, string action, Func<OperationRow, OperationStatus> status, Func<OperationRow, string?> details,
        TimeSpan? took = null)
    {
        var n = operations.Count;
        return n == 0 ? ValueTask.CompletedTask : tx.InsertAsync("stock_sync_log", n, Column.From("id", operations, _ => tx.NewId()), Column.From("operation_id", operations, o => o.Id),
            Column.Same("action", n, action), Column.From("status", operations, o => SnakeCaseEnum<OperationStatus>.Text(status(o))), Column.From("details", operations, details),
            Column.Same("at", n, tx.Now), Column.Same("execution_time_ms", n, Ms(took)));
    }

    private static int? Ms(TimeSpan? took) => took is { } t ? (int)Math.Min(int.MaxValue, t.TotalMilliseconds) : null;

    public static async Task<IReadOnlyList<SyncLogLine>> OfAsync(SqlSession session, Guid operation) => [.. (await session.QueryAsync<Row>(
        "SELECT action, status, details, at, execution_time_ms FROM stock_sync_log WHERE operation_id = @operation ORDER BY id LIMIT 1000", new { operation }))
        .Select(r => new SyncLogLine(r.Action, r.Status, r.Details, r.At, r.ExecutionTimeMs))];
}
