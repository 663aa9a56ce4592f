using System.Collections.Concurrent;
using Stowline.Log;

namespace Stowline.Hub.Quotes;

/// <summary>
/// Callers that wait for a quote to end (long poll). What this process commits wakes them at once; a quote that another process ends is noticed within a
/// second, which is cheaper than reading along a lane that is full of orders.
/// </summary>
internal sealed class QuoteWaiters(Node node)
{
    private const int MaxWaiting = 1_000;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<Signal, bool>> _waiting = new(StringComparer.Ordinal);
    private int _count;

    public void Committed(Lane lane, IReadOnlyList<EventRecord> events)
    {
        if (lane != Lane.Hub || _waiting.IsEmpty) return;
        foreach (var e in events)
            if (e.Type.StartsWith("quote.", StringComparison.Ordinal) && _waiting.TryGetValue(e.Subject, out var signals))
                foreach (var signal in signals.Keys) signal.Set();
    }

    /// <summary>Reads the quote until it has ended, at most as long as said; then it is answered as it stands. Also at once where too many wait already.</summary>
    public async Task<QuoteRow?> ReadAsync(Guid id, TimeSpan most, CancellationToken ct)
    {
        var until = node.Time.GetUtcNow() + most;
        var signal = new Signal();
        var isWaiting = most > TimeSpan.Zero && Interlocked.Increment(ref _count) <= MaxWaiting;
        var signals = isWaiting ? _waiting.GetOrAdd(QuoteRow.SubjectOf(id), _ => new ConcurrentDictionary<Signal, bool>()) : null;
        signals?.TryAdd(signal, true);
        try
        {
            while (true)
            {
                var row = await node.Database.ReadAsync(session => QuoteRow.FindAsync(session, id), ct);
                var left = until - node.Time.GetUtcNow();
                if (row is not { Status: QuoteStatus.Calculating } || !isWaiting || left <= TimeSpan.Zero) return row;
                await signal.WaitAsync(left < Look ? left : Look, node.Time, ct);
            }
        }
        finally
        {
            signals?.TryRemove(signal, out _);
            // Whoever comes at this very moment may be left with a list that nobody sets: it looks by itself a second later.
            if (signals is { IsEmpty: true }) _waiting.TryRemove(QuoteRow.SubjectOf(id), out _);
            if (most > TimeSpan.Zero) Interlocked.Decrement(ref _count);
        }
    }
}
