using Stowline.Contracts;
using Stowline.Hub.Ordering;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>The SKUs that were saved for offers.</summary>
internal delegate Task<IReadOnlyDictionary<string, string>> SkusOfOffers(IReadOnlyCollection<string> offers, CancellationToken ct);

/// <summary>How an account is told of its orders. Nothing here knows of retries or the database.</summary>
internal interface IOrderTeller
{
    /// <summary>The account's own word for how an order stands; null where it is not told.</summary>
    string? WordOf(OrderStatus status);

    bool TellsShipments { get; }

    /// <summary>Saying it twice is saying it once.</summary>
    Task<CallAnswer> TellStatusAsync(ReportRow report, string word, CancellationToken ct);

    /// <summary>Where the answer to an earlier call was lost (<see cref="ReportRow.Unsure"/>), the account is asked first, if it can be asked.</summary>
    Task<CallAnswer> TellShipmentAsync(ReportRow report, CancellationToken ct);
}

/// <summary>
/// Tells one account what has become of its orders. A report is taken in a transaction before the call and settled in one after it; should the process end in between, it is taken
/// again two minutes later. What fails is retried as stock operations are (S1): turns are counted, an account that is away costs none for good.
/// </summary>
internal sealed class ReportOut(Node node, string account, StockSyncSettings settings, StockBooks books)
{
    private const int SideBySide = 8;
    private const int MostError = 1_000;
    private static readonly TimeSpan Held = TimeSpan.FromMinutes(2);
    private readonly ChannelMetrics _metrics = node.Lanes.Meter.Get<ChannelMetrics>();

    /// <summary>One round; true when there was something to do.</summary>
    public async Task<bool> RunAsync(IOrderTeller teller, AccountRow row, CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        var away = row.FailingSince is not null;
        if (away && row.ProbeAt > now) return false;
        if (await node.Database.ReadAsync(async s => await s.FindAsync<Guid?>("""
            SELECT id FROM channel_reports WHERE account = @account AND status IN (1, 2) AND next_retry_at <= @now AND (hold_until IS NULL OR hold_until <= @now)
            UNION ALL SELECT id FROM channel_reports WHERE account = @account AND status = 4 AND revive_at <= @now LIMIT 1
            """, new { account, now }), ct) is null) return false;
        var taken = await TakeAsync(away ? 1 : SideBySide);
        var answers = await Task.WhenAll(taken.Select(r => TellAsync(teller, r, ct)));
        await SettleAsync([.. taken.Zip(answers)]);
        await books.AnsweredAsync(row, [.. answers.Where(a => a.Answer is not null).Select(a => a.Answer!)]);
        return taken.Count > 0;
    }

