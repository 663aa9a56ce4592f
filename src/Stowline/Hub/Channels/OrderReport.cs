using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>What an account is told of an order. Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ReportKind>))]
public enum ReportKind
{
    /// <summary>How the order stands.</summary>
    Status = 1,
    /// <summary>The parcel in which a part of it left.</summary>
    Shipment = 2,
}

/// <summary>Something that an account is to be told of one of its orders, or has been told.</summary>
/// <param name="ExternalId">The order's id there.</param>
/// <param name="Part">The part that left; 0 for the order's status.</param>
/// <param name="OrderStatus">The order's status in our word, for <c>status</c>.</param>
/// <param name="Lines">What is in the parcel; empty for <c>status</c>, and for parcels from before it was kept.</param>
/// <param name="Told">What the account last confirmed, in its own word; the parcel's number for <c>shipment</c>.</param>
public sealed record OrderReportView(
    Guid Id, string Account, Guid OrderId, string ExternalId, ReportKind Kind, int Part, string? OrderStatus, string? Carrier, string? TrackingNumber, IReadOnlyList<SkuUnits> Lines, string? Told, OperationStatus Status,
    int RetryCount, int MaxRetries, DateTimeOffset? NextRetryAt, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? CompletedAt, string? ErrorMessage);

/// <summary>A row of <c>channel_reports</c>. Its states and retries are those of stock operations.</summary>
internal sealed record ReportRow
{
    public const string Columns = """
        id, account, order_id, external_id, kind, part, position, word, told, carrier, tracking_number, lines, status, unsure, retry_count, max_retries, next_retry_at, transport, revivals, created_at,
        updated_at, completed_at, error_message
        """;

    public Guid Id { get; init; }
    public string Account { get; init; } = "";
    public Guid OrderId { get; init; }
    public string ExternalId { get; init; } = "";
    public ReportKind Kind { get; init; }
    public int Part { get; init; }
    public long Position { get; init; }
    public string Word { get; init; } = "";
    public string? Told { get; init; }
    public string? Carrier { get; init; }
    public string? TrackingNumber { get; init; }
    public string? Lines { get; init; }
    public OperationStatus Status { get; init; }
    public bool Unsure { get; init; }
    public int RetryCount { get; init; }
    public int MaxRetries { get; init; }
    public DateTimeOffset NextRetryAt { get; init; }
    public bool Transport { get; init; }
    public int Revivals { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
    public string? ErrorMessage { get; init; }

    /// <summary>What is in the parcel.</summary>
    public IReadOnlyList<SkuUnits> Contents => Lines is null ? [] : JsonSerializer.Deserialize<IReadOnlyList<SkuUnits>>(Lines, HttpJson.Options)!;

    public OrderReportView View => new(Id, Account, OrderId, ExternalId, Kind, Part, Kind == ReportKind.Status ? Word : null, Carrier, TrackingNumber, Contents, Told, Status, RetryCount, MaxRetries,
        Status is OperationStatus.Pending or OperationStatus.Processing ? NextRetryAt : null, CreatedAt, UpdatedAt, CompletedAt, ErrorMessage);

    public static ValueTask<ReportRow?> FindAsync(SqlSession session, Guid id) => session.FindAsync<ReportRow>($"SELECT {Columns} FROM channel_reports WHERE id = @id", new { id });
}

/// <summary><c>/channels/{account}/reports</c>: what the account was told of its orders, or is still to be told. Refusals: <c>channel_not_found</c>, <c>report_not_found</c>, <c>invalid_transition</c>.</summary>
public static class OrderReports
{
    internal static void Map(IEndpointRouteBuilder api, Node node, ChannelsModule module)
    {
        api.MapGet("/channels/{account}/reports", (HttpContext http, string account) => ListAsync(http, node, account)).WithTags("Channels")
            .WithSummary("What the account was told of its orders, or is still to be told; newest first").Pages<OrderReportView>().Reads("status", "Only in this state.", typeof(OperationStatus));
        api.MapPost("/channels/{account}/reports/{report}/retry", (HttpContext http, string account, string report) =>
                Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => ChangeAsync(account, report, OperationAction.Retry, module, tx)))
            .WithTags("Channels").WithSummary("Tell it again now, counting anew").Produces<OrderReportView>();
        api.MapPost("/channels/{account}/reports/{report}/cancel", (HttpContext http, string account, string report) =>
                Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => ChangeAsync(account, report, OperationAction.Cancel, module, tx)))
            .WithTags("Channels").WithSummary("Give a report up").Produces<OrderReportView>();
    }

    private static async Task ListAsync(HttpContext http, Node node, string account)
    {
        var paging = Requests.PagingById(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, before) = paging.Value;
        var which = "status BETWEEN 1 AND 5";
        if (Requests.Query(http, "status") is { } text)
        {
            if (!SnakeCaseEnum<OperationStatus>.TryParse(text, out var known)) { await Answers.WriteAsync(http, Refusal.Invalid("status", SnakeCaseEnum<OperationStatus>.Choices)); return; }
            which = "status = " + ((int)known).ToString(CultureInfo.InvariantCulture);
        }
        var rows = await node.Database.ReadAsync(async s => await AccountRow.FindAsync(s, account) is null ? null : await s.QueryAsync<ReportRow>(
            $"SELECT {ReportRow.Columns} FROM channel_reports WHERE account = @account AND {which} AND id < @before ORDER BY id DESC LIMIT @most", new { account, before, most = limit + 1 }), http.RequestAborted);
        if (rows is null) { await Answers.WriteAsync(http, SaveChannel.NotFound(account)); return; }
        OrderReportView[] items = [.. rows.Take(limit).Select(r => r.View)];
        await Answers.WriteAsync<Page<OrderReportView>>(http, new Page<OrderReportView>(items, rows.Count > limit ? items[^1].Id.ToString() : null));
    }

    internal static async ValueTask<Outcome<OrderReportView>> ChangeAsync(string account, string id, OperationAction action, ChannelsModule module, LaneTransaction tx)
    {
        if (!Guid.TryParseExact(id, "D", out var key) || await ReportRow.FindAsync(tx.Group.Session, key) is not { } row || row.Account != account)
            return Refusal.NotFound("report_not_found", $"{account} has no report {id}");
        if (!OperationLifecycle.May(row.Status, action))
            return Refusal.Conflict("invalid_transition", $"a report that is {SnakeCaseEnum<OperationStatus>.Text(row.Status)} cannot be {(action == OperationAction.Cancel ? "cancelled" : "retried")}");
        row = action == OperationAction.Cancel ? row with { Status = OperationStatus.Cancelled, UpdatedAt = tx.Now }
            : row with { Status = OperationStatus.Pending, RetryCount = 0, NextRetryAt = tx.Now, ErrorMessage = null, UpdatedAt = tx.Now };
        await tx.WriteAsync("""
            UPDATE channel_reports SET status = @Status, retry_count = @RetryCount, next_retry_at = @NextRetryAt, error_message = @ErrorMessage, transport = @no, revive_at = NULL, updated_at = @UpdatedAt
            WHERE id = @Id
            """, new { row.Status, row.RetryCount, row.NextRetryAt, row.ErrorMessage, no = false, row.UpdatedAt, row.Id });
        tx.OnCommitted(module.WakeAll);
        return row.View;
    }
}
