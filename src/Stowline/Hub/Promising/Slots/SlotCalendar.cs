namespace Stowline.Hub.Promising;

/// <summary>Capacity taken in one slot. <paramref name="Start"/> in Unix seconds.</summary>
public readonly record struct SlotShare(long Start, long Amount);

/// <summary>
/// The open slots of one site in memory, in blocks of a local day. Pure but for what it remembers: which slots exist, what is used in them, and per block
/// an upper bound of what is free, so that full days are passed over at one look each.
/// </summary>
internal sealed class SlotCalendar(SlotPlan plan, TimeZoneInfo zone)
{
    private const int MaxWishDays = 31;

    private sealed class Block(long[] starts, long[] used, long bound)
    {
        public long[] Starts => starts;
        public long[] Used => used;
        /// <summary>At least what the freest slot of the block has.</summary>
        public long Bound { get; set; } = bound;
    }

    private readonly Dictionary<DateOnly, Block> _blocks = [];
    private readonly Dictionary<long, long> _used = [];

    public SlotPlan Plan => plan;

    /// <summary>Takes over what a slot's row says.</summary>
    public void Set(long start, long used)
    {
        _used[start] = used;
        foreach (var date in DatesAround(start))
        {
            if (!_blocks.TryGetValue(date, out var block)) continue;
            var at = Array.BinarySearch(block.Starts, start);
            if (at < 0) continue;
            block.Used[at] = used;
            block.Bound = Math.Max(block.Bound, plan.Capacity - used);
        }
    }

    public long UsedIn(long start) => _used.GetValueOrDefault(start);

    public void Take(SlotShare share) => Set(share.Start, UsedIn(share.Start) + share.Amount);

    /// <summary>
    /// The first place for an amount: one slot that has room for all of it, or, where it is larger than any slot, consecutive open slots of which the first gives what it has, the
    /// middle ones are wholly free, and the last takes the rest. Null where the days have no such place.
    /// </summary>
    public SlotShare[]? Find(DateTimeOffset now, long amount)
    {
        var from = Floor(now.ToUnixTimeSeconds() + plan.LeadMinutes * 60L);
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime);
        return Search(today.AddDays(-1), today.AddDays(plan.Days - 1), from, amount);
    }

    /// <summary>The slot at a wished moment, and those that follow it where the amount is larger. Null where it has no room or is not open.</summary>
    public SlotShare[]? At(DateTimeOffset now, DateTimeOffset wished, long amount)
    {
        var start = Floor(wished.ToUnixTimeSeconds());
        if (start < Floor(now.ToUnixTimeSeconds() + plan.LeadMinutes * 60L) || wished > now.AddDays(Math.Max(plan.Days, MaxWishDays))) return null;
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(wished, zone).DateTime);
        var found = Search(day.AddDays(-1), day.AddDays(amount > plan.Capacity ? plan.Days : 0), start, amount);
        return found?[0].Start == start ? found : null;
    }

    /// <summary>The open slots of a local date, with what is used.</summary>
    public IEnumerable<(long Start, long Used)> On(DateOnly date)
    {
        var block = BlockOf(date);
        for (var i = 0; i < block.Starts.Length; i++) yield return (block.Starts[i], block.Used[i]);
    }

    private SlotShare[]? Search(DateOnly first, DateOnly last, long from, long amount)
    {
        var large = amount > plan.Capacity;
        var run = new List<SlotShare>();
        for (var date = first; date <= last; date = date.AddDays(1))
        {
            var block = BlockOf(date);
            if (!large && block.Bound < amount) continue;
            var bound = 0L;
            for (var i = FirstFrom(block, from); i < block.Starts.Length; i++)
            {
                var free = plan.Capacity - block.Used[i];
                bound = Math.Max(bound, free);
                if (!large && free >= amount) return [new SlotShare(block.Starts[i], amount)];
                if (large && Extend(run, block.Starts[i], free, amount)) return [.. run];
            }
            if (block.Starts.Length == 0 || block.Starts[0] >= from) block.Bound = bound;
        }
        return null;
    }

    /// <summary>Adds a slot to a run, or begins a new one. True when the run has it all.</summary>
    private bool Extend(List<SlotShare> run, long start, long free, long amount)
    {
        var missing = amount - run.Sum(r => r.Amount);
        if (run.Count > 0 && free >= missing)
        {
            run.Add(new SlotShare(start, missing));
            return true;
        }
        if (run.Count > 0 && free < plan.Capacity) run.Clear(); // a middle one must be wholly free
        if (free > 0) run.Add(new SlotShare(start, free));
        return false;
    }

    private static int FirstFrom(Block block, long from)
    {
        var at = Array.BinarySearch(block.Starts, from);
        return at >= 0 ? at : ~at;
    }

    private Block BlockOf(DateOnly date)
    {
        if (_blocks.TryGetValue(date, out var known)) return known;
        // Yesterday's night may reach into today: a slot belongs to the day on which its opening began.
        var before = plan.Hours.On(date.AddDays(-1), zone).Select(i => i.To.ToUnixTimeSeconds()).DefaultIfEmpty(long.MinValue).Max();
        var starts = new List<long>();
        foreach (var (open, close) in plan.Hours.On(date, zone))
        {
            var first = Math.Max(open.ToUnixTimeSeconds(), before);
            for (var start = Floor(first + plan.LengthSeconds - 1); start + plan.LengthSeconds <= close.ToUnixTimeSeconds(); start += plan.LengthSeconds)
                if (starts.Count == 0 || start > starts[^1]) starts.Add(start);
        }
        long[] used = [.. starts.Select(UsedIn)];
        return _blocks[date] = new Block([.. starts], used, used.Length == 0 ? 0 : plan.Capacity - used.Min());
    }

    /// <summary>Slots lie on a grid of the length since 1970, so that other hours do not move it under what is promised.</summary>
    private long Floor(long seconds) => seconds - (seconds % plan.LengthSeconds + plan.LengthSeconds) % plan.LengthSeconds;

    private IEnumerable<DateOnly> DatesAround(long start)
    {
        var date = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeSeconds(start), zone).DateTime);
        return [date.AddDays(-1), date];
    }
}
