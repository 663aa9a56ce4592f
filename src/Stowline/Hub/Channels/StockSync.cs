using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Stowline.Contracts;
using Stowline.Http;
using Stowline.Kernel;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>How the synchronization stands (source 5). <see cref="Status"/> is <c>healthy</c> or <c>warning</c>.</summary>
public sealed record SyncStatus(string Status, SyncStatistics Statistics, DateTimeOffset LastUpdated);

/// <param name="PendingOperations">Waiting to be sent.</param>
/// <param name="ProcessingOperations">Sent, and their end is not known yet.</param>
/// <param name="StaleOperations">Pending or processing for longer than <c>STOCK_SYNC_MONITORING_STALE_OPERATION_HOURS</c>, of accounts that are not switched off.</param>
/// <param name="FirstTryPercent">Of those completed today, how many needed no retry; null when there were none (S8).</param>
/// <param name="MeanRetrySeconds">From the first failure to the end, of those completed today that were retried (S8).</param>
public sealed record SyncStatistics(long PendingOperations, long ProcessingOperations, long FailedOperations, long CompletedToday, long StaleOperations, double? FirstTryPercent, double? MeanRetrySeconds);

/// <summary>Operations, newest first: as every list here (<c>items</c>, <c>next_cursor</c>), and as source 5 §4.1 has them.</summary>
/// <param name="Operations">The same ones in the words of source 5.</param>
/// <param name="Total">How many operations this page has, as in source 5.</param>
/// <param name="Offset">How many newer ones were left out.</param>
public sealed record OperationsPage(
    IReadOnlyList<StockOperationView> Items, string? NextCursor, IReadOnlyList<QueuedOperation> Operations, int Total, int Limit, int Offset) : IPage
{
    System.Collections.IEnumerable IPage.Items => Items;
}

/// <summary>An operation with the fields of source 5 §4.1; <see cref="StockOperationView"/> says more of it.</summary>
public sealed record QueuedOperation(
    Guid Id, Guid? OrderId, string Sku, long Quantity, OperationStatus Status, int RetryCount, DateTimeOffset CreatedAt, DateTimeOffset? NextRetryAt, string? ErrorMessage)
{
    internal QueuedOperation(StockOperationView of) : this(of.Id, of.OrderId, of.Sku, of.Quantity, of.Status, of.RetryCount, of.CreatedAt, of.NextRetryAt, of.ErrorMessage) { }
}

/// <summary>An operation after an operator's word, with source 5's answer beside it.</summary>
public sealed record ChangedOperation : StockOperationView
{
    internal ChangedOperation(StockOperationView of, string message) : base(of) => Message = message;

    /// <summary>What was done, in source 5's words.</summary>
    public string Message { get; init; }
    public Guid OperationId => Id;
}

/// <summary>What to compare with the marketplaces.</summary>
/// <param name="Account">Only this one, also as source 5's <c>token_id</c> in the query; all when not given.</param>
/// <param name="Fix">Set right at once what is safe to, however young the difference.</param>
public sealed record ReconcileBody(string? Account, bool? Fix) : IOptionalBody;

/// <summary>The comparison is made in the background; its result stands in <c>/channels/{account}</c> and its <c>discrepancies</c>.</summary>
/// <param name="TaskId">The account names it as its <c>reconciled_task_id</c> when it is done.</param>
public sealed record ReconcileQueued(Guid TaskId, string Status, IReadOnlyList<string> Accounts);

/// <summary>Which operations to try again.</summary>
/// <param name="Account">Only those of this one; of all when not given.</param>
public sealed record RetryBody(string? Account) : IOptionalBody;

/// <param name="Retried">So many failed operations wait to be sent now.</param>
/// <param name="Left">So many have still failed: a call takes the oldest 1,000.</param>
public sealed record RetriedOperations(int Retried, long Left);

/// <summary>
/// <c>/stock-sync</c> (S5, source 5): how operations stand, and what an operator may do. Refusals: <c>operation_not_found</c>, <c>invalid_transition</c>, <c>channel_not_found</c>.
/// </summary>
public static class StockSync
{
    /// <summary>More than this that wait are worth a look (source 5).</summary>
    private const int HealthyPending = 100;

    private const int RetriedTogether = 1_000;

