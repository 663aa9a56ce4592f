using Stowline.Log;

namespace Stowline.Hub.Channels;

/// <summary>A command of which is not known yet what came of it.</summary>
internal sealed record CommandRow
{
    public Guid Id { get; init; }
    public int State { get; init; }
    public int Looks { get; init; }
    /// <summary>When it came to its state.</summary>
    public DateTimeOffset Since { get; init; }
    public DateTimeOffset NextAt { get; init; }

    /// <summary>Whether it arrived is not known.</summary>
    public const int Asked = 1;
    /// <summary>The marketplace has it and will report.</summary>
    public const int Taken = 2;
}

/// <summary>
/// Sends one account's operations. What is to be sent is written down first, under the id that the marketplace will know it by; so whatever happens, it can be asked what became of it.
/// An offer has at most one command under way: a newer quantity waits until the older one's fate is known, and so is never overtaken by it.
/// </summary>
internal sealed class StockOut(Node node, string account, StockBooks books)
{
    private const int SideBySide = 8;
    private const int MostOperations = 2_000;

    /// <param name="Counts">It is its turn; else it is only tried to see whether the marketplace is back.</param>
    private sealed record Sending(Guid Id, IReadOnlyList<OperationRow> Operations, bool Counts);

    /// <summary>One round; true when there was something to do.</summary>
    public async Task<bool> RunAsync(IShop shop, AccountRow row, CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        var away = row.FailingSince is not null;
        if (away && row.ProbeAt > now) return false;
        if (!away) await books.ReviveAsync(now);
        var most = away ? 1 : SideBySide;
        var due = await DueAsync(now, early: away, most);
        var answers = await Task.WhenAll(due.Select(c => FollowAsync(shop, c, counts: c.NextAt <= now, ct)));
        var sent = due.Count < most ? await BindAsync(shop, most - due.Count, early: false) : [];
        // Where nothing's time has come nobody would notice that the marketplace is back: what failed for its sake would wait for its turn, or for ever once it has none left.
        if (away && due.Count + sent.Count == 0) sent = await BindAsync(shop, 1, early: true);
        var fresh = await Task.WhenAll(sent.Select(s => FirstAsync(shop, s, ct)));
        if (due.Count + sent.Count == 0) return false;
        await books.AnsweredAsync(row, [.. answers.Concat(fresh).OfType<CallAnswer>()]);
        return true;
    }

    /// <summary>Commands whose time has come. While the marketplace is away one is tried early, the oldest, to see whether it is back.</summary>
    private async Task<IReadOnlyList<CommandRow>> DueAsync(DateTimeOffset now, bool early, int most) => await node.Database.ReadAsync(async s => early
        ? await s.QueryAsync<CommandRow>("SELECT id, state, looks, since, next_at FROM channel_commands WHERE account = @account ORDER BY since, id LIMIT @most", new { account, most })
        : await s.QueryAsync<CommandRow>("SELECT id, state, looks, since, next_at FROM channel_commands WHERE account = @account AND next_at <= @now ORDER BY next_at, id LIMIT @most", new { account, now, most }));

    /// <summary>Takes due operations together and writes down that they are being sent. Another process that does the same at this moment finds them taken.</summary>
    /// <param name="early">One that failed because the marketplace was away, before its time.</param>
    private async Task<IReadOnlyList<Sending>> BindAsync(IShop shop, int most, bool early)
    {
        var now = node.Time.GetUtcNow();
        var which = early ? "o.status IN (1, 4) AND o.transport = @yes" : "o.status = 1 AND o.next_retry_at <= @now";
        if (await node.Database.ReadAsync(async s => await s.FindAsync<Guid?>($"SELECT o.id FROM stock_operations o WHERE o.account = @account AND {which} AND o.command_id IS NULL LIMIT 1",
            new { account, now, yes = true })) is null) return [];
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<IReadOnlyList<Sending>>(Lane.Hub, Caller.System, async tx =>
        {
            var due = await tx.QueryAsync<OperationRow>($"""
                SELECT {OperationRow.Columns} FROM stock_operations o WHERE o.account = @account AND {which} AND o.command_id IS NULL
                    AND NOT EXISTS (SELECT 1 FROM stock_operations b WHERE b.account = o.account AND b.offer = o.offer AND b.command_id IS NOT NULL)
                    AND NOT EXISTS (SELECT 1 FROM channel_offers f WHERE f.account = o.account AND f.offer = o.offer AND f.hold_until > @now)
                ORDER BY o.next_retry_at, o.id LIMIT {(early ? 1 : MostOperations)}
                """, new { account, now = tx.Now, yes = true });
            // One that has no turn left has failed again should it fail.
            var batches = Batches(shop, due).Take(most).Select(ops => new Sending(tx.NewId(), ops, !early || ops[0].Status == OperationStatus.Failed)).ToList();
            foreach (var batch in batches) await books.BindAsync(tx, batch.Id, batch.Operations);
            return batches;
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : [];
    }

    private static IEnumerable<OperationRow[]> Batches(IShop shop, IReadOnlyList<OperationRow> due)
    {
        // Each offer once, whatever the table holds: two quantities in one call would have no order.
        var once = due.DistinctBy(o => o.Offer).ToList();
        foreach (var alone in once.Where(o => o.Solo)) yield return [alone];
        var together = once.Where(o => !o.Solo);
        foreach (var group in together.GroupBy(o => (shop.CallOf(o.Offer).Group, shop.SameQuantity ? o.Quantity : 0)))
            foreach (var batch in group.Chunk(shop.CallOf(group.First().Offer).Most)) yield return batch;
    }

    private async Task<CallAnswer> FirstAsync(IShop shop, Sending sending, CancellationToken ct)
    {
        var offers = Quantities(sending.Operations);
        var answer = await shop.SetAsync(sending.Id, offers, ct);
        await books.SentAsync(sending.Id, answer, shop.Reports ? null : shop.ReportIn(answer, offers), arrivedBefore: false, counts: sending.Counts);
        return answer;
    }

    /// <summary>Finds out what became of a command, and gives it again where it never arrived. Null when it needs no call.</summary>
    private async Task<CallAnswer?> FollowAsync(IShop shop, CommandRow command, bool counts, CancellationToken ct)
    {
        var operations = await node.Database.ReadAsync(async s => await OperationRow.OfCommandAsync(s, command.Id), ct);
        if (operations.Count == 0)
        {
            await books.ForgetAsync(command.Id);
            return null;
        }
        if (shop.Reports)
        {
            var (looked, report) = await shop.LookAsync(command.Id, operations.Count, ct);
            if (command.State == CommandRow.Taken || report is { State: not CommandState.Unknown } || !looked.Ok && looked.Result != CallResult.Missing)
            {
                await books.LookedAsync(command, looked, report, counts);
                return looked;
            }
        }
        // It never arrived, so what was cancelled meanwhile need not.
        List<OperationRow> wanted = [.. operations.Where(o => o.Status != OperationStatus.Cancelled)];
        if (wanted.Count == 0)
        {
            await books.ForgetAsync(command.Id);
            return null;
        }
        var offers = Quantities(wanted);
        var answer = await shop.SetAsync(command.Id, offers, ct);
        await books.SentAsync(command.Id, answer, shop.Reports ? null : shop.ReportIn(answer, offers), arrivedBefore: true, counts);
        return answer;
    }

    private static IReadOnlyList<OfferQuantity> Quantities(IReadOnlyList<OperationRow> operations) => [.. operations.Select(o => new OfferQuantity(o.Offer, o.Quantity))];
}