    private async Task<IReadOnlyList<ReportRow>> TakeAsync(int most)
    {
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<IReadOnlyList<ReportRow>>(Lane.Hub, Caller.System, async tx =>
        {
            // What failed for the account's sake comes back by itself.
            await tx.WriteAsync("""
                UPDATE channel_reports SET status = 1, retry_count = 0, revivals = revivals + 1, next_retry_at = @now, revive_at = NULL, updated_at = @now
                WHERE account = @account AND status = 4 AND revive_at <= @now
                """, new { account, now = tx.Now });
            var due = await tx.QueryAsync<ReportRow>($"""
                SELECT {ReportRow.Columns} FROM channel_reports WHERE account = @account AND status IN (1, 2) AND next_retry_at <= @now AND (hold_until IS NULL OR hold_until <= @now)
                ORDER BY next_retry_at, id LIMIT @most
                """, new { account, now = tx.Now, most });
            // One that is under way still was taken by a process that is gone: its call may have been made.
            List<ReportRow> taken = [.. due.Select(r => r with { Unsure = r.Unsure || r.Status == OperationStatus.Processing })];
            await tx.UpdateAsync("channel_reports", "status = 2, unsure = k.unsure, next_retry_at = k.until, updated_at = k.now", taken.Count, [Column.From("id", taken, r => r.Id)],
                Column.From("unsure", taken, r => r.Unsure), Column.Same("until", taken.Count, tx.Now + Held), Column.Same("now", taken.Count, tx.Now));
            return taken;
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : [];
    }

    /// <summary>What came of it; no answer where no call was needed.</summary>
    private static async Task<(CallAnswer? Answer, string? Told)> TellAsync(IOrderTeller teller, ReportRow report, CancellationToken ct)
    {
        if (report.Kind == ReportKind.Shipment) return teller.TellsShipments ? (await teller.TellShipmentAsync(report, ct), report.TrackingNumber) : (null, null);
        if (!SnakeCaseEnum<OrderStatus>.TryParse(report.Word, out var status) || teller.WordOf(status) is not { } word || word == report.Told && !report.Unsure) return (null, report.Told);
        return (await teller.TellStatusAsync(report, word, ct), word);
    }

    private async Task SettleAsync(IReadOnlyList<(ReportRow Report, (CallAnswer? Answer, string? Told) Came)> told)
    {
        if (told.Count == 0) return;
        await node.Lanes.ExecuteAsConsumerAsync<Kernel.Done>(Lane.Hub, Caller.System, async tx =>
        {
            foreach (var (report, (answer, word)) in told)
            {
                if (answer is null or { Ok: true }) await DoneAsync(tx, report, word, answer);
                else await FailAsync(tx, report, answer);
            }
            return new Kernel.Done();
        });
    }

    /// <summary>Where a newer word has come meanwhile it stays pending: what was confirmed now is kept, and that one follows.</summary>
    private async ValueTask DoneAsync(LaneTransaction tx, ReportRow report, string? word, CallAnswer? answer)
    {
        await tx.WriteAsync("UPDATE channel_reports SET told = @word, unsure = @no, hold_until = NULL WHERE id = @id", new { word, no = false, id = report.Id });
        await tx.WriteAsync("""
            UPDATE channel_reports SET status = 3, completed_at = @now, updated_at = @now, error_message = NULL, transport = @no, revive_at = NULL WHERE id = @id AND status = 2 AND position = @position
            """, new { now = tx.Now, no = false, id = report.Id, position = report.Position });
        if (answer is not null) _metrics.Report(account, "completed");
    }

    private async ValueTask FailAsync(LaneTransaction tx, ReportRow report, CallAnswer answer)
    {
        // Not carried out, and nobody's fault: it keeps its turn.
        var waits = answer.Result is CallResult.Busy or CallResult.Denied;
        var last = !waits && report.RetryCount >= report.MaxRetries;
        var transport = answer.Result == CallResult.Lost;
        var next = tx.Now + (waits ? answer.RetryAfter ?? TimeSpan.FromSeconds(60) : settings.Delay(report.RetryCount + 1, node.Ids.NextDouble()));
        var revive = transport && last ? tx.Now + TimeSpan.FromSeconds(Math.Min(30 * Math.Pow(2, Math.Min(report.Revivals, 10)), settings.RetryMaxDelay)) : (DateTimeOffset?)null;
        await tx.WriteAsync("UPDATE channel_reports SET unsure = @unsure, hold_until = @hold WHERE id = @id",
            new { unsure = report.Unsure || transport, hold = transport ? tx.Now + ChannelCalls.Timeout : (DateTimeOffset?)null, id = report.Id });
        await tx.WriteAsync("""
            UPDATE channel_reports SET status = @status, retry_count = @retries, next_retry_at = @next, transport = @transport, revive_at = @revive, updated_at = @now, error_message = @error
            WHERE id = @id AND status = 2 AND position = @position
            """, new
            {
                status = last ? OperationStatus.Failed : OperationStatus.Pending, retries = Math.Min(report.MaxRetries, report.RetryCount + (waits ? 0 : 1)), next, transport = transport || waits, revive,
                now = tx.Now, error = answer.Error is { Length: > MostError } text ? text[..MostError] : answer.Error, id = report.Id, position = report.Position,
            });
        _metrics.Report(account, last ? "failed" : "retried");
    }
}
