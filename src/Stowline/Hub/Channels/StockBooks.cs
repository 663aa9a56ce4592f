using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>
/// What is written down of one account's operations, each step in a transaction of its own. An operation that failed because the marketplace was away keeps its turns (S1), but
/// waits no longer than half a minute once anything else came through, and comes back by itself after its last turn: nobody has to look for it.
/// </summary>
internal sealed class StockBooks(Node node, string account, StockSyncSettings settings)
{
    private static readonly TimeSpan NoReport = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Shut = TimeSpan.FromSeconds(60);
    /// <summary>Together with <see cref="LongestProbe"/> well below the minute within which stock must be right again.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Told = TimeSpan.FromMinutes(1);
    private const int MostError = 1_000;

    private Task WriteAsync(Func<LaneTransaction, ValueTask> write) => node.Lanes.ExecuteAsConsumerAsync<Kernel.Done>(Lane.Hub, Caller.System, async tx =>
    {
        await write(tx);
        return new Kernel.Done();
    });

    private double Random => node.Ids.NextDouble();

    /// <summary>Should this process end before the answer, the command is followed up a minute later.</summary>
    public async ValueTask BindAsync(LaneTransaction tx, Guid command, IReadOnlyList<OperationRow> operations)
    {
        await tx.WriteAsync("INSERT INTO channel_commands (id, account, state, looks, since, next_at) VALUES (@command, @account, 1, 0, @now, @next)",
            new { command, account, now = tx.Now, next = tx.Now + 2 * ChannelCalls.Timeout });
        await tx.UpdateAsync("stock_operations", "status = 2, command_id = k.command_id, updated_at = k.now", operations.Count, [Column.From("id", operations, o => o.Id)],
            Column.Same("command_id", operations.Count, command), Column.Same("now", operations.Count, tx.Now));
        await SyncLog.WriteAllAsync(tx, [.. operations.Where(o => o.RetryCount > 0)], "retry", _ => OperationStatus.Processing, o => $"retry {o.RetryCount}");
    }

    /// <summary>Nothing travels with it any more.</summary>
    public Task ForgetAsync(Guid command) => WriteAsync(async tx => await UnbindAsync(tx, command, []));

    /// <param name="report">What the answer says of each offer; null where that is told later.</param>
    /// <param name="arrivedBefore">It was given before, and whether it arrived was not known: a refusal now says nothing about then.</param>
    /// <param name="counts">It was this command's turn; else it was only tried to see whether the marketplace is back.</param>
    public Task SentAsync(Guid command, CallAnswer answer, CommandReport? report, bool arrivedBefore, bool counts) => WriteAsync(async tx =>
    {
        var operations = await OperationRow.OfCommandAsync(tx.Group.Session, command);
        await SyncLog.WriteAllAsync(tx, operations, answer.Ok ? "sync_success" : answer.Result == CallResult.Lost ? "sync_error" : "sync_failed", _ => OperationStatus.Processing, _ => answer.Error, answer.Took);
        switch (answer.Result)
        {
            case CallResult.Done when report is null:
                await tx.WriteAsync("UPDATE channel_commands SET state = 2, looks = 0, since = @now, next_at = @next WHERE id = @command", new { command, now = tx.Now, next = tx.Now + TimeSpan.FromSeconds(1) });
                await tx.WriteAsync("UPDATE stock_operations SET status = 2, updated_at = @now WHERE command_id = @command AND status IN (1, 4)", new { command, now = tx.Now });
                break;
            case CallResult.Done:
                await FinishAsync(tx, command, operations, report!);
                break;
            case CallResult.Rejected or CallResult.Missing:
                await RejectAsync(tx, command, operations, answer.Error!);
                break;
            case CallResult.Busy or CallResult.Denied when !arrivedBefore:
                // It was not carried out: the operations are free to be sent anew, with whatever is wanted by then.
                var free = await UnbindAsync(tx, command, operations);
                await tx.UpdateAsync("stock_operations", "status = 1, next_retry_at = k.next, error_message = k.error", free.Count, [Column.From("id", free, o => o.Id)],
                    Column.Same("next", free.Count, tx.Now + PauseOf(answer, 0)), Column.Same("error", free.Count, Cut(answer.Error)));
                break;
            case CallResult.Busy or CallResult.Denied:
                await LaterAsync(tx, command, tx.Now + PauseOf(answer, 0));
                break;
            case CallResult.Lost:
                await LoseAsync(tx, command, operations, answer.Error!, reports: report is null, counts);
                break;
        }
    });

