using StackExchange.Redis;

namespace Stowline.Adapters.Redis;

/// <summary>An entry to be added: its fields with their values, in this order.</summary>
public sealed record StreamEntry(string Stream, IReadOnlyList<(string Name, object Value)> Fields);

/// <summary>Writes streams: in order, and no shorter than those who read them allow.</summary>
public sealed class RedisStreams(RedisLink link, RedisSettings settings)
{
    private const int MostPerCall = 500;
    private const int TrimEvery = 1_000;

    /// <summary>All or nothing, and nothing of others between: of entries that fail half way a later one must not be there before an earlier one.</summary>
    private const string Append = """
        local i = 1
        while i <= #ARGV do
          local n = tonumber(ARGV[i])
          redis.call('XADD', KEYS[1], '*', unpack(ARGV, i + 1, i + n))
          i = i + n + 1
        end
        return 0
        """;

    /// <summary>
    /// Drops the oldest entries down to ARGV[1], but none that a group has not been given, or has not acknowledged: those before the first such entry only. In steps,
    /// so that Redis does nothing else for a moment only.
    /// </summary>
    private const string Trim = """
        local spare = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[1])
        if spare <= 0 then return 0 end
        local function parts(id)
          local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
          return ms, seq
        end
        local function before(a, b)
          local am, as = parts(a)
          local bm, bs = parts(b)
          if #am ~= #bm then return #am < #bm end
          if am ~= bm then return am < bm end
          return tonumber(as) < tonumber(bs)
        end
        local safe = nil
        for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
          local group = {}
          for f = 1, #info, 2 do group[info[f]] = info[f + 1] end
          local first = group['last-delivered-id']
          if group['pending'] > 0 then
            local pending = redis.call('XPENDING', KEYS[1], group['name'])[2]
            if pending and before(pending, first) then first = pending end
          end
          if safe == nil or before(first, safe) then safe = first end
        end
        local oldest = redis.call('XRANGE', KEYS[1], '-', safe or '+', 'COUNT', math.min(spare + 1, 1000))
        if #oldest < 2 then return 0 end
        return redis.call('XTRIM', KEYS[1], 'MINID', oldest[#oldest][1])
        """;

    private readonly Dictionary<string, int> _untilTrim = new(StringComparer.Ordinal);

    /// <summary>Completes when Redis has all of them. What it throws is to be tried again as a whole: some streams may have theirs already.</summary>
    public async Task AppendAsync(IReadOnlyList<StreamEntry> entries, CancellationToken ct)
    {
        foreach (var stream in entries.GroupBy(e => e.Stream, StringComparer.Ordinal))
        {
            foreach (var some in stream.Chunk(MostPerCall))
            {
                var args = new List<object> { Append, 1, stream.Key };
                foreach (var entry in some)
                {
                    args.Add(entry.Fields.Count * 2);
                    foreach (var (name, value) in entry.Fields)
                    {
                        args.Add(name);
                        args.Add(value);
                    }
                }
                await link.RunAsync("EVAL", ct, [.. args]);
            }
            await TrimNowAndThenAsync(stream.Key, stream.Count(), ct);
        }
    }

    private async Task TrimNowAndThenAsync(string stream, int added, CancellationToken ct)
    {
        var left = Math.Max(0, _untilTrim.GetValueOrDefault(stream)) - added;
        for (var step = 0; left <= 0 && step < 10; step++)
            if ((long)await link.RunAsync("EVAL", ct, Trim, 1, stream, settings.Keep) < 900) left = TrimEvery;
        _untilTrim[stream] = left;
    }
}