    internal static void Map(IEndpointRouteBuilder api, Node node, ChannelsModule module)
    {
        api.Get("/stock-sync/status", async http =>
        {
            var now = node.Time.GetUtcNow();
            var account = Requests.Query(http, "account");
            var status = await node.Database.ReadAsync(async s => account is null || await AccountRow.FindAsync(s, account) is not null ? await StatusAsync(s, module.Sync, now, account) : null, http.RequestAborted);
            await Answers.WriteAsync(http, status is null ? SaveChannel.NotFound(account!) : (Outcome<SyncStatus>)status);
        }).WithTags("Stock synchronization").WithSummary("How the synchronization of stock stands").Produces<SyncStatus>().Reads("account", "Only of this account.");
        api.Get("/stock-sync/pending", http => ListAsync(http, node)).WithTags("Stock synchronization")
            .WithSummary("Operations, newest first").Pages<StockOperationView>().Produces<OperationsPage>()
            .WithMetadata(new QueryParameter("offset", "Source 5's way to page: how many to leave out. Counts where no cursor is given.", Number: (0, int.MaxValue, 0)))
            .Reads("status", "Only in this state.", typeof(OperationStatus)).Reads("account", "Only of this account.");
        api.MapGet("/stock-sync/operations/{operation}", (HttpContext http, string operation) => GetAsync(http, node, operation)).WithTags("Stock synchronization")
            .WithSummary("One operation with every step of it").Produces<StockOperationView>();
        api.MapPost("/stock-sync/retry/{operation}", (HttpContext http, string operation) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => RetryAsync(operation, module, tx)))
            .WithTags("Stock synchronization").WithSummary("Try an operation again now, counting anew").Produces<ChangedOperation>();
        api.Post("/stock-sync/retry", http => Commands.RunAsync<RetryBody, RetriedOperations>(http, node.Lanes, Lane.Hub, (body, tx) => RetryFailedAsync(body, module, tx)))
            .WithTags("Stock synchronization").WithSummary("Try failed operations again now, the oldest 1,000").Takes<RetryBody>(optional: true).Produces<RetriedOperations>();
        api.MapDelete("/stock-sync/cancel/{operation}", (HttpContext http, string operation) => Commands.RunAsync(http, node.Lanes, Lane.Hub, tx => CancelAsync(operation, tx)))
            .WithTags("Stock synchronization").WithSummary("Give an operation up").Produces<ChangedOperation>();
        api.Post("/stock-sync/reconcile", http => Commands.RunAsync<ReconcileBody, ReconcileQueued>(http, node.Lanes, Lane.Hub, (body, tx) => ReconcileAsync(body with { Account = body.Account ?? Requests.Query(http, "token_id") }, module, tx), status: 202))
            .WithTags("Stock synchronization").WithSummary("Compare with the marketplaces now").Takes<ReconcileBody>(optional: true).Produces<ReconcileQueued>(202)
            .Reads("token_id", "Only this account: source 5's word for it.");
    }

    private static Refusal NotFound(string id) => Refusal.NotFound("operation_not_found", $"there is no operation {id}");

    private sealed record Numbers
    {
        public long Pending { get; init; }
        public long Processing { get; init; }
        public long Failed { get; init; }
        public long Stale { get; init; }
    }

    private sealed record Finished
    {
        public int RetryCount { get; init; }
        public int Revivals { get; init; }
        public DateTimeOffset? FirstFailedAt { get; init; }
        public DateTimeOffset CompletedAt { get; init; }
    }

    /// <param name="account">Only of this one; of all when null.</param>
    internal static async Task<(long Pending, long Processing, long Failed, long Stale)> CountsAsync(SqlSession session, StockSyncSettings settings, DateTimeOffset now, string? account = null)
    {
        var of = account is null ? "" : "o.account = @account AND ";
        var counts = (await session.FindAsync<Numbers>($"""
            SELECT (SELECT COUNT(*) FROM stock_operations o WHERE {of}o.status = 1) AS pending, (SELECT COUNT(*) FROM stock_operations o WHERE {of}o.status = 2) AS processing,
                (SELECT COUNT(*) FROM stock_operations o WHERE {of}o.status = 4) AS failed,
                (SELECT COUNT(*) FROM stock_operations o WHERE {of}o.status IN (1, 2) AND o.created_at < @stale
                    AND EXISTS (SELECT 1 FROM channel_accounts a WHERE a.code = o.account AND a.enabled = @yes)) AS stale
            """, new { stale = now.AddHours(-settings.MonitoringStaleOperationHours), yes = true, account = account ?? "" }))!;
        return (counts.Pending, counts.Processing, counts.Failed, counts.Stale);
    }

    public static async Task<SyncStatus> StatusAsync(SqlSession session, StockSyncSettings settings, DateTimeOffset now, string? account = null)
    {
        var (pending, processing, failing, stale) = await CountsAsync(session, settings, now, account);
        var (done, first, retried, seconds) = (0L, 0L, 0L, 0.0);
        await foreach (var op in session.StreamAsync<Finished>(
            $"SELECT retry_count, revivals, first_failed_at, completed_at FROM stock_operations WHERE {(account is null ? "" : "account = @account AND ")}completed_at >= @today",
            new { today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero), account = account ?? "" }))
        {
            done++;
            if (op.FirstFailedAt is not { } failed) first++;
            else (retried, seconds) = (retried + 1, seconds + (op.CompletedAt - failed).TotalSeconds);
        }
        return new SyncStatus(pending < HealthyPending && stale == 0 ? "healthy" : "warning",
            new SyncStatistics(pending, processing, failing, done, stale, done == 0 ? null : Math.Round(100.0 * first / done, 2), retried == 0 ? null : Math.Round(seconds / retried, 1)), now);
    }

    private static async Task ListAsync(HttpContext http, Node node)
    {
        var paging = Requests.PagingById(http);
        if (paging.Refusal is { } bad) { await Answers.WriteAsync(http, bad); return; }
        var (limit, before) = paging.Value;
        var offset = 0;
        if (Requests.Query(http, "offset") is { } skip && !int.TryParse(skip, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out offset))
        {
            await Answers.WriteAsync(http, Refusal.Invalid("offset", "must be a whole number from 0"));
            return;
        }
        if (before != Guid.AllBitsSet) offset = 0; // a cursor says all
        var which = "status IN (1, 2, 3, 4, 5)";
        if (Requests.Query(http, "status") is { } text)
        {
            if (!SnakeCaseEnum<OperationStatus>.TryParse(text, out var known)) { await Answers.WriteAsync(http, Refusal.Invalid("status", SnakeCaseEnum<OperationStatus>.Choices)); return; }
            which = "status = " + ((int)known).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        var account = Requests.Query(http, "account");
        if (account is not null) which += " AND account = @account";
        var rows = await node.Database.ReadAsync(async s => await s.QueryAsync<OperationRow>(
            $"SELECT {OperationRow.Columns} FROM stock_operations WHERE {which} AND id < @before ORDER BY id DESC LIMIT @most OFFSET @offset",
            new { before, account = account ?? "", most = limit + 1, offset }), http.RequestAborted);
        StockOperationView[] items = [.. rows.Take(limit).Select(r => r.View)];
        await Answers.WriteAsync<OperationsPage>(http, new OperationsPage(items, rows.Count > limit ? items[^1].Id.ToString() : null, [.. items.Select(i => new QueuedOperation(i))], items.Length, limit, offset));
    }

    private static async Task GetAsync(HttpContext http, Node node, string id)
    {
        var view = await node.Database.ReadAsync(async s => Guid.TryParseExact(id, "D", out var key) && await OperationRow.FindAsync(s, key) is { } row
            ? row.View with { Log = await SyncLog.OfAsync(s, key) } : null, http.RequestAborted);
        await Answers.WriteAsync(http, view is null ? NotFound(id) : (Outcome<StockOperationView>)view);
    }

    private static async ValueTask<Outcome<OperationRow>> FindAsync(string id, OperationAction action, LaneTransaction tx)
    {
        if (!Guid.TryParseExact(id, "D", out var key) || await OperationRow.FindAsync(tx.Group.Session, key) is not { } row) return NotFound(id);
        return OperationLifecycle.May(row.Status, action) ? row
            : Refusal.Conflict("invalid_transition", $"an operation that is {SnakeCaseEnum<OperationStatus>.Text(row.Status)} cannot be {(action == OperationAction.Cancel ? "cancelled" : "retried")}");
    }

    internal static async ValueTask<Outcome<ChangedOperation>> RetryAsync(string id, ChannelsModule module, LaneTransaction tx)
    {
        var found = await FindAsync(id, OperationAction.Retry, tx);
        if (found.Refusal is { } no) return no;
        var op = found.Value;
        await tx.WriteAsync("""
            UPDATE stock_operations SET status = 1, retry_count = 0, next_retry_at = @now, revive_at = NULL, transport = @no, error_message = NULL, updated_at = @now WHERE id = @id
            """, new { id = op.Id, now = tx.Now, no = false });
        if (op.CommandId is { } command) await tx.WriteAsync("UPDATE channel_commands SET next_at = @now WHERE id = @command", new { command, now = tx.Now });
        await SyncLog.WriteAsync(tx, op.Id, "manual_retry", OperationStatus.Pending, $"by {tx.Caller.Actor}");
        tx.OnCommitted(module.WakeAll);
        return new ChangedOperation((op with { Status = OperationStatus.Pending, RetryCount = 0, NextRetryAt = tx.Now, ErrorMessage = null, UpdatedAt = tx.Now }).View, "Operation queued for retry");
    }

    /// <summary>What would be done by hand for each: after the cause is gone nobody wants to press a button a thousand times.</summary>
    internal static async ValueTask<Outcome<RetriedOperations>> RetryFailedAsync(RetryBody body, ChannelsModule module, LaneTransaction tx)
    {
        if (body.Account is { } one && await AccountRow.FindAsync(tx.Group.Session, one) is null) return SaveChannel.NotFound(one);
        var which = body.Account is null ? "status = 4" : "status = 4 AND account = @account";
        var args = new { account = body.Account ?? "" };
        var all = await tx.FindAsync<long>($"SELECT COUNT(*) FROM stock_operations WHERE {which}", args);
        var failed = await tx.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM stock_operations WHERE {which} ORDER BY id LIMIT {RetriedTogether}", args);
        if (failed.Count == 0) return new RetriedOperations(0, 0);
        await tx.UpdateAsync("stock_operations", "status = 1, retry_count = 0, next_retry_at = k.now, revive_at = NULL, transport = k.transport, error_message = NULL, updated_at = k.now", failed.Count,
            [Column.From("id", failed, o => o.Id)], Column.Same("now", failed.Count, tx.Now), Column.Same("transport", failed.Count, false));
        foreach (var command in failed.Where(o => o.CommandId is not null).Select(o => o.CommandId!.Value).Distinct())
            await tx.WriteAsync("UPDATE channel_commands SET next_at = @now WHERE id = @command", new { command, now = tx.Now });
        await SyncLog.WriteAllAsync(tx, failed, "manual_retry", _ => OperationStatus.Pending, _ => $"by {tx.Caller.Actor}");
        tx.OnCommitted(module.WakeAll);
        return new RetriedOperations(failed.Count, all - failed.Count);
    }

    internal static async ValueTask<Outcome<ChangedOperation>> CancelAsync(string id, LaneTransaction tx)
    {
        const string done = "Operation cancelled";
        if (Guid.TryParseExact(id, "D", out var key) && await OperationRow.FindAsync(tx.Group.Session, key) is { Status: OperationStatus.Cancelled } over)
            return Outcome<ChangedOperation>.AlreadyDone(new ChangedOperation(over.View, done));
        var found = await FindAsync(id, OperationAction.Cancel, tx);
        if (found.Refusal is { } no) return no;
        await tx.WriteAsync("UPDATE stock_operations SET status = 5, updated_at = @now, revive_at = NULL WHERE id = @id", new { id = found.Value.Id, now = tx.Now });
        await SyncLog.WriteAsync(tx, found.Value.Id, "cancelled", OperationStatus.Cancelled, $"by {tx.Caller.Actor}");
        return new ChangedOperation((found.Value with { Status = OperationStatus.Cancelled, UpdatedAt = tx.Now }).View, done);
    }

    internal static async ValueTask<Outcome<ReconcileQueued>> ReconcileAsync(ReconcileBody body, ChannelsModule module, LaneTransaction tx)
    {
        var accounts = (await AccountRow.AllAsync(tx.Group.Session)).Where(a => body.Account is null || a.Code == body.Account).Select(a => a.Code).ToList();
        if (body.Account is { } one && accounts.Count == 0) return SaveChannel.NotFound(one);
        var task = tx.NewId();
        foreach (var code in accounts)
            await tx.WriteAsync("UPDATE channel_accounts SET reconcile_at = @now, reconcile_fixes = @fix, reconcile_task = @task WHERE code = @code", new { code, now = tx.Now, fix = body.Fix ?? false, task });
        tx.OnCommitted(module.WakeAll);
        return new ReconcileQueued(task, "queued", accounts);
    }
}
