using System.Collections.Concurrent;
using System.Globalization;
using Stowline.Contracts;
using Stowline.Hub.Promising;
using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>
/// Compares what each offer should show with what was last wanted of it, and makes an operation of each difference. It looks at the books themselves and remembers nothing, so no
/// change can be missed, whoever made it; it looks when something was committed, and now and then anyhow.
/// </summary>
internal sealed class StockPlan : Pump, IAsyncDisposable
{
    private const int Together = 500;
    private const int MostHints = 10_000;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Anyhow = TimeSpan.FromSeconds(30);

    /// <summary>A look after a commit may be too early: consumers still carry it into the promises. So it goes on looking for a while.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);

    private readonly Node _node;
    private readonly ChannelsModule _module;
    private readonly ConcurrentDictionary<(string Account, string Sku, bool IsBack), Cause> _orders = new();
    private long _committedAt;
    private readonly Rest _rest;
    private readonly Rest _withoutNews;

    public StockPlan(Node node, ChannelsModule module)
    {
        (_node, _module) = (node, module);
        (_rest, _withoutNews) = (new Rest(node.Time), new Rest(node.Time));
        node.Lanes.Committed += OnCommitted;
    }

    public override string Name => "channel stock";

    private sealed record OfferRow
    {
        public string Offer { get; init; } = "";
        public string Sku { get; init; } = "";
        public long? Wanted { get; init; }
    }

    private void OnCommitted(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (lane != Lane.HubAll) Volatile.Write(ref _committedAt, _node.Time.GetUtcNow().UtcTicks);
    }

    /// <summary>An order that an operation is made for.</summary>
    /// <param name="ExternalId">Its id at the marketplace.</param>
    internal sealed record Cause(Guid Order, string ExternalId);

    /// <summary>An order of a marketplace: the operations that it makes will name it.</summary>
    /// <param name="isBack">It is cancelled, and its units come back.</param>
    public void Hint(string account, Cause order, IEnumerable<string> skus, bool isBack)
    {
        if (_orders.Count > MostHints) _orders.Clear();
        foreach (var sku in skus) _orders[(account, sku, isBack)] = order;
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = _node.Time.GetUtcNow();
        if (!_node.Lanes.Duty.IsOurs || !_rest.IsOver) return false;
        // Where others may write, their commits are not seen here, only their effects.
        var recent = !_node.Database.SingleWriter || now.UtcTicks - Volatile.Read(ref _committedAt) <= Aftermath.Ticks;
        if (!recent && !_withoutNews.IsOver) return false;
        var began = _node.Time.GetTimestamp();
        var worked = false;
        foreach (var account in await _node.Database.ReadAsync(async s => await AccountRow.AllAsync(s), ct))
            if (account is { Enabled: true, Rules.SendsStock: true }) worked |= await PlanAsync(account, ct);
        _withoutNews.For(Anyhow);
        // A large catalog is looked at less often: never more than a twentieth of the time.
        var pace = 20 * _node.Time.GetElapsedTime(began);
        _rest.For(pace > Between ? pace : Between);
        return worked;
    }

    private async Task<bool> PlanAsync(AccountRow account, CancellationToken ct)
    {
        var after = "";
        var made = 0;
        while (true)
        {
            var page = await _node.Database.ReadAsync(async s => await s.QueryAsync<OfferRow>(
                "SELECT offer, sku, wanted FROM channel_offers WHERE account = @code AND offer > @after ORDER BY offer LIMIT @most", new { code = account.Code, after, most = Together }), ct);
            if (page.Count == 0) break;
            var shares = await _node.Database.ReadAsync(s => SharesAsync(s, account, page), ct);
            var differing = page.Where(o => shares.TryGetValue(o.Sku, out var share) && o.Wanted != share).ToList();
            if (differing.Count > 0) made += await WantAsync(account, differing);
            if (page.Count < Together) break;
            after = page[^1].Offer;
        }
        if (made > 0) _module.WakeAll();
        return made > 0;
    }

    /// <summary>
    /// The account's share of what may be promised, per SKU. What no site has ever had is left out: that nobody has counted it yet does not mean that there is none.
    /// </summary>
    private static async Task<Dictionary<string, long>> SharesAsync(SqlSession session, AccountRow account, IReadOnlyList<OfferRow> offers)
    {
        var pool = account.Rules.Share;
        var only = pool.Sites is { Count: > 0 } sites ? sites.ToHashSet(StringComparer.Ordinal) : null;
        var page = await Availability.OfAsync(session, [.. offers.Select(o => o.Sku).Distinct(StringComparer.Ordinal)], account.Code);
        return page.Items.Where(i => i.Sites.Count > 0)
            .ToDictionary(i => i.Sku, i => pool.Of(only is null ? i.Available : i.Sites.Where(s => only.Contains(s.Site)).Sum(s => s.Available)), StringComparer.Ordinal);
    }