    /// <summary>What the marketplace says about a command that it was given before.</summary>
    public Task LookedAsync(CommandRow command, CallAnswer answer, CommandReport? report, bool counts) => WriteAsync(async tx =>
    {
        var operations = await OperationRow.OfCommandAsync(tx.Group.Session, command.Id);
        if (report?.State == CommandState.Finished)
        {
            await SyncLog.WriteAllAsync(tx, operations, "reported", _ => OperationStatus.Processing, _ => null, answer.Took);
            await FinishAsync(tx, command.Id, operations, report);
        }
        else if (command.State == CommandRow.Asked && answer.IsAway && report is null)
        {
            if (answer.Result == CallResult.Lost) await LoseAsync(tx, command.Id, operations, answer.Error!, reports: true, counts);
            else await LaterAsync(tx, command.Id, tx.Now + PauseOf(answer, 0));
        }
        else if (command.State == CommandRow.Taken && tx.Now - command.Since >= NoReport && !answer.IsAway)
        {
            await UnbindAsync(tx, command.Id, operations, supersede: false);
            await FailAsync(tx, await WithoutNewerAsync(tx, operations), $"no report for {NoReport.TotalMinutes:0} minutes", transport: false);
        }
        else
        {
            var wait = TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(command.Looks, 10)), LongestLook.TotalSeconds));
            await tx.WriteAsync("UPDATE channel_commands SET state = 2, since = @since, looks = looks + 1, next_at = @next WHERE id = @id",
                new { id = command.Id, since = command.State == CommandRow.Taken ? command.Since : tx.Now, next = tx.Now + wait });
        }
    });

    private static ValueTask LaterAsync(LaneTransaction tx, Guid command, DateTimeOffset next) =>
        tx.WriteAsync("UPDATE channel_commands SET next_at = @next WHERE id = @command", new { command, next });

    private async ValueTask FinishAsync(LaneTransaction tx, Guid command, IReadOnlyList<OperationRow> operations, CommandReport report)
    {
        await UnbindAsync(tx, command, operations, supersede: false);
        List<OperationRow> good = [.. operations.Where(o => report.WhyNot(o.Offer) is null)];
        // Also of an operation that was cancelled meanwhile: it had been sent, and this is what is shown now.
        await tx.UpdateAsync("channel_offers", "acknowledged = k.quantity, acknowledged_at = k.now, hold_until = NULL", good.Count,
            [Column.Same("account", good.Count, account), Column.From("offer", good, o => o.Offer)], Column.From("quantity", good, o => o.Quantity), Column.Same("now", good.Count, tx.Now));
        List<OperationRow> open = [.. good.Where(o => o.Status != OperationStatus.Cancelled)];
        await tx.UpdateAsync("stock_operations", "status = 3, completed_at = k.now, updated_at = k.now, error_message = NULL, revive_at = NULL", open.Count, [Column.From("id", open, o => o.Id)],
            Column.Same("now", open.Count, tx.Now));
        await SyncLog.WriteAllAsync(tx, open, "completed", _ => OperationStatus.Completed, o => $"{o.Offer} is {o.Quantity}");
        tx.Measure<ChannelMetrics>(m => m.Operation(account, "completed", open.Count));
        foreach (var reason in operations.Where(o => report.WhyNot(o.Offer) is not null).GroupBy(o => report.WhyNot(o.Offer)!))
            await FailAsync(tx, await WithoutNewerAsync(tx, [.. reason]), reason.Key, transport: false);
    }

    /// <summary>One bad offer spoils a whole call: each is then tried by itself, and only the bad one fails.</summary>
    private async ValueTask RejectAsync(LaneTransaction tx, Guid command, IReadOnlyList<OperationRow> operations, string error)
    {
        var left = await UnbindAsync(tx, command, operations);
        if (operations.Count == 1) await FailAsync(tx, left, error, transport: false);
        else await tx.UpdateAsync("stock_operations", "status = 1, solo = k.solo, next_retry_at = k.now, updated_at = k.now, error_message = k.error", left.Count, [Column.From("id", left, o => o.Id)],
            Column.Same("solo", left.Count, true), Column.Same("now", left.Count, tx.Now), Column.Same("error", left.Count, Cut(error)));
    }

    private async ValueTask LoseAsync(LaneTransaction tx, Guid command, IReadOnlyList<OperationRow> operations, string error, bool reports, bool counts)
    {
        if (!reports)
        {
            // It may still arrive, so nothing else goes to these offers for as long as that could take.
            await tx.UpdateAsync("channel_offers", "hold_until = k.until", operations.Count, [Column.Same("account", operations.Count, account), Column.From("offer", operations, o => o.Offer)],
                Column.Same("until", operations.Count, tx.Now + ChannelCalls.Timeout));
            operations = await UnbindAsync(tx, command, operations);
        }
        DateTimeOffset next;
        if (counts) next = await FailAsync(tx, operations, error, transport: true);
        else
        {
            next = tx.Now + Soon;
            await tx.UpdateAsync("stock_operations", "status = 1", operations.Count(o => o.Status == OperationStatus.Processing), [Column.From("id", [.. operations.Where(o => o.Status == OperationStatus.Processing)], o => o.Id)]);
        }
        if (reports && counts) await LaterAsync(tx, command, next);
    }

    /// <summary>Takes operations off their command. Where a newer quantity of an offer waits, the older is over: only the newer will be sent.</summary>
    private static async ValueTask<IReadOnlyList<OperationRow>> UnbindAsync(LaneTransaction tx, Guid command, IReadOnlyList<OperationRow> operations, bool supersede = true)
    {
        await tx.WriteAsync("UPDATE stock_operations SET command_id = NULL WHERE command_id = @command", new { command });
        await tx.WriteAsync("DELETE FROM channel_commands WHERE id = @command", new { command });
        return supersede ? await WithoutNewerAsync(tx, operations) : operations;
    }

    /// <summary>Those for whose offer nothing newer waits; the others are cancelled.</summary>
    private static async ValueTask<IReadOnlyList<OperationRow>> WithoutNewerAsync(LaneTransaction tx, IReadOnlyList<OperationRow> operations)
    {
        var newer = new HashSet<string>(StringComparer.Ordinal);
        await tx.SelectAsync("SELECT n.offer FROM stock_operations n WHERE n.account = k.account AND n.offer = k.offer AND n.status IN (1, 2, 4) AND n.status = 1 AND n.command_id IS NULL AND n.id > k.id", operations.Count,
            [Column.From("account", operations, o => o.Account), Column.From("offer", operations, o => o.Offer), Column.From("id", operations, o => o.Id)], row => newer.Add(row.GetString(0)));
        await SupersedeAsync(tx, [.. operations.Where(o => newer.Contains(o.Offer) && o.Status != OperationStatus.Cancelled)]);
        return [.. operations.Where(o => !newer.Contains(o.Offer) && o.Status != OperationStatus.Cancelled)];
    }

    /// <summary>A newer quantity is on its way, so these are over.</summary>
    public static async ValueTask SupersedeAsync(LaneTransaction tx, IReadOnlyList<OperationRow> over)
    {
        await tx.UpdateAsync("stock_operations", "status = 5, updated_at = k.now, error_message = k.error, revive_at = NULL", over.Count, [Column.From("id", over, o => o.Id)],
            Column.Same("now", over.Count, tx.Now), Column.Same("error", over.Count, "superseded by a newer quantity"));
        await SyncLog.WriteAllAsync(tx, over, "superseded", _ => OperationStatus.Cancelled, _ => "by a newer quantity");
    }

    /// <summary>Counts a failed turn of each: it waits for the next, or has failed. Answers when the first of them is due again.</summary>
    private async ValueTask<DateTimeOffset> FailAsync(LaneTransaction tx, IReadOnlyList<OperationRow> all, string error, bool transport)
    {
        List<OperationRow> operations = [.. all.Where(o => o.Status != OperationStatus.Cancelled)];
        if (operations.Count == 0) return tx.Now + Soon;
        var last = operations.Where(o => o.RetryCount >= o.MaxRetries).Select(o => o.Id).ToHashSet();
        var delay = settings.Delay(operations.Max(o => o.RetryCount) + 1, Random);
        var revive = tx.Now + TimeSpan.FromSeconds(Math.Min(30 * Math.Pow(2, Math.Min(operations.Max(o => o.Revivals), 10)), settings.RetryMaxDelay));
        var n = operations.Count;
        await tx.UpdateAsync("stock_operations", """
            status = k.status, retry_count = k.retries, next_retry_at = k.next, transport = k.transport, revive_at = k.revive, updated_at = k.now,
            first_failed_at = COALESCE(stock_operations.first_failed_at, k.now), error_message = k.error
            """, n, [Column.From("id", operations, o => o.Id)], Column.From("status", operations, o => last.Contains(o.Id) ? (int)OperationStatus.Failed : (int)OperationStatus.Pending),
            Column.From("retries", operations, o => Math.Min(o.MaxRetries, o.RetryCount + 1)), Column.Same("next", n, tx.Now + delay), Column.Same("transport", n, transport),
            Column.From("revive", operations, o => transport && last.Contains(o.Id) ? revive : (DateTimeOffset?)null), Column.Same("now", n, tx.Now), Column.Same("error", n, Cut(error)));
        // Source 5's words: the first call has failed, or a retry has.
        foreach (var (action, those) in new[] { ("failed", operations.Where(o => o.RetryCount == 0)), ("retry_failed", operations.Where(o => o.RetryCount > 0)) })
            await SyncLog.WriteAllAsync(tx, [.. those.Where(o => !last.Contains(o.Id))], action, _ => OperationStatus.Pending, _ => $"next in {delay.TotalSeconds:0} s: {Cut(error)}");
        await SyncLog.WriteAllAsync(tx, [.. operations.Where(o => last.Contains(o.Id))], "max_retries", _ => OperationStatus.Failed, o => $"after {o.MaxRetries} retries: {Cut(error)}");
        tx.Measure<ChannelMetrics>(m => m.Operation(account, "failed", last.Count));
        return last.Count == n && transport ? revive : tx.Now + delay;
    }

    /// <summary>What failed for the marketplace's sake is pending again when its time has come.</summary>
    public async Task ReviveAsync(DateTimeOffset now)
    {
        if (await node.Database.ReadAsync(async s => await s.FindAsync<Guid?>("SELECT id FROM stock_operations WHERE account = @account AND status = 4 AND revive_at <= @now LIMIT 1", new { account, now })) is null) return;
        await WriteAsync(async tx =>
        {
            var back = await tx.QueryAsync<OperationRow>($"SELECT {OperationRow.Columns} FROM stock_operations WHERE account = @account AND status = 4 AND revive_at <= @now ORDER BY id LIMIT 1000", new { account, now = tx.Now });
            await tx.UpdateAsync("stock_operations", "status = 1, retry_count = 0, revivals = stock_operations.revivals + 1, next_retry_at = k.now, revive_at = NULL, updated_at = k.now", back.Count,
                [Column.From("id", back, o => o.Id)], Column.Same("now", back.Count, tx.Now));
            foreach (var command in back.Where(o => o.CommandId is not null).Select(o => o.CommandId!.Value).Distinct()) await LaterAsync(tx, command, tx.Now);
            await SyncLog.WriteAllAsync(tx, back, "revived", _ => OperationStatus.Pending, _ => "the marketplace answers again");
        });
    }

    /// <summary>How long to leave the marketplace alone.</summary>
    private TimeSpan PauseOf(CallAnswer answer, int failures)
    {
        if (answer.RetryAfter is { } asked && asked > TimeSpan.Zero) return asked < LongestAsked ? asked : LongestAsked;
        if (answer.Result == CallResult.Denied) return Shut;
        if (answer.Result == CallResult.Busy) return LongestProbe;
        return TimeSpan.FromSeconds(Math.Min(Math.Pow(2, Math.Min(failures, 10)), LongestProbe.TotalSeconds)) * (0.8 + 0.4 * Random);
    }

    /// <summary>Whether the marketplace is there, after some calls. One that came through says that it is; what failed meanwhile need not wait long then.</summary>
    /// <param name="known">The account as it was before the calls.</param>
    public async Task AnsweredAsync(AccountRow known, IReadOnlyList<CallAnswer> answers)
    {
        if (answers.Count == 0) return;
        var there = answers.Any(a => !a.IsAway);
        if (there && known.FailingSince is null && known.LastSuccessAt > node.Time.GetUtcNow() - Told && !await AnyLostAsync()) return; // nothing new to write down
        var trouble = answers.FirstOrDefault(a => a.IsAway);
        await WriteAsync(async tx =>
        {
            if (await AccountRow.FindAsync(tx.Group.Session, account) is not { } row) return;
            if (!there)
            {
                await tx.WriteAsync("UPDATE channel_accounts SET failures = failures + 1, failing_since = COALESCE(failing_since, @now), probe_at = @probe, last_error = @error WHERE code = @account",
                    new { account, now = tx.Now, probe = tx.Now + PauseOf(trouble!, row.Failures), error = Cut(trouble!.Error) });
                return;
            }
            await tx.WriteAsync("UPDATE channel_accounts SET failures = 0, failing_since = NULL, probe_at = NULL, last_error = NULL, last_success_at = @now WHERE code = @account", new { account, now = tx.Now });
            var soon = tx.Now + Soon * (0.8 + 0.4 * Random);
            if (row.FailingSince is { } since && tx.Now - since >= Outage)
            {
                soon = tx.Now;
                await tx.WriteAsync("UPDATE stock_operations SET revive_at = @now WHERE account = @account AND status = 4 AND transport = @yes", new { account, now = tx.Now, yes = true });
                await tx.WriteAsync("UPDATE channel_reports SET revive_at = @now WHERE account = @account AND status = 4 AND transport = @yes", new { account, now = tx.Now, yes = true });
            }
            await tx.WriteAsync("UPDATE channel_commands SET next_at = @soon WHERE account = @account AND state = 1 AND next_at > @soon", new { account, soon });
            await tx.WriteAsync("UPDATE stock_operations SET next_retry_at = @soon WHERE account = @account AND status = 1 AND transport = @yes AND next_retry_at > @soon", new { account, soon, yes = true });
            await tx.WriteAsync("UPDATE channel_reports SET next_retry_at = @soon WHERE account = @account AND status = 1 AND transport = @yes AND next_retry_at > @soon", new { account, soon, yes = true });
        });
    }

    private Task<bool> AnyLostAsync() => node.Database.ReadAsync(async s =>
        await s.FindAsync<Guid?>("""
            SELECT id FROM stock_operations WHERE account = @account AND status = 1 AND transport = @yes
            UNION ALL SELECT id FROM channel_reports WHERE account = @account AND status = 1 AND transport = @yes LIMIT 1
            """, new { account, yes = true }) is not null);

    private static string? Cut(string? text) => text is { Length: > MostError } ? text[..MostError] : text;
}
