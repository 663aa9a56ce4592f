using System.Collections.Concurrent;
using Stowline.Hub.Quotes.Mesh;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>What this process calculates now: lets a cancellation here stop the work at once instead of at its next sign of life.</summary>
internal sealed class RunningQuotes
{
    private readonly ConcurrentDictionary<Guid, CancellationTokenSource> _running = new();

    public void Add(Guid quote, CancellationTokenSource stop) => _running[quote] = stop;
    public void Remove(Guid quote) => _running.TryRemove(quote, out _);

    public void Cancel(Guid quote)
    {
        if (!_running.TryGetValue(quote, out var stop)) return;
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // it has just ended by itself
        }
    }
}

/// <summary>
/// One worker: leases a quote, calculates it on a thread of its own, ends it. There are half as many as processors, so that prices never take the processor
/// from orders. Says every five seconds how far it is, which also keeps the lease.
/// </summary>
internal sealed class QuoteWorker(int number, Node node, QuoteQueue queue, ModelFolder folder, RunningQuotes running, Signal wake) : Pump
{
    private static readonly TimeSpan Sign = TimeSpan.FromSeconds(5);

    /// <summary>The source's worst price took half an hour; what takes longer is hostile.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    public override string Name => $"quotes {number}";
    public override Signal Wake => wake;

    /// <summary>Between reading a quote's file and writing its price: for tests of what happens when a process ends there.</summary>
    internal Func<ClaimedQuote, Task>? Measured { get; set; }

    public override async ValueTask<bool> RunOnceAsync(CancellationToken ct)
    {
        if (await queue.ClaimAsync(ct) is not { } claimed) return false;
        wake.Set(); // one signal wakes one worker; where one quote waits there may be more
        await CalculateAsync(claimed, ct);
        return true;
    }

    private async Task CalculateAsync(ClaimedQuote claimed, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        running.Add(claimed.Quote.Id, stop);
        try
        {
            var work = new Work(stop.Token);
            var measuring = Task.Factory.StartNew(() => Measure(claimed, work), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            var isLate = await WatchAsync(claimed, work, measuring, stop);
            var measured = await measuring;
            if (Measured is { } hook) await hook(claimed);
            if (measured is not null) await queue.FinishAsync(claimed, measured);
            else if (isLate) await queue.FailAsync(claimed, "took_too_long", $"more than {Longest.TotalMinutes:0} minutes");
            else if (ct.IsCancellationRequested) await queue.GiveBackAsync(claimed);
        }
        catch (FileNotFoundException)
        {
            await queue.FailAsync(claimed, "model_missing", "the model file is not there any more");
        }
        catch (IOException)
        {
            await queue.RetryLaterAsync(claimed);
            throw; // shown in the status
        }
        finally
        {
            running.Remove(claimed.Quote.Id);
        }
    }

    /// <summary>Runs on the worker's own thread. Null when it was stopped.</summary>
    private MeasuredModel? Measure(ClaimedQuote claimed, Work work)
    {
        var quote = claimed.Quote;
        if (quote.GivenMeasures is { } given) return new MeasuredModel(given, null, null);
        try
        {
            using var file = new FileStream(folder.PathOf(quote.Id, quote.ModelFormat!.Value), FileMode.Open, FileAccess.Read, FileShare.Read, 64 * 1024);
            return MeshMeasure.Run(file, quote.ModelFormat.Value, Millimeters(quote.Units), claimed.MinWallMm, work);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static double Millimeters(ModelUnits units) => units switch { ModelUnits.Mm => 1, ModelUnits.Cm => 10, ModelUnits.M => 1_000, ModelUnits.Inch => 25.4 };

    /// <summary>Gives signs of life until the work has ended; true when it had to be stopped for taking too long.</summary>
    private async Task<bool> WatchAsync(ClaimedQuote claimed, Work work, Task measuring, CancellationTokenSource stop)
    {
        var ended = new Signal();
        _ = measuring.ContinueWith(_ => ended.Set(), TaskScheduler.Default);
        var began = node.Time.GetUtcNow();
        var isLate = false;
        while (true)
        {
            await ended.WaitAsync(Sign, node.Time, CancellationToken.None);
            if (measuring.IsCompleted) return isLate;
            isLate = node.Time.GetUtcNow() - began > Longest;
            if (isLate || !await queue.RenewAsync(claimed, work.Percent)) await stop.CancelAsync();
        }
    }
}
