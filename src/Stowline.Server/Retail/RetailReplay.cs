namespace Stowline.Server.Retail;

/// <summary>How far a replay is: for a progress bar.</summary>
internal readonly record struct ReplayProgress(string Week, DateOnly Day, int OrdersDone, int Orders);

/// <summary>
/// Carries a plan out on a shop. With the speed at max the orders of a day are placed together and then worked off by many workers at once;
/// paced, each is placed when its moment has come and worked off at once. Either way a day is closed before the next begins.
/// </summary>
/// <param name="workers">How many simulated workers pick, pack and ship at the same time.</param>
internal sealed class RetailReplay(IRetailShop shop, TimeProvider time, ReplaySpeed speed, int workers, Action<ReplayProgress>? progress = null)
{
    /// <summary>Placing waits for little but the commit, so it may have a whole group in flight.</summary>
    private const int PlacedTogether = 256;

    private readonly ReplayClock _clock = new(time, speed);
    private IReadOnlyDictionary<string, bool> _known = new Dictionary<string, bool>();
    private int _done;

    public StageTimes Stages { get; } = new(time);

    public async Task RunAsync(RetailPlan plan, CancellationToken ct)
    {
        _known = await shop.KnownOrdersAsync(ct);
        foreach (var week in plan.Weeks)
        {
            using (Stages.Time("receive")) await TogetherAsync(week.Receipts, 4, shop.ReceiveAsync, ct);
            foreach (var day in week.Days)
            {
                if (speed.Factor is null) await AllAtOnceAsync(day, ct);
                else await AsItHappenedAsync(day, ct);
                await CloseAsync(day, ct);
                progress?.Invoke(new ReplayProgress(week.Name, day.Date, _done, plan.Planned.Orders));
            }
        }
    }

    private async Task AllAtOnceAsync(RetailDay day, CancellationToken ct)
    {
        var cancelled = day.Cancellations.Select(c => c.ExternalId).ToHashSet(StringComparer.Ordinal);
        using (Stages.Time("place")) await TogetherAsync(day.Orders.Where(o => !_known.ContainsKey(o.ExternalId)), PlacedTogether, shop.PlaceAsync, ct);
        using (Stages.Time("cancel")) await TogetherAsync(day.Cancellations.Where(c => !IsFinished(c.ExternalId)), workers, shop.CancelAsync, ct);
        using (Stages.Time("fulfill"))
        {
            // The largest first: a day ends with its last order, and one of 700 lines begun last would hold up the whole day alone.
            var open = day.Orders.Where(o => !cancelled.Contains(o.ExternalId) && !IsFinished(o.ExternalId)).OrderByDescending(o => o.Lines.Count);
            await TogetherAsync(open, workers, (order, token) => shop.FulfillAsync(order.ExternalId, Worker(order), token), ct);
        }
        _done += day.Orders.Count;
    }

    private async Task AsItHappenedAsync(RetailDay day, CancellationToken ct)
    {
        // An order that is going to be undone today is not worked off: the plan says it was still open when the cancellation came.
        var cancelled = day.Cancellations.ToDictionary(c => c.ExternalId, StringComparer.Ordinal);
        var hands = new SemaphoreSlim(workers);
        var work = new List<Task>();
        var moments = day.Orders.Select(o => (o.At, Order: (PlannedOrder?)o, Cancel: (PlannedCancellation?)null))
            .Concat(day.Cancellations.Select(c => (c.At, Order: (PlannedOrder?)null, Cancel: (PlannedCancellation?)c))).OrderBy(m => m.At);
        foreach (var (at, order, cancel) in moments)
        {
            var id = order?.ExternalId ?? cancel!.ExternalId;
            if (order is null ? IsFinished(id) : _known.ContainsKey(id)) _clock.SetTo(at);
            else
            {
                await _clock.WaitForAsync(at, ct);
                if (order is not null) using (Stages.Time("place")) await shop.PlaceAsync(order, ct);
                else using (Stages.Time("cancel")) await shop.CancelAsync(cancel!, ct);
            }
            if (order is null) continue;
            _done++;
            if (!cancelled.ContainsKey(id) && !IsFinished(id)) work.Add(FulfillAsync(order, hands, ct));
        }
        using (Stages.Time("fulfill")) await Task.WhenAll(work);
    }

    private async Task FulfillAsync(PlannedOrder order, SemaphoreSlim hands, CancellationToken ct)
    {
        await hands.WaitAsync(ct);
        try
        {
            await shop.FulfillAsync(order.ExternalId, Worker(order), ct);
        }
        finally
        {
            hands.Release();
        }
    }

    private async Task CloseAsync(RetailDay day, CancellationToken ct)
    {
        using (Stages.Time("return")) await TogetherAsync(day.Returns, workers, shop.ReturnAsync, ct);
        // Of one SKU in their order: what is written off may be what was found just before.
        using (Stages.Time("adjust"))
            await TogetherAsync(day.Adjustments.GroupBy(a => a.Sku, StringComparer.Ordinal), workers, async (group, token) =>
            {
                foreach (var adjustment in group) await shop.AdjustAsync(adjustment, token);
            }, ct);
    }

    private bool IsFinished(string externalId) => _known.TryGetValue(externalId, out var finished) && finished;

    /// <summary>The same order is always somebody's, so that two runs of one file look the same.</summary>
    private string Worker(PlannedOrder order)
    {
        var sum = 0;
        foreach (var c in order.ExternalId) sum = (sum * 31 + c) & 0xFFFF;
        return $"worker-{sum % workers + 1:00}";
    }

    private static Task TogetherAsync<T>(IEnumerable<T> items, int atOnce, Func<T, CancellationToken, Task> act, CancellationToken ct) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct }, async (item, token) => await act(item, token));
}

/// <summary>Wall-clock time per stage, in seconds, in order of first appearance.</summary>
internal sealed class StageTimes(TimeProvider time)
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, TimeSpan> _spent = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, double> Seconds => _order.ToDictionary(s => s, s => Math.Round(_spent[s].TotalSeconds, 2));

    /// <summary>Times until the answer is disposed. Stages of one kind add up.</summary>
    public IDisposable Time(string stage)
    {
        if (_spent.TryAdd(stage, TimeSpan.Zero)) _order.Add(stage);
        return new Running(this, time, stage, time.GetTimestamp());
    }

    private sealed class Running(StageTimes times, TimeProvider clock, string stage, long since) : IDisposable
    {
        public void Dispose() => times._spent[stage] += clock.GetElapsedTime(since);
    }
}
