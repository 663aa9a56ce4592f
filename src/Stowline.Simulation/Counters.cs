namespace Stowline.Simulation;

/// <summary>How often things happened: a simulation in which nothing goes wrong proves nothing.</summary>
public sealed class Counters
{
    /// <summary>What must happen at least once in every hundred seeds of 500 steps.</summary>
    public static readonly IReadOnlyList<string> Rare =
    [
        "orders", "promises", "orders answered again", "orders refused for stock", "orders cancelled", "cancellations too late", "orders re-routed", "backorders", "orders held",
        "parts assigned", "parts shipped", "parts short", "parts cancelled", "picks short", "bins tried again", "put-backs", "returns", "damages", "counts", "bins locked", "policies changed",
        "persons erased", "recalls asked", "recalls answered", "crashes", "crashes in a commit", "commits refused", "commit answers lost", "answers never given", "requests answered again",
        "partitions", "one-way partitions", "connections", "connections gone silent", "frames lost", "frames doubled", "frames overtaken", "duplicates dropped", "batches sent again",
        "clock jumps", "units lost", "counter sales", "counter sales beyond the share", "counter sales refused", "backups", "restores", "repairs confirmed", "events taken back", "orders recovered",
        "sites excluded", "histories joined", "sites compared beside a repair",
        "sites given up", "sites taken back", "orders shipped after all", "epochs opened", "epochs answered", "epochs with units in dispute",
        "transfers", "transfers refused for stock", "transfers cancelled", "transfers too late to cancel", "transfers before the news", "transfers received", "transfers short", "transfers over",
        "counts asked", "counts planned", "counts after short picks", "second counts", "counts given up", "counts refused as stale", "lots expired", "expired lots taken away",
        "pools", "pools removed", "orders refused for a pool",
    ];

    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> All => _counts;
    public long this[string what] => _counts.GetValueOrDefault(what);

    internal void Add(string what, long times = 1) => _counts[what] = _counts.GetValueOrDefault(what) + times;

    internal void Add(Counters others)
    {
        foreach (var (what, times) in others._counts) Add(what, times);
    }
}