    /// <summary>Looks again inside the transaction, where nothing moves any more, so that an older look never overwrites a newer one.</summary>
    private async Task<int> WantAsync(AccountRow account, IReadOnlyList<OfferRow> offers)
    {
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, async tx =>
        {
            var shares = await SharesAsync(tx.Group.Session, account, offers);
            var changes = new List<Change>(offers.Count);
            await tx.SelectAsync("SELECT offer, sku, wanted FROM channel_offers WHERE account = k.account AND offer = k.offer", offers.Count,
                [Column.Same("account", offers.Count, account.Code), Column.From("offer", offers, o => o.Offer)], row =>
                {
                    var (offer, sku, wanted) = (row.GetString(0), row.GetString(1), row.IsNull(2) ? (long?)null : row.GetInt64(2));
                    if (shares.TryGetValue(sku, out var share) && share != wanted) changes.Add(ChangeOf(account, offer, sku, wanted, share));
                });
            await tx.UpdateAsync("channel_offers", "wanted = k.wanted, wanted_at = k.now", changes.Count, [Column.Same("account", changes.Count, account.Code), Column.From("offer", changes, c => c.Offer)],
                Column.From("wanted", changes, c => c.Quantity), Column.Same("now", changes.Count, tx.Now));
            await MakeAsync(tx, _module.Sync, account.Code, changes);
            return changes.Count;
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : 0;
    }

    private Change ChangeOf(AccountRow account, string offer, string sku, long? before, long quantity)
    {
        var order = before is not null && _orders.TryRemove((account.Code, sku, before < quantity), out var cause) ? cause : null;
        var type = before is null ? OperationType.Adjustment : quantity < before ? OperationType.Deduction : OperationType.Refund;
        return new Change(offer, sku, quantity, before, type, order, $"{SnakeCaseEnum<OperationType>.Text(type)}: {before?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} to {quantity}", account.Rules.Share.Sites is [var only] ? only : null);
    }

    /// <summary>An offer is to be set to a quantity.</summary>
    internal sealed record Change(string Offer, string Sku, long Quantity, long? Previous, OperationType Type, Cause? Order, string Why, string? Warehouse = null);

    /// <summary>
    /// Makes operations. One that waits and was not sent yet takes the new quantity over: the latest wins, and the marketplace is not told of what is over already.
    /// </summary>
    internal static async ValueTask MakeAsync(LaneTransaction tx, StockSyncSettings settings, string account, IReadOnlyList<Change> changes)
    {
        if (changes.Count == 0) return;
        var (waiting, failed) = (new Dictionary<string, Guid>(StringComparer.Ordinal), new List<OperationRow>());
        await tx.SelectAsync("SELECT o.offer, o.id, o.status FROM stock_operations o WHERE o.account = k.account AND o.offer = k.offer AND o.status IN (1, 2, 4) AND o.command_id IS NULL",
            changes.Count, [Column.Same("account", changes.Count, account), Column.From("offer", changes, c => c.Offer)], row =>
            {
                if (row.GetInt32(2) == (int)OperationStatus.Pending) waiting[row.GetString(0)] = row.GetGuid(1);
                else failed.Add(new OperationRow { Id = row.GetGuid(1), Offer = row.GetString(0) });
            });
        List<(Change Change, OperationRow Row)> updated = [.. changes.Where(c => waiting.ContainsKey(c.Offer)).Select(c => (c, new OperationRow { Id = waiting[c.Offer], Quantity = c.Quantity }))];
        await tx.UpdateAsync("stock_operations", """
            quantity = k.quantity, sku = k.sku, external_order_id = CASE WHEN stock_operations.order_id IS NULL THEN k.external_order_id ELSE stock_operations.external_order_id END,
            order_id = COALESCE(stock_operations.order_id, k.order_id), updated_at = k.now
            """, updated.Count,
            [Column.From("id", updated, u => u.Row.Id)], Column.From("quantity", updated, u => u.Change.Quantity), Column.From("sku", updated, u => u.Change.Sku),
            Column.From("order_id", updated, u => u.Change.Order?.Order), Column.From("external_order_id", updated, u => u.Change.Order?.ExternalId), Column.Same("now", updated.Count, tx.Now));
        await SyncLog.WriteAllAsync(tx, [.. updated.Select(u => u.Row)], "updated", _ => OperationStatus.Pending, o => $"now {o.Quantity}");
        // What had failed with an older quantity must not come back after this one.
        await StockBooks.SupersedeAsync(tx, failed);
        await InsertAsync(tx, settings, account, [.. changes.Where(c => !waiting.ContainsKey(c.Offer))]);
    }

    private static async ValueTask InsertAsync(LaneTransaction tx, StockSyncSettings settings, string account, IReadOnlyList<Change> changes)
    {
        if (changes.Count == 0) return;
        var (n, ids) = (changes.Count, changes.Select(_ => tx.NewId()).ToArray());
        await tx.InsertAsync("stock_operations", n, Column.Of("id", ids), Column.Same("account", n, account), Column.From("offer", changes, c => c.Offer), Column.From("sku", changes, c => c.Sku),
            Column.From("operation_type", changes, c => (int)c.Type), Column.Same("status", n, (int)OperationStatus.Pending), Column.From("quantity", changes, c => c.Quantity),
            Column.From("previous", changes, c => c.Previous), Column.From("order_id", changes, c => c.Order?.Order), Column.From("external_order_id", changes, c => c.Order?.ExternalId),
            Column.From("warehouse", changes, c => c.Warehouse), Column.Same("retry_count", n, 0), Column.Same("max_retries", n, settings.RetryMaxAttempts),
            Column.Same("next_retry_at", n, tx.Now), Column.Same("solo", n, false), Column.Same("transport", n, false), Column.Same("revivals", n, 0), Column.Same("created_at", n, tx.Now),
            Column.Same("updated_at", n, tx.Now));
        await SyncLog.WriteAllAsync(tx, [.. changes.Zip(ids, (c, id) => new OperationRow { Id = id, ErrorMessage = c.Why })], "created", _ => OperationStatus.Pending, o => o.ErrorMessage);
        tx.Measure<ChannelMetrics>(m => m.Operation(account, "created", n));
    }

    public ValueTask DisposeAsync()
    {
        _node.Lanes.Committed -= OnCommitted;
        return ValueTask.CompletedTask;
    }
}
