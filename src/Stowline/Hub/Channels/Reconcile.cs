using Stowline.Log;
using Stowline.Store;

namespace Stowline.Hub.Channels;

/// <summary>
/// Compares what a marketplace shows with what it should show (S3): every half hour, or when asked, one page per step so that orders and stock never wait for it. A difference is set
/// right when it has stood for the threshold. Where more is shown than may be sold, it need only stand for two minutes: by then it is no late answer, and every sale of it would be a broken promise.
/// </summary>
internal sealed class Reconcile(Node node, string account, StockSyncSettings settings, StockBooks books)
{
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(2);
    private Run? _run;

    private sealed class Run(IReadOnlyList<string> offers, bool fixes)
    {
        public IReadOnlyList<string> Offers => offers;
        public bool Fixes => fixes;
        public string? From { get; set; }
        /// <summary>Something differs that is too young to be set right.</summary>
        public bool Young { get; set; }
    }

    private sealed record OfferState
    {
        public string Offer { get; init; } = "";
        public string Sku { get; init; } = "";
        public long? Wanted { get; init; }
        public DateTimeOffset? AcknowledgedAt { get; init; }
        public DateTimeOffset? DiffersSince { get; init; }
        public bool Open { get; init; }
    }

    public async Task<bool> RunAsync(IShop shop, AccountRow row, CancellationToken ct)
    {
        var now = node.Time.GetUtcNow();
        if (row.FailingSince is not null || _run is null && row.ReconcileAt > now) return false;
        _run ??= new Run(await node.Database.ReadAsync(async s => await s.QueryAsync<string>("SELECT offer FROM channel_offers WHERE account = @account ORDER BY offer", new { account }), ct), row.ReconcileFixes);
        if (!shop.CanRead)
        {
            await EndAsync(now, again: false);
            return false;
        }
        var (answer, page) = await shop.ReadAsync(_run.Offers, _run.From, settings.ReconciliationBatchSize, ct);
        if (page is null && (!answer.IsAway || answer.Result == CallResult.Denied))
        {
            await EndAsync(now, again: false); // it does not let us look: next time perhaps
            return false;
        }
        await books.AnsweredAsync(row, [answer]);
        if (page is null) return false;
        await CompareAsync(page.Offers, now, row.Rules.SendsStock);
        _run.From = page.Next;
        if (page.Next is null) await EndAsync(now, _run.Young);
        return true;
    }

    private async Task EndAsync(DateTimeOffset now, bool again)
    {
        var next = now + (again ? Settled : TimeSpan.FromMinutes(settings.ReconciliationIntervalMinutes));
        var fixes = again && _run!.Fixes;
        await node.Lanes.ExecuteAsConsumerAsync<Kernel.Done>(Lane.Hub, Caller.System, async tx =>
        {
            // Whoever asked for another one meanwhile gets it.
            await tx.WriteAsync("""
                UPDATE channel_accounts SET reconciled_at = @done, reconcile_at = @next, reconcile_fixes = @fixes, reconciled_task = COALESCE(reconcile_task, reconciled_task), reconcile_task = NULL
                WHERE code = @account AND reconcile_at <= @now
                """,
                new { account, now, done = tx.Now, next, fixes });
            return new Kernel.Done();
        });
        _run = null;
    }

    /// <param name="asked">When the marketplace was asked: what it has confirmed since is not compared.</param>
    private Task CompareAsync(IReadOnlyList<ShownOffer> shown, DateTimeOffset asked, bool sends) => node.Lanes.ExecuteAsConsumerAsync<Kernel.Done>(Lane.Hub, Caller.System, async tx =>
    {
        await ChannelOffers.LearnAsync(tx, account, [.. shown.Select(s => (s.Offer, s.Sku))]);
        var known = new Dictionary<string, OfferState>(StringComparer.Ordinal);
        await tx.SelectAsync("""
            SELECT f.offer, f.sku, f.wanted, f.acknowledged_at, f.differs_since,
                (SELECT COUNT(*) FROM stock_operations o WHERE o.account = f.account AND o.offer = f.offer AND (o.status IN (1, 2) OR o.command_id IS NOT NULL))
            FROM channel_offers f WHERE f.account = k.account AND f.offer = k.offer
            """, shown.Count, [Column.Same("account", shown.Count, account), Column.From("offer", shown, s => s.Offer)],
            r => known[r.GetString(0)] = new OfferState
            {
                Offer = r.GetString(0), Sku = r.GetString(1), Wanted = r.IsNull(2) ? null : r.GetInt64(2), AcknowledgedAt = r.IsNull(3) ? null : r.GetTime(3),
                DiffersSince = r.IsNull(4) ? null : r.GetTime(4), Open = r.GetInt64(5) > 0,
            });
        foreach (var offer in shown)
        {
            if (offer.Quantity is not { } quantity || !known.TryGetValue(offer.Offer, out var state)) continue;
            var differs = state is { Wanted: { } wanted, Open: false } && wanted != quantity && (state.AcknowledgedAt is null || state.AcknowledgedAt < asked);
            var since = differs ? state.DiffersSince ?? tx.Now : (DateTimeOffset?)null;
            await tx.WriteAsync("UPDATE channel_offers SET seen = @quantity, seen_at = @now, differs_since = @since WHERE account = @account AND offer = @offer",
                new { account, offer = offer.Offer, quantity, now = tx.Now, since });
            if (differs) await FixAsync(tx, state, quantity, tx.Now - since!.Value, sends);
        }
        return new Kernel.Done();
    });

    private async ValueTask FixAsync(LaneTransaction tx, OfferState offer, long shown, TimeSpan age, bool sends)
    {
        var patience = _run!.Fixes || shown > offer.Wanted ? Settled : TimeSpan.FromHours(settings.ReconciliationAutoFixThresholdHours);
        if (!sends) return;
        if (age < patience)
        {
            _run.Young |= patience == Settled;
            return;
        }
        await StockPlan.MakeAsync(tx, settings, account,
            [new StockPlan.Change(offer.Offer, offer.Sku, offer.Wanted!.Value, shown, OperationType.Adjustment, null, $"reconciliation: {shown} was shown instead of {offer.Wanted}")]);
        await tx.WriteAsync("UPDATE channel_offers SET differs_since = NULL WHERE account = @account AND offer = @offer", new { account, offer = offer.Offer });
    }
}
