using System.Collections.Concurrent;
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
    private readonly ConcurrentDictionary<(string Account, string Sku), Guid> _orders = new();
    private long _committedAt;
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private DateTimeOffset _looked = DateTimeOffset.MinValue;

    public StockPlan(Node node, ChannelsModule module)
    {
        (_node, _module) = (node, module);
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

    /// <summary>An order of a marketplace: the operations that it makes will name it.</summary>
    public void Hint(string account, Guid order, IEnumerable<string> skus)
    {
        if (_orders.Count > MostHints) _orders.Clear();
        foreach (var sku in skus) _orders[(account, sku)] = order;
    }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        var now = _node.Time.GetUtcNow();
        if (!_node.Lanes.Duty.IsOurs || now < _next) return false;
        // Where others may write, their commits are not seen here, only their effects.
        var recent = !_node.Database.SingleWriter || now.UtcTicks - Volatile.Read(ref _committedAt) <= Aftermath.Ticks;
        if (!recent && now < _looked + Anyhow) return false;
        var worked = false;
        foreach (var account in await _node.Database.ReadAsync(async s => await AccountRow.AllAsync(s), ct))
            if (account is { Enabled: true, Rules.SendsStock: true }) worked |= await PlanAsync(account, ct);
        _looked = now;
        // A large catalog is looked at less often: never more than a twentieth of the time.
        var pace = 20 * (_node.Time.GetUtcNow() - now);
        _next = now + (pace > Between ? pace : Between);
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
            var differing = page.Where(o => o.Wanted != shares[o.Sku]).ToList();
            if (differing.Count > 0) made += await WantAsync(account, differing);
            if (page.Count < Together) break;
            after = page[^1].Offer;
        }
        if (made > 0) _module.WakeAll();
        return made > 0;
    }

    /// <summary>The account's share of what may be promised, per SKU.</summary>
    private static async Task<Dictionary<string, long>> SharesAsync(SqlSession session, AccountRow account, IReadOnlyList<OfferRow> offers)
    {
        var pool = account.Rules.Share;
        var only = pool.Sites is { Count: > 0 } sites ? sites.ToHashSet(StringComparer.Ordinal) : null;
        var page = await Availability.OfAsync(session, [.. offers.Select(o => o.Sku).Distinct(StringComparer.Ordinal)]);
        return page.Items.ToDictionary(i => i.Sku, i => pool.Of(only is null ? i.Available : i.Sites.Where(s => only.Contains(s.Site)).Sum(s => s.Available)), StringComparer.Ordinal);
    }

    /// <summary>Looks again inside the transaction, where nothing moves any more, so that an older look never overwrites a newer one.</summary>
    private async Task<int> WantAsync(AccountRow account, IReadOnlyList<OfferRow> offers)
    {
        var outcome = await _node.Lanes.ExecuteAsConsumerAsync<int>(Lane.Hub, Caller.System, async tx =>
        {
            var made = 0;
            var shares = await SharesAsync(tx.Group.Session, account, offers);
            foreach (var offer in offers)
            {
                var now = await tx.FindAsync<OfferRow>("SELECT offer, sku, wanted FROM channel_offers WHERE account = @code AND offer = @offer", new { code = account.Code, offer = offer.Offer });
                if (now is null || now.Sku != offer.Sku || now.Wanted == shares[now.Sku]) continue;
                await SetAsync(tx, account.Code, now, shares[now.Sku], null);
                made++;
            }
            return made;
        });
        return outcome.Outcome.IsOk ? outcome.Outcome.Value : 0;
    }

    private async ValueTask SetAsync(LaneTransaction tx, string account, OfferRow offer, long quantity, string? why)
    {
        await tx.WriteAsync("UPDATE channel_offers SET wanted = @quantity, wanted_at = @now WHERE account = @account AND offer = @offer", new { account, offer = offer.Offer, quantity, now = tx.Now });
        var order = offer.Wanted > quantity && _orders.TryRemove((account, offer.Sku), out var id) ? id : (Guid?)null;
        var type = offer.Wanted is not { } before ? OperationType.Adjustment : quantity < before ? OperationType.Deduction : OperationType.Refund;
        await MakeAsync(tx, _module.Sync, account, offer.Offer, offer.Sku, quantity, offer.Wanted, type, order, why);
    }

    /// <summary>
    /// Makes an operation. One that waits and was not sent yet takes the new quantity over: the latest wins, and the marketplace is not told of what is over already.
    /// </summary>
    internal static async ValueTask MakeAsync(LaneTransaction tx, StockSyncSettings settings, string account, string offer, string sku, long quantity, long? previous, OperationType type, Guid? order, string? why)
    {
        var waiting = await tx.ChangeAsync<Guid?>("""
            UPDATE stock_operations SET quantity = @quantity, sku = @sku, updated_at = @now WHERE account = @account AND offer = @offer AND status = 1 AND command_id IS NULL RETURNING id
            """, new { account, offer, sku, quantity, now = tx.Now });
        if (waiting is { } known)
        {
            if (order is { } by) await tx.WriteAsync("UPDATE stock_operations SET order_id = @by WHERE id = @known AND order_id IS NULL", new { known, by });
            await SyncLog.WriteAsync(tx, known, "updated", OperationStatus.Pending, $"now {quantity}");
            return;
        }
        // What had failed with an older quantity must not come back after this one.
        await tx.WriteAsync("UPDATE stock_operations SET status = 5, revive_at = NULL, updated_at = @now, error_message = @over WHERE account = @account AND offer = @offer AND status = 4 AND command_id IS NULL",
            new { account, offer, now = tx.Now, over = "superseded by a newer quantity" });
        var id = tx.NewId();
        await tx.WriteAsync("""
            INSERT INTO stock_operations (id, account, offer, sku, operation_type, status, quantity, previous, order_id, retry_count, max_retries, next_retry_at, solo, transport, revivals, created_at, updated_at)
            VALUES (@id, @account, @offer, @sku, @type, 1, @quantity, @previous, @order, 0, @most, @now, @no, @no, 0, @now, @now)
            """, new { id, account, offer, sku, type, quantity, previous, order, most = settings.RetryMaxAttempts, now = tx.Now, no = false });
        await SyncLog.WriteAsync(tx, id, "created", OperationStatus.Pending, why ?? $"{SnakeCaseEnum<OperationType>.Text(type)}: {previous?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"} to {quantity}");
        tx.Measure<ChannelMetrics>(m => m.Operation(account, "created"));
    }

    public ValueTask DisposeAsync()
    {
        _node.Lanes.Committed -= OnCommitted;
        return ValueTask.CompletedTask;
    }
}
