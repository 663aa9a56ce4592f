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

    private sealed record Sending(Guid Id, IReadOnlyList<OperationRow> Operations);

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
        var sent = due.Count < most ? await BindAsync(shop, most - due.Count) : [];
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
    private async Task<IReadOnlyList<Sending>> BindAsync(IShop shop, int most)
    {
        var now = node.Time.GetUtcNow();
        if (await node.Database.ReadAsync(async s => await s.FindAsync<Guid?>("SELECT id FROM stock_operations WHERE account = @account AND status = 1 AND command_id IS NULL AND next_retry_at <= @now LIMIT 1",
            new { account, now })) is null) return [];
        var outcome = await node.Lanes.ExecuteAsConsumerAsync<IReadOnlyList<Sending>>(Lane.Hub, Caller.System, async tx =>
        {
            var due = await tx.QueryAsync<OperationRow>($"""
                SELECT {OperationRow.Columns} FROM stock_operations o WHERE o.account = @account AND o.status = 1 AND o.command_id IS NULL AND o.next_retry_at <= @now
                    AND NOT EXISTS (SELECT 1 FROM stock_operations b WHERE b.account = o.account AND b.offer = o.offer AND b.command_id IS NOT NULL)
                    AND NOT EXISTS (SELECT 1 FROM channel_offers f WHERE f.account = o.account AND f.offer = o.offer AND f.hold_until > @now)
                ORDER BY o.next_retry_at, o.id LIMIT {MostOperations}
                """, new { account, now = tx.Now });
            var batches = Batches(shop, due).Take(most).Select(ops => new Sending(tx.NewId(), ops)).ToList();
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
        var groups = shop.SameQuantity ? together.GroupBy(o => o.Quantity).Select(g => g.AsEnumerable()) : [together];
        foreach (var group in groups)
            foreach (var batch in group.Chunk(shop.BatchSize)) yield return batch;
    }

    private async Task<CallAnswer> FirstAsync(IShop shop, Sending sending, CancellationToken ct)
    {
        var answer = await shop.SetAsync(sending.Id, Quantities(sending.Operations), ct);
        await books.SentAsync(sending.Id, answer, shop.Reports, arrivedBefore: false, counts: true);
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
        var answer = await shop.SetAsync(command.Id, Quantities(wanted), ct);
        await books.SentAsync(command.Id, answer, shop.Reports, arrivedBefore: true, counts);
        return answer;
    }

    private static IReadOnlyList<OfferQuantity> Quantities(IReadOnlyList<OperationRow> operations) => [.. operations.Select(o => new OfferQuantity(o.Offer, o.Quantity))];
}
